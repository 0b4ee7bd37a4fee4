"""Whatever a caller has its numbers in, as files or sources and the columns of its roles; zero-copy where that goes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from lossctl.errors import DataError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from lossctl.readers.source import Source, Values

# a column's name, several, a glob, or a .npy file; without data, the values themselves
Selector: TypeAlias = "str | os.PathLike[str] | Sequence[str] | Any"
Roles = dict[str, "str | tuple[str, ...]"]


def inputs(data: Any, roles: Mapping[str, Selector | None], again: bool) -> tuple[tuple[str | Source, ...], Roles]:
    """The inputs of a call, and the columns of each role.

    Args:
        data: paths, a frame, a table, a stream, a mapping of arrays, or None where the roles bring the values.
        roles: role to its columns in the data, or to its values.
        again: whether the call will read the data more than once.

    Raises:
        UsageError: data of a kind that holds no columns, or values beside data.
        DataError: values that are no numbers and no texts.
    """
    given = {role: selector for role, selector in roles.items() if selector is not None}
    files = _paths(data)
    if files is not None:
        if files or all(isinstance(selector, str | os.PathLike) for selector in given.values()):
            return files, {role: _named(role, selector) for role, selector in given.items()}
        return (_memory({role: _values(role, values) for role, values in given.items()}),), {r: (r,) for r in given}
    return (_source(data, again),), {role: _named(role, selector) for role, selector in given.items()}


def _paths(data: Any) -> tuple[str, ...] | None:
    """The paths that the data is; none at all where there is no data; None where it is no path."""
    if data is None:
        return ()
    if isinstance(data, str | os.PathLike):
        return (os.fspath(data),)
    if isinstance(data, Sequence) and all(isinstance(entry, str | os.PathLike) for entry in data):
        return tuple(map(os.fspath, data))
    return None


def _named(role: str, selector: Selector) -> str | tuple[str, ...]:
    if isinstance(selector, str | os.PathLike):
        return os.fspath(selector)
    if isinstance(selector, list | tuple) and selector and all(isinstance(name, str) for name in selector):
        return tuple(selector)
    raise UsageError(f"{role}: beside data it names columns of them, got {type(selector).__name__}")


def _source(data: Any, again: bool) -> Source:
    from lossctl.readers.arrow import StreamSource, TableSource

    if isinstance(data, Mapping):
        return _memory({str(name): _values(str(name), values) for name, values in data.items()})
    if not hasattr(data, "__arrow_c_stream__") and not hasattr(data, "__arrow_c_array__"):
        raise UsageError(
            f"data is {type(data).__name__}; give paths, a data frame, an Arrow table or stream, or a dict of arrays"
        )
    import pyarrow as pa

    try:
        if isinstance(data, pa.RecordBatchReader):
            # a list column's length is told by its rows, so these are looked at first
            return TableSource(data.read_all()) if again or _open_width(data.schema) else StreamSource(data)
        return TableSource(pa.table(data))
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"data: Arrow cannot take it: {str(error).splitlines()[0]}") from None


def _open_width(schema: pa.Schema) -> bool:
    import pyarrow as pa

    return any(pa.types.is_list(field.type) or pa.types.is_large_list(field.type) for field in schema)


def _memory(arrays: dict[str, Values]) -> Source:
    from lossctl.readers.npy import MemorySource

    return MemorySource(arrays)


def _values(name: str, values: Any) -> Values:
    """An array as it lies: (n,) or (n, K).

    Raises:
        DataError: neither numbers nor texts.
    """
    import numpy as np

    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise DataError(f"{name}: no array of numbers: {error}") from None
    if array.dtype.kind in "OT":
        return _texts(name, array)
    return array


def _texts(name: str, array: np.ndarray) -> pa.Array:
    """An array of Python objects, or of numpy's texts, as Arrow's."""
    import pyarrow as pa

    try:
        return pa.array(array.tolist())
    except (pa.ArrowException, TypeError) as error:
        raise DataError(f"{name}: expected numbers or texts: {str(error).splitlines()[0]}") from None
