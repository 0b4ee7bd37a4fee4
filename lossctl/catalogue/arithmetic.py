"""The words that formulas are written in: IEEE arithmetic on plain floats, and sums over a row.

A loss uses these and `math`; the kernels put compiled functions of the same meaning in their place.
Nothing here raises: 0, infinity and NaN give what IEEE 754 gives.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Vector: TypeAlias = Sequence[float]
Index: TypeAlias = int


def log(x: float) -> float:
    """Natural logarithm; -inf at 0, NaN below."""
    if x == 0.0:
        return -math.inf
    return math.log(x) if x > 0.0 else math.nan


def log1p(x: float) -> float:
    """log(1 + x), accurate near 0; -inf at -1, NaN below."""
    if x == -1.0:
        return -math.inf
    return math.log1p(x) if x > -1.0 else math.nan


def log_either(hit: bool, q: float) -> float:
    """log q where `hit`, else log(1 - q): what a 0/1 label takes of a probability; for 0 < q < 1."""
    return log(q) if hit else log1p(-q)


def exp(x: float) -> float:
    """e to the x; inf where it overflows."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def expm1(x: float) -> float:
    """exp(x) - 1, accurate near 0; inf where it overflows."""
    try:
        return math.expm1(x)
    except OverflowError:
        return math.inf


def exp_difference(a: float, b: float) -> float:
    """exp(a - b) for a <= b, without the rounding error of a - b; 1 where both are the same infinity."""
    if a == b:
        return 1.0
    if not math.isfinite(a - b):
        return exp(a - b)
    from fractions import Fraction

    d = a - b
    lost = float(Fraction(a) - Fraction(b) - Fraction(d))
    y = exp(d)
    return y + y * lost if math.isfinite(y) else y


def log_quotient(p: float, s: float, rest: float) -> float:
    """log(p / (s + rest)), where `rest` is what rounding lost of the sum `s`; accurate near 1."""
    if s == 0.0 or not (math.isfinite(p) and math.isfinite(s)):
        return log(p / s) if s != 0.0 else math.nan
    q = p / s
    if q <= 0.0 or not math.isfinite(q):
        return log(q)
    from fractions import Fraction

    off = Fraction(p) - Fraction(q) * (Fraction(s) + Fraction(rest))
    return log(q) + float(off / (Fraction(q) * Fraction(s)))


def power(x: float, exponent: float) -> float:
    """x to an exponent, for x >= 0; 1 where the exponent is 0, NaN for x < 0."""
    if x < 0.0:
        return math.nan
    try:
        return math.pow(x, exponent)
    except (OverflowError, ValueError):
        return math.inf


def raised(x: float, exponent: float) -> float:
    """x to an exponent, as `**` has it: of a negative x only whole exponents are numbers, all else is NaN."""
    size = power(abs(x), exponent)
    even = exponent * 0.5 == math.floor(exponent * 0.5)
    signed = size if even else (-size if exponent == math.floor(exponent) else math.nan)
    return signed if x < 0.0 else size


def less_log(a: float, y: float, x: float, rest: float) -> float:
    """a - y log(x + rest), where `rest` is what rounding lost of x; accurate where the two nearly cancel."""
    if not (x > 0.0 and all(map(math.isfinite, (a, y, x, rest)))):
        return a - weigh(y, log(x))
    from decimal import Decimal, localcontext

    with localcontext(prec=50):
        return float(Decimal(a) - Decimal(y) * (Decimal(x) + Decimal(rest)).ln())


def square(x: float) -> float:
    """x^2."""
    return x * x


def to_gamma(x: float, gamma: float) -> float:
    """x^gamma, for the focal losses, whose gamma is mostly 2."""
    return x * x if gamma == 2.0 else power(x, gamma)


def quotient(a: float, b: float) -> float:
    """a / b for b >= 0; where b is 0, an infinity of a's sign, or NaN for 0 / 0."""
    return a / b if b != 0.0 else a * math.inf


def maximum(a: float, b: float) -> float:
    """The larger of two; NaN where either is NaN."""
    return a if a >= b or a != a else b


def minimum(a: float, b: float) -> float:
    """The smaller of two; NaN where either is NaN."""
    return a if a <= b or a != a else b


def clip(x: float, low: float, high: float) -> float:
    """x held between low and high; NaN stays NaN."""
    above = low if low > x else x
    return high if high < above else above


def gap(a: float, b: float) -> float:
    """a - b; 0 where both are the same infinity."""
    return 0.0 if a == b else a - b


def weigh(a: float, x: float) -> float:
    """a * x; 0 where a is 0, whatever x is but NaN (the xlogy rule)."""
    return 0.0 if a == 0.0 and x == x else a * x


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), accurate in both tails."""
    e = exp(-abs(x))
    return (1.0 if x >= 0.0 else e) / (1.0 + e)


def softplus(x: float) -> float:
    """log(1 + exp(x)), without overflow."""
    return log1p(exp(-abs(x))) + maximum(x, 0.0)


def log_add(a: float, b: float) -> float:
    """log(exp(a) + exp(b)), without overflow."""
    return maximum(a, b) + log1p(exp(-abs(gap(a, b))))


def tanh(x: float) -> float:
    """The hyperbolic tangent."""
    e = expm1(-2.0 * abs(x))
    size = -e / (2.0 + e)
    return size if x >= 0.0 else -size


def where(chosen: bool, a: float, b: float) -> float:
    """a where it is chosen, else b."""
    return a if chosen else b


def log_held(p: float, rest: float, low: float, high: float) -> float:
    """log p, with p held in [low, 1 - high]; `rest` is 1 - p, for the digits of a p near 1."""
    inside = log(p) if p < 0.5 else log1p(-rest)
    above = log(low) if p < low else inside
    return log1p(-high) if rest < high else above


def rounding(a: float, b: float) -> float:
    """What rounding loses of a + b."""
    s = a + b
    z = s - a
    return (a - (s - z)) + (b - z)


def product_error(a: float, b: float) -> float:
    """What rounding loses of a b; 0 where that is no number."""
    if not all(map(math.isfinite, (a, b, a * b))):
        return 0.0
    from fractions import Fraction

    return float(Fraction(a) * Fraction(b) - Fraction(a * b))


def total(values: Iterable[float], start: float = 0.0) -> float:
    """The sum over a row, carried with its rounding errors; as good as exact."""
    terms = [start, *values]
    return math.fsum(terms) if all(map(math.isfinite, terms)) else sum(terms)


def count(conditions: Iterable[bool]) -> float:
    """How many of a row's conditions hold."""
    return float(sum(conditions))


def total_error(values: Iterable[float]) -> float:
    """What rounding takes from `total(values)`: the exact sum less that."""
    terms = list(values)
    return total(terms, -total(terms))


def largest(values: Iterable[float]) -> float:
    """The largest of a row; NaN where one is NaN."""
    best = -math.inf
    for value in values:
        best = maximum(best, value)
    return best


def highest(values: Iterable[float]) -> float:
    """The largest of a row, NaNs left out; -inf where there are no others."""
    return max((value for value in values if value == value), default=-math.inf)


def room(size: int) -> list[float]:
    """Numbers to write into, not yet set: a few thousand at the most.

    Example:
        >>> import lossctl
        >>> so_far = lossctl.room(3)
        >>> so_far[0] = 2.5
        >>> so_far[0], len(so_far)
        (2.5, 3)
    """
    return [0.0] * size


def at(values: Vector, index: Index) -> float:
    """The value at a class index; NaN where the index is no class."""
    return values[index] if 0 <= index < len(values) else math.nan
