"""Text as a stream, from stdin, unpacked or decoded: cut while it is read, and its pieces parsed by threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

from lossctl.errors import DataError
from lossctl.readers.csv import HEAD_BYTES, Dialect, Layout, layout_of, range_bytes, sliced
from lossctl.readers.csv_parse import BadLineError, parse
from lossctl.readers.csv_ranges import pieces
from lossctl.readers.packed import Joined, Readable
from lossctl.readers.source import Chunk, ColumnInfo, Unit

if TYPE_CHECKING:
    import pyarrow as pa


class Piece(Unit):
    """A unit of a stream, from a line to a line; it brings its bytes along, for nobody can go back for them."""

    data: bytes


class Laid(Protocol):
    """What is asked of the beginning of any text."""

    @property
    def start(self) -> int:
        """Where the data begins, in bytes."""
        ...

    @property
    def columns(self) -> tuple[ColumnInfo, ...]:
        """The columns, as the beginning has them."""
        ...

    @property
    def format(self) -> str:
        """The name of the format."""
        ...


LaidOut = TypeVar("LaidOut", bound=Laid)


class TextStream(Generic[LaidOut]):
    """Lines that come one way; what they hold is a subclass's to say.

    Args:
        path: as the user wrote it; "-" for stdin.
        opened: gives the stream from its start; where it can do so once only, the source is not `rereadable`.
        text: columns that stay text whatever they look like.
    """

    rows: int | None = None

    def __init__(
        self,
        path: str,
        opened: Callable[[], Readable],
        rereadable: bool,
        text: frozenset[str] = frozenset(),
    ) -> None:
        self.path, self.opened, self.rereadable = path, opened, rereadable
        self.text = text
        self.place = "stdin" if path == "-" else path
        self._seen: LaidOut | None = None
        self._begun: Joined | None = None

    def layout_of(self, head: bytes, whole: bool) -> LaidOut:
        """What the beginning says; `whole` where there is no more."""
        raise NotImplementedError

    def pieces(self, stream: Readable) -> Iterator[bytes]:
        """The rest of the stream in whole lines."""
        raise NotImplementedError

    def parsed(self, data: bytes, names: Sequence[str]) -> pa.Table:
        """Whole lines as a table of the named columns."""
        raise NotImplementedError

    @property
    def format(self) -> str:
        """As the beginning tells."""
        return self.layout().format

    @property
    def commas(self) -> bool:
        """Whether the numbers have a decimal comma."""
        return False

    def with_text(self, names: frozenset[str]) -> Self:
        """The same, with some more columns left as text."""
        self.text |= names
        return self

    def columns(self) -> Sequence[ColumnInfo]:
        """The columns, with the types of the first megabyte."""
        return self.layout().columns

    def units(self, file: int) -> Iterable[Unit]:
        """A few megabytes of whole lines each, made while the stream is read."""
        return _Units(self, file)

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns of a piece."""
        assert isinstance(unit, Piece)
        try:
            table = self.parsed(unit.data, names)
        except BadLineError as bad:
            raise DataError(f"{self.place} line {unit.start + bad.line}: {bad}") from None
        yield from sliced(table, names, rows, self.commas)

    def cut(self, file: int) -> Iterator[Piece]:
        """The stream's pieces, `start` and `stop` in lines."""
        layout = self.layout()
        stream = self._start()
        line = stream.read(layout.start).count(b"\n")
        for number, data in enumerate(self.pieces(stream)):
            piece = Piece(file, number, line, line := line + data.count(b"\n"))
            piece.data = data
            yield piece

    def layout(self) -> LaidOut:
        """What the stream's beginning says, looked at once."""
        if self._seen is None:
            stream = self.opened()
            head = stream.read(HEAD_BYTES)
            if not head:
                raise DataError(f"{self.place} is empty, expected CSV or JSON Lines")
            self._seen = self.layout_of(head, len(head) < HEAD_BYTES)
            self._begun = Joined(head, stream)
        return self._seen

    def _start(self) -> Readable:
        """The stream from its start, which was begun already when its head was looked at."""
        begun, self._begun = self._begun, None
        if begun is None and not self.rereadable:
            raise DataError(f"{self.place} was read already and cannot be read again; save it in a file first")
        return begun or self.opened()


class CsvStream(TextStream[Layout]):
    """CSV that comes one way."""

    def __init__(
        self,
        path: str,
        dialect: Dialect,
        opened: Callable[[], Readable],
        rereadable: bool,
        text: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(path, opened, rereadable, text)
        self.dialect = dialect

    @property
    def commas(self) -> bool:
        """Whether the numbers have a decimal comma."""
        return self.layout().parsing.decimal == ","

    @property
    def decimal_comma(self) -> bool:
        """Whether the numbers were found to have a decimal comma."""
        return self.layout().decimal_comma

    def layout_of(self, head: bytes, whole: bool) -> Layout:
        """What the header and the first megabyte say."""
        return layout_of(head, whole, self.dialect, self.place)

    def pieces(self, stream: Readable) -> Iterator[bytes]:
        """Whole records, which may hold line ends within quotes."""
        layout = self.layout()
        return pieces(stream, range_bytes(len(layout.columns)), layout.parsing.delimiter, self.place)

    def parsed(self, data: bytes, names: Sequence[str]) -> pa.Table:
        """Records as a table."""
        return parse(data, self.layout().parsing._replace(text=self.text), names)


class _Units:
    """A stream's pieces, as often as they are asked for."""

    def __init__(self, stream: TextStream[Any], file: int) -> None:
        self.stream, self.file = stream, file

    def __iter__(self) -> Iterator[Unit]:
        return self.stream.cut(self.file)
