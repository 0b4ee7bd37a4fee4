"""Blocks: some rows of a file by role, as addresses that a kernel can read, without a copy where the layout allows."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from lossctl.errors import DataError
from lossctl.readers.arrow import texts

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from lossctl.readers.source import Chunk, Values

NATIVE = frozenset(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)) | {
    "float32",
    "float64",
}


# for Arrow: the characters of numbers alone
NUMERIC = r"^[\s0-9.,eE+-]+$"


class Columns(NamedTuple):
    """One role's numbers for the rows of a block.

    Element k of row r is at `addresses[k] + r * stride * itemsize`. `layout` tells the loader: `columns`
    (stride 1), `rows` (a row's numbers side by side) or `strided`. `faults` maps a reason such as "null" to
    the rows (n,) that have no number for it; these read as NaN. `owners` keeps the memory alive.
    """

    addresses: array[int]
    stride: int
    layout: str
    dtype: str
    rows: int
    owners: tuple[Any, ...]
    faults: dict[str, np.ndarray]

    @property
    def place(self) -> int:
        """Where the addresses themselves are."""
        return self.addresses.buffer_info()[0]

    @property
    def width(self) -> int:
        """How many numbers a row has."""
        return len(self.addresses)


class Block(NamedTuple):
    """Rows of a unit: `first` is where in the unit they begin, from 0; `places` (rows,) where each one stands
    behind it, None for consecutive rows.
    """

    first: int
    rows: int
    roles: dict[str, Columns]
    places: np.ndarray | None = None

    def place(self, row: int) -> int:
        """Where in the unit a row of the block stands."""
        return self.first + (row if self.places is None else int(self.places[row]))

    def placed(self, rows: np.ndarray) -> np.ndarray:
        """The same for several."""
        return (rows if self.places is None else self.places[rows]) + self.first


Faults = dict[str, "np.ndarray"]


def lay_chunk(chunk: Chunk, names: Sequence[str], classes: tuple[str, ...] | None = None) -> Columns:
    """The columns of one role of a chunk, as `lay` makes them; numbers in texts have the file's decimal mark."""
    return lay([chunk.values[name] for name in names] if classes else numbers_of(chunk, names), classes)


def numbers_of(chunk: Chunk, names: Sequence[str]) -> list[Values]:
    """Some columns of a chunk, with a decimal point in the numbers of texts."""
    return [pointed(chunk.values[name]) if name in chunk.commas else chunk.values[name] for name in names]


def pointed(values: pa.Array) -> pa.Array:
    """Texts with a point for each comma; what has a point already is no number where the comma is the decimal mark."""
    import pyarrow.compute as pc

    return pc.replace_substring(pc.replace_substring(values, ".", "?"), ",", ".")


def settled_commas(chunk: Chunk, text: frozenset[str]) -> dict[str, Values]:
    """A chunk's columns with a decimal point in all that looks like a number, save in the columns that are `text`.

    For who puts columns together whose decimal marks may differ.
    """
    import pyarrow.compute as pc

    found = dict(chunk.values)
    for name in chunk.commas.intersection(found) - text:
        values = found[name]
        numeric = pc.match_substring_regex(values, NUMERIC)
        found[name] = pc.if_else(numeric, pointed(values), values)
    return found


def lay(values: Sequence[Values], classes: tuple[str, ...] | None = None) -> Columns:
    """The columns of one role, ready for a loader.

    Args:
        values: an array a column, each (n,), or one of (n, K); numpy or Arrow.
        classes: the class names in order, where the column holds names.

    Raises:
        DataError: lists of differing lengths, or a type that holds no numbers.
    """
    faults: Faults = {}
    arrays = [_numbers(entry, classes, faults) for entry in values]
    if len(arrays) == 1 and arrays[0].ndim == 2:
        return _matrix(arrays[0], faults)
    return _side_by_side(arrays, faults)


def _matrix(matrix: np.ndarray, faults: Faults) -> Columns:
    import numpy as np

    n, width = matrix.shape
    size = matrix.itemsize
    if matrix.size and (matrix.strides[0] % size or matrix.strides[1] % size):
        matrix = np.ascontiguousarray(matrix)
    down, across = (stride // size for stride in matrix.strides)
    layout = "columns" if down == 1 else ("rows" if across == 1 else "strided")
    first = matrix.__array_interface__["data"][0]
    addresses = array("q", (first + across * size * np.arange(width, dtype=np.int64)).tobytes())
    return Columns(addresses, down, layout, _name(matrix.dtype), n, (matrix,), faults)


def _side_by_side(arrays: list[np.ndarray], faults: Faults) -> Columns:
    import numpy as np

    dtypes = {one.dtype for one in arrays}
    if len(dtypes) > 1:
        arrays = [one.astype(np.float64) for one in arrays]
    arrays = [one if one.strides[0] == one.itemsize else np.ascontiguousarray(one) for one in arrays]
    addresses = array("q", [one.__array_interface__["data"][0] for one in arrays])
    return Columns(addresses, 1, "columns", _name(arrays[0].dtype), len(arrays[0]), tuple(arrays), faults)


@cache
def _name(dtype: np.dtype[Any]) -> str:
    """A type's name, which numpy takes long to put together."""
    return str(dtype.name)


def _numbers(values: Values, classes: tuple[str, ...] | None, faults: Faults) -> np.ndarray:
    import numpy as np

    if isinstance(values, np.ndarray):
        if classes is None:
            return _native(values)
        import pyarrow as pa

        values = pa.array(values)
    return _from_arrow(values, classes, faults)


def _native(numbers: np.ndarray) -> np.ndarray:
    import numpy as np

    if numbers.dtype.isnative and _name(numbers.dtype) in NATIVE:
        return numbers
    if numbers.dtype == np.bool_:
        return numbers.view(np.uint8)
    if numbers.dtype == np.float16:
        return numbers.astype(np.float32)
    numbers = numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
    return numbers if numbers.dtype.name in NATIVE else numbers.astype(np.float64)


def _from_arrow(values: pa.Array, classes: tuple[str, ...] | None, faults: Faults) -> np.ndarray:
    import pyarrow as pa

    kind = values.type
    if classes is None and kind.id in _flat_types():
        return _flat(values, faults)
    if pa.types.is_dictionary(kind):
        return _from_arrow(values.dictionary_decode(), classes, faults)
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _from_lists(values, faults)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _from_text(values, classes, faults)
    if classes is not None and not pa.types.is_null(kind):
        return _from_text(values.cast(pa.string()), classes, faults)
    if pa.types.is_boolean(kind):
        values = values.cast(pa.uint8())
    elif pa.types.is_float16(kind):
        values = values.cast(pa.float32())
    elif pa.types.is_decimal(kind) or pa.types.is_null(kind):
        values = values.cast(pa.float64())
    return _flat(values, faults)


@cache
def _flat_types() -> frozenset[int]:
    """Arrow's numbers of the types that are read as they lie."""
    import pyarrow as pa

    return frozenset(getattr(pa, name)().id for name in NATIVE)


def _flat(values: pa.Array, faults: Faults) -> np.ndarray:
    import numpy as np

    numbers = _native(raw(values))
    if values.null_count == 0:
        return numbers
    missing = _mask(values.is_null())
    _fault(faults, "null", missing)
    numbers = numbers.astype(np.float64)
    numbers[missing] = np.nan
    return numbers


def raw(values: pa.Array) -> np.ndarray:
    """A flat array's numbers where they lie; pyarrow's own `to_numpy` would import pandas."""
    import numpy as np

    dtype = np.dtype(values.type.to_pandas_dtype())
    buffer = values.buffers()[1]
    if buffer is None:
        return np.zeros(len(values), dtype)
    # a damaged file's buffer may end within a number
    return np.frombuffer(buffer, dtype, len(values), values.offset * dtype.itemsize)


def _mask(values: pa.Array) -> np.ndarray:
    import pyarrow as pa

    return raw(values.cast(pa.uint8())).astype(bool)


def _fault(faults: Faults, reason: str, rows: np.ndarray) -> None:
    faults[reason] = faults[reason] | rows if reason in faults else rows


def _from_lists(values: pa.Array, faults: Faults) -> np.ndarray:
    """Lists of one length as (n, K); a null one is a row of NaN."""
    import numpy as np

    n, width = len(values), _list_width(values)
    if values.null_count:
        return _with_null_lists(values, width, faults)
    found: Faults = {}
    flat = _from_arrow(_inner(values, width), None, found)
    for reason, rows in found.items():
        _fault(faults, reason, np.any(rows.reshape(n, width), axis=1))
    return flat.reshape(n, width)


def _inner(values: pa.Array, width: int) -> pa.Array:
    if hasattr(values.type, "list_size"):
        return values.values.slice(values.offset * width, len(values) * width)
    return values.flatten()


def _list_width(values: pa.Array) -> int:
    """The length that all lists have which are not null; 1 where there are none."""
    import numpy as np
    import pyarrow.compute as pc

    if hasattr(values.type, "list_size"):
        return int(values.type.list_size)
    present = np.flatnonzero(_mask(values.is_valid()))
    if not len(present):
        return 1
    lengths = raw(pc.list_value_length(values))[present]
    odd = np.flatnonzero(lengths != lengths[0])
    if len(odd):
        rows_on = int(present[odd[0]] - present[0])
        raise DataError(
            f"lists of {int(lengths[0])} numbers are followed by one of {int(lengths[odd[0]])}, {rows_on} rows on"
        )
    return int(lengths[0])


def _with_null_lists(values: pa.Array, width: int, faults: Faults) -> np.ndarray:
    import numpy as np
    import pyarrow as pa

    missing = _mask(values.is_null())
    _fault(faults, "null", missing)
    whole = np.full((len(values), width), np.nan)
    present = values.drop_null()
    if not len(present):
        return whole
    found: Faults = {}
    whole[~missing] = _from_lists(pa.concat_arrays([present]), found)
    for reason, rows in found.items():
        spread = np.zeros(len(values), dtype=bool)
        spread[~missing] = rows
        _fault(faults, reason, spread)
    return whole


def _from_text(values: pa.Array, classes: tuple[str, ...] | None, faults: Faults) -> np.ndarray:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if values.null_count:
        _fault(faults, "null", _mask(values.is_null()))
    if classes is None:
        return _parsed(values, faults)
    index = pc.index_in(values.cast(pa.string()), value_set=texts(classes))
    unknown = _mask(pc.and_(index.is_null(), values.is_valid()))
    if unknown.any():
        _fault(faults, "unknown_class", unknown)
    numbers = raw(index).astype(np.float64)
    numbers[_mask(index.is_null())] = np.nan
    return numbers


# as Arrow's CSV reader has them, so that a text means the same in a column of numbers and beside other texts
WORDS = {**dict.fromkeys(("true", "True", "TRUE"), 1.0), **dict.fromkeys(("false", "False", "FALSE"), 0.0)}


def number(text: str) -> float:
    """The number that a text stands for.

    Raises:
        ValueError: it stands for none.
    """
    if text in WORDS:
        return WORDS[text]
    if text[:2] in ("0x", "0X"):
        return float(int(text, 16))
    if "_" in text:
        raise ValueError(text)
    return float(text)


def _parsed(values: pa.Array, faults: Faults) -> np.ndarray:
    import numpy as np

    numbers = np.full(len(values), np.nan)
    bad = np.zeros(len(values), dtype=bool)
    for i, text in enumerate(values.to_pylist()):
        try:
            numbers[i] = number(text) if text is not None else np.nan
        except ValueError:
            bad[i] = True
    if bad.any():
        _fault(faults, "unreadable", bad)
    return numbers
