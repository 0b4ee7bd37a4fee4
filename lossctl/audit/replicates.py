"""Sums of a loss over many resamples of its rows, as exact integers that merge in any order to the same."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from lossctl.audit.moments import LossPartial
from lossctl.audit.wide import Wide
from lossctl.kernels.exactsum import UNIT_EXPONENT, as_float, ratio

# what no finite number is, in the order of `Replicates.odd`
ODD = ("nan", "positive_infinity", "negative_infinity")


class Replicates(NamedTuple):
    """Each replicate's sums, for R replicates of G groups; the sums are integers in units of 2**-1074.

    Attributes:
        kind: "poisson" for the bootstrap, "sign" for signs that flip.
        seed: of the draws.
        rows: rows added.
        weighted: whether these have weights.
        counts: (G, R) int64, drawn rows; of signs, all rows.
        nonzero: (G, R) int64, those of weight other than 0; nothing is told without weights.
        odd: (G, 3, R) int64, drawn rows whose w l is NaN, inf or -inf; (G, 0, R) where there is none.
        loss_first, loss: the sums of w l (see `wide`).
        weight_first, weight: the sums of w.
    """

    kind: str
    seed: int
    rows: int
    weighted: bool
    counts: np.ndarray
    nonzero: np.ndarray
    odd: np.ndarray
    loss_first: int
    loss: np.ndarray
    weight_first: int
    weight: np.ndarray

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self.counts)

    @property
    def replicates(self) -> int:
        """How many replicates there are."""
        return int(self.counts.shape[1])

    def merge(self, other: Replicates) -> Replicates:
        """Both together, where a group has one code in both."""
        return self.added(other, range(other.groups), max(self.groups, other.groups))

    def added(self, other: Replicates, into: Sequence[int] | np.ndarray, groups: int) -> Replicates:
        """Both together.

        Args:
            other: sums of the same kind, seed and number of replicates.
            into: for each of the other's groups, its code among `groups`; no two share one.
            groups: of which this one's are the first.

        Raises:
            ValueError: the two are of different kinds.
        """
        self._refuse_other(other)
        places = np.asarray(into, np.int64)
        loss = self._loss().added(other._loss(), places, groups)
        weight = self._weight().added(other._weight(), places, groups)
        return self._replace(
            rows=self.rows + other.rows,
            weighted=self.weighted or other.weighted,
            counts=_added(self.counts, other.counts, places, groups),
            nonzero=_added(self.nonzero, other.nonzero, places, groups),
            odd=_added(self.odd, other.odd, places, groups),
            loss_first=loss.first,
            loss=loss.limbs,
            weight_first=weight.first,
            weight=weight.limbs,
        )

    def values(self, reduction: str = "mean", group: int = 0) -> tuple[float, ...]:
        """A group's value in each replicate, rounded once; without those whose denominator is 0.

        Args:
            reduction: "mean" (over the sum of weights), "sum", "sum_by_nonzero_weights", or another: over the rows.
            group: its code.
        """
        pairs = zip(self._numerators(group), self._denominators(reduction, group), strict=True)
        return tuple(_quotient(above, below) for above, below in pairs if below)

    def moments(self, group: int = 0) -> Iterator[LossPartial]:
        """A group's sums in each replicate: of losses and weights, with their counts."""
        weights = self._denominators("mean", group)
        odd = self.odd[group].T.tolist() if self.odd.shape[1] else [(0, 0, 0)] * self.replicates
        sums = zip(self._loss().integers(group), weights, self.counts[group].tolist(), odd, strict=True)
        for loss, weight, rows, (nan, positive, negative) in sums:
            yield LossPartial(
                rows,
                rows,
                loss,
                weight=weight,
                nan=nan,
                positive_infinity=positive,
                negative_infinity=negative,
            )

    def left_out(self, reduction: str = "mean", group: int = 0) -> int:
        """How many of a group's replicates have the denominator 0."""
        return sum(not below for below in self._denominators(reduction, group))

    def _numerators(self, group: int) -> Iterator[int | float]:
        """Exact sums, or what no finite number is."""
        odd = self.odd[group].T.tolist() if self.odd.shape[1] else [(0, 0, 0)] * self.replicates
        for units, (nan, positive, negative) in zip(self._loss().integers(group), odd, strict=True):
            if nan or (positive and negative):
                yield math.nan
            elif positive or negative:
                yield math.inf if positive else -math.inf
            else:
                yield units

    def _denominators(self, reduction: str, group: int) -> list[int]:
        """In units, as the sums are."""
        if reduction == "sum":
            return [1 << UNIT_EXPONENT] * self.replicates
        if reduction == "mean" and self.weighted:
            return self._weight().integers(group)
        counts = self.nonzero if reduction == "sum_by_nonzero_weights" and self.weighted else self.counts
        return [count << UNIT_EXPONENT for count in counts[group].tolist()]

    def _loss(self) -> Wide:
        return Wide(self.loss_first, self.loss)

    def _weight(self) -> Wide:
        return Wide(self.weight_first, self.weight)

    def _refuse_other(self, other: Replicates) -> None:
        if (self.kind, self.seed, self.replicates) != (other.kind, other.seed, other.replicates):
            raise ValueError("replicates of another kind, seed or number do not add up")
        if self.rows and other.rows and self.weighted != other.weighted:
            raise ValueError("replicates with weights and without do not add up")


def _quotient(above: int | float, below: int) -> float:
    if isinstance(above, float):
        return above
    return as_float(above) if below == 1 << UNIT_EXPONENT else ratio(above, below)


def _added(one: np.ndarray, other: np.ndarray, into: np.ndarray, groups: int) -> np.ndarray:
    """Counts of both, (groups, R) or (groups, 0 or 3, R)."""
    total = np.zeros((groups, *max(one.shape[1:], other.shape[1:])), np.int64)
    if one.size:
        total[: len(one)] += one
    if other.size:
        total[into] += other
    return total
