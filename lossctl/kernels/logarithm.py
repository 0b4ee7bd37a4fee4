"""The logarithm of each of some numbers. The frame: 0 how many   1 their address   2 where the logarithms go."""

from __future__ import annotations

from typing import Any

from lossctl.kernels.pointers import as_float64, get, put
from lossctl.kernels.scalar import log


def logarithms(frame: Any) -> None:
    """The logarithms, in order; of 0 it is -inf."""
    numbers, logs = as_float64(get(frame, 1)), as_float64(get(frame, 2))
    for i in range(get(frame, 0)):
        x = get(numbers, i)
        put(logs, i, log(x))
