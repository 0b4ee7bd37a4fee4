"""e to the power of each of some numbers. The frame: 0 how many   1 their address   2 where the powers go."""

from __future__ import annotations

from typing import Any

from lossctl.kernels.pointers import as_float64, get, put
from lossctl.kernels.scalar import exp


def exponentials(frame: Any) -> None:
    """The powers, in order; of -inf it is 0."""
    numbers, powers = as_float64(get(frame, 1)), as_float64(get(frame, 2))
    for i in range(get(frame, 0)):
        x = get(numbers, i)
        put(powers, i, exp(x))
