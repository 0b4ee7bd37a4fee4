"""What the first lines of a CSV tell of how it is written: its delimiter and its decimal mark."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

# where two fit, the first one is meant
DELIMITERS = ",\t;|"
# how many lines are looked at where the first one leaves the choice
LINES = 50
# Excel's own first line; it may be quoted, and names any one character
SEPARATOR = re.compile(rb'("?)sep=([^"\r\n\x80-\xff])\1\r?\n', re.IGNORECASE)
QUOTED = re.compile(rb'"[^"]*"')
COMMA_NUMBER = re.compile(r"\s*[-+]?(?:\d+,\d*|,\d+)(?:[eE][-+]?\d+)?\s*")
# for Arrow: a number with a point; and one whose commas may part thousands, as in 1,234
POINT_NUMBER = r"^\s*[-+]?(\d+\.\d*|\.\d+)([eE][-+]?\d+)?\s*$"
THOUSANDS = r"^\s*[-+]?[1-9]\d{0,2}(,\d{3})+\s*$"


def delimiter_of(lines: Sequence[bytes], header: bool, decimal: str | None) -> str:
    """The delimiter that the first line has outside quotes; of several, the one that the lines behind it have too.

    Args:
        lines: the first ones; they begin with the header, if there is a `header`.
        decimal: the decimal mark, if it was said.
    """
    bare = QUOTED.sub(b"", lines[0])
    found = [mark for mark in DELIMITERS if mark.encode() in bare]
    if len(found) > 1:
        values = lines[1:] if header else lines
        return _of_several(found, lines, values if decimal != "." else ())
    # a lone name may have a bar in it, as p(y|x)
    if not found or (found == ["|"] and not _width(lines[:2], "|")):
        return ";" if decimal == "," else ","
    return found[0]


def _of_several(found: Sequence[str], lines: Sequence[bytes], values: Sequence[bytes]) -> str:
    """A mark between numbers with a decimal comma; else the first that parts all lines alike; else the first."""
    fitting = [mark for mark in found if _width(lines, mark)]
    numbers = (mark for mark in fitting if mark != "," and _commas_are_decimal(values, mark))
    return next(numbers, (fitting or found)[0])


def _width(lines: Sequence[bytes], mark: str) -> int:
    """How many fields each line has; 0 where they differ, or have one."""
    widths = {len(row) for row in _rows(lines, mark) if row}
    return widths.pop() if len(widths) == 1 and widths != {1} else 0


def _commas_are_decimal(lines: Sequence[bytes], mark: str) -> bool:
    fields = [field for row in _rows(lines, mark) for field in row if "," in field]
    return bool(fields) and all(map(COMMA_NUMBER.fullmatch, fields))


def _rows(lines: Sequence[bytes], mark: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader((line.decode("latin-1") for line in lines), delimiter=mark)
    except csv.Error:
        # what is no CSV is refused when it is parsed, with its line
        yield []


def has_decimal_comma(by_point: pa.Table, by_comma: pa.Table) -> bool:
    """Whether the numbers of a text have a decimal comma, and cannot have a point.

    Args:
        by_point: the text parsed with a decimal point.
        by_comma: the same parsed with a decimal comma.
    """
    kinds = [(str(one.type), str(other.type)) for one, other in zip(by_point.schema, by_comma.schema, strict=True)]
    gained = [i for i, kind in enumerate(kinds) if kind == ("string", "double")]
    if not gained or ("double", "string") in kinds:
        return False
    texts = [by_point.column(i) for i, kind in enumerate(kinds) if kind == ("string", "string")]
    return any(_no_thousands(by_point.column(i)) for i in gained) and not any(map(_some_point, texts))


def _no_thousands(column: pa.ChunkedArray) -> bool:
    """Whether some field has a comma that can part no thousands."""
    import pyarrow.compute as pc

    commas, parted = pc.match_substring(column, ","), pc.match_substring_regex(column, THOUSANDS)
    return bool(pc.any(pc.and_not(commas, parted)).as_py())


def _some_point(column: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(column, POINT_NUMBER)).as_py())
