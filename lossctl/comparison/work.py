"""A unit of a comparison: each model's sums as in an evaluation, and what the differences of the rows give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lossctl import timing
from lossctl.audit.digest import Digest
from lossctl.audit.rows import LossColumn
from lossctl.comparison.agreement import Agreement
from lossctl.comparison.asked import DRAWS, Comparison
from lossctl.comparison.changes import ChangedRows
from lossctl.comparison.paired import Draws, PairSums
from lossctl.evaluation.audited import Accumulator, UnitAudit, audit_columns
from lossctl.evaluation.checks import Verdict
from lossctl.evaluation.frames import digest_rows
from lossctl.evaluation.identity import Identity
from lossctl.evaluation.partial import SHOWN
from lossctl.evaluation.work import Judged, Tally, buffers, judged_together

if TYPE_CHECKING:
    from lossctl.audit.rows import Part
    from lossctl.evaluation.by import By
    from lossctl.evaluation.partial import Partial
    from lossctl.evaluation.request import Job
    from lossctl.evaluation.rows import Whole
    from lossctl.readers.block import Block
    from lossctl.readers.source import Unit

# what the pairs' sums by cluster are called, and the digest of the rows of all models side by side
CLUSTERS, DIGEST = "pair clusters", "pair digest"


class Contest(NamedTuple):
    """A comparison whose files were opened: all that a unit of work needs.

    Attributes:
        asked: the comparison.
        jobs: one a model, over the same sources.
        own_labels: of each model whether it has labels of its own.
        slices: what the differences are sliced by.
    """

    asked: Comparison
    jobs: tuple[Job, ...]
    own_labels: tuple[bool, ...]
    slices: tuple[By, ...] = ()

    @property
    def pairs_job(self) -> Job:
        """The baseline's job, with what tells the differences' rows and slices apart."""
        job = self.jobs[0]
        return job._replace(slices=self.slices, audit=job.audit._replace(bootstrap=len(self.draws)))

    @property
    def tracks(self) -> tuple[tuple[int, int], ...]:
        """The model and the loss of each track: every other model's losses, in order."""
        return tuple((k, i) for k in range(1, len(self.jobs)) for i in range(len(self.jobs[0].losses)))

    @property
    def paired(self) -> tuple[bool, ...]:
        """Of each loss whether rows have one each, which those of the whole file have not."""
        return tuple(not settled.core.loss.parts for settled in self.jobs[0].losses)

    @property
    def draws(self) -> tuple[str, ...]:
        """The kinds of draws that the tests take."""
        return tuple(DRAWS[test] for test in self.asked.tests if test in DRAWS)

    @property
    def translated(self) -> bool:
        """Whether class names of the models have orders of their own."""
        return self.asked.request.classes is None and self.asked.request.label_map is None


class _OwnTally(Tally):
    """Its digest is of a model's own columns: those that are the baseline's are in that one's."""

    def __init__(self, job: Job, unit: Unit, baseline: Job) -> None:
        super().__init__(job, unit)
        self.lent = {role for role, names in job.columns.items() if baseline.columns.get(role) == names}

    def digested(self, block: Block) -> Digest:
        """What tells a block's rows from others."""
        own = {role: columns for role, columns in block.roles.items() if role not in self.lent}
        return super().digested(block._replace(roles=own or block.roles))


class _Kept(UnitAudit):
    """Keeps the rows' own losses of a block, whose arrays are used again."""

    def __init__(self, job: Job, unit: Unit) -> None:
        super().__init__(job, unit, _clusters(job, len(job.losses)))
        self.columns: list[LossColumn | None] = [None] * len(job.losses)

    def rows(self, loss: int, column: LossColumn) -> None:
        """A loss's own rows."""
        super().rows(loss, column)
        self.columns[loss] = column._replace(losses=column.losses.copy())


def _clusters(job: Job, tracks: int, name: str = "clusters") -> list[Accumulator]:
    """Sums by cluster, where rows belong together."""
    if not job.audit.cluster:
        return []
    from lossctl.evaluation.clustered import Clusters

    found = Clusters(job, tracks)
    found.name = name
    return [found]


def compare_unit(contest: Contest, unit: Unit) -> tuple[Partial, ...]:
    """The partials of one unit, one for each model; the baseline's holds what the pairs gave."""
    jobs = contest.jobs
    tallies = [Tally(jobs[0], unit), *(_OwnTally(job, unit, jobs[0]) for job in jobs[1:])]
    kept = [_Kept(job, unit) for job in jobs]
    for tally, one in zip(tallies, kept, strict=True):
        tally.audit = one
    pairs = _Pairs(contest, unit)
    for together in judged_together(jobs, unit, audit_columns(contest.pairs_job)):
        shared = shared_rows(together)
        pairs.begin(shared)
        for tally, judged in zip(tallies, shared, strict=True):
            tally.add(judged)
        pairs.add(shared[0], [one.columns for one in kept])
    first, *others = (tally.partial() for tally in tallies)
    return first._replace(parts={**first.parts, **pairs.parts()}), *others


class _Pairs:
    """What a unit's pairs give."""

    def __init__(self, contest: Contest, unit: Unit) -> None:
        asked, tracks, job = contest.asked, len(contest.tracks), contest.pairs_job
        some: list[Accumulator] = [PairSums(tracks), *_clusters(job, tracks, CLUSTERS)]
        if contest.draws:
            identity = Identity(job, unit)
            seed = asked.request.audit.seed
            some += [Draws(kind, asked.replicates, seed, identity, tracks) for kind in contest.draws]
        if job.slices:
            from lossctl.evaluation.slices import Slices

            plain = job._replace(audit=job.audit._replace(bootstrap=0))
            some.append(Slices(plain, None, [1] * tracks, [True] * tracks))
        self.contest, self.audit = contest, UnitAudit(job, unit, some)
        self.agreement = Agreement(contest.jobs, contest.own_labels, contest.translated, unit)
        worse = -1.0 if asked.higher_is_better else 1.0
        self.digest = Digest()
        self.changes = ChangedRows(unit, tracks, asked.wanted, worse) if any(asked.wanted) else None

    def begin(self, shared: Sequence[Judged]) -> None:
        """A block comes."""
        if shared[0].block.rows:
            self.agreement.add(shared)
            self.audit.begin(shared[0])
            with timing.Phase("digest"):
                self.digest = self.digest.merge(_digest_together(shared))

    def add(self, judged: Judged, columns: Sequence[Sequence[LossColumn | None]]) -> None:
        """The losses of a block's rows, by model and loss."""
        if not judged.block.rows:
            return
        for track, (k, i) in enumerate(self.contest.tracks):
            baseline, other = columns[0][i], columns[k][i]
            if baseline is None or other is None:
                continue
            with np.errstate(invalid="ignore", over="ignore"):
                differences = other.losses - baseline.losses
            column = LossColumn(differences, baseline.weights, _either(baseline.skipped, other.skipped))
            self.audit.rows(track, column)
            if self.changes:
                self.changes.add(track, judged, column, baseline.losses, other.losses)

    def parts(self) -> dict[str, Part]:
        """What each gives, by its name."""
        found = {**self.audit.parts(), "labels": self.agreement.part(), DIGEST: self.digest}
        return {**found, "changes": self.changes.part()} if self.changes else found


def _digest_together(shared: Sequence[Judged]) -> Digest:
    """Of the rows of all models side by side: it tells which belong together, and which model is which."""
    block = shared[0].block
    roles = {f"{k} {role}": one for k, judged in enumerate(shared) for role, one in judged.block.roles.items()}
    return digest_rows(block._replace(roles=roles), buffers())


def _either(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    if a is None or b is None:
        return b if a is None else a
    both: np.ndarray = a | b
    return both


def shared_rows(together: Sequence[Judged]) -> list[Judged]:
    """A block of each model with only the rows that count for all of them.

    A row that a check stops for some model is stopped for all, under the reason of the first; likewise masked ones.
    """
    skipped = masked = None
    for judged in together:
        skipped, masked = _either(skipped, judged.skipped), _either(masked, judged.masked)
    reasons = _reasons(together)
    offences = tuple(sorted({one for judged in together for one in judged.verdict.offences})[:SHOWN])
    return [
        judged._replace(verdict=Verdict(reasons, judged.verdict.looks, offences), skipped=skipped, masked=masked)
        for judged in together
    ]


def _reasons(together: Sequence[Judged]) -> dict[str, Whole]:
    """The rows that were stopped for some model, each under one reason."""
    found: dict[str, list[Whole]] = {}
    told = np.zeros(together[0].block.rows, bool)
    for judged in together:
        for code, rows in judged.verdict.reasons.items():
            new = rows[~told[rows]]
            if len(new):
                told[new] = True
                found.setdefault(code, []).append(new)
    return {code: np.sort(np.concatenate(rows)) for code, rows in found.items()}
