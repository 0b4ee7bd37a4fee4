"""Elementary functions as plain arithmetic: the same bits on every machine, and loops that vectorise.

No table, no branch, no library call and no contraction: only IEEE additions, multiplications, divisions,
selects and moves between the bits of an integer and of a float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

inlined = numba.njit(error_model="numpy", forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)

LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
INVERSE_LN2 = 1.44269504088896338700
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
ONE_BITS = 0x3FF0000000000000
# adding an integer to the bits of 1.5 * 2**52 adds it to the number: a conversion that vectorises
SHIFT = 6755399441055744.0
SHIFT_BITS = 0x4338000000000000
SMALLEST_NORMAL = 2.2250738585072014e-308
SPLIT = 134217729.0
LARGEST = 1.7976931348623157e308


@intrinsic
def float_to_bits(typing_context: Any, x: Any) -> Any:
    """The bits of a float64 as int64."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(types.float64), generate


@intrinsic
def bits_to_float(typing_context: Any, bits: Any) -> Any:
    """The float64 of some bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), generate


@inlined
def two_sum(a: float, b: float) -> tuple[float, float]:
    """a + b as the rounded sum and its error, exactly (Knuth)."""
    s = a + b
    z = s - a
    return s, (a - (s - z)) + (b - z)


@inlined
def two_product(a: float, b: float) -> tuple[float, float]:
    """a b as the rounded product and its error, exactly where nothing over- or underflows (Dekker 1971)."""
    p = a * b
    t, u = SPLIT * a, SPLIT * b
    a_high, b_high = t - (t - a), u - (u - b)
    a_low, b_low = a - a_high, b - b_high
    error = ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low
    return p, error if abs(error) <= LARGEST else 0.0


@inlined
def _tail(s: float) -> float:
    """2 atanh(s) / s - 2, for |s| below 0.18."""
    z = s * s
    w = z * z
    odd = z * (
        0.6666666666666735130 + w * (0.2857142874366239149 + w * (0.1818357216161805012 + w * 0.1479819860511658591))
    )
    even = w * (0.3999999999940941908 + w * (0.2222219843214978396 + w * 0.1531383769920937332))
    return odd + even


@inlined
def _log_of(f: float, k: float, correction: float) -> float:
    """k log 2 + log(1 + f) + correction for f in [sqrt(1/2) - 1, sqrt(2) - 1], by the series in f / (2 + f)."""
    s = f / (2.0 + f)
    half = 0.5 * f * f
    return k * LN2_HIGH - ((half - (s * (half + _tail(s)) + (k * LN2_LOW + correction))) - f)


@inlined
def _log_parts(x: float) -> tuple[float, float]:
    """f and k with x = 2**k (1 + f), for a positive finite x."""
    small = x < SMALLEST_NORMAL
    bits = float_to_bits(x * 18014398509481984.0 if small else x)
    k = (bits - SQRT_HALF_BITS) >> 52
    m = bits_to_float(bits - (k << 52))
    return m - 1.0, bits_to_float(SHIFT_BITS + k) - (SHIFT + 54.0 if small else SHIFT)


@inlined
def _log_edges(x: float, zero: float, inside: float) -> float:
    """The logarithm inside its domain, IEEE's answers elsewhere; `zero` is x's distance from the pole."""
    result = inside if zero > 0.0 else (-math.inf if zero == 0.0 else math.nan)
    return result if x < math.inf else x


@inlined
def log(x: float) -> float:
    """Natural logarithm, to 0.9 ulp; -inf at 0, NaN below."""
    f, k = _log_parts(x)
    return _log_edges(x, x, _log_of(f, k, 0.0))


@inlined
def log1p(x: float) -> float:
    """log(1 + x), to 1 ulp also near 0; -inf at -1, NaN below."""
    u, lost = two_sum(1.0, x)
    f, k = _log_parts(u)
    near = -0.29289321 < x < 0.41421356
    inside = _log_of(x if near else f, 0.0 if near else k, 0.0 if near else lost / u)
    inside = x if abs(x) < 5.551115123125783e-17 else inside
    return _log_edges(x, x + 1.0, inside)


@inlined
def log_either(hit: bool, q: float) -> float:
    """log q where `hit`, else log1p(-q), to the same bits as they have, for the price of one."""
    u, lost = two_sum(1.0, -q)
    v = q if hit else u
    f, k = _log_parts(v)
    near = (not hit) & (q > -0.41421356) & (q < 0.29289321)
    inside = _log_of(-q if near else f, 0.0 if near else k, 0.0 if near | hit else lost / u)
    inside = -q if (not hit) & (abs(q) < 5.551115123125783e-17) else inside
    return _log_edges(q if hit else -q, v, inside)


@inlined
def _reduced(x: float) -> tuple[float, float, int]:
    """expm1 of the remainder of x by log 2, as a leading part and a rest, and the multiple as an integer."""
    t = x * INVERSE_LN2 + SHIFT
    k = t - SHIFT
    high = x - k * LN2_HIGH
    low = k * LN2_LOW
    r = high - low
    lost = (high - r) - low
    q = r * r
    a = 1.66666666666666666667e-1 + r * 4.16666666666666666667e-2
    b = 8.33333333333333333333e-3 + r * 1.38888888888888888889e-3
    c = 1.98412698412698412698e-4 + r * 2.48015873015873015873e-5
    d = 2.75573192239858906526e-6 + r * 2.75573192239858906526e-7
    e = 2.50521083854417187751e-8 + r * 2.08767569878680989792e-9
    g = 1.60590438368216145994e-10 + r * 1.14707455977297247139e-11
    tail = a + q * (b + q * (c + q * (d + q * (e + q * g))))
    rest = (lost + lost * r) + q * (0.5 + r * tail)
    return r, rest, float_to_bits(t) - SHIFT_BITS


@inlined
def _scaled(y: float, k: int) -> float:
    """y 2**k in two steps, so that overflow and subnormal results come out rounded once."""
    half = k >> 1
    return y * bits_to_float((half + 1023) << 52) * bits_to_float((k - half + 1023) << 52)


@inlined
def exp(x: float) -> float:
    """e to the x, to 0.9 ulp; subnormal results too."""
    held = min(max(x, -750.0), 720.0)
    r, rest, k = _reduced(held)
    return _scaled(1.0 + (r + rest), k) if x == x else x


@inlined
def expm1(x: float) -> float:
    """exp(x) - 1, to 1.5 ulp also near 0."""
    held = min(max(x, -45.0), 720.0)
    r, rest, k = _reduced(held)
    unit = bits_to_float((1023 - min(k, 100)) << 52)
    y = _scaled((1.0 - unit) + (r + rest), k)
    y = r + rest if k == 0 else y
    y = x if abs(x) < 1e-300 else y
    return y if x == x else x


@inlined
def exp_difference(a: float, b: float) -> float:
    """exp(a - b), to 1 ulp: what a - b loses to rounding is put back."""
    d, lost = two_sum(a, -b)
    y = exp(d)
    better = y + y * lost
    y = better if abs(better) <= LARGEST else y
    return 1.0 if a == b else y


@inlined
def log_quotient(p: float, s: float, rest: float) -> float:
    """log(p / (s + rest)), to 1.5 ulp also near 1; `rest` is what rounding lost of the sum s."""
    q = p / s
    h, low = two_product(q, s)
    off = (((p - h) - low) - q * rest) / h
    usable = abs(off) < 1e-10 and p > 1e-280
    return log(q) + (off if usable else 0.0)


@inlined
def log_pair(x: float) -> tuple[float, float]:
    """Natural logarithm of a positive finite number as a sum of two, to about 60 bits.

    In 2 atanh(s) = 2 s + 2 s^3 / 3 + ..., only the first term needs more than 53 bits.
    """
    f, k = _log_parts(x)
    g = 2.0 + f
    s = f / g
    h, low = two_product(s, g)
    # 2 + f rounds too; what it lost is f's
    rest = ((f - h) - low - s * ((2.0 - g) + f)) / g
    high, lost = two_sum(k * LN2_HIGH, 2.0 * s)
    small = lost + (2.0 * rest + (s * _tail(s) + k * LN2_LOW))
    return two_sum(high, small)


@inlined
def power(x: float, exponent: float) -> float:
    """x to an exponent, to 1.5 ulp, for x >= 0 and any finite exponent; 1 where the exponent is 0."""
    usable = 0.0 < x < math.inf
    high, low = log_pair(x if usable else 1.0)
    t, lost = two_product(exponent, high)
    y = exp(t)
    better = y + y * (lost + exponent * low)
    y = better if abs(better) <= LARGEST else y
    edge = (
        (0.0 if exponent > 0.0 else math.inf)
        if x == 0.0
        else (math.nan if not x > 0.0 else (x if exponent > 0.0 else 0.0))
    )
    y = y if usable else edge
    return 1.0 if exponent == 0.0 and x == x else y


@inlined
def less_log(a: float, y: float, x: float, rest: float) -> float:
    """a - y log(x + rest), to 2 ulp also where the two nearly cancel; `rest` is what rounding lost of x."""
    usable = 0.0 < x < math.inf
    high, low = log_pair(x if usable else 1.0)
    product, lost = two_product(y, high)
    d, gone = two_sum(a, -product)
    fine = d + (gone - (lost + y * (low + rest / x)))
    plain = a - (0.0 if y == 0.0 and x == x else y * log(x))
    return fine if usable and abs(fine) <= LARGEST else plain


@inlined
def product_error(a: float, b: float) -> float:
    """What rounding loses of a b; 0 where that is no number."""
    return two_product(a, b)[1]


SUBSTITUTES: dict[str, Callable[..., Any]] = {
    "log": log,
    "log1p": log1p,
    "log_either": log_either,
    "exp": exp,
    "expm1": expm1,
    "exp_difference": exp_difference,
    "log_quotient": log_quotient,
    "power": power,
    "less_log": less_log,
    "product_error": product_error,
}
