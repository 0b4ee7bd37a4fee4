"""A digest of a block's rows that does not hang on their order: it tells a change, and is no proof against a forger.

The bits of a row's numbers are taken into one hash, role by role, by steps that lose nothing, so that a change of
one number always changes it; each role's steps are its own. Two numbers made of each row's hash are added up modulo
2**64 over all rows. -0.0 counts as 0.0, and every NaN as the same.

The frame: 0 rows   1 tile   2 roles   3 two int64, for the sums; then for each role, beginning at HEAD:
0 loader   1 columns   2 stride   3 width   4 buffer   5 an odd number, the role's own.
"""

from __future__ import annotations

from typing import Any

from numba import types

from lossctl.kernels.layout import DIGEST_HEAD as HEAD
from lossctl.kernels.layout import DIGEST_ROLE as ROLE
from lossctl.kernels.pointers import as_float64, as_int64, call, get, put, stack
from lossctl.kernels.scalar import bits_to_float, float_to_bits, inlined

word = types.uint64
NAN_BITS = 0x7FF8000000000000
START = 0x9E3779B97F4A7C15
# odd numbers that scatter bits well, as MurmurHash3 and SplitMix finish with (Appleby 2011; Stafford 2011)
FIRST, ONE, OTHER = 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 0xBF58476D1CE4E5B9


@inlined
def step(hash: int, x: float, factor: int) -> float:
    """A hash with a number taken in, each number in one spelling; kept in a float64's place."""
    bits = word(float_to_bits(x + 0.0) if x == x else NAN_BITS)
    mixed = (hash ^ bits) * factor
    return bits_to_float(types.int64(mixed ^ (mixed >> word(32))))


@inlined
def scattered(hash: int, factor: int, shift: int) -> int:
    """A hash with its lower bits in the upper ones, and these in the lower."""
    mixed = hash * word(factor)
    return mixed ^ (mixed >> word(shift))


def digest(frame: Any) -> None:
    """Add the rows of a block."""
    n, tile, sums = get(frame, 0), get(frame, 1), as_int64(get(frame, 3))
    hashes = stack()
    one, other = word(get(sums, 0)), word(get(sums, 1))
    base = 0
    while base < n:
        t = min(tile, n - base)
        for i in range(get(frame, 2)):
            at = HEAD + ROLE * i
            width, values, factor = get(frame, at + 3), as_float64(get(frame, at + 4)), word(get(frame, at + 5))
            call(get(frame, at), get(frame, at + 1), get(frame, at + 2), base, t, width, get(frame, at + 4), tile)
            for r in range(t if i == 0 else 0):
                put(hashes, r, step(word(START), get(values, r), factor))
            for k in range(1 if i == 0 else 0, width):
                for r in range(t):
                    hash = word(float_to_bits(get(hashes, r)))
                    put(hashes, r, step(hash, get(values, k * tile + r), factor))
        for r in range(t):
            hash = scattered(word(float_to_bits(get(hashes, r))), FIRST, 33)
            one += scattered(hash, ONE, 33)
            other += scattered(hash, OTHER, 30)
        base += tile
    put(sums, 0, types.int64(one))
    put(sums, 1, types.int64(other))
