"""From a file's own number type to a tile of float64: element k of row r goes to `buffer[k * tile + r]`.

One loader a type and layout: `columns` (each column's numbers in a run, stride 1), `rows` (a row's K numbers
side by side, rows `stride` apart), `strided`, or `onehot` (one column of class indices becomes K of 0 and 1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba import types

from lossctl.kernels.pointers import POINTER_TO, as_float64, as_int64, get, put

SIGNATURE = types.void(*[types.int64] * 7)


def loader(dtype: str, layout: str) -> Callable[..., Any]:
    """The Python form of a loader, for numba to compile; `dtype` as numpy names it."""
    pointer_to = POINTER_TO[dtype]

    def strided(addresses: int, stride: int, base: int, t: int, width: int, buffer: int, tile: int) -> None:
        to = as_float64(buffer)
        for k in range(width):
            column = pointer_to(get(as_int64(addresses), k))
            for r in range(t):
                put(to, k * tile + r, float64(get(column, (base + r) * stride)))

    def rows(addresses: int, stride: int, base: int, t: int, width: int, buffer: int, tile: int) -> None:
        to = as_float64(buffer)
        first = pointer_to(get(as_int64(addresses), 0))
        # eight classes at a time, so that what is read and what is written both stay in few cache lines
        for block in range((width + 7) >> 3):
            low = block << 3
            high = min(low + 8, width)
            for r in range(t):
                at = (base + r) * stride
                for k in range(low, high):
                    put(to, k * tile + r, float64(get(first, at + k)))

    def plain(addresses: int, stride: int, base: int, t: int, width: int, buffer: int, tile: int) -> None:
        to = as_float64(buffer)
        for k in range(width):
            column = pointer_to(get(as_int64(addresses), k))
            for r in range(t):
                put(to, k * tile + r, float64(get(column, base + r)))

    def onehot(addresses: int, stride: int, base: int, t: int, width: int, buffer: int, tile: int) -> None:
        to = as_float64(buffer)
        column = pointer_to(get(as_int64(addresses), 0))
        for k in range(width):
            for r in range(t):
                put(to, k * tile + r, 1.0 if float64(get(column, (base + r) * stride)) == k else 0.0)

    return {"columns": plain, "rows": rows, "strided": strided, "onehot": onehot}[layout]


@numba.njit(error_model="numpy", forceinline=True)
def float64(x: Any) -> float:
    """A number of any type as float64."""
    return types.float64(x)
