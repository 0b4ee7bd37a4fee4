"""Sorted predictions: two runs of them made one, and neighbours pooled until their means increase.

The frame of `merge`: 0 keys of one run   1 the keys   2 keys of the other   3 the keys   4 where the keys of both go
5 where each key of the one went   6 of the other   7 where the number of keys goes

The frame of `pool`: 0 predictions   1 sums of their labels   2 of their weights   3 where each pool starts
4 where the number of pools goes. Sums and weights (> 0) are written over.
"""

from __future__ import annotations

from typing import Any

from lossctl.kernels.pointers import as_float64, as_int64, get, put
from lossctl.kernels.scalar import two_product


def merge(frame: Any) -> None:
    """Both runs' distinct keys, sorted."""
    ones, others = get(frame, 0), get(frame, 2)
    one, other, both = as_float64(get(frame, 1)), as_float64(get(frame, 3)), as_float64(get(frame, 4))
    went, other_went, found = as_int64(get(frame, 5)), as_int64(get(frame, 6)), as_int64(get(frame, 7))
    i = j = keys = 0
    while i < ones or j < others:
        first = j == others or (i < ones and get(one, i) <= get(other, j))
        second = i == ones or (j < others and get(other, j) <= get(one, i))
        if first:
            put(both, keys, get(one, i))
            put(went, i, keys)
            i += 1
        if second:
            put(both, keys, get(other, j))
            put(other_went, j, keys)
            j += 1
        keys += 1
    put(found, 0, keys)


def pool(frame: Any) -> None:
    """Pools of neighbours with increasing means; means are compared as exact products of what was summed."""
    sums, weights = as_float64(get(frame, 1)), as_float64(get(frame, 2))
    starts, found = as_int64(get(frame, 3)), as_int64(get(frame, 4))
    pools = 0
    for i in range(get(frame, 0)):
        total, weight, start = get(sums, i), get(weights, i), i
        while pools > 0:
            before, before_lost = two_product(get(sums, pools - 1), weight)
            here, here_lost = two_product(total, get(weights, pools - 1))
            if before < here or (before == here and before_lost < here_lost):
                break
            pools -= 1
            total += get(sums, pools)
            weight += get(weights, pools)
            start = get(starts, pools)
        put(sums, pools, total)
        put(weights, pools, weight)
        put(starts, pools, start)
        pools += 1
    put(found, 0, pools)
