"""Whole numbers of any size to small ones that are given out as values come: a table, or Arrow's hash."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from itertools import islice, repeat
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from lossctl.readers.block import raw
from lossctl.readers.where_values import arrow

if TYPE_CHECKING:
    from lossctl.evaluation.rows import Whole

# a table of so many numbers takes 16 MB, and is faster than a hash also where it lies in no cache
SPAN = 1 << 21
Name = TypeVar("Name", bound=Hashable)


class Numbered(Generic[Name]):
    """Keys in the order in which they were first met."""

    def __init__(self) -> None:
        self.places: dict[Name, int] = {}
        self._keys: list[Name] = []

    def __len__(self) -> int:
        return len(self.places)

    @property
    def keys(self) -> list[Name]:
        """All so far."""
        if len(self._keys) < len(self.places):
            self._keys += islice(self.places, len(self._keys), None)
        return self._keys

    def numbers(self, keys: Iterable[Name]) -> list[int]:
        """Each key's number: a new one for a new key."""
        places = self.places
        return [places.setdefault(key, len(places)) for key in keys]


class Known(Generic[Name]):
    """What values were met with, and the numbers of their keys, which are made once for each."""

    def __init__(self, numbered: Numbered[Name]) -> None:
        self.numbered = numbered
        self.known: dict[Any, int] = {}

    def numbers(self, values: list[Any], keys: Callable[[list[Any]], Iterable[Name]]) -> Whole:
        """The numbers of the keys of values that are all different."""
        known = self.known
        found = np.fromiter(map(known.get, values, repeat(-1)), np.int64, len(values))
        places = np.flatnonzero(found < 0)
        if len(places):
            new = values if len(places) == len(values) else [values[i] for i in places.tolist()]
            numbers = self.numbered.numbers(keys(new))
            known.update(zip(new, numbers, strict=True))
            found[places] = numbers
        return found


class Table(Generic[Name]):
    """From whole numbers to those of their keys."""

    def __init__(self, numbered: Numbered[Name]) -> None:
        self.known = Known(numbered)
        self.low = 0
        self.found = np.empty(0, np.int64)

    def codes(self, values: np.ndarray, keys: Callable[[list[int]], Iterable[Name]]) -> Whole:
        """(n,) the numbers of the keys of (n,) integers of any type."""
        found = self.near(values, keys)
        if found is None:
            encoded = arrow(values).dictionary_encode()
            found = self.known.numbers(raw(encoded.dictionary).tolist(), keys)[raw(encoded.indices)]
        return found

    def near(self, values: np.ndarray, keys: Callable[[list[int]], Iterable[Name]]) -> Whole | None:
        """The same where the values lie near enough to each other for a table; else None."""
        if not len(values):
            return np.empty(0, np.int64)
        places = self._places(values)
        if places is None:
            return None
        return looked_up(self.found, places, lambda new: self.known.numbers((new + self.low).tolist(), keys))

    def _places(self, values: np.ndarray) -> Whole | None:
        """Where values stand in the table, which grows with them; None for values too far from each other."""
        if values.dtype != np.uint64:
            # one look at all that does if they lie where others did
            with np.errstate(over="ignore"):
                places: Whole = values.astype(np.int64, copy=False)
                places = places - self.low if self.low else places
            if int(places.view(np.uint64).max()) < len(self.found):
                return places
        low, high = int(values.min()), int(values.max())
        if len(self.found):
            low, high = min(low, self.low), max(high, self.low + len(self.found) - 1)
        # what is beyond int64 is left to the hash
        if high - low >= SPAN or high >= 1 << 63:
            return None
        self._reach(low, high)
        found: Whole = values.astype(np.int64, copy=False) - low
        return found

    def _reach(self, low: int, high: int) -> None:
        """Make the table hold all between two numbers."""
        grown = np.full(high - low + 1, -1, np.int64)
        if len(self.found):
            grown[self.low - low : self.low - low + len(self.found)] = self.found
        self.low, self.found = low, grown


def looked_up(table: Whole, places: np.ndarray, ask: Callable[[Whole], Any]) -> Whole:
    """(n,) what stands at some places of a table; of those where it has -1, it is asked once and written there."""
    found: Whole = table[places]
    if found.min(initial=0) < 0:
        # without a sort, since there may be many rows and few places
        seen = np.zeros(len(table), bool)
        seen[places] = True
        new = np.flatnonzero(seen & (table < 0))
        table[new] = ask(new)
        found = table[places]
    return found
