"""A filter against the columns there are: each comparison learns as what its two sides are compared, or is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from lossctl.errors import UsageError, nearest
from lossctl.readers.connectives import And, Not, Or, predicates
from lossctl.readers.roles import listing
from lossctl.readers.source import ColumnInfo
from lossctl.readers.where import Column, Comparison, In, IsNull, Literal, Operand, Tree, Truth

SECOND = 10**9
DATE = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?)?\s*(Z|[+-]\d{2}:\d{2})?", re.IGNORECASE
)
WORDS = {"number": "a number", "text": "a text", "boolean": "true or false"}


class Fitted(NamedTuple):
    """A filter that fits some columns, and which of them have to be read as text."""

    tree: Tree
    text: frozenset[str]


def fitted(tree: Tree, columns: Sequence[ColumnInfo], place: str, untyped: bool = False) -> Fitted:
    """The filter with every comparison's family: number, text, boolean, or date, whose literals become integers.

    Args:
        tree: as parsed.
        columns: those of the input.
        place: the input's path.
        untyped: whether the file's types are only what its texts look like, so that any column can be text.

    Raises:
        UsageError: a column that is not there, or sides that cannot be compared.
    """
    fit = _Fit({column.name: column for column in columns}, place)
    if untyped:
        fit.text = frozenset(_beside_texts(tree))
    return Fitted(fit.tree(tree), fit.text)


def _beside_texts(tree: Tree) -> Iterable[str]:
    """The columns that are compared with a text."""
    for leaf in predicates(tree):
        match leaf:
            case In(column, values) if any(isinstance(literal.value, str) for literal in values):
                yield column.name
            case Comparison(_, left, right):
                for one, other in ((left, right), (right, left)):
                    if isinstance(one, Column) and isinstance(other, Literal) and isinstance(other.value, str):
                        yield one.name


class _Fit:
    """One input's columns."""

    def __init__(self, columns: dict[str, ColumnInfo], place: str) -> None:
        self.columns, self.place = columns, place
        self.text: frozenset[str] = frozenset()

    def tree(self, tree: Tree) -> Tree:
        match tree:
            case And(parts):
                return And(tuple(map(self.tree, parts)))
            case Or(parts):
                return Or(tuple(map(self.tree, parts)))
            case Not(part):
                return Not(self.tree(part))
            case IsNull(column):
                self._info(column)
                return tree
            case Truth(column):
                return self._truth(column)
            case In(column, values):
                sides = [self._sides("=", column, literal) for literal in values]
                literals = tuple(side.right for side in sides if isinstance(side.right, Literal))
                return In(column, literals, sides[0].family)
            case Comparison(op, left, right):
                return self._sides(op, left, right)

    def _truth(self, column: Column) -> Comparison:
        if self._family(column) not in ("boolean", ""):
            raise UsageError(f"--where: {self._said(column)}, expected a comparison: only booleans stand alone")
        return Comparison("=", column, Literal(True), "boolean")

    def _sides(self, op: str, left: Operand, right: Operand) -> Comparison:
        """A comparison with its family."""
        if isinstance(right, Column):
            self._info(right, "; a text stands in quotes")
        families = [self._family(left), self._family(right)]
        # a column of nulls alone has no type, and compares with anything
        known = sorted({family for family in families if family})
        family = known[0] if known else "number"
        if known == ["date", "text"]:
            family = "date"
            left, right = self._dated(left, right), self._dated(right, left)
        elif len(known) > 1:
            raise UsageError(f"--where: {self._said(left)} and {self._said(right)}: these cannot be compared")
        if family == "date":
            self._same_clock(left, right)
        if family == "boolean" and op not in ("=", "!="):
            side = left if isinstance(left, Column) else right
            raise UsageError(f"--where: {self._said(side)}, which {op} cannot compare; take = or !=")
        return Comparison(op, left, right, family)

    def _info(self, column: Column, hint: str = "") -> ColumnInfo:
        if column.name not in self.columns:
            names = list(self.columns)
            close = nearest(column.name, names)
            raise UsageError(f"--where: {self.place} has no column {column.name!r}{close} {listing(names)}{hint}")
        return self.columns[column.name]

    def _family(self, side: Operand) -> str:
        """number, text, boolean or date; nothing where the column holds nulls alone.

        Raises:
            UsageError: a column of another type.
        """
        if isinstance(side, Literal):
            return "boolean" if isinstance(side.value, bool) else "text" if isinstance(side.value, str) else "number"
        info = self._info(side)
        if side.name in self.text:
            return "text"
        if info.type in ("null", "empty"):
            return ""
        if info.kind in ("integer", "float") and info.width == 1:
            return "number"
        if info.kind == "boolean" and info.width == 1:
            return "boolean"
        if info.kind == "string":
            return "text"
        if info.type.startswith(("date", "timestamp")):
            return "date"
        raise UsageError(f"--where: {self._said(side)}, which cannot be compared; only `is null` can be asked of it")

    def _said(self, side: Operand) -> str:
        """A side with its type, for an error."""
        if isinstance(side, Literal):
            value = str(side.value).lower() if isinstance(side.value, bool) else repr(side.value)
            return f"{value} is {WORDS[self._family(side)]}"
        info = self._info(side)
        if side.name in self.text:
            return f"column {side.name!r} is compared with a text"
        return f"column {side.name!r} of {self.place} is {info.kind if info.kind != 'other' else info.type}"

    def _dated(self, side: Operand, other: Operand) -> Operand:
        """The literal beside a date column as nanoseconds since 1970."""
        if isinstance(side, Column):
            if self._family(side) == "date":
                return side
            raise UsageError(f"--where: {self._said(side)} and {self._said(other)}: these cannot be compared")
        assert isinstance(other, Column)
        return Literal(self._moment(str(side.value), other))

    def _moment(self, text: str, column: Column) -> int:
        """Nanoseconds since 1970 of a date or time; one without an offset is in UTC where the column has a zone."""
        found = DATE.fullmatch(text)
        try:
            if found is None or (found[4] and not found[2]):
                raise ValueError
            day = datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}+00:00")
            offset = datetime.fromisoformat(f"2000-01-01T00:00{(found[4] or 'Z').upper()}").utcoffset() or timedelta()
        except ValueError:
            example = "2024-01-31 or 2024-01-31T12:00:00"
            raise UsageError(
                f"--where: {self._said(column)}, expected a date such as {example}, got {text!r}"
            ) from None
        if found[4] and not self._zoned(column):
            raise UsageError(f"--where: {self._said(column)}, without a time zone, so {text!r} may have no offset")
        since = day - datetime.fromisoformat("1970-01-01T00:00+00:00") - offset
        whole = (since.days * 86400 + since.seconds) * SECOND
        return whole + int((found[3] or "0").ljust(9, "0"))

    def _zoned(self, column: Column) -> bool:
        return "tz=" in self._info(column).type

    def _same_clock(self, left: Operand, right: Operand) -> None:
        if isinstance(left, Column) and isinstance(right, Column) and self._zoned(left) != self._zoned(right):
            raise UsageError(f"--where: {self._said(left)} and {self._said(right)}: only one has a time zone")
