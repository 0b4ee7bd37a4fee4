"""Exact sums in the kernels' own form, until they become a LossPartial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lossctl.audit.moments import LossPartial
from lossctl.kernels import exactsum
from lossctl.kernels.frame import address, called
from lossctl.kernels.machine import accumulate_kernel

if TYPE_CHECKING:
    Floats: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float64]]"
    Bytes: TypeAlias = np.ndarray

# from so many rows a block on, the vectorised sum is worth its kernel
MANY_ROWS = 1 << 13


class Sums:
    """Exact sums of losses in the kernel's own form, until they become a LossPartial."""

    def __init__(self) -> None:
        self.state = np.zeros(exactsum.STATE, np.int64)
        self.extremes = np.array([np.inf, -np.inf])
        self.state_at, self.extremes_at = address(self.state), address(self.extremes)
        self.done = LossPartial()
        self.pending = 0

    def add(self, losses: Floats, weights: Floats | None, skipped: Bytes | None) -> None:
        """Add a block's rows, save those that are skipped."""
        if self.pending + len(losses) > exactsum.FLUSH_ROWS:
            self.flush()
        self.pending += len(losses)
        cut = weights is None and skipped is None and len(losses) >= MANY_ROWS
        fields = (
            len(losses),
            address(losses),
            2 if cut else (0 if weights is None else address(weights)),
            0 if skipped is None else address(skipped),
            self.state_at,
            self.extremes_at,
        )
        called(accumulate_kernel(cut), fields)

    def flush(self) -> LossPartial:
        """All that was added so far."""
        limbs = self.state[: -len(exactsum.COUNTS)].reshape(len(exactsum.SUMS), exactsum.LIMBS)
        sums = dict(zip(exactsum.SUMS, map(exactsum.whole, limbs), strict=True))
        counts = dict(zip(exactsum.COUNTS, self.state[-len(exactsum.COUNTS) :].tolist(), strict=True))
        # + 0.0 makes one zero of the two, whose order would be the rows'
        least, most = (self.extremes + 0.0).tolist()
        self.done = self.done.merge(LossPartial(**counts, **sums, least=least, most=most))
        self.state[:] = 0
        self.pending = 0
        return self.done


def unweighted(partials: Sequence[LossPartial]) -> tuple[LossPartial, ...]:
    """The same partials with each row's weight told as 1, which the kernel leaves out."""

    def one(partial: LossPartial) -> LossPartial:
        rows = partial.rows
        units = rows << exactsum.UNIT_EXPONENT
        return partial._replace(nonzero=rows, weight=units, weight_squares=units, cross=partial.loss)

    return tuple(map(one, partials))
