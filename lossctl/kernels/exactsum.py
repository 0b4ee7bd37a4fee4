"""Exact, order-free sums: a float64 is an integer times 2**-1074, and integers add without rounding.

A sum is kept in LIMBS int64, each worth 2**32 times the one before. A float64 touches three of them with at
most 32 bits each, so 2**30 values fit before a carry is due; then the limbs become one Python integer, and
Python's integers are the partial results that merge (after Kulisch & Miranker 1986; Neal 2015).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

    import numpy as np

LIMBS = 70
UNIT_EXPONENT = 1074
# the sums that a loss keeps, in the order of their limbs
SUMS = ("loss", "squares", "weight", "weight_squares", "cross")
# and the counts, behind the limbs, as int64: rows, rows of weight != 0, NaN, +inf, -inf
COUNTS = ("rows", "nonzero", "nan", "positive_infinity", "negative_infinity")
STATE = len(SUMS) * LIMBS + len(COUNTS)
FLUSH_ROWS = 1 << 30


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
    from fractions import Fraction

    return Fraction(units, 1 << UNIT_EXPONENT)
