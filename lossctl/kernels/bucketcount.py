"""Rows counted by the bucket of their loss, and by group: see `buckets`.

The frame of `count`, which takes rows without weights into pages of a group's octave each:

    0 rows   1 losses   2 skipped (a byte a row) or 0   3 codes or 0   4 directory   5 pages   6 state
    7 pages there are

`directory` has for each octave of each group 1 + its page, or 0. `state` is (rows done, pages in use).

The frame of `tally`, which takes rows with weights, or of many groups, into a hash table:

    0 rows   1 losses   2 weights or 0   3 skipped or 0   4 codes or 0   5 table   6 state   7 entries - 1
    8 64 - the logarithm of the entries to the base 2   9 numbers an entry has   10 first limb   11 most entries in use

An entry is the place, or 0 where it is free; the rows; and the sum of weights in limbs as `exactsum` has them, from
`first limb` on. `state` is (rows done, entries in use). Both kernels stop before a row for which there is no room.
"""

from __future__ import annotations

from typing import Any

from numba import types

from lossctl.kernels.accumulate import add
from lossctl.kernels.buckets import (
    GROUP_BITS,
    INFINITE,
    INFINITY,
    MAGNITUDE,
    MIDDLE,
    MISSING,
    OCTAVE_BITS,
    OCTAVES,
    OWN_BITS,
)
from lossctl.kernels.pointers import POINTER_TO, as_float64, as_int64, get, put
from lossctl.kernels.scalar import LARGEST, float_to_bits, inlined

as_uint8 = POINTER_TO["uint8"]
PAGE = (1 << OCTAVE_BITS) - 1
# 2**64 divided by the golden ratio, less 2**63: its multiples spread evenly
SPREAD = 0x1E3779B97F4A7C15


@inlined
def bucket(x: float) -> int:
    """The number of a value's bucket."""
    # + 0.0 makes one zero of the two
    bits = float_to_bits(x + 0.0)
    sign, magnitude = bits >> 63, bits & MAGNITUDE
    found = INFINITE if magnitude >= INFINITY else (magnitude + sign) >> OWN_BITS
    return MISSING if magnitude > INFINITY else found ^ sign


def count(frame: Any) -> None:
    """Count the rows of a block."""
    n, losses = get(frame, 0), as_float64(get(frame, 1))
    has_skipped, skipped = get(frame, 2) != 0, as_uint8(get(frame, 2))
    has_codes, codes = get(frame, 3) != 0, as_int64(get(frame, 3))
    directory, pages, state = as_int64(get(frame, 4)), as_int64(get(frame, 5)), as_int64(get(frame, 6))
    i, used, room = get(state, 0), get(state, 1), get(frame, 7)
    while i < n:
        code = get(codes, i) if has_codes else 0
        if code >= 0 and not (has_skipped and get(skipped, i) != types.uint8(0)):
            found = bucket(get(losses, i))
            octave = 2 * OCTAVES * code + (found >> OCTAVE_BITS) + OCTAVES
            page = get(directory, octave)
            if page == 0:
                if used == room:
                    break
                used += 1
                page = used
                put(directory, octave, page)
            at = ((page - 1) << OCTAVE_BITS) + (found & PAGE)
            put(pages, at, get(pages, at) + 1)
        i += 1
    put(state, 0, i)
    put(state, 1, used)


def tally(frame: Any) -> None:
    """Count the rows of a block by group, and add their weights."""
    n, losses = get(frame, 0), as_float64(get(frame, 1))
    has_weights, weights = get(frame, 2) != 0, as_float64(get(frame, 2))
    has_skipped, skipped = get(frame, 3) != 0, as_uint8(get(frame, 3))
    has_codes, codes = get(frame, 4) != 0, as_int64(get(frame, 4))
    table, state = as_int64(get(frame, 5)), as_int64(get(frame, 6))
    mask, shift, stride = get(frame, 7), get(frame, 8), get(frame, 9)
    limbs, room = 2 - get(frame, 10), get(frame, 11)
    i, used = get(state, 0), get(state, 1)
    # room for the row that comes, whether it needs an entry or not
    while i < n and used < room:
        code = get(codes, i) if has_codes else 0
        if code >= 0 and not (has_skipped and get(skipped, i) != types.uint8(0)):
            place = (code << GROUP_BITS) + bucket(get(losses, i)) + MIDDLE
            at = ((place * SPREAD) >> shift) & mask
            held = get(table, at * stride)
            while held != place and held != 0:
                at = (at + 1) & mask
                held = get(table, at * stride)
            entry = at * stride
            if held == 0:
                put(table, entry, place)
                used += 1
            put(table, entry + 1, get(table, entry + 1) + 1)
            if has_weights:
                w = get(weights, i)
                add(table, entry + limbs, w if 0.0 < w <= LARGEST else 0.0)
        i += 1
    put(state, 0, i)
    put(state, 1, used)
