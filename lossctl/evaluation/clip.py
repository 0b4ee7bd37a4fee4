"""What a loss's guard does: the rows that it changes, and the value that other guards would give, exactly.

Rows whose preds stay clear of a guard have the same loss with it and without, to the bit. Only the others are
evaluated again: sorted by how small a guard changes them, so that a guard's rows are the first of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lossctl.audit.moments import LossPartial
from lossctl.audit.sums import Sums
from lossctl.catalogue.spec import BoundLoss
from lossctl.evaluation.checks import column_of, values_of
from lossctl.evaluation.frames import Buffers, loss_rows
from lossctl.evaluation.partial import Look
from lossctl.evaluation.settled import Settled
from lossctl.kernels.exactsum import ratio
from lossctl.readers.block import Block, Columns, lay

if TYPE_CHECKING:
    from lossctl.evaluation.rows import Floats, Whole

# what a row's loss must change by, when the guard is taken away, to count as guarded
GUARDED = 1e-4
# besides none and the loss's own
GUARDS = (1e-15, 1e-12, 1e-9, 1e-7, 1e-5, 1e-3)
# what 1 - p may be off by, where 1 - guard is rounded
ROUNDING = 2.3e-16


class Change(NamedTuple):
    """What a guard adds to the sum of the bare losses, in units of 2**-1074, and to the rows that are not finite."""

    loss: int = 0
    nan: int = 0
    positive_infinity: int = 0
    negative_infinity: int = 0

    def plus(self, other: Change, sign: int = 1) -> Change:
        """Both together, or the one without the other."""
        return Change(*(a + sign * b for a, b in zip(self, other, strict=True)))


class ClipPart(NamedTuple):
    """What a guard did to some rows, and what others would.

    Attributes:
        guarded, guarded_loss: rows whose loss the guard changed, and their sum of w l.
        changes: by guard, where others were asked for; the loss's own is among them.
    """

    guarded: int = 0
    guarded_loss: int = 0
    changes: tuple[tuple[float, Change], ...] = ()

    def merge(self, other: ClipPart) -> ClipPart:
        """Both together."""
        both = {guard: change.plus(dict(self.changes).get(guard, Change())) for guard, change in other.changes}
        changes = {**dict(self.changes), **both}
        return ClipPart(
            self.guarded + other.guarded, self.guarded_loss + other.guarded_loss, tuple(sorted(changes.items()))
        )

    def at(self, guard: float, settled: Settled, own: LossPartial) -> LossPartial:
        """The sums of the loss at another guard.

        Args:
            guard: one of those that were asked for.
            settled: the loss.
            own: its sums as they are.
        """
        changes = dict(self.changes)
        mine = Change(*(getattr(own, name) for name in Change._fields))
        there = mine.plus(changes.get(own_guard(settled.core), Change()), -1).plus(changes.get(guard, Change()))
        return own._replace(**there._asdict())

    def to_dict(
        self,
        settled: Settled,
        own: LossPartial,
        value: Callable[[LossPartial], float],
        guards: Sequence[float] = GUARDS,
    ) -> dict[str, Any]:
        """As the JSON has it.

        Args:
            settled: the loss.
            own: its sums as they are.
            value: reduces such sums to a number.
            guards: as the tally had them.
        """
        every = sorted({0.0, own_guard(settled.core), *guards})
        share = ratio(self.guarded_loss, own.loss) if own.loss else None
        at = [{"guard": guard, "value": value(self.at(guard, settled, own))} for guard in every]
        return {"guarded": self.guarded, "share": share, "at": at}


class ClipParts(NamedTuple):
    """What the guard of each loss did."""

    losses: tuple[ClipPart, ...]

    def merge(self, other: ClipParts) -> ClipParts:
        """Both together."""
        return ClipParts(tuple(a.merge(b) for a, b in zip(self.losses, other.losses, strict=True)))


def own_guard(core: BoundLoss) -> float:
    """The guard that a loss has; 0 for none."""
    value = 0.0 if core.guard is None else core.options[core.guard.name]
    return value if isinstance(value, float) else 0.0


def can_clip(settled: Settled) -> bool:
    """Whether a loss has a guard, and one that other numbers could take the place of."""
    core = settled.core
    if core.guard is None or core.loss.parts or core.options.get("from_logits"):
        return False
    return isinstance(core.options[core.guard.name], float) and core.options.get("guard") != "log"


def held_at(core: BoundLoss, guard: float) -> BoundLoss:
    """The loss with another guard, on both sides."""
    assert core.guard is not None
    sides = {"below_one": 0.0} if "below_one" in core.options else {}
    return core.replace(**{core.guard.name: guard, **sides})


class Near(NamedTuple):
    """The rows of a block that some guards change.

    Attributes:
        rows: by the smallest guard that changes each; None for all rows as they come.
        ends: how many of them each guard changes.
        block: their numbers, in that order.
    """

    rows: Whole | None
    ends: tuple[int, ...]
    block: Block


class ClipTally:
    """What a loss's guard does to a unit's rows.

    Args:
        settled: a loss that can clip.
        one_hot: as the job has it.
        buffers: this thread's.
        guards: others to find the sums at, such as GUARDS; without them only the rows that are guarded are counted.
    """

    def __init__(self, settled: Settled, one_hot: bool, buffers: Buffers, guards: Sequence[float] = ()) -> None:
        self.core, self.one_hot, self.buffers = settled.core, one_hot, buffers
        self.vector = not settled.core.loss.elementwise
        self.own = own_guard(settled.core)
        self.others = bool(guards)
        self.guards = sorted({0.0, self.own, *guards})
        self.cores = {guard: held_at(self.core, guard) for guard in self.guards} | {self.own: self.core}
        self.bare = held_at(self.core, 0.0)
        self.touched = Sums()
        self.held = {guard: Sums() for guard in self.guards[1:]}
        self.rings = {guard: Sums() for guard in self.guards[1:]}

    def add(
        self,
        block: Block,
        look: Look,
        skipped: np.ndarray | None,
        losses: Floats,
        weights: Floats | None,
        column: int | None = None,
    ) -> None:
        """Add a block's rows.

        Args:
            block: the rows.
            look: what its preds look like.
            skipped: a byte a row, 1 where it does not count.
            losses: (n,) with the loss's own guard.
            weights: (n,) or None.
            column: of an elementwise loss, the one output that these are of.
        """
        if not self._comes_near(look):
            return
        near = self._near(block, look)
        if not near.block.rows:
            return
        mine = tuple(one if one is None or near.rows is None else one[near.rows] for one in (losses, weights, skipped))
        own, heavy, left = mine
        assert own is not None
        bare = loss_rows(self.bare, near.block, self.one_hot, self.buffers, "bare losses", column)
        self._touch(own, bare, heavy, left)
        start = 0
        for guard, end in zip(self.guards[1:] if self.others else (), near.ends, strict=False):
            held = own[:end] if guard == self.own else self._held(guard, near.block._replace(rows=end), column)
            self.held[guard].add(held, _cut(heavy, 0, end), _cut(left, 0, end))
            self.rings[guard].add(bare[start:end], _cut(heavy, start, end), _cut(left, start, end))
            start = end

    def _held(self, guard: float, block: Block, column: int | None) -> Floats:
        return loss_rows(self.cores[guard], block, self.one_hot, self.buffers, "held losses", column)

    def _touch(self, own: Floats, bare: Floats, weights: Floats | None, skipped: np.ndarray | None) -> None:
        """Count the rows that the loss's own guard changes."""
        with np.errstate(invalid="ignore"):
            left = (~(np.abs(bare - own) > GUARDED)).astype(np.uint8)
        self.touched.add(own, weights, left if skipped is None else left | skipped)

    @property
    def _everywhere(self) -> bool:
        """Whether no row is safe: the guard is added, or holds labels too."""
        guard = self.core.guard
        assert guard is not None
        return guard.param.everywhere or self.core.options.get("guard") in ("add", "clip_add")

    @property
    def _own_reach(self) -> float:
        """How far from 0 or 1 the loss's own guard reaches."""
        said = self.core.options.get("below_one")
        return max(self.own, said if isinstance(said, float) else 0.0)

    @property
    def _reach(self) -> float:
        """How near to 0 or 1 a pred must be for any of the guards to change it."""
        return max(self.guards[-1], self._own_reach)

    def _comes_near(self, look: Look) -> bool:
        """Whether any row may be changed."""
        if self.guards[-1] == 0.0:
            return False
        mass = max(1.0, look.most_sum)
        return self._everywhere or look.least <= self._reach * mass or look.most >= 1.0 - self._reach - ROUNDING

    def _near(self, block: Block, look: Look) -> Near:
        columns = block.roles["preds"]
        count = len(self.guards) - 1
        if not self.others or self._everywhere or (self.vector and columns.width == 1):
            return Near(None, (block.rows,) * count, block)
        rows = self._within_reach(columns, look)
        distance = self._distances(values_of(columns, rows))
        order = np.argsort(distance, kind="stable")
        rows, distance = rows[order], distance[order]
        reaches = [self._own_reach if guard == self.own else guard for guard in self.guards[1:]]
        # the loss's own may reach further on one side than greater guards do
        ends = np.maximum.accumulate(np.searchsorted(distance, reaches, "right"))
        return Near(rows, tuple(ends.tolist()), self._taken(block, rows))

    def _within_reach(self, columns: Columns, look: Look) -> Whole:
        """The rows that any of the guards may change, and perhaps some more."""
        low, high = self._reach * max(1.0, look.most_sum) * (1.0 + 1e-6), 1.0 - self._reach * (1.0 + 1e-6)
        if columns.dtype == "float32":
            # numpy rounds a bound to the numbers' own type
            low, high = np.nextafter(np.float32(low), np.float32(1)), np.nextafter(np.float32(high), np.float32(0))
        found = np.zeros(columns.rows, bool)
        for k in range(columns.width):
            values = column_of(columns, k)
            found |= values <= low
            found |= values >= high
        return np.flatnonzero(found)

    def _distances(self, values: np.ndarray) -> Floats:
        """How small a guard may be and yet change each of some rows, (n,) of (n, K); never too much."""
        least, most = np.fmin.reduce(values, axis=1), np.fmax.reduce(values, axis=1)
        if self.vector:
            # shares are of the sum; 1e-9 is for what is rounded
            least = least / (np.fmax(values.sum(axis=1), 1.0) * (1.0 + 1e-9))
        found: Floats = np.minimum(least, 1.0 - most - ROUNDING)
        return found

    def _taken(self, block: Block, rows: Whole) -> Block:
        """Some rows as a block of their own."""
        roles = {role.name: lay([values_of(block.roles[role.name], rows)]) for role in self.core.loss.roles}
        return Block(0, len(rows), roles)

    def flush(self) -> ClipPart:
        """All that was added so far."""
        touched = self.touched.flush()
        changes: list[tuple[float, Change]] = []
        bare = Change()
        for guard in self.guards[1:] if self.others else ():
            bare = bare.plus(_finite(self.rings[guard].flush()))
            changes.append((guard, _finite(self.held[guard].flush()).plus(bare, -1)))
        return ClipPart(touched.rows, touched.loss, tuple(changes))


def _finite(sums: LossPartial) -> Change:
    return Change(*(getattr(sums, name) for name in Change._fields))


def _cut(values: Any, start: int, end: int) -> Any:
    return None if values is None else values[start:end]
