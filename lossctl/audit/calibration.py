"""Reliability: predicted probabilities by bin beside the rates that were observed, and the errors that follow.

Bins are (lower, upper], the first one with its lower end. Of equal width they are [0, 1] in so many parts; of equal
mass their edges are the weighted quantiles of the predictions, the least ones with at least k / N of the weight at or
below. Equal predictions always share a bin, so that ties may leave fewer bins than were asked for.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Literal, NamedTuple

import numpy as np

from lossctl.audit import limbs as exact
from lossctl.audit.distinct import Distinct, Run
from lossctl.audit.limbs import Limbs
from lossctl.audit.observed import GroupSums, kept, product, row_sums, summed, together
from lossctl.audit.sums import Sums
from lossctl.kernels.exactsum import UNIT_EXPONENT

Binning = Literal["equal-mass", "equal-width"]


class Binned(NamedTuple):
    """The part of bins whose edges are known: exact sums by bin, and the rows that are no number."""

    sums: GroupSums
    unusable: int = 0

    def merge(self, other: Binned) -> Binned:
        """Both together."""
        return Binned(together(self.sums, other.sums), self.unusable + other.unusable)


def width_edges(bins: int) -> np.ndarray:
    """(bins + 1,) edges of equal width from 0 to 1."""
    return np.arange(bins + 1) / bins


class BinTally:
    """Rows added up by the bin of their prediction.

    Args:
        edges: (bins + 1,) increasing; predictions beyond the outer ones are in the outer bins.
    """

    def __init__(self, edges: np.ndarray) -> None:
        self.inner, self.bins = edges[1:-1], len(edges) - 1
        self.part = Binned({"rows": {}, "label": {}, "pred": {}})

    def add(self, preds: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> None:
        """Rows (n,) that count; those without a number are only counted."""
        with np.errstate(over="ignore", invalid="ignore"):
            counted = preds + labels
            usable = np.isfinite(counted if weights is None else counted * weights)
        if not usable.all():
            preds, labels = preds[usable], labels[usable]
            weights = None if weights is None else weights[usable]
        codes = np.searchsorted(self.inner, preds, side="left")
        rows = row_sums(labels, weights, spread=True)
        rows["pred"] = [preds] if weights is None else list(product(weights, preds))
        sums = summed(rows, lambda values: exact.grouped(codes, values, self.bins))
        self.part = self.part.merge(Binned(sums, int(len(usable) - usable.sum())))

    def partial(self) -> Binned:
        """All that was added."""
        return self.part


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin that has rows; `stderr` is the observed rate's, None where it is not defined."""

    lower: float
    upper: float
    count: int
    weight: float
    predicted: float
    observed: float
    gap: float
    stderr: float | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """A table of bins, and its errors: `ece` is the mean of |gap|, `mce` the greatest, `rms` the root mean square.

    Attributes:
        estimator: how the errors are estimated, in words.
        bins: those that have weight.
        bias: mean prediction minus mean label.
        count, weight: of all rows that are numbers.
        unusable: rows that are not.
    """

    estimator: str
    bins: tuple[Bin, ...]
    ece: float
    mce: float
    rms: float
    bias: float
    count: int
    weight: float
    unusable: int

    def to_dict(self) -> dict[str, Any]:
        """As the JSON has it."""
        found = asdict(self)
        return found if self.unusable else {name: value for name, value in found.items() if name != "unusable"}


def reliability(part: Binned, edges: np.ndarray, estimator: str) -> Reliability:
    """The table of bins whose edges are known."""
    bins = len(edges) - 1
    counts = exact.floats(kept(part.sums, "rows"), bins)
    made = [_Sums.of(part.sums, k) for k in np.flatnonzero(counts).tolist()]
    return _table(made, edges, estimator, part.unusable)


def equal_mass(part: Distinct, bins: int, estimator: str) -> Reliability:
    """The table of at most so many bins of equal mass; the part has the sums for errors of rates."""
    run = part.whole()
    keys = run.keys
    edges, starts = _mass_edges(keys, kept(run.sums, "weight"), bins)
    if not len(starts):
        return _table([], edges, estimator, part.unusable)
    sums = {name: exact.gathered(starts, limbs) for name, limbs in run.sums.items()}
    made = [_Sums.of({**sums, "pred": {}}, k) for k in range(len(starts))]
    stops = [*starts[1:].tolist(), len(keys)]
    means = [_weighted(run, start, stop) for start, stop in zip(starts.tolist(), stops, strict=True)]
    made = [one._replace(pred=pred, bin=k) for k, (one, pred) in enumerate(zip(made, means, strict=True))]
    return _table(made, edges, estimator, part.unusable)


def _mass_edges(keys: np.ndarray, weights: Limbs, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """The edges, and where in the sorted keys each bin starts."""
    sums = {grid: np.cumsum(limb) for grid, limb in weights.items()}
    if not len(keys):
        return np.empty(0), np.empty(0, np.int64)
    whole = exact.exactly(sums, -1)
    quantiles = [keys[_reaching(sums, len(keys), Fraction(k, bins) * whole)] for k in range(1, bins)]
    inner = np.unique(np.array(quantiles, np.float64))
    inner = inner[inner < keys[-1]]
    starts = np.concatenate([[0], np.searchsorted(keys, inner, side="right")])
    return np.concatenate([keys[:1], inner, keys[-1:]]), starts.astype(np.int64)


def _reaching(sums: Limbs, keys: int, target: Fraction) -> int:
    """The first key at which the running weight reaches a target."""
    low, high = 0, keys - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if exact.exactly(sums, middle) >= target else (middle + 1, high)
    return low


def _weighted(run: Run, start: int, stop: int) -> Fraction:
    """The exact sum of weight times prediction over some keys."""
    found, keys = Fraction(0), np.ascontiguousarray(run.keys[start:stop])
    for grid, limb in kept(run.sums, "weight").items():
        # halves of so few bits are float64 without rounding
        for shift, half in ((exact.BITS, limb[start:stop] >> exact.BITS), (0, limb[start:stop] & 0xFFFFFFFF)):
            sums = Sums()
            sums.add(keys, half.astype(np.float64), None)
            found += Fraction(sums.flush().loss, 1 << UNIT_EXPONENT) * Fraction(2) ** (grid + shift)
    return found


class _Sums(NamedTuple):
    """The exact sums of a bin."""

    bin: int
    rows: int
    weight: Fraction
    label: Fraction
    pred: Fraction
    weight_squares: Fraction
    cross: Fraction
    squares: Fraction

    @classmethod
    def of(cls, sums: GroupSums, group: int) -> _Sums:
        """Those of a group."""
        names = cls._fields[2:]
        return cls(
            group,
            int(exact.exactly(kept(sums, "rows"), group)),
            *(exact.exactly(kept(sums, name), group) for name in names),
        )

    @property
    def gap(self) -> Fraction:
        """Weight times mean prediction minus observed rate."""
        return self.pred - self.label

    def stderr(self) -> float | None:
        """Of the observed rate, linearised: sqrt(n / (n - 1) sum (w (y - r))^2) / W."""
        if self.rows < 2:
            return None
        rate = self.label / self.weight
        spread = self.squares - 2 * rate * self.cross + rate * rate * self.weight_squares
        return math.sqrt(max(spread, Fraction(0)) / self.weight**2 * Fraction(self.rows, self.rows - 1))


def _table(made: list[_Sums], edges: np.ndarray, estimator: str, unusable: int) -> Reliability:
    filled = [one for one in made if one.weight]
    weight = sum((one.weight for one in filled), Fraction(0))
    if not weight:
        rows = sum(one.rows for one in made)
        return Reliability(estimator, (), math.nan, math.nan, math.nan, math.nan, rows, 0.0, unusable)
    gaps = [abs(one.gap) for one in filled]
    return Reliability(
        estimator,
        tuple(_bin(one, edges) for one in filled),
        float(sum(gaps) / weight),
        float(max(gap / one.weight for gap, one in zip(gaps, filled, strict=True))),
        math.sqrt(sum(gap * gap / one.weight for gap, one in zip(gaps, filled, strict=True)) / weight),
        float(sum(one.gap for one in filled) / weight),
        sum(one.rows for one in made),
        float(weight),
        unusable,
    )


def _bin(one: _Sums, edges: np.ndarray) -> Bin:
    return Bin(
        float(edges[one.bin]),
        float(edges[one.bin + 1]),
        one.rows,
        float(one.weight),
        float(one.pred / one.weight),
        float(one.label / one.weight),
        float(one.gap / one.weight),
        one.stderr(),
    )
