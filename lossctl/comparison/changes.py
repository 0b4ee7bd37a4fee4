"""The rows whose loss changed most, worsened most and improved most: found in the pass, and shown by a second look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lossctl.comparison.asked import SIDES
from lossctl.evaluation.extremes import RowsAgain

if TYPE_CHECKING:
    import pyarrow as pa

    from lossctl.audit.rows import Floats, LossColumn
    from lossctl.evaluation.run import Evaluation
    from lossctl.evaluation.work import Judged
    from lossctl.readers.source import Unit

Numbers = tuple[int, int, int]
ADDED = (
    *("loss_name", "loss_model", "loss_side", "loss_rank"),
    *("loss_difference", "loss_of_baseline", "loss_of_model", "loss_file", "loss_row"),
)


class Change(NamedTuple):
    """A row, its two losses and their difference; what such rows sort by is first. `row` is its place in the unit."""

    order: float
    file: int
    unit: int
    row: int
    value: float
    baseline: float
    other: float


class Changes(NamedTuple):
    """Of each side and each track, the rows in order, as many as are wanted; ties go by file and row."""

    sides: tuple[tuple[tuple[Change, ...], ...], ...]
    wanted: Numbers

    def merge(self, other: Changes) -> Changes:
        """Both together."""
        sides = (
            tuple(tuple(sorted((*a, *b))[:wanted]) for a, b in zip(one, more, strict=True))
            for one, more, wanted in zip(self.sides, other.sides, self.wanted, strict=True)
        )
        return Changes(tuple(sides), self.wanted)


class ChangedRows:
    """Keeps a unit's rows of the greatest differences, of each track; `worse` is 1 where more is worse, else -1."""

    def __init__(self, unit: Unit, tracks: int, wanted: Numbers, worse: float) -> None:
        self.unit, self.wanted, self.worse = unit, wanted, worse
        self.kept: list[list[list[Change]]] = [[[] for _ in range(tracks)] for _ in SIDES]

    def add(self, track: int, judged: Judged, column: LossColumn, baseline: Floats, other: Floats) -> None:
        """A block's differences, with the losses that they are of."""
        worsened = self.worse * column.losses
        orders = -np.abs(worsened), -worsened, worsened
        for kept, order, wanted in zip(self.kept, orders, self.wanted, strict=True):
            if wanted:
                last = kept[track][-1].order if len(kept[track]) == wanted else np.inf
                rows = _foremost(order, column.skipped, wanted, last)
                found = self._found(judged, rows, order, column.losses, baseline, other)
                kept[track] = sorted([*kept[track], *found])[:wanted]

    def _found(self, judged: Judged, rows: np.ndarray, order: Floats, *numbers: Floats) -> list[Change]:
        orders = np.where(np.isnan(order[rows]), -np.inf, order[rows]).tolist()
        places = judged.block.placed(rows).tolist()
        told = zip(orders, places, *(some[rows].tolist() for some in numbers), strict=True)
        return [Change(o, self.unit.file, self.unit.number, place, *losses) for o, place, *losses in told]

    def part(self) -> Changes:
        """All that was kept."""
        return Changes(tuple(tuple(map(tuple, side)) for side in self.kept), self.wanted)


def _foremost(order: Floats, skipped: np.ndarray | None, wanted: int, last: float) -> np.ndarray:
    """The rows that may be among those wanted: the first of them in order, of equal ones the first in the file."""
    order = np.where(np.isnan(order), -np.inf, order)
    rows = np.flatnonzero(order <= last) if skipped is None else np.flatnonzero((order <= last) & (skipped == 0))
    return rows if len(rows) <= wanted else rows[np.argsort(order[rows], kind="stable")[:wanted]]


def changed_rows(
    evaluation: Evaluation, called: Mapping[str, str], tracks: Mapping[int, tuple[str, str]]
) -> Iterator[tuple[int, str, pa.Table]]:
    """The rows of each track and side with all columns of all models, by rank: track, side and table.

    Args:
        evaluation: the baseline's finished pass.
        called: what some paths are called otherwise.
        tracks: those to tell, with the loss and the model of each.
    """
    import pyarrow as pa

    part = evaluation.partial.parts.get("changes")
    if part is None:
        return
    assert isinstance(part, Changes)
    chosen = [one for side in part.sides for track in tracks for one in side[track]]
    again: Any = RowsAgain(evaluation, called, chosen)
    for track, (loss, model) in tracks.items():
        for name, side in zip(SIDES, part.sides, strict=True):
            found, n = side[track], len(side[track])
            if found:
                said = (
                    *(pa.array([text] * n, pa.string()) for text in (loss, model, name)),
                    pa.array(range(1, n + 1), pa.int64()),
                    *(pa.array([getattr(one, of) for one in found], pa.float64()) for of in Change._fields[4:]),
                    pa.array([again.paths[one.file] for one in found], pa.string()),
                    pa.array([again.starts[one.file, one.unit] + one.row for one in found], pa.int64()),
                )
                rows = again.rows_in_order(found)
                columns = dict(zip(rows.column_names, rows.columns, strict=True))
                yield track, name, pa.table({**dict(zip(ADDED, said, strict=True)), **columns})
