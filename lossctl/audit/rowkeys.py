"""Keys of rows: 64 bits that tell a row by its own values, the same in whatever format and type these are written.

A whole number is one value whether it is an integer, a float or a text; so a resample draws the same rows of a CSV
file as of the Parquet file that it was made from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lossctl.audit.digits import bytes_of, wholes
from lossctl.audit.hashes import bytes_hashes, mixed, text_hashes
from lossctl.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from lossctl.audit.hashes import Hashes
    from lossctl.readers.source import Values

# rows that stay in the nearest caches
ROWS = 1 << 15
# whole numbers of at most 64 bits are apart from other floats, and those beyond an int64 from those below 0
WHOLE_SALT, LARGE_SALT = np.uint64(0xA0761D6478BD642F), np.uint64(0xE7037ED1A0B428DB)
FLOAT_SALT, POSITION_SALT = np.uint64(0x8EBC6AF09C88C6E3), np.uint64(0x589965CC75374CC3)
NULL = np.uint64(0x1D8E4E27C47D124F)
MOST = (1 << 64) - 1


def row_keys(columns: Sequence[Values], salt: int = 0) -> Hashes:
    """The (n,) keys of n rows, of one or more columns of n values in order.

    Whole numbers, and texts that are whole numbers in canonical form ("17", "-3"; not "007" nor "1.0"), are one value;
    other floats go by their bits, other texts by their bytes in UTF-8. Booleans are the texts "true" and "false", dates
    and times their ISO texts, and a null is a value of its own.

    Raises:
        DataError: values that name no rows, such as lists.
    """
    rows = len(columns[0])
    keys = np.empty(rows, np.uint64)
    for at in range(0, rows, ROWS):
        part = mixed(np.array([salt & MOST], np.uint64))
        for values in columns:
            part = mixed(part ^ _hashes(values[at : at + ROWS]))
        keys[at : at + ROWS] = part
    return keys


def position_keys(first: int, count: int) -> Hashes:
    """The keys of `count` consecutive rows by their global numbers, from `first` on."""
    return mixed(np.arange(first, first + count, dtype=np.uint64) ^ POSITION_SALT)


def _hashes(values: Values) -> Hashes:
    if not isinstance(values, np.ndarray):
        return _of_arrow(values)
    if values.ndim == 1 and values.dtype.kind in "iuf" and values.dtype.itemsize <= 8:
        return _of_numbers(values)
    return _of_arrow(_as_arrow(values))


def _as_arrow(values: np.ndarray) -> pa.Array:
    """numpy's booleans, texts and dates as Arrow's, without pyarrow's own way, which imports pandas."""
    import pyarrow as pa

    kind = values.dtype.kind
    if values.ndim == 1 and kind == "b":
        bits = np.packbits(values, bitorder="little")
        return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])
    if values.ndim == 1 and kind in "US":
        from lossctl.readers.arrow import texts

        return texts(values.tolist() if kind == "U" else [text.decode() for text in values.tolist()])
    if values.ndim == 1 and kind == "M":
        return _dates(values)
    raise _refused(f"{values.dtype}{' lists' if values.ndim > 1 else ''}")


def _dates(values: np.ndarray) -> pa.Array:
    import pyarrow as pa

    unit = np.datetime_data(values.dtype)[0]
    days = unit in ("Y", "M", "W", "D")
    unit = "D" if days else unit if unit in ("s", "ms", "us", "ns") else "s"
    known = pa.py_buffer(np.packbits(~np.isnat(values), bitorder="little"))
    numbers = values.astype(f"datetime64[{unit}]").view(np.int64)
    whole = pa.py_buffer(numbers.astype(np.int32) if days else numbers)
    return pa.Array.from_buffers(pa.date32() if days else pa.timestamp(unit), len(values), [known, whole])


def _of_numbers(values: np.ndarray) -> Hashes:
    if values.dtype.kind == "f":
        return _of_floats(values.astype(np.float64))
    whole = values.astype(np.uint64)
    if values.dtype.kind == "u" and values.dtype.itemsize == 8:
        return _of_unsigned(whole)
    return mixed(whole ^ WHOLE_SALT)


def _of_unsigned(whole: Hashes) -> Hashes:
    large = (whole >> np.uint64(63)) * LARGE_SALT
    return mixed(whole ^ WHOLE_SALT ^ large)


def _of_floats(values: np.ndarray) -> Hashes:
    # one zero, and one NaN
    values = np.where(np.isnan(values), np.nan, values + 0.0)
    found = mixed(values.view(np.uint64) ^ FLOAT_SALT)
    whole = (values == np.floor(values)) & (values >= -(2.0**63)) & (values < 2.0**64)
    if whole.any():
        some = values[whole]
        signed = np.where(some < 2.0**63, some, 0.0).astype(np.int64)
        large = np.where(some < 2.0**63, 0.0, some).astype(np.uint64)
        found[whole] = np.where(some < 2.0**63, mixed(signed.view(np.uint64) ^ WHOLE_SALT), _of_unsigned(large))
    return found


def _of_arrow(values: pa.Array) -> Hashes:
    import pyarrow as pa

    from lossctl.readers.arrow import storage
    from lossctl.readers.block import raw

    values = storage(values)
    if pa.types.is_dictionary(values.type):
        dictionary, places = _of_arrow(values.dictionary), raw(values.indices)
        # an index of null may be anything
        places = places if not values.indices.null_count else np.where(_valid(values.indices), places, 0)
        found = dictionary[places] if len(dictionary) else np.full(len(values), NULL)
        return np.where(_valid(values.indices), found, NULL)
    found = _of_flat(values)
    return found if not values.null_count else np.where(_valid(values), found, NULL)


def _valid(values: pa.Array) -> np.ndarray:
    import pyarrow as pa

    from lossctl.readers.block import raw

    return raw(values.is_valid().cast(pa.uint8())).astype(bool)


def _of_flat(values: pa.Array) -> Hashes:
    """Hashes where there are values, anything where there is none."""
    import pyarrow as pa

    from lossctl.readers.block import raw

    kind, types = values.type, pa.types
    if types.is_null(kind):
        return np.full(len(values), NULL)
    if types.is_integer(kind) or types.is_floating(kind):
        return _of_numbers(raw(values))
    if types.is_decimal(kind):
        return _of_decimals(values)
    if types.is_boolean(kind):
        return _of_booleans(raw(values.cast(pa.uint8())))
    if types.is_date(kind):
        return _of_texts(values.cast(pa.date32()).cast(pa.large_string()))
    if types.is_timestamp(kind) or types.is_time(kind):
        return _of_texts(_iso(values))
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return _of_texts(values.cast(pa.large_string()))
    raise _refused(str(kind))


def _refused(kind: str) -> DataError:
    return DataError(f"values of type {kind} name no rows; name a column of numbers, texts, booleans or dates")


def _of_booleans(values: np.ndarray) -> Hashes:
    from lossctl.readers.arrow import texts

    found: Hashes = text_hashes(texts(["false", "true"]))[values]
    return found


def _of_decimals(values: pa.Array) -> Hashes:
    """Whole ones as what their digits say, others as the nearest float64."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.replace_substring_regex(values.cast(pa.large_string()), r"\.0*$", "")
    whole = _flags(pc.match_substring_regex(texts, r"^-?[0-9]+$"))
    from lossctl.readers.block import raw

    return np.where(whole, _of_texts(texts), _of_numbers(raw(values.cast(pa.float64()))))


def _iso(values: pa.Array) -> pa.Array:
    """Times as ISO texts in the fewest digits that say them; those with a time zone in UTC."""
    import pyarrow as pa
    import pyarrow.compute as pc

    zoned = pa.types.is_timestamp(values.type) and values.type.tz
    if pa.types.is_timestamp(values.type):
        values = _coarser(values.view(pa.timestamp(values.type.unit)))
    texts = pc.replace_substring(values.cast(pa.large_string()), " ", "T")
    if values.type.unit != "s":
        texts = pc.replace_substring_regex(texts, r"(\.[0-9]*[1-9])0+$", r"\1")
        texts = pc.replace_substring_regex(texts, r"\.0+$", "")
    # a scalar to join would import pandas
    return pc.replace_substring_regex(texts, r"^(.*)$", r"\1Z") if zoned else texts


def _coarser(values: pa.Array) -> pa.Array:
    """Whole seconds as such."""
    import pyarrow as pa

    from lossctl.readers.block import raw

    parts = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[values.type.unit]
    numbers = raw(values.view(pa.int64()))
    if parts > 1 and not np.count_nonzero(numbers % parts):
        return values.cast(pa.timestamp("s"))
    return values


def _of_texts(texts: pa.Array) -> Hashes:
    """Of texts; those that are whole numbers as these."""
    found_bytes = bytes_of(texts)
    rows, negative, sizes = wholes(found_bytes)
    whole = np.where(negative, mixed((~sizes + np.uint64(1)) ^ WHOLE_SALT), _of_unsigned(sizes))
    if len(rows) == len(texts):
        return whole
    found = bytes_hashes(found_bytes)
    found[rows] = whole
    return found


def _flags(told: Any) -> np.ndarray:
    """Arrow's booleans as numpy's; a null is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from lossctl.readers.block import raw

    return raw(pc.fill_null(told, False).cast(pa.uint8())).astype(bool)
