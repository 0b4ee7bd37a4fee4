"""Sums over the differences of pairs, and how often each side won: what paired tests are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lossctl.audit.moments import LossPartial
from lossctl.audit.sums import Sums, unweighted
from lossctl.evaluation.audited import Accumulator
from lossctl.evaluation.resampled import Resampled

if TYPE_CHECKING:
    from lossctl.audit.bootstrap import Resampler
    from lossctl.audit.rows import LossColumn
    from lossctl.evaluation.identity import Identity
    from lossctl.evaluation.work import Judged


class Outcomes(NamedTuple):
    """Rows by the sign of the difference, model less baseline; without one where both are infinite, or one is NaN."""

    lower: int = 0
    equal: int = 0
    higher: int = 0
    undefined: int = 0

    def merge(self, other: Outcomes) -> Outcomes:
        """Both together."""
        return Outcomes(*(a + b for a, b in zip(self, other, strict=True)))


class Pairs(NamedTuple):
    """Of each track, a model's loss against the baseline's, the sums over its differences and their signs."""

    sums: tuple[LossPartial, ...]
    outcomes: tuple[Outcomes, ...]

    def merge(self, other: Pairs) -> Pairs:
        """Both together."""
        return Pairs(
            tuple(a.merge(b) for a, b in zip(self.sums, other.sums, strict=True)),
            tuple(a.merge(b) for a, b in zip(self.outcomes, other.outcomes, strict=True)),
        )


def no_pairs(tracks: int) -> Pairs:
    """Before any row came."""
    return Pairs((LossPartial(),) * tracks, (Outcomes(),) * tracks)


class PairSums(Accumulator):
    """Adds the differences up."""

    name = "pairs"

    def __init__(self, tracks: int) -> None:
        self.sums = [Sums() for _ in range(tracks)]
        self.outcomes = [Outcomes()] * tracks
        self.weighted = [False] * tracks

    def rows(self, loss: int, column: LossColumn) -> None:
        """A block's differences."""
        self.sums[loss].add(*column)
        self.weighted[loss] |= column.weights is not None
        own = column.losses if column.skipped is None else column.losses[column.skipped == 0]
        told = (int(np.count_nonzero(some)) for some in (own < 0.0, own == 0.0, own > 0.0, np.isnan(own)))
        self.outcomes[loss] = self.outcomes[loss].merge(Outcomes(*told))

    def part(self) -> Pairs:
        """All that was added."""
        sums = [one.flush() for one in self.sums]
        told = [one if said else unweighted([one])[0] for one, said in zip(sums, self.weighted, strict=True)]
        return Pairs(tuple(told), tuple(self.outcomes))


class Draws(Accumulator):
    """Adds each difference to every replicate: as often as is drawn, or with a sign that is.

    Args:
        kind: "poisson" or "sign".
        replicates: how many.
        seed: of the draws.
        identity: the rows' keys.
        tracks: how many there are.
    """

    def __init__(self, kind: str, replicates: int, seed: int, identity: Identity, tracks: int) -> None:
        self.name = kind
        self.drawn = replicates, seed, kind
        self.identity = identity
        self.samplers: list[Resampler | None] = [None] * tracks

    def begin(self, judged: Judged) -> None:
        """A block comes."""
        self.judged = judged

    def rows(self, loss: int, column: LossColumn) -> None:
        """A block's differences."""
        from lossctl.audit.bootstrap import Resampler

        sampler = self.samplers[loss]
        if sampler is None:
            sampler = self.samplers[loss] = Resampler(*self.drawn)
        sampler.add(*column, self.identity.keys(self.judged))

    def part(self) -> Resampled:
        """All that was added."""
        return Resampled(tuple(None if one is None else one.flush() for one in self.samplers))
