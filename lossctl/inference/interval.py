"""Intervals and p-values from a standard error, or from the replicates of a bootstrap or a permutation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from math import floor, inf, isfinite, nan
from typing import TYPE_CHECKING

from lossctl.inference import student

if TYPE_CHECKING:
    from fractions import Fraction


def t_interval(value: float, stderr: float, df: float, level: float) -> tuple[float, float]:
    """The value less and plus its standard error times Student's quantile; NaN where one of them is.

    Args:
        value: the estimate.
        stderr: its standard error, >= 0; where it is 0 the interval is the value.
        df: degrees of freedom, any number above 0; inf for the normal distribution.
        level: the interval's share of the distribution, between 0 and 1; it counts as the decimal number it is
            written as.

    >>> low, high = t_interval(5.0, 1.0, 10.0, 0.95)
    >>> round(low, 6), round(high, 6)
    (2.771861, 7.228139)
    """
    if stderr == 0.0:
        return value, value
    half = stderr * -student.quantile(float(outside_share(level)), df)
    return value - half, value + half


def welch_df(se1: float, df1: float, se2: float, df2: float) -> float:
    """Degrees of freedom of a difference of two independent estimates (Welch 1947, Satterthwaite 1946).

    (se1^2 + se2^2)^2 / (se1^4 / df1 + se2^4 / df2), in the same bits whichever comes first.
    NaN where both standard errors are 0 or a number is missing; inf where what counts has df inf.

    >>> welch_df(1.0, 9.0, 1.0, 9.0)
    18.0
    """
    (large, df_large), (small, df_small) = sorted([(se1, df1), (se2, df2)], reverse=True)
    if not (large > 0.0 and isfinite(large) and df_large > 0.0 and small >= 0.0):
        return nan
    ratio = (small / large) * (small / large)
    if ratio > 0.0 and not df_small > 0.0:
        return nan
    spread = 1.0 / df_large + (ratio * ratio / df_small if ratio > 0.0 else 0.0)
    return (1.0 + ratio) * (1.0 + ratio) / spread if spread > 0.0 else inf


def percentile_interval(replicates: Iterable[float], level: float) -> tuple[float, float]:
    """The middle of bootstrap replicates: their quantiles at (1 - level) / 2 and (1 + level) / 2.

    The quantile at q of R replicates is the one at place q (R - 1) in ascending order, counted from 0; between two
    places it lies on the straight line (numpy's "linear", type 7 of Hyndman & Fan 1996). The level, between 0 and 1,
    counts as the decimal number it is written as, and the result is the float64 nearest to the exact one. Replicates
    that are NaN, where nothing was drawn, are left out; without any other both ends are NaN. Any order will do.

    >>> percentile_interval([3.0, 1.0, 2.0, 5.0, 4.0], 0.5)
    (2.0, 4.0)
    """
    ordered = sorted(_defined(replicates))
    if not ordered:
        return nan, nan
    below = outside_share(level)
    return linear_quantile(ordered, below), linear_quantile(ordered, 1 - below)


def linear_quantile(ordered: Sequence[float], share: Fraction) -> float:
    """The quantile of numbers in ascending order at an exact share, on the line between its neighbours."""
    from fractions import Fraction

    place = share * (len(ordered) - 1)
    i = floor(place)
    low, part = ordered[i], place - i
    if not part or low == ordered[i + 1]:
        return low
    high = ordered[i + 1]
    if not isfinite(high - low) and inf in (abs(low), abs(high)):
        return low + high
    return float(Fraction(low) + (Fraction(high) - Fraction(low)) * part)


def bootstrap_p(replicates: Iterable[float]) -> float:
    """Two-sided p-value of a difference from its bootstrap replicates: how far their distribution reaches past 0.

    2 min(1 + #{r <= 0}, 1 + #{r >= 0}) / (1 + R), at most 1: the smaller share beyond 0, doubled, with the observed
    difference counted in, so that no p-value is 0 (Davison & Hinkley 1997). Replicates that are NaN are left out;
    NaN without any other.

    >>> bootstrap_p([0.1, 0.3, 0.2, -0.1])
    0.8
    """
    defined = list(_defined(replicates))
    if not defined:
        return nan
    past = min(sum(r <= 0.0 for r in defined), sum(r >= 0.0 for r in defined))
    return min(2 * (1 + past) / (1 + len(defined)), 1.0)


def permutation_p(observed: float, replicates: Iterable[float]) -> float:
    """Two-sided p-value of a permutation or sign-flip test: (1 + #{|r| >= |observed|}) / (1 + R).

    The observed order counts as one of the draws (Phipson & Smyth 2010). NaN where the observed is; replicates
    that are NaN are left out.

    >>> permutation_p(2.0, [1.0, -2.0, 0.5])
    0.5
    """
    if observed != observed:
        return nan
    defined = list(_defined(replicates))
    return (1 + sum(abs(r) >= abs(observed) for r in defined)) / (1 + len(defined))


@lru_cache
def outside_share(level: float) -> Fraction:
    """The share on either side of a middle one, of the level's shortest decimal form."""
    from fractions import Fraction

    return (1 - Fraction(str(float(level)))) / 2


def _defined(replicates: Iterable[float]) -> Iterator[float]:
    """Those that are numbers; + 0.0 makes one zero of the two."""
    return (float(r) + 0.0 for r in replicates if r == r)
