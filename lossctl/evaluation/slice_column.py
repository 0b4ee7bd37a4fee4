"""One column's values to the numbers of their keys, for every type that a file may hold."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lossctl.evaluation import canonical
from lossctl.evaluation.bins import TooNarrowError, bins_of, exact
from lossctl.evaluation.by import PERIODS, Part
from lossctl.evaluation.slice_table import Known, Numbered, Table, looked_up
from lossctl.readers.arrow import takeable
from lossctl.readers.block import raw
from lossctl.readers.where_values import UNITS, arrow, flags

if TYPE_CHECKING:
    import pyarrow as pa

    from lossctl.evaluation.rows import Whole
    from lossctl.readers.source import Values

HOUR = 3600 * canonical.SECOND
# entries that are compared one by one
SMALL = 1 << 12


class BadValueError(ValueError):
    """A value that is in no slice, and its row in the chunk."""

    def __init__(self, part: Part, row: int, value: object, expected: str) -> None:
        self.part, self.row, self.value, self.expected = part, row, value, expected
        super().__init__(f"found {value!r}, expected {expected} (--by {part})")

    def at(self, row: int) -> BadValueError:
        """The same in another row."""
        return BadValueError(self.part, row, self.value, self.expected)


class _UnreadableError(ValueError):
    """A text that stands for nothing that is expected."""

    def __init__(self, value: object) -> None:
        self.value = value
        super().__init__()


class Numbers(NamedTuple):
    """Values as numbers: `kind` is integer, truth, float or ticks of `scale` nanoseconds, with a zone or without."""

    values: np.ndarray
    valid: np.ndarray | None
    kind: str
    scale: int = 1
    zoned: bool = False


class SliceColumn:
    """The keys of one column in one unit, as far as its chunks came."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.numbered: Numbered[str | None] = Numbered()
        self.known = Known(self.numbered)
        self.tables: dict[tuple[Any, ...], Table[str | None]] = {}
        self.bins = bins_of(part) if part.numeric else None
        self.dictionary: pa.Array | None = None
        self.same_numbers = False
        self.found: Whole = np.empty(0, np.int64)

    def codes(self, values: Values, comma: bool = False) -> Whole:
        """(n,) the number of each value's key.

        Args:
            values: (n,) of numpy's or Arrow's.
            comma: whether numbers in texts have a decimal comma.

        Raises:
            BadValueError: a text that is no number or date where such are expected.
        """
        import pyarrow as pa

        # numpy's dates and booleans are told by their bytes
        plain = isinstance(values, np.ndarray) and values.dtype.kind in "iuf"
        numbers = numbers_of(values if plain else arrow(values))
        if numbers is not None:
            return self._of_numbers(numbers)
        array = arrow(values)
        if pa.types.is_dictionary(array.type):
            return self._encoded(array, comma)
        if pa.types.is_null(array.type):
            return np.full(len(array), self._null())
        return self._encoded(takeable(array).dictionary_encode(), comma)

    def _null(self) -> int:
        return self.numbered.numbers([None])[0]

    def _encoded(self, array: pa.DictionaryArray, comma: bool) -> Whole:
        """Each entry of the dictionary that occurs is looked at once, for as long as the dictionary stays the same."""
        places, dictionary, valid = raw(array.indices), array.dictionary, _valid(array.indices)
        if not _same(self.dictionary, dictionary):
            # the place behind the last is null's
            self.dictionary, self.found = dictionary, np.full(len(dictionary) + 1, -1, np.int64)
            self.same_numbers = False
        if valid is not None:
            places = np.where(valid, places, np.int64(len(dictionary)))
        elif self.same_numbers:
            return places.astype(np.int64)
        try:
            codes = looked_up(self.found, places, partial(self._entries, dictionary, comma))
            # of few texts, each entry's number is soon known, and mostly its place
            known = self.found[:-1]
            self.same_numbers = len(known) <= SMALL and np.array_equal(known, np.arange(len(known)))
            return codes
        except BadValueError as error:
            raise error.at(int(np.argmax(places == error.row))) from None

    def _entries(self, dictionary: pa.Array, comma: bool, new: Whole) -> Whole:
        """The numbers of the keys of a dictionary's new entries."""
        if new[-1] == len(dictionary):
            return np.append(self._entries(dictionary, comma, new[:-1]) if len(new) > 1 else new[:0], self._null())
        entries = dictionary if len(new) == len(dictionary) else takeable(dictionary).take(arrow(new))
        numbers = numbers_of(entries)
        if numbers is not None:
            return self._of_numbers(numbers)
        values = entries.to_pylist()
        try:
            return self.known.numbers(values, lambda some: self._keys(some, comma))
        except _UnreadableError as error:
            expected = "a date such as 2024-05-01" if self.part.how in PERIODS else "a number"
            row = int(new[values.index(error.value)])
            raise BadValueError(self.part, row, error.value, expected) from None

    def _keys(self, values: list[Any], comma: bool) -> list[str | None]:
        """The keys of texts or decimals."""
        if self.bins is None and self.part.how not in PERIODS and not comma:
            return [canonical.of_text(one) if isinstance(one, str) else _of_decimal(one) for one in values]
        return [None if one is None else self._key(one, comma) for one in values]

    def _key(self, value: Any, comma: bool) -> str:
        text = canonical.pointed(value) if comma and isinstance(value, str) else value
        try:
            if self.bins is not None:
                return self._bin(exact(text) if isinstance(text, str) else Fraction(value))
        except ValueError:
            raise _UnreadableError(value) from None
        if self.part.how not in PERIODS:
            return canonical.of_text(text)
        when = canonical.moment(text)
        if when is None:
            raise _UnreadableError(value)
        return self._periods_of([when[0] // (HOUR if self.part.how == "hour" else canonical.DAY)])[0]

    def _bin(self, value: Fraction | float) -> str:
        assert self.bins is not None
        return self._labels([self.bins.place(value)])[0] if isinstance(value, Fraction) else self._beyond(value)

    def _labels(self, places: list[int]) -> list[str]:
        assert self.bins is not None
        return list(map(self.bins.label, places))

    def _labels_of(self, values: list[int]) -> list[str]:
        assert self.bins is not None
        return self._labels(self.bins.places(np.array(values, np.int64)).tolist())

    def _beyond(self, value: float) -> str:
        """The bin of what is not finite."""
        assert self.bins is not None
        if np.isnan(value) or not self.bins.infinite:
            return repr(float(value))
        return self.bins.label(int(self.bins.places(np.array([value]))[0]))

    def _periods_of(self, counts: list[int]) -> list[str]:
        how = self.part.how
        return [canonical.hour_of(n) if how == "hour" else canonical.period_of(n, how) for n in counts]

    def _of_numbers(self, numbers: Numbers) -> Whole:
        values, valid = numbers.values, numbers.valid
        if valid is not None:
            if not valid.any():
                return np.full(len(values), self._null())
            # whatever lies where there is no value
            values = np.where(valid, values, values[valid.argmax()])
        if self.bins is not None:
            found = self._binned(values)
        elif numbers.kind == "float":
            found = self._floats(values)
        elif self.part.how in PERIODS:
            found = self._periods(numbers._replace(values=values))
        else:
            found = self._table(numbers[2:]).codes(values, _namer(numbers))
        return found if valid is None else np.where(valid, found, self._null())

    def _table(self, kind: tuple[Any, ...]) -> Table[str | None]:
        if kind not in self.tables:
            self.tables[kind] = Table(self.numbered)
        return self.tables[kind]

    def _periods(self, numbers: Numbers) -> Whole:
        """Moments by their hour or day: of days there are few."""
        unit = HOUR if self.part.how == "hour" else canonical.DAY
        values = numbers.values.astype(np.int64, copy=False)
        counts = values // (unit // numbers.scale) if numbers.scale <= unit else values * (numbers.scale // unit)
        return self._table(("period",)).codes(counts, self._periods_of)

    def _binned(self, values: np.ndarray) -> Whole:
        finite = np.isfinite(values) if values.dtype.kind == "f" else None
        if finite is None or finite.all():
            return self._labelled(values)
        codes = np.empty(len(values), np.int64)
        codes[finite] = self._labelled(values[finite])
        codes[~finite] = self.numbered.numbers(map(self._beyond, values[~finite].tolist()))
        return codes

    def _labelled(self, values: np.ndarray) -> Whole:
        assert self.bins is not None
        try:
            if values.dtype.kind != "f":
                found = self._table(("integer",)).near(values, self._labels_of)
                if found is not None:
                    return found
            return self._table(("bin",)).codes(self.bins.places(values), self._labels)
        except TooNarrowError:
            row = int(np.abs(values.astype(np.float64)).argmax())
            raise BadValueError(self.part, row, values[row].item(), "a number that bins so narrow can hold") from None

    def _floats(self, values: np.ndarray) -> Whole:
        """Whole ones by a table, others by their bits."""
        if not len(values) or values[0] == np.floor(values[0]):
            with np.errstate(invalid="ignore"):
                whole = values.astype(np.int64)
            if (whole == values).all() and int(np.abs(whole).max(initial=0)) < canonical.EXPONENT:
                return self._table(("integer",)).codes(whole, _texts)
        bits = np.ascontiguousarray(values).view(f"i{values.dtype.itemsize}")
        return self._table(("float", values.dtype.itemsize)).codes(bits, partial(_shown, values.dtype))


def _of_decimal(value: Any) -> str | None:
    return None if value is None else canonical.of_decimal(value)


def _texts(values: list[Any]) -> list[str]:
    return list(map(str, values))


def _shown(dtype: np.dtype[Any], bits: list[int]) -> list[str]:
    """The shortest decimals, in its own type, of each float."""
    values = np.array(bits, f"i{dtype.itemsize}").view(dtype)
    return list(map(canonical.of_number, map(repr, values.tolist()) if dtype == np.float64 else map(str, values)))


def _namer(numbers: Numbers) -> Callable[[list[int]], list[str]]:
    """What the keys of numbers are, if they are neither binned nor floats."""
    if numbers.kind == "ticks":
        return lambda ticks: [canonical.of_moment(n * numbers.scale, numbers.zoned) for n in ticks]
    return (lambda truths: list(map(canonical.of_truth, truths))) if numbers.kind == "truth" else _texts


def numbers_of(array: np.ndarray | pa.Array) -> Numbers | None:
    """Numbers, booleans, dates and times as they lie; None for texts, decimals and nulls."""
    import pyarrow as pa

    if isinstance(array, np.ndarray):
        flat = array.reshape(-1)
        kind = "float" if flat.dtype.kind == "f" else "integer"
        return Numbers(flat.astype(flat.dtype.newbyteorder("="), copy=False), None, kind)
    kind, types = array.type, pa.types
    valid = _valid(array)
    if types.is_integer(kind) or types.is_floating(kind):
        return Numbers(raw(array), valid, "float" if types.is_floating(kind) else "integer")
    if types.is_boolean(kind):
        return Numbers(raw(array.cast(pa.uint8())), valid, "truth")
    if types.is_date32(kind):
        return Numbers(raw(array.view(pa.int32())), valid, "ticks", canonical.DAY)
    if types.is_date64(kind):
        return Numbers(raw(array.view(pa.int64())), valid, "ticks", UNITS["ms"])
    if types.is_timestamp(kind):
        return Numbers(raw(array.view(pa.int64())), valid, "ticks", UNITS[kind.unit], kind.tz is not None)
    return None


def _valid(array: pa.Array) -> np.ndarray | None:
    """(n,) whether there is a value; None where there always is."""
    return flags(array.is_valid()) if array.null_count else None


def _same(one: pa.Array | None, other: pa.Array) -> bool:
    """Whether two dictionaries are surely the same; the first is kept, so that none else can lie in its memory."""
    if one is None or len(one) != len(other) or one.type != other.type:
        return False
    # a reader may make the same few entries anew for each batch
    return one.equals(other) if len(other) <= SMALL else one.offset == other.offset and _places(one) == _places(other)


def _places(array: pa.Array) -> list[int | None]:
    return [None if buffer is None else buffer.address for buffer in array.buffers()]
