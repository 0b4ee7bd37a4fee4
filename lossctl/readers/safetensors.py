"""Safetensors: the named arrays of one file, mapped from disk; nothing its header says is believed unchecked."""

from __future__ import annotations

import json
import math
import os
import stat
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice, pairwise
from reprlib import Repr
from typing import TYPE_CHECKING, TypeGuard

from lossctl.errors import DataError, nearest
from lossctl.readers import files

if TYPE_CHECKING:
    import numpy as np

LENGTH_BYTES = 8
HEADER_BYTES = 100_000_000
# numpy shapes no array of more axes or bytes, even where one of its axes is 0
AXES = 64
ADDRESSABLE = 1 << 63
KEYS = ("dtype", "shape", "data_offsets")
TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "|u1",
    "BOOL": "|b1",
}
SHOWN = 60
_short = Repr()
_short.maxstring = _short.maxother = SHOWN
_short.maxlevel = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """A tensor by its header; begin and end are where its bytes lie in the file."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def header(path: str) -> dict[str, Entry]:
    """The tensors of a .safetensors file by name, in the order of its header.

    Their dtypes are the file's words for them, which may be ones that only tensor refuses.

    Raises:
        DataError: a missing or unreadable file, or a header that does not fit it.
    """
    return dict(_cached_header(*_state(path)))


def tensor(path: str, name: str) -> np.ndarray:
    """One array of a .safetensors file: a read-only view of the mapped file, or float32 made of BF16.

    Raises:
        DataError: what header raises, no such tensor, a type that numpy lacks, or a boolean other than 0 and 1.
    """
    state = _state(path)
    entry = _named(path, name, _cached_header(*state))
    raw = _cached_map(*state)[entry.begin : entry.end]
    # compiled loops read the byte itself, whatever numpy takes it for
    if entry.dtype == "BOOL" and raw.max(initial=0) > 1:
        raise DataError(f"{_place(path, name)} has a boolean of {raw.max()}, expected 0 or 1")
    array = raw.view(TYPES[entry.dtype]).reshape(entry.shape)
    return _widened(array) if entry.dtype == "BF16" else array


def _named(path: str, name: str, entries: dict[str, Entry]) -> Entry:
    entry = entries.get(name)
    if entry is None:
        near = nearest(_shown(name), map(_shown, islice(entries, 4096)))
        raise DataError(f"{path} has no tensor {_shown(name)}{near}")
    if entry.dtype not in TYPES:
        raise DataError(f"{_place(path, name)} has dtype {_shown(entry.dtype)}, expected one of {', '.join(TYPES)}")
    return entry


def _widened(halves: np.ndarray) -> np.ndarray:
    """BF16 is the upper half of a float32."""
    bits = halves.astype("<u4")
    bits <<= 16
    return bits.view("<f4")


def _state(path: str) -> tuple[str, int, int]:
    """What a file's cached header and map are known by."""
    if files.is_remote(path):
        return path, *files.facts(path)
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    # a named pipe would be waited for; a directory is refused where it is opened
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise DataError(f"{path} is no regular file, expected a .safetensors file")
    return path, status.st_size, status.st_mtime_ns


@lru_cache(maxsize=16)
def _cached_map(path: str, size: int, changed: int) -> np.ndarray:
    import numpy as np

    try:
        # a copy of a remote file stays mapped when its name is gone
        with files.on_disk(path) as here:
            mapped = np.memmap(here, dtype=np.uint8, mode="r").view(np.ndarray)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if mapped.size != size:
        raise DataError(f"{path} changed while it was read: expected {size:,} bytes, found {mapped.size:,}")
    return mapped


@lru_cache(maxsize=16)
def _cached_header(path: str, size: int, changed: int) -> dict[str, Entry]:
    text = _text(path, size)
    told = _parsed(path, text)
    told.pop("__metadata__", None)
    start = LENGTH_BYTES + len(text)
    entries = {_name(path, name): _entry(_place(path, name), told[name], start, size) for name in told}
    _refuse_overlap(path, entries)
    return entries


def _text(path: str, size: int) -> bytes:
    length = _length(path, files.part(path, 0, LENGTH_BYTES), size)
    text = files.part(path, LENGTH_BYTES, LENGTH_BYTES + length)
    if len(text) < length:
        raise DataError(f"{path} changed while it was read: expected a header of {length:,} bytes, found {len(text):,}")
    return text


def _length(path: str, start: bytes, size: int) -> int:
    if len(start) < LENGTH_BYTES:
        raise DataError(f"{path}: not a whole .safetensors file: expected at least 8 bytes, found {len(start)}")
    length, left = int.from_bytes(start, "little"), size - LENGTH_BYTES
    if length > left:
        raise DataError(f"{path}: not a whole .safetensors file: expected a header of {length:,} bytes, found {left:,}")
    if length > HEADER_BYTES:
        raise DataError(f"{path}: expected a header of at most {HEADER_BYTES:,} bytes, found one of {length:,}")
    return length


def _parsed(path: str, text: bytes) -> dict[str, object]:
    try:
        told: dict[str, object] = json.loads(_decoded(path, text), object_pairs_hook=partial(_distinct, path))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: expected a header of JSON, found at character {error.pos}: {error.msg}") from None
    except ValueError:
        raise DataError(f"{path}: expected a header of sizes, found a number of thousands of digits") from None
    except (RecursionError, MemoryError):
        raise DataError(f"{path}: expected a flat header, found one nested beyond reading") from None
    return told


def _decoded(path: str, text: bytes) -> str:
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected a header in UTF-8, found byte {text[error.start]:#04x}") from None
    if not decoded.startswith("{"):
        raise DataError(f"{path}: expected a header that starts with {{, found {_shown(decoded[:8])}")
    return decoded


def _distinct(path: str, pairs: list[tuple[str, object]]) -> dict[str, object]:
    told: dict[str, object] = {}
    for name, value in pairs:
        if name in told:
            raise DataError(f"{path}: expected distinct names in the header, found {_shown(name)} twice")
        told[name] = value
    return told


def _name(path: str, name: str) -> str:
    """A name that can be printed: JSON may escape one half of a surrogate pair."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise DataError(f"{path}: expected names that are text, found {_shown(name)}") from None
    return name


def _entry(place: str, told: object, start: int, size: int) -> Entry:
    dtype, shape, (begin, end) = _fields(place, told)
    held = size - start
    if begin > end:
        raise DataError(f"{place} has data_offsets from {begin:,} to {end:,}, expected them in order")
    if end > held:
        raise DataError(f"{place} has data_offsets up to {end:,}, found {held:,} bytes of data in the file")
    _refuse_shape(place, dtype, shape, end - begin)
    return Entry(dtype, tuple(shape), start + begin, start + end)


def _fields(place: str, told: object) -> tuple[str, list[int], list[int]]:
    if not isinstance(told, dict):
        raise DataError(f"{place} is {_shown(told)}, expected an object of {', '.join(KEYS)}")
    lacking = [key for key in KEYS if key not in told]
    if lacking:
        raise DataError(f"{place} lacks {', '.join(lacking)}, expected {', '.join(KEYS)}")
    dtype, shape, offsets = (told[key] for key in KEYS)
    if not isinstance(dtype, str):
        raise DataError(f"{place} has dtype {_shown(dtype)}, expected text")
    if not _are_sizes(shape):
        raise DataError(f"{place} has shape {_shown(shape)}, expected a list of whole numbers from 0")
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise DataError(f"{place} has data_offsets {_shown(offsets)}, expected two whole numbers from 0")
    return dtype, shape, offsets


def _are_sizes(values: object) -> TypeGuard[list[int]]:
    # a bool is an instance of int
    return isinstance(values, list) and all(type(value) is int and 0 <= value < ADDRESSABLE for value in values)


def _refuse_shape(place: str, dtype: str, shape: list[int], held: int) -> None:
    if len(shape) > AXES:
        raise DataError(f"{place} has {len(shape):,} axes, expected at most {AXES}")
    if dtype not in TYPES:
        return
    width = int(TYPES[dtype][-1])
    claimed = width * math.prod(shape)
    if claimed != held:
        raise DataError(f"{place} holds {held:,} bytes, expected {_shown(claimed)} of {dtype} in shape {_shown(shape)}")
    if width * math.prod(max(length, 1) for length in shape) >= ADDRESSABLE:
        raise DataError(f"{place} has shape {_shown(shape)}, expected one that memory can address")


def _refuse_overlap(path: str, entries: dict[str, Entry]) -> None:
    spans = sorted((entry.begin, entry.end, name) for name, entry in entries.items() if entry.begin < entry.end)
    for (_, end, name), (begin, _, other) in pairwise(spans):
        if begin < end:
            raise DataError(
                f"{path}: tensors {_shown(name)} and {_shown(other)} overlap, expected each in its own bytes"
            )


def _place(path: str, name: str) -> str:
    return f"{path}: tensor {_shown(name)}"


def _shown(value: object) -> str:
    """A value of the file, safe to print: in one line, short, and never recursed into deeply."""
    return _short.repr(value)[:SHOWN]


def _unreadable(path: str, error: Exception) -> DataError:
    return DataError(f"{path}: {str(getattr(error, 'strerror', None) or error).lower()}")
