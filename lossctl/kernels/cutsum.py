"""Losses into the same exact sums, a tile at a time and vectorised: for many rows without weights, all used.

Each value is cut at fixed bits below the largest of its tile: added to a large number, its upper bits are an integer
in the sum's own bits, and what the addition lost is exact (Rump 2008). Integers add up in any order; what three
cuts leave over goes the slow way.

The frame: 0 rows   1 losses   2 the number 2   3 unused   4 state   5 extremes, as `accumulate` has them. The
number is how many powers of the losses are summed; known only at run time, it keeps the compiler from writing
the loop out twice.
"""

from __future__ import annotations

from typing import Any

from numba import types

from lossctl.kernels.accumulate import COUNT_AT, NAN_AT, NEGATIVE_AT, POSITIVE_AT, add
from lossctl.kernels.exactsum import LIMBS
from lossctl.kernels.pointers import as_float64, as_int64, get, put
from lossctl.kernels.scalar import LARGEST, bits_to_float, float_to_bits, inlined

# 2**12 integers of 50 bits and a sign add up in 63 bits
CUT_TILE = 4096
CUT = 2.0**-50
# added to this many times a number's bound, its bits down to 2**-50 of the bound stay
GRID = 6.0
UNIT = 2.0**-50
MAGNITUDE = 0x7FFFFFFFFFFFFFFF
# between these the cuts and their squares neither overflow nor lose bits below the smallest number
SMALLEST, HIGHEST = (1023 - 400) << 52, (1023 + 480) << 52


@inlined
def powered(x: float, power: int) -> float:
    """The number, or its square."""
    return x * x if power == 1 else x


@inlined
def rest(x: float, grid: float) -> float:
    """What a cut leaves of a number, exactly."""
    return x - ((x + grid) - grid)


@inlined
def add_units(state: Any, offset: int, units: int, unit: float) -> None:
    """Add a whole number of units, a power of two, to the limbs at an offset."""
    add(state, offset, types.float64(units >> 31) * (unit * 2147483648.0))
    add(state, offset, types.float64(units & 0x7FFFFFFF) * unit)


@inlined
def cut_tile(losses: Any, base: int, t: int, state: Any, scale: float, powers: int) -> None:
    """Add the losses of a tile and their squares; `scale` is a power of two above all of them."""
    for power in range(powers):
        bound = scale * scale if power == 1 else scale
        grid = GRID * bound
        finer = grid * CUT
        grid_bits, finer_bits = float_to_bits(grid), float_to_bits(finer)
        high = low = left = 0
        for i in range(t):
            x = powered(get(losses, base + i), power)
            high += float_to_bits(x + grid) - grid_bits
            x = rest(x, grid)
            low += float_to_bits(x + finer) - finer_bits
            left |= float_to_bits(rest(x, finer)) & MAGNITUDE
        add_units(state, power * LIMBS, high, bound * UNIT)
        add_units(state, power * LIMBS, low, bound * UNIT * CUT)
        if left != 0:
            cut_rest(losses, base, t, state, bound, power)


@inlined
def cut_rest(losses: Any, base: int, t: int, state: Any, bound: float, power: int) -> None:
    """Add what two cuts leave of numbers that are far smaller than the largest of their tile."""
    grid = GRID * bound
    finer, finest = grid * CUT, grid * CUT * CUT
    finest_bits = float_to_bits(finest)
    units = left = 0
    for i in range(t):
        x = rest(rest(powered(get(losses, base + i), power), grid), finer)
        units += float_to_bits(x + finest) - finest_bits
        left |= float_to_bits(rest(x, finest)) & MAGNITUDE
    add_units(state, power * LIMBS, units, bound * UNIT * CUT * CUT)
    for i in range(t if left != 0 else 0):
        add(state, power * LIMBS, rest(rest(rest(powered(get(losses, base + i), power), grid), finer), finest))


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
