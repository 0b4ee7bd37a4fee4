"""A mean score split into miscalibration - discrimination + uncertainty by isotonic recalibration.

With S the mean score, p the predictions, r their isotonic regression on the labels (weighted least squares, found by
pooling adjacent violators) and m the mean label: miscalibration = S(p) - S(r), discrimination = S(m) - S(r) and
uncertainty = S(m), so that S(p) = miscalibration - discrimination + uncertainty (Dimitriadis, Gneiting, Jordan 2021;
Gneiting and Resin 2021).

All is computed from the sorted distinct predictions, whose sums are exact; terms are added exactly and rounded once.
So the bits are the same in whatever order the rows came.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from lossctl.audit import limbs as exact
from lossctl.audit.distinct import Distinct, Run
from lossctl.audit.observed import kept
from lossctl.audit.sums import Sums
from lossctl.kernels.exactsum import UNIT_EXPONENT
from lossctl.kernels.frame import address, called
from lossctl.kernels.machine import isotonic_kernel

# a score of (n,) predictions for labels that are all 0, or all 1
Score = Callable[[np.ndarray, int], np.ndarray]
# predictions that are scored at a time
CHUNK = 1 << 20


class Decomposition(NamedTuple):
    """value = miscalibration - discrimination + uncertainty, each rounded once; NaN where there is no weight."""

    miscalibration: float
    discrimination: float
    uncertainty: float
    value: float


class Exact(NamedTuple):
    """The same before they are rounded; a score may be infinite."""

    miscalibration: Fraction | float
    discrimination: Fraction | float
    uncertainty: Fraction | float

    def rounded(self) -> Decomposition:
        """To float64."""
        pieces = (*self, self.miscalibration - self.discrimination + self.uncertainty)
        return Decomposition(*map(_float, pieces))


NOTHING = Exact(math.nan, math.nan, math.nan)


class Pools(NamedTuple):
    """Sorted distinct predictions and the pools of an isotonic regression.

    Attributes:
        keys: (n,) predictions of positive weight.
        labels, weights: (n,) the sums of w y and of w.
        starts: (k,) where each pool starts.
        rates: (k,) the pools' mean labels, increasing.
        pool_labels, pool_weights: (k,) their sums.
    """

    keys: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    starts: np.ndarray
    rates: np.ndarray
    pool_labels: np.ndarray
    pool_weights: np.ndarray

    def recalibrated(self, some: slice) -> np.ndarray:
        """The mean label of the pool of each of some predictions."""
        places = np.arange(*some.indices(len(self.keys)))
        return self.rates[np.searchsorted(self.starts, places, side="right") - 1]


def pooled(run: Run) -> Pools:
    """The isotonic regression of labels on predictions, by weighted least squares.

    Means are compared exactly where sums of weights and of labels are below 2**53 units, as counts are. Otherwise
    what decides is rounded to float64, which may move a pool's edge between means that are equal to 1e-15 or so; the
    pools' own means are from exact sums all the same.
    """
    weights = exact.floats(kept(run.sums, "weight"), len(run.keys))
    used = weights > 0.0
    sums = {name: kept(run.sums, name) for name in ("label", "weight")}
    if not used.all():
        sums = {name: {grid: limb[used] for grid, limb in limbs.items()} for name, limbs in sums.items()}
        weights = weights[used]
    keys = run.keys[used] if len(weights) < len(run.keys) else run.keys
    labels = exact.floats(sums["label"], len(keys))
    starts: np.ndarray | None = None
    pool_labels, pool_weights = labels, weights
    while len(found := _pool_starts(pool_labels, pool_weights)) < len(pool_labels):
        # sums that were rounded on the way may leave two pools that the exact ones join
        starts = found if starts is None else starts[found]
        pool_labels, pool_weights = (
            exact.floats(exact.gathered(starts, sums[name]), len(starts)) for name in ("label", "weight")
        )
    starts = found if starts is None else starts
    return Pools(keys, labels, weights, starts, pool_labels / pool_weights, pool_labels, pool_weights)


def _pool_starts(labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Where the pools of neighbours start, whose means increase."""
    # powers of two, so that products neither overflow nor lose bits
    sums, shares = (np.ldexp(some, -math.frexp(float(np.max(np.abs(some))))[1]) for some in (labels, weights))
    starts, found = np.empty(len(sums), np.int64), np.zeros(1, np.int64)
    called(isotonic_kernel(True), (len(sums), *map(address, (sums, shares, starts, found))))
    return starts[: found[0]].copy()


class Recalibrated(NamedTuple):
    """Pools with the exact weight, mean label and sum of w y^2 of all rows."""

    pools: Pools
    weight: Fraction
    mean: Fraction
    square: Fraction


def recalibrated(part: Distinct) -> Recalibrated | None:
    """The isotonic regression of all rows; None where one of them was no number, or there is no weight."""
    run = part.whole()
    weight = exact.total(kept(run.sums, "weight"))
    if not weight or part.unusable:
        return None
    mean = exact.total(kept(run.sums, "label")) / weight
    return Recalibrated(pooled(run), weight, mean, Fraction(part.square, 1 << UNIT_EXPONENT))


def squared(found: Recalibrated | None) -> Exact:
    """The mean squared error's parts, the Brier score's among them; NaN where a prediction is infinite."""
    if found is None or not np.isfinite(found.pools.keys[[0, -1]]).all():
        return NOTHING
    pools, weight, mean, square = found
    missed, told = Sums(), Sums()
    for some in _chunks(len(pools.keys)):
        p, r, y = pools.keys[some], pools.recalibrated(some), pools.labels[some] / pools.weights[some]
        # (p - y)^2 - (r - y)^2 without the cancellation of the squares
        with np.errstate(over="ignore"):
            missed.add((p - r) * ((p - y) + (r - y)), pools.weights[some], None)
    away = pools.rates - float(mean)
    told.add(away * away, pools.pool_weights, None)
    return Exact(_sum(missed) / weight, _sum(told) / weight, square / weight - mean * mean)


def logarithmic(found: Recalibrated | None, score: Score, own: Score) -> Exact:
    """The mean log loss's parts, of labels in [0, 1]. Recalibrated predictions of 0 or 1 contradict no row.

    Args:
        found: of predictions in any unit that `own` knows, such as logits.
        score: the log loss of a probability, without a guard.
        own: the log loss of a prediction, with the loss's own guard.
    """
    if found is None:
        return NOTHING
    pools, weight, mean, _ = found
    given, after, flat = Sums(), Sums(), Sums()
    _add_scores(given, own, pools.keys, pools.labels, pools.weights)
    _add_scores(after, score, pools.rates, pools.pool_labels, pools.pool_weights)
    shares = np.array([_float(mean * weight)]), np.array([_float(weight)])
    _add_scores(flat, score, np.array([float(mean)]), *shares)
    best = _sum(after)
    return Exact((_sum(given) - best) / weight, (_sum(flat) - best) / weight, _sum(flat) / weight)


def _add_scores(sums: Sums, score: Score, preds: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> None:
    for some in _chunks(len(preds)):
        for label, share in ((1, labels[some]), (0, weights[some] - labels[some])):
            # 0 times an infinite score is nothing
            counted = share > 0.0
            if counted.any():
                sums.add(score(preds[some][counted], label), share[counted], None)


def together(parts: Sequence[Exact]) -> Exact:
    """The sum over classes, or outputs."""
    return Exact(*(sum(some[1:], some[0]) for some in zip(*parts, strict=True)))


def times(part: Exact, factor: Fraction) -> Exact:
    """A multiple of the score."""
    return Exact(*(piece * factor for piece in part))


def _sum(sums: Sums) -> Fraction | float:
    found = sums.flush()
    if found.nan or (found.positive_infinity and found.negative_infinity):
        return math.nan
    if found.positive_infinity or found.negative_infinity:
        return math.inf if found.positive_infinity else -math.inf
    return Fraction(found.loss, 1 << UNIT_EXPONENT)


def _chunks(rows: int) -> Iterator[slice]:
    return (slice(at, at + CHUNK) for at in range(0, rows, CHUNK))


def _float(number: Fraction | float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
