"""Exact sums by group in the kernel's own form, until they become GroupMoments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lossctl.audit.groupmoments import GroupMoments
from lossctl.audit.moments import LossPartial
from lossctl.audit.sums import Sums
from lossctl.kernels.frame import address, called
from lossctl.kernels.machine import grouped_kernel
from lossctl.kernels.window import CUT_GROUPS, FLUSH_ROWS, LIMBS, PLAIN, SCRATCH, WEIGHTED, WORDS, stride

if TYPE_CHECKING:
    Floats: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float64]]"
    Whole: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"
    Bytes: TypeAlias = np.ndarray

# a tile's integers are worth their flush from so many rows a group on
CUT_ROWS = 16
# by how much the room for groups grows, which takes no memory before it is used; and the least there is
GROWTH, ROOM = 2, 64
# what a row adds whose loss is no finite number
ODD = tuple(LossPartial(**{name: 1}) for name in ("nan", "positive_infinity", "negative_infinity"))


class GroupSums:
    """Exact sums of losses by group. Memory: 224 bytes a group, with weights 512."""

    def __init__(self) -> None:
        self.sums = self.groups = self.pending = 0
        self.state, self.outside, self.scratch = (np.empty(0, np.int64) for _ in range(3))
        self.wide: dict[int, LossPartial] = {}
        self.done = GroupMoments.none()

    def add(self, losses: Floats, weights: Floats | None, skipped: Bytes | None, codes: Whole, groups: int) -> None:
        """Add a block's rows to their groups, save those that are skipped; all arrays lie in one piece.

        Args:
            losses: (n,) each row's own.
            weights: (n,), or None for all 1: in every call or in none.
            skipped: (n,) uint8, 1 where a row does not count, or None.
            codes: (n,) int64, each row's group: 0 <= code < groups; any other is in none.
            groups: how many there are by now; never fewer than before.
        """
        assert self.sums in (0, PLAIN if weights is None else WEIGHTED)
        self.sums = PLAIN if weights is None else WEIGHTED
        if self.pending + len(losses) > FLUSH_ROWS:
            self.flush()
        self.pending += len(losses)
        self._make_room(groups, len(losses))
        cut = weights is None and groups <= CUT_GROUPS and len(losses) >= CUT_ROWS * groups
        fields = (
            len(losses),
            address(losses),
            0 if weights is None else address(weights),
            0 if skipped is None else address(skipped),
            address(codes),
            groups,
            address(self.state),
            self._scratch() if cut else 0,
            address(self.outside),
        )
        called(grouped_kernel(), fields)
        if self.outside[0]:
            self._add_outside(losses, weights, codes)

    def flush(self) -> GroupMoments:
        """All that was added so far."""
        if self.groups:
            fresh = self._moments()
            self.done = fresh.added(self.done, np.arange(len(self.done)), len(fresh)) if len(self.done) else fresh
            self.groups = self.pending = 0
            self.state, self.wide = np.empty(0, np.int64), {}
        return self.done

    def _make_room(self, groups: int, rows: int) -> None:
        words = stride(self.sums)
        if groups * words > len(self.state):
            # numpy asks for large pages where it makes an array, not where it makes one longer
            more = np.zeros(max(groups, self.groups * GROWTH, ROOM) * words, np.int64)
            more[: self.groups * words] = self.state[: self.groups * words]
            self.state = more
        if groups > self.groups:
            fresh = self.state[self.groups * words : groups * words].reshape(-1, words)
            fresh[:, -2:] = np.array([np.inf, -np.inf]).view(np.int64)
            self.groups = groups
        if rows >= len(self.outside):
            self.outside = np.empty(rows + 1, np.int64)

    def _scratch(self) -> int:
        if not len(self.scratch):
            self.scratch = np.empty(SCRATCH, np.int64)
        return address(self.scratch)

    def _add_outside(self, losses: Floats, weights: Floats | None, codes: Whole) -> None:
        """Add the rows that the kernel told of: see its `outside`."""
        told = self.outside[1 : self.outside[0] + 1]
        odd, wide = ~told[told < 0], told[told >= 0]
        # Python's floats, whose infinity times 0 warns of nothing
        factors = [1.0] * len(odd) if weights is None else weights[odd].tolist()
        for group, x, w in zip(codes[odd].tolist(), losses[odd].tolist(), factors, strict=True):
            loss = x * w
            self._widen(group, ODD[0 if loss != loss else (1 if loss > 0.0 else 2)])
        for group, rows in _by_group(codes, wide) if len(wide) else ():
            sums = Sums()
            sums.add(losses[rows], None if weights is None else weights[rows], None)
            self._widen(group, sums.flush())

    def _widen(self, group: int, more: LossPartial) -> None:
        known = self.wide.get(group)
        self.wide[group] = more if known is None else known.merge(more)

    def _moments(self) -> GroupMoments:
        records = self.state[: self.groups * stride(self.sums)].reshape(self.groups, -1)
        limbs = records[:, : -len(WORDS)].reshape(self.groups, self.sums, LIMBS)
        counts = records[:, -len(WORDS) : -2] if self.sums == WEIGHTED else records[:, -len(WORDS) : -3]
        return GroupMoments.of_limbs(limbs, counts, records[:, -2:].view(np.float64), self.wide)


def _by_group(codes: Whole, rows: Whole) -> Iterator[tuple[int, Whole]]:
    """Each group with those of some rows that are its own."""
    rows = rows[np.argsort(codes[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(codes[rows], prepend=-1))
    yield from zip(codes[rows[starts]].tolist(), np.split(rows, starts[1:]), strict=True)
