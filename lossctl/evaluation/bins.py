"""Bins of numbers. A number counts as the shortest decimal that reads back to it, so that a width of 0.1 cuts where
it says in float32 and float64 alike. A bin holds its lower edge: [18, 30); of quantiles the last holds both.
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lossctl.evaluation.by import Part
from lossctl.readers.block import number

if TYPE_CHECKING:
    from lossctl.evaluation.rows import Whole

# a few edges are compared one by one: faster than a search
FEW_EDGES = 16
# bins a block that stand in a table
SPAN = 1 << 17
# beyond, a float64 is no bin's number for sure
SAFE = float(1 << 52)


class TooNarrowError(ValueError):
    """A value so large that bins of the width around it have no numbers of their own."""


class Bins(Protocol):
    """A numbered row of bins."""

    def place(self, value: Fraction) -> int:
        """The number of the bin that a value lies in."""
        ...

    def places(self, values: np.ndarray) -> Whole:
        """(n,) the same for finite numbers of any type of numpy's."""
        ...

    def label(self, place: int) -> str:
        """What a bin is called."""
        ...

    @property
    def infinite(self) -> bool:
        """Whether infinite values lie in bins; else they are slices of their own."""
        ...


def bins_of(part: Part) -> Bins:
    """The bins of a part whose edges are settled."""
    if part.how == "width":
        return Widths(part.said)
    assert part.edges, f"{part} was not settled"
    return Edges(part.edges, closed=part.how == "quantile")


class Edges:
    """Bins between edges: 0 is what lies below the first. With `closed` the last edge is the last value."""

    def __init__(self, edges: tuple[str, ...], closed: bool) -> None:
        self.texts, self.closed = tuple(map(_plain, edges)), closed
        self.cuts = [Fraction(text) for text in (edges[:-1] if closed else edges)]
        self.typed: dict[Any, np.ndarray] = {}

    @property
    def infinite(self) -> bool:
        """Open bins reach that far."""
        return not self.closed

    def place(self, value: Fraction) -> int:
        """How many edges are not above the value."""
        return sum(cut <= value for cut in self.cuts)

    def places(self, values: np.ndarray) -> Whole:
        """(n,) the same for numbers; infinite ones, too."""
        if values.dtype not in self.typed:
            found = [least(cut, values.dtype) for cut in self.cuts]
            # beyond the type's range an edge is above all values
            self.typed[values.dtype] = np.array([edge for edge in found if edge is not None], values.dtype)
        cuts = self.typed[values.dtype]
        if len(cuts) > FEW_EDGES:
            return np.searchsorted(cuts, values, side="right")
        counts = np.zeros(len(values), np.uint8)
        for cut in cuts:
            counts += (values >= cut).view(np.uint8)
        return counts.astype(np.int64)

    def label(self, place: int) -> str:
        """Such as "[18, 30)"."""
        low = "(-inf" if place == 0 else f"[{self.texts[place - 1]}"
        if place == len(self.texts):
            return f"{low}, inf)"
        return f"{low}, {self.texts[place]}" + ("]" if self.closed and place == len(self.texts) - 1 else ")")


class Widths:
    """Bins of one width, of which number 0 begins at 0."""

    infinite = False

    def __init__(self, width: str) -> None:
        self.said, self.width = Decimal(width), Fraction(width)
        self.lows: dict[tuple[Any, int], float] = {}

    def place(self, value: Fraction) -> int:
        """The bin's lower edge in widths."""
        return math.floor(value / self.width)

    def places(self, values: np.ndarray) -> Whole:
        """(n,) the same for finite numbers.

        Raises:
            TooNarrowError: a value is too large for the width.
        """
        if values.dtype.kind == "f":
            return self._of_floats(values)
        top, below = self.width.numerator, self.width.denominator
        reach = max(abs(int(values.min())), abs(int(values.max()))) * below if len(values) else 0
        if max(reach, top) < 1 << 63:
            whole = values.astype(np.int64)
            return (whole if below == 1 else whole * below) // top
        if reach // top >= 1 << 62:
            raise TooNarrowError
        return np.array([value * below // top for value in values.tolist()], np.int64)

    def _of_floats(self, values: np.ndarray) -> Whole:
        with np.errstate(over="ignore"):
            exactly = values.astype(np.float64) / float(self.width)
        about = np.floor(exactly)
        low, high = (float(about.min()), float(about.max())) if len(about) else (0.0, 0.0)
        if max(-low, high) > SAFE:
            raise TooNarrowError
        places = about.astype(np.int64)
        # near an edge the division does not tell the bin
        off = max(-low, high, 1.0) * float(np.finfo(values.dtype).eps) * 4.0
        if off > 0.25:
            return self._one_by_one(values)
        rest = np.subtract(exactly, about, out=exactly)
        near = np.flatnonzero((rest < off) | (rest > 1.0 - off))
        if len(near):
            places[near] = self._told(values[near], places[near])
        return places

    def _one_by_one(self, values: np.ndarray) -> Whole:
        """Of values that have fewer digits than the width: what they are as decimals may lie some bins away."""
        found, where = np.unique(values, return_inverse=True)
        return np.array([self.place(Fraction(str(value))) for value in found], np.int64)[where]

    def _told(self, values: np.ndarray, guess: Whole) -> Whole:
        """Bins that may be one off put right by their edges."""
        places, where = _distinct(guess, int(guess.min()), int(guess.max()))
        lows = np.array([self._low(k, values.dtype) for k in places.tolist()], values.dtype)
        highs = np.array([self._low(k + 1, values.dtype) for k in places.tolist()], values.dtype)
        found: Whole = guess - (values < lows[where]) + (values >= highs[where])
        return found

    def _low(self, place: int, dtype: np.dtype[Any]) -> float:
        key = dtype, place
        if key not in self.lows:
            found = least(place * self.width, dtype)
            self.lows[key] = math.inf if found is None else found
        return self.lows[key]

    def label(self, place: int) -> str:
        """Such as "[30, 40)", in decimals without rounding."""
        with localcontext(prec=200):
            low, high = (decimal_text(self.said * k) for k in (place, place + 1))
        return f"[{low}, {high})"


def _distinct(whole: Whole, low: int, high: int) -> tuple[Whole, Whole]:
    """The distinct ones of whole numbers between two, and (n,) where among these each one stands."""
    if high - low >= SPAN:
        found, where = np.unique(whole, return_inverse=True)
        return found, where
    seen = np.zeros(high - low + 1, np.int64)
    seen[whole - low] = 1
    return np.flatnonzero(seen) + low, (np.cumsum(seen) - 1)[whole - low]


def least(edge: Fraction, dtype: np.dtype[Any]) -> Any:
    """The least number of a type that is not below an edge; None where there is none."""
    if dtype.kind != "f":
        bounds = np.iinfo(dtype)
        whole = max(math.ceil(edge), int(bounds.min))
        return whole if whole <= int(bounds.max) else None
    with np.errstate(over="ignore"):
        found = dtype.type(float(edge))
        if np.isfinite(found) and Fraction(str(found)) < edge:
            found = np.nextafter(found, dtype.type(np.inf))
    # a narrow type has no number above its greatest but the infinite one
    return np.finfo(dtype).min if found == -np.inf else found


@lru_cache(maxsize=1024)
def _plain(text: str) -> str:
    return decimal_text(Decimal(text))


def decimal_text(value: Decimal) -> str:
    """A decimal in its shortest plain form; with an exponent where that would be long.

    >>> decimal_text(Decimal("1e2")), decimal_text(Decimal("0.30")), decimal_text(Decimal("1e-30"))
    ('100', '0.3', '1e-30')
    """
    with localcontext(prec=200):
        value = value.normalize()
    if not value:
        return "0"
    return f"{value:f}" if -10 < value.adjusted() < 20 else str(value).lower()


def exact(text: str) -> Fraction | float:
    """The number that a text stands for; a float where it is not finite.

    Raises:
        ValueError: it stands for none.
    """
    found = number(text.strip())
    if not math.isfinite(found):
        return found
    bare = text.strip()
    return Fraction(int(bare)) if bare.removeprefix("-").isdecimal() and len(bare) < 40 else Fraction(repr(found))
