"""The continued fraction of the incomplete beta function, without cancellation for any size of a and b."""

from __future__ import annotations

from math import inf

# a fraction that does not move by more than this is done
SETTLED = 3e-16


def beta_fraction(a: float, b: float, x: float, y: float, lead: float) -> float:
    """I_x(a, b) B(a, b) / (x^a y^b), for x no larger than about a / (a + b) (DiDonato & Morris 1992).

    Args:
        a, b: both above 0.
        x, y: both in [0, 1], with x + y = 1 to full accuracy each.
        lead: (a + b) y - b, which the caller may know without its cancellation.
    """
    over = result = a / (a + 1.0) * (lead + 1.0)
    n, under, change = 0.0, 0.0, inf
    while abs(change - 1.0) > SETTLED:
        n += 1.0
        odd = a + 2.0 * n - 1.0
        turn = n * (b - n) * x / odd
        above = (a + n - 1.0) * (a + b + n - 1.0) / odd * x * turn
        below = n + turn + (a + n) / (odd + 2.0) * (lead + 1.0 + n * (1.0 + y))
        under, over = 1.0 / (below + above * under), below + above / over
        change = over * under
        result *= change
    return 1.0 / result
