"""Sums by cluster, of all rows and within each slice, from which come errors of rows that belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lossctl.audit.clusters import SliceError, cluster_error, numbered, slice_errors
from lossctl.audit.error import Error
from lossctl.audit.grouped import GroupSums
from lossctl.audit.groupmoments import GroupMoments
from lossctl.audit.keyed import Key, KeyedMoments
from lossctl.evaluation.audited import Accumulator
from lossctl.evaluation.by import By, Part
from lossctl.evaluation.slicing import Slicer

if TYPE_CHECKING:
    from lossctl.audit.rows import LossColumn
    from lossctl.evaluation.request import Job
    from lossctl.evaluation.work import Judged


class ClusterSums(NamedTuple):
    """Sums by cluster, one a loss: of all rows, then of each --by's slices by the slice and the cluster."""

    each: tuple[KeyedMoments, ...]

    def merge(self, other: ClusterSums) -> ClusterSums:
        """Both together."""
        return ClusterSums(tuple(a.merge(b) for a, b in zip(self.each, other.each, strict=True)))

    def error(self, loss: int, reduction: str, outputs: int) -> Error | None:
        """How sure a loss over all rows is.

        Args:
            loss: which of the call's.
            reduction: one of ours.
            outputs: by how much the sum over rows falls short of the sum over a row's outputs, where these count.
        """
        stderr, clusters = cluster_error(self.each[0].moments[loss], reduction)
        many = outputs if reduction in ("sum", "batchmean") else 1
        return None if stderr is None else Error(many * stderr, clusters - 1)

    def slices(self, by: int, loss: int, reduction: str, outputs: int, width: int) -> dict[Key, SliceError]:
        """How sure each slice of a --by is, whose keys have so many words; none for sums."""
        if reduction == "sum":
            return {}
        keyed = self.each[1 + by]
        words = len(next(iter(keyed.places), ())) - width
        keys, owners, belongs = numbered(keyed.places, words)
        errors = slice_errors(keyed.moments[loss], np.array(owners, np.int64), np.array(belongs, np.int64), reduction)
        many = outputs if reduction == "batchmean" else 1
        return {key: errors[place].times(many) for place, key in enumerate(keys) if place in errors}


class Clusters(Accumulator):
    """Adds each row to its cluster, and to its cluster within its slices."""

    name = "clusters"

    def __init__(self, job: Job, tracks: int) -> None:
        own = By(tuple(map(Part, job.audit.cluster)))
        crosses = (own, *(By((*by.parts, *own.parts)) for by in job.slices))
        self.slicers = [Slicer(by) for by in crosses]
        self.sums = [[GroupSums() for _ in range(tracks)] for _ in crosses]

    def begin(self, judged: Judged) -> None:
        """A block comes."""
        self.codes = [slicer.codes(judged.chunk) for slicer in self.slicers]

    def rows(self, loss: int, column: LossColumn) -> None:
        """A loss's own rows."""
        for sums, (codes, groups) in zip(self.sums, self.codes, strict=True):
            sums[loss].add(*column, codes, groups)

    def part(self) -> ClusterSums:
        """All that was added."""
        return ClusterSums(tuple(map(self._keyed, self.slicers, self.sums)))

    def _keyed(self, slicer: Slicer, sums: list[GroupSums]) -> KeyedMoments:
        keys, moments = slicer.keys, [one.flush() for one in sums]
        # a loss of the whole file has no rows, which makes groups without any
        empty = GroupMoments.none(groups=len(keys))
        return KeyedMoments.of(keys, [one if len(one) else empty for one in moments])
