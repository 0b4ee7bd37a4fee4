"""A positive root by steps in its logarithm, where tails and centres of distributions are nearly straight."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan

from lossctl.inference.elementary import exp

# with p this close to 1/2, a quantile is found from its distance to the median
NEAR_HALF = 0.05
LARGEST = 1.7e308
STEPS = 200
# from a step this small on, the next would be below the last bit
SMALL = 1e-9


def outside(p: float) -> float:
    """The quantile at p = 0 and p = 1, and NaN where p is no probability."""
    return -inf if p == 0.0 else inf if p == 1.0 else nan


def halley(above: float, elasticity: float, bend: float) -> float:
    """How far log x must go until log S(x) has come down by `above`.

    Args:
        above: log S(x) - log q.
        elasticity: g = -d log S / d log x.
        bend: (d g / d log x) / g.
    """
    newton = above / elasticity
    held = 1.0 + 0.5 * newton * bend
    return newton / held if 0.5 < held < 2.0 else newton


def solved(start: float, step: Callable[[float], float]) -> float:
    """The root x > 0, where step(x) tells how far log x is to go; infinite where it is beyond the floats."""
    x = min(start, LARGEST)
    for _ in range(STEPS):
        move = step(x)
        further = x * exp(move)
        if further > LARGEST:
            if x == LARGEST:
                return inf
            further = LARGEST
        x = further
        if abs(move) < SMALL:
            break
    return x
