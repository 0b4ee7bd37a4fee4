"""Arrow data in memory as a source: tables by ranges of rows, columns of several kinds, streams batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lossctl.errors import DataError
from lossctl.readers.arrow import columns_of, storage
from lossctl.readers.source import Chunk, ColumnInfo, Unit

if TYPE_CHECKING:
    import pyarrow as pa

    from lossctl.readers.npy import MemorySource

UNIT_ROWS = 1 << 18


@dataclass(frozen=True, slots=True)
class TableSource:
    """A table in memory; its columns are read where they lie."""

    table: Any
    path: str = "data"
    format: str = "arrow"
    rereadable: bool = True

    @property
    def rows(self) -> int | None:
        """The table's length."""
        return int(self.table.num_rows)

    def columns(self) -> Sequence[ColumnInfo]:
        """All columns in the table's order."""
        return columns_of(self.table.schema, self.path)

    def units(self, file: int) -> list[Unit]:
        """Ranges of rows."""
        rows = self.table.num_rows
        return [Unit(file, i, at, min(at + UNIT_ROWS, rows)) for i, at in enumerate(range(0, rows, UNIT_ROWS))]

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """Slices of the table, cut where its own chunks end."""
        part = self.table.select(list(names)).slice(unit.start, unit.stop - unit.start)
        return (_chunk(batch, names) for batch in part.to_batches(max_chunksize=rows))


@dataclass(frozen=True, slots=True)
class MixedSource:
    """Numpy's arrays and a table's columns of the same length, side by side."""

    arrays: MemorySource
    table: TableSource
    path: str = "data"
    format: str = "arrow"
    rereadable: bool = True

    @property
    def rows(self) -> int | None:
        """The common length."""
        return self.table.rows

    def columns(self) -> Sequence[ColumnInfo]:
        """The arrays, then the table's columns."""
        return [*self.arrays.columns(), *self.table.columns()]

    def units(self, file: int) -> list[Unit]:
        """Ranges of rows."""
        return self.arrays.units(file)

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """Slices; a table's column is put together where its own chunks end within one."""
        first = unit.start
        for chunk in self.arrays.read(unit, [name for name in names if name in self.arrays.arrays], rows):
            part = self.table.table.select([name for name in names if name not in chunk.values])
            flat = part.slice(first, chunk.rows).combine_chunks()
            columns = {name: storage(flat.column(name).chunk(0)) for name in flat.column_names}
            yield Chunk(chunk.rows, {**chunk.values, **columns})
            first += chunk.rows


@dataclass(frozen=True, slots=True)
class StreamSource:
    """A stream of record batches, which can be read once.

    Attributes:
        reader: the batches that are still to come.
        head: those that were looked at already.
        widths: how long the lists of a column are, as the head tells.
    """

    reader: Any
    head: tuple[Any, ...] = ()
    widths: dict[str, int] = field(default_factory=dict)
    path: str = "data"
    format: str = "arrow"
    rereadable: bool = False
    rows: int | None = None

    def columns(self) -> Sequence[ColumnInfo]:
        """All columns in the stream's order."""
        found = columns_of(self.reader.schema, self.path)
        return [column._replace(width=self.widths.get(column.name, column.width)) for column in found]

    def units(self, file: int) -> list[Unit]:
        """One: who comes second finds the batches gone."""
        return [Unit(file, 0, 0, 0)]

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The batches as they come, cut to size.

        Raises:
            DataError: the stream breaks.
        """
        for batch in self._batches():
            for at in range(0, batch.num_rows, rows):
                yield _chunk(batch.slice(at, rows), names)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            yield from self.head
            yield from self.reader
        except Exception as error:
            # whoever makes the batches may raise anything
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise DataError(f"{self.path}: the stream of record batches breaks: {reason}") from error


def stream_source(reader: pa.RecordBatchReader) -> StreamSource | TableSource:
    """A stream, of which the first batch tells the length of lists; where it does not, all batches are kept."""
    import pyarrow as pa

    open_lists = [column.name for column in columns_of(reader.schema, "data") if column.width is None]
    if not open_lists:
        return StreamSource(reader)
    for first in reader:
        lists = {name: first.column(name).drop_null() for name in open_lists}
        if all(map(len, lists.values())):
            return StreamSource(reader, (first,), {name: len(some[0]) for name, some in lists.items()})
        return TableSource(pa.Table.from_batches([first, *reader], reader.schema))
    return TableSource(reader.schema.empty_table())


def _chunk(batch: pa.RecordBatch, names: Sequence[str]) -> Chunk:
    return Chunk(batch.num_rows, {name: storage(batch.column(name)) for name in names})
