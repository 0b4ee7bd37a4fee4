"""CSV and TSV: a file in byte ranges that threads parse on their own, or stdin as a stream of such ranges."""

from __future__ import annotations

import csv
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO

from lossctl.errors import DataError
from lossctl.readers.csvcuts import cuts, last_line_end, pieces, plain_cuts
from lossctl.readers.source import Chunk, ColumnInfo, Kind, Unit

if TYPE_CHECKING:
    import pyarrow as pa

RANGE_BYTES = 1 << 21
HEAD_BYTES = 1 << 20
BOM = b"\xef\xbb\xbf"
KINDS: dict[str, Kind] = {"int64": "integer", "double": "float", "bool": "boolean", "null": "float"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the text is to be read; a delimiter of None is told from the first line."""

    delimiter: str | None = None
    header: bool = True
    null_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """What the beginning of a CSV says: where its data starts, its columns and their first types."""

    delimiter: str
    start: int
    names: tuple[str, ...]
    columns: tuple[ColumnInfo, ...]


@dataclass(frozen=True, slots=True)
class Parsing:
    """How a range becomes a table; `text` are columns that stay text whatever they look like."""

    path: str
    dialect: Dialect
    layout: Layout
    text: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CsvSource:
    """A CSV file."""

    path: str
    dialect: Dialect = Dialect()
    text: frozenset[str] = frozenset()
    range_bytes: int = RANGE_BYTES
    rereadable: bool = True

    @property
    def format(self) -> str:
        """`csv`, or `tsv` where tabs part the fields."""
        return "tsv" if self._layout().delimiter == "\t" else "csv"

    @property
    def rows(self) -> int | None:
        """Unknown before reading."""
        return None

    def with_text(self, names: frozenset[str]) -> CsvSource:
        """The same, with some columns left as text."""
        return replace(self, text=names)

    def columns(self) -> Sequence[ColumnInfo]:
        """The header's names, with the types of the first lines."""
        return self._layout().columns

    def units(self, file: int) -> list[Unit]:
        """Byte ranges that end at line ends."""
        layout = self._layout()
        size = os.stat(self.path).st_size
        if size - layout.start <= self.range_bytes:
            return [Unit(file, 0, layout.start, size)] if size > layout.start else []
        ends = plain_cuts(self.path, layout.start, size, self.range_bytes)
        if ends is None:
            ends = cuts(self.path, layout.start, self.range_bytes, layout.delimiter)
        return [Unit(file, i, a, b) for i, (a, b) in enumerate(zip(ends, ends[1:], strict=False))]

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns of a byte range."""
        with open(self.path, "rb") as file:
            file.seek(unit.start)
            data = file.read(unit.stop - unit.start)
        try:
            yield from sliced(parse(data, self._parsing(), names), names, rows)
        except RaggedRow as ragged:
            line = _lines_before(self.path, unit.start) + ragged.line
            raise DataError(f"{self.path} line {line}: {ragged}") from None

    def _parsing(self) -> Parsing:
        return Parsing(self.path, self.dialect, self._layout(), self.text)

    def _layout(self) -> Layout:
        status = os.stat(self.path)
        return _file_layout(self.path, self.dialect, status.st_size, status.st_mtime_ns)


class CsvStream:
    """CSV on stdin: one unit, read once."""

    path = "-"
    rows: int | None = None
    rereadable = False

    def __init__(self, dialect: Dialect, stream: BinaryIO | None = None, text: frozenset[str] = frozenset()) -> None:
        self.dialect, self.text = dialect, text
        self.stream = stream or sys.stdin.buffer
        self._head: bytes | None = None
        self._seen: Layout | None = None

    @property
    def format(self) -> str:
        """`csv`, or `tsv` where tabs part the fields."""
        return "tsv" if self._layout().delimiter == "\t" else "csv"

    def with_text(self, names: frozenset[str]) -> CsvStream:
        """The same, with some columns left as text."""
        self.text = names
        return self

    def columns(self) -> Sequence[ColumnInfo]:
        """The header's names, with the types of the first lines."""
        return self._layout().columns

    def units(self, file: int) -> list[Unit]:
        """The whole stream."""
        return [Unit(file, 0, 0, 0)]

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns, a few megabytes of text at a time."""
        layout = self._layout()
        parsing = Parsing(self.path, self.dialect, layout, self.text)
        rest = _Joined((self._head or b"")[layout.start :], self.stream)
        line = 1 if self.dialect.header else 0
        for data in pieces(rest, RANGE_BYTES, layout.delimiter, "stdin"):
            try:
                yield from sliced(parse(data, parsing, names), names, rows)
            except RaggedRow as ragged:
                raise DataError(f"stdin line {line + ragged.line}: {ragged}") from None
            line += data.count(b"\n")

    def _layout(self) -> Layout:
        if self._seen is None:
            self._head = self.stream.read(HEAD_BYTES)
            if not self._head:
                raise DataError("stdin is empty")
            self._seen = layout_of(self._head, len(self._head) < HEAD_BYTES, self.dialect, "stdin")
        return self._seen


class _Joined:
    """Bytes already read, then the rest of a stream."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self.head, self.rest = head, rest

    def read(self, size: int = -1) -> bytes:
        if self.head:
            some, self.head = self.head[:size], self.head[size:]
            return some
        return self.rest.read(size)


class RaggedRow(Exception):
    """A row with too few or too many fields, at a line counted from 1 within its range."""

    def __init__(self, line: int, expected: int, found: int) -> None:
        self.line = line
        super().__init__(f"expected {expected} fields, found {found}")


@lru_cache(maxsize=64)
def _file_layout(path: str, dialect: Dialect, size: int, changed: int) -> Layout:
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    return layout_of(head, size <= HEAD_BYTES, dialect, path)


def layout_of(head: bytes, whole: bool, dialect: Dialect, path: str) -> Layout:
    """What the beginning of a CSV says.

    Raises:
        DataError: no text in UTF-8, or a header with a name twice.
    """
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in head:
        raise DataError(f"{path}: expected CSV in UTF-8, found UTF-16 or binary data")
    start = len(BOM) if head.startswith(BOM) else 0
    first = _first_line(head, start, path)
    delimiter = dialect.delimiter or _told_delimiter(first)
    fields = next(csv.reader([first.decode("utf-8", "replace")], delimiter=delimiter), [])
    names = tuple(fields) if dialect.header else tuple(f"c{i}" for i in range(len(fields)))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path}: the header has {twice[0]!r} twice; --no-header reads columns by number")
    start += len(first) if dialect.header else 0
    bare = Layout(delimiter, start, names, ())
    body = head[start:] if whole else head[start : start + last_line_end(head[start:], delimiter, path)]
    return replace(bare, columns=_first_types(body, Parsing(path, dialect, bare)))


def _first_line(head: bytes, start: int, path: str) -> bytes:
    """The first line with its end; a quoted field may hold line ends."""
    end = head.find(b"\n", start)
    while end >= 0 and head.count(b'"', start, end) % 2:
        end = head.find(b"\n", end + 1)
    line = head[start : end + 1] if end >= 0 else head[start:]
    if not line.strip():
        raise DataError(f"{path}: the first line is empty, expected column names or values")
    return line


def _told_delimiter(line: bytes) -> str:
    counts = {mark: line.count(mark.encode()) for mark in (",", "\t", ";")}
    return max(counts, key=lambda mark: counts[mark])


def _first_types(body: bytes, parsing: Parsing) -> tuple[ColumnInfo, ...]:
    names = parsing.layout.names
    if not body.strip():
        return tuple(ColumnInfo(name, "float", "empty") for name in names)
    try:
        table = parse(body, parsing, names)
    except RaggedRow as ragged:
        line = ragged.line + (1 if parsing.dialect.header else 0)
        raise DataError(f"{parsing.path} line {line}: {ragged}") from None
    kinds = [str(field.type) for field in table.schema]
    return tuple(ColumnInfo(name, KINDS.get(kind, "string"), kind) for name, kind in zip(names, kinds, strict=True))


def parse(data: bytes, parsing: Parsing, names: Sequence[str]) -> pa.Table:
    """Some whole lines as a table of the named columns: int64, float64, bool, string or null each.

    Raises:
        RaggedRow: a row with too few or too many fields.
        DataError: text that is not UTF-8.
    """
    text = set(parsing.text) & set(names)
    table = _parse_once(data, parsing, names, text)
    odd = {f.name for f in table.schema if str(f.type) not in (*KINDS, "string")}
    return _parse_once(data, parsing, names, text | odd) if odd else table


def _parse_once(data: bytes, parsing: Parsing, names: Sequence[str], text: set[str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv as pc

    ragged: list[RaggedRow] = []

    def refuse(row: pc.InvalidRow) -> str:
        ragged.append(RaggedRow(row.number or 0, row.expected_columns, row.actual_columns))
        return "error"

    layout = parsing.layout
    try:
        return pc.read_csv(
            pa.BufferReader(data),
            pc.ReadOptions(use_threads=False, column_names=layout.names, block_size=max(len(data) + 1, 1024)),
            pc.ParseOptions(
                delimiter=layout.delimiter,
                newlines_in_values=b'"' in data,
                ignore_empty_lines=len(layout.names) > 1,
                invalid_row_handler=refuse,
            ),
            pc.ConvertOptions(
                include_columns=list(dict.fromkeys(names)),
                null_values=["", *parsing.dialect.null_values],
                strings_can_be_null=True,
                column_types=dict.fromkeys(text, pa.string()),
            ),
        )
    except pa.ArrowInvalid as error:
        if ragged:
            raise ragged[0] from None
        brief = re.sub(r"(CSV (?:conversion )?error to \w+: invalid value|: ).*", r"\1", str(error).split("\n")[0])
        raise DataError(f"{parsing.path}: not readable as CSV in UTF-8: {brief}") from None


def sliced(table: pa.Table, names: Sequence[str], rows: int) -> Iterator[Chunk]:
    """A table in chunks of at most `rows` rows."""
    for batch in table.to_batches(max_chunksize=rows):
        yield Chunk(batch.num_rows, {name: batch.column(name) for name in names})


def _lines_before(path: str, offset: int) -> int:
    with open(path, "rb") as file:
        count = 0
        while offset > 0:
            block = file.read(min(offset, 1 << 20))
            count += block.count(b"\n")
            offset -= len(block)
    return count
