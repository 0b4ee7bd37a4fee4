"""Whatever a caller has its numbers in, as files or sources and the columns of its roles; zero-copy where that goes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from lossctl.errors import DataError, LossctlError, UsageError
from lossctl.readers.files import located

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from lossctl.readers.source import Source

    Array: TypeAlias = "np.ndarray | pa.ChunkedArray"

# a column's name, several, a glob, or a .npy file; without data, the values themselves
Selector: TypeAlias = "str | os.PathLike[str] | Sequence[str] | Any"
Roles = dict[str, "str | tuple[str, ...]"]
# methods of what only stands for an array or a frame, which make one
MAKERS = ("collect", "compute", "toarray")


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
    if files is None:
        return (_source(data, again),), {role: _named(role, selector) for role, selector in given.items()}
    if files or all(isinstance(selector, str | os.PathLike) for selector in given.values()):
        return files, {role: _named(role, selector) for role, selector in given.items()}
    return (_memory({role: _values(role, values) for role, values in given.items()}),), {r: (r,) for r in given}


def _paths(data: Any) -> tuple[str, ...] | None:
    """The paths that the data is; none at all where there is no data; None where it is no path."""
    if data is None:
        return ()
    if isinstance(data, str | os.PathLike):
        return (located(os.fspath(data)),)
    if isinstance(data, Sequence) and all(isinstance(entry, str | os.PathLike) for entry in data):
        return tuple(located(os.fspath(entry)) for entry in data)
    return None


def _named(role: str, selector: Selector) -> str | tuple[str, ...]:
    if isinstance(selector, str | os.PathLike):
        return located(os.fspath(selector))
    if isinstance(selector, list | tuple) and selector and all(isinstance(name, str) for name in selector):
        return tuple(selector)
    raise UsageError(f"{role}: beside data it names columns of them, got {type(selector).__name__}")


def _source(data: Any, again: bool) -> Source:
    if isinstance(data, Mapping):
        return _memory({str(name): _values(str(name), values) for name, values in data.items()})
    if not hasattr(data, "__arrow_c_stream__") and not hasattr(data, "__arrow_c_array__"):
        kinds = "paths, a data frame, an Arrow table or stream, or a dict of arrays"
        raise UsageError(f"data is {type(data).__name__}; give {kinds}{_maker(data)}")
    import pyarrow as pa

    from lossctl.readers.memory import TableSource, stream_source

    try:
        if isinstance(data, pa.RecordBatchReader):
            return TableSource(data.read_all()) if again else stream_source(data)
        return TableSource(pa.table(data))
    except LossctlError:
        raise
    except Exception as error:
        raise DataError(f"data: Arrow cannot take it: {_first_line(error)}") from error


def _memory(values: dict[str, Array]) -> Source:
    """Values side by side: numpy's, Arrow's or both.

    Raises:
        DataError: they differ in length.
    """
    import numpy as np

    from lossctl.readers.npy import MemorySource

    arrays = {name: array for name, array in values.items() if isinstance(array, np.ndarray)}
    columns = {name: array for name, array in values.items() if name not in arrays}
    if not columns:
        return MemorySource(arrays)
    import pyarrow as pa

    from lossctl.readers.memory import MixedSource, TableSource

    lengths = {name: len(array) for name, array in values.items() if np.ndim(array)}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(f"arrays of different lengths: {told} rows")
    table = TableSource(pa.table(columns))
    return MixedSource(MemorySource(arrays), table) if arrays else table


def _values(name: str, values: Any) -> Array:
    """An array as it lies, (n,) or (n, K); Arrow's where it comes from there, or has nulls, or texts as objects.

    Raises:
        UsageError: a path, where values are due.
        DataError: neither numbers nor texts.
    """
    import numpy as np

    if isinstance(values, str | os.PathLike):
        raise UsageError(f"{name}: {os.fspath(values)!r} is a name, but others are values; give values for all of them")
    if _is_arrow(values):
        return _column(name, values)
    try:
        array = np.asarray(values)
    except Exception as error:
        raise DataError(f"{name}: no array of numbers: {_first_line(error)}") from error
    if np.ma.is_masked(values):
        array = np.where(np.ma.getmaskarray(values), None, array)  # type: ignore[call-overload]
    if array.dtype.kind not in "OT":
        return array
    if array.ndim == 0:
        raise DataError(f"{name}: expected an array, a list or a column, got {type(values).__name__}{_maker(values)}")
    return _column(name, array.tolist())


def _is_arrow(values: Any) -> bool:
    """Whether it is one column that Arrow reads where it lies; a frame is two-dimensional."""
    offers = hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__")
    return offers and len(getattr(values, "shape", (0,))) == 1


def _column(name: str, values: Any) -> pa.ChunkedArray:
    """An Arrow column, of an array or stream of Arrow's, or of a list of Python's own values.

    Raises:
        DataError: neither numbers nor texts.
    """
    import pyarrow as pa

    try:
        if hasattr(values, "__arrow_c_stream__"):
            return pa.chunked_array(values)
        return pa.chunked_array([pa.array(values)])
    except Exception as error:
        raise DataError(f"{name}: expected numbers or texts: {_first_line(error)}") from error


def _maker(values: Any) -> str:
    """The method that makes an array or a frame of this, as a clause."""
    maker = next((name for name in MAKERS if hasattr(values, name)), None)
    return f"; call .{maker}() on it first" if maker else ""


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
