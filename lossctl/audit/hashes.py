"""Hashes of values: 64 bits each, well mixed, the same on every machine and for every layout of the same values."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lossctl.audit.digits import WORD, Bytes, bytes_of

if TYPE_CHECKING:
    import pyarrow as pa

    Hashes: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint64]]

# apart from numbers' hashes: texts, and whole numbers that no float64 is
TEXT_SALT, WHOLE_SALT = np.uint64(0xD6E8FEB86659FD93), np.uint64(0xA0761D6478BD642F)
STEP = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
# bytes up to which all texts are hashed side by side
LONG = 512
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
    """Of (n,) texts or bytes without nulls, by their bytes, in UTF-8."""
    return bytes_hashes(bytes_of(texts))


def bytes_hashes(texts: Bytes) -> Hashes:
    """Of (n,) texts by their bytes."""
    data, begins, lengths = texts
    padded = np.concatenate([data, np.zeros(WORD, np.uint8)])
    # a word from every byte on, where it lies
    words: np.ndarray = np.ndarray(len(data) + 1, "<u8", padded, strides=(1,))
    found = mixed(lengths.astype(np.uint64) ^ TEXT_SALT)
    longest = int(lengths.max(initial=0))
    for at in range(0, min(longest, LONG), WORD):
        rows: np.ndarray | slice = slice(None) if at == 0 and lengths.min() > 0 else np.flatnonzero(lengths > at)
        unused = (WORD * np.maximum(WORD - (lengths[rows] - at), 0)).astype(np.uint64)
        found[rows] = mixed(found[rows] ^ (words[begins[rows] + at] & (~np.uint64(0) >> unused)))
    for row in np.flatnonzero(lengths > LONG).tolist():
        found[row] = _with_rest(found[row : row + 1], data[begins[row] + LONG : begins[row] + lengths[row]])[0]
    return found


def _with_rest(hash: Hashes, rest: np.ndarray) -> Hashes:
    """The hash of a long text's beginning together with its other bytes, each of these words by its place."""
    words = np.frombuffer(rest.tobytes() + bytes(-len(rest) % WORD), "<u8").astype(np.uint64)
    places = mixed(np.arange(len(words), dtype=np.uint64))
    return mixed(hash ^ mixed(words ^ places).sum(keepdims=True))
