"""How often a resample draws a row: tables of thresholds for the kernel (see `resample`), and sizes that it shares.

Light: imports no numba.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

# a lane is a resample; so many go side by side
LANES = 32
# lanes whose sums stay in the nearest cache at once, and rows of a tile
STRETCH, ROWS = 256, 1024
# a table: the thresholds, then what a hash below all of them draws, and what each threshold adds
THRESHOLDS = 12
BASE, STEP = THRESHOLDS, THRESHOLDS + 1
# room that a kernel needs, in float64: flags, two cuts and rests of a tile's rows, sums of a stretch of lanes
SCRATCH = 4 * ROWS + 3 * STRETCH
# no hash of 32 bits is above it
NEVER = (1 << 32) - 1
# a power of two above the draws of a tile's rows, times a cut's integers, leaves this many bits to these
CUT = 37


@cache
def poisson() -> tuple[int, ...]:
    """Draws of Poisson's distribution of mean 1: each probability is right to 2**-32.

    >>> round(poisson()[0] / 2**32, 9)
    0.367879441
    """
    return *(_below(k) for k in range(THRESHOLDS)), 0, 1


def _below(k: int) -> int:
    """The greatest hash that draws at most k times."""
    inverse_factorials = [Fraction(1)]
    for i in range(1, 40):
        inverse_factorials.append(inverse_factorials[-1] / i)
    # e, to far more bits than are asked
    share = sum(inverse_factorials[: k + 1], Fraction(0)) / sum(inverse_factorials, Fraction(0))
    return round(share * 2**32) - 1


def _halves(below: int, above: int) -> tuple[int, ...]:
    return (1 << 31) - 1, *[NEVER] * (THRESHOLDS - 1), below, above - below


# a sign, and which of the two it is; the row itself, once
SIGN, MINUS, PLUS, ONCE = _halves(-1, 1), _halves(1, 0), _halves(0, 1), _halves(1, 1)
