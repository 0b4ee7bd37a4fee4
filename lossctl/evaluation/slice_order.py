"""Slices in their one order, whatever order they were found in: numbers by size, times by date, null last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from lossctl.evaluation.by import PERIODS, By, Part
from lossctl.evaluation.slicing import Key

# the most digits of a whole number that is shown as one
DIGITS = 19
Shown = int | str | None


class Presented(NamedTuple):
    """A slice's key, and what it is called: a column's name to its value."""

    key: Key
    by: dict[str, Shown]


class Order(NamedTuple):
    """The slices in order.

    Attributes:
        places: of each, where its key stands among those given.
        columns: the names of what they are sliced by.
        whole: of each column, whether its keys are whole numbers.
    """

    places: list[int]
    columns: tuple[str, ...]
    whole: tuple[bool, ...]

    def named(self, key: Key) -> dict[str, Shown]:
        """What a slice is called."""
        return {
            name: int(text) if one and text is not None else text
            for name, text, one in zip(self.columns, key, self.whole, strict=True)
        }


def ordered(by: By, keys: Sequence[Key]) -> Order:
    """The one order of slices.

    Args:
        by: what tells them apart.
        keys: all of them, each once, in any order.
    """
    parts = by.parts
    whole = tuple(not part.how and _all_whole({key[i] for key in keys}) for i, part in enumerate(parts))
    first, *others = (_rank(part, one) for part, one in zip(parts, whole, strict=True))
    if others:
        ranks = [first, *others]
        places = sorted(range(len(keys)), key=lambda i: [r(text) for r, text in zip(ranks, keys[i], strict=True)])
    else:
        places = sorted(range(len(keys)), key=lambda i: first(keys[i][0]))
    return Order(places, tuple(by.columns), whole)


def presented(by: By, keys: Iterable[Key]) -> list[Presented]:
    """The slices in order, each with its name.

    Args:
        by: what tells them apart.
        keys: all of them, each once, in any order.
    """
    found = list(keys)
    order = ordered(by, found)
    return [Presented(found[i], order.named(found[i])) for i in order.places]


def _all_whole(texts: set[str | None]) -> bool:
    return all(text is None or _is_whole(text) for text in texts)


def _is_whole(text: str) -> bool:
    """Whether a text is a whole number as one is written: 007 and +1 are names."""
    digits = text.removeprefix("-")
    plain = digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS
    return plain and (not digits.startswith("0") or text == "0")


def _rank(part: Part, whole: bool) -> Callable[[str | None], tuple[Any, ...]]:
    """What the keys of a column are sorted by."""
    if whole:
        return lambda text: (1,) if text is None else (0, int(text))
    if part.numeric:
        return _bin_rank
    if part.how in PERIODS:
        return lambda text: (1,) if text is None else (0, _year(text), text)
    return lambda text: (1,) if text is None else (0, text)


def _year(text: str) -> int:
    """The year that a date begins with, which may have a sign or more than four digits."""
    return int(text[0] + text[1:].partition("-")[0])


def _bin_rank(text: str | None) -> tuple[Any, ...]:
    """-inf, bins by their lower edge, inf, nan, null."""
    if text is None:
        return (4,)
    if text in ("-inf", "inf", "nan"):
        return ({"-inf": 0, "inf": 2, "nan": 3}[text],)
    low, high = text[1:-1].split(", ")
    return (1, *((_edge(low), _edge(high))))


def _edge(text: str) -> tuple[int, Fraction]:
    signs = {"-inf": -1, "inf": 1}
    return (signs[text], Fraction(0)) if text in signs else (0, Fraction(text))
