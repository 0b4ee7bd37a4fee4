"""What is known of a column: counts, range, exact sum, different values. Adds up in any order to the same."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lossctl.audit.hashes import number_hashes, text_hashes
from lossctl.evaluation.sketch import NOTHING, distinct, smallest
from lossctl.kernels.exactsum import UNIT_EXPONENT, ratio
from lossctl.readers.block import raw

if TYPE_CHECKING:
    import pyarrow as pa

    from lossctl.audit.hashes import Hashes
    from lossctl.readers.source import Values

# different values up to which each is counted, and of which as many are looked at first
COUNTED, FIRST = 64, 256
# how far a row of probabilities may be from its sum
TOLERANCE = 1e-4


@dataclass(slots=True)
class Column:
    """All values of a column, or of some rows of it.

    Attributes:
        rows: with nulls; `cells` are the values, of which a row of a list has several.
        least, most: of all numbers but NaN; None where there are none.
        whole: no number has a fraction.
        outside: numbers below 0 or above 1.
        units: the exact sum of the finite numbers, in units of 2**-1074.
        hashes: of the different values, the smallest.
        counts: how often each value occurs; None where there are more than 64.
        shapes: what the values are: "number", "boolean", "text", "time", "list", "other".
        dated: every text is a date.
        narrowest, widest: lengths of the lists; None where there are none.
        sums: of lists all of one length, and of families.
    """

    rows: int = 0
    nulls: int = 0
    nans: int = 0
    infs: int = 0
    numbers: int = 0
    least: float | None = None
    most: float | None = None
    whole: bool = True
    outside: int = 0
    units: int = 0
    hashes: Hashes = field(default_factory=lambda: NOTHING)
    counts: dict[Any, int] | None = field(default_factory=dict)
    shapes: frozenset[str] = frozenset()
    dated: bool = True
    narrowest: int | None = None
    widest: int | None = None
    sums: RowSums | None = None

    @property
    def mean(self) -> float | None:
        """The mean of the finite numbers, rounded once; None without any."""
        finite = self.numbers - self.nans - self.infs
        return ratio(self.units, finite << UNIT_EXPONENT) if finite else None

    @property
    def distinct(self) -> tuple[int, bool] | None:
        """How many different values, and whether that is exact; None where values cannot be told apart."""
        return None if "other" in self.shapes else distinct(self.hashes)

    def add(self, values: Values) -> None:
        """Some more rows."""
        self.rows += len(values)
        if isinstance(values, np.ndarray):
            self._add_matrix(values) if values.ndim == 2 else self._add_numbers(values)
            return
        self._add_arrow(values)

    def merge(self, other: Column) -> Column:
        """Both together."""
        both = Column(
            hashes=smallest(self.hashes, other.hashes),
            counts=_both_counts(self.counts, other.counts),
            whole=self.whole and other.whole,
            shapes=self.shapes | other.shapes,
            dated=self.dated and other.dated,
            sums=other.sums if self.sums is None else self.sums.merge(other.sums),
        )
        for name in ("rows", "nulls", "nans", "infs", "numbers", "outside", "units"):
            setattr(both, name, getattr(self, name) + getattr(other, name))
        for name, choose in (("least", min), ("most", max), ("narrowest", min), ("widest", max)):
            some = [x for x in (getattr(self, name), getattr(other, name)) if x is not None]
            setattr(both, name, choose(some, default=None))
        return both

    def _add_arrow(self, values: pa.Array) -> None:
        import pyarrow as pa

        types = pa.types
        if types.is_dictionary(values.type):
            values = values.dictionary_decode()
        self.nulls += values.null_count
        kind = values.type
        if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
            self._add_lists(values.drop_null())
        elif types.is_null(kind):
            pass
        elif types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
            self._add_texts(values.drop_null().cast(pa.large_string()), "text")
        elif types.is_temporal(kind) and not types.is_interval(kind):
            self._add_texts(values.drop_null().cast(pa.large_string()), "time")
        elif types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
            self._add_numbers(numbers_of(values.drop_null()))
        else:
            self.shapes |= {"other"}

    def _add_lists(self, lists: pa.Array) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        self.shapes |= {"list"}
        if not len(lists):
            return
        fixed = hasattr(lists.type, "list_size")
        lengths = np.array([lists.type.list_size]) if fixed else raw(pc.list_value_length(lists))
        self._widths(int(lengths.min()), int(lengths.max()))
        flat = lists.flatten()
        self.nulls += flat.null_count
        if not (pa.types.is_integer(flat.type) or pa.types.is_floating(flat.type) or pa.types.is_boolean(flat.type)):
            self.shapes |= {"other"}
            return
        if not flat.null_count and self.narrowest == self.widest and self.widest:
            self._add_sums(numbers_of(flat).reshape(-1, self.widest))
        self._add_numbers(numbers_of(flat.drop_null()))

    def _add_matrix(self, matrix: np.ndarray) -> None:
        self.shapes |= {"list"}
        self._widths(matrix.shape[1], matrix.shape[1])
        self._add_sums(matrix)
        self._add_numbers(np.ascontiguousarray(matrix).reshape(-1))

    def _widths(self, least: int, most: int) -> None:
        self.narrowest = least if self.narrowest is None else min(least, self.narrowest)
        self.widest = most if self.widest is None else max(most, self.widest)

    def _add_sums(self, matrix: np.ndarray) -> None:
        self.sums = row_sums(list(matrix.T)).merge(self.sums)

    def _add_texts(self, texts: pa.Array, shape: str) -> None:
        import pyarrow.compute as pc

        self.shapes |= {shape}
        if not len(texts):
            return
        found = pc.value_counts(texts)
        different, counts = found.field(0), raw(found.field(1))
        self.hashes = smallest(self.hashes, text_hashes(different))
        if self.dated:
            self.dated = bool(pc.all(pc.match_substring_regex(different, r"^\d{4}-\d\d-\d\d")).as_py())
        few = len(different) <= COUNTED
        some = dict(zip(different.to_pylist(), counts.tolist(), strict=True)) if few else None
        self.counts = _both_counts(self.counts, some)

    def _add_numbers(self, values: np.ndarray) -> None:
        self.shapes |= {"boolean" if values.dtype.kind == "b" else "number"}
        if values.dtype.kind not in "iufb":
            self.shapes |= {"other"}
            return
        if values.dtype.kind == "b":
            values = values.view(np.uint8)
        elif values.dtype.itemsize > 8 or not values.dtype.isnative or values.dtype == np.float16:
            values = values.astype(values.dtype.newbyteorder("=") if values.dtype.kind != "f" else np.float64)
        self.numbers += len(values)
        if values.dtype.kind == "f":
            values = self._without_nan(values)
        if not len(values):
            return
        self._add_range(values)
        self._add_different(values)
        self.units += exact_total(values)

    def _without_nan(self, values: np.ndarray) -> np.ndarray:
        if np.isfinite(values).all():
            return values
        nan = np.isnan(values)
        self.nans += int(nan.sum())
        self.infs += int(np.isinf(values).sum())
        rest: np.ndarray = values[~nan]
        return rest

    def _add_range(self, values: np.ndarray) -> None:
        least, most = float(values.min()), float(values.max())
        self.least = least if self.least is None else min(least, self.least)
        self.most = most if self.most is None else max(most, self.most)
        if least < 0.0 or most > 1.0:
            self.outside += int(np.count_nonzero((values < 0) | (values > 1)))
        if self.whole and values.dtype.kind == "f":
            # the first few tell it of most columns
            self.whole = all(bool((some == np.floor(some)).all()) for some in (values[:FIRST], values))

    def _add_different(self, values: np.ndarray) -> None:
        if self.counts is not None and _several(values[:FIRST]) > COUNTED:
            self.counts = None
        if self.counts is None:
            self.hashes = smallest(self.hashes, number_hashes(values))
            return
        different, counts = np.unique(values, return_counts=True)
        self.hashes = smallest(self.hashes, number_hashes(different))
        few = len(different) <= COUNTED
        # True, 1 and 1.0 are one key
        some = dict(zip(different.tolist(), counts.tolist(), strict=True)) if few else None
        self.counts = _both_counts(self.counts, some)


@dataclass(slots=True)
class RowSums:
    """The sums of rows over some columns: how many were taken, their extremes, and how many are not near one."""

    rows: int = 0
    off: int = 0
    least: float = math.inf
    most: float = -math.inf
    log_off: int = 0
    hot: int = 0

    def merge(self, other: RowSums | None) -> RowSums:
        """Both together."""
        if other is None:
            return self
        return RowSums(
            self.rows + other.rows,
            self.off + other.off,
            min(self.least, other.least),
            max(self.most, other.most),
            self.log_off + other.log_off,
            self.hot + other.hot,
        )


def row_sums(columns: list[np.ndarray]) -> RowSums:
    """The sums of rows that hold finite numbers alone, added from the first column to the last.

    `log_off` counts those that are no logarithms of what sums to one, `hot` those of zeros and a single one.
    """
    total, powers = np.zeros(len(columns[0])), np.zeros(len(columns[0]))
    binary = np.ones(len(columns[0]), bool)
    logs = all(not len(column) or not column.max() > 0 for column in columns)
    with np.errstate(over="ignore", invalid="ignore"):
        for column in columns:
            numbers = column.astype(np.float64)
            total += numbers
            binary &= (numbers == 0.0) | (numbers == 1.0)
            if logs:
                powers += np.exp(numbers)
    sums = total[np.isfinite(total)]
    off = int(np.count_nonzero(np.abs(sums - 1.0) > TOLERANCE))
    log_off = int(np.count_nonzero(np.abs(powers - 1.0) > 10 * TOLERANCE)) if logs else len(total)
    least, most = (float(sums.min()), float(sums.max())) if len(sums) else (math.inf, -math.inf)
    return RowSums(len(sums), off, least, most, log_off, int(np.count_nonzero(binary & (total == 1.0))))


def numbers_of(values: pa.Array) -> np.ndarray:
    """The numbers of an array without nulls, where they lie; pyarrow's own way would import pandas."""
    import pyarrow as pa

    if pa.types.is_boolean(values.type):
        return raw(values.cast(pa.uint8())).view(np.bool_)
    return raw(values.cast(pa.float64()) if pa.types.is_decimal(values.type) else values)


def exact_total(values: np.ndarray) -> int:
    """The sum of the finite numbers, in units of 2**-1074."""
    if values.dtype.kind in "iu":
        # halves of 32 bits, whose sums fit
        high, low = int((values >> 32).sum()) if values.itemsize == 8 else 0, 0
        low = int((values & 0xFFFFFFFF).sum()) if values.itemsize == 8 else int(values.sum(dtype=np.int64))
        return ((high << 32) + low) << UNIT_EXPONENT
    fractions, exponents = np.frexp(values.astype(np.float64))
    if not np.isfinite(fractions.sum()):
        finite = np.isfinite(fractions)
        fractions, exponents = fractions[finite], exponents[finite]
    return _by_exponents(fractions, exponents) if len(fractions) else 0


def _by_exponents(fractions: np.ndarray, exponents: np.ndarray) -> int:
    """Numbers of one exponent add as halves of 27 and 26 bits, which a float64 holds for 2**26 of them."""
    lowest = int(exponents.min())
    scaled = fractions * 2.0**27
    high = np.trunc(scaled)
    low = (scaled - high) * 2.0**26
    places = exponents - lowest
    highs, lows = (np.bincount(places, weights=part).tolist() for part in (high, low))
    # a fraction of 53 bits is worth 2**(exponent - 53)
    shift = lowest - 53 + UNIT_EXPONENT
    total = sum(((int(h) << 26) + int(m)) << i for i, (h, m) in enumerate(zip(highs, lows, strict=True)) if h or m)
    return total << shift if shift >= 0 else total >> -shift


def _several(values: np.ndarray) -> int:
    """How many different ones there are of a few."""
    in_order = np.sort(values)
    return 1 + int(np.count_nonzero(in_order[1:] != in_order[:-1]))


def _both_counts(one: dict[Any, int] | None, other: dict[Any, int] | None) -> dict[Any, int] | None:
    if one is None or other is None:
        return None
    both = dict(one)
    for value, count in other.items():
        both[value] = both.get(value, 0) + count
    return both if len(both) <= COUNTED else None
