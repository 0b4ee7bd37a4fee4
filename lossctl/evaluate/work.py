"""A unit of work: one range of one file in, one partial out. Runs on any thread or machine, in any order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lossctl.catalogue.spec import BoundLoss
from lossctl.errors import DataError
from lossctl.evaluate.checks import Check, Verdict, checks_for, judge
from lossctl.evaluate.frames import Buffers, Sums, loss_rows, unweighted
from lossctl.evaluate.partial import SHOWN, Dropped, Look, LossPartial, Partial
from lossctl.evaluate.request import Job
from lossctl.evaluate.rows import LossRows
from lossctl.readers.block import Block, Columns, lay

if TYPE_CHECKING:
    import pyarrow as pa

    from lossctl.evaluate.rows import Floats, Whole
    from lossctl.readers.source import Chunk, Unit, Values

# what a row's loss must change by, when the guard is taken away, to count as guarded
GUARDED = 1e-4
_own = threading.local()


@dataclass(frozen=True, slots=True)
class Judged:
    """A block with what the checks said: `skipped` holds a byte a row, or is None where no row is."""

    block: Block
    chunk: Chunk
    verdict: Verdict
    skipped: np.ndarray | None
    weights: Floats | None


def buffers() -> Buffers:
    """This thread's."""
    if not hasattr(_own, "buffers"):
        _own.buffers = Buffers()
    return _own.buffers  # type: ignore[no-any-return]


def judged_blocks(job: Job, unit: Unit, extra: tuple[str, ...] = ()) -> Iterator[Judged]:
    """The blocks of a unit, laid out and checked."""
    checks = checks_for(job.losses, job.classes_count, job.one_hot, "weights" in job.columns)
    names = list(dict.fromkeys([name for group in job.columns.values() for name in group] + list(extra)))
    first = 0
    for chunk in job.sources[unit.file].read(unit, names, job.batch_rows):
        block = Block(first, chunk.rows, {role: _laid(job, role, chunk) for role in job.columns})
        first += chunk.rows
        if chunk.rows:
            yield _judge(job, unit, block, chunk, checks)


def _laid(job: Job, role: str, chunk: Chunk) -> Columns:
    columns = lay([chunk.values[name] for name in job.columns[role]], job.classes if role == "labels" else None)
    return columns if columns.width == job.widths[role] else _widened(job, role, columns)


def _widened(job: Job, role: str, columns: Columns) -> Columns:
    """A block of null lists alone, whose length no row tells, in the width of the others.

    Raises:
        DataError: the lists have another length than those before.
    """
    width, name = job.widths[role], job.columns[role][0]
    missing = columns.faults.get("null")
    if missing is None or not missing.all():
        raise DataError(f"column {name!r} holds lists of {columns.width} numbers behind lists of {width}")
    return replace(lay([np.full((columns.rows, width), np.nan)]), faults=columns.faults)


def _judge(job: Job, unit: Unit, block: Block, chunk: Chunk, checks: list[Check]) -> Judged:
    verdict = judge(block, chunk, checks, job.columns, buffers(), unit)
    skipped = None
    if verdict.reasons and job.on_bad != "keep":
        skipped = np.zeros(block.rows, np.uint8)
        for rows in verdict.reasons.values():
            skipped[rows] = 1
    weights = block.roles.get("weights")
    return Judged(block, chunk, verdict, skipped, None if weights is None else _plain(weights))


def _plain(columns: Columns) -> Floats:
    """A role of one column as a (n,) array of float64."""
    return np.ascontiguousarray(columns.owners[0], dtype=np.float64).reshape(-1)


def ignored_rows(bound: BoundLoss, block: Block) -> np.ndarray | None:
    """A byte a row, 1 where the label is the one that the loss leaves out; None where it leaves out none."""
    if bound.ignored_label is None:
        return None
    ignored: np.ndarray = (_plain(block.roles["labels"]) == bound.ignored_label).astype(np.uint8)
    return ignored


def _either(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    if a is None or b is None:
        return b if a is None else a
    both: np.ndarray = a | b
    return both


def evaluate_unit(job: Job, unit: Unit) -> Partial:
    """The partial of one unit."""
    tally = _Tally(job, unit)
    for judged in judged_blocks(job, unit):
        tally.add(judged)
    return tally.partial()


class _Tally:
    """What a unit adds up while its blocks pass."""

    def __init__(self, job: Job, unit: Unit) -> None:
        self.job, self.unit = job, unit
        self.sums = [Sums() for _ in job.losses]
        self.guarded = [Sums() for _ in job.losses]
        self.result = Partial()
        self.read = 0

    def add(self, judged: Judged) -> None:
        block = judged.block
        unused = np.ones(block.rows, np.uint8)
        for i, bound in enumerate(self.job.losses):
            skipped = _either(judged.skipped, ignored_rows(bound, block))
            losses = loss_rows(bound, block, self.job.one_hot, buffers(), "losses")
            self.sums[i].add(losses, judged.weights, skipped)
            if _may_guard(bound, judged.verdict.looks):
                self._add_guarded(i, bound, judged, losses, skipped)
            unused &= 0 if skipped is None else skipped
        reasons = dict(judged.verdict.reasons) if self.job.on_bad != "keep" else {}
        left = np.flatnonzero(unused if judged.skipped is None else unused & ~judged.skipped & 1)
        if len(left):
            reasons["ignored"] = left
        self._account(judged, reasons)

    def _add_guarded(
        self, i: int, bound: BoundLoss, judged: Judged, losses: Floats, skipped: np.ndarray | None
    ) -> None:
        assert bound.guard is not None
        bare = bound.replace(**{bound.guard.name: 0.0})
        open_losses = loss_rows(bare, judged.block, self.job.one_hot, buffers(), "bare losses")
        with np.errstate(invalid="ignore"):
            untouched = ~(np.abs(open_losses - losses) > GUARDED)
        self.guarded[i].add(losses, judged.weights, _either(untouched.astype(np.uint8), skipped))

    def _account(self, judged: Judged, reasons: dict[str, Whole]) -> None:
        block, unit = judged.block, self.unit
        self.read += block.rows
        bad = {code: len(rows) for code, rows in reasons.items()}
        dropped = (_dropped(unit, block.first, reasons),) if self.job.keep_dropped and reasons else ()
        self.result = Partial(
            {(unit.file, unit.number): self.read},
            self.result.used + block.rows - sum(bad.values()),
            (),
            {code: self.result.bad.get(code, 0) + bad.get(code, 0) for code in {*self.result.bad, *bad}},
            tuple(sorted((*self.result.offences, *judged.verdict.offences))[:SHOWN]),
            {role: look.merge(self.result.looks.get(role, Look())) for role, look in judged.verdict.looks.items()},
            (*self.result.dropped, *dropped),
        )

    def partial(self) -> Partial:
        """All of the unit."""
        losses = [_with_guarded(a.flush(), b.flush()) for a, b in zip(self.sums, self.guarded, strict=True)]
        made = tuple(losses) if "weights" in self.job.columns else unweighted(losses)
        rows = {(self.unit.file, self.unit.number): self.read}
        result = self.result
        return Partial(rows, result.used, made, result.bad, result.offences, result.looks, result.dropped)


def _with_guarded(partial: LossPartial, guarded: LossPartial) -> LossPartial:
    return replace(partial, guarded=guarded.rows, guarded_loss=guarded.loss)


def _may_guard(bound: BoundLoss, looks: dict[str, Look]) -> bool:
    """Whether a block's preds come near enough to 0 or 1 for the guard to act."""
    if bound.guard is None or bound.options.get("from_logits"):
        return False
    epsilon = float(bound.options[bound.guard.name] or 0.0)
    look = looks["preds"]
    mass = max(1.0, look.most_sum)
    return epsilon > 0.0 and (look.least <= epsilon * mass or look.most >= 1.0 - epsilon)


def _dropped(unit: Unit, first: int, reasons: dict[str, Whole]) -> Dropped:
    rows = np.concatenate(list(reasons.values()))
    codes = np.repeat(list(reasons), [len(some) for some in reasons.values()])
    order = np.argsort(rows, kind="stable")
    return Dropped(unit.file, unit.number, rows[order] + first, tuple(codes[order].tolist()))


def unit_rows(job: Job, unit: Unit, first_row: int, ids: tuple[str, ...]) -> Iterator[tuple[int, LossRows]]:
    """Rows read, and the unreduced losses of those used, block by block: w l, and 0 for an ignored row.

    Args:
        first_row: the 1-based number, within its file, of the unit's first row.
        ids: columns to carry along.
    """
    for judged in judged_blocks(job, unit, ids):
        kept = None if judged.skipped is None else np.flatnonzero(judged.skipped == 0)
        losses = {}
        for bound in job.losses:
            values = loss_rows(bound, judged.block, job.one_hot, buffers(), "losses") * (
                1.0 if judged.weights is None else judged.weights
            )
            out = ignored_rows(bound, judged.block)
            values = values if out is None else np.where(out == 1, 0.0, values)
            losses[str(bound)] = values if kept is None else values[kept]
        rows = np.arange(judged.block.rows) + (first_row + judged.block.first)
        carried = {name: _taken(judged.chunk.values[name], kept) for name in ids}
        yield judged.block.rows, LossRows(unit.file, rows if kept is None else rows[kept], losses, carried)


def _taken(values: Values, kept: np.ndarray | None) -> pa.Array:
    import pyarrow as pa

    array = pa.array(values) if isinstance(values, np.ndarray) else values
    return array if kept is None else array.take(pa.array(kept))
