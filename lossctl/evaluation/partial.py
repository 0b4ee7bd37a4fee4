"""What one unit of work gives back: counts and exact sums as Python integers. Merges in any order to the same bits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from lossctl.audit.digest import Digest
from lossctl.audit.moments import LossPartial

if TYPE_CHECKING:
    from lossctl.audit.rows import Part
    from lossctl.evaluation.rows import Whole

SHOWN = 5


class Offence(NamedTuple):
    """A row that a check stopped: where it stands, what it holds and the reason's code."""

    file: int
    unit: int
    row: int
    column: str
    value: str
    reason: str
    expected: str


class Look(NamedTuple):
    """What the scan of a role saw, over all rows and columns."""

    least: float = math.inf
    most: float = -math.inf
    unnormalised: int = 0
    least_sum: float = math.inf
    most_sum: float = -math.inf

    def merge(self, other: Look) -> Look:
        """Both together."""
        return Look(
            min(self.least, other.least),
            max(self.most, other.most),
            self.unnormalised + other.unnormalised,
            min(self.least_sum, other.least_sum),
            max(self.most_sum, other.most_sum),
        )


class Dropped(NamedTuple):
    """Rows of a unit that were left out: (n,) places within it, and each one's reason."""

    file: int
    unit: int
    rows: Whole
    reasons: tuple[str, ...]


# what starts empty and is never written to
EMPTY: Mapping[Any, Any] = {}


class Partial(NamedTuple):
    """All that some units gave.

    Attributes:
        unit_rows: (file, unit) to the rows that are there; from these come row numbers.
        used: rows that some loss used.
        losses: each loss's cells, in the order of the call.
        bad: reason to the number of rows.
        offences: the first few, in file order.
        looks: role to what its scan saw.
        dropped: the rows left out, where they are asked for.
        filtered: rows that a filter kept from being read.
        parts: what the audit asked for, by name.
        digest: of the numbers of all rows that were read.
    """

    unit_rows: Mapping[tuple[int, int], int] = EMPTY
    used: int = 0
    losses: tuple[tuple[LossPartial, ...], ...] = ()
    bad: Mapping[str, int] = EMPTY
    offences: tuple[Offence, ...] = ()
    looks: Mapping[str, Look] = EMPTY
    dropped: tuple[Dropped, ...] = ()
    filtered: int = 0
    parts: Mapping[str, Part] = EMPTY
    digest: Digest = Digest()

    def merge(self, other: Partial) -> Partial:
        """Both together; the order does not matter."""
        if not self.unit_rows:
            return other
        if not other.unit_rows:
            return self
        bad = {r: self.bad.get(r, 0) + other.bad.get(r, 0) for r in sorted({*self.bad, *other.bad})}
        looks = {
            role: self.looks.get(role, Look()).merge(other.looks.get(role, Look()))
            for role in {*self.looks, *other.looks}
        }
        return Partial(
            {**self.unit_rows, **other.unit_rows},
            self.used + other.used,
            tuple(map(_together, self.losses, other.losses)),
            bad,
            tuple(sorted((*self.offences, *other.offences))[:SHOWN]),
            looks,
            (*self.dropped, *other.dropped),
            self.filtered + other.filtered,
            {name: part.merge(other.parts[name]) for name, part in self.parts.items()},
            self.digest.merge(other.digest),
        )

    def behind(self, files: int) -> Partial:
        """The same with its files counted behind some others."""
        return self._replace(
            unit_rows={(file + files, unit): rows for (file, unit), rows in self.unit_rows.items()},
            offences=tuple(entry._replace(file=entry.file + files) for entry in self.offences),
            dropped=tuple(entry._replace(file=entry.file + files) for entry in self.dropped),
            parts={n: part.behind(files) if hasattr(part, "behind") else part for n, part in self.parts.items()},
        )

    @property
    def read(self) -> int:
        """Rows read."""
        return sum(self.unit_rows.values()) - self.filtered


def _together(one: tuple[LossPartial, ...], other: tuple[LossPartial, ...]) -> tuple[LossPartial, ...]:
    return tuple(a.merge(b) for a, b in zip(one, other, strict=True))
