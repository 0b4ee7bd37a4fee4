"""One look at a role's values before they are used: rows outside the range, and what the warnings need.

The frame of int64 addresses and sizes:

    0 rows   1 tile   2 width   3 bounds   4 flags (a byte a row)   5 lanes   6 loader   7 columns   8 stride
    9 buffer

`bounds` is (low, high, tolerance, fractions) as float64: ends included, how far a row's sum may be from 1, and
whether a value may be other than whole. `lanes` is a row of TILE float64 for each of
`layout.LANES`, kept from block to block and folded by the caller.
"""

from __future__ import annotations

import math
from typing import Any

from numba import types

from lossctl.kernels.layout import TILE
from lossctl.kernels.pointers import POINTER_TO, as_float64, call, get, put, stack

as_uint8 = POINTER_TO["uint8"]


def scan(frame: Any) -> None:
    """Scan the rows of a block."""
    n, tile, width = get(frame, 0), get(frame, 1), get(frame, 2)
    bounds, flags = as_float64(get(frame, 3)), as_uint8(get(frame, 4))
    lanes, values = as_float64(get(frame, 5)), as_float64(get(frame, 9))
    low, high, tolerance, fractions = get(bounds, 0), get(bounds, 1), get(bounds, 2), get(bounds, 3) != 0.0
    least, most, flagged, outside, added = stack(), stack(), stack(), stack(), stack()
    for r in range(TILE):
        put(least, r, get(lanes, r))
        put(most, r, get(lanes, TILE + r))
        put(flagged, r, get(lanes, 2 * TILE + r))
    base = 0
    while base < n:
        t = min(tile, n - base)
        call(get(frame, 6), get(frame, 7), get(frame, 8), base, t, width, get(frame, 9), tile)
        for r in range(t):
            put(outside, r, 0.0)
            put(added, r, 0.0)
        for k in range(width):
            for r in range(t):
                x = get(values, k * tile + r)
                inside = (low <= x) & (x <= high) & (fractions | (x == math.floor(x)))
                put(outside, r, get(outside, r) if inside else 1.0)
                put(least, r, x if x < get(least, r) else get(least, r))
                put(most, r, x if x > get(most, r) else get(most, r))
                put(added, r, get(added, r) + x)
        for r in range(t):
            x = get(added, r)
            put(flagged, r, get(flagged, r) + get(outside, r))
            put(flags, base + r, types.uint8(get(outside, r)))
            put(lanes, 3 * TILE + r, min(x, get(lanes, 3 * TILE + r)))
            put(lanes, 4 * TILE + r, max(x, get(lanes, 4 * TILE + r)))
            put(lanes, 5 * TILE + r, get(lanes, 5 * TILE + r) + (1.0 if abs(x - 1.0) > tolerance else 0.0))
        base += tile
    for r in range(TILE):
        put(lanes, r, get(least, r))
        put(lanes, TILE + r, get(most, r))
        put(lanes, 2 * TILE + r, get(flagged, r))


def add_up(frame: Any) -> None:
    """Look at the rows' sums alone, of a block whose values are known to be within their bounds.

    The frame is a scan's; of the lanes those of sums are kept, and no flags.
    """
    n, tile, width = get(frame, 0), get(frame, 1), get(frame, 2)
    tolerance, lanes, values = get(as_float64(get(frame, 3)), 2), as_float64(get(frame, 5)), as_float64(get(frame, 9))
    added = stack()
    base = 0
    while base < n:
        t = min(tile, n - base)
        call(get(frame, 6), get(frame, 7), get(frame, 8), base, t, width, get(frame, 9), tile)
        for r in range(t):
            put(added, r, 0.0)
        for k in range(width):
            for r in range(t):
                put(added, r, get(added, r) + get(values, k * tile + r))
        for r in range(t):
            x = get(added, r)
            put(lanes, 3 * TILE + r, min(x, get(lanes, 3 * TILE + r)))
            put(lanes, 4 * TILE + r, max(x, get(lanes, 4 * TILE + r)))
            put(lanes, 5 * TILE + r, get(lanes, 5 * TILE + r) + (1.0 if abs(x - 1.0) > tolerance else 0.0))
        base += tile
