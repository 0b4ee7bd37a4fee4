"""Arrow data in memory as a source: tables by ranges of rows, columns of several kinds, streams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lossctl.readers.arrow import column, columns_of, storage, tops_of
from lossctl.readers.batches import BatchStream
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
        part = self.table.select(tops_of(self.table.schema, names)).slice(unit.start, unit.stop - unit.start)
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
            others = [name for name in names if name not in chunk.values]
            part = self.table.table.select(tops_of(self.table.table.schema, others))
            (batch,) = part.slice(first, chunk.rows).combine_chunks().to_batches()
            yield Chunk(chunk.rows, {**chunk.values, **_chunk(batch, others).values})
            first += chunk.rows


def stream_source(reader: pa.RecordBatchReader) -> BatchStream:
    """A stream of record batches, which can be read once."""
    return BatchStream("data", lambda: reader, False, "stream of record batches")


def _chunk(batch: pa.RecordBatch, names: Sequence[str]) -> Chunk:
    return Chunk(batch.num_rows, {name: storage(column(batch, name)) for name in names})
