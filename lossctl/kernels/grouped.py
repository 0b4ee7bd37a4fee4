"""Losses into exact sums by group: a record a group, as `window` lays it out.

The frame: 0 rows   1 losses   2 weights or 0   3 skipped (a byte a row) or 0   4 codes   5 groups   6 state
7 scratch, or 0   8 outside

`codes` are int64; a row whose code is not one of 0 ... groups - 1 is in no group. `scratch` has room for the slots
of `window`; with it, and without weights, a tile of rows is cut as `cutsum` cuts it, and the integers are added up
by group. `outside` has room for a word more than rows: how many follow, then a word for each row that is not in the
sums as a whole. That is the row's number i where nothing of it is, and ~i where only its w l is left out, which is
no finite number.
"""

from __future__ import annotations

from typing import Any

from numba import types

from lossctl.kernels.accumulate import as_uint8
from lossctl.kernels.cutsum import CUT, CUT_TILE, GRID, MAGNITUDE, rest
from lossctl.kernels.exactsum import UNIT_EXPONENT
from lossctl.kernels.pointers import as_float64, as_int64, get, prefetch, put
from lossctl.kernels.scalar import LARGEST, bits_to_float, float_to_bits, inlined, two_product
from lossctl.kernels.window import BASE, LIMBS, PLAIN, SLOT, WEIGHTED, stride

# the exponents of a number whose bits lie in the window: from the first, this many
FIRST_EXPONENT, EXPONENTS = BASE + 1, 32 * (LIMBS - 2)
# a tile is cut if its losses lie between these, so that what is left of their squares lies in the window too
CUT_BOTTOM, CUT_TOP = (1023 - 68) << 52, (1023 + 63) << 52
INFINITY_BITS, MINUS_INFINITY_BITS = 0x7FF0000000000000, -0x10000000000000
PLAIN_STRIDE, WEIGHTED_STRIDE = stride(PLAIN), stride(WEIGHTED)
ROWS, NONZERO, LEAST, MOST = 0, 1, 2, 3
# more records than this do not stay near the processor; each is fetched so many rows ahead
NEAR, AHEAD = 1 << 11, 12


@inlined
def inside(x: float) -> bool:
    """Whether the window has room for a number."""
    above = ((float_to_bits(x) >> 52) & 0x7FF) - FIRST_EXPONENT
    return (x == 0.0) | ((above >= 0) & (above < EXPONENTS))


@inlined
def add(state: Any, offset: int, x: float) -> None:
    """Add a number that is inside to the limbs at an offset."""
    bits = float_to_bits(x)
    exponent = (bits >> 52) & 0x7FF
    mantissa = (bits & 0xFFFFFFFFFFFFF) | (0x10000000000000 if exponent > 0 else 0)
    place(state, offset, -mantissa if bits < 0 else mantissa, max(exponent - FIRST_EXPONENT, 0))


@inlined
def place(state: Any, offset: int, units: int, position: int) -> None:
    """Add an integer of up to 63 bits, times 2**position, to the limbs at an offset."""
    at = offset + (position >> 5)
    # two halves of at most 32 bits keep every shift inside 64 bits
    low = (units & 0xFFFFFFFF) << (position & 31)
    high = (units >> 32) << (position & 31)
    put(state, at, get(state, at) + (low & 0xFFFFFFFF))
    put(state, at + 1, get(state, at + 1) + (((low >> 32) & 0xFFFFFFFF) + (high & 0xFFFFFFFF)))
    put(state, at + 2, get(state, at + 2) + (high >> 32))


@inlined
def widen(state: Any, at: int, least: int, most: int, x: float) -> None:
    """Make room for a number between the least and the most, told by their words behind `at`."""
    if x < bits_to_float(get(state, at + least)):
        put(state, at + least, float_to_bits(x))
    if x > bits_to_float(get(state, at + most)):
        put(state, at + most, float_to_bits(x))


@inlined
def group_of(codes: Any, i: int, groups: int, has_skipped: bool, skipped: Any) -> int:
    """A row's group, or -1."""
    g = get(codes, i)
    known = (g >= 0) & (g < groups)
    if has_skipped:
        known &= get(skipped, i) == types.uint8(0)
    return g if known else -1


@inlined
def plain_row(state: Any, at: int, x: float) -> int:
    """Add a row without weight: 0 if all of it is in, 1 if nothing of it is, 2 if its loss is no finite number."""
    odd = not abs(x) <= LARGEST
    y = 0.0 if odd else x
    if not (inside(y) & inside(y * y)):
        return 1
    add(state, at, y)
    add(state, at + LIMBS, y * y)
    words = at + PLAIN * LIMBS
    put(state, words + ROWS, get(state, words + ROWS) + 1)
    widen(state, words, LEAST, MOST, x)
    return 2 if odd else 0


@inlined
def weighted_row(state: Any, at: int, x: float, w: float) -> int:
    """Add a row with its weight, as `plain_row` does."""
    y, lost = two_product(w, x)
    odd = not abs(y) <= LARGEST
    if odd:
        y = lost = 0.0
    if not (inside(y) & inside(lost) & inside(y * y) & inside(w) & inside(w * w) & inside(w * y)):
        return 1
    add(state, at, y)
    add(state, at, lost)
    add(state, at + LIMBS, y * y)
    add(state, at + 2 * LIMBS, w)
    add(state, at + 3 * LIMBS, w * w)
    add(state, at + 4 * LIMBS, w * y)
    words = at + WEIGHTED * LIMBS
    put(state, words + ROWS, get(state, words + ROWS) + 1)
    put(state, words + NONZERO, get(state, words + NONZERO) + (1 if w != 0.0 else 0))
    widen(state, words, LEAST, MOST, x)
    return 2 if odd else 0


@inlined
def fetch(state: Any, g: int, groups: int, words: int) -> None:
    """Have a group's record ready for when its row's turn comes."""
    if (g >= 0) & (g < groups):
        for k in range(0, words, 8):
            prefetch(state, g * words + k)


@inlined
def note(outside: Any, i: int, how: int) -> None:
    """Tell the caller of a row that is not in as a whole."""
    if how != 0:
        count = get(outside, 0) + 1
        put(outside, 0, count)
        put(outside, count, i if how == 1 else ~i)


@inlined
def bound_of(losses: Any, base: int, t: int) -> int:
    """The bits of a power of two above all losses of a tile; 0 if some are too large or too small to be cut."""
    largest, smallest = CUT_BOTTOM, MAGNITUDE
    for i in range(t):
        bits = float_to_bits(get(losses, base + i)) & MAGNITUDE
        # less one, a zero is the largest of all
        largest, smallest = max(largest, bits), min(smallest, (bits - 1) & MAGNITUDE)
    return ((largest >> 52) + 1) << 52 if largest < CUT_TOP and smallest >= CUT_BOTTOM - 1 else 0


@inlined
def cut(state: Any, offset: int, scratch: Any, slot: int, x: float, grid: float) -> None:
    """Add two cuts of a number to the slot's integers, and what they leave to the limbs at an offset, if anything."""
    finer = grid * CUT
    low = rest(x, grid)
    put(scratch, slot, get(scratch, slot) + (float_to_bits(x + grid) - float_to_bits(grid)))
    put(scratch, slot + 1, get(scratch, slot + 1) + (float_to_bits(low + finer) - float_to_bits(finer)))
    left = rest(low, finer)
    if left != 0.0 and offset >= 0:
        add(state, offset, left)


@inlined
def cut_row(state: Any, g: int, scratch: Any, x: float, bound: float) -> None:
    """Add a row to its group's slot, or to the first where it has no group."""
    at, slot = g * PLAIN_STRIDE, (g + 1) * SLOT
    cut(state, at, scratch, slot, x, GRID * bound)
    cut(state, at + LIMBS if g >= 0 else -1, scratch, slot + 2, x * x, GRID * (bound * bound))
    put(scratch, slot + 4, get(scratch, slot + 4) + 1)
    widen(scratch, slot, 5, 6, x)


@inlined
def flush_slots(state: Any, scratch: Any, groups: int, exponent: int) -> None:
    """Move the slots' integers to their groups' limbs; `exponent` is the bound's."""
    # the rows in no group
    for k in range(5):
        put(scratch, k, 0)
    for g in range(groups):
        slot, at = (g + 1) * SLOT, g * PLAIN_STRIDE
        rows, words = get(scratch, slot + 4), at + PLAIN * LIMBS
        if rows == 0:
            continue
        for k in range(4):
            # the unit of a cut is 2**-50 of the bound, or of its square, or 2**-100
            position = exponent * (1 + (k >> 1)) - 50 * (1 + (k & 1)) + UNIT_EXPONENT - BASE
            place(state, at + (k >> 1) * LIMBS, get(scratch, slot + k), position)
            put(scratch, slot + k, 0)
        put(scratch, slot + 4, 0)
        put(state, words + ROWS, get(state, words + ROWS) + rows)
        widen(state, words, LEAST, MOST, bits_to_float(get(scratch, slot + 5)))
        widen(state, words, LEAST, MOST, bits_to_float(get(scratch, slot + 6)))


@inlined
def start_slots(scratch: Any, groups: int) -> None:
    """Slots without rows."""
    for slot in range(groups + 1):
        for k in range(SLOT):
            put(scratch, slot * SLOT + k, 0)
        put(scratch, slot * SLOT + 5, INFINITY_BITS)
        put(scratch, slot * SLOT + 6, MINUS_INFINITY_BITS)


def accumulate(frame: Any) -> None:
    """Add the rows of a block."""
    n, groups, state = get(frame, 0), get(frame, 5), as_int64(get(frame, 6))
    losses, weights, skipped = as_float64(get(frame, 1)), as_float64(get(frame, 2)), as_uint8(get(frame, 3))
    codes, scratch, outside = as_int64(get(frame, 4)), as_int64(get(frame, 7)), as_int64(get(frame, 8))
    has_weights, has_skipped, has_scratch = get(frame, 2) != 0, get(frame, 3) != 0, get(frame, 7) != 0
    words = WEIGHTED_STRIDE if has_weights else PLAIN_STRIDE
    put(outside, 0, 0)
    if has_scratch:
        start_slots(scratch, groups)
    for base in range(0, n, CUT_TILE):
        end = min(base + CUT_TILE, n)
        bits = bound_of(losses, base, end - base) if has_scratch else 0
        bound = bits_to_float(bits)
        for i in range(base, end if bits != 0 else base):
            g = group_of(codes, i, groups, has_skipped, skipped)
            cut_row(state, g, scratch, get(losses, i), bound)
        if bits != 0:
            flush_slots(state, scratch, groups, (bits >> 52) - 1023)
        for i in range(base if bits == 0 else end, end):
            if groups > NEAR and i + AHEAD < n:
                fetch(state, get(codes, i + AHEAD), groups, words)
            g = group_of(codes, i, groups, has_skipped, skipped)
            if g < 0:
                continue
            if has_weights:
                note(outside, i, weighted_row(state, g * words, get(losses, i), get(weights, i)))
            else:
                note(outside, i, plain_row(state, g * words, get(losses, i)))
