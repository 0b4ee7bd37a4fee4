"""Rows counted by bucket in the kernels' own form, until they become sorted places with counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lossctl.kernels.buckets import GROUP_BITS, MIDDLE, OCTAVE_BITS, OCTAVES
from lossctl.kernels.exactsum import UNIT_EXPONENT
from lossctl.kernels.frame import address, called
from lossctl.kernels.machine import bucket_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lossctl.audit.sums import Bytes, Floats

PAGE = 1 << OCTAVE_BITS
FEW_PAGES = 64
# more have tables
MOST_PAGED_GROUPS = 64
SMALL_TABLE = 12
# where a table of weights of every magnitude ends
MOST_BYTES = 1 << 25
NO_PLACES = np.empty(0, np.int64)


class Counted(NamedTuple):
    """Places in order, the rows at each, and their sums of weights: (B,), (B,) and (B, L) limbs from `first` on.

    Without weights L is 0.
    """

    places: np.ndarray = NO_PLACES
    rows: np.ndarray = NO_PLACES
    limbs: np.ndarray = np.empty((0, 0), np.int64)
    first: int = 0


class Pages:
    """Rows without weights, of few groups: a page for each octave of a group in which there are any."""

    def __init__(self) -> None:
        self.directory = np.zeros(2 * OCTAVES, np.int64)
        self.pages = np.zeros(FEW_PAGES * PAGE, np.int64)
        self.used = 0

    def add(self, losses: Floats, skipped: Bytes | None, codes: np.ndarray | None, groups: int) -> None:
        """Add a block's rows."""
        more = max(2 * OCTAVES * groups - len(self.directory), 0)
        if more:
            self.directory = np.concatenate([self.directory, np.zeros(more, np.int64)])
        state = np.array([0, self.used])
        while True:
            fields = (
                *(len(losses), address(losses), 0 if skipped is None else address(skipped)),
                *(0 if codes is None else address(codes), address(self.directory), address(self.pages)),
                *(address(state), len(self.pages) // PAGE),
            )
            called(bucket_kernel(True), fields)
            if state[0] == len(losses):
                break
            self.pages = np.concatenate([self.pages, np.zeros_like(self.pages)])
        self.used = int(state[1])

    def take(self) -> Counted:
        """All that was added since the last time."""
        octaves = np.flatnonzero(self.directory)
        numbers = self.pages.reshape(-1, PAGE)[self.directory[octaves] - 1]
        row, column = np.nonzero(numbers)
        codes, octave = np.divmod(octaves[row], 2 * OCTAVES)
        places = (codes << GROUP_BITS) + ((octave - OCTAVES) << OCTAVE_BITS) + column + MIDDLE
        self.directory[:] = 0
        self.pages[:] = 0
        self.used = 0
        return Counted(places, numbers[row, column], np.empty((len(row), 0), np.int64))


class Table:
    """Rows with weights or groups, in a hash table; what it gives does not hang on where an entry stands."""

    def __init__(self) -> None:
        self._start(SMALL_TABLE, 0, 0)

    def _start(self, logarithm: int, first: int, limbs: int) -> None:
        self.logarithm, self.first, self.limbs = logarithm, first, limbs
        self.entries = np.zeros((1 << logarithm, 2 + limbs), np.int64)
        self.used = 0

    def add(
        self, losses: Floats, weights: Floats | None, skipped: Bytes | None, codes: np.ndarray | None
    ) -> Iterator[Counted]:
        """Add a block's rows; gives what has to make room for them."""
        yield from self._reach(weights)
        state = np.array([0, self.used])
        while True:
            size = 1 << self.logarithm
            fields = (
                *(len(losses), address(losses), 0 if weights is None else address(weights)),
                *(0 if skipped is None else address(skipped), 0 if codes is None else address(codes)),
                *(address(self.entries), address(state), size - 1, 64 - self.logarithm),
                *(2 + self.limbs, self.first, size // 2),
            )
            called(bucket_kernel(False), fields)
            self.used = int(state[1])
            if state[0] == len(losses):
                return
            yield self.take()
            grown = 2 if 4 * size * 8 * (2 + self.limbs) <= MOST_BYTES else 0
            self._start(self.logarithm + grown, self.first, self.limbs)
            state[1] = 0

    def _reach(self, weights: Floats | None) -> Iterator[Counted]:
        """Make the limbs reach the least and the greatest weight."""
        if weights is None:
            return
        usable = weights[(weights > 0.0) & np.isfinite(weights)]
        if not len(usable):
            return
        low, high = _limb(float(usable.min())), _limb(float(usable.max())) + 3
        if self.limbs and self.first <= low and high <= self.first + self.limbs:
            return
        yield self.take()
        if self.limbs:
            low, high = min(low, self.first), max(high, self.first + self.limbs)
        self._start(self.logarithm, low, high - low)

    def take(self) -> Counted:
        """All that was added since the last time."""
        found = self.entries[self.entries[:, 0] != 0]
        found = found[np.argsort(found[:, 0])]
        self.entries[:] = 0
        self.used = 0
        return Counted(found[:, 0].copy(), found[:, 1].copy(), *carried(found[:, 2:].copy(), self.first))


def _limb(weight: float) -> int:
    """The lowest limb that a weight touches."""
    _, exponent = np.frexp(weight)
    return max(int(exponent) - 53 + UNIT_EXPONENT, 0) >> 5


def carried(limbs: np.ndarray, first: int) -> tuple[np.ndarray, int]:
    """(B, L) sums in limbs of 32 bits each, without limbs that are 0 throughout; and the first of them."""
    limbs = np.concatenate([limbs, np.zeros((len(limbs), 2), np.int64)], axis=1)
    for k in range(limbs.shape[1] - 1):
        limbs[:, k + 1] += limbs[:, k] >> 32
        limbs[:, k] &= 0xFFFFFFFF
    used = np.flatnonzero(limbs.any(axis=0))
    if not len(used):
        return np.zeros((len(limbs), 0), np.int64), 0
    return np.ascontiguousarray(limbs[:, used[0] : used[-1] + 1]), first + int(used[0])


def together(parts: list[Counted]) -> Counted:
    """Several as one: each place once."""
    places = np.concatenate([part.places for part in parts])
    # runs in order already: a stable sort takes them as they are
    order = np.argsort(places, kind="stable")
    places = places[order]
    starts = np.flatnonzero(np.concatenate([[True], places[1:] != places[:-1]])) if len(places) else NO_PLACES
    if not len(starts):
        return Counted()
    rows = np.add.reduceat(np.concatenate([part.rows for part in parts])[order], starts)
    limbs, first = _aligned(parts)
    sums = np.add.reduceat(limbs[order], starts, axis=0) if limbs.shape[1] else limbs[starts]
    return Counted(places[starts], rows, *carried(sums, first))


def _aligned(parts: list[Counted]) -> tuple[np.ndarray, int]:
    """All rows of limbs one below the other, from the lowest limb of any on."""
    some = [part for part in parts if part.limbs.shape[1]]
    first = min((part.first for part in some), default=0)
    last = max((part.first + part.limbs.shape[1] for part in some), default=0)
    limbs = np.zeros((sum(len(part.places) for part in parts), last - first), np.int64)
    at = 0
    for part in parts:
        start, width = part.first - first, part.limbs.shape[1]
        if width:
            limbs[at : at + len(part.places), start : start + width] = part.limbs
        at += len(part.places)
    return limbs, first


def regrouped(part: Counted, into: np.ndarray) -> Counted:
    """The same with group c called into[c]; groups of -1 are left out."""
    codes = part.places >> GROUP_BITS
    new = into[codes]
    kept = new >= 0
    places = (new << GROUP_BITS) + (part.places - (codes << GROUP_BITS))
    return together([Counted(places[kept], part.rows[kept], part.limbs[kept], part.first)])
