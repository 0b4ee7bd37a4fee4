"""Arrow's types as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lossctl.errors import DataError
from lossctl.readers.source import ColumnInfo, Kind

if TYPE_CHECKING:
    import pyarrow as pa

NUMBERS = frozenset({"integer", "float", "boolean"})


def columns_of(schema: pa.Schema, path: str) -> list[ColumnInfo]:
    """The columns of a schema.

    Raises:
        DataError: two of one name.
    """
    found = [column_info(field) for field in schema]
    names = [column.name for column in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{path} has more than one column {twice!r}; write it with distinct names")
    return found


def column_info(field: pa.Field) -> ColumnInfo:
    """An Arrow field as a column."""
    import pyarrow as pa

    kind = field.type
    if isinstance(kind, pa.FixedShapeTensorType):
        width = 1
        for extent in kind.shape:
            width *= extent
        return ColumnInfo(field.name, "list", str(kind), width)
    if pa.types.is_fixed_size_list(kind) and _scalar_kind(kind.value_type) in NUMBERS:
        return ColumnInfo(field.name, "list", str(kind), kind.list_size)
    if (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and _scalar_kind(kind.value_type) in NUMBERS:
        return ColumnInfo(field.name, "list", str(kind), None)
    return ColumnInfo(field.name, _scalar_kind(kind), str(kind))


def _scalar_kind(kind: pa.DataType) -> Kind:
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(kind):
        return _scalar_kind(kind.value_type)
    if types.is_integer(kind):
        return "integer"
    if types.is_floating(kind) or types.is_decimal(kind):
        return "float"
    if types.is_boolean(kind):
        return "boolean"
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    return "string" if text else "other"


def texts(values: Sequence[str]) -> pa.StringArray:
    """Texts as an array; pyarrow's own way imports pandas, which takes longer than a small file does."""
    import numpy as np
    import pyarrow as pa

    encoded = [text.encode() for text in values]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))


def storage(values: pa.Array) -> pa.Array:
    """An extension array's own numbers; a dictionary's texts as ordinary ones, since pyarrow takes no others."""
    import pyarrow as pa

    if pa.types.is_dictionary(values.type) and pa.types.is_string_view(values.type.value_type):
        return pa.DictionaryArray.from_arrays(values.indices, values.dictionary.cast(pa.string()))
    return values.storage if hasattr(values, "storage") else values
