"""Special functions in the words of `arithmetic`, so that their bits are the same everywhere."""

from __future__ import annotations

from math import sqrt

from lossctl.catalogue.arithmetic import exp, log, log1p, product_error

SQRT_HALF = 0.7071067811865476
INVERSE_SQRT_2PI = 0.3989422804014327
INVERSE_SQRT_PI = 0.5641895835477563
HALF_LOG_2PI = 0.9189385332046727
# (1 + 2 z) exp(z^2) erfc(z) as a Chebyshev series in (z - 3.75) / (z + 3.75) (after Shepherd & Laframboise 1981)
TAIL = (
    *(1.1775789345674017542, -0.0045900545806464773309, -0.084249133366517915584, 0.059209939998191890498),
    *(-0.026658668435305752277, 0.0090749976707052650939, -0.0024131635404176081909, 0.00049077583652580863229),
    *(-0.000069169733025012063671, 4.1390279860730101675e-6, 7.7403830661984906686e-7, -2.1886401049234395661e-7),
    *(1.0764999465670910377e-8, 4.5219598112182868979e-9, -7.7544002088313511065e-10, -6.3180883408866844944e-11),
    *(2.8687950109306698981e-11, 1.945586854577734723e-13, -9.6546967484334389059e-13, 3.2525481481487398415e-14),
    *(3.3478119482868053878e-14, -1.8645628804193131015e-15, -1.2507950530688647085e-15, 7.418235256624043463e-17),
    5.0681489047961113168e-17,
)


def tail_series(t: float) -> float:
    """The Chebyshev series TAIL at t in [-1, 1], by Clenshaw's recurrence."""
    one, two = 0.0, 0.0
    for i in range(len(TAIL) - 1):
        one, two = TAIL[len(TAIL) - 1 - i] + 2.0 * t * one - two, one
    return TAIL[0] + t * one - two


def bell(x: float) -> float:
    """exp(-x^2 / 2), accurate in the tails too: the rounding of x^2 is put back."""
    y = exp(-0.5 * (x * x))
    return y - y * (0.5 * product_error(x, x))


def normal_pdf(x: float) -> float:
    """Density of the standard normal distribution."""
    return INVERSE_SQRT_2PI * bell(x)


def normal_cdf(x: float) -> float:
    """Probability that a standard normal variable is at most x, accurate in the lower tail."""
    z = abs(x) * SQRT_HALF
    far = z > 1e10
    held = 1e10 if far else z
    share = tail_series((held - 3.75) / (held + 3.75)) / (1.0 + 2.0 * held)
    lower = 0.5 * share * (0.0 if far else bell(x))
    result = lower if x < 0.0 else 1.0 - lower
    return result if x == x else x


def stirling(x: float) -> float:
    """log Gamma(x) for x >= 10, by Stirling's series."""
    r = 1.0 / x
    s = r * r
    high = 1.0 / 1188.0 + s * (-691.0 / 360360.0 + s * (1.0 / 156.0 + s * (-3617.0 / 122400.0)))
    series = r * (1.0 / 12.0 + s * (-1.0 / 360.0 + s * (1.0 / 1260.0 + s * (-1.0 / 1680.0 + s * high))))
    return (x - 0.5) * log(x) - x + (HALF_LOG_2PI + series)


def log_gamma(x: float) -> float:
    """log Gamma(x) for x > 0, to about 1e-14 or 6 ulp; inf at 0, NaN below."""
    product = x * (x + 1.0) * (x + 2.0) * (x + 3.0) * (x + 4.0)
    product *= (x + 5.0) * (x + 6.0) * (x + 7.0) * (x + 8.0) * (x + 9.0)
    near = x < 10.0
    return stirling(x + 10.0 if near else x) - (log(product) if near else 0.0)


def beta_fraction(x: float, a: float, b: float) -> float:
    """The continued fraction of the incomplete beta function, for x < (a + 1) / (a + b + 2) (modified Lentz)."""
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0))
    h = d
    for i in range(1, 300):
        m = float(i)
        even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        d, c = 1.0 / (1.0 + even * d), 1.0 + even / c
        h *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        d, c = 1.0 / (1.0 + odd * d), 1.0 + odd / c
        h *= d * c
    return h


def gamma_ratio(b: float) -> float:
    """Gamma(b + 1/2) / Gamma(b) for b > 0; no logarithms of large Gammas, whose difference loses digits."""
    product = b * (b + 1.0) * (b + 2.0) * (b + 3.0) * (b + 4.0) * (b + 5.0) * (b + 6.0) * (b + 7.0)
    shifted = (b + 0.5) * (b + 1.5) * (b + 2.5) * (b + 3.5) * (b + 4.5) * (b + 5.5) * (b + 6.5) * (b + 7.5)
    more = (b + 8.0) * (b + 9.0) * (b + 10.0) * (b + 11.0) * (b + 12.0) * (b + 13.0) * (b + 14.0) * (b + 15.0)
    further = (b + 8.5) * (b + 9.5) * (b + 10.5) * (b + 11.5) * (b + 12.5) * (b + 13.5) * (b + 14.5) * (b + 15.5)
    near = b < 30.0
    x = b + 16.0 if near else b
    # a series in the distance from 1/4: every other term is 0
    s = 1.0 / ((x - 0.25) * (x - 0.25))
    high = 631.0 / 524288.0 + s * (-174317.0 / 134217728.0 + s * (20491783.0 / 8589934592.0))
    large = sqrt(x - 0.25) * (1.0 + s * (1.0 / 64.0 + s * (-19.0 / 8192.0 + s * high)))
    return large * ((product / shifted) * (more / further) if near else 1.0)


def student_t_pdf(z: float, df: float) -> float:
    """Density of Student's t distribution."""
    return INVERSE_SQRT_PI * gamma_ratio(0.5 * df) * exp(-0.5 * (df + 1.0) * log1p(z * z / df)) / sqrt(df)


def student_t_cdf(z: float, df: float) -> float:
    """Probability that a t distributed variable is at most z, through the incomplete beta function."""
    # z^2 may overflow, and then the tail is 0
    x, rest, a = 1.0 / (1.0 + z * z / df), 1.0 / (1.0 + df / (z * z)) if z != 0.0 else 0.0, 0.5 * df
    front = INVERSE_SQRT_PI * gamma_ratio(a) * exp(-a * log1p(z * z / df)) * sqrt(rest)
    direct = x < (a + 1.0) / (a + 2.5)
    tail = front * beta_fraction(x, a, 0.5) / a if direct else 1.0 - front * beta_fraction(rest, 0.5, a) / 0.5
    return 0.5 * tail if z < 0.0 else 1.0 - 0.5 * tail


def beta_ratio(df: float) -> float:
    """B(1/2, df - 1/2) / B(1/2, df/2)^2, for df > 1/2."""
    half = gamma_ratio(0.5 * df)
    return INVERSE_SQRT_PI * half * half / gamma_ratio(df - 0.5)
