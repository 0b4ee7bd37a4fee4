"""What `reduce` gives of a loss, for many slices at once and for the rest of each: a column a number, the same bits.

The integers are those of `LossPartial`, in units of 2**(floor - 1074): shorter ones, where no slice needs the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from lossctl.audit.groupmoments import GroupMoments
from lossctl.kernels.exactsum import SUMS, UNIT_EXPONENT, ratio
from lossctl.kernels.window import BASE

if TYPE_CHECKING:
    from lossctl.audit.moments import LossPartial
    from lossctl.evaluation.settled import Settled

    Floats: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float64]]"
    Whole: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"

# slices whose integers are held at once
CHUNK = 1 << 13


class Reduced(NamedTuple):
    """(G,) columns of values and what goes with them; NaN where a number is not defined."""

    value: Floats
    rows: Whole
    stderr: Floats
    df: Floats


class Numbers(NamedTuple):
    """Of each of G slices; `own` and `rest` are of its rows and of all others.

    The sum, the weight and the denominator are those of `LossResult`; least and most are NaN without rows.
    """

    own: Reduced
    rest: Reduced
    sum: Floats
    weight_sum: Floats
    denominator: Floats | None
    least: Floats
    most: Floats


class _Sums:
    """The sums of one cell over some slices, or over the rest of each, as lists of integers."""

    def __init__(self, read: Callable[[str], list[int]], special: list[float | None] | None) -> None:
        self.read, self.special = read, special
        self.known: dict[str, list[int]] = {}

    def __getitem__(self, name: str) -> list[int]:
        if name not in self.known:
            self.known[name] = self.read(name)
        return self.known[name]


def numbers(
    settled: Settled, ours: str, sums: Sequence[GroupMoments], total: Sequence[LossPartial], places: Sequence[int]
) -> Numbers:
    """The numbers of slices.

    Args:
        settled: a loss that has a value a row.
        ours: the reduction, as one of ours.
        sums: of each of the loss's sums, by slice.
        total: the same over all rows.
        places: the slices' groups, in the order in which they are wanted.
    """
    order = np.asarray(places, np.int64)
    starts = range(0, max(len(order), 1), CHUNK)
    pieces = [_Chunk(settled, ours, sums, total, order[i : i + CHUNK]).numbers() for i in starts]
    own, rest, *others = zip(*pieces, strict=True)
    joined = (None if column[0] is None else np.concatenate(column) for column in others)
    return Numbers(_joined(own), _joined(rest), *joined)  # type: ignore[arg-type]


def _joined(pieces: Sequence[Reduced]) -> Reduced:
    return Reduced(*map(np.concatenate, zip(*pieces, strict=True)))


class _Chunk:
    """Some slices."""

    def __init__(
        self, settled: Settled, ours: str, sums: Sequence[GroupMoments], total: Sequence[LossPartial], order: Whole
    ) -> None:
        self.ours, self.outputs = ours, settled.width if settled.elements else 1
        self.cells = [cell.taken(order) for cell in sums]
        self.own_cells = len(settled.cells)
        self.floor = _floor(self.cells, total)
        self.unit = 1 << (UNIT_EXPONENT - self.floor)
        self.own = [_own(cell, self.floor) for cell in self.cells]
        self.rest = [_rest(*of, self.floor) for of in zip(self.own, self.cells, total, strict=True)]

    def numbers(self) -> Numbers:
        """All of them."""
        below = self.denominators(self.own)
        first, cell = self.own[0], self.cells[0]
        least, most = _extremes(cell)
        return Numbers(
            self.reduced(self.own),
            self.reduced(self.rest),
            _with_special(self.divided(first["loss"]), first.special),
            self.divided(first["weight"]),
            None if below is None else self.divided(below),
            least,
            most,
        )

    def divided(self, integers: Sequence[int]) -> Floats:
        """Integers as the numbers nearest to what they count."""
        unit = self.unit
        return np.array([ratio(number, unit) for number in integers])

    def denominators(self, cells: Sequence[_Sums]) -> list[int] | None:
        """What is divided by, in units; None for nothing."""
        first, unit, outputs = cells[0], self.unit, self.outputs
        match self.ours:
            case "mean":
                return first["weight"] if self.own_cells == 1 else cells[1]["loss"]
            case "sum_over_batch_size":
                return [rows * unit for rows in first["rows"]]
            case "sum_by_nonzero_weights":
                return [rows * unit for rows in first["nonzero"]]
            case "batchmean":
                return [rows // outputs * unit for rows in first["rows"]]
        return None

    def reduced(self, cells: Sequence[_Sums]) -> Reduced:
        """Values with their errors."""
        below, first = self.denominators(cells), cells[0]
        if below is None:
            value = _with_special(self.divided(first["loss"]), first.special)
        else:
            pairs = zip(first["loss"], below, strict=True)
            value = _with_special(np.array([ratio(a, b) if b else math.nan for a, b in pairs]), first.special)
            value[np.fromiter((not b for b in below), bool, len(below))] = math.nan
        stderr, df = self.errors(cells[-1])
        return Reduced(value, np.array(first["rows"], np.int64), stderr, df)

    def errors(self, rows: _Sums) -> tuple[Floats, Floats]:
        """Standard errors as `standard_error` has them, and their degrees of freedom; NaN where there is none."""
        n = rows["nonzero" if self.ours in ("mean", "sum_by_nonzero_weights") else "rows"]
        found = np.fromiter(map(_root, self.variances(rows, n)), np.float64, len(n))
        count = np.array(n, np.float64)
        found[count < 2] = math.nan
        if not self.cells[-1].plain:
            found[np.fromiter((not weight for weight in rows["weight"]), bool, len(n))] = math.nan
        if rows.special is not None:
            found[[value is not None for value in rows.special]] = math.nan
        return found, np.where(np.isnan(found), math.nan, count - 1.0)

    def variances(self, rows: _Sums, n: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Each as a quotient; see `standard_error`."""
        unit, loss, squares = self.unit, rows["loss"], rows["squares"]
        if self.ours == "mean" and not self.cells[-1].plain:
            others = (rows[name] for name in ("weight", "weight_squares", "cross"))
            for k, x, xx, w, ww, c in zip(n, loss, squares, *others, strict=True):
                spread = xx * w * w - 2 * x * c * w + x * x * ww
                yield spread * unit * k, w**4 * (k - 1)
            return
        # with weights of 1 the mean's is this too
        many = self.outputs if self.ours in ("sum", "batchmean") else 1
        for k, x, xx in zip(n, loss, squares, strict=True):
            size = k * many if self.ours == "sum" else many
            yield (xx * unit * k - x * x) * (size * size), (unit * k) ** 2 * (k - 1)


def _root(variance: tuple[int, int]) -> float:
    """Its root; NaN where it is none or too large."""
    above, below = variance
    try:
        return math.sqrt(above / below) if above > 0 and below > 0 else 0.0
    except OverflowError:
        return math.nan


def _floor(cells: Sequence[GroupMoments], total: Sequence[LossPartial]) -> int:
    """The unit that all of some sums are whole numbers of."""
    low = (1 << BASE) - 1
    short = all(cell.floor == BASE for cell in cells)
    return BASE if short and not any(getattr(one, name) & low for one in total for name in SUMS) else 0


def _own(cell: GroupMoments, floor: int) -> _Sums:
    up = cell.floor - floor

    def read(name: str) -> list[int]:
        integers = list(cell.integers(name))
        return [number << up for number in integers] if up and name in SUMS else integers

    special = cell.special()
    return _Sums(read, [special.get(group) for group in range(len(cell))] if special else None)


def _rest(own: _Sums, cell: GroupMoments, total: LossPartial, floor: int) -> _Sums:
    """All rows without those of each slice."""

    def read(name: str) -> list[int]:
        every = getattr(total, name) >> (floor if name in SUMS else 0)
        return [every - number for number in own[name]]

    special = total.special
    if special is None:
        return _Sums(read, None)
    # only what stands apart can hold rows that are no numbers
    left = {group: total.minus(partial).special for group, partial in cell.wide.items()}
    return _Sums(read, [left.get(group, special) for group in range(len(cell))])


def _with_special(values: Floats, special: Sequence[float | None] | None) -> Floats:
    if special is not None:
        for place, value in enumerate(special):
            if value is not None:
                values[place] = value
    return values


def _extremes(cell: GroupMoments) -> tuple[Floats, Floats]:
    extremes = cell.extremes.copy()
    for group in cell.wide:
        partial = cell.moment(group)
        extremes[group] = partial.least, partial.most
    extremes[extremes[:, 0] > extremes[:, 1]] = math.nan
    return extremes[:, 0], extremes[:, 1]
