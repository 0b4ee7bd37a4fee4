"""Exact, order-free sums: a float64 is an integer times 2**-1074, and integers add without rounding.

A sum is kept in LIMBS int64, each worth 2**32 times the one before. A float64 touches three of them with at
most 32 bits each, so 2**30 values fit before a carry is due; then the limbs become one Python integer, and
Python's integers are the partial results that merge (after Kulisch & Miranker 1986; Neal 2015).
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

LIMBS = 70
UNIT_EXPONENT = 1074
# the sums that a loss keeps, in the order of their limbs
SUMS = ("loss", "squares", "weight", "weight_squares", "cross")
# and the counts, behind the limbs, as int64: rows, rows of weight != 0, NaN, +inf, -inf
COUNTS = ("rows", "nonzero", "nan", "positive_infinity", "negative_infinity")
STATE = len(SUMS) * LIMBS + len(COUNTS)
FLUSH_ROWS = 1 << 30


def build_accumulate() -> Any:
    """The Python form of the accumulating kernel, for numba to compile.

    Its frame: 0 rows   1 losses   2 weights or 0   3 skipped (a byte a row) or 0   4 state   5 extremes

    `extremes` is (least, greatest) loss as float64. Sums: w l, (w l)^2, w, w^2, w (w l).
    """
    import numba
    from numba import types

    from lossctl.kernels.pointers import POINTER_TO, as_float64, as_int64, get, put
    from lossctl.kernels.scalar import float_to_bits, two_product

    as_uint8 = POINTER_TO["uint8"]
    njit = numba.njit(error_model="numpy", forceinline=True)

    @njit
    def add(limbs: Any, offset: int, x: float) -> None:
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

    @njit
    def count(state: Any, which: int) -> None:
        at = 5 * LIMBS + which
        put(state, at, get(state, at) + 1)

    @njit
    def finite(x: float) -> float:
        return x if x <= MAX else 0.0

    def accumulate(frame: Any) -> None:
        n, state = get(frame, 0), as_int64(get(frame, 4))
        losses, weights = as_float64(get(frame, 1)), as_float64(get(frame, 2))
        skipped, extremes = as_uint8(get(frame, 3)), as_float64(get(frame, 5))
        has_weights, has_skipped = get(frame, 2) != 0, get(frame, 3) != 0
        least, most = get(extremes, 0), get(extremes, 1)
        rows = 0
        for i in range(n):
            if has_skipped and get(skipped, i) != types.uint8(0):
                continue
            rows += 1
            x = get(losses, i)
            w = get(weights, i) if has_weights else 1.0
            if abs(x) <= MAX and abs(w) <= MAX and abs(w * x) <= MAX:
                least = min(least, x)
                most = max(most, x)
            else:
                count(state, 2 if not abs(w * x) >= 0.0 else (3 if w * x > 0.0 else 4))
                least = x if x < least else least
                most = x if x > most else most
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
                    count(state, 1)
            else:
                add(state, 0, x)
                add(state, LIMBS, finite(x * x))
        put(extremes, 0, least)
        put(extremes, 1, most)
        put(state, 5 * LIMBS, get(state, 5 * LIMBS) + rows)

    return accumulate


MAX = 1.7976931348623157e308


def whole(limbs: np.ndarray) -> int:
    """The sum that limbs hold, as an integer in units of 2**-1074."""
    return sum(int(limb) << (32 * i) for i, limb in enumerate(limbs.tolist()) if limb)


def exact_integer(x: float) -> int:
    """A finite float64 in units of 2**-1074."""
    numerator, denominator = x.as_integer_ratio()
    return (numerator << UNIT_EXPONENT) // denominator


def as_float(units: int) -> float:
    """The float64 nearest to an integer of units; infinite where it is too large for one."""
    return ratio(units, 1 << UNIT_EXPONENT)


def ratio(numerator: int, denominator: int) -> float:
    """The float64 nearest to a quotient of integers: rounded once."""
    try:
        return numerator / denominator
    except OverflowError:
        return math.inf if (numerator > 0) == (denominator > 0) else -math.inf


def exact(units: int) -> Fraction:
    """A sum in units as the number that it is."""
    return Fraction(units, 1 << UNIT_EXPONENT)
