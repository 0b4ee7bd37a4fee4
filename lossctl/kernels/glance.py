"""The least and greatest of some runs of numbers, at the speed of memory: mostly all that a check has to know.

Floating-point numbers are compared as integers that order as they do, whose extremes vectorise; NaNs come out
beyond the infinities. The frame: 0 how many numbers a run has   1 how many runs there are   2 their addresses
3 two int64, for the extremes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

# the integers that hold a floating type's bits, and how they are unpacked
BITS = {"float32": ("int32", "<i", "<f", 31), "float64": ("int64", "<q", "<d", 63)}


def glance(dtype: str) -> Callable[[Any], None]:
    """The Python form of the kernel for numbers of a type, for numba to compile."""
    from numba import types

    from lossctl.kernels.pointers import POINTER_TO, as_int64, get, put

    stored = BITS[dtype][0] if dtype in BITS else dtype
    pointer_to, whole = POINTER_TO[stored], getattr(types, stored)
    lowest, highest = whole.minval, whole.maxval
    sign, magnitude = (BITS[dtype][3], (1 << BITS[dtype][3]) - 1) if dtype in BITS else (0, 0)

    def run(frame: Any) -> None:
        n, addresses, extremes = get(frame, 0), as_int64(get(frame, 2)), as_int64(get(frame, 3))
        low, high = whole(highest), whole(lowest)
        for k in range(get(frame, 1)):
            numbers = pointer_to(get(addresses, k))
            for i in range(n):
                x = get(numbers, i)
                if magnitude:
                    x = whole(x ^ whole(whole(x >> whole(sign)) & whole(magnitude)))
                low, high = min(low, x), max(high, x)
        put(extremes, 0, types.int64(low))
        put(extremes, 1, types.int64(high))

    return run


def number(key: int, dtype: str) -> float:
    """The number that an extreme stands for.

    >>> number(-1, "float64"), number(7, "int8")
    (-0.0, 7.0)
    """
    if dtype not in BITS:
        return float(key & 0xFFFFFFFFFFFFFFFF if dtype == "uint64" else key)
    _, as_integer, as_float, sign = BITS[dtype]
    found: float = struct.unpack(as_float, struct.pack(as_integer, key ^ ((key >> sign) & ((1 << sign) - 1))))[0]
    return found
