"""What a unit's rows give besides sums: each accumulator sees every block, and gives a part at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from lossctl.audit.rows import LossColumn, Part
    from lossctl.evaluation.request import Job
    from lossctl.evaluation.work import Judged
    from lossctl.readers.source import Unit


class Accumulator:
    """The base of what looks at rows; each of its methods may be left as it is."""

    name = ""

    def begin(self, judged: Judged) -> None:
        """A block comes."""

    def cell(self, loss: int, cell: int, column: LossColumn) -> None:
        """What one of a loss's sums adds up, of the block; its arrays are used again behind the call."""

    def rows(self, loss: int, column: LossColumn) -> None:
        """A loss's own rows of the block; likewise. A loss of the whole file has none."""

    def end(self, judged: Judged, skips: Sequence[np.ndarray | None]) -> None:
        """The block was gone through; `skips` has a byte a row for each loss, 1 where it leaves it out, or None."""

    def part(self) -> Part:
        """All that was seen."""
        raise NotImplementedError


class UnitAudit:
    """The accumulators of a unit together."""

    def __init__(self, job: Job, unit: Unit, accumulators: Sequence[Accumulator]) -> None:
        self.job, self.unit, self.accumulators = job, unit, accumulators

    def begin(self, judged: Judged) -> None:
        """A block comes.

        Raises:
            DataError: a value that is in no slice, with its row.
        """
        from lossctl.evaluation.slice_column import BadValueError
        from lossctl.evaluation.slicing import refusal

        try:
            for one in self.accumulators:
                one.begin(judged)
        except BadValueError as error:
            place = judged.block.place(error.row)
            raise refusal(error, self.job.sources[self.unit.file], self.unit, place) from None

    def cell(self, loss: int, cell: int, column: LossColumn) -> None:
        """What one of a loss's sums adds up."""
        for one in self.accumulators:
            one.cell(loss, cell, column)

    def rows(self, loss: int, column: LossColumn) -> None:
        """A loss's own rows."""
        for one in self.accumulators:
            one.rows(loss, column)

    def end(self, judged: Judged, skips: Sequence[np.ndarray | None]) -> None:
        """The block was gone through."""
        for one in self.accumulators:
            one.end(judged, skips)

    def parts(self) -> dict[str, Part]:
        """What each gives, by its name."""
        return {one.name: one.part() for one in self.accumulators}


def audit_columns(job: Job) -> tuple[str, ...]:
    """The columns that the audit reads besides the losses' own."""
    named = job.audit.cluster or (job.ids if job.audit.bootstrap else ())
    return (*named, *(name for by in job.slices for name in by.columns))


def coded_columns(job: Job) -> frozenset[str]:
    """The columns whose values are but names of slices, which may come as codes of them."""
    others = {name for names in job.columns.values() for name in names}.union(job.ids, job.audit.cluster)
    return frozenset(name for by in job.slices for name in by.columns) - others


def audit_of(job: Job, unit: Unit) -> UnitAudit | None:
    """What a call asks of a unit's rows; None where it asks for plain numbers alone."""
    asked, tracks = job.audit, len(job.losses)
    some: list[Accumulator] = []
    identity = None
    if asked.bootstrap:
        from lossctl.evaluation.identity import Identity
        from lossctl.evaluation.resampled import Bootstrap

        identity = Identity(job, unit)
        some.append(Bootstrap(job, identity, tracks))
    if asked.sketched:
        from lossctl.evaluation.distribution import Distribution

        some.append(Distribution(tracks))
    if asked.cluster:
        from lossctl.evaluation.clustered import Clusters

        some.append(Clusters(job, tracks))
    if job.slices:
        from lossctl.evaluation.slices import Slices

        bias = None
        if asked.calibration:
            from lossctl.evaluation.reliable import bias_of

            bias = bias_of(job)
        sums, own = [one.sums for one in job.losses], [one.pooled for one in job.losses]
        some.append(Slices(job, identity, sums, own, bias))
    if asked.calibration or asked.decompose:
        from lossctl.evaluation.reliable import reliable

        some += reliable(job)
    if asked.worst or asked.best:
        from lossctl.evaluation.extremes import Extremes

        some.append(Extremes(job, unit))
    return UnitAudit(job, unit, some) if some else None
