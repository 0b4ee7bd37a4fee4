"""Values and literals as Arrow's arrays and scalars, made from their bytes: pyarrow's own ways import pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from lossctl.readers.source import Values

# nanoseconds in the units of times
UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def scalar(value: float, kind: pa.DataType) -> Any:
    """A number as Arrow's scalar."""
    import numpy as np
    import pyarrow as pa

    made = np.array([value], str(kind) if str(kind) != "double" else "float64")
    return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(made)])[0]


def one_text(text: str) -> pa.Array:
    """A text as Arrow's array of one; what UTF-8 cannot hold equals no text of a file."""
    import numpy as np
    import pyarrow as pa

    data = text.encode("utf-8", "surrogatepass")
    offsets = np.array([0, len(data)], np.int32)
    return pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def decoded(values: Values) -> pa.Array:
    """Values as Arrow's, with no dictionary between."""
    import pyarrow as pa

    array = arrow(values)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def arrow(values: Values) -> pa.Array:
    """Numpy's numbers as Arrow's, where they lie if they lie side by side."""
    import numpy as np
    import pyarrow as pa

    if not isinstance(values, np.ndarray):
        return values
    if values.dtype.kind == "M":
        return _moments(values)
    if values.dtype.kind == "b":
        bits = np.packbits(values, bitorder="little")
        return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])
    plain = values.astype(values.dtype.newbyteorder("="), copy=False)
    if plain.dtype.kind == "f" and plain.dtype.itemsize not in (4, 8):
        plain = plain.astype(np.float64)
    plain = np.ascontiguousarray(plain)
    kind = getattr(pa, plain.dtype.name)()
    return pa.Array.from_buffers(kind, len(plain), [None, pa.py_buffer(plain)])


def _moments(values: np.ndarray) -> pa.Array:
    """Numpy's dates and times as timestamps; NaT is no value."""
    import numpy as np
    import pyarrow as pa

    unit, count = np.datetime_data(values.dtype)
    unit = unit if unit in UNITS and count == 1 else "s"
    ticks = np.ascontiguousarray(values.astype(f"datetime64[{unit}]").view(np.int64))
    valid = np.packbits(~np.isnat(values), bitorder="little")
    return pa.Array.from_buffers(pa.timestamp(unit), len(values), [pa.py_buffer(valid), pa.py_buffer(ticks)])


def validity(values: pa.Array) -> pa.Buffer | None:
    """Which values are there, as a bitmap from the first on."""
    import numpy as np
    import pyarrow as pa

    return pa.py_buffer(np.packbits(flags(values.is_valid()), bitorder="little")) if values.null_count else None


def flags(mask: pa.BooleanArray) -> np.ndarray:
    """(rows,) whether the mask is true; unknown is not."""
    import numpy as np
    import pyarrow.compute as pc

    known = pc.fill_null(mask, arrow(np.zeros(1, bool))[0]) if mask.null_count else mask
    start, stop = known.offset, known.offset + len(known)
    bits = np.frombuffer(known.buffers()[1], np.uint8)[start // 8 : (stop + 7) // 8]
    return np.unpackbits(bits, bitorder="little")[start % 8 : start % 8 + len(known)].view(bool)
