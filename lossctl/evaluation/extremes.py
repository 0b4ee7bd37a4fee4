"""The rows of the highest and lowest losses: found in the pass over the files, their columns read in a second look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lossctl.evaluation.audited import Accumulator
from lossctl.evaluation.complaint import row_numbers
from lossctl.evaluation.leftovers import taken
from lossctl.readers.source import whole

if TYPE_CHECKING:
    import pyarrow as pa

    from lossctl.audit.rows import LossColumn
    from lossctl.evaluation.request import Job
    from lossctl.evaluation.run import Evaluation
    from lossctl.evaluation.work import Judged
    from lossctl.readers.source import Unit

SIDES = ("worst", "best")
ADDED = ("loss_name", "loss_side", "loss_rank", "loss_value", "loss_file", "loss_row")


class Found(NamedTuple):
    """A row and its loss. `order` is what such rows sort by: the highest first, or the lowest; a NaN is the worst.

    `row` is the place in the unit, from 0.
    """

    order: float
    file: int
    unit: int
    row: int
    value: float


class ExtremeRows(NamedTuple):
    """Of each loss the worst and the best rows, in order, as many as are wanted; ties go by file and row."""

    worst: tuple[tuple[Found, ...], ...]
    best: tuple[tuple[Found, ...], ...]
    wanted: tuple[int, int]

    def merge(self, other: ExtremeRows) -> ExtremeRows:
        """Both together."""
        worst, best = (
            tuple(tuple(sorted((*a, *b))[:wanted]) for a, b in zip(one, more, strict=True))
            for one, more, wanted in zip(self[:2], other[:2], self.wanted, strict=True)
        )
        return ExtremeRows(worst, best, self.wanted)

    def behind(self, files: int) -> ExtremeRows:
        """The same with their files counted behind some others."""
        worst, best = (
            tuple(tuple(one._replace(file=one.file + files) for one in some) for some in side) for side in self[:2]
        )
        return ExtremeRows(worst, best, self.wanted)


class Extremes(Accumulator):
    """Keeps a unit's rows of the highest and lowest losses."""

    name = "extremes"

    def __init__(self, job: Job, unit: Unit) -> None:
        self.unit = unit
        self.wanted = job.audit.worst, job.audit.best
        self.found: tuple[list[list[Found]], ...] = tuple([[] for _ in job.losses] for _ in SIDES)

    def begin(self, judged: Judged) -> None:
        """A block comes."""
        self.block = judged.block

    def rows(self, loss: int, column: LossColumn) -> None:
        """Keep what is more extreme than what is kept."""
        for kept, wanted, sign in zip(self.found, self.wanted, (-1.0, 1.0), strict=True):
            if wanted:
                kept[loss] = self._kept(kept[loss], wanted, sign, column)

    def _kept(self, kept: list[Found], wanted: int, sign: float, column: LossColumn) -> list[Found]:
        order = sign * column.losses
        # a later row of the unit that is just as extreme comes behind
        out = kept[-1].order if len(kept) == wanted else np.inf
        if np.isnan(order).any():
            order = np.where(np.isnan(order), sign * np.inf, order)
        inside = order < out if len(kept) == wanted else np.ones(len(order), bool)
        if column.skipped is not None:
            inside &= column.skipped == 0
        rows = np.flatnonzero(inside)
        if len(rows) > wanted:
            rows = rows[np.argsort(order[rows], kind="stable")[:wanted]]
        if not len(rows):
            return kept
        places = self.block.placed(rows).tolist()
        told = zip(order[rows].tolist(), places, column.losses[rows].tolist(), strict=True)
        more = [Found(o, self.unit.file, self.unit.number, place, value) for o, place, value in told]
        return sorted([*kept, *more])[:wanted]

    def part(self) -> ExtremeRows:
        """All that was kept."""
        worst, best = (tuple(map(tuple, kept)) for kept in self.found)
        return ExtremeRows(worst, best, self.wanted)


def extreme_rows(evaluation: Evaluation, called: Mapping[str, str], only: int | None = None) -> Iterator[pa.Table]:
    """The rows of each loss and side with all their columns, by rank; a table for each loss and side.

    Args:
        evaluation: a finished pass that kept them.
        called: what some paths are called otherwise.
        only: one loss of the call; None for all.
    """
    part = evaluation.partial.parts["extremes"]
    assert isinstance(part, ExtremeRows)
    losses = [(i, one) for i, one in enumerate(evaluation.plan.job.losses) if only in (None, i)]
    rows = RowsAgain(evaluation, called, [one for i, _ in losses for one in (*part.worst[i], *part.best[i])])
    for i, settled in losses:
        for side, found in zip(SIDES, (part.worst[i], part.best[i]), strict=True):
            if found:
                yield rows.table(str(settled), side, found)


class RowsAgain:
    """Some rows of the files with all columns, read in one look at just their units."""

    def __init__(self, evaluation: Evaluation, called: Mapping[str, str], found: Sequence[Any]) -> None:
        job = evaluation.plan.job
        self.starts = row_numbers(evaluation.partial)
        self.paths = [called.get(source.path, source.path) for source in job.sources]
        wanted: dict[tuple[int, int], set[int]] = {}
        for one in found:
            wanted.setdefault((one.file, one.unit), set()).add(one.row)
        self.rows: dict[tuple[int, int, int], tuple[int, int]] = {}
        self.pieces: list[pa.Table] = []
        for unit in evaluation.plan.units:
            if (unit.file, unit.number) in wanted:
                self._read(job, unit, np.array(sorted(wanted[unit.file, unit.number])))

    def _read(self, job: Job, unit: Unit, rows: np.ndarray) -> None:
        import pyarrow as pa

        source = whole(job.sources[unit.file])
        first = 0
        for chunk in source.read(unit, [column.name for column in source.columns()], job.batch_rows):
            inside = rows[(rows >= first) & (rows < first + chunk.rows)]
            if len(inside):
                for i, row in enumerate(inside.tolist()):
                    self.rows[unit.file, unit.number, row] = len(self.pieces), i
                self.pieces.append(pa.table({n: taken(v, inside - first) for n, v in chunk.values.items()}))
            first += chunk.rows

    def rows_in_order(self, found: Sequence[Any]) -> pa.Table:
        """The columns of rows that are told by file, unit and row."""
        own = (self.pieces[p].slice(i, 1) for p, i in (self.rows[one.file, one.unit, one.row] for one in found))
        return together(list(own))

    def table(self, loss: str, side: str, found: tuple[Found, ...]) -> pa.Table:
        """Rows in order, with their loss, rank, file and number before their columns."""
        import pyarrow as pa

        table, n = self.rows_in_order(found), len(found)
        said = (
            pa.array([loss] * n, pa.string()),
            pa.array([side] * n, pa.string()),
            pa.array(range(1, n + 1), pa.int64()),
            pa.array([one.value for one in found], pa.float64()),
            pa.array([self.paths[one.file] for one in found], pa.string()),
            pa.array([self.starts[one.file, one.unit] + one.row for one in found], pa.int64()),
        )
        columns = {**dict(zip(ADDED, said, strict=True)), **dict(zip(table.column_names, table.columns, strict=True))}
        return pa.table(columns)


def together(pieces: list[pa.Table]) -> pa.Table:
    """Rows below each other; a column whose types do not go together is text, as dates of a CSV and a Parquet file."""
    import pyarrow as pa

    fields: dict[str, list[pa.Field]] = {}
    for piece in pieces:
        for field in piece.schema:
            fields.setdefault(field.name, []).append(field)
    mixed = {name for name, some in fields.items() if not _unify(some)}
    return pa.concat_tables([_as_text(piece, mixed) for piece in pieces], promote_options="permissive")


def _unify(fields: list[pa.Field]) -> bool:
    import pyarrow as pa

    try:
        pa.unify_schemas([pa.schema([field]) for field in fields], promote_options="permissive")
    except pa.ArrowTypeError:
        return False
    return True


def _as_text(piece: pa.Table, names: set[str]) -> pa.Table:
    for i, field in enumerate(piece.schema):
        if field.name in names:
            piece = piece.set_column(i, field.name, _texts(piece.column(i)))
    return piece


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    import pyarrow as pa

    if not pa.types.is_nested(column.type):
        return column.cast(pa.string())
    return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
