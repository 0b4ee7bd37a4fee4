"""Columns kept on disk in a temporary folder, whose rows are then taken in any order."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from lossctl.readers.keys import family, present
from lossctl.readers.matching import indices

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


class WidthError(Exception):
    """Values of another type than those before; `type` is one that holds both, None where there is none."""

    def __init__(self, type: pa.DataType | None) -> None:
        self.type = type
        super().__init__()


class Shelf(Protocol):
    """A column that grows and is then taken from."""

    def append(self, values: pa.Array) -> None:
        """Put further rows behind those that are there."""
        ...

    def close(self) -> None:
        """No more rows."""
        ...

    def take(self, rows: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        """Some rows, null where they are `missing`, (n,) bool; what `rows` says there does not matter."""
        ...


class Column:
    """A column of any type; it becomes a shelf with the first type that its values have.

    Args:
        path: what its files' names start with.
        type: what values are cast to; None for the type that they have.
    """

    def __init__(self, path: str, type: pa.DataType | None = None) -> None:
        self.path, self.type = path, type
        self.nulls = 0
        self.shelf: Shelf | None = None

    def append(self, values: pa.Array) -> None:
        """Put further rows behind those that are there.

        Raises:
            WidthError: they have another type.
        """
        import pyarrow as pa

        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_null(values.type):
            if self.shelf is None:
                self.nulls += len(values)
                return
            values = values.cast(self.type)
        self.type = self.type or values.type
        if values.type != self.type:
            values = _cast(values, self.type)
        if self.shelf is None:
            self.shelf = shelf_for(self.path, self.type)
            self._leading_nulls()
        self.shelf.append(values)

    def _leading_nulls(self) -> None:
        import pyarrow as pa

        assert self.shelf is not None
        if self.nulls:
            self.shelf.append(pa.nulls(self.nulls, self.type))

    def close(self) -> None:
        """No more rows."""
        import pyarrow as pa

        if self.shelf is None:
            # not one value: nulls read as numbers that are missing
            self.type = self.type or pa.float64()
            self.shelf = shelf_for(self.path, self.type)
            self._leading_nulls()
        self.shelf.close()

    def take(self, rows: np.ndarray, missing: np.ndarray | None = None) -> pa.Array:
        """Some rows, null where they are `missing`."""
        assert self.shelf is not None
        return self.shelf.take(rows, missing)


def _cast(values: pa.Array, type: pa.DataType) -> pa.Array:
    import pyarrow as pa

    wider = _wider(values.type, type)
    if wider is None or wider != type:
        raise WidthError(wider)
    try:
        return values.cast(type)
    except pa.ArrowException:
        # a whole number beyond 2**53 is rounded, as it is wherever it is read as float64
        return values.cast(type, safe=False)


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """A type that holds the values of both; None where there is none."""
    import pyarrow as pa

    if family(one) != family(other) or family(one) not in ("number", "text"):
        return None
    if family(one) == "text":
        return pa.large_string()
    if pa.types.is_signed_integer(one) and pa.types.is_signed_integer(other):
        return max(one, other, key=lambda kind: int(kind.bit_width))
    return pa.float64()


def shelf_for(path: str, type: pa.DataType) -> Shelf:
    """An empty shelf for values of a type."""
    import pyarrow as pa

    types = pa.types
    if family(type) in ("text", "bytes") and not types.is_fixed_size_binary(type):
        return _Bytes(path, type)
    if types.is_fixed_size_list(type):
        return _Rows(path, type)
    if types.is_list(type) or types.is_large_list(type):
        return _Lists(path, type)
    return _Fixed(path, type) if types.is_primitive(type) or family(type) in ("bytes", "decimal") else _InMemory(type)


class _File:
    """Numbers of one dtype, written one after the other and then mapped."""

    def __init__(self, path: str, dtype: str) -> None:
        self.path, self.dtype = path, dtype
        self._file: BinaryIO | None = open(path, "wb")  # noqa: SIM115
        self._view: np.ndarray | None = None

    def append(self, numbers: np.ndarray) -> None:
        assert self._file is not None
        self._file.write(numbers.data)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None

    @property
    def view(self) -> np.ndarray:
        import numpy as np

        if self._view is None:
            filled = os.path.getsize(self.path)
            self._view = np.memmap(self.path, self.dtype, "r") if filled else np.empty(0, self.dtype)
        return self._view

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "dtype": self.dtype, "_file": None, "_view": None}


class _Nulls:
    """Which rows are null: a byte a row, and whether any is."""

    def __init__(self, path: str) -> None:
        self.file = _File(f"{path}.valid", "u1")
        self.count = 0

    def append(self, values: pa.Array) -> None:
        import numpy as np

        self.count += values.null_count
        self.file.append(np.ascontiguousarray(present(values)) if values.null_count else np.ones(len(values), np.uint8))

    def of(self, rows: np.ndarray, missing: np.ndarray | None) -> np.ndarray | None:
        """(n,) bool; None where none is null."""
        nulls: np.ndarray | None = self.file.view[rows] == 0 if self.count else None
        return missing if nulls is None else nulls if missing is None else nulls | missing


def _bitmap(nulls: np.ndarray | None) -> pa.Buffer | None:
    import numpy as np
    import pyarrow as pa

    return None if nulls is None else pa.py_buffer(np.packbits(~nulls, bitorder="little"))


class _Fixed:
    """Values of so many bytes each; booleans take one."""

    def __init__(self, path: str, type: pa.DataType) -> None:
        import pyarrow as pa

        self.type = type
        self.stored = pa.uint8() if pa.types.is_boolean(type) else type
        size = self.stored.bit_width // 8
        dtype = f"u{size}" if size in (1, 2, 4, 8) else f"V{size}"
        self.values, self.nulls = _File(path, dtype), _Nulls(path)

    def append(self, values: pa.Array) -> None:
        import numpy as np

        plain = values.cast(self.stored)
        data = plain.buffers()[1]
        size = np.dtype(self.values.dtype).itemsize
        numbers = np.zeros(len(values) * size, "u1") if data is None else np.frombuffer(data, "u1")
        self.values.append(numbers[plain.offset * size : (plain.offset + len(plain)) * size])
        self.nulls.append(plain)

    def close(self) -> None:
        self.values.close()
        self.nulls.file.close()

    def take(self, rows: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        import numpy as np
        import pyarrow as pa

        view = self.values.view
        found = view[rows] if len(view) else np.zeros(len(rows), view.dtype)
        bits = _bitmap(self.nulls.of(rows, missing) if len(view) else missing)
        data = pa.py_buffer(found.view("u1") if len(found) else b"")
        return pa.Array.from_buffers(self.stored, len(rows), [bits, data]).cast(self.type)


class _Bytes:
    """Texts or bytes of any length, one behind the other, and where each one ends."""

    def __init__(self, path: str, type: pa.DataType) -> None:
        import numpy as np
        import pyarrow as pa

        # views have no `take`
        views = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
        self.type = views.get(type, type)
        self.data, self.ends, self.nulls = _File(path, "u1"), _File(f"{path}.ends", "i8"), _Nulls(path)
        self.last = 0
        self.ends.append(np.zeros(1, np.int64))

    def append(self, values: pa.Array) -> None:
        import numpy as np
        import pyarrow as pa

        if not len(values):
            return
        plain = values.cast(pa.large_string() if family(self.type) == "text" else pa.large_binary())
        ends = np.frombuffer(plain.buffers()[1], np.int64)[plain.offset : plain.offset + len(plain) + 1]
        if plain.buffers()[2] is not None:
            self.data.append(np.frombuffer(plain.buffers()[2], "u1")[ends[0] : ends[-1]])
        self.ends.append(ends[1:] + (self.last - ends[0]))
        self.last += int(ends[-1] - ends[0])
        self.nulls.append(plain)

    def close(self) -> None:
        for file in (self.data, self.ends, self.nulls.file):
            file.close()

    def take(self, rows: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        import pyarrow as pa

        long = pa.large_string() if family(self.type) == "text" else pa.large_binary()
        buffers = [None, pa.py_buffer(self.ends.view), pa.py_buffer(self.data.view)]
        every = pa.Array.from_buffers(long, len(self.ends.view) - 1, buffers)
        bits = _bitmap(self.nulls.of(rows, missing))
        wanted = indices(rows).buffers()[1]
        return every.take(pa.Array.from_buffers(pa.int64(), len(rows), [bits, wanted])).cast(self.type)


class _Rows:
    """Lists of one length."""

    def __init__(self, path: str, type: pa.DataType) -> None:
        self.type, self.width = type, type.list_size
        self.inner, self.nulls = Column(f"{path}.inner", type.value_type), _Nulls(path)

    def append(self, values: pa.Array) -> None:
        self.inner.append(values.values.slice(values.offset * self.width, len(values) * self.width))
        self.nulls.append(values)

    def close(self) -> None:
        self.inner.close()
        self.nulls.file.close()

    def take(self, rows: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        import numpy as np
        import pyarrow as pa

        if not len(self.nulls.file.view):
            return pa.nulls(len(rows), self.type)
        flat = self.inner.take((rows[:, None] * self.width + np.arange(self.width)).reshape(-1))
        nulls = self.nulls.of(rows, missing)
        mask = None if nulls is None else pa.Array.from_buffers(pa.bool_(), len(rows), [None, _bitmap(~nulls)])
        return pa.FixedSizeListArray.from_arrays(flat, type=self.type, mask=mask)


class _Lists:
    """Lists of any length."""

    def __init__(self, path: str, type: pa.DataType) -> None:
        self.type = type
        self.inner, self.nulls = Column(f"{path}.inner", type.value_type), _Nulls(path)
        self.lengths = _File(f"{path}.lengths", "i8")
        self._begins: np.ndarray | None = None

    def append(self, values: pa.Array) -> None:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        lengths = pc.fill_null(pc.list_value_length(values), 0).cast(pa.int64())
        self.lengths.append(np.frombuffer(lengths.buffers()[1], np.int64)[lengths.offset :][: len(lengths)])
        self.inner.append(values.flatten())
        self.nulls.append(values)

    def close(self) -> None:
        for shelf in (self.inner, self.nulls.file, self.lengths):
            shelf.close()

    def take(self, rows: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        import numpy as np
        import pyarrow as pa

        if not len(self.lengths.view):
            return pa.nulls(len(rows), self.type)
        if self._begins is None:
            self._begins = np.cumsum(self.lengths.view) - self.lengths.view
        lengths = self.lengths.view[rows]
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        flat = self.inner.take(np.repeat(self._begins[rows] - ends[:-1], lengths) + np.arange(ends[-1]))
        nulls = self.nulls.of(rows, missing)
        mask = None if nulls is None else pa.Array.from_buffers(pa.bool_(), len(rows), [None, _bitmap(~nulls)])
        return pa.LargeListArray.from_arrays(indices(ends), flat, mask=mask).cast(self.type)


class _InMemory:
    """Values of what other types there are: no loss reads them, so they are asked for with dropped rows alone."""

    def __init__(self, type: pa.DataType) -> None:
        self.held: list[pa.Array] = [pa_empty(type)]

    def append(self, values: pa.Array) -> None:
        self.held.append(values)

    def close(self) -> None:
        import pyarrow as pa

        self.held = [pa.concat_arrays(self.held)]

    def take(self, rows: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        import pyarrow as pa

        return self.held[0].take(
            pa.Array.from_buffers(pa.int64(), len(rows), [_bitmap(missing), indices(rows).buffers()[1]])
        )


def pa_empty(type: pa.DataType) -> pa.Array:
    """No values of a type."""
    import pyarrow as pa

    return pa.array([], type)
