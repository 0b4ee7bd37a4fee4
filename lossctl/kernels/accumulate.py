"""The accumulating kernel: losses into exact sums.

Its frame: 0 rows   1 losses   2 weights or 0   3 skipped (a byte a row) or 0   4 state   5 extremes

`state` is as `exactsum` lays it out; `extremes` is (least, greatest) loss as float64. Sums: w l, (w l)^2, w,
w^2, w (w l). Rows without weights, all of them used, take a way that vectorises: each value is cut at fixed
bits below the largest of its tile, the pieces add up without rounding in any order (Rump 2008), and what two
cuts leave over goes the slow way.
"""

from __future__ import annotations

from typing import Any

from numba import types

from lossctl.kernels.exactsum import COUNTS, LIMBS, SUMS
from lossctl.kernels.layout import TILE
from lossctl.kernels.pointers import POINTER_TO, as_float64, as_int64, get, put, stack
from lossctl.kernels.scalar import LARGEST, bits_to_float, float_to_bits, inlined, two_product

as_uint8 = POINTER_TO["uint8"]
COUNT_AT = len(SUMS) * LIMBS
NAN, POSITIVE, NEGATIVE, NONZERO = (
    COUNT_AT + COUNTS.index(n) for n in ("nan", "positive_infinity", "negative_infinity", "nonzero")
)
# a tile of 2**12 values, cut 40 bits apart, adds up in 52 bits
CUT_TILE = 4096
CUT_SCALE = 1.5 * 2.0**13
NEXT_CUT = 2.0**-40
MAGNITUDE = 0x7FFFFFFFFFFFFFFF
MIDDLE = (1023 - 900) << 52
UPPER = (1023 + 480) << 52


@inlined
def add(limbs: Any, offset: int, x: float) -> None:
    """Add a finite number to the limbs at an offset."""
    bits = float_to_bits(x)
    exponent = (bits >> 52) & 0x7FF
    fraction = bits & 0xFFFFFFFFFFFFF
    normal = exponent > 0
    mantissa = fraction | (0x10000000000000 if normal else 0)
    position = exponent - 1 if normal else 0
    at = offset + (position >> 5)
    shift = position & 31
    sign = -1 if bits < 0 else 1
    # two halves of at most 32 bits keep every shift inside 64 bits
    low = (mantissa & 0xFFFFFFFF) << shift
    high = (mantissa >> 32) << shift
    put(limbs, at, get(limbs, at) + sign * (low & 0xFFFFFFFF))
    put(limbs, at + 1, get(limbs, at + 1) + sign * ((low >> 32) + (high & 0xFFFFFFFF)))
    put(limbs, at + 2, get(limbs, at + 2) + sign * (high >> 32))


@inlined
def count(state: Any, at: int) -> None:
    """One more of something."""
    put(state, at, get(state, at) + 1)


@inlined
def finite(x: float) -> float:
    """The number, or 0 where it overflowed."""
    return x if x <= LARGEST else 0.0


@inlined
def ordered(x: float) -> int:
    """An integer that orders as the number does; its maximum over a loop vectorises, a float's does not."""
    bits = float_to_bits(x)
    return bits ^ ((bits >> 63) & MAGNITUDE)


@inlined
def cut_tile(losses: Any, base: int, t: int, state: Any) -> None:
    """Add the losses and their squares of a tile whose magnitudes are neither huge nor tiny."""
    largest = 0
    for i in range(t):
        largest = max(largest, float_to_bits(get(losses, base + i)) & MAGNITUDE)
    scale = bits_to_float(((largest >> 52) + 1) << 52)
    for power in range(2):
        grid = CUT_SCALE * (scale * scale if power == 1 else scale)
        first, second, third = stack(), stack(), stack()
        for r in range(TILE):
            put(first, r, 0.0)
            put(second, r, 0.0)
            put(third, r, 0.0)
        left = 0
        row = 0
        while row < t:
            some = min(TILE, t - row)
            for r in range(some):
                x = get(losses, base + row + r)
                x = x * x if power == 1 else x
                a = (x + grid) - grid
                x -= a
                b = (x + grid * NEXT_CUT) - grid * NEXT_CUT
                x -= b
                c = (x + grid * NEXT_CUT * NEXT_CUT) - grid * NEXT_CUT * NEXT_CUT
                x -= c
                put(first, r, get(first, r) + a)
                put(second, r, get(second, r) + b)
                put(third, r, get(third, r) + c)
                left |= float_to_bits(x) & MAGNITUDE
            row += TILE
        whole, half, rest = 0.0, 0.0, 0.0
        for r in range(TILE):
            whole += get(first, r)
            half += get(second, r)
            rest += get(third, r)
        add(state, power * LIMBS, whole)
        add(state, power * LIMBS, half)
        add(state, power * LIMBS, rest)
        if left != 0:
            for i in range(t):
                x = get(losses, base + i)
                x = x * x if power == 1 else x
                x -= (x + grid) - grid
                x -= (x + grid * NEXT_CUT) - grid * NEXT_CUT
                x -= (x + grid * NEXT_CUT * NEXT_CUT) - grid * NEXT_CUT * NEXT_CUT
                add(state, power * LIMBS, x)


@inlined
def add_row(state: Any, x: float, w: float, has_weights: bool) -> None:
    """Add one row."""
    product = w * x
    if not (abs(x) <= LARGEST and abs(w) <= LARGEST and abs(product) <= LARGEST):
        count(state, NAN if product != product else (POSITIVE if product > 0.0 else NEGATIVE))
        x = 0.0
    if has_weights:
        y, lost = two_product(w, x)
        add(state, 0, y)
        add(state, 0, lost)
        add(state, LIMBS, finite(y * y))
        add(state, 2 * LIMBS, w)
        add(state, 3 * LIMBS, finite(w * w))
        add(state, 4 * LIMBS, finite(w * y))
        if w != 0.0:
            count(state, NONZERO)
    else:
        add(state, 0, x)
        add(state, LIMBS, finite(x * x))


def accumulate(frame: Any) -> None:
    """Add the rows of a block."""
    n, state = get(frame, 0), as_int64(get(frame, 4))
    losses, weights = as_float64(get(frame, 1)), as_float64(get(frame, 2))
    skipped, extremes = as_uint8(get(frame, 3)), as_float64(get(frame, 5))
    has_weights, has_skipped = get(frame, 2) != 0, get(frame, 3) != 0
    least, most = ordered(get(extremes, 0)), ordered(get(extremes, 1))
    base = rows = 0
    while base < n:
        t = min(CUT_TILE, n - base)
        low, high = MAGNITUDE, -MAGNITUDE - 1
        for i in range(t):
            key = ordered(get(losses, base + i))
            low = min(low, key)
            high = max(high, key)
        inside = max(abs(low), abs(high))
        plain = not has_weights and not has_skipped
        if plain and inside < UPPER and (inside > MIDDLE or inside == 0):
            cut_tile(losses, base, t, state)
            rows += t
            least, most = min(least, low), max(most, high)
        else:
            for i in range(t):
                if has_skipped and get(skipped, base + i) != types.uint8(0):
                    continue
                rows += 1
                x = get(losses, base + i)
                if x == x:
                    least, most = min(least, ordered(x)), max(most, ordered(x))
                add_row(state, x, get(weights, base + i) if has_weights else 1.0, has_weights)
        base += CUT_TILE
    put(extremes, 0, bits_to_float(least ^ ((least >> 63) & MAGNITUDE)))
    put(extremes, 1, bits_to_float(most ^ ((most >> 63) & MAGNITUDE)))
    put(state, COUNT_AT, get(state, COUNT_AT) + rows)
