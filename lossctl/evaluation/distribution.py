"""How each loss's rows are spread, in the one pass over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lossctl.audit.spread import Spread, SpreadPart
from lossctl.evaluation.audited import Accumulator

if TYPE_CHECKING:
    from lossctl.audit.rows import LossColumn


class Distributions(NamedTuple):
    """A sketch of each loss; None where it has no rows."""

    losses: tuple[SpreadPart | None, ...]

    def merge(self, other: Distributions) -> Distributions:
        """Both together."""
        pairs = zip(self.losses, other.losses, strict=True)
        return Distributions(tuple(b if a is None else a if b is None else a.merge(b) for a, b in pairs))


class Distribution(Accumulator):
    """Counts each row in its bucket."""

    name = "distribution"

    def __init__(self, tracks: int) -> None:
        self.spreads: list[Spread | None] = [None] * tracks

    def rows(self, loss: int, column: LossColumn) -> None:
        """A loss's own rows."""
        spread = self.spreads[loss]
        if spread is None:
            spread = self.spreads[loss] = Spread()
        spread.add(*column)

    def part(self) -> Distributions:
        """All that was counted."""
        return Distributions(tuple(None if one is None else one.flush() for one in self.spreads))
