"""The texts of a result's parts for people: counts with separators, values to eight digits, safe names."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lossctl.evaluation.result import LossResult

LISTED = 3


@dataclass(frozen=True, slots=True)
class Row:
    """The texts of one loss; empty where there is nothing to say."""

    loss: str
    value: str
    error: str
    reduction: str
    denominator: str
    count: str
    min: str
    max: str
    guard: str
    differs: str = ""
    level: str = ""
    interval: str = ""

    @property
    def range(self) -> str:
        """The rows and their extremes in one phrase."""
        return f"{self.count}: {self.min} … {self.max}" if self.min else self.count


def row_of(entry: LossResult) -> Row:
    """How a table shows a loss."""
    return Row(
        loss=printable(entry.spec),
        value=f"{entry.value:.8g}",
        error="" if entry.stderr is None else f"{entry.stderr:.3g}",
        reduction=entry.reduction,
        denominator=_denominator(entry),
        count=counted(entry.count),
        min="" if entry.min is None else f"{entry.min:.6g}",
        max="" if entry.max is None else f"{entry.max:.6g}",
        guard=_guard(entry),
        differs=printable("; ".join(entry.differs)),
        level="" if entry.ci is None else f"{100 * entry.ci['level']:g} % interval",
        interval="" if entry.ci is None else between(entry.ci["low"], entry.ci["high"]),
    )


def between(low: float, high: float) -> str:
    """An interval, with as many digits as its width makes worth while.

    >>> between(0.1409137, 0.1755518), between(-3.0, 12345.678)
    ('0.1409 to 0.1756', '-3 to 12346')
    """
    width = high - low
    if not 0.0 < width < math.inf or abs(low) + abs(high) >= 1e9:
        return f"{low:.6g} to {high:.6g}"
    decimals = min(max(2 - math.floor(math.log10(width)), 0), 12)
    return f"{low:.{decimals}f} to {high:.{decimals}f}"


def counted(rows: int) -> str:
    """A number of rows in words.

    >>> counted(1797)
    '1,797 rows'
    """
    return f"{rows:,} row" if rows == 1 else f"{rows:,} rows"


def printable(text: str) -> str:
    """The text with control characters escaped: a file's names may not move the cursor."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def column_names(names: tuple[str, ...] | None) -> str:
    """The columns of a role, a long family by its ends.

    >>> column_names(("p_0", "p_1", "p_2", "p_3"))
    'p_0 … p_3 (4)'
    """
    if not names:
        return "none"
    if len(names) > LISTED:
        return f"{printable(names[0])} … {printable(names[-1])} ({len(names):,})"
    return ", ".join(map(printable, names))


def _denominator(entry: LossResult) -> str:
    if entry.denominator is None:
        return "none"
    whole = entry.denominator.is_integer() and abs(entry.denominator) < 1e15
    number = f"{int(entry.denominator):,}" if whole else f"{entry.denominator:.8g}"
    name = printable(entry.denominator_name)
    return f"{name} {number}" if name.startswith("sum") else f"{number} {name}".rstrip()


def _guard(entry: LossResult) -> str:
    if not entry.guarded or not entry.guarded.get("count"):
        return ""
    share = entry.guarded.get("share")
    told = "" if share is None or math.isnan(share) else f", {100 * share:.3g}% of the sum"
    return f"guarded: {counted(int(entry.guarded['count']))}{told}"
