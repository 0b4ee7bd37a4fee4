"""Whole lines of CSV to a table of plain types; what cannot be read is told by its line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from lossctl.readers.csv_ranges import line_ends

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.csv as pc

OTHER_ENCODING = "UTF-8; if the file is in another encoding, name it, for example --encoding cp1252"


class Parsing(NamedTuple):
    """How lines become a table.

    `text` are columns that stay text whatever they look like, `decimal` is "." or ",", and `doubles` are columns that
    begin with such numbers: they are tried as those first, since Arrow tries seven other types before.
    """

    delimiter: str
    names: tuple[str, ...]
    null_values: tuple[str, ...] = ()
    text: frozenset[str] = frozenset()
    decimal: str = "."
    doubles: frozenset[str] = frozenset()


class BadLineError(Exception):
    """A line that cannot be read, counted from 1 within the data parsed."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        super().__init__(message)


def parse(data: bytes, parsing: Parsing, names: Sequence[str]) -> pa.Table:
    """Some whole lines as a table of the named columns: int64, float64, bool, string or null each.

    Raises:
        BadLineError: a row with too few or too many fields, or text that is not UTF-8.
    """
    import pyarrow as pa

    text, doubles = parsing.text & set(names), parsing.doubles & set(names)
    try:
        table = _read(data, parsing, names, text, doubles - text)
    except pa.ArrowInvalid as error:
        if not doubles:
            raise _told(data, parsing, str(error)) from None
        # where some are no numbers, or a line is wrong
        return parse(data, parsing._replace(doubles=frozenset()), names)
    # dates, times and the like are text to us
    odd = {field.name for field in table.schema if field.type.id not in _plain()}
    return parse(data, parsing._replace(text=text | odd), names) if odd else table


@cache
def _plain() -> frozenset[int]:
    """Arrow's numbers of the types that stay as they are found."""
    import pyarrow as pa

    return frozenset(kind.id for kind in (pa.int64(), pa.float64(), pa.bool_(), pa.null(), pa.string()))


def _read(
    data: bytes, parsing: Parsing, names: Sequence[str], text: frozenset[str], doubles: frozenset[str]
) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv as pc

    # one block, so that a column has one type
    read = pc.ReadOptions(use_threads=False, column_names=parsing.names, block_size=max(len(data) + 1, 1024))
    types = dict.fromkeys(doubles, pa.float64()) | dict.fromkeys(text, pa.string())
    return pc.read_csv(pa.BufferReader(data), read, _shape(data, parsing), _types(parsing, names, types))


def _shape(data: bytes, parsing: Parsing) -> pc.ParseOptions:
    import pyarrow.csv as pc

    return pc.ParseOptions(
        delimiter=parsing.delimiter,
        newlines_in_values=b'"' in data,
        ignore_empty_lines=len(parsing.names) > 1,
    )


def _types(parsing: Parsing, names: Sequence[str], types: dict[str, pa.DataType]) -> pc.ConvertOptions:
    import pyarrow.csv as pc

    return pc.ConvertOptions(
        include_columns=list(dict.fromkeys(names)),
        null_values=["", *parsing.null_values],
        strings_can_be_null=True,
        column_types=types,
        decimal_point=parsing.decimal,
    )


def _told(data: bytes, parsing: Parsing, said: str) -> BadLineError:
    """Arrow's own words may quote a value, so only the numbers in them are passed on."""
    # an invalid_row_handler would print a traceback where the row is not UTF-8
    found = re.match(r"CSV parse error: Row #(\d+): Expected (\d+) columns, got (\d+)", said)
    if found:
        line = _line_of_row(data, parsing, int(found[1]))
        return BadLineError(line, f"expected {found[2]} fields, found {found[3]}")
    return _unreadable(data, parsing, re.match(r"In CSV column #(\d+)", said))


def _line_of_row(data: bytes, parsing: Parsing, row: int) -> int:
    """Arrow counts rows; a quoted field may hold line ends, and an empty line is a row only of a lone column."""
    starts = [0, *line_ends(data, parsing.delimiter).tolist()]
    lone = len(parsing.names) == 1
    filled = [start for start in starts if lone or data[start : start + 1].strip(b"\r\n")]
    return data.count(b"\n", 0, filled[min(row, len(filled)) - 1]) + 1


def _unreadable(data: bytes, parsing: Parsing, column: re.Match[str] | None) -> BadLineError:
    what = f"column {parsing.names[int(column[1])]!r} is not readable as" if column else "not readable as"
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return BadLineError(line, f"{what} {OTHER_ENCODING}")
    return BadLineError(1, f"from here on {what} CSV")
