"""Replicates of each loss in the one pass over the rows."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, NamedTuple

from lossctl.audit.bootstrap import Resampler
from lossctl.audit.replicates import Replicates
from lossctl.evaluation.audited import Accumulator

if TYPE_CHECKING:
    from lossctl.audit.rows import LossColumn
    from lossctl.evaluation.identity import Identity
    from lossctl.evaluation.request import Job
    from lossctl.evaluation.settled import Settled
    from lossctl.evaluation.work import Judged


class Resampled(NamedTuple):
    """The replicates of each loss.

    Attributes:
        losses: of its rows; None where it has none.
        cells: of each of its sums, where it is a function of these over all rows.
    """

    losses: tuple[Replicates | None, ...]
    cells: tuple[tuple[Replicates, ...], ...] = ()

    def merge(self, other: Resampled) -> Resampled:
        """Both together."""
        pairs = zip(self.losses, other.losses, strict=True)
        cells = zip(self.cells, other.cells, strict=True)
        return Resampled(
            tuple(b if a is None else a if b is None else a.merge(b) for a, b in pairs),
            tuple(tuple(a.merge(b) for a, b in zip(one, more, strict=True)) for one, more in cells),
        )


def resamples(settled: Settled) -> bool:
    """Whether a loss of the whole file is made anew in each replicate: not from what was found by a look ahead."""
    core = settled.core.loss
    extremes = any(name.startswith("largest_") for name in inspect.signature(core.function).parameters)
    return bool(core.parts) and not settled.asked.looks_ahead and not extremes


class Bootstrap(Accumulator):
    """Adds each row to every replicate, as often as is drawn."""

    name = "bootstrap"

    def __init__(self, job: Job, identity: Identity, tracks: int) -> None:
        self.identity = identity
        self.samplers: list[Resampler | None] = [None] * tracks
        self.audit = job.audit
        self.cells = [
            [Resampler(self.audit.bootstrap, self.audit.seed) for _ in one.cells] if resamples(one) else []
            for one in (job.losses if tracks == len(job.losses) else ())
        ]

    def begin(self, judged: Judged) -> None:
        """A block comes."""
        self.judged = judged

    def cell(self, loss: int, cell: int, column: LossColumn) -> None:
        """What one of a loss's sums adds up."""
        if self.cells and self.cells[loss]:
            self.cells[loss][cell].add(*column, self.identity.keys(self.judged))

    def rows(self, loss: int, column: LossColumn) -> None:
        """A loss's own rows."""
        sampler = self.samplers[loss]
        if sampler is None:
            sampler = self.samplers[loss] = Resampler(self.audit.bootstrap, self.audit.seed)
        sampler.add(*column, self.identity.keys(self.judged))

    def part(self) -> Resampled:
        """All that was added."""
        return Resampled(
            tuple(None if one is None else one.flush() for one in self.samplers),
            tuple(tuple(one.flush() for one in some) for some in self.cells),
        )
