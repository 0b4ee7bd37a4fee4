"""Sums over many resamples of the rows in one pass, exactly: whatever order the rows come in, the same bits.

How often a resample draws a row hangs on a hash of the row's word and the resample's alone. Two multiplications of
32 bits vectorise well, and a table of thresholds turns the hash into a draw: of Poisson's distribution, or a sign.

A tile's values are cut at fixed bits below the largest (see `cutsum`), so that a cut times its draw adds up in a
float64 without rounding. A tile's sums go into limbs, all resamples side by side; what two cuts leave over goes
there a row at a time.

The frame: 0 runs   1 their ends (rows)   2 their groups   3 values   4 row words   5 lanes   6, 7 lower and upper
halves of the lanes' words   8 table   9 limbs (groups, width, lanes)   10 width   11 the first limb's place among all
12 counts (groups, lanes) or 0   13 whether rows of value 0 count   14 scratch

Values are finite; lanes are a multiple of LANES (see `draws` for these and for the table).
"""

from __future__ import annotations

from typing import Any

from numba import types

from lossctl.kernels.draws import BASE, CUT, LANES, ROWS, STEP, STRETCH
from lossctl.kernels.exactsum import UNIT_EXPONENT
from lossctl.kernels.pointers import POINTER_TO, as_float64, as_int64, get, put, shifted
from lossctl.kernels.scalar import bits_to_float, float_to_bits, inlined

as_uint32 = POINTER_TO["uint32"]
u32, i32 = types.uint32, types.int32

FLAGS, HIGH, LOW, REST, SUMS = (ROWS * i for i in range(5))
# added to a multiple of this unit, a number's bits down to the unit stay, and are an integer in the sum's own
SHIFT = 6755399441055744.0
LOWER = 0xFFFFFFFF
MAGNITUDE = 0x7FFFFFFFFFFFFFFF
UNIT = 2.0**-CUT
# between these the cuts neither overflow nor lose bits below the smallest number
SMALLEST, HIGHEST = (1023 - 400) << 52, (1023 + 480) << 52


@inlined
def hashed(low: Any, high: Any) -> Any:
    """32 bits of a row's word and a lane's, each half combined."""
    x = u32(low * u32(0x7FEB352D))
    x = u32(x ^ u32(x >> u32(15)))
    x = u32(u32(x + high) * u32(0x846CA68B))
    x = u32(x ^ u32(x >> u32(16)))
    x = u32(x * u32(0x9E3779B1))
    return u32(x ^ u32(x >> u32(15)))


@inlined
def over(x: Any, table: Any, i: int) -> Any:
    """1 where a hash is above a threshold."""
    return i32(1) if x > u32(get(table, i)) else i32(0)


@inlined
def plus(a: Any, b: Any) -> Any:
    """A sum that stays an int32."""
    return i32(a + b)


@inlined
def drawn(row: int, lows: Any, highs: Any, lane: int, table: Any) -> Any:
    """How often a lane draws a row."""
    low = u32(u32(row & LOWER) ^ get(lows, lane))
    x = hashed(low, u32(u32((row >> 32) & LOWER) ^ get(highs, lane)))
    a = plus(plus(over(x, table, 0), over(x, table, 1)), plus(over(x, table, 2), over(x, table, 3)))
    b = plus(plus(over(x, table, 4), over(x, table, 5)), plus(over(x, table, 6), over(x, table, 7)))
    c = plus(plus(over(x, table, 8), over(x, table, 9)), plus(over(x, table, 10), over(x, table, 11)))
    return plus(i32(get(table, BASE)), i32(plus(plus(a, b), c) * i32(get(table, STEP))))


@inlined
def add_units(limbs: Any, at: int, lanes: int, units: int, shift: int) -> None:
    """Add a whole number of at most 58 bits, shifted by less than 32, to a lane's limbs."""
    low, high = (units & LOWER) << shift, (units >> 32) << shift
    put(limbs, at, get(limbs, at) + (low & LOWER))
    put(limbs, at + lanes, get(limbs, at + lanes) + ((low >> 32) + (high & LOWER)))
    put(limbs, at + 2 * lanes, get(limbs, at + 2 * lanes) + (high >> 32))


@inlined
def largest_bits(values: Any, base: int, t: int) -> int:
    """The bits of the largest magnitude of a tile."""
    most = 0
    for i in range(t):
        most = max(most, float_to_bits(get(values, base + i)) & MAGNITUDE)
    return most


@inlined
def cut_tile(values: Any, base: int, t: int, scratch: Any, unit: float, zeros: int) -> int:
    """Cut the values of a tile; a unit of 0 leaves them whole. Tells whether anything is left over."""
    grid, finer = SHIFT * unit, SHIFT * (unit * UNIT)
    left = 0
    for i in range(t):
        x = get(values, base + i)
        put(scratch, FLAGS + i, 1.0 if (zeros != 0) | (x != 0.0) else 0.0)
        high = (x + grid) - grid if unit != 0.0 else 0.0
        low = ((x - high) + finer) - finer if unit != 0.0 else 0.0
        put(scratch, HIGH + i, high)
        put(scratch, LOW + i, low)
        put(scratch, REST + i, (x - high) - low)
        left |= float_to_bits((x - high) - low) & MAGNITUDE
    return left


@inlined
def add_rows(words: Any, t: int, scratch: Any, lows: Any, highs: Any, lanes: int, table: Any) -> None:
    """Add the draws of a tile's rows, times their flags and cuts, to the sums of some lanes."""
    for j in range(3 * STRETCH):
        put(scratch, SUMS + j, 0.0)
    for i in range(t):
        row, flag = get(words, i), get(scratch, FLAGS + i)
        high, low = get(scratch, HIGH + i), get(scratch, LOW + i)
        for c in range(lanes // LANES):
            for j in range(LANES):
                lane = c * LANES + j
                k = types.float64(drawn(row, lows, highs, lane, table))
                at = SUMS + lane
                put(scratch, at, get(scratch, at) + k * flag)
                put(scratch, at + STRETCH, get(scratch, at + STRETCH) + k * high)
                put(scratch, at + 2 * STRETCH, get(scratch, at + 2 * STRETCH) + k * low)


@inlined
def flush(scratch: Any, which: int, unit: float, limbs: Any, first: int, stretch: int, lanes: int) -> None:
    """Add one of a tile's sums, an integer of units for each lane of a stretch, to the limbs."""
    grid = SHIFT * unit
    grid_bits = float_to_bits(grid)
    position = (float_to_bits(unit) >> 52) - 1023 + UNIT_EXPONENT
    at, shift = ((position >> 5) - first) * lanes, position & 31
    for j in range(stretch):
        units = float_to_bits(get(scratch, SUMS + which * STRETCH + j) + grid) - grid_bits
        add_units(limbs, at + j, lanes, units, shift)


@inlined
def add_rest(
    x: float, row: int, lows: Any, highs: Any, stretch: int, table: Any, limbs: Any, first: int, lanes: int
) -> None:
    """Add a number of any magnitude, times its draws, to the limbs of a stretch of lanes."""
    bits = float_to_bits(x)
    exponent = (bits >> 52) & 0x7FF
    mantissa = (bits & 0xFFFFFFFFFFFFF) | (0x10000000000000 if exponent > 0 else 0)
    mantissa = -mantissa if bits < 0 else mantissa
    position = max(exponent - 1, 0)
    at, shift = ((position >> 5) - first) * lanes, position & 31
    for j in range(stretch):
        add_units(limbs, at + j, lanes, mantissa * types.int64(drawn(row, lows, highs, j, table)), shift)


def resample(frame: Any) -> None:
    """Add the rows of a block, sorted by group."""
    ends, codes = as_int64(get(frame, 1)), as_int64(get(frame, 2))
    values, words, lanes = as_float64(get(frame, 3)), as_int64(get(frame, 4)), get(frame, 5)
    all_lows, all_highs, table = as_uint32(get(frame, 6)), as_uint32(get(frame, 7)), as_int64(get(frame, 8))
    width, first, scratch = get(frame, 10), get(frame, 11), as_float64(get(frame, 14))
    base = 0
    for run in range(get(frame, 0)):
        group, end = get(codes, run), get(ends, run)
        while base < end:
            t = min(ROWS, end - base)
            largest = largest_bits(values, base, t)
            # a power of two above all of them, in units
            fits = SMALLEST < largest < HIGHEST
            unit = bits_to_float(((largest >> 52) + 1) << 52) * UNIT if fits else 0.0
            left = cut_tile(values, base, t, scratch, unit, get(frame, 13))
            for start in range(0, lanes, STRETCH):
                stretch = min(STRETCH, lanes - start)
                lows, highs = shifted(all_lows, start), shifted(all_highs, start)
                limbs = shifted(as_int64(get(frame, 9)), group * width * lanes + start)
                add_rows(shifted(words, base), t, scratch, lows, highs, stretch, table)
                if fits:
                    flush(scratch, 1, unit, limbs, first, stretch, lanes)
                    flush(scratch, 2, unit * UNIT, limbs, first, stretch, lanes)
                if get(frame, 12) != 0:
                    counts = shifted(as_int64(get(frame, 12)), group * lanes + start)
                    for j in range(stretch):
                        put(counts, j, get(counts, j) + types.int64(get(scratch, SUMS + j)))
                for i in range(t if left != 0 else 0):
                    x = get(scratch, REST + i)
                    if x != 0.0:
                        add_rest(x, get(words, base + i), lows, highs, stretch, table, limbs, first, lanes)
            base += t
