"""One pass over files: every column summed up, unit by unit, and the rows of families."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lossctl.evaluation.column import Column, RowSums, numbers_of, row_sums
from lossctl.evaluation.executors import executor_for
from lossctl.evaluation.families import families
from lossctl.readers.source import ColumnInfo, Source, Unit

if TYPE_CHECKING:
    from lossctl.readers.source import Values

# rows that are summed up at a time, and numbers of all columns together
ROWS, CELLS = 1 << 16, 1 << 23
# columns that make it worth while to take several units of few rows at a time
MANY = 500
# units done, and how many there are where that is known
Progress = Callable[[int, int | None], None]


class Reading(NamedTuple):
    """What is read of each file: its columns, and which of them are families."""

    sources: tuple[Source, ...]
    columns: tuple[tuple[ColumnInfo, ...], ...]
    families: tuple[dict[str, tuple[str, ...]], ...]


class Found(NamedTuple):
    """What some units hold: columns and families by name, (file, unit) to the rows that are there, and those read."""

    columns: dict[str, Column]
    sums: dict[str, RowSums]
    unit_rows: dict[tuple[int, int], int]
    rows: int = 0

    def merge(self, other: Found) -> Found:
        """Both together; the order does not matter."""
        columns, sums = dict(self.columns), dict(self.sums)
        for name, column in other.columns.items():
            columns[name] = columns[name].merge(column) if name in columns else column
        for prefix, some in other.sums.items():
            sums[prefix] = some.merge(sums.get(prefix))
        return Found(columns, sums, {**self.unit_rows, **other.unit_rows}, self.rows + other.rows)


class Bundle(Unit):
    """Some units of one file that follow each other."""

    units: tuple[Unit, ...]


def gathered(sources: tuple[Source, ...], threads: int, progress: Progress | None = None) -> tuple[Reading, Found]:
    """Read everything once; memory stays bounded.

    Raises:
        DataError: a file that cannot be read.
    """
    columns = tuple(tuple(source.columns()) for source in sources)
    reading = Reading(sources, columns, tuple(map(families, columns)))
    units = [source.units(i) for i, source in enumerate(sources)]
    total = sum(len(some) for some in units if isinstance(some, Sequence))
    countable = all(isinstance(some, Sequence) for some in units)
    bundles = (bundle for some, infos in zip(units, columns, strict=True) for bundle in _bundled(some, len(infos)))
    found = Found({info.name: Column() for infos in columns for info in infos}, {}, {})
    for answer in executor_for(threads).run(gather_unit, reading, bundles):
        found = found.merge(answer)
        if progress is not None:
            progress(len(found.unit_rows), total if countable else None)
    return reading, found


def _bundled(units: Iterable[Unit], columns: int) -> Iterator[Bundle]:
    coming = iter(units)
    while some := tuple(islice(coming, 1 + columns // MANY)):
        bundle = Bundle(*some[0])
        bundle.units = some
        yield bundle


def gather_unit(reading: Reading, bundle: Unit) -> Found:
    """What some units of a file hold."""
    assert isinstance(bundle, Bundle)
    names = [info.name for info in reading.columns[bundle.file]]
    together = _Together(names, reading.families[bundle.file])
    unit_rows: dict[tuple[int, int], int] = {}
    rows = 0
    for unit in bundle.units:
        covered = 0
        for chunk in reading.sources[unit.file].read(unit, names, ROWS):
            covered, rows = covered + chunk.covered, rows + chunk.rows
            if chunk.rows:
                together.add(chunk.rows, chunk.values)
        unit_rows[unit.file, unit.number] = covered
    together.flush()
    return Found(together.columns, together.sums, unit_rows, rows)


class _Together:
    """Chunks of few rows are put together before they are summed up: what a column costs is the same for any rows."""

    def __init__(self, names: Sequence[str], groups: dict[str, tuple[str, ...]]) -> None:
        self.names, self.groups = names, groups
        self.columns = {name: Column() for name in names}
        self.sums: dict[str, RowSums] = {}
        self.held: list[dict[str, Values]] = []
        self.rows = 0

    def add(self, rows: int, values: dict[str, Values]) -> None:
        """A chunk."""
        self.held.append(values)
        self.rows += rows
        if self.rows >= ROWS or self.rows * len(self.names) >= CELLS:
            self.flush()

    def flush(self) -> None:
        """Sum up what is held."""
        joined = {name: _joined([chunk[name] for chunk in self.held]) for name in self.names}
        for name, column in self.columns.items():
            for values in joined[name]:
                column.add(values)
        for prefix, members in self.groups.items():
            whole = all(len(joined[name]) == 1 for name in members)
            for chunk in [{name: joined[name][0] for name in members}] if whole else self.held:
                self._add_sums(prefix, [_with_nan(chunk[name]) for name in members])
        self.held, self.rows = [], 0

    def _add_sums(self, prefix: str, columns: list[np.ndarray | None]) -> None:
        numbers = [column for column in columns if column is not None]
        if len(numbers) == len(columns):
            self.sums[prefix] = row_sums(numbers).merge(self.sums.get(prefix))


def _joined(pieces: list[Values]) -> list[Values]:
    """The pieces as one, where they are of one type."""
    if len(pieces) < 2:
        return pieces
    if all(isinstance(piece, np.ndarray) for piece in pieces):
        return [np.concatenate(pieces)]
    import pyarrow as pa

    kinds = {getattr(piece, "type", None) for piece in pieces}
    if len(kinds) > 1 or None in kinds or pa.types.is_dictionary(*kinds):
        return pieces
    return [pa.concat_arrays(pieces)]


def _with_nan(values: Values) -> np.ndarray | None:
    """A column's numbers, NaN for null; None where it holds others."""
    if isinstance(values, np.ndarray):
        return values if values.ndim == 1 and values.dtype.kind in "iufb" else None
    import pyarrow as pa

    types, kind = pa.types, values.type
    if types.is_null(kind):
        return np.full(len(values), np.nan)
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
        return None
    if not values.null_count:
        return numbers_of(values)
    if types.is_boolean(kind) or types.is_float16(kind):
        values = values.cast(pa.uint8() if types.is_boolean(kind) else pa.float32())
    return numbers_of(values.cast(pa.float64(), safe=False).fill_null(float("nan")))
