"""Student's t for any real df > 0: probabilities to 1e-12 of their size in both tails, and quantiles."""

from __future__ import annotations

from functools import lru_cache
from math import copysign, inf, nan, sqrt
from typing import NamedTuple

from lossctl.catalogue.special import INVERSE_SQRT_PI, gamma_ratio
from lossctl.inference import normal
from lossctl.inference.beta import beta_fraction
from lossctl.inference.elementary import exp, log, log1p
from lossctl.inference.solve import NEAR_HALF, halley, outside, solved

# from this df on it is the normal distribution, to the last bit
MANY = 1e22
# beyond, t^2 / df need not be a float64, and 1 + t^2 / df is the same
HUGE = 1e300


class _Place(NamedTuple):
    """A t > 0 as the incomplete beta function has it.

    Attributes:
        a: df / 2.
        x, y: df / (df + t^2) and t^2 / (df + t^2).
        scale, power: t times the density is scale * exp(power).
    """

    a: float
    x: float
    y: float
    scale: float
    power: float

    @property
    def tail(self) -> bool:
        """Whether the tail's fraction converges faster than the centre's series."""
        return self.y > 3.0 / (self.a + 4.0)


def cdf(t: float, df: float) -> float:
    """Probability that a t distributed variable is at most t; NaN unless df > 0.

    >>> round(cdf(-1.0, 1.0), 12)
    0.25
    """
    return survival(-t, df)


def survival(t: float, df: float) -> float:
    """Probability that a t distributed variable is above t; 1 - cdf(t, df), accurate in the upper tail."""
    if t != t or not df > 0.0:
        return nan
    if df >= MANY:
        return normal.survival(t)
    inner, outer = _halves(abs(t), df)
    return outer if t > 0.0 else 0.5 + inner


def two_sided(t: float, df: float) -> float:
    """Probability of a t distributed variable as far from 0 as t, or further: the p-value of a t-test.

    >>> round(two_sided(12.7062047361747, 1.0), 12)
    0.05
    """
    return 2.0 * survival(abs(t), df)


def quantile(p: float, df: float) -> float:
    """The t that a t distributed variable is below with probability p; NaN unless 0 <= p <= 1 and df > 0.

    >>> round(quantile(0.975, 10.0), 12)
    2.228138851986
    """
    if not df > 0.0 or not 0.0 < p < 1.0:
        return outside(p) if df > 0.0 else nan
    if df >= MANY:
        return normal.quantile(p)
    offset = p - 0.5
    return copysign(_near(abs(offset), df) if abs(offset) < NEAR_HALF else _far(min(p, 1.0 - p), df), offset)


def _place(t: float, df: float) -> _Place:
    a, scale = 0.5 * df, INVERSE_SQRT_PI * gamma_ratio(0.5 * df)
    ratio = t * t / df
    if ratio > HUGE:
        return _Place(a, 0.0, 1.0, scale, -a * (2.0 * log(t) - log(df)))
    y = ratio / (1.0 + ratio)
    return _Place(a, 1.0 / (1.0 + ratio), y, scale * sqrt(y), -a * log1p(ratio))


def _halves(t: float, df: float) -> tuple[float, float]:
    """The probabilities between 0 and t, and beyond t, for t >= 0."""
    if t == 0.0 or t == inf:
        return (0.0, 0.5) if t == 0.0 else (0.5, 0.0)
    place = _place(t, df)
    front = place.scale * exp(place.power)
    if place.tail:
        outer = 0.5 * front * _fraction(place)
        return 0.5 - outer, outer
    inner = front * _series(place)
    return inner, 0.5 - inner


def _fraction(place: _Place) -> float:
    """Twice the probability beyond t, over t times the density."""
    lead = (place.a + 0.5) * place.y - 0.5
    return beta_fraction(place.a, 0.5, place.x, place.y, lead)


def _series(place: _Place) -> float:
    """The probability between 0 and t, over t times the density."""
    total = term = n = 1.0
    while term > total * 1e-17:
        term *= (place.a + n - 0.5) * place.y / (n + 0.5)
        total += term
        n += 1.0
    return total


def _near(offset: float, df: float) -> float:
    """The t >= 0 with an `offset` of probability between 0 and t, for offsets near 0."""

    def step(t: float) -> float:
        place = _place(t, df)
        front = place.scale * exp(place.power)
        inner = _halves(t, df)[0]
        return log(offset / inner) * (inner / front)

    middle = INVERSE_SQRT_PI * gamma_ratio(0.5 * df) / sqrt(df)
    return solved(offset / middle, step) if offset else 0.0


# slices of one size share their df, and intervals their level
@lru_cache(maxsize=1 << 12)
def _far(q: float, df: float) -> float:
    """The t > 0 that is passed with probability q."""
    target = log(q)

    def step(t: float) -> float:
        place = _place(t, df)
        if place.tail:
            fraction = _fraction(place)
            reached, elasticity = log(0.5 * place.scale * fraction) + place.power, 2.0 / fraction
        else:
            outer = _halves(t, df)[1]
            reached, elasticity = log(outer), place.scale * exp(place.power) / outer
        return halley(reached - target, elasticity, 1.0 - (df + 1.0) * place.y + elasticity)

    return solved(_rough(target, df), step)


def _rough(log_q: float, df: float) -> float:
    """The t from the normal distribution's (after Wallace 1959)."""
    z = normal.rough_upper_point(log_q) * (8.0 * df + 3.0) / (8.0 * df + 1.0)
    grown = z * z / df
    return sqrt(df) * (exp(0.5 * grown) if grown > 40.0 else sqrt(exp(grown) - 1.0) if grown > 1e-4 else sqrt(grown))
