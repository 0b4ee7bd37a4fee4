"""Many exact integers as limbs of 32 bits, side by side: compact, and one form for one set of numbers.

(G, W, R) uint32 are G R integers in two's complement, the lowest limb first, times 2**(32 first). A sum may be far
from both ends of what a float64 holds, so that few limbs say all of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BITS = 32
LOWER = 0xFFFFFFFF


class Wide(NamedTuple):
    """Integers in the fewest limbs that hold them all.

    Attributes:
        first: the place of the lowest limb.
        limbs: (G, W, R) uint32.
    """

    first: int
    limbs: np.ndarray

    def integers(self, group: int) -> list[int]:
        """The R integers of a group."""
        rows = np.ascontiguousarray(self.limbs[group].T.astype("<u4"))
        return [int.from_bytes(row.tobytes(), "little", signed=True) << (BITS * self.first) for row in rows]

    def signed(self) -> np.ndarray:
        """The limbs as int64, of which only the highest is ever below 0."""
        limbs = self.limbs.astype(np.int64)
        if limbs.shape[1]:
            limbs[:, -1] = self.limbs[:, -1].view(np.int32)
        return limbs

    def added(self, other: Wide, into: np.ndarray, groups: int) -> Wide:
        """Both together, the other's groups at `into` among so many."""
        if not other.limbs.shape[1] and not self.limbs.shape[1]:
            return Wide(0, np.zeros((groups, 0, self.limbs.shape[2]), np.uint32))
        parts = [wide for wide in (self, other) if wide.limbs.shape[1]]
        first = min(wide.first for wide in parts)
        end = max(wide.first + wide.limbs.shape[1] for wide in parts)
        # a limb more for what carries over
        total = np.zeros((groups, end - first + 1, self.limbs.shape[2]), np.int64)
        for wide, places in ((self, np.arange(len(self.limbs))), (other, into)):
            at = wide.first - first if wide.limbs.shape[1] else 0
            total[places, at : at + wide.limbs.shape[1]] += wide.signed()
        return compact(first, total)


def carry(limbs: np.ndarray) -> None:
    """Bring (G, W, R) int64 limbs, the highest excepted, between 0 and 2**32, in place."""
    for i in range(limbs.shape[1] - 1):
        limbs[:, i + 1] += limbs[:, i] >> BITS
        limbs[:, i] &= LOWER


def compact(first: int, limbs: np.ndarray) -> Wide:
    """Carried int64 limbs, of which the highest hold less than 31 bits and a sign, in their one form."""
    carry(limbs)
    words = limbs.astype(np.uint32)
    low, high = 0, words.shape[1]
    while high > 0 and _spare(words, high):
        high -= 1
    while low < high and not words[:, low].any():
        low += 1
    return Wide(first + low if high else 0, np.ascontiguousarray(words[:, low:high]))


def _spare(words: np.ndarray, high: int) -> bool:
    """Whether the highest of so many limbs only repeats the sign of the one below."""
    signs = words[:, high - 2].view(np.int32) >> (BITS - 1) if high > 1 else 0
    return bool((words[:, high - 1].view(np.int32) == signs).all())
