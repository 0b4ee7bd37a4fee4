"""How many different values there are: exactly while they are few, else from the smallest of their hashes.

Of all hashes, spread evenly over 64 bits, the smallest are kept; how far up they reach tells how many there are
(Bar-Yossef et al. 2002). What is kept hangs on the set of values alone, so it is the same for any order or split.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

    Hashes: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint64]]

# exact up to this many; beyond, off by 3% or so
EXACT = 1024
NOTHING = np.empty(0, np.uint64)
# apart from numbers' hashes: texts, and whole numbers that no float64 is
TEXT_SALT, WHOLE_SALT = np.uint64(0xD6E8FEB86659FD93), np.uint64(0xA0761D6478BD642F)
STEP = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
# the largest whole number below which every one is a float64
SAFE = 1 << 53


def mixed(bits: Hashes) -> Hashes:
    """Each word mixed well, one to one (Steele, Lea & Flood 2014)."""
    bits = bits + STEP
    bits = (bits ^ (bits >> np.uint64(30))) * FIRST
    bits = (bits ^ (bits >> np.uint64(27))) * SECOND
    return bits ^ (bits >> np.uint64(31))


def number_hashes(values: np.ndarray) -> Hashes:
    """Of (n,) numbers, by their value: 3 and 3.0 are one, and so are 0.0 and -0.0."""
    floats = values.astype(np.float64) + 0.0
    hashes = mixed(floats.view(np.uint64))
    if values.dtype.kind not in "iu" or not values.size or (values.min() >= -SAFE and values.max() <= SAFE):
        return hashes
    # beyond 2**53 several whole numbers share a float64
    large = np.abs(floats) >= float(SAFE)
    return np.where(large, mixed(values.astype(np.uint64) ^ WHOLE_SALT), hashes)


def text_hashes(texts: pa.Array) -> Hashes:
    """Of (n,) texts without nulls, by their bytes in UTF-8."""
    import pyarrow as pa

    texts = texts.cast(pa.large_string())
    buffers = texts.buffers()
    offsets = np.frombuffer(buffers[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    lengths = np.diff(offsets)
    sums = np.zeros(int(offsets[-1] - offsets[0]) + 1, np.uint64)
    if len(sums) > 1:
        data = np.frombuffer(buffers[2], np.uint8)[offsets[0] : offsets[-1]].astype(np.uint64)
        places = np.arange(len(data), dtype=np.int64) - np.repeat(offsets[:-1] - offsets[0], lengths)
        np.cumsum(mixed(data | (places.astype(np.uint64) << np.uint64(8))), out=sums[1:])
    ends = offsets - offsets[0]
    return mixed((sums[ends[1:]] - sums[ends[:-1]]) ^ lengths.astype(np.uint64) ^ TEXT_SALT)


def smallest(kept: Hashes, more: Hashes) -> Hashes:
    """The smallest of both, each once, in order."""
    if len(kept) > EXACT:
        more = more[more < kept[-1]]
    if not len(more):
        return kept
    # numpy's own `unique` goes by a hash table, which is slower here
    every = np.sort(np.concatenate([kept, more]) if len(kept) else more)
    once: Hashes = every[np.concatenate([[True], every[1:] != every[:-1]])]
    return once[: EXACT + 1]


def distinct(kept: Hashes) -> tuple[int, bool]:
    """How many different values, and whether that is exact."""
    if len(kept) <= EXACT:
        return len(kept), True
    return round(EXACT / (int(kept[-1]) / 2.0**64)), False
