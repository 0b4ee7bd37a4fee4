"""CSV as a stream, from stdin, unpacked or decoded: cut while it is read, and its pieces parsed by threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from lossctl.errors import DataError
from lossctl.readers.csv import HEAD_BYTES, RANGE_BYTES, Dialect, Layout, layout_of, sliced
from lossctl.readers.csv_parse import BadLineError, parse
from lossctl.readers.csv_ranges import pieces
from lossctl.readers.packed import Joined, Readable
from lossctl.readers.source import Chunk, ColumnInfo, Unit


class Piece(Unit):
    """A unit of a stream, from a line to a line; it brings its bytes along, for nobody can go back for them."""

    data: bytes


class CsvStream:
    """CSV that comes one way.

    Args:
        path: as the user wrote it; "-" for stdin.
        opened: gives the stream from its start; where it can do so once only, the source is not `rereadable`.
        check: sees the first bytes before anything else does.
    """

    rows: int | None = None

    def __init__(
        self,
        path: str,
        dialect: Dialect,
        opened: Callable[[], Readable],
        rereadable: bool,
        text: frozenset[str] = frozenset(),
        check: Callable[[bytes], None] = lambda start: None,
    ) -> None:
        self.path, self.dialect, self.opened, self.rereadable = path, dialect, opened, rereadable
        self.text, self.check = text, check
        self.place = "stdin" if path == "-" else path
        self._seen: Layout | None = None
        self._begun: Joined | None = None

    @property
    def format(self) -> str:
        """`csv`, or `tsv` where tabs part the fields."""
        return self._layout().format

    @property
    def decimal_comma(self) -> bool:
        """Whether the numbers were found to have a decimal comma."""
        return self._layout().decimal_comma

    def with_text(self, names: frozenset[str]) -> CsvStream:
        """The same, with some more columns left as text."""
        self.text |= names
        return self

    def columns(self) -> Sequence[ColumnInfo]:
        """The header's names, with the types of the first megabyte."""
        return self._layout().columns

    def units(self, file: int) -> Iterable[Unit]:
        """A few megabytes of whole lines each, made while the stream is read."""
        return _Units(self, file)

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns of a piece."""
        assert isinstance(unit, Piece)
        parsing = self._layout().parsing._replace(text=self.text)
        try:
            table = parse(unit.data, parsing, names)
        except BadLineError as bad:
            raise DataError(f"{self.place} line {unit.start + bad.line}: {bad}") from None
        yield from sliced(table, names, rows, parsing.decimal == ",")

    def cut(self, file: int) -> Iterator[Piece]:
        """The stream's pieces, `start` and `stop` in lines."""
        layout = self._layout()
        stream = self._start()
        line = stream.read(layout.start).count(b"\n")
        for number, data in enumerate(pieces(stream, RANGE_BYTES, layout.parsing.delimiter, self.place)):
            piece = Piece(file, number, line, line := line + data.count(b"\n"))
            piece.data = data
            yield piece

    def _layout(self) -> Layout:
        if self._seen is None:
            stream = self.opened()
            head = stream.read(HEAD_BYTES)
            if not head:
                raise DataError(f"{self.place} is empty, expected CSV")
            self.check(head[:8])
            self._seen = layout_of(head, len(head) < HEAD_BYTES, self.dialect, self.place)
            self._begun = Joined(head, stream)
        return self._seen

    def _start(self) -> Readable:
        """The stream from its start, which was begun already when its head was looked at."""
        begun, self._begun = self._begun, None
        if begun is None and not self.rereadable:
            raise DataError(f"{self.place} was read already and cannot be read again; save it in a file first")
        return begun or self.opened()


class _Units:
    """A stream's pieces, as often as they are asked for."""

    def __init__(self, stream: CsvStream, file: int) -> None:
        self.stream, self.file = stream, file

    def __iter__(self) -> Iterator[Unit]:
        return self.stream.cut(self.file)
