"""Whole numbers among texts, found and read eight digits at a time, by arithmetic on the words of their bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

    from lossctl.audit.hashes import Hashes

WORD = 8
# characters of the longest whole number of 64 bits
LONGEST = 20
# every byte of a word: the character 0, its upper half, and what carries into the upper half beyond a 9
ZEROS, UPPER, BEYOND = np.uint64(0x3030303030303030), np.uint64(0xF0F0F0F0F0F0F0F0), np.uint64(0x0606060606060606)
# neighbouring digits become one of twice as many: the digits, the factor and the shift
PAIRS = (
    (np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64((10 << 8) + 1), np.uint64(8)),
    (np.uint64(0x00FF00FF00FF00FF), np.uint64((100 << 16) + 1), np.uint64(16)),
    (np.uint64(0x0000FFFF0000FFFF), np.uint64((10000 << 32) + 1), np.uint64(32)),
)
MINUS, ZERO, ONE, NINE = b"-019"
EVERY = ~np.uint64(0)


class Bytes(NamedTuple):
    """The bytes of (n,) texts: all of them, and where each begins and how many it has."""

    data: np.ndarray
    begins: np.ndarray
    lengths: np.ndarray


def bytes_of(texts: pa.Array) -> Bytes:
    """The bytes of texts, as they lie; of a null some or none."""
    import pyarrow as pa

    texts = texts.cast(pa.large_binary())
    _, ends, data = texts.buffers()
    offsets = np.frombuffer(ends or bytes(WORD), np.int64)[texts.offset : texts.offset + len(texts) + 1]
    found = np.frombuffer(data or b"", np.uint8)[offsets[0] : offsets[-1]]
    return Bytes(found, offsets[:-1] - offsets[0], np.diff(offsets))


class Wholes(NamedTuple):
    """The texts that are whole numbers of 64 bits: their rows, which are below 0, and the magnitudes."""

    rows: np.ndarray
    negative: np.ndarray
    sizes: Hashes


def wholes(texts: Bytes) -> Wholes:
    """Those in canonical form: digits, and at most a minus before them; no leading zero, no minus zero."""
    rows = _candidates(texts)
    begins, lengths = texts.begins[rows], texts.lengths[rows]
    negative = texts.data[begins] == MINUS
    first = texts.data[begins + negative]
    count = lengths - negative
    sizes, good = _read(texts.data, begins + lengths, count)
    good &= (first != ZERO) | ((count == 1) & ~negative)
    # of 20 digits, those that begin with 1 fit where they did not wrap around
    good &= (count < LONGEST) | ((first == ONE) & (sizes >= np.uint64(10 ** (LONGEST - 1))))
    good &= ~negative | (sizes <= np.uint64(1 << 63))
    return Wholes(rows[good], negative[good], sizes[good])


def _candidates(texts: Bytes) -> np.ndarray:
    """The rows of texts that begin and end like whole numbers."""
    data, begins, lengths = texts
    rows = np.flatnonzero((lengths > 0) & (lengths <= LONGEST))
    first, last = data[begins[rows]], data[begins[rows] + lengths[rows] - 1]
    starts = ((first >= ZERO) & (first <= NINE)) | ((first == MINUS) & (lengths[rows] > 1))
    found: np.ndarray = rows[starts & (last >= ZERO) & (last <= NINE)]
    return found


def _read(data: np.ndarray, ends: np.ndarray, count: np.ndarray) -> tuple[Hashes, np.ndarray]:
    """The numbers that so many digits before these ends make, and whether they all are digits."""
    room = -(-LONGEST // WORD) * WORD
    padded = np.concatenate([np.zeros(room, np.uint8), data])
    words: np.ndarray = np.ndarray(len(data) + room - WORD + 1, "<u8", padded, strides=(1,))
    sizes, good = np.zeros(len(ends), np.uint64), np.ones(len(ends), bool)
    for at in range(0, int(count.max(initial=0)), WORD):
        own = np.clip(count - at, 0, WORD).astype(np.uint64)
        mask = np.where(own > 0, EVERY << (np.uint64(WORD) * (np.uint64(WORD) - np.maximum(own, np.uint64(1)))), 0)
        digits = (words[ends + (room - at - WORD)] & mask) | (ZEROS & ~mask)
        good &= ((digits & UPPER) == ZEROS) & (((digits + BEYOND) & UPPER) == ZEROS)
        for some, factor, shift in PAIRS:
            digits = ((digits & some) * factor) >> shift
        sizes += digits * np.uint64(10**at)
    return sizes, good
