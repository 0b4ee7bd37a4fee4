"""Losses into the same exact sums, a tile at a time and vectorised: for many rows without weights, all used.

Each value is cut at fixed bits below the largest of its tile; the pieces are multiples of one power of two, so
they add up without rounding in any order (Rump 2008), and what three cuts leave over goes the slow way.

The frame: 0 rows   1 losses   2 the number 2   3 unused   4 state   5 extremes, as `accumulate` has them. The
number is how many powers of the losses are summed; known only at run time, it keeps the compiler from writing
the loop out twice.
"""

from __future__ import annotations

from typing import Any

from lossctl.kernels.accumulate import COUNT_AT, NAN_AT, NEGATIVE_AT, POSITIVE_AT, add
from lossctl.kernels.exactsum import LIMBS
from lossctl.kernels.layout import TILE
from lossctl.kernels.pointers import as_float64, as_int64, get, put, stack
from lossctl.kernels.scalar import LARGEST, bits_to_float, float_to_bits, inlined

# a tile of 2**12 values, cut 40 bits apart, adds up in 52 bits
CUT_TILE = 4096
CUT_SCALE = 1.5 * 2.0**13
NEXT_CUT = 2.0**-40
MAGNITUDE = 0x7FFFFFFFFFFFFFFF
# between these the cuts and their squares neither overflow nor lose bits below the smallest number
SMALLEST, HIGHEST = (1023 - 400) << 52, (1023 + 480) << 52


@inlined
def cut(x: float, grid: float) -> float:
    """The part of x that lies on a grid's bits; x minus it is exact."""
    return (x + grid) - grid


@inlined
def cut_tile(losses: Any, base: int, t: int, state: Any, scale: float, powers: int) -> None:
    """Add the losses of a tile and their squares; `scale` is a power of two above all of them."""
    first, second, third = stack(), stack(), stack()
    for power in range(powers):
        grid = CUT_SCALE * (scale * scale if power == 1 else scale)
        finer, finest = grid * NEXT_CUT, grid * NEXT_CUT * NEXT_CUT
        for r in range(TILE):
            put(first, r, 0.0)
            put(second, r, 0.0)
            put(third, r, 0.0)
        left = row = 0
        while row < t:
            for r in range(min(TILE, t - row)):
                x = get(losses, base + row + r)
                x = x * x if power == 1 else x
                a = cut(x, grid)
                b = cut(x - a, finer)
                c = cut(x - a - b, finest)
                put(first, r, get(first, r) + a)
                put(second, r, get(second, r) + b)
                put(third, r, get(third, r) + c)
                left |= float_to_bits(x - a - b - c) & MAGNITUDE
            row += TILE
        for r in range(TILE):
            add(state, power * LIMBS, get(first, r))
            add(state, power * LIMBS, get(second, r))
            add(state, power * LIMBS, get(third, r))
        for i in range(t if left != 0 else 0):
            x = get(losses, base + i)
            x = x * x if power == 1 else x
            x -= cut(x, grid)
            x -= cut(x, finer)
            add(state, power * LIMBS, x - cut(x, finest))


def accumulate(frame: Any) -> None:
    """Add the rows of a block."""
    n, powers, state = get(frame, 0), get(frame, 2), as_int64(get(frame, 4))
    losses, extremes = as_float64(get(frame, 1)), as_float64(get(frame, 5))
    least, most = get(extremes, 0), get(extremes, 1)
    base = 0
    while base < n:
        t = min(CUT_TILE, n - base)
        # integers that order as the numbers do: their extremes vectorise, those of floats do not
        low, high = MAGNITUDE, -MAGNITUDE - 1
        for i in range(t):
            bits = float_to_bits(get(losses, base + i))
            key = bits ^ ((bits >> 63) & MAGNITUDE)
            low, high = min(low, key), max(high, key)
        largest = max(abs(low), abs(high))
        fits = SMALLEST < largest < HIGHEST
        if fits:
            cut_tile(losses, base, t, state, bits_to_float(((largest >> 52) + 1) << 52), powers)
            bottom = bits_to_float(low ^ ((low >> 63) & MAGNITUDE))
            top = bits_to_float(high ^ ((high >> 63) & MAGNITUDE))
            least = bottom if bottom < least else least
            most = top if top > most else most
        for i in range(0 if fits else t):
            x = get(losses, base + i)
            least = x if x < least else least
            most = x if x > most else most
            if not abs(x) <= LARGEST:
                at = NAN_AT if x != x else (POSITIVE_AT if x > 0.0 else NEGATIVE_AT)
                put(state, at, get(state, at) + 1)
                x = 0.0
            add(state, 0, x)
            add(state, LIMBS, x * x)
        base += CUT_TILE
    put(extremes, 0, least)
    put(extremes, 1, most)
    put(state, COUNT_AT, get(state, COUNT_AT) + n)
