"""Parquet: units are runs of row groups, each read in batches by one thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from lossctl.errors import DataError
from lossctl.readers import files
from lossctl.readers.arrow import columns_of, storage
from lossctl.readers.source import Chunk, ColumnInfo, Unit

if TYPE_CHECKING:
    import pyarrow as pa

# row groups are joined until a unit has this many rows or bytes
UNIT_ROWS = 1 << 17
UNIT_BYTES = 1 << 22
# bytes of a file whose units share a mapping
STRETCH = 1 << 25
# bytes of a remote unit that may be asked for in one go, and of a piece of a larger one
AT_ONCE, PIECE = 1 << 27, 1 << 22


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
            held = _held(self.path, unit)
            with _opened(self.path, held) as file:
                leaves, groups = _leaves(file, names), range(unit.start, unit.stop)
                for batch in file.iter_batches(rows, row_groups=groups, columns=leaves, use_threads=False):
                    yield Chunk(batch.num_rows, {name: storage(batch.column(name)) for name in names})
        except (pa.ArrowException, OSError) as error:
            _refuse_lost(self.path, error)
            group = _first_bad(self.path, unit, names)
            raise DataError(f"{self.path}: row group {group} cannot be decoded: {_brief(error)}") from None


def _leaves(file: Any, names: Sequence[str]) -> list[str]:
    """The leaf columns of the named ones: Parquet's projection goes by leaf paths, also where a name has dots."""
    schema = file.schema
    wanted = set(names)
    tops = [name for field in file.schema_arrow for name in [field.name] * _leaf_count(field.type)]
    return [schema.column(i).path for i, top in enumerate(tops) if top in wanted]


def _leaf_count(kind: pa.DataType) -> int:
    import pyarrow as pa

    if hasattr(kind, "storage_type"):
        return _leaf_count(kind.storage_type)
    if pa.types.is_dictionary(kind) or kind.num_fields == 0:
        return 1
    return sum(_leaf_count(kind.field(i).type) for i in range(kind.num_fields))


def _metadata(path: str) -> Any:
    return _cached_metadata(path, *files.facts(path))


@lru_cache(maxsize=64)
def _cached_metadata(path: str, size: int, changed: int) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(files.random_access(path))
        # a name is decoded when it is asked for, which is where a broken one shows
        _ = metadata.schema.to_arrow_schema().names
        return metadata
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        _refuse_lost(path, error)
        raise DataError(f"{path}: not a whole Parquet file: {_brief(error)}") from None


class _Mapping:
    """A file in memory, for as long as somebody reads units of one stretch of it.

    A mapping a unit would make the threads wait for each other's; one a file would count all of it as memory used.
    """

    def __init__(self, path: str) -> None:
        import pyarrow as pa

        self.buffer = pa.memory_map(path).read_buffer()


_mappings: WeakValueDictionary[tuple[str, int, int, int], _Mapping] = WeakValueDictionary()


def _mapping(path: str, stretch: int) -> _Mapping:
    key = path, *files.facts(path), stretch
    found = _mappings.get(key)
    if found is None:
        found = _mappings[key] = _Mapping(path)
    return found


def _place(path: str, unit: Unit) -> int:
    """Where a unit's bytes begin."""
    return int(_metadata(path).row_group(unit.start).column(0).data_page_offset)


class _Remote(NamedTuple):
    """What a remote file is opened with: small units are asked for at once, large ones piece by piece."""

    at_once: bool


def _held(path: str, unit: Unit) -> _Mapping | _Remote:
    """What a unit of a file is read from."""
    if not files.is_remote(path):
        return _mapping(path, _place(path, unit) // STRETCH)
    groups = map(_metadata(path).row_group, range(unit.start, unit.stop))
    return _Remote(sum(group.total_byte_size for group in groups) <= AT_ONCE)


def _opened(path: str, held: _Mapping | _Remote) -> Any:
    import pyarrow.parquet as pq

    always = partial(pq.ParquetFile, metadata=_metadata(path), page_checksum_verification=True)
    if isinstance(held, _Mapping):
        return always(held.buffer, pre_buffer=False)
    return always(files.random_access(path), pre_buffer=held.at_once, buffer_size=0 if held.at_once else PIECE)


def _refuse_lost(path: str, error: Exception) -> None:
    """Tell a file that its place does not give from one that holds what it should not."""
    if files.is_remote(path):
        from lossctl.readers import remote

        if remote.lost(error):
            raise files.unreadable(path, error) from None


def _first_bad(path: str, unit: Unit, names: Sequence[str]) -> int:
    """The row group at fault: each is read alone, which only a broken file has to pay."""
    import pyarrow as pa

    for group in range(unit.start, unit.stop):
        try:
            with _opened(path, _Remote(False) if files.is_remote(path) else _Mapping(path)) as file:
                leaves = _leaves(file, names)
                for _ in file.iter_batches(1 << 14, row_groups=[group], columns=leaves, use_threads=False):
                    pass
        except (pa.ArrowException, OSError):
            return group
    return unit.start


def _brief(error: Exception) -> str:
    line = str(error).split("\n")[0]
    return "".join(mark for mark in line if mark.isprintable()).strip(" .:")
