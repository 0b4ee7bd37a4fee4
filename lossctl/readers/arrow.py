"""Arrow's types as columns, and its record batches as chunks; the fields of structs are columns `struct.field`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from lossctl.errors import DataError
from lossctl.readers.source import Chunk, ColumnInfo, Kind

if TYPE_CHECKING:
    import pyarrow as pa

NUMBERS = frozenset({"integer", "float", "boolean"})
# structs nested deeper than this are left whole
DEEPEST = 32


def columns_of(schema: pa.Schema, path: str) -> list[ColumnInfo]:
    """The columns of a schema, the fields of structs among them by dotted names.

    Raises:
        DataError: two of one name, or a name that is not UTF-8.
    """
    try:
        found = [column_info(field) for field in flattened(schema)]
    except UnicodeDecodeError:
        raise DataError(f"{path} has a column whose name is not UTF-8; write it with another") from None
    names = [column.name for column in found]
    if len(set(names)) < len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise DataError(f"{path} has more than one column {twice!r}; write it with distinct names")
    return found


def flattened(fields: Iterable[pa.Field], depth: int = 0) -> Iterator[pa.Field]:
    """The fields with those of structs in the structs' places, each by its dotted name."""
    import pyarrow as pa

    for field in fields:
        if pa.types.is_struct(field.type) and field.type.num_fields and depth < DEEPEST:
            for inner in flattened(list(field.type), depth + 1):
                yield inner.with_name(f"{field.name}.{inner.name}")
        else:
            yield field


def column_info(field: pa.Field) -> ColumnInfo:
    """An Arrow field as a column."""
    import pyarrow as pa

    kind = field.type
    if isinstance(kind, pa.FixedShapeTensorType) and _scalar_kind(kind.value_type) in NUMBERS:
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


def column(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column by its name, which may lead into structs: where one of these is null, its fields are too."""
    try:
        return batch.column(name)
    except KeyError:
        import pyarrow.compute as pc

        path = path_of(batch.schema, name)
        if path is None:
            raise
        return pc.struct_field(batch.column(path[0]), path[1:])


def path_of(fields: Iterable[pa.Field], name: str) -> list[int] | None:
    """Where a dotted name leads, an index a level; names may have dots of their own."""
    return paths_of(fields).get(name)


def paths_of(fields: Iterable[pa.Field], depth: int = 0) -> dict[str, list[int]]:
    """Where each dotted name leads, for who asks for many; of two that read the same, the first."""
    import pyarrow as pa

    found: dict[str, list[int]] = {}
    for i, field in enumerate(fields):
        name = field.name
        found.setdefault(name, [i])
        if pa.types.is_struct(field.type) and depth < DEEPEST:
            for inner, path in paths_of(list(field.type), depth + 1).items():
                found.setdefault(f"{name}.{inner}", [i, *path])
    return found


def tops_of(fields: Iterable[pa.Field], names: Sequence[str]) -> list[int]:
    """The outermost columns that named ones lie in, for who reads no others."""
    paths = paths_of(fields)
    return sorted({paths[name][0] for name in names if name in paths})


def chunks(batch: pa.RecordBatch, names: Sequence[str], rows: int) -> Iterator[Chunk]:
    """The named columns of a batch that was checked, at most so many rows at once."""
    whole = {name: storage(column(batch, name)) for name in names}
    for at in range(0, batch.num_rows, rows):
        held = min(rows, batch.num_rows - at)
        yield Chunk(held, {name: values.slice(at, held) for name, values in whole.items()})


def check(batch: pa.RecordBatch, names: Sequence[str]) -> None:
    """Refuse damaged lengths, offsets of lists and texts and indices of dictionaries, which would lead out of memory.

    Raises:
        pa.ArrowInvalid: there are such in the columns of these names.
    """
    import pyarrow as pa

    batch.validate()
    for top in tops_of(batch.schema, names):
        values = batch.column(top)
        if not pa.types.is_primitive(values.type):
            values.validate(full=True)


def brief(error: Exception) -> str:
    """What Arrow says of a broken file, in a line."""
    line = str(error).split("\n")[0]
    return "".join(mark for mark in line if mark.isprintable()).strip(" .:")


def takeable(values: pa.Array) -> pa.Array:
    """The same in a layout that pyarrow takes rows from: views of texts and bytes have no `take`."""
    import pyarrow as pa

    plain = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
    return values.cast(plain[values.type]) if values.type in plain else values
