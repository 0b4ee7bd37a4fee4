"""A weighted quantile of a row function over all rows, exact and in bounded memory.

The order of float64 is that of integers made from their bits, so one look counts the weight under each value of
the upper 16 bits; the next looks only at the values in the bucket where the quantile lies, and takes them into
memory once they are few, or counts them by 16 bits more. Weights are added as integers, so nothing is rounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lossctl.evaluation.frames import loss_rows
from lossctl.evaluation.request import Job
from lossctl.evaluation.settled import Cell, Settled
from lossctl.evaluation.work import buffers, judged_blocks, left_out

if TYPE_CHECKING:
    from lossctl.readers.source import Unit

Run = Callable[[Callable[[Job, "Unit"], Any]], Iterable[Any]]
BITS = 16
# values that are sorted in memory rather than counted again
FEW = 1 << 22
LIMB = 24
SIGN = np.uint64(1 << 63)


@dataclass(frozen=True, slots=True)
class Bucket:
    """The values whose ordered bits begin with `prefix`, `depth` bits of it; `below` is the weight under it."""

    prefix: int = 0
    depth: int = 0
    below: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Count:
    """The weight and the rows in each of 2**16 parts of a bucket; `nan` rows lie in none."""

    weights: tuple[Fraction, ...]
    rows: np.ndarray
    nan: int


def quantile(run: Run, loss: Settled, cell: Cell, level: float) -> float:
    """The least value with at least `level` of the weight at or below it, or where that is met exactly, the mean
    of it and the next; NaN where a value is, or where there is no weight.

    Args:
        run: calls a function on every unit, on any thread.
        cell: whose values they are.
        level: 0 to 1, taken as its shortest decimal.
    """
    first = _counted(run, loss, cell, Bucket())
    whole = sum(first.weights)
    if first.nan or not whole:
        return math.nan
    target = Fraction(repr(level)) * whole
    low = _at(run, loss, cell, first, lambda reached: reached >= target and reached > 0)
    high = _at(run, loss, cell, first, lambda reached: reached > min(target, whole - Fraction(1, 1 << 2000)))
    return low if low == high else 0.5 * low + 0.5 * high


def _at(run: Run, loss: Settled, cell: Cell, first: Count, reached: Callable[[Fraction], bool]) -> float:
    """The least value at which the weight at or below it is enough."""
    bucket, count = Bucket(), first
    while True:
        place, below = _passing(count.weights, bucket.below, reached)
        bucket = Bucket((bucket.prefix << BITS) | place, bucket.depth + BITS, below)
        if bucket.depth == 64:
            return float(_values(np.array([bucket.prefix], np.uint64))[0])
        if count.rows[place] <= FEW:
            return _sorted_out(run(partial(_gathered, loss=loss, cell=cell, bucket=bucket)), below, reached)
        count = _counted(run, loss, cell, bucket)


def _passing(weights: Iterable[Fraction], below: Fraction, reached: Callable[[Fraction], bool]) -> tuple[int, Fraction]:
    """The first place at which the running sum is enough, and the sum before it."""
    for place, weight in enumerate(weights):
        if weight and reached(below + weight):
            return place, below
        below += weight
    raise AssertionError("the weights add up to less than their sum")


def _sorted_out(
    pieces: Iterable[tuple[np.ndarray, np.ndarray]], below: Fraction, reached: Callable[[Fraction], bool]
) -> float:
    values, weights = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    order = np.argsort(values, kind="stable")
    place, _ = _passing(map(Fraction, weights[order].tolist()), below, reached)
    return float(values[order][place])


def _counted(run: Run, loss: Settled, cell: Cell, bucket: Bucket) -> Count:
    counts = list(run(partial(_histogram, loss=loss, cell=cell, bucket=bucket)))
    rows = np.sum([rows for _, rows, _ in counts], axis=0)
    weights = [Fraction(0)] * (1 << BITS)
    for limbs, _, _ in counts:
        for exponent, sums in limbs.items():
            unit = Fraction(2) ** exponent
            for place in np.flatnonzero(sums).tolist():
                weights[place] += int(sums[place]) * unit
    return Count(tuple(weights), rows, sum(nan for _, _, nan in counts))


def _histogram(
    job: Job, unit: Unit, loss: Settled, cell: Cell, bucket: Bucket
) -> tuple[dict[int, np.ndarray], np.ndarray, int]:
    """A unit's rows by part of a bucket, and their weights as integers by exponent."""
    limbs: dict[int, np.ndarray] = {}
    rows, nan = np.zeros(1 << BITS, np.int64), 0
    for values, weights in _values_of(job, unit, loss, cell):
        missing = np.isnan(values)
        nan += int(missing.sum())
        keys = _keys(values)
        inside = ~missing & (_prefix(keys, bucket.depth) == np.uint64(bucket.prefix))
        part = (_prefix(keys[inside], bucket.depth + BITS) & np.uint64((1 << BITS) - 1)).astype(np.int64)
        rows += np.bincount(part, minlength=1 << BITS)
        _add_exactly(limbs, part, weights[inside])
    return limbs, rows, nan


def _add_exactly(limbs: dict[int, np.ndarray], part: np.ndarray, weights: np.ndarray) -> None:
    """Add weights by part: cut into integers of few bits, whose sums as float64 round nothing."""
    left = weights.copy()
    while left.any():
        exponent = math.frexp(float(left.max()))[1] - LIMB
        # one grid for all blocks: exponents are multiples of the limb
        exponent = exponent // LIMB * LIMB
        whole = np.floor(np.ldexp(left, -exponent))
        sums = np.bincount(part, weights=whole, minlength=1 << BITS).astype(np.int64)
        limbs[exponent] = limbs[exponent] + sums if exponent in limbs else sums
        left = left - np.ldexp(whole, exponent)


def _gathered(job: Job, unit: Unit, loss: Settled, cell: Cell, bucket: Bucket) -> tuple[np.ndarray, np.ndarray]:
    """A unit's values in a bucket, with their weights."""
    found = []
    for values, weights in _values_of(job, unit, loss, cell):
        inside = ~np.isnan(values) & (_prefix(_keys(values), bucket.depth) == np.uint64(bucket.prefix))
        found.append((values[inside], weights[inside]))
    empty = (np.empty(0), np.empty(0))
    values, weights = (np.concatenate(parts) for parts in zip(empty, *found, strict=True))
    return values, weights


def _values_of(job: Job, unit: Unit, loss: Settled, cell: Cell) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The values that count, with their weights; rows of weight 0 have no part in a quantile."""
    for judged in judged_blocks(job, unit):
        if not judged.block.rows:
            continue
        out = left_out(loss, judged)
        for column in (None,) if cell.columns is None else cell.columns:
            values = loss_rows(cell.core, judged.block, job.one_hot, buffers(), "values", column)
            given = judged.weights_of(loss, column)
            weights = np.ones(len(values)) if given is None else given
            used = np.isfinite(weights) & (weights > 0.0)
            for skipped in (judged.skipped, out):
                used &= True if skipped is None else skipped == 0
            yield values[used] + 0.0, weights[used]


def _keys(values: np.ndarray) -> np.ndarray:
    """Integers in the order of the float64."""
    bits = values.view(np.uint64)
    return np.where(bits & SIGN, ~bits, bits | SIGN)


def _values(keys: np.ndarray) -> np.ndarray:
    """The float64 of ordered integers."""
    return np.where(keys & SIGN, keys & ~SIGN, ~keys).view(np.float64)


def _prefix(keys: np.ndarray, depth: int) -> np.ndarray:
    return keys >> np.uint64(64 - depth) if depth else np.zeros_like(keys)
