"""Record batches that come one after the other, as units that are cut while one walks along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from lossctl.errors import DataError
from lossctl.readers.arrow import brief, check, chunks, column, columns_of
from lossctl.readers.source import Chunk, ColumnInfo, Unit

if TYPE_CHECKING:
    import pyarrow as pa

# batches are joined until a unit has this many rows or bytes
UNIT_ROWS = 1 << 17
UNIT_BYTES = 1 << 22


class Contents(NamedTuple):
    """What the metadata of a file says that falls into parts: record batches, or stripes."""

    schema: pa.Schema
    parts: int
    rows: int
    size: int

    def units(self, file: int) -> list[Unit]:
        """Runs of parts, as many each as make a unit on average."""
        step = max(1, min(UNIT_ROWS * self.parts // max(self.rows, 1), UNIT_BYTES * self.parts // self.size))
        starts = range(0, self.parts, step)
        return [Unit(file, i, start, min(start + step, self.parts)) for i, start in enumerate(starts)]


class Batches(Protocol):
    """All that is asked of who gives record batches; walking it goes on where the last walk was left."""

    @property
    def schema(self) -> pa.Schema:
        """Of all of them."""
        ...

    def __iter__(self) -> Iterator[pa.RecordBatch]: ...


class Piece(Unit):
    """A unit of a stream, from a row to a row; it brings its batches along, for nobody can go back for them."""

    data: tuple[pa.RecordBatch, ...]


class BatchStream:
    """Record batches from a file, from stdin or from whoever makes them.

    Args:
        path: as the user wrote it; "-" for stdin.
        opened: gives the batches from the first one on; where it can do so once only, the source is not `rereadable`.
        what: what breaks, when it breaks.
    """

    rows: int | None = None
    format = "arrow"

    def __init__(self, path: str, opened: Callable[[], Batches], rereadable: bool, what: str = "stream") -> None:
        self.path, self.opened, self.rereadable, self.what = path, opened, rereadable, what
        self.place = "stdin" if path == "-" else path
        self._columns: list[ColumnInfo] | None = None
        self._spent = False
        self._begun: tuple[list[pa.RecordBatch], Batches] | None = None

    def columns(self) -> Sequence[ColumnInfo]:
        """All columns in the stream's order; the first lists tell how long the others are."""
        if self._columns is None:
            reader = self.opened()
            found = columns_of(reader.schema, self.place)
            head: list[pa.RecordBatch] = []
            widths = self._widths(reader, [info.name for info in found if info.width is None], head)
            self._begun = head, reader
            self._columns = [info._replace(width=widths.get(info.name, info.width)) for info in found]
        return self._columns

    def _widths(self, reader: Batches, names: list[str], head: list[pa.RecordBatch]) -> dict[str, int]:
        """The length of each column's first list; the batches that were looked at go to the head."""
        widths: dict[str, int] = {}
        coming = self._batches(reader)
        while len(widths) < len(names) and (batch := next(coming, None)) is not None:
            head.append(batch)
            self._check(batch, names)
            for name in names:
                lists = column(batch, name).drop_null()
                if name not in widths and len(lists):
                    widths[name] = len(lists[0])
        # a stream of null lists alone
        return dict.fromkeys(names, 1) | widths

    def units(self, file: int) -> Iterable[Unit]:
        """Some batches each, made while the stream is read."""
        return _Units(self, file)

    def cut(self, file: int) -> Iterator[Piece]:
        """The stream's pieces, `start` and `stop` in rows."""
        row = number = rows = size = 0
        held: list[pa.RecordBatch] = []
        for batch in self._from_start():
            held.append(batch)
            rows, size = rows + batch.num_rows, size + batch.get_total_buffer_size()
            if rows >= UNIT_ROWS or size >= UNIT_BYTES:
                yield _piece(file, number, row, rows, held)
                row, number, rows, size, held = row + rows, number + 1, 0, 0, []
        if held:
            yield _piece(file, number, row, rows, held)

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns of a piece.

        Raises:
            DataError: they are damaged.
        """
        assert isinstance(unit, Piece)
        for batch in unit.data:
            self._check(batch, names)
            yield from chunks(batch, names, rows)

    def _check(self, batch: pa.RecordBatch, names: Sequence[str]) -> None:
        import pyarrow as pa

        try:
            check(batch, names)
        except pa.ArrowException as error:
            raise DataError(f"{self.place}: the {self.what} is damaged: {brief(error)}") from None

    def _from_start(self) -> Iterator[pa.RecordBatch]:
        begun, self._begun = self._begun, None
        if begun is None and self._spent and not self.rereadable:
            raise DataError(f"{self.place} was read already and cannot be read again; save it in a file first")
        self._spent = True
        head, reader = begun or ([], self.opened())
        while head:
            yield head.pop(0)
        yield from self._batches(reader)

    def _batches(self, reader: Batches) -> Iterator[pa.RecordBatch]:
        try:
            yield from reader
        except Exception as error:
            # whoever makes the batches may raise anything
            reason = brief(error) or type(error).__name__
            raise DataError(f"{self.place}: the {self.what} breaks: {reason}") from error


class _Units:
    """A stream's pieces, as often as they are asked for."""

    def __init__(self, stream: BatchStream, file: int) -> None:
        self.stream, self.file = stream, file

    def __iter__(self) -> Iterator[Unit]:
        return self.stream.cut(self.file)


def _piece(file: int, number: int, row: int, rows: int, batches: list[pa.RecordBatch]) -> Piece:
    piece = Piece(file, number, row, row + rows)
    piece.data = tuple(batches)
    return piece
