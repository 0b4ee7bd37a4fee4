"""A unit of work: one range of one file in, one partial out. Runs on any thread or machine, in any order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lossctl import timing
from lossctl.audit.digest import Digest
from lossctl.audit.moments import LossPartial
from lossctl.audit.rows import LossColumn
from lossctl.audit.sums import Sums, unweighted
from lossctl.errors import DataError
from lossctl.evaluation.audited import audit_columns, audit_of, coded_columns
from lossctl.evaluation.checks import Check, Verdict, checks_for, judge, values_of
from lossctl.evaluation.clip import GUARDS, ClipPart, ClipParts, ClipTally, can_clip
from lossctl.evaluation.frames import Buffers, digest_rows, loss_rows
from lossctl.evaluation.partial import SHOWN, Dropped, Look, Partial
from lossctl.evaluation.pooled import pooled_rows
from lossctl.evaluation.request import Job
from lossctl.evaluation.rows import LossRows
from lossctl.evaluation.settled import Cell, Settled
from lossctl.readers.arrow import takeable
from lossctl.readers.block import Block, Columns, lay_chunk
from lossctl.readers.source import with_codes

if TYPE_CHECKING:
    import pyarrow as pa

    from lossctl.evaluation.rows import Floats, Whole
    from lossctl.readers.source import Chunk, Unit, Values

_own = threading.local()


class Judged(NamedTuple):
    """A block with what the checks said.

    Attributes:
        skipped: a byte a row, 1 where a check stopped it; None where none was.
        masked: likewise, where the mask or the ignored label leaves it out.
        weights: (n,) or, with a weight an output, (D, n); None where there are none.
        class_weights: (n,) what each row's class counts; None where nothing was said.
    """

    block: Block
    chunk: Chunk
    verdict: Verdict
    skipped: np.ndarray | None
    masked: np.ndarray | None
    weights: np.ndarray | None
    class_weights: Floats | None

    def weights_of(self, settled: Settled, column: int | None) -> Floats | None:
        """The (n,) weights of a loss's rows, or of one output's."""
        weights = self.weights
        if weights is not None and weights.ndim == 2:
            weights = weights[0 if column is None else column]
        if not settled.reweighted or self.class_weights is None:
            return weights
        return self.class_weights if weights is None else weights * self.class_weights


def buffers() -> Buffers:
    """This thread's."""
    if not hasattr(_own, "buffers"):
        _own.buffers = Buffers()
    return _own.buffers  # type: ignore[no-any-return]


def judged_blocks(job: Job, unit: Unit, extra: tuple[str, ...] = ()) -> Iterator[Judged]:
    """The blocks of a unit, laid out and checked."""
    return (judged for (judged,) in judged_together((job,), unit, extra))


def judged_together(
    jobs: tuple[Job, ...], unit: Unit, extra: tuple[str, ...] = (), coded: frozenset[str] = frozenset()
) -> Iterator[list[Judged]]:
    """The blocks of a unit that several jobs share, each laid out and checked for each of them.

    Args:
        jobs: whose files are the same.
        unit: of one of them.
        extra: columns that are read besides those of the roles.
        coded: columns that may come as dictionaries.
    """
    checks = [checks_for(job) for job in jobs]
    read = [name for job in jobs for group in job.columns.values() for name in group]
    names = list(dict.fromkeys([*read, *extra]))
    first = 0
    source = jobs[0].sources[unit.file]
    chunks = (with_codes(source, coded) if coded else source).read(unit, names, min(job.batch_rows for job in jobs))
    for chunk in timing.each("decode", chunks):
        if chunk.covered:
            yield [_laid_and_judged(job, unit, first, chunk, held) for job, held in zip(jobs, checks, strict=True)]
        first += chunk.covered


def _laid_and_judged(job: Job, unit: Unit, first: int, chunk: Chunk, checks: list[Check]) -> Judged:
    with timing.Phase("check"):
        if not chunk.rows:
            return Judged(Block(first, 0, {}), chunk, Verdict({}, {}, ()), None, None, None, None)
        try:
            roles = {role: laid(job, role, chunk) for role in job.widths}
        except DataError as error:
            raise DataError(f"{job.sources[unit.file].path}: {error}") from None
        block = Block(first, chunk.rows, roles, chunk.places)
        return _judge(job, unit, block, chunk, checks)


def laid(job: Job, role: str, chunk: Chunk) -> Columns:
    """A role's numbers, where they lie if nothing is to be made of them.

    Raises:
        DataError: lists of differing lengths.
    """
    if role in job.shape.roles:
        from lossctl.evaluation.reshape import reshaped

        return reshaped(job, role, chunk)
    columns = lay_chunk(chunk, job.columns[role], job.classes if role == "labels" else None)
    if columns.width == job.widths[role]:
        return columns
    from lossctl.evaluation.reshape import widened

    return widened(job.columns[role][0], job.widths[role], columns)


def _judge(job: Job, unit: Unit, block: Block, chunk: Chunk, checks: list[Check]) -> Judged:
    verdict = judge(block, chunk, checks, job.columns, buffers(), unit, job.shape)
    skipped = None
    if verdict.reasons and job.on_bad != "keep":
        skipped = np.zeros(block.rows, np.uint8)
        for rows in verdict.reasons.values():
            skipped[rows] = 1
    weights = block.roles.get("weights")
    return Judged(
        block,
        chunk,
        verdict,
        skipped,
        _masked(job, block),
        None if weights is None else _weights(weights),
        None if job.class_weights is None else _class_weights(job, block),
    )


def _plain(columns: Columns) -> Floats:
    """A role of one column as a (n,) array of float64."""
    return np.ascontiguousarray(columns.owners[0], dtype=np.float64).reshape(-1)


def _weights(columns: Columns) -> np.ndarray:
    """(n,) for one column, (D, n) for several."""
    if columns.width == 1:
        return _plain(columns)
    return np.ascontiguousarray(values_of(columns, np.arange(columns.rows)).T)


def _masked(job: Job, block: Block) -> np.ndarray | None:
    """A byte a row, 1 where the mask is 0 or the label is the one that the call leaves out."""
    masked = None
    if "mask" in block.roles:
        masked = (_plain(block.roles["mask"]) == 0.0).astype(np.uint8)
    if job.ignore_index is not None and "labels" in block.roles:
        masked = _either(masked, _labelled(block, job.ignore_index))
    return masked


def _labelled(block: Block, label: int) -> np.ndarray:
    """A byte a row, 1 where it has this label."""
    ignored: np.ndarray = (_plain(block.roles["labels"]) == label).astype(np.uint8)
    return ignored


def _class_weights(job: Job, block: Block) -> Floats:
    """What each row's class counts: of an index its own, of class columns the sum by their shares."""
    assert job.class_weights is not None
    labels, table = block.roles["labels"], np.array(job.class_weights)
    if labels.width > 1:
        values = values_of(labels, np.arange(labels.rows))
        return np.asarray(sum(values[:, k] * weight for k, weight in enumerate(table)))
    index = _plain(labels)
    usable = (index >= 0) & (index < len(table)) & (index == np.floor(index))
    return np.where(usable, table[np.where(usable, index, 0).astype(np.int64)], 1.0)


def left_out(settled: Settled, judged: Judged) -> np.ndarray | None:
    """A byte a row, 1 where the loss leaves it out on purpose; None where it leaves out none."""
    label = settled.core.ignored_label
    own = None if label is None or "labels" not in judged.block.roles else _labelled(judged.block, label)
    return _either(judged.masked, own)


def _either(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    if a is None or b is None:
        return b if a is None else a
    both: np.ndarray = a | b
    return both


def evaluate_unit(jobs: tuple[Job, ...], unit: Unit) -> tuple[Partial, ...]:
    """The partials of one unit, one for each job."""
    tallies = [Tally(job, unit) for job in jobs]
    extra = tuple(name for job in jobs for name in audit_columns(job))
    # what one job reads as it is, it does for all
    coded = frozenset[str].intersection(*map(coded_columns, jobs))
    for together in judged_together(jobs, unit, extra, coded):
        for tally, judged in zip(tallies, together, strict=True):
            tally.add(judged)
    return tuple(tally.partial() for tally in tallies)


class Tally:
    """What a unit adds up while its blocks pass."""

    def __init__(self, job: Job, unit: Unit) -> None:
        self.job, self.unit = job, unit
        self.cells = [settled.cells for settled in job.losses]
        self.sums = [[Sums() for _ in range(settled.sums)] for settled in job.losses]
        guards = GUARDS if job.audit.spread else ()
        self.clips = [ClipTally(one, job.one_hot, buffers(), guards) if can_clip(one) else None for one in job.losses]
        self.audit = audit_of(job, unit)
        self.result = Partial()
        self.digest = Digest()
        self.read = 0

    def add(self, judged: Judged) -> None:
        """A block; one without rows, all of which were left out before, only counts."""
        if not judged.block.rows:
            self._account(judged, {})
            return
        with timing.Phase("digest"):
            self.digest = self.digest.merge(self.digested(judged.block))
        skips: list[np.ndarray | None] = []
        if self.audit:
            self.audit.begin(judged)
        for i, settled in enumerate(self.job.losses):
            skipped = _either(judged.skipped, left_out(settled, judged))
            self._add_loss(i, settled, judged, skipped)
            skips.append(skipped)
        if self.audit:
            self.audit.end(judged, skips)
        reasons = dict(judged.verdict.reasons) if self.job.on_bad != "keep" else {}
        left = _left_by_all(judged, skips)
        if len(left):
            reasons["ignored"] = left
        self._account(judged, reasons)

    def digested(self, block: Block) -> Digest:
        """What tells a block's rows from others."""
        return digest_rows(block, buffers())

    def _add_loss(self, i: int, settled: Settled, judged: Judged, skipped: np.ndarray | None) -> None:
        for c, cell in enumerate(self.cells[i]):
            clip = self.clips[i] if c == 0 else None
            for column, losses, weights in timing.each("kernel", self._values(settled, cell, judged)):
                own = LossColumn(losses, weights, skipped)
                with timing.Phase("sum"):
                    self.sums[i][c].add(*own)
                if clip is not None:
                    clip.add(judged.block, judged.verdict.looks["preds"], skipped, losses, weights, column)
                if self.audit:
                    self.audit.cell(i, c, own)
        if settled.pooled:
            own = pooled_rows(settled, judged, self.job.one_hot, skipped)
            self.sums[i][-1].add(*own)
        if self.audit and not settled.core.loss.parts:
            self.audit.rows(i, own)

    def _values(
        self, settled: Settled, cell: Cell, judged: Judged
    ) -> Iterator[tuple[int | None, Floats, Floats | None]]:
        """The losses that a cell adds up, with their weights: of the rows, or column by column."""
        for column in (None,) if cell.columns is None else cell.columns:
            losses = loss_rows(cell.core, judged.block, self.job.one_hot, buffers(), "losses", column)
            yield column, losses, judged.weights_of(settled, column)

    def _account(self, judged: Judged, reasons: dict[str, Whole]) -> None:
        block, chunk, unit = judged.block, judged.chunk, self.unit
        self.read += chunk.covered
        used = block.rows - sum(map(len, reasons.values()))
        placed = {code: block.placed(rows) for code, rows in reasons.items()}
        placed |= {code: places + block.first for code, places in chunk.left.items()}
        bad = {code: len(rows) for code, rows in placed.items()}
        dropped = (_dropped(unit, placed),) if self.job.keep_dropped and placed else ()
        self.result = Partial(
            {(unit.file, unit.number): self.read},
            self.result.used + used,
            (),
            {code: self.result.bad.get(code, 0) + bad.get(code, 0) for code in {*self.result.bad, *bad}},
            tuple(sorted((*self.result.offences, *judged.verdict.offences))[:SHOWN]),
            # a block without rows has no looks, and takes none away
            {
                **self.result.looks,
                **{r: k.merge(self.result.looks.get(r, Look())) for r, k in judged.verdict.looks.items()},
            },
            (*self.result.dropped, *dropped),
            self.result.filtered + chunk.covered - used - sum(bad.values()),
        )

    def partial(self) -> Partial:
        """All of the unit."""
        clips = [ClipPart() if clip is None else clip.flush() for clip in self.clips]
        made = tuple(map(self._flushed, self.job.losses, self.sums, clips))
        parts = self.audit.parts() if self.audit else {}
        if self.job.audit.spread:
            parts["clips"] = ClipParts(tuple(clips))
        place = self.unit.file, self.unit.number
        return self.result._replace(unit_rows={place: self.read}, losses=made, parts=parts, digest=self.digest)

    def _flushed(self, settled: Settled, sums: list[Sums], touched: ClipPart) -> tuple[LossPartial, ...]:
        partials = [cell.flush() for cell in sums]
        partials[0] = partials[0]._replace(guarded=touched.guarded, guarded_loss=touched.guarded_loss)
        weighted = "weights" in self.job.columns or (settled.reweighted and self.job.class_weights is not None)
        if weighted:
            return tuple(partials)
        # rows that a normaliser weighs have weights all the same
        own = partials if settled.core.loss.normaliser is None else partials[:-1]
        return (*unweighted(own), *partials[len(own) :])


def _left_by_all(judged: Judged, skips: list[np.ndarray | None]) -> Whole:
    """The sound rows that every loss leaves out; `skips` has a byte a row for each loss, or None."""
    found = [skipped for skipped in skips if skipped is not None]
    if len(found) < len(skips):
        return np.empty(0, np.int64)
    unused = np.bitwise_and.reduce(found)
    return np.flatnonzero(unused if judged.skipped is None else unused & ~judged.skipped & 1)


def _dropped(unit: Unit, reasons: dict[str, Whole]) -> Dropped:
    rows = np.concatenate(list(reasons.values()))
    codes = np.repeat(list(reasons), [len(some) for some in reasons.values()])
    order = np.argsort(rows, kind="stable")
    return Dropped(unit.file, unit.number, rows[order], tuple(codes[order].tolist()))


def unit_rows(job: Job, unit: Unit, first_row: int, ids: tuple[str, ...]) -> Iterator[tuple[int, LossRows | None]]:
    """Rows covered, and the unreduced losses of those used, block by block: w l, and 0 for an ignored row.

    Args:
        first_row: the 1-based number, within its file, of the unit's first row.
        ids: columns to carry along.
    """
    for judged in judged_blocks(job, unit, ids):
        if not judged.block.rows:
            yield judged.chunk.covered, None
            continue
        kept = None if judged.skipped is None else np.flatnonzero(judged.skipped == 0)
        losses = {}
        for settled in job.losses:
            out = left_out(settled, judged)
            for name, values in _unreduced(job, settled, judged):
                shown = values if out is None else np.where(out == 1, 0.0, values)
                losses[name] = shown if kept is None else shown[kept]
        rows = judged.block.placed(np.arange(judged.block.rows)) + first_row
        carried = {name: _taken(judged.chunk.values[name], kept) for name in ids}
        yield judged.chunk.covered, LossRows(unit.file, rows if kept is None else rows[kept], losses, carried)


def _unreduced(job: Job, settled: Settled, judged: Judged) -> Iterator[tuple[str, Floats]]:
    """Each column of the unreduced answer: its name, and (n,) w l."""
    columns = range(settled.width) if settled.elements else (None,)
    for name, column in zip(row_names(settled), columns, strict=True):
        losses = loss_rows(settled.core, judged.block, job.one_hot, buffers(), "losses", column)
        weights = judged.weights_of(settled, column)
        yield name, losses * (1.0 if weights is None else weights)


def row_names(settled: Settled) -> tuple[str, ...]:
    """The columns of a loss's unreduced answer: one a row, or one an output where each counts by itself."""
    if not settled.elements or settled.width == 1:
        return (str(settled),)
    return tuple(f"{settled}[{k}]" for k in range(settled.width))


def _taken(values: Values, kept: np.ndarray | None) -> pa.Array:
    import pyarrow as pa

    array = pa.array(values) if isinstance(values, np.ndarray) else values
    return array if kept is None else takeable(array).take(pa.array(kept))
