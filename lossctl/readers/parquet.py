"""Parquet: units are runs of row groups, each read in batches by one thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from lossctl.errors import DataError
from lossctl.readers import files
from lossctl.readers.arrow import brief, column, columns_of, flattened, storage
from lossctl.readers.source import Chunk, ColumnInfo, Unit, nothing

if TYPE_CHECKING:
    import pyarrow as pa

    from lossctl.readers.where import Tree

# row groups are joined until a unit has this many rows or bytes
# bytes that codes of few texts take a row, besides these texts; a text takes four and its own
CODE_BYTES, FEW_BYTES = 2, 1 << 17
UNIT_ROWS = 1 << 17
UNIT_BYTES = 1 << 22
# of many columns more, since each has costs of its own in every unit
COLUMN_BYTES, MOST_BYTES = 1 << 11, 1 << 25
# bytes of a file whose units share a mapping
STRETCH = 1 << 25
# bytes of a remote unit that may be asked for in one go, and of a piece of a larger one
AT_ONCE, PIECE = 1 << 27, 1 << 22


class ParquetSource(NamedTuple):
    """A Parquet file; row groups that by their statistics hold no row for which `tree` is true are not read.

    `codes` are columns of text that are given as dictionaries, the way they mostly lie in the file.
    """

    path: str
    format: str = "parquet"
    rereadable: bool = True
    tree: Tree | None = None
    codes: frozenset[str] = frozenset()

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
        enough = max(UNIT_BYTES, min(metadata.num_columns * COLUMN_BYTES, MOST_BYTES))
        start = rows = size = 0
        for group in range(metadata.num_row_groups):
            facts = metadata.row_group(group)
            rows, size = rows + facts.num_rows, size + facts.total_byte_size
            if rows >= UNIT_ROWS or size >= enough or group == metadata.num_row_groups - 1:
                units.append(Unit(file, len(units), start, group + 1))
                start, rows, size = group + 1, 0, 0
        return units

    def pruned(self, tree: Tree) -> ParquetSource:
        """The same, with an empty chunk for row groups that cannot match a filter."""
        return self._replace(tree=tree)

    def with_codes(self, names: frozenset[str]) -> ParquetSource:
        """The same, with some more columns of text as dictionaries, which for few different ones is much faster."""
        text = {column.name for column in self.columns() if column.kind == "string"}
        return self._replace(codes=self.codes | _few(self.path, names & text, *files.facts(self.path)))

    def rows_of(self, unit: Unit) -> int:
        """How many rows a unit has, from the metadata."""
        return _rows_of(self.path, range(unit.start, unit.stop))

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns of a unit, decoded in the calling thread."""
        groups = range(unit.start, unit.stop)
        return self._groups(groups, names, rows) if self.tree is None else self._some(groups, names, rows)

    def _some(self, groups: range, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        from lossctl.readers.parquet_facts import runs

        for matched, run in runs(groups, _matching(self.path, self.tree)):
            if matched:
                yield from self._groups(run, names, rows)
            else:
                yield nothing(_rows_of(self.path, run))

    def _groups(self, groups: range, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        import pyarrow as pa

        try:
            # held until the unit is done, so that other threads find it
            held = _held(self.path, groups)
            with _opened(self.path, held, _leaves(self.path, sorted(self.codes)) if self.codes else ()) as file:
                leaves = _leaves(self.path, names)
                for batch in file.iter_batches(rows, row_groups=groups, columns=leaves, use_threads=False):
                    yield Chunk(batch.num_rows, {name: storage(column(batch, name)) for name in names})
        except (pa.ArrowException, OSError) as error:
            _refuse_lost(self.path, error)
            group = _first_bad(self.path, groups, names)
            raise DataError(f"{self.path}: row group {group} cannot be decoded: {brief(error)}") from None


@lru_cache(maxsize=64)
def _few(path: str, names: frozenset[str], size: int, changed: int) -> frozenset[str]:
    """Those columns of which the file itself holds codes, as few different texts take; of many, codes take longer."""
    metadata = _metadata(path)
    owners = [owner for owner, _ in _all_leaves(path, size, changed)]
    places = [i for i, owner in enumerate(owners) if owner in names]
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    chunks = ((owners[i], group.column(i)) for group in groups for i in places)
    many = {name for name, chunk in chunks if chunk.total_uncompressed_size > CODE_BYTES * chunk.num_values + FEW_BYTES}
    return names - many


def _leaves(path: str, names: Sequence[str]) -> list[str]:
    """The leaf columns of the named ones: Parquet's projection goes by leaf paths, also where a name has dots."""
    wanted = set(names)
    return [leaf for owner, leaf in _all_leaves(path, *files.facts(path)) if owner in wanted]


@lru_cache(maxsize=64)
def _all_leaves(path: str, size: int, changed: int) -> tuple[tuple[str, str], ...]:
    """Every leaf with the column that it is part of."""
    schema = _metadata(path).schema
    return tuple((owner, schema.column(i).path) for i, owner in enumerate(_owners(schema.to_arrow_schema())))


def _owners(schema: pa.Schema) -> list[str]:
    """The column that each leaf is part of."""
    return [name for field in flattened(schema) for name in [field.name] * _leaf_count(field.type)]


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
        raise DataError(f"{path}: not a whole Parquet file: {brief(error)}") from None


def _rows_of(path: str, groups: range) -> int:
    metadata = _metadata(path)
    return sum(metadata.row_group(group).num_rows for group in groups)


def _matching(path: str, tree: Tree | None) -> tuple[bool, ...]:
    return _cached_matching(path, *files.facts(path), tree)


@lru_cache(maxsize=64)
def _cached_matching(path: str, size: int, changed: int, tree: Tree) -> tuple[bool, ...]:
    """Found once a file."""
    from lossctl.readers.parquet_facts import matching

    metadata = _metadata(path)
    return matching(metadata, _owners(metadata.schema.to_arrow_schema()), tree)


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


def _place(path: str, group: int) -> int:
    """Where a row group's bytes begin; one without columns has none."""
    facts = _metadata(path).row_group(group)
    return int(facts.column(0).data_page_offset) if facts.num_columns else 0


class _Remote(NamedTuple):
    """What a remote file is opened with: small units are asked for at once, large ones piece by piece."""

    at_once: bool


def _held(path: str, groups: range) -> _Mapping | _Remote:
    """What row groups of a file are read from."""
    if not files.is_remote(path):
        return _mapping(path, _place(path, groups.start) // STRETCH)
    sizes = (_metadata(path).row_group(group).total_byte_size for group in groups)
    return _Remote(sum(sizes) <= AT_ONCE)


def _opened(path: str, held: _Mapping | _Remote, codes: Sequence[str] = ()) -> Any:
    import pyarrow.parquet as pq

    encoded = {"read_dictionary": list(codes)} if codes else {}
    always = partial(pq.ParquetFile, metadata=_metadata(path), page_checksum_verification=True, **encoded)
    if isinstance(held, _Mapping):
        return always(held.buffer, pre_buffer=False)
    return always(files.random_access(path), pre_buffer=held.at_once, buffer_size=0 if held.at_once else PIECE)


def _refuse_lost(path: str, error: Exception) -> None:
    """Tell a file that its place does not give from one that holds what it should not."""
    if files.is_remote(path):
        from lossctl.readers import remote

        if remote.lost(error):
            raise files.unreadable(path, error) from None


def _first_bad(path: str, groups: range, names: Sequence[str]) -> int:
    """The row group at fault: each is read alone, which only a broken file has to pay."""
    import pyarrow as pa

    for group in groups:
        try:
            with _opened(path, _Remote(False) if files.is_remote(path) else _Mapping(path)) as file:
                leaves = _leaves(path, names)
                for _ in file.iter_batches(1 << 14, row_groups=[group], columns=leaves, use_threads=False):
                    pass
        except (pa.ArrowException, OSError):
            return group
    return groups.start
