"""Slices as the JSON has them: their numbers stand in columns, and a slice's mapping is made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, overload

import numpy as np

if TYPE_CHECKING:
    from lossctl.audit.asked import Audit
    from lossctl.audit.groupmoments import GroupMoments
    from lossctl.audit.replicates import Replicates
    from lossctl.audit.spread import SpreadPart
    from lossctl.evaluation.settled import Settled
    from lossctl.evaluation.slice_numbers import Numbers
    from lossctl.evaluation.slice_order import Order
    from lossctl.evaluation.slicing import Key

    Floats: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float64]]"
    Whole: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"

Entry = Mapping[str, Any]
# slices whose numbers become Python's at once
CHUNK = 1 << 10


class Differences(NamedTuple):
    """(G,) how slices differ from the rest; NaN where a number is not defined, or is none.

    Attributes:
        there: whether there is a rest.
        tested: whether there is a p-value.
    """

    there: np.ndarray
    value: Floats
    stderr: Floats
    low: Floats
    high: Floats
    tested: np.ndarray
    p: Floats
    adjusted: Floats


class Extras(NamedTuple):
    """What gives a slice's quantiles, histogram and replicates, where they are asked for."""

    settled: Settled
    reduction: str | None
    audit: Audit
    rows: GroupMoments
    spread: SpreadPart | None
    drawn: Replicates | None

    def of(self, place: int) -> dict[str, Any]:
        """Of the slice of a group."""
        from lossctl.evaluation.findings import bootstrap, distribution, replicated

        found: dict[str, Any] = {}
        if self.drawn is not None:
            rows = int(self.rows.moment(place).rows)
            values, method = replicated(self.drawn, place, self.settled, self.reduction, self.audit, rows)
            found["bootstrap"] = bootstrap(values, self.audit, method)
        if self.spread is not None:
            found |= distribution(self.spread.of(place), self.rows.moment(place), self.audit)
        return found


class _Slices(Sequence[Entry]):
    """A sequence that is like a list of what it holds."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self):,} slices>"

    @overload
    def __getitem__(self, at: int) -> Entry: ...
    @overload
    def __getitem__(self, at: slice) -> list[Entry]: ...
    def __getitem__(self, at: int | slice) -> Entry | list[Entry]:
        if isinstance(at, slice):
            return [self.entry(i) for i in range(*at.indices(len(self)))]
        place = at + len(self) if at < 0 else at
        if not 0 <= place < len(self):
            raise IndexError(f"slice {at} of {len(self)}")
        return self.entry(place)

    def entry(self, place: int) -> Entry:
        """The slice at a place."""
        raise NotImplementedError


class SliceTable(_Slices):
    """The slices of a loss by one --by, in their order.

    Attributes:
        slicing: what they are sliced by, in words.
        columns: the names of what they are sliced by.
    """

    def __init__(
        self,
        slicing: str,
        order: Order,
        keys: Sequence[Key],
        numbers: Numbers,
        ci: Mapping[str, Any],
        bounds: tuple[Floats, Floats],
        clusters: Whole | None,
        differences: Differences,
        correction: str,
        extras: Extras | None,
    ) -> None:
        self.slicing, self.order, self._keys, self._numbers = slicing, order, keys, numbers
        self.ci, self.bounds, self.clusters = ci, bounds, clusters
        self.differences, self.correction, self.extras = differences, correction, extras
        self.columns = order.columns

    def __len__(self) -> int:
        return len(self.order.places)

    def __iter__(self) -> Iterator[Entry]:
        for first in range(0, len(self), CHUNK):
            yield from self._entries(first, first + CHUNK)

    def entry(self, place: int) -> Entry:
        """The slice at a place."""
        return next(self._entries(place, place + 1))

    def names(self) -> Iterator[dict[str, Any]]:
        """What each slice is called."""
        return (self.order.named(self._keys[place]) for place in self.order.places)

    def number(self, name: str) -> Floats:
        """(G,) one of `value`, `count`, `weight_sum`, `difference` and adjusted `p`; NaN for none."""
        found: Floats = {
            "value": self._numbers.own.value,
            "count": self._numbers.own.rows.astype(np.float64),
            "weight_sum": self._numbers.weight_sum,
            "difference": np.where(self.differences.there, self.differences.value, np.nan),
            "p": np.where(self.differences.tested, self.differences.adjusted, np.nan),
        }[name]
        return found

    def _entries(self, first: int, last: int) -> Iterator[Entry]:
        rows = slice(first, last)
        own, said = self._numbers.own, self._numbers
        columns = (own.value, said.sum, own.rows, said.weight_sum, own.stderr, said.least, said.most)
        below = _listed(said.denominator, rows) or [None] * len(own.value[rows])
        clusters = _listed(self.clusters, rows) or [None] * len(below)
        table = zip(*(column[rows].tolist() for column in columns), strict=True)
        bounds = zip(*(column[rows].tolist() for column in self.bounds), strict=True)
        others = zip(*(column[rows].tolist() for column in self.differences), strict=True)
        places = self.order.places[rows]
        for place, numbers, denominator, ends, many, other in zip(
            places, table, below, bounds, clusters, others, strict=True
        ):
            value, total, count, weight, stderr, least, most = numbers
            yield {
                "by": self.order.named(self._keys[place]),
                "slicing": self.slicing,
                "value": value,
                "sum": total,
                "count": count,
                "weight_sum": weight,
                "denominator": denominator,
                "stderr": _told(stderr),
                "min": _told(least),
                "max": _told(most),
                "ci": None if stderr != stderr else self._interval(ends, many),
                **(self.extras.of(place) if self.extras else {}),
                "difference": self._difference(*other),
            }

    def _interval(self, ends: tuple[float, float], clusters: int | None) -> dict[str, Any]:
        found = {"level": self.ci["level"], "low": ends[0], "high": ends[1], "method": self.ci["method"]}
        return found if clusters is None else {**found, "clusters": clusters}

    def _difference(
        self, there: bool, value: float, stderr: float, low: float, high: float, tested: bool, p: float, adjusted: float
    ) -> dict[str, Any] | None:
        if not there:
            return None
        sure = stderr == stderr
        return {
            "value": value,
            "stderr": stderr if sure else None,
            "low": low if sure else None,
            "high": high if sure else None,
            "p": p if tested else None,
            "p_adjusted": adjusted if tested else None,
            "correction": self.correction,
        }


class SliceTables(_Slices):
    """The slices of a loss by each --by, one behind the other."""

    def __init__(self, tables: Sequence[SliceTable]) -> None:
        self.tables = tuple(tables)

    def __len__(self) -> int:
        return sum(map(len, self.tables))

    def __iter__(self) -> Iterator[Entry]:
        for table in self.tables:
            yield from table

    def names(self) -> Iterator[dict[str, Any]]:
        """What each slice is called."""
        return (key for table in self.tables for key in table.names())

    def entry(self, place: int) -> Entry:
        """The slice at a place."""
        for table in self.tables:
            if place < len(table):
                return table.entry(place)
            place -= len(table)
        raise IndexError(place)


def _listed(column: np.ndarray | None, rows: slice) -> list[Any] | None:
    return None if column is None else column[rows].tolist()


def _told(number: float) -> float | None:
    return None if number != number else number
