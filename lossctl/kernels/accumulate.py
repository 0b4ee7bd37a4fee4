"""Losses into exact sums, a row at a time: with weights, with skipped rows, of any magnitude.

The frame: 0 rows   1 losses   2 weights or 0   3 skipped (a byte a row) or 0   4 state   5 extremes

`state` is as `exactsum` lays it out; `extremes` is (least, greatest) loss as float64. Sums: w l, (w l)^2, w,
w^2, w (w l).
"""

from __future__ import annotations

from typing import Any

from numba import types

from lossctl.kernels.exactsum import COUNTS, LIMBS, SUMS
from lossctl.kernels.pointers import POINTER_TO, as_float64, as_int64, get, put
from lossctl.kernels.scalar import LARGEST, float_to_bits, inlined, two_product

as_uint8 = POINTER_TO["uint8"]
COUNT_AT = len(SUMS) * LIMBS
NONZERO_AT = COUNT_AT + COUNTS.index("nonzero")
NAN_AT, POSITIVE_AT, NEGATIVE_AT = (
    COUNT_AT + COUNTS.index(name) for name in ("nan", "positive_infinity", "negative_infinity")
)


@inlined
def add(limbs: Any, offset: int, x: float) -> None:
    """Add a number to the limbs at an offset; one that is not finite adds nothing."""
    bits = float_to_bits(x if abs(x) <= LARGEST else 0.0)
    exponent = (bits >> 52) & 0x7FF
    fraction = bits & 0xFFFFFFFFFFFFF
    mantissa = fraction | (0x10000000000000 if exponent > 0 else 0)
    position = max(exponent - 1, 0)
    at = offset + (position >> 5)
    shift = position & 31
    sign = -1 if bits < 0 else 1
    # two halves of at most 32 bits keep every shift inside 64 bits
    low = (mantissa & 0xFFFFFFFF) << shift
    high = (mantissa >> 32) << shift
    put(limbs, at, get(limbs, at) + sign * (low & 0xFFFFFFFF))
    put(limbs, at + 1, get(limbs, at + 1) + sign * ((low >> 32) + (high & 0xFFFFFFFF)))
    put(limbs, at + 2, get(limbs, at + 2) + sign * (high >> 32))


def accumulate(frame: Any) -> None:
    """Add the rows of a block."""
    n, state = get(frame, 0), as_int64(get(frame, 4))
    losses, weights = as_float64(get(frame, 1)), as_float64(get(frame, 2))
    skipped, extremes = as_uint8(get(frame, 3)), as_float64(get(frame, 5))
    has_weights, has_skipped = get(frame, 2) != 0, get(frame, 3) != 0
    least, most = get(extremes, 0), get(extremes, 1)
    for i in range(n):
        if has_skipped and get(skipped, i) != types.uint8(0):
            continue
        put(state, COUNT_AT, get(state, COUNT_AT) + 1)
        x = get(losses, i)
        least = x if x < least else least
        most = x if x > most else most
        w = get(weights, i) if has_weights else 1.0
        y, lost = two_product(w, x)
        if not abs(y) <= LARGEST:
            at = NAN_AT if y != y else (POSITIVE_AT if y > 0.0 else NEGATIVE_AT)
            put(state, at, get(state, at) + 1)
            y = lost = 0.0
        add(state, 0, y)
        add(state, LIMBS, y * y)
        if has_weights:
            add(state, 0, lost)
            add(state, 2 * LIMBS, w)
            add(state, 3 * LIMBS, w * w)
            add(state, 4 * LIMBS, w * y)
            put(state, NONZERO_AT, get(state, NONZERO_AT) + (1 if w != 0.0 else 0))
    put(extremes, 0, least)
    put(extremes, 1, most)
