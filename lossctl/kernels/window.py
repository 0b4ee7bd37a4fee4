"""A group's exact sums in little room: a window of the limbs that `exactsum` has, around the losses there are.

A record a group, of int64: LIMBS limbs for each of its sums, each worth 2**32 times the one before and the first
2**-242, then the words of `WORDS`. A number goes into the window if its 53 bits do: 0, and from 2**-190 up to below
2**130. So a row's loss l stays in with its square if 2.6e-29 < |l| < 3.6e19; any other row is told to the caller.
Light: imports no numba.
"""

from __future__ import annotations

LIMBS = 12
# the limbs of `exactsum` that lie below the window
BELOW = 26
BASE = 32 * BELOW
# how many sums a group has without weights, and with them: in the order of `exactsum.SUMS`
PLAIN, WEIGHTED = 2, 5
# behind the limbs: counts, and the bits of two float64
WORDS = ("rows", "nonzero", "least", "most")
# a row adds less than 2**34 to a limb
FLUSH_ROWS = 1 << 28
# up to so many groups the vectorised sum pays off, with a slot for each and one for the rows in none
CUT_GROUPS = 256
SLOT = 8
SCRATCH = (CUT_GROUPS + 1) * SLOT


def stride(sums: int) -> int:
    """Words in a group's record."""
    return sums * LIMBS + len(WORDS)
