"""The exact sums of one loss over some rows, as Python integers. They merge in any order to the same bits."""

from __future__ import annotations

import math
from typing import NamedTuple


class LossPartial(NamedTuple):
    """The sums of one loss over some rows; the sums are integers in units of 2**-1074.

    Attributes:
        rows, nonzero: rows added, and those of weight other than 0.
        loss, squares, weight, weight_squares, cross: sums of w l, (w l)^2, w, w^2 and w (w l).
        nan, positive_infinity, negative_infinity: rows whose w l is no finite number.
        least, most: of the unweighted losses.
        guarded, guarded_loss: rows whose loss the guard changed, and their sum of w l.
    """

    rows: int = 0
    nonzero: int = 0
    loss: int = 0
    squares: int = 0
    weight: int = 0
    weight_squares: int = 0
    cross: int = 0
    nan: int = 0
    positive_infinity: int = 0
    negative_infinity: int = 0
    least: float = math.inf
    most: float = -math.inf
    guarded: int = 0
    guarded_loss: int = 0

    def merge(self, other: LossPartial) -> LossPartial:
        """Both together."""
        added = {
            name: getattr(self, name) + getattr(other, name) for name in self._fields if name not in ("least", "most")
        }
        return LossPartial(**added, least=min(self.least, other.least), most=max(self.most, other.most))

    def minus(self, part: LossPartial) -> LossPartial:
        """The rows that are not among some of them; their extremes are not known."""
        left = {
            name: getattr(self, name) - getattr(part, name) for name in self._fields if name not in ("least", "most")
        }
        return LossPartial(**left)

    @property
    def special(self) -> float | None:
        """NaN or infinity where a row's loss is, else None."""
        if self.nan or (self.positive_infinity and self.negative_infinity):
            return math.nan
        if self.positive_infinity or self.negative_infinity:
            return math.inf if self.positive_infinity else -math.inf
        return None
