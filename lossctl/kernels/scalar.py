"""Elementary functions as plain arithmetic: the same bits on every machine, and loops that vectorise.

No table, no branch, no library call, and no contraction but where `fma` says so: only IEEE additions,
multiplications, fused ones, divisions, selects and moves between the bits of an integer and of a float64.
A processor without a fused multiply-add takes long for one, and gets the same bits.
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
# these bits less a number's are those of its reciprocal, to 5 %
RECIPROCAL_BITS = 0x7FDE623822FC16E6
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


@intrinsic
def fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """a b + c, rounded once."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return types.float64(types.float64, types.float64, types.float64), generate


@inlined
def rough_reciprocal(x: float) -> float:
    """1 / x to 0.3 %, for a positive finite x: enough to scale what a rounding lost."""
    y = bits_to_float(RECIPROCAL_BITS - float_to_bits(x))
    return y * fma(-x, y, 2.0)


@inlined
def two_sum(a: float, b: float) -> tuple[float, float]:
    """a + b as the rounded sum and its error, exactly (Knuth)."""
    s = a + b
    z = s - a
    return s, (a - (s - z)) + (b - z)


@inlined
def two_product(a: float, b: float) -> tuple[float, float]:
    """a b as the rounded product and its error, exactly where nothing over- or underflows."""
    p = a * b
    error = fma(a, b, -p)
    return p, error if abs(error) <= LARGEST else 0.0


@inlined
def _tail(s: float) -> float:
    """2 atanh(s) / s - 2, for |s| below 0.18."""
    z = s * s
    w = z * z
    odd = fma(
        w, fma(w, fma(w, 0.1479819860511658591, 0.1818357216161805012), 0.2857142874366239149), 0.6666666666666735130
    )
    even = fma(w, fma(w, 0.1531383769920937332, 0.2222219843214978396), 0.3999999999940941908)
    return fma(z, odd, w * even)


@inlined
def _log_of(f: float, k: float, correction: float) -> float:
    """k log 2 + log(1 + f) + correction for f in [sqrt(1/2) - 1, sqrt(2) - 1], by the series in f / (2 + f)."""
    s = f / (2.0 + f)
    half = 0.5 * f * f
    rest = fma(s, half + _tail(s), fma(k, LN2_LOW, correction))
    return fma(k, LN2_HIGH, f - (half - rest))


@inlined
def _normal_parts(x: float, shift: float) -> tuple[float, float]:
    """f and k + SHIFT - shift with x = 2**k (1 + f), for a positive normal x."""
    bits = float_to_bits(x)
    k = (bits - SQRT_HALF_BITS) >> 52
    return bits_to_float(bits - (k << 52)) - 1.0, bits_to_float(SHIFT_BITS + k) - shift


@inlined
def _log_parts(x: float) -> tuple[float, float]:
    """f and k with x = 2**k (1 + f), for a positive finite x."""
    small = x < SMALLEST_NORMAL
    return _normal_parts(x * 18014398509481984.0 if small else x, SHIFT + 54.0 if small else SHIFT)


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
    inside = _log_of(x if near else f, 0.0 if near else k, 0.0 if near else lost * rough_reciprocal(u))
    inside = x if abs(x) < 5.551115123125783e-17 else inside
    return _log_edges(x, x + 1.0, inside)


@inlined
def log_either(hit: bool, q: float) -> float:
    """log q where `hit`, else log1p(-q), to the same bits as they have, for the price of one; for 0 < q < 1."""
    u = 1.0 - q
    f, k = _normal_parts(q if hit else u, SHIFT)
    near = (not hit) & (q < 0.29289321)
    lost = 0.0 if near | hit else ((1.0 - u) - q) * rough_reciprocal(u)
    return _log_of(-q if near else f, 0.0 if near else k, lost)


@inlined
def _reduced(x: float) -> tuple[float, float, float]:
    """The multiple of log 2 next to x, as SHIFT + k; the remainder; and what its rounding lost."""
    t = fma(x, INVERSE_LN2, SHIFT)
    k = t - SHIFT
    high = fma(-k, LN2_HIGH, x)
    r = fma(-k, LN2_LOW, high)
    return t, r, fma(-k, LN2_LOW, high - r)


@inlined
def _curve(r: float) -> float:
    """(expm1(r) - r) / r^2, for |r| up to log(2) / 2: interpolated at Chebyshev's points, to 2**-59 of exp(r)."""
    q = r * r
    a = fma(r, 0.041666666666666664, 0.16666666666666669)
    b = fma(r, 0.0013888888888886545, 0.008333333333330051)
    c = fma(r, 2.4801587317181886e-05, 0.00019841269863105968)
    d = fma(r, 2.755728291148268e-07, 2.7557268378684192e-06)
    e = fma(r, 2.0911264239196083e-09, 2.5100424157005067e-08)
    tail = fma(q, fma(q, fma(q, fma(q, e, d), c), b), a)
    return fma(r, tail, 0.5)


@inlined
def _scaled(y: float, t: float) -> float:
    """y 2**k for t = SHIFT + k, in two steps, so that overflow and subnormal results come out rounded once."""
    k = float_to_bits(t) - SHIFT_BITS
    half = k >> 1
    return y * bits_to_float((half + 1023) << 52) * bits_to_float((k - half + 1023) << 52)


@inlined
def _held(x: float, low: float, high: float) -> float:
    """x held between two numbers; a NaN stays one."""
    y = low if low > x else x
    return high if high < y else y


@inlined
def exp(x: float) -> float:
    """e to the x, to 0.9 ulp; subnormal results too."""
    t, r, lost = _reduced(_held(x, -750.0, 720.0))
    return _scaled(1.0 + (r + fma(r * r, _curve(r), lost)), t)


@inlined
def expm1(x: float) -> float:
    """exp(x) - 1, to 1.5 ulp also near 0."""
    t, r, lost = _reduced(_held(x, -45.0, 720.0))
    near = r + fma(r * r, _curve(r), fma(lost, r, lost))
    unit = bits_to_float((1023 + SHIFT_BITS - float_to_bits(min(t, SHIFT + 100.0))) << 52)
    y = _scaled((1.0 - unit) + near, t)
    y = near if t == SHIFT else y
    return x if abs(x) < 1e-300 else y


@inlined
def exp_difference(a: float, b: float) -> float:
    """exp(a - b) for a <= b, to 1 ulp: what a - b loses to rounding is put back."""
    d, lost = two_sum(a, -b)
    t, r, _ = _reduced(d)
    # one step of scaling, by way of the exponent; a result that may be subnormal takes a detour of 2**128
    tiny = d < -707.0
    shift = (float_to_bits(t) + (128 if tiny else 0)) << 52
    y = bits_to_float(float_to_bits(1.0 + fma(r * r, _curve(r), r)) + shift) * (2.0**-128 if tiny else 1.0)
    y = fma(y, lost, y)
    y = 0.0 if d < -746.0 else y
    return 1.0 if a == b else y


@inlined
def log_quotient(p: float, s: float, rest: float) -> float:
    """log(p / (s + rest)), to 1.5 ulp also near 1; `rest` is what rounding lost of the sum s."""
    q = p / s
    off = (fma(-q, s, p) - q * rest) / p
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
    # 2 + f rounds too; what it lost is f's
    rest = fma(-s, (2.0 - g) + f, fma(-s, g, f)) / g
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
