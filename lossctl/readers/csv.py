"""CSV and TSV files, in byte ranges that threads parse on their own."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from lossctl.errors import DataError
from lossctl.readers import files
from lossctl.readers.csv_parse import OTHER_ENCODING, BadLineError, Parsing, parse
from lossctl.readers.csv_ranges import cuts, last_line_end, line_ends
from lossctl.readers.csv_told import DELIMITERS, LINES, QUOTED, SEPARATOR, delimiter_of, has_decimal_comma
from lossctl.readers.source import Chunk, ColumnInfo, Kind, Unit

if TYPE_CHECKING:
    import pyarrow as pa

# bytes that are parsed in one go; more of many columns, each of which has costs of its own
RANGE_BYTES, COLUMN_BYTES, MOST_BYTES = 1 << 21, 1 << 11, 1 << 25
MANY_COLUMNS = RANGE_BYTES // COLUMN_BYTES
HEAD_BYTES = 1 << 20
BOM = b"\xef\xbb\xbf"
KINDS: dict[str, Kind] = {"int64": "integer", "double": "float", "bool": "boolean", "null": "float"}


class Dialect(NamedTuple):
    """How the text is to be read; a delimiter or decimal mark of None is told by the first lines."""

    delimiter: str | None = None
    header: bool = True
    null_values: tuple[str, ...] = ()
    decimal: str | None = None


class Layout(NamedTuple):
    """What the beginning of a CSV says: where its data starts, how it parses, its columns' first types.

    `decimal_comma` tells that the numbers were found to have one, and nobody had said so.
    """

    start: int
    parsing: Parsing
    columns: tuple[ColumnInfo, ...] = ()
    decimal_comma: bool = False

    @property
    def format(self) -> str:
        """`csv`, or `tsv` where tabs part the fields."""
        return "tsv" if self.parsing.delimiter == "\t" else "csv"


def range_bytes(columns: int) -> int:
    """The bytes of a range, by how many columns there are.

    >>> range_bytes(2), range_bytes(10_000)
    (2097152, 20480000)
    """
    return min(columns * COLUMN_BYTES, MOST_BYTES) if columns > MANY_COLUMNS else RANGE_BYTES


@dataclass(frozen=True, slots=True)
class CsvSource:
    """A CSV file; `text` are columns that are read as text whatever they look like."""

    path: str
    dialect: Dialect = Dialect()  # noqa: RUF009
    text: frozenset[str] = frozenset()
    range_bytes: int | None = None
    rereadable: bool = True

    @property
    def format(self) -> str:
        """`csv`, or `tsv` where tabs part the fields."""
        return self._layout().format

    @property
    def decimal_comma(self) -> bool:
        """Whether the numbers were found to have a decimal comma."""
        return self._layout().decimal_comma

    @property
    def rows(self) -> int | None:
        """Unknown before reading."""
        return None

    def with_text(self, names: frozenset[str]) -> CsvSource:
        """The same, with some more columns left as text."""
        return replace(self, text=self.text | names)

    def columns(self) -> Sequence[ColumnInfo]:
        """The header's names, with the types of the first megabyte."""
        return self._layout().columns

    def units(self, file: int) -> list[Unit]:
        """Byte ranges that end at line ends."""
        layout, size = self._layout(), files.facts(self.path).size
        step = self.range_bytes or range_bytes(len(layout.columns))
        ends = cuts(self.path, layout.start, size, step, layout.parsing.delimiter)
        return [Unit(file, number, *ends) for number, ends in enumerate(pairwise(ends))]

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns of a byte range."""
        parsing = self._layout().parsing._replace(text=self.text)
        data = files.part(self.path, unit.start, unit.stop)
        try:
            table = parse(data, parsing, names)
        except BadLineError as bad:
            line = lines_before(self.path, unit.start) + bad.line
            raise DataError(f"{self.path} line {line}: {bad}") from None
        yield from sliced(table, names, rows, parsing.decimal == ",")

    def _layout(self) -> Layout:
        return _file_layout(self.path, self.dialect, *files.facts(self.path))


@lru_cache(maxsize=64)
def _file_layout(path: str, dialect: Dialect, size: int, changed: int) -> Layout:
    return layout_of(files.part(path, 0, HEAD_BYTES), size <= HEAD_BYTES, dialect, path)


def layout_of(head: bytes, whole: bool, dialect: Dialect, place: str) -> Layout:
    """What a CSV's beginning says; `whole` where there is no more of it.

    Raises:
        DataError: no CSV, or a header that names a column twice.
    """
    _refuse_binary(head, place)
    start = len(BOM) if head.startswith(BOM) else 0
    separator = SEPARATOR.match(head, start)
    if separator:
        start = separator.end()
    said = dialect.delimiter or (separator[2].decode() if separator else None)
    lines = _first_lines(head[start:], said or DELIMITERS, whole, place)
    delimiter = said or delimiter_of(lines, dialect.header, dialect.decimal)
    before = head.count(b"\n", 0, start)
    names = _names(lines[0], delimiter, dialect.header, f"{place} line {before + 1}")
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{place}: the header names column {twice!r} twice; --no-header reads by number")
    start += len(lines[0]) if dialect.header else 0
    parsing = Parsing(delimiter, names, dialect.null_values, decimal=dialect.decimal or ".")
    body = head[start:] if whole else head[start : start + last_line_end(head[start:], delimiter)]
    return _typed(Layout(start, parsing), body, dialect.decimal is None, head.count(b"\n", 0, start), place)


def _refuse_binary(head: bytes, place: str) -> None:
    at = head.find(b"\0")
    if at >= 0:
        line = head.count(b"\n", 0, at) + 1
        raise DataError(
            f"{place} line {line}: expected CSV, found a NUL byte; if it is UTF-16 without a mark: --encoding utf-16-le"
        )


def _first_lines(head: bytes, delimiters: str, whole: bool, place: str) -> list[bytes]:
    """Some lines with their ends, at least one; a quoted field may hold line ends."""
    ends = line_ends(head, delimiters)[:LINES].tolist()
    if not ends and b"\r" in QUOTED.sub(b"", head).rstrip(b"\r"):
        raise DataError(f"{place}: its lines end in CR alone, expected LF or CRLF; tr '\\r' '\\n' makes that of them")
    if not ends and not whole:
        raise DataError(f"{place}: the first line does not end within {len(head):,} bytes; is this a CSV file?")
    if not (head[: ends[0]] if ends else head).strip():
        raise DataError(f"{place}: the first line is empty, expected column names or values")
    # the rest is a line too where no more follows
    last = [len(head)] if whole and len(ends) < LINES and ends[-1:] != [len(head)] else []
    return [head[start:stop] for start, stop in pairwise([0, *ends, *last])]


def _names(line: bytes, delimiter: str, header: bool, place: str) -> tuple[str, ...]:
    """The columns' names; one without any is called by its number, as all are where there is no header."""
    fields = _fields(line, delimiter, place)
    return tuple(name if header and name else f"c{i}" for i, name in enumerate(fields))


def _fields(line: bytes, delimiter: str, place: str) -> tuple[str, ...]:
    try:
        return tuple(next(csv.reader([line.decode()], delimiter=delimiter)))
    except UnicodeDecodeError:
        raise DataError(f"{place}: not readable as {OTHER_ENCODING}") from None
    except csv.Error:
        raise DataError(f"{place}: expected fields and a line end (LF or CRLF), found others") from None


def _typed(layout: Layout, body: bytes, open_decimal: bool, lines: int, place: str) -> Layout:
    """The layout with the columns' types in the body, and with its decimal mark where that is left open."""
    parsing = layout.parsing
    if not body.strip():
        return layout._replace(columns=tuple(ColumnInfo(name, "float", "empty") for name in parsing.names))
    try:
        table = parse(body, parsing, parsing.names)
        # where commas part the fields, one that stands in quotes may part thousands
        if open_decimal and parsing.delimiter != "," and b"," in body:
            by_comma = parsing._replace(decimal=",")
            other = parse(body, by_comma, parsing.names)
            if has_decimal_comma(table, other):
                layout, table = layout._replace(parsing=by_comma, decimal_comma=True), other
    except BadLineError as bad:
        raise DataError(f"{place} line {lines + bad.line}: {bad}") from None
    columns = tuple(map(_column, table.schema))
    doubles = frozenset(column.name for column in columns if column.type == "double")
    return layout._replace(columns=columns, parsing=layout.parsing._replace(doubles=doubles))


def _column(field: pa.Field) -> ColumnInfo:
    kind = str(field.type)
    return ColumnInfo(field.name, KINDS.get(kind, "string"), kind)


def sliced(table: pa.Table, names: Sequence[str], rows: int, decimal_comma: bool = False) -> Iterator[Chunk]:
    """A table in chunks of at most so many rows."""
    texts = (field.name for field in table.schema if str(field.type) == "string") if decimal_comma else ()
    commas = frozenset(texts)
    for batch in table.to_batches(max_chunksize=rows):
        yield Chunk(batch.num_rows, {name: batch.column(name) for name in names}, commas=commas)


def lines_before(path: str, offset: int) -> int:
    """How many lines end before a place in a file."""
    with open(path, "rb") as file:
        count = 0
        while block := file.read(min(offset, 1 << 20)):
            count += block.count(b"\n")
            offset -= len(block)
    return count
