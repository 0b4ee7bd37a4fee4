"""The standard normal distribution: probabilities to 1e-12 of their size in both tails, and quantiles."""

from __future__ import annotations

from math import copysign, sqrt

from lossctl.catalogue.special import INVERSE_SQRT_2PI, SQRT_HALF, tail_series
from lossctl.inference.elementary import exp, log, square_error
from lossctl.inference.solve import NEAR_HALF, halley, outside, solved

# below, the density is 0
FAR = 40.0


def density(x: float) -> float:
    """Density of the standard normal distribution."""
    return x if x != x else INVERSE_SQRT_2PI * _bell(x) if abs(x) < FAR else 0.0


def cdf(x: float) -> float:
    """Probability that a standard normal variable is at most x."""
    return survival(-x)


def survival(x: float) -> float:
    """Probability that a standard normal variable is above x; 1 - cdf(x), accurate in the upper tail.

    >>> survival(1.0)
    0.15865525393145705
    """
    if x != x:
        return x
    size = abs(x)
    upper = _share(size) * _bell(size) if size < FAR else 0.0
    return upper if x > 0.0 else 1.0 - upper


def two_sided(x: float) -> float:
    """Probability of a standard normal variable as far from 0 as x, or further."""
    return 2.0 * survival(abs(x))


def quantile(p: float) -> float:
    """The x that a standard normal variable is below with probability p; NaN unless 0 <= p <= 1.

    >>> quantile(0.025)
    -1.959963984540054
    """
    if not 0.0 < p < 1.0:
        return outside(p)
    offset = p - 0.5
    return copysign(_near(abs(offset)) if abs(offset) < NEAR_HALF else upper_point(min(p, 1.0 - p)), offset)


def _bell(x: float) -> float:
    """exp(-x^2 / 2); the rounding of x^2 is put back."""
    return exp(-0.5 * (x * x), -0.5 * square_error(x))


def _share(x: float) -> float:
    """survival(x) / exp(-x^2 / 2) for x >= 0."""
    z = x * SQRT_HALF
    return 0.5 * tail_series((z - 3.75) / (z + 3.75)) / (1.0 + 2.0 * z)


def _near(offset: float) -> float:
    """The x >= 0 with an `offset` of probability between 0 and x, for offsets near 0."""

    def step(x: float) -> float:
        inner = term = x
        factor = 3.0
        while term > inner * 1e-17:
            term *= x * x / factor
            inner, factor = inner + term, factor + 2.0
        # inner times the density is the probability, so their elasticity is x / inner
        return log(offset / (density(x) * inner)) * inner / x

    return solved(offset / INVERSE_SQRT_2PI, step) if offset else 0.0


def upper_point(q: float) -> float:
    """The x > 0 that is passed with probability q, for 0 < q < 0.5 - NEAR_HALF."""
    target = log(q)

    def step(x: float) -> float:
        share = _share(x)
        elasticity = x * INVERSE_SQRT_2PI / share
        return halley(log(share) - 0.5 * x * x - target, elasticity, 1.0 - x * x + elasticity)

    return solved(rough_upper_point(target), step)


def rough_upper_point(log_q: float) -> float:
    """The same to three digits, from log q (Hastings 1955)."""
    t = sqrt(-2.0 * log_q)
    above = 2.515517 + t * (0.802853 + t * 0.010328)
    return t - above / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
