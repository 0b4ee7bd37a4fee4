"""Parquet: units are runs of row groups, each read in batches by one thread."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from lossctl.errors import DataError
from lossctl.readers.arrow import brief, column, columns_of, flattened, storage
from lossctl.readers.source import Chunk, ColumnInfo, Unit

if TYPE_CHECKING:
    import pyarrow as pa

# row groups are joined until a unit has this many rows or bytes
UNIT_ROWS = 1 << 17
UNIT_BYTES = 1 << 22
# bytes of a file whose units share a mapping
STRETCH = 1 << 25


class ParquetSource(NamedTuple):
    """A Parquet file."""

    path: str
    format: str = "parquet"
    rereadable: bool = True

    @property
    def rows(self) -> int | None:
        """From the file's metadata."""
        return int(_metadata(self.path).num_rows)

    def columns(self) -> Sequence[ColumnInfo]:
        """All columns in file order."""
        return columns_of(_metadata(self.path).schema.to_arrow_schema(), self.path)

    def units(self, file: int) -> list[Unit]:
        """Runs of row groups."""
        metadata = _metadata(self.path)
        units: list[Unit] = []
        start = rows = size = 0
        for group in range(metadata.num_row_groups):
            facts = metadata.row_group(group)
            rows, size = rows + facts.num_rows, size + facts.total_byte_size
            if rows >= UNIT_ROWS or size >= UNIT_BYTES or group == metadata.num_row_groups - 1:
                units.append(Unit(file, len(units), start, group + 1))
                start, rows, size = group + 1, 0, 0
        return units

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns of a unit, decoded in the calling thread."""
        import pyarrow as pa

        try:
            # held until the unit is done, so that other threads find it
            mapping = _mapping(self.path, _place(self.path, unit) // STRETCH)
            with _opened(self.path, mapping) as file:
                leaves, groups = _leaves(file, names), range(unit.start, unit.stop)
                for batch in file.iter_batches(rows, row_groups=groups, columns=leaves, use_threads=False):
                    yield Chunk(batch.num_rows, {name: storage(column(batch, name)) for name in names})
        except (pa.ArrowException, OSError) as error:
            group = _first_bad(self.path, unit, names)
            raise DataError(f"{self.path}: row group {group} cannot be decoded: {brief(error)}") from None


def _leaves(file: Any, names: Sequence[str]) -> list[str]:
    """The leaf columns of the named ones: Parquet's projection goes by leaf paths, also where a name has dots."""
    schema = file.schema
    wanted = set(names)
    owners = [name for field in flattened(file.schema_arrow) for name in [field.name] * _leaf_count(field.type)]
    return [schema.column(i).path for i, owner in enumerate(owners) if owner in wanted]


def _leaf_count(kind: pa.DataType) -> int:
    import pyarrow as pa

    if hasattr(kind, "storage_type"):
        return _leaf_count(kind.storage_type)
    if pa.types.is_dictionary(kind) or kind.num_fields == 0:
        return 1
    return sum(_leaf_count(kind.field(i).type) for i in range(kind.num_fields))


def _metadata(path: str) -> Any:
    try:
        status = os.stat(path)
    except OSError as error:
        raise DataError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    return _cached_metadata(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)
def _cached_metadata(path: str, size: int, changed: int) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(path, memory_map=True)
        # a name is decoded when it is asked for, which is where a broken one shows
        _ = metadata.schema.to_arrow_schema().names
        return metadata
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a whole Parquet file: {brief(error)}") from None


class _Mapping:
    """A file in memory, for as long as somebody reads units of one stretch of it.

    A mapping a unit would make the threads wait for each other's; one a file would count all of it as memory used.
    """

    def __init__(self, path: str) -> None:
        import pyarrow as pa

        self.buffer = pa.memory_map(path).read_buffer()


_mappings: WeakValueDictionary[tuple[str, int, int, int], _Mapping] = WeakValueDictionary()


def _mapping(path: str, stretch: int) -> _Mapping:
    status = os.stat(path)
    key = path, status.st_size, status.st_mtime_ns, stretch
    found = _mappings.get(key)
    if found is None:
        found = _mappings[key] = _Mapping(path)
    return found


def _place(path: str, unit: Unit) -> int:
    """Where a unit's bytes begin."""
    return int(_metadata(path).row_group(unit.start).column(0).data_page_offset)


def _opened(path: str, mapping: _Mapping) -> Any:
    import pyarrow.parquet as pq

    metadata = _metadata(path)
    return pq.ParquetFile(mapping.buffer, pre_buffer=False, metadata=metadata, page_checksum_verification=True)


def _first_bad(path: str, unit: Unit, names: Sequence[str]) -> int:
    """The row group at fault: each is read alone, which only a broken file has to pay."""
    import pyarrow as pa

    for group in range(unit.start, unit.stop):
        try:
            with _opened(path, _Mapping(path)) as file:
                leaves = _leaves(file, names)
                for _ in file.iter_batches(1 << 14, row_groups=[group], columns=leaves, use_threads=False):
                    pass
        except (pa.ArrowException, OSError):
            return group
    return unit.start
