"""What rows are sliced by, as text such as "region*age:width=10", to plain data that prints back as itself.

    spec   = part {"*" part}
    part   = column [":" how]
    how    = "quantile=" N | "width=" W | "edges=" A "," B ... | "hour" | "day" | "week" | "month" | "quarter" | "year"
    column = a name without : * , and backticks | `any name`

A backtick within backticks is written twice. Nothing of it is ever run as code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from lossctl.errors import UsageError, nearest
from lossctl.readers.roles import listing
from lossctl.readers.source import ColumnInfo

PERIODS = ("hour", "day", "week", "month", "quarter", "year")
BINNINGS = ("quantile", "width", "edges")
HELP = f"take quantile=N, width=W, edges=A,B,... or {', '.join(PERIODS)}"
PART = re.compile(r"\s*(?:`(?P<quoted>(?:[^`]|``)+)`|(?P<plain>[^`:*,]*?))\s*(?::(?P<how>[^`*]*))?(?P<more>\*|$)")
PLAIN = re.compile(r"[^\s`:*,](?:[^`:*,]*[^\s`:*,])?")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?")
# of a number's text
LONGEST = 40
MOST_BINS = 1000


class Part(NamedTuple):
    """One column of a cross, and how its values are put together.

    Attributes:
        column: its name.
        how: empty for the values themselves, else a binning or a period.
        said: what stands behind the "=".
        edges: decimal numbers as texts: those of `edges`, and of `quantile` once the data told them, with the
            least and the greatest value at the ends.
    """

    column: str
    how: str = ""
    said: str = ""
    edges: tuple[str, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether numbers are put into bins."""
        return self.how in BINNINGS

    def __str__(self) -> str:
        """As --by takes it."""
        plain = PLAIN.fullmatch(self.column)
        name = self.column if plain else "`" + self.column.replace("`", "``") + "`"
        return name + (f":{self.how}" if self.how else "") + (f"={self.said}" if self.said else "")


class By(NamedTuple):
    """The columns whose values, taken together, tell the slices apart."""

    parts: tuple[Part, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(part.column for part in self.parts)

    @property
    def open(self) -> bool:
        """Whether bins are still to be told by the data; see `settle`."""
        return any(part.how == "quantile" and not part.edges for part in self.parts)

    def __str__(self) -> str:
        """As --by takes it."""
        return "*".join(map(str, self.parts))


def parse_all(texts: Iterable[str]) -> tuple[By, ...]:
    """What several --by ask for.

    Raises:
        UsageError: as `parse`; or the same is asked for twice.
    """
    found = tuple(map(parse, texts))
    twice = next((by for i, by in enumerate(found) if by in found[:i]), None)
    if twice is not None:
        raise UsageError(f"--by {str(twice)!r} is there twice")
    return found


def parse(text: str) -> By:
    """What one --by asks for.

    Raises:
        UsageError: a text that the grammar does not have.
    """
    parts: list[Part] = []
    at = 0
    while True:
        found = PART.match(text, at)
        if found is None:
            raise _unreadable(text, at)
        parts.append(_part(found, text))
        at = found.end()
        if not found["more"]:
            break
    twice = next((part.column for i, part in enumerate(parts) if part.column in [p.column for p in parts[:i]]), None)
    if twice is not None:
        raise UsageError(f"--by {text!r}: column {twice!r} is crossed with itself")
    return By(tuple(parts))


def _unreadable(text: str, at: int) -> UsageError:
    left = text[at:].lstrip()
    if left.startswith("`"):
        return UsageError(f"--by {text!r}: expected a closing ` and then :, * or the end, behind character {at + 1}")
    return UsageError(
        f"--by {text!r}: expected a column, or several joined by * for a cross; --by may be given more than once, "
        f"and a name with , : * or ` stands in backticks"
    )


def _part(found: re.Match[str], text: str) -> Part:
    name = found["quoted"].replace("``", "`") if found["quoted"] else found["plain"]
    if not name:
        raise UsageError(f"--by {text!r}: expected a column before {found['how'] or found['more'] or 'the end'!r}")
    if found["how"] is None:
        return Part(name)
    how, equals, said = (word.strip() for word in found["how"].partition("="))
    if how in PERIODS and not equals:
        return Part(name, how)
    if how not in BINNINGS or not said:
        known = (*BINNINGS, *PERIODS)
        expected = f"{how}= and a number" if how in BINNINGS else f"{how} without ="
        problem = f"expected {expected}" if how in known else f"no binning {how!r}{nearest(how, known)}"
        raise UsageError(f"--by {text!r}: {problem}; {HELP}")
    return {"quantile": _quantile, "width": _width, "edges": _edges}[how](name, said, text)


def _quantile(name: str, said: str, text: str) -> Part:
    if not re.fullmatch(r"[0-9]{1,4}", said) or not 2 <= int(said) <= MOST_BINS:
        raise UsageError(f"--by {text!r}: expected 2 to {MOST_BINS} quantile bins, found {said!r}")
    return Part(name, "quantile", said)


def _width(name: str, said: str, text: str) -> Part:
    if _number(said, text) <= 0:
        raise UsageError(f"--by {text!r}: expected a width above 0, found {said!r}")
    return Part(name, "width", said)


def _edges(name: str, said: str, text: str) -> Part:
    edges = tuple(edge.strip() for edge in said.split(","))
    for low, high in pairwise(edges):
        if _number(low, text) >= _number(high, text):
            raise UsageError(f"--by {text!r}: expected ascending edges, found {high} behind {low}")
    _number(edges[0], text)
    if len(edges) > MOST_BINS:
        raise UsageError(f"--by {text!r}: expected at most {MOST_BINS} edges, found {len(edges)}")
    return Part(name, "edges", ",".join(edges), edges)


def _number(said: str, text: str) -> Fraction:
    if not NUMBER.fullmatch(said) or len(said) > LONGEST or math.isinf(float(said)):
        raise UsageError(f"--by {text!r}: expected a number, found {said!r}")
    return Fraction(said)


def check(bys: Sequence[By], columns: Sequence[ColumnInfo], place: str) -> None:
    """Refuse what does not fit the columns of a file.

    Raises:
        UsageError: a column that is not there, or of a type that has no slices, or not such ones.
    """
    infos = {column.name: column for column in columns}
    for by in bys:
        for part in by.parts:
            if part.column not in infos:
                close = nearest(part.column, infos)
                raise UsageError(f"--by: {place} has no column {part.column!r}{close} {listing(infos)}")
            _check(part, infos[part.column], place)


def _check(part: Part, info: ColumnInfo, place: str) -> None:
    kind = info.type if info.kind == "other" else info.kind
    said = f"--by {str(part)!r}: column {info.name!r} of {place} is {kind}"
    dated = info.type.startswith(("date", "timestamp", "datetime64"))
    if info.type in ("null", "empty"):
        return
    if info.width != 1 or not (dated or info.kind in ("integer", "float", "boolean", "string")):
        raise UsageError(f"{said}, which makes no slices; take a column of texts, numbers, booleans, dates or times")
    if part.how in PERIODS and not (dated or info.kind == "string"):
        raise UsageError(f"{said}, expected dates or times")
    if part.numeric and dated:
        raise UsageError(f"{said}, expected numbers; dates take {', '.join(PERIODS)}")


def needed(bys: Iterable[By]) -> tuple[str, ...]:
    """The columns that are read for them, each once."""
    return tuple(dict.fromkeys(name for by in bys for name in by.columns))


def as_text(bys: Iterable[By], taken: Collection[str]) -> tuple[str, ...]:
    """The columns to be read as text where a format leaves that open: those whose values are keys as they stand.

    Args:
        bys: what is sliced by.
        taken: columns that are read as numbers anyway, whose keys are made of these.
    """
    parts = [part for by in bys for part in by.parts]
    numbers = {part.column for part in parts if part.numeric} | set(taken)
    return tuple(dict.fromkeys(part.column for part in parts if part.column not in numbers))
