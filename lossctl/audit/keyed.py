"""Sums by key: parts that know different keys merge to the union of them, each key with its own numbers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from itertools import compress, repeat
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lossctl.audit.groupmoments import GroupMoments

if TYPE_CHECKING:
    Whole: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"

Key = tuple[Hashable, ...]


class KeyedMoments:
    """Several sums by key, such as the cells of a loss.

    What stands at a key does not hang on the order of merges; where the key stands does, as keys keep the order
    they first came in. Whoever shows or writes them takes them `in_order` first.

    Attributes:
        places: key to its group, 0 ... G - 1 in order.
        moments: of each of the sums, G groups.
    """

    __slots__ = ("moments", "places")

    def __init__(self, places: dict[Key, int], moments: tuple[GroupMoments, ...]) -> None:
        self.places, self.moments = places, moments

    @classmethod
    def of(cls, keys: Iterable[Key], moments: Iterable[GroupMoments]) -> KeyedMoments:
        """From (G,) different keys, in the groups' order."""
        return cls({key: place for place, key in enumerate(keys)}, tuple(moments))

    def __len__(self) -> int:
        return len(self.places)

    @property
    def keys(self) -> tuple[Key, ...]:
        """Each group's key."""
        return tuple(self.places)

    def merge(self, other: KeyedMoments) -> KeyedMoments:
        """Both together, whose sums are the same ones."""
        if not self.moments or not other.moments:
            return self if self.moments else other
        into = np.fromiter(map(self.places.get, other.places, repeat(-1)), np.int64, len(other))
        new = into < 0
        into[new] = np.arange(len(self), len(self) + np.count_nonzero(new))
        places = self.places.copy()
        places.update(zip(compress(other.places, new.tolist()), into[new].tolist(), strict=True))
        pairs = zip(self.moments, other.moments, strict=True)
        return KeyedMoments(places, tuple(mine.added(more, into, len(places)) for mine, more in pairs))

    def taken(self, order: Whole) -> KeyedMoments:
        """These groups alone, in this order."""
        keys = self.keys
        return KeyedMoments.of([keys[g] for g in order.tolist()], [one.taken(order) for one in self.moments])

    def in_order(self) -> KeyedMoments:
        """The same by ascending keys; of mixed kinds numbers come first, then all else by type, and None last."""
        keys = self.keys
        try:
            order = sorted(range(len(keys)), key=keys.__getitem__)
        except TypeError:
            order = sorted(range(len(keys)), key=lambda g: rank(keys[g]))
        return self.taken(np.array(order, np.int64))


def rank(key: Sequence[Hashable]) -> tuple[tuple[int, str, Hashable], ...]:
    """By what keys of any values sort."""
    return tuple(map(_rank, key))


def _rank(value: Hashable) -> tuple[int, str, Hashable]:
    if value is None:
        return 2, "", 0
    if isinstance(value, int | float):
        return 0, "", value
    return 1, type(value).__name__, value
