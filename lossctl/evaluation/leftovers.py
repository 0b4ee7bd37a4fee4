"""The dropped rows with all their columns: a second look at just the units that they came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from lossctl.evaluation.complaint import row_numbers
from lossctl.evaluation.partial import Dropped
from lossctl.evaluation.run import Evaluation
from lossctl.readers.arrow import takeable
from lossctl.readers.source import Chunk, whole

if TYPE_CHECKING:
    import pyarrow as pa

ADDED = ("dropped_reason", "dropped_file", "dropped_row")


def dropped_rows(evaluation: Evaluation, called: Mapping[str, str]) -> Iterator[pa.Table]:
    """Dropped rows in file order, a table at a time; the last columns say why and from where.

    Some paths are `called` otherwise.

    Without any, one empty table that names the columns.
    """
    job = evaluation.plan.job
    starts = row_numbers(evaluation.partial)
    pieces: dict[tuple[int, int], list[Dropped]] = {}
    for piece in evaluation.partial.dropped:
        pieces.setdefault((piece.file, piece.unit), []).append(piece)
    for unit in evaluation.plan.units:
        place = unit.file, unit.number
        if place not in pieces:
            continue
        rows = np.concatenate([piece.rows for piece in pieces[place]])
        reasons = [reason for piece in pieces[place] for reason in piece.reasons]
        source = whole(job.sources[place[0]])
        path = called.get(source.path, source.path)
        names = [column.name for column in source.columns()]
        first = 0
        for chunk in source.read(unit, names, job.batch_rows):
            inside = np.flatnonzero((rows >= first) & (rows < first + chunk.rows))
            if len(inside):
                some = [reasons[i] for i in inside]
                yield _table(chunk, rows[inside] - first, some, path, starts[place] + first)
            first += chunk.rows
    if not pieces:
        yield from _empty(evaluation)


def _empty(evaluation: Evaluation) -> Iterator[pa.Table]:
    source = whole(evaluation.plan.job.sources[0])
    names = [column.name for column in source.columns()]
    for unit in islice(evaluation.plan.units, 1):
        for chunk in source.read(unit, names, 1):
            yield _table(chunk, np.empty(0, np.int64), [], source.path, 1)
            return


def _table(chunk: Chunk, rows: np.ndarray, reasons: list[str], path: str, first_row: int) -> pa.Table:
    import pyarrow as pa

    kept = {name: taken(values, rows) for name, values in chunk.values.items()}
    said = (
        pa.array(reasons, pa.string()),
        pa.array([path] * len(rows), pa.string()),
        pa.array(rows + first_row),
    )
    return pa.table({**kept, **dict(zip(ADDED, said, strict=True))})


def taken(values: np.ndarray | pa.Array, rows: np.ndarray) -> pa.Array:
    """Some rows of a column."""
    import pyarrow as pa

    if not isinstance(values, np.ndarray):
        return takeable(values).take(pa.array(rows))
    some = np.ascontiguousarray(values[rows])
    if some.ndim == 1:
        return pa.array(some)
    return pa.FixedSizeListArray.from_arrays(pa.array(some.reshape(-1)), values.shape[1])
