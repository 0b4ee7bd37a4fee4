"""Weighted quantiles over all rows, exact and in bounded memory: of the values of a row function, or of any others.

The order of float64 is that of integers made from their bits, so one look counts the weight under each value of
the upper 16 bits; the next looks only at the values in the buckets where the quantiles lie, and takes them into
memory once they are few, or counts them by 16 bits more. Weights are added as integers, so nothing is rounded.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import partial, reduce
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lossctl.evaluation.frames import loss_rows
from lossctl.evaluation.request import Job
from lossctl.evaluation.settled import Cell, Settled
from lossctl.evaluation.work import buffers, judged_blocks, left_out
from lossctl.kernels.exactsum import UNIT_EXPONENT, exact_integer

if TYPE_CHECKING:
    from lossctl.readers.source import Unit

Run = Callable[[Callable[[Job, "Unit"], Any]], Iterable[Any]]
Pairs = Callable[[Job, "Unit"], Iterator[tuple[np.ndarray, "np.ndarray | None"]]]
BITS = 16
PARTS = 1 << BITS
# values that are sorted in memory rather than counted again
FEW = 1 << 22
LIMB = 24
SIGN = np.uint64(1 << 63)
_NONE = np.empty(0)


class Wanted(NamedTuple):
    """The values whose ordered bits begin with `prefix`, as many of them as the look is deep.

    Attributes:
        prefix: of the bits.
        rows: how many values there are.
        needs: the weights above all smaller values that are to be reached, with the places of their answers.
    """

    prefix: int
    rows: int
    needs: tuple[tuple[int, int], ...]


class Look(NamedTuple):
    """What a pass over the values does.

    Attributes:
        pairs: gives a unit's values, with their weights or None.
        depth: how many bits the prefixes have.
        counted: prefixes whose values are counted by their next 16 bits, in order.
        gathered: those whose values are taken.
    """

    pairs: Pairs
    depth: int = 0
    counted: tuple[int, ...] = (0,)
    gathered: tuple[int, ...] = ()


class Seen(NamedTuple):
    """What a pass found.

    Attributes:
        rows: by part of each counted bucket.
        limbs: likewise their weights, as integers by exponent; none without weights.
        nan: rows that lie in no bucket.
        values, weights: pieces of what was taken; no weights where there are none.
    """

    rows: np.ndarray
    limbs: dict[int, np.ndarray]
    nan: int
    values: tuple[np.ndarray, ...] = ()
    weights: tuple[np.ndarray, ...] = ()

    def merge(self, other: Seen) -> Seen:
        """Both together."""
        limbs = dict(self.limbs)
        for exponent, sums in other.limbs.items():
            limbs[exponent] = limbs[exponent] + sums if exponent in limbs else sums
        values, weights = (*self.values, *other.values), (*self.weights, *other.weights)
        return Seen(self.rows + other.rows, limbs, self.nan + other.nan, values, weights)

    def masses(self, bucket: int) -> list[int]:
        """The weight of each part of one of the counted buckets, in units of 2**-1074; without weights, the rows."""
        within = slice(bucket * PARTS, (bucket + 1) * PARTS)
        if not self.limbs:
            rows: list[int] = self.rows[within].tolist()
            return rows
        found = [0] * PARTS
        for exponent, sums in self.limbs.items():
            shift = exponent + UNIT_EXPONENT
            some = sums[within]
            for place in np.flatnonzero(some).tolist():
                whole = int(some[place])
                found[place] += whole << shift if shift >= 0 else whole >> -shift
        return found


def exact_quantiles(run: Run, pairs: Pairs, levels: Sequence[float | Fraction]) -> tuple[float, ...]:
    """For each level, the least value with at least that share of the weight at or below it.

    All levels share the passes over the values: two, where no bucket has many.

    Args:
        run: calls a function on every unit, on any thread.
        pairs: gives a unit's values, float64 of any order, and their weights, or None where each counts 1. It
            pickles if the run asks for that. A weight that is no finite number above 0 takes its value out.
        levels: 0 to 1; floats are taken as their shortest decimals.

    Returns:
        The quantiles; NaN where a value is, or where there is no weight.
    """
    return _reached(run, pairs, lambda whole: [_at_least(level, whole) for level in levels]) or (math.nan,) * len(
        levels
    )


def middle_quantiles(run: Run, pairs: Pairs, levels: Sequence[float | Fraction]) -> tuple[float, ...]:
    """As `exact_quantiles`, but where a level is met exactly the mean of that value and the next."""

    def needs(whole: int) -> list[int]:
        low = [_at_least(level, whole) for level in levels]
        return [*low, *(min(math.floor(_share(level) * whole) + 1, whole) for level in levels)]

    found = _reached(run, pairs, needs) or (math.nan,) * (2 * len(levels))
    both = zip(found[: len(levels)], found[len(levels) :], strict=True)
    return tuple(low if low == high else 0.5 * low + 0.5 * high for low, high in both)


def quantile(run: Run, loss: Settled, cell: Cell, level: float) -> float:
    """The least value with at least `level` of the weight at or below it, or where that is met exactly, the mean
    of it and the next; NaN where a value is, or where there is no weight.

    Args:
        run: calls a function on every unit, on any thread.
        cell: whose values they are.
        level: 0 to 1, taken as its shortest decimal.
    """
    return middle_quantiles(run, partial(losses_of, loss=loss, cell=cell), [level])[0]


def _share(level: float | Fraction) -> Fraction:
    return level if isinstance(level, Fraction) else Fraction(repr(float(level)))


def _at_least(level: float | Fraction, whole: int) -> int:
    return max(math.ceil(_share(level) * whole), 1)


def _reached(run: Run, pairs: Pairs, needs: Callable[[int], list[int]]) -> tuple[float, ...] | None:
    """The least values at which the weight at or below them is enough; None without weight, or with a NaN.

    Args:
        needs: tells from the whole weight how much is enough.
    """
    seen = _looked(run, Look(pairs))
    masses = seen.masses(0)
    if seen.nan or not any(masses):
        return None
    asked = needs(sum(masses))
    answers = [math.nan] * len(asked)
    wanted = _narrowed(0, seen.rows, masses, tuple(enumerate(asked)))
    depth = BITS
    while wanted:
        wanted = _deeper(run, pairs, depth, wanted, answers)
        depth += BITS
    return tuple(answers)


def _narrowed(prefix: int, rows: np.ndarray, masses: list[int], needs: Iterable[tuple[int, int]]) -> list[Wanted]:
    """The parts of a bucket in which what is needed is reached."""
    reached = list(accumulate(masses))
    found: dict[int, list[tuple[int, int]]] = {}
    for answer, need in needs:
        part = bisect_left(reached, need)
        found.setdefault(part, []).append((answer, need - (reached[part] - masses[part])))
    return [Wanted((prefix << BITS) | part, int(rows[part]), tuple(some)) for part, some in sorted(found.items())]


def _deeper(run: Run, pairs: Pairs, depth: int, wanted: list[Wanted], answers: list[float]) -> list[Wanted]:
    """One pass more: what is few is taken and answered, what is many comes back narrower."""
    if depth == 64:
        for one in wanted:
            for answer, _ in one.needs:
                answers[answer] = float(_values(np.array([one.prefix], np.uint64))[0])
        return []
    few, many = _few_and_many(wanted)
    look = Look(pairs, depth, tuple(one.prefix for one in many), tuple(one.prefix for one in few))
    seen = _looked(run, look)
    values, weights = np.concatenate([_NONE, *seen.values]), np.concatenate([_NONE, *seen.weights])
    for one in few:
        inside = _prefix(_keys(values), depth) == np.uint64(one.prefix)
        _answer(one, values[inside], weights[inside] if seen.weights else None, answers)
    rows = seen.rows.reshape(-1, PARTS)
    return [
        narrower for k, one in enumerate(many) for narrower in _narrowed(one.prefix, rows[k], seen.masses(k), one.needs)
    ]


def _few_and_many(wanted: list[Wanted]) -> tuple[list[Wanted], list[Wanted]]:
    """The smallest that fit into memory together, and the others; both in the order of their values."""
    room, few = FEW, set()
    for one in sorted(wanted, key=lambda one: one.rows):
        room -= one.rows
        if room >= 0:
            few.add(one.prefix)
    return [one for one in wanted if one.prefix in few], [one for one in wanted if one.prefix not in few]


def _answer(one: Wanted, values: np.ndarray, weights: np.ndarray | None, answers: list[float]) -> None:
    order = np.argsort(values, kind="stable")
    masses = range(1, len(values) + 1) if weights is None else accumulate(map(exact_integer, weights[order].tolist()))
    reached = list(masses)
    for answer, need in one.needs:
        answers[answer] = float(values[order[bisect_left(reached, need)]])


def _looked(run: Run, look: Look) -> Seen:
    """What a pass over all units found."""
    parts = len(look.counted) * PARTS
    return reduce(Seen.merge, run(partial(_look, look=look)), Seen(np.zeros(parts, np.int64), {}, 0))


def _look(job: Job, unit: Unit, look: Look) -> Seen:
    """A pass over one unit."""
    seen = Seen(np.zeros(len(look.counted) * PARTS, np.int64), {}, 0)
    for values, weights in look.pairs(job, unit):
        seen = _with_block(seen, look, *_usable(values, weights))
    return seen


def _usable(values: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """The values that have a part in a quantile, with one zero of the two."""
    if weights is None:
        return values + 0.0, None
    used = np.isfinite(weights) & (weights > 0.0)
    return values[used] + 0.0, weights[used]


def _with_block(seen: Seen, look: Look, values: np.ndarray, weights: np.ndarray | None) -> Seen:
    missing = np.isnan(values)
    keys = _keys(values)
    prefixes = _prefix(keys, look.depth)
    _, inside = _found(prefixes, look.gathered)
    inside &= ~missing
    if inside.any():
        held = () if weights is None else (weights[inside],)
        seen = seen._replace(values=(*seen.values, values[inside]), weights=(*seen.weights, *held))
    bucket, inside = _found(prefixes, look.counted)
    inside &= ~missing
    part = (_prefix(keys[inside], look.depth + BITS) & np.uint64(PARTS - 1)).astype(np.int64) + bucket[inside] * PARTS
    rows = seen.rows + np.bincount(part, minlength=len(seen.rows)) if len(part) else seen.rows
    if weights is not None:
        _add_exactly(seen.limbs, part, weights[inside], len(rows))
    return seen._replace(rows=rows, nan=seen.nan + int(missing.sum()))


def _found(prefixes: np.ndarray, among: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Where each prefix stands among some in order, and whether it does."""
    if not among:
        return np.zeros(len(prefixes), np.int64), np.zeros(len(prefixes), bool)
    known = np.array(among, np.uint64)
    places = np.minimum(np.searchsorted(known, prefixes), len(known) - 1)
    return places, known[places] == prefixes


def _add_exactly(limbs: dict[int, np.ndarray], part: np.ndarray, weights: np.ndarray, parts: int) -> None:
    """Add weights by part: cut into integers of few bits, whose sums as float64 round nothing."""
    left = weights.copy()
    while left.any():
        # one grid for all blocks: exponents are multiples of the limb, from above, so that no integer has more bits
        exponent = -((LIMB - math.frexp(float(left.max()))[1]) // LIMB) * LIMB
        whole = np.floor(np.ldexp(left, -exponent))
        sums = np.bincount(part, weights=whole, minlength=parts).astype(np.int64)
        limbs[exponent] = limbs[exponent] + sums if exponent in limbs else sums
        left = left - np.ldexp(whole, exponent)


def losses_of(job: Job, unit: Unit, loss: Settled, cell: Cell) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """The values of a unit's rows that count, block by block, with their weights."""
    for judged in judged_blocks(job, unit):
        if not judged.block.rows:
            continue
        kept = kept_rows((judged.skipped, left_out(loss, judged)))
        for column in (None,) if cell.columns is None else cell.columns:
            values = loss_rows(cell.core, judged.block, job.one_hot, buffers(), "values", column)
            weights = judged.weights_of(loss, column)
            yield values[kept], None if weights is None else weights[kept]


def kept_rows(skips: tuple[np.ndarray | None, ...]) -> np.ndarray | slice:
    """The rows that none of some flags leaves out."""
    found = [skipped for skipped in skips if skipped is not None]
    return np.flatnonzero(~np.any(found, axis=0)) if found else slice(None)


def _keys(values: np.ndarray) -> np.ndarray:
    """Integers in the order of the float64."""
    bits = values.view(np.uint64)
    return np.where(bits & SIGN, ~bits, bits | SIGN)


def _values(keys: np.ndarray) -> np.ndarray:
    """The float64 of ordered integers."""
    return np.where(keys & SIGN, keys & ~SIGN, ~keys).view(np.float64)


def _prefix(keys: np.ndarray, depth: int) -> np.ndarray:
    return keys >> np.uint64(64 - depth) if depth else np.zeros_like(keys)
