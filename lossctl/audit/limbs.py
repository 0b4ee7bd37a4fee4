"""Exact sums of many groups at once: whole numbers of 2**grid as int64, for each grid that the values reach.

A finite float64 is cut into integers of at most 32 bits on grids that are multiples of 32, so that integers of any
block, unit or file add up in any order; 2**31 values fit before a carry is due.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import TypeAlias

import numpy as np

Limbs: TypeAlias = dict[int, np.ndarray]
BITS = 32
# so many integers of 32 bits add up exactly as float64
CHUNK = 1 << 20
# where a carry is due
FULL = 1 << 61


def pieces(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(n,) finite float64 as whole numbers below 2**32 in size, still as float64, with their grids."""
    left = values
    while (most := float(np.max(np.abs(left), initial=0.0))) > 0.0:
        grid = -(-math.frexp(most)[1] // BITS) * BITS - BITS
        whole = np.trunc(np.ldexp(left, -grid))
        yield grid, whole
        left = left - np.ldexp(whole, grid)


def grouped(codes: np.ndarray, values: np.ndarray, groups: int) -> Limbs:
    """The sums of (n,) values by their (n,) codes, of which there are `groups`."""
    found: Limbs = {}
    for at in range(0, len(values), CHUNK):
        for grid, whole in pieces(values[at : at + CHUNK]):
            sums = np.bincount(codes[at : at + CHUNK], weights=whole, minlength=groups).astype(np.int64)
            found = added(found, {grid: sums})
    return found


def ranges(starts: np.ndarray, values: np.ndarray) -> Limbs:
    """The sums of (n,) values from each start to the next one."""
    return {grid: np.add.reduceat(whole.astype(np.int64), starts) for grid, whole in pieces(values)}


def gathered(starts: np.ndarray, limbs: Limbs) -> Limbs:
    """Neighbouring groups added up, from each start to the next one."""
    return carried({grid: np.add.reduceat(sums, starts) for grid, sums in limbs.items()})


def added(one: Limbs, other: Limbs) -> Limbs:
    """Both together, group by group."""
    both = {grid: one[grid] + other[grid] for grid in one.keys() & other.keys()}
    return carried({**one, **other, **both})


def carried(limbs: Limbs) -> Limbs:
    """The same sums in limbs that have room, where one had not."""
    while full := [grid for grid, sums in limbs.items() if np.max(np.abs(sums), initial=0) >= FULL]:
        grid = min(full)
        over = limbs[grid] >> BITS
        limbs = {**limbs, grid: limbs[grid] - (over << BITS)}
        limbs[grid + BITS] = limbs[grid + BITS] + over if grid + BITS in limbs else over
    return limbs


def united(one: Limbs, here: np.ndarray, other: Limbs, there: np.ndarray, groups: int) -> Limbs:
    """Both together where groups have got new places among more of them: those of the one, and of the other."""
    found = {}
    for grid in sorted({*one, *other}):
        found[grid] = np.zeros(groups, np.int64)
        if grid in one:
            found[grid][here] = one[grid]
        if grid in other:
            found[grid][there] += other[grid]
    return carried(found)


def exactly(limbs: Limbs, group: int) -> Fraction:
    """A group's sum as the number that it is."""
    return sum((int(sums[group]) * Fraction(2) ** grid for grid, sums in limbs.items()), Fraction(0))


def total(limbs: Limbs) -> Fraction:
    """The sum of all groups."""
    parts = {grid: (int((sums >> BITS).sum()) << BITS) + int((sums & 0xFFFFFFFF).sum()) for grid, sums in limbs.items()}
    return sum((whole * Fraction(2) ** grid for grid, whole in parts.items()), Fraction(0))


def floats(limbs: Limbs, groups: int) -> np.ndarray:
    """(groups,) sums as float64: exact where one limb of less than 2**53 holds them, else within an ulp or two."""
    found = np.zeros(groups)
    for grid in sorted(limbs):
        found += np.ldexp(limbs[grid].astype(np.float64), grid)
    return found


def size(limbs: Limbs) -> int:
    """Bytes that they take."""
    return sum(sums.nbytes for sums in limbs.values())
