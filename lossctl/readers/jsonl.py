"""JSON Lines: an object a line, in byte ranges that threads parse on their own, or as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from lossctl.errors import DataError
from lossctl.readers.arrow import column, columns_of
from lossctl.readers.csv import BOM, HEAD_BYTES, lines_before, range_bytes, sliced
from lossctl.readers.csv_parse import BadLineError
from lossctl.readers.csv_ranges import cuts, pieces
from lossctl.readers.csv_stream import TextStream
from lossctl.readers.files import facts, part
from lossctl.readers.jsonl_parse import HINT, Parsing, inferred, parse
from lossctl.readers.packed import Readable
from lossctl.readers.source import Chunk, ColumnInfo, Unit

if TYPE_CHECKING:
    import pyarrow as pa


class Layout(NamedTuple):
    """What the beginning of JSON Lines says: where the data starts, and the keys with their first types."""

    start: int
    parsing: Parsing
    columns: tuple[ColumnInfo, ...]
    format: str = "jsonl"


@dataclass(frozen=True, slots=True)
class JsonlSource:
    """A file of JSON Lines; `text` are columns that become text whatever they are."""

    path: str
    text: frozenset[str] = frozenset()
    range_bytes: int | None = None
    format: str = "jsonl"
    rereadable: bool = True
    rows: int | None = None

    def with_text(self, names: frozenset[str]) -> JsonlSource:
        """The same, with some more columns as text."""
        return replace(self, text=self.text | names)

    def columns(self) -> Sequence[ColumnInfo]:
        """The keys of the first megabyte, with their types there."""
        return self._layout().columns

    def units(self, file: int) -> list[Unit]:
        """Byte ranges that end at line ends."""
        layout = self._layout()
        step = self.range_bytes or range_bytes(len(layout.columns))
        ends = cuts(self.path, layout.start, facts(self.path).size, step, None)
        return [Unit(file, number, *ends) for number, ends in enumerate(pairwise(ends))]

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns of a byte range."""
        data = part(self.path, unit.start, unit.stop)
        try:
            table = parse(data, self._layout().parsing._replace(text=self.text), names)
        except BadLineError as bad:
            line = lines_before(self.path, unit.start) + bad.line
            raise DataError(f"{self.path} line {line}: {bad}") from None
        yield from sliced(table, names, rows)

    def _layout(self) -> Layout:
        return _file_layout(self.path, *facts(self.path))


class JsonlStream(TextStream[Layout]):
    """JSON Lines that come one way."""

    def layout_of(self, head: bytes, whole: bool) -> Layout:
        """What the first megabyte says."""
        return layout_of(head, whole, self.place)

    def pieces(self, stream: Readable) -> Iterator[bytes]:
        """Whole lines."""
        return pieces(stream, range_bytes(len(self.layout().columns)), None, self.place)

    def parsed(self, data: bytes, names: Sequence[str]) -> pa.Table:
        """Objects as a table."""
        return parse(data, self.layout().parsing._replace(text=self.text), names)


@lru_cache(maxsize=64)
def _file_layout(path: str, size: int, changed: int) -> Layout:
    return layout_of(part(path, 0, HEAD_BYTES), size <= HEAD_BYTES, path)


def layout_of(head: bytes, whole: bool, place: str) -> Layout:
    """What the beginning of JSON Lines says; `whole` where there is no more of it.

    Raises:
        DataError: no objects, one over several lines, an array of them, or objects without keys.
    """
    start = len(BOM) if head.startswith(BOM) else 0
    end = len(head) if whole else head.rfind(b"\n") + 1
    _refuse_other(head, end, place)
    try:
        table = inferred(head[start:end])
    except BadLineError as bad:
        raise DataError(f"{place} line {bad.line}: {bad}") from None
    if not table.num_columns:
        raise DataError(f"{place}: objects without keys, expected columns")
    return Layout(start, Parsing(table.schema), tuple(_columns(table, place)))


def _refuse_other(head: bytes, end: int, place: str) -> None:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{place}: expected JSON in UTF-8, found UTF-16")
    text = head.removeprefix(BOM).lstrip()
    if text.startswith(b"["):
        raise DataError(f"{place} holds a JSON array, expected one object a line; convert it with jq -c '.[]'")
    if not text:
        raise DataError(f"{place} holds no JSON object; {HINT}")
    first = text.split(b"\n", 1)[0].strip()
    if end and text.startswith(b"{") and not first.endswith(b"}"):
        raise DataError(f"{place}: the first JSON object does not end in its line; {HINT}")
    if not end:
        raise DataError(f"{place}: the first line does not end within {len(head):,} bytes; {HINT}")


def _columns(table: pa.Table, place: str) -> Iterator[ColumnInfo]:
    """The columns; their first lists tell how long the others are."""
    batches = table.to_batches()
    for info in columns_of(table.schema, place):
        if info.type == "null":
            yield info._replace(kind="float")
        elif info.width is None:
            lists = (values for batch in batches for values in column(batch, info.name).drop_null())
            yield info._replace(width=next(map(len, lists), None))
        else:
            yield info
