"""The sign test: how likely a fair coin falls at least as unevenly."""

from __future__ import annotations

from math import factorial, ldexp, pi

from lossctl.inference.beta import beta_fraction
from lossctl.inference.elementary import exp, log, polynomial

# so few that the ways to get there are counted, and their number is a float64
FEW_FLIPS, FEW_HEADS = 1000, 16
LOG_2_PI = 1.8378770664093453
# of the deviance of nearly even counts, in e^2, highest first
EVEN_TERMS = tuple(1.0 / (2 * j * (2 * j - 1)) for j in range(18, 0, -1))


def sign_test_p(wins: int, losses: int) -> float:
    """The exact two-sided p-value of a sign test, for up to 10^9 pairs and more; ties are left out before.

    The probability that of wins + losses flips of a fair coin the rarer side comes up min(wins, losses) times
    or less, doubled; 1 where the counts differ by at most one, and where there are none.

    >>> sign_test_p(9, 1)
    0.021484375
    """
    few, flips = min(wins, losses), wins + losses
    if flips - 2 * few <= 1:
        return 1.0
    if flips <= FEW_FLIPS or few < FEW_HEADS:
        return ldexp(float(ways(few, flips)), 1 - flips)
    # P(heads <= few) = I_1/2(flips - few, few + 1), of which this is all but the probability of `few` heads
    lead = 0.5 * (flips - 1) - few
    times = (flips - few) * beta_fraction(float(flips - few), few + 1.0, 0.5, 0.5, lead)
    return exp(log(times) + log_probability(few, flips))


def ways(heads: int, flips: int) -> int:
    """How many sequences of flips have at most so many heads."""
    total = these = 1
    for i in range(1, heads + 1):
        these = these * (flips - i + 1) // i
        total += these
    return total


def log_probability(heads: int, flips: int) -> float:
    """Log of the probability of so many heads, accurate for large counts too (Loader 2000)."""
    tails = flips - heads
    corrections = stirling_error(flips) - stirling_error(heads) - stirling_error(tails)
    return 0.5 * log(flips / (2.0 * pi * heads * tails)) + (corrections - deviance(heads, tails))


def deviance(heads: int, tails: int) -> float:
    """n log 2 less the entropy of the counts: heads log(2 heads / n) + tails log(2 tails / n)."""
    flips = heads + tails
    uneven = (tails - heads) / flips
    if abs(uneven) < 0.3:
        square = uneven * uneven
        return flips * square * polynomial(EVEN_TERMS, square)
    return heads * log(2.0 * heads / flips) + tails * log(2.0 * tails / flips)


def stirling_error(n: int) -> float:
    """log n! less Stirling's formula for it, for n >= 1."""
    if n < FEW_HEADS:
        return log(factorial(n)) - (n + 0.5) * log(n) + n - 0.5 * LOG_2_PI
    r = 1.0 / n
    s = r * r
    high = 1.0 / 1188.0 + s * (-691.0 / 360360.0 + s * (1.0 / 156.0))
    return r * (1.0 / 12.0 + s * (-1.0 / 360.0 + s * (1.0 / 1260.0 + s * (-1.0 / 1680.0 + s * high))))
