"""The exact sums of one loss by group: arrays that merge in any order to the same numbers, each group's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lossctl.audit.moments import LossPartial
from lossctl.audit.sums import unweighted
from lossctl.kernels.exactsum import SUMS, UNIT_EXPONENT, ratio, whole
from lossctl.kernels.window import BASE, LIMBS, PLAIN

if TYPE_CHECKING:
    Floats: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float64]]"
    Whole: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"

Wide = dict[int, LossPartial]
# groups whose limbs are worked on together: what fits a processor's cache
CHUNK = 2048
COUNTS = ("rows", "nonzero")
TOP = 1 << 31


class GroupMoments:
    """The sums of one loss over some rows, for each of G groups.

    Attributes:
        digits: (G, S, LIMBS) uint32, the sums in two's complement from 2**-242 on; S is 2 without weights, else 5.
        counts: (G, 1) int64 rows, with weights (G, 2) rows and those of weight other than 0.
        extremes: (G, 2) float64 least and most of the unweighted losses.
        wide: group to what else its rows add up to: those too large or too small for the digits, sums that have
            outgrown them, and how many losses are no finite numbers.
    """

    __slots__ = ("counts", "digits", "extremes", "wide")

    def __init__(self, digits: np.ndarray, counts: np.ndarray, extremes: np.ndarray, wide: Wide) -> None:
        self.digits, self.counts, self.extremes, self.wide = digits, counts, extremes, wide

    @classmethod
    def none(cls, sums: int = PLAIN, groups: int = 0) -> GroupMoments:
        """Groups without rows."""
        extremes = np.tile([np.inf, -np.inf], (groups, 1))
        counts = np.zeros((groups, 1 if sums == PLAIN else 2), np.int64)
        return cls(np.zeros((groups, sums, LIMBS), np.uint32), counts, extremes, {})

    @classmethod
    def of_limbs(cls, limbs: np.ndarray, counts: np.ndarray, extremes: np.ndarray, wide: Wide) -> GroupMoments:
        """From (G, S, LIMBS) int64 limbs of any sign, a window's as the kernel adds them up."""
        made = cls.none(limbs.shape[1], len(limbs))
        # + 0.0 makes one zero of the two, whose order would be the rows'
        made.counts[:], made.extremes[:], made.wide = counts, extremes + 0.0, dict(wide)
        for first in range(0, len(limbs), CHUNK):
            places = np.arange(first, min(first + CHUNK, len(limbs)))
            made._put(places, limbs[first : first + CHUNK].copy())
        return made

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def plain(self) -> bool:
        """Whether its rows have no weights."""
        return bool(self.digits.shape[1] == PLAIN)

    def moment(self, group: int) -> LossPartial:
        """A group's, as `Sums` gives it; each row's weight is told as 1 where rows have none."""
        data = self.digits[group].tobytes()
        units = [int.from_bytes(data[i : i + 4 * LIMBS], "little", signed=True) << BASE for i in _starts(len(data))]
        rows, nonzero = int(self.counts[group, 0]), int(self.counts[group, -1])
        least, most = self.extremes[group].tolist()
        if self.plain:
            loss, squares = units
            weight = rows << UNIT_EXPONENT
            partial = LossPartial(rows, rows, loss, squares, weight, weight, loss, least=least, most=most)
        else:
            loss, squares, weight, weight_squares, cross = units
            partial = LossPartial(rows, nonzero, loss, squares, weight, weight_squares, cross, 0, 0, 0, least, most)
        wide = self.wide.get(group)
        return partial if wide is None else partial.merge(self._told(wide))

    def added(self, other: GroupMoments, into: Whole, groups: int) -> GroupMoments:
        """Both together, in `groups` groups.

        Args:
            other: what is added; it has weights if this one has, or no groups.
            into: (len(other),) where each of its groups goes; several may go to one.
            groups: at least as many as this one has.
        """
        if not len(self):
            made = GroupMoments.none(other.digits.shape[1], groups)
        else:
            assert not len(other) or other.plain == self.plain
            made = self._grown(groups)
        order = _order(into, groups)
        for first in range(0, len(into), CHUNK):
            rows = order[first : first + CHUNK]
            starts = np.flatnonzero(np.diff(into[rows], prepend=-1))
            made._take_in(into[rows[starts]], other, rows, starts)
        for group, partial in other.wide.items():
            place = int(into[group])
            made.wide[place] = made.wide.get(place, LossPartial()).merge(partial)
        return made

    def taken(self, order: Whole) -> GroupMoments:
        """These groups alone, in this order."""
        wide = {i: self.wide[g] for i, g in enumerate(order.tolist()) if g in self.wide} if self.wide else {}
        return GroupMoments(self.digits[order], self.counts[order], self.extremes[order], wide)

    def values(self, kind: str = "mean") -> Floats:
        """(G,) each group's loss by one of our reductions, rounded once; NaN where it would divide by 0."""
        pairs = zip(self.integers("loss"), self.denominators(kind), strict=True)
        values = np.fromiter((ratio(a, b) if b else np.nan for a, b in pairs), np.float64, len(self))
        for group, value in self.special().items():
            values[group] = value if values[group] == values[group] else np.nan
        return values

    def special(self) -> Mapping[int, float]:
        """Group to NaN or infinity, for groups where a row's loss is one."""
        found = {group: partial.special for group, partial in self.wide.items()}
        return {group: value for group, value in found.items() if value is not None}

    @property
    def floor(self) -> int:
        """What `integers` count: 2**(floor - 1074)."""
        return 0 if self.wide else BASE

    def integers(self, name: str) -> Iterator[int]:
        """A sum or count of each group; sums in units of 2**(floor - 1074)."""
        if name in COUNTS:
            numbers = self.counts[:, 0 if self.plain else COUNTS.index(name)].tolist()
        elif self.plain and name in ("weight", "weight_squares"):
            numbers = [rows << (UNIT_EXPONENT - self.floor) for rows in self.counts[:, 0].tolist()]
        else:
            numbers = self._read("loss" if self.plain and name == "cross" else name)
        return self._widened(name, numbers) if self.wide else iter(numbers)

    def denominators(self, kind: str) -> Iterator[int]:
        """What each group's loss is divided by, in the units of its sums."""
        if kind == "mean":
            return self.integers("weight")
        unit = 1 << (UNIT_EXPONENT - self.floor)
        if kind == "sum":
            return (unit for _ in range(len(self)))
        return (unit * count for count in self.integers(counted(kind)))

    def _read(self, name: str) -> Iterator[int]:
        digits, up = self.digits[:, SUMS.index(name)], BASE - self.floor
        for first in range(0, len(digits), CHUNK):
            data = digits[first : first + CHUNK].tobytes()
            for i in _starts(len(data)):
                yield int.from_bytes(data[i : i + 4 * LIMBS], "little", signed=True) << up

    def _widened(self, name: str, numbers: Iterator[int] | list[int]) -> Iterator[int]:
        for group, number in enumerate(numbers):
            partial = self.wide.get(group)
            if partial is not None:
                number += getattr(self._told(partial), name)
            yield number

    def _told(self, wide: LossPartial) -> LossPartial:
        return unweighted([wide])[0] if self.plain else wide

    def _grown(self, groups: int) -> GroupMoments:
        more = GroupMoments.none(self.digits.shape[1], groups)
        for name in ("digits", "counts", "extremes"):
            getattr(more, name)[: len(self)] = getattr(self, name)
        more.wide = dict(self.wide)
        return more

    def _take_in(self, places: Whole, other: GroupMoments, rows: Whole, starts: Whole) -> None:
        """Add another's rows, in runs that start at `starts`, each to the group at its place."""
        limbs = _limbs(other.digits[rows])
        counts, extremes = other.counts[rows], other.extremes[rows]
        if len(starts) < len(rows):
            limbs, counts = np.add.reduceat(limbs, starts), np.add.reduceat(counts, starts)
            least, most = np.minimum.reduceat(extremes[:, 0], starts), np.maximum.reduceat(extremes[:, 1], starts)
        else:
            least, most = extremes[:, 0], extremes[:, 1]
        limbs += _limbs(self.digits[places])
        self._put(places, limbs)
        self.counts[places] += counts
        self.extremes[places, 0] = np.minimum(self.extremes[places, 0], least)
        self.extremes[places, 1] = np.maximum(self.extremes[places, 1], most)

    def _put(self, places: Whole, limbs: np.ndarray) -> None:
        """Write (n, S, LIMBS) limbs, which are overwritten, as the digits of n groups."""
        _carry(limbs)
        top = limbs[..., -1]
        for i in np.flatnonzero(((top < -TOP) | (top >= TOP)).any(axis=1)).tolist():
            place = int(places[i])
            more = LossPartial(**dict(zip(SUMS, map(_whole, limbs[i]), strict=False)))
            self.wide[place] = self.wide.get(place, LossPartial()).merge(more)
            limbs[i] = 0
        # the lower half of each limb
        self.digits[places] = limbs.astype(np.uint32)


def counted(kind: str) -> str:
    """What a reduction other than the mean and the sum divides by."""
    return "nonzero" if kind == "sum_by_nonzero_weights" else "rows"


def _starts(size: int) -> range:
    return range(0, size, 4 * LIMBS)


def _order(into: Whole, groups: int) -> Whole:
    """In which order those that go to one place come one after the other."""
    taken = np.zeros(groups, bool)
    taken[into] = True
    if np.count_nonzero(taken) == len(into):
        return np.arange(len(into))
    return np.argsort(into, kind="stable")


def _limbs(digits: np.ndarray) -> np.ndarray:
    """Digits as int64, of which the last has the sign."""
    limbs = digits.astype(np.int64)
    limbs[..., -1] = digits[..., -1].view(np.int32)
    return limbs


def _carry(limbs: np.ndarray) -> None:
    """Bring all limbs but the last of each sum below 2**32, all at once: two rounds do, save for long borrows."""
    flat = limbs.reshape(-1)
    while True:
        carry = limbs >> 32
        carry[..., -1] = 0
        if not carry.any():
            return
        limbs -= carry << 32
        flat[1:] += carry.reshape(-1)[:-1]


def _whole(limbs: np.ndarray) -> int:
    """The sum of limbs, in units of 2**-1074."""
    return whole(limbs) << BASE
