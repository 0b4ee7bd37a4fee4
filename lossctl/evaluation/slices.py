"""Every statistic by slice, in the one pass over the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress, count, repeat
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from lossctl.audit.grouped import GroupSums
from lossctl.audit.groupmoments import GroupMoments
from lossctl.errors import UsageError
from lossctl.evaluation.audited import Accumulator
from lossctl.evaluation.slicing import Slicer

Bias: TypeAlias = "Callable[[Judged, Sequence[np.ndarray | None]], LossColumn]"

if TYPE_CHECKING:
    from lossctl.audit.asked import Audit
    from lossctl.audit.bootstrap import Resampler
    from lossctl.audit.replicates import Replicates
    from lossctl.audit.rows import LossColumn
    from lossctl.audit.spread import Spread, SpreadPart
    from lossctl.evaluation.by import By
    from lossctl.evaluation.identity import Identity
    from lossctl.evaluation.request import Job
    from lossctl.evaluation.rows import Whole
    from lossctl.evaluation.slicing import Key
    from lossctl.evaluation.work import Judged

# up to so many slices whatever is asked of each is computed
MANY = 10_000
# of a slice's sketch: some twenty buckets of rows, and the like again while parts merge
SPREAD_BYTES = 2048


class SlicePart:
    """What the slices of one --by gave.

    Attributes:
        keys: of each slice, in no order that means anything.
        sums: of each loss, what its sums add up, by slice.
        spreads, replicates: of each loss, where they are wanted.
    """

    __slots__ = ("_places", "keys", "replicates", "spreads", "sums")
    # what makes one
    _fields = ("keys", "sums", "spreads", "replicates")

    def __init__(
        self,
        keys: Sequence[Key],
        sums: tuple[tuple[GroupMoments, ...], ...],
        spreads: tuple[SpreadPart | None, ...],
        replicates: tuple[Replicates | None, ...],
    ) -> None:
        self.keys, self.sums, self.spreads, self.replicates = keys, sums, spreads, replicates
        self._places: dict[Key, int] | None = None

    def merge(self, other: SlicePart) -> SlicePart:
        """Both together: the union of their slices.

        Raises:
            UsageError: more slices than there is memory for, with what is asked of each.
        """
        into, new = self._into(other.keys)
        groups = len(self.keys) + len(new)
        drawn = [replicates.replicates for replicates in self.replicates if replicates is not None]
        refuse_many("--by", groups, drawn, len(self.spreads) - self.spreads.count(None))
        together = SlicePart(
            [*self.keys, *new],
            tuple(
                tuple(a.added(b, into, groups) for a, b in zip(one, more, strict=True))
                for one, more in zip(self.sums, other.sums, strict=True)
            ),
            tuple(
                a.added(b, into, groups) if a is not None and b is not None else None
                for a, b in zip(self.spreads, other.spreads, strict=True)
            ),
            tuple(
                a.added(b, into, groups) if a is not None and b is not None else None
                for a, b in zip(self.replicates, other.replicates, strict=True)
            ),
        )
        # parts merge one into the other, so that a copy for each would be for nothing
        together._places, self._places = self._places, None
        return together

    def _into(self, keys: Sequence[Key]) -> tuple[Whole, Sequence[Key]]:
        """(len(keys),) the places of some keys here, and those that are new, which stand behind."""
        places = self._places if self._places is not None else dict(zip(self.keys, count(), strict=False))
        into = np.fromiter(map(places.get, keys, repeat(-1)), np.int64, len(keys))
        unknown = into < 0
        new = keys if unknown.all() else list(compress(keys, unknown.tolist()))
        fresh = range(len(self.keys), len(self.keys) + len(new))
        into[unknown] = fresh
        places.update(zip(new, fresh, strict=True))
        self._places = places
        return into, new


class SliceParts(NamedTuple):
    """The slices of each --by."""

    each: tuple[SlicePart, ...]

    def merge(self, other: SliceParts) -> SliceParts:
        """Both together."""
        return SliceParts(tuple(a.merge(b) for a, b in zip(self.each, other.each, strict=True)))


def refuse_many(name: str, groups: int, replicates: Sequence[int], sketches: int) -> None:
    """Refuse what would take more than half of the memory for so many slices.

    Args:
        name: of what they are sliced by.
        groups: how many there are by now.
        replicates: how many each loss has, of those that have some.
        sketches: how many losses have one.

    Raises:
        UsageError: naming what to leave out.
    """
    if groups <= MANY:
        return
    from lossctl.audit.bootstrap import bytes_needed
    from lossctl.readers.npy import half_of_memory

    needed = {
        "--bootstrap": sum(bytes_needed(groups, count) for count in replicates),
        "--spread, --quantiles or --hist": groups * sketches * SPREAD_BYTES,
    }
    for flag, size in needed.items():
        if size > half_of_memory():
            raise UsageError(
                f"{name} makes {groups:,} slices or more, for which {flag} would take {size / 1e9:,.1f} GB, "
                "over half of this machine's memory; leave it out, or slice by what has fewer values"
            )


def _spread() -> Spread:
    from lossctl.audit.spread import Spread

    return Spread()


def _resampler(audit: Audit) -> Resampler:
    from lossctl.audit.bootstrap import Resampler

    return Resampler(audit.bootstrap, audit.seed)


class _Sliced:
    """A unit's slices of one --by."""

    def __init__(self, by: By, sums: Sequence[int], job: Job) -> None:
        self.slicer = Slicer(by)
        self.sums = [[GroupSums() for _ in range(count)] for count in sums]
        audit = job.audit
        # what is no loss has no rows, nor has a loss of the whole file
        rows = [i < len(job.losses) and not job.losses[i].core.loss.parts for i in range(len(sums))]
        self.spreads = [_spread() if audit.sketched and own else None for own in rows]
        self.replicates = [_resampler(audit) if audit.bootstrap and own else None for own in rows]

    def part(self) -> SlicePart:
        return SlicePart(
            self.slicer.keys,
            tuple(tuple(one.flush() for one in some) for some in self.sums),
            tuple(None if one is None else one.flush() for one in self.spreads),
            tuple(None if one is None else one.flush() for one in self.replicates),
        )


class Slices(Accumulator):
    """Adds each row to its slices.

    Args:
        job: whose `slices` they are.
        identity: the rows' keys, for replicates.
        sums: how many sums each loss keeps.
        own: of each loss whether its last sum is of the rows' own losses, beside those of its cells.
        bias: what else is added up of a block, behind the losses, with what each of them leaves out.
    """

    name = "slices"

    def __init__(
        self,
        job: Job,
        identity: Identity | None,
        sums: Sequence[int],
        own: Sequence[bool],
        bias: Bias | None = None,
    ) -> None:
        self.identity, self.own, self.bias, self.losses = identity, own, bias, len(sums)
        tracks = sums if bias is None else (*sums, 1)
        self.sliced = [_Sliced(by, tracks, job) for by in job.slices]

    def begin(self, judged: Judged) -> None:
        """A block comes.

        Raises:
            UsageError: more slices than there is memory for, with what is asked of each.
        """
        self.judged = judged
        self.codes = [one.slicer.codes(judged.chunk) for one in self.sliced]
        for one, (_, groups) in zip(self.sliced, self.codes, strict=True):
            drawn = [sampler.replicates for sampler in one.replicates if sampler is not None]
            refuse_many(f"--by {one.slicer.by}", groups, drawn, len(one.spreads) - one.spreads.count(None))

    def cell(self, loss: int, cell: int, column: LossColumn) -> None:
        """What one of a loss's sums adds up."""
        for one, (codes, groups) in zip(self.sliced, self.codes, strict=True):
            one.sums[loss][cell].add(*column, codes, groups)

    def rows(self, loss: int, column: LossColumn) -> None:
        """A loss's own rows."""
        for one, (codes, groups) in zip(self.sliced, self.codes, strict=True):
            if self.own[loss]:
                one.sums[loss][-1].add(*column, codes, groups)
            spread, replicates = one.spreads[loss], one.replicates[loss]
            if spread is not None:
                spread.add(*column, codes, groups)
            if replicates is not None:
                assert self.identity is not None
                replicates.add(*column, self.identity.keys(self.judged), codes, groups)

    def end(self, judged: Judged, skips: Sequence[np.ndarray | None]) -> None:
        """The block was gone through."""
        if self.bias is not None:
            self.cell(self.losses, 0, self.bias(judged, skips))

    def part(self) -> SliceParts:
        """All that was added."""
        return SliceParts(tuple(one.part() for one in self.sliced))
