"""CSV and TSV files, in byte ranges that threads parse on their own."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from lossctl.errors import DataError
from lossctl.readers.csv_parse import BadLineError, Parsing, parse
from lossctl.readers.csv_ranges import cuts, last_line_end, line_ends
from lossctl.readers.source import Chunk, ColumnInfo, Kind, Unit

if TYPE_CHECKING:
    import pyarrow as pa

RANGE_BYTES = 1 << 21
HEAD_BYTES = 1 << 20
BOM = b"\xef\xbb\xbf"
# where two fit, the first one is meant
DELIMITERS = ",\t;"
KINDS: dict[str, Kind] = {"int64": "integer", "double": "float", "bool": "boolean", "null": "float"}


class Dialect(NamedTuple):
    """How the text is to be read; a delimiter of None is told from the first line."""

    delimiter: str | None = None
    header: bool = True
    null_values: tuple[str, ...] = ()


class Layout(NamedTuple):
    """What the beginning of a CSV says: where its data starts, how it parses, its columns' first types."""

    start: int
    parsing: Parsing
    columns: tuple[ColumnInfo, ...] = ()

    @property
    def format(self) -> str:
        """`csv`, or `tsv` where tabs part the fields."""
        return "tsv" if self.parsing.delimiter == "\t" else "csv"


@dataclass(frozen=True, slots=True)
class CsvSource:
    """A CSV file; `text` are columns that are read as text whatever they look like."""

    path: str
    dialect: Dialect = Dialect()  # noqa: RUF009
    text: frozenset[str] = frozenset()
    range_bytes: int = RANGE_BYTES
    rereadable: bool = True

    @property
    def format(self) -> str:
        """`csv`, or `tsv` where tabs part the fields."""
        return self._layout().format

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
        layout, size = self._layout(), _status(self.path).st_size
        ends = cuts(self.path, layout.start, size, self.range_bytes, layout.parsing.delimiter)
        return [Unit(file, number, *ends) for number, ends in enumerate(pairwise(ends))]

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns of a byte range."""
        parsing = self._layout().parsing._replace(text=self.text)
        data = _bytes(self.path, unit.start, unit.stop)
        try:
            table = parse(data, parsing, names)
        except BadLineError as bad:
            line = lines_before(self.path, unit.start) + bad.line
            raise DataError(f"{self.path} line {line}: {bad}") from None
        yield from sliced(table, names, rows)

    def _layout(self) -> Layout:
        status = _status(self.path)
        return _file_layout(self.path, self.dialect, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _file_layout(path: str, dialect: Dialect, size: int, changed: int) -> Layout:
    return layout_of(_bytes(path, 0, HEAD_BYTES), size <= HEAD_BYTES, dialect, path)


def layout_of(head: bytes, whole: bool, dialect: Dialect, place: str) -> Layout:
    """What a CSV's beginning says; `whole` where there is no more of it.

    Raises:
        DataError: no CSV, or a header that names a column twice.
    """
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in head:
        raise DataError(f"{place}: expected CSV in UTF-8, found UTF-16 or binary data")
    start = len(BOM) if head.startswith(BOM) else 0
    first = _first_line(head[start:], dialect.delimiter or DELIMITERS, whole, place)
    delimiter = dialect.delimiter or _told_delimiter(first)
    fields = _fields(first, delimiter, place)
    names = fields if dialect.header else tuple(f"c{i}" for i in range(len(fields)))
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"{place}: the header names column {twice!r} twice; --no-header reads by number")
    start += len(first) if dialect.header else 0
    parsing = Parsing(delimiter, names, dialect.null_values)
    body = head[start:] if whole else head[start : start + last_line_end(head[start:], delimiter)]
    return Layout(start, parsing, _first_types(body, parsing, head.count(b"\n", 0, start), place))


def _first_line(head: bytes, delimiters: str, whole: bool, place: str) -> bytes:
    """The first line with its end; a quoted field may hold line ends."""
    ends = line_ends(head, delimiters)
    if not len(ends) and not whole:
        raise DataError(f"{place}: the first line does not end within {len(head):,} bytes; is this a CSV file?")
    line = head[: ends[0]] if len(ends) else head
    if not line.strip():
        raise DataError(f"{place}: the first line is empty, expected column names or values")
    return line


def _told_delimiter(line: bytes) -> str:
    bare = re.sub(rb'"[^"]*"', b"", line)
    return next((mark for mark in DELIMITERS if mark.encode() in bare), ",")


def _fields(line: bytes, delimiter: str, place: str) -> tuple[str, ...]:
    try:
        return tuple(next(csv.reader([line.decode()], delimiter=delimiter)))
    except UnicodeDecodeError:
        raise DataError(f"{place} line 1: not readable as UTF-8; convert the file, for example with iconv") from None
    except csv.Error:
        raise DataError(f"{place} line 1: expected fields and a line end (LF or CRLF), found others") from None


def _first_types(body: bytes, parsing: Parsing, lines: int, place: str) -> tuple[ColumnInfo, ...]:
    if not body.strip():
        return tuple(ColumnInfo(name, "float", "empty") for name in parsing.names)
    try:
        table = parse(body, parsing, parsing.names)
    except BadLineError as bad:
        raise DataError(f"{place} line {lines + bad.line}: {bad}") from None
    kinds = [str(field.type) for field in table.schema]
    named = zip(parsing.names, kinds, strict=True)
    return tuple(ColumnInfo(name, KINDS.get(kind, "string"), kind) for name, kind in named)


def sliced(table: pa.Table, names: Sequence[str], rows: int) -> Iterator[Chunk]:
    """A table in chunks of at most so many rows."""
    for batch in table.to_batches(max_chunksize=rows):
        yield Chunk(batch.num_rows, {name: batch.column(name) for name in names})


def _status(path: str) -> os.stat_result:
    try:
        return os.stat(path)
    except OSError as error:
        raise DataError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def _bytes(path: str, start: int, stop: int) -> bytes:
    try:
        with open(path, "rb") as file:
            file.seek(start)
            return file.read(stop - start)
    except OSError as error:
        raise DataError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def lines_before(path: str, offset: int) -> int:
    """How many lines end before a place in a file."""
    with open(path, "rb") as file:
        count = 0
        while block := file.read(min(offset, 1 << 20)):
            count += block.count(b"\n")
            offset -= len(block)
    return count
