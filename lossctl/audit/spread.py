"""How the losses of rows are spread: quantiles, the share of the worst, a histogram, from counts by bucket.

What is counted hangs on the rows alone, so that all of it is the same for any order, split or number of threads.
A quantile is off by 0.1 % at the most (see `buckets`).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lossctl.audit.counting import MOST_PAGED_GROUPS, Counted, Pages, Table, regrouped, together
from lossctl.kernels.buckets import GROUP_BITS, INFINITE, MIDDLE, MISSING, border, bucket, middle
from lossctl.kernels.exactsum import FLUSH_ROWS, UNIT_EXPONENT

if TYPE_CHECKING:
    from lossctl.audit.sums import Bytes, Floats

BINS = 20
# a histogram shows so much of the rows evenly; the last bin has the rest
SHOWN = 0.995
# from so many times the median on, that bound is far enough for edges in powers of 2
WIDE = 64.0


class SpreadPart(NamedTuple):
    """The rows of some groups by the bucket of their loss.

    Attributes:
        counted: the rows of each group and bucket, and the exact sums of their weights.
        weighted: whether the rows have weights, and so whether levels are of weight or of rows.
        groups: how many groups there are.
    """

    counted: Counted = Counted()
    weighted: bool = False
    groups: int = 1

    def merge(self, other: SpreadPart) -> SpreadPart:
        """Both together, of the same groups."""
        groups = max(self.groups, other.groups)
        if not len(self.counted.places) or not len(other.counted.places):
            full = self if len(self.counted.places) else other
            return full._replace(groups=groups)
        if self.weighted != other.weighted:
            raise ValueError("rows with weights do not merge with rows without")
        return SpreadPart(together([self.counted, other.counted]), self.weighted, groups)

    def added(self, other: SpreadPart, into: np.ndarray, groups: int) -> SpreadPart:
        """Both together, where the other's group c is this one's group into[c], of `groups` in all."""
        renamed = other._replace(counted=regrouped(other.counted, into), groups=groups)
        return self._replace(groups=groups).merge(renamed)

    def of(self, code: int) -> SpreadPart:
        """One group alone."""
        counted = self.counted
        start, end = np.searchsorted(counted.places, [code << GROUP_BITS, (code + 1) << GROUP_BITS]).tolist()
        places = counted.places[start:end] - (code << GROUP_BITS)
        alone = counted._replace(places=places, rows=counted.rows[start:end], limbs=counted.limbs[start:end])
        return SpreadPart(alone, self.weighted)

    @property
    def buckets(self) -> np.ndarray:
        """(B,) the buckets, of one group, in order."""
        return self.counted.places - MIDDLE

    def masses(self) -> list[int]:
        """The rows in each bucket, or their weight in units of 2**-1074."""
        if not self.weighted:
            rows: list[int] = self.counted.rows.tolist()
            return rows
        first = self.counted.first
        return [sum(limb << (32 * (first + k)) for k, limb in enumerate(row)) for row in self.counted.limbs.tolist()]


class Spread:
    """Rows counted by bucket, until they become a SpreadPart."""

    def __init__(self) -> None:
        self.pages: Pages | None = None
        self.table: Table | None = None
        self.done: list[Counted] = []
        self.weighted, self.groups, self.pending = False, 1, 0

    def add(
        self,
        losses: Floats,
        weights: Floats | None,
        skipped: Bytes | None,
        codes: np.ndarray | None = None,
        groups: int = 1,
    ) -> None:
        """Add a block's rows, save those that are skipped and those of no group."""
        self.groups = max(self.groups, groups)
        self.weighted = self.weighted or weights is not None
        if self.pending + len(losses) > FLUSH_ROWS:
            self.flush()
        self.pending += len(losses)
        if weights is None and groups <= MOST_PAGED_GROUPS:
            self.pages = self.pages or Pages()
            self.pages.add(losses, skipped, codes, groups)
        else:
            self.table = self.table or Table()
            for full in self.table.add(losses, weights, skipped, codes):
                self.done.append(full)
                self._settle(4)

    def _settle(self, most: int) -> None:
        if len(self.done) > most:
            self.done = [together(self.done)]

    def flush(self) -> SpreadPart:
        """All that was added so far."""
        self.done += [held.take() for held in (self.pages, self.table) if held is not None]
        self._settle(1)
        self.pending = 0
        return SpreadPart(self.done[0] if self.done else Counted(), self.weighted, self.groups)


def quantiles(part: SpreadPart, levels: Sequence[float], least: float, most: float) -> tuple[float, ...]:
    """For each level, the least value with at least that share of the weight at or below it, off by 0.1 %.

    Args:
        part: of one group.
        levels: 0 to 1, taken as their shortest decimals.
        least, most: of all values, exactly.

    Returns:
        The quantiles; NaN where a row is, or where there is no weight.
    """
    reached = list(accumulate(part.masses()))
    numbers = part.buckets
    if not reached or not reached[-1] or numbers[-1] == MISSING:
        return tuple(math.nan for _ in levels)
    wanted = [max(math.ceil(Fraction(repr(float(level))) * reached[-1]), 1) for level in levels]
    found = [middle(int(numbers[bisect_left(reached, mass)])) for mass in wanted]
    return tuple(min(max(value, least), most) for value in found)


def worst_share(part: SpreadPart, rows: float, total: float) -> float | None:
    """The share of the loss that the worst rows carry, off by 0.1 %; the last bucket counts in part.

    Args:
        part: of one group.
        rows: the share of the rows, or of the weight where there are weights.
        total: the sum of w l.

    Returns:
        The share; None where the sum is not a finite number above 0.
    """
    masses, numbers = part.masses(), part.buckets.tolist()
    if not masses or not 0.0 < total < math.inf or numbers[0] == ~INFINITE or numbers[-1] >= INFINITE:
        return None
    left = Fraction(repr(float(rows))) * sum(masses)
    unit = 1 << UNIT_EXPONENT if part.weighted else 1
    carried = Fraction(0)
    for number, mass in zip(reversed(numbers), reversed(masses), strict=True):
        taken = min(left, Fraction(mass))
        carried += taken * Fraction(middle(number)) / unit
        left -= taken
        if not left:
            break
    share = float(carried / Fraction(total))
    return min(share, 1.0) if numbers[0] >= 0 else share


class Histogram(NamedTuple):
    """Rows by bin: edges[k] <= loss < edges[k + 1], and the last edge too.

    Attributes:
        edges, counts: of B bins, B + 1 and B numbers.
        scale: how the edges lie, "linear" or "log".
        outside: rows whose loss is NaN or infinite.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    scale: str
    outside: int = 0

    def to_dict(self) -> dict[str, object]:
        """As the JSON has it."""
        outside = {"outside": self.outside} if self.outside else {}
        return {"scale": self.scale, "edges": list(self.edges), "counts": list(self.counts), **outside}


def histogram(part: SpreadPart, least: float, most: float, bins: int = BINS) -> Histogram | None:
    """The rows by bins whose edges are multiples of a power of 2, or powers of 2 where the losses range widely.

    All inner edges are borders of buckets, so that the counts are exact. The outermost edges are the least and the
    greatest loss, and the last bin takes what is beyond 99.5 % of the rows.

    Args:
        part: of one group.
        least, most: of all values, exactly.
        bins: about how many bins there may be.

    Returns:
        The histogram; None where no loss is a finite number.
    """
    numbers, rows = part.buckets, part.counted.rows
    finite = (numbers > ~INFINITE) & (numbers < INFINITE)
    outside = int(rows[~finite].sum())
    numbers, rows = numbers[finite], rows[finite]
    if not len(numbers):
        return None
    low, high = (least, most) if not outside else (border(int(numbers[0])), border(int(numbers[-1]) + 1))
    low, high = (x if math.isfinite(x) else y for x, y in ((least, low), (most, high)))
    reached = np.cumsum(rows)
    median, bound = (_at(numbers, reached, level) for level in (0.5, SHOWN))
    scale = "log" if low >= 0.0 and bound > WIDE * median else "linear"
    inner = _powers(_at(numbers, reached, 1.0 - SHOWN), high, bins) if scale == "log" else _steps(low, bound, bins)
    cuts = sorted({bucket(edge) for edge in inner})
    cuts = [cut for cut in cuts if low < border(cut) < high]
    below = [0, *(int(reached[k - 1]) if k else 0 for k in np.searchsorted(numbers, cuts).tolist()), int(reached[-1])]
    edges = (float(low), *map(border, cuts), float(high))
    return Histogram(edges, tuple(b - a for a, b in zip(below[:-1], below[1:], strict=True)), scale, outside)


def _at(numbers: np.ndarray, reached: np.ndarray, level: float) -> float:
    """Where a share of the rows is reached."""
    return middle(int(numbers[np.searchsorted(reached, math.ceil(level * int(reached[-1])))]))


def _steps(low: float, bound: float, bins: int) -> list[float]:
    """Multiples of a power of 2 between two numbers, and the first one beyond."""
    if not low < bound:
        return []
    step = 2.0 ** math.ceil(math.log2(bound / bins - low / bins))
    start = math.floor(low / step)
    return [step * k for k in range(start + 1, math.ceil(bound / step) + 1)]


def _powers(low: float, high: float, bins: int) -> list[float]:
    """Powers of 2 up to a number, from another on or so far down as the bins reach."""
    top = math.frexp(high)[1]
    bottom = max(math.frexp(low)[1] - 1 if low > 0.0 else -1022, -1022)
    return [2.0**k for k in range(max(bottom, top - bins), min(top, 1023) + 1)]
