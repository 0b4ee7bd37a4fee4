"""exp and log in plain float arithmetic, so that their bits are the same on every machine; each to about 1 ulp."""

from __future__ import annotations

from math import factorial, frexp, inf, ldexp, nan

# log 2 in two parts; a whole number below 2**20 times the first is exact
LOG_2_HIGH, LOG_2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
PER_LOG_2 = 1.4426950408889634
SQRT_HALF = 0.7071067811865476
# Taylor's coefficients of (exp(r) - 1 - r) / r^2, and of (atanh(s) - s) / s^3 in s^2, highest first
EXP_TERMS = tuple(1.0 / factorial(k) for k in range(14, 1, -1))
ATANH_TERMS = tuple(1.0 / k for k in range(25, 2, -2))
# for Veltkamp's cut of a float64 in two halves
SPLIT = 134217729.0


def polynomial(terms: tuple[float, ...], x: float) -> float:
    """Horner's scheme; the highest coefficient comes first."""
    total = 0.0
    for term in terms:
        total = total * x + term
    return total


def exp(x: float, rest: float = 0.0) -> float:
    """exp(x + rest), where `rest` is what rounding lost of x; 0 and infinity beyond the floats."""
    if not -746.0 < x < 710.0:
        return 0.0 if x < 0.0 else x + inf
    twos = round(x * PER_LOG_2)
    r = (x - twos * LOG_2_HIGH) - (twos * LOG_2_LOW - rest)
    size = 1.0 + (r + r * r * polynomial(EXP_TERMS, r))
    return ldexp(size, twos) if twos < 1024 else _doubled(size, twos)


def _doubled(size: float, twos: int) -> float:
    """size * 2**twos at the upper end of the floats."""
    return ldexp(size, twos - 1) * 2.0


def _log_ratio(s: float) -> float:
    """log((1 + s) / (1 - s)) = 2 atanh(s), for |s| below 0.18."""
    square = s * s
    return 2.0 * s + 2.0 * s * square * polynomial(ATANH_TERMS, square)


def log(x: float) -> float:
    """Natural logarithm; -inf at 0, NaN below."""
    if not 0.0 < x < inf:
        return x if x > 0.0 or x != x else (-inf if x == 0.0 else nan)
    part, twos = frexp(x)
    if part < SQRT_HALF:
        part, twos = part * 2.0, twos - 1
    return twos * LOG_2_HIGH + (twos * LOG_2_LOW + _log_ratio((part - 1.0) / (part + 1.0)))


def log1p(x: float) -> float:
    """log(1 + x) for x >= 0, accurate near 0."""
    if x < 0.4:
        return _log_ratio(x / (2.0 + x))
    whole = 1.0 + x
    lost = x - (whole - 1.0) if x < 1e16 else 0.0
    return log(whole) + lost / whole


def square_error(x: float) -> float:
    """What rounding loses of x^2, for |x| below 1e150 (Dekker 1971)."""
    cut = SPLIT * x
    high = cut - (cut - x)
    low = x - high
    return ((high * high - x * x) + 2.0 * high * low) + low * low
