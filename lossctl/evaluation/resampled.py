"""Replicates of each loss in the one pass over the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lossctl.audit.bootstrap import Resampler
from lossctl.audit.replicates import Replicates
from lossctl.evaluation.audited import Accumulator

if TYPE_CHECKING:
    from lossctl.audit.rows import LossColumn
    from lossctl.evaluation.identity import Identity
    from lossctl.evaluation.request import Job
    from lossctl.evaluation.work import Judged


class Resampled(NamedTuple):
    """The replicates of each loss; None where it has no rows."""

    losses: tuple[Replicates | None, ...]

    def merge(self, other: Resampled) -> Resampled:
        """Both together."""
        pairs = zip(self.losses, other.losses, strict=True)
        return Resampled(tuple(b if a is None else a if b is None else a.merge(b) for a, b in pairs))


class Bootstrap(Accumulator):
    """Adds each row to every replicate, as often as is drawn."""

    name = "bootstrap"

    def __init__(self, job: Job, identity: Identity, tracks: int) -> None:
        self.identity = identity
        self.samplers: list[Resampler | None] = [None] * tracks
        self.audit = job.audit

    def begin(self, judged: Judged) -> None:
        """A block comes."""
        self.judged = judged

    def rows(self, loss: int, column: LossColumn) -> None:
        """A loss's own rows."""
        sampler = self.samplers[loss]
        if sampler is None:
            sampler = self.samplers[loss] = Resampler(self.audit.bootstrap, self.audit.seed)
        sampler.add(*column, self.identity.keys(self.judged))

    def part(self) -> Resampled:
        """All that was added."""
        return Resampled(tuple(None if one is None else one.flush() for one in self.samplers))
