"""From the columns of a chunk to a small whole number a row that tells its slice, and to the slices' keys.

A key is a tuple of texts, one a column, None for null. What a chunk costs hangs on how many different values it has:
each is looked at once, and rows are looked up in a table or, where values are many and wide apart, in Arrow's hash.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from lossctl.errors import DataError
from lossctl.evaluation.by import By
from lossctl.evaluation.slice_column import BadValueError, SliceColumn
from lossctl.evaluation.slice_table import Numbered, Table

if TYPE_CHECKING:
    from lossctl.evaluation.rows import Whole
    from lossctl.readers.source import Chunk, Source, Unit

Key = tuple["str | None", ...]


class Slicer:
    """The slices of one unit, as far as its chunks came.

    Args:
        by: what tells them apart; its edges are settled.
    """

    def __init__(self, by: By) -> None:
        self.by = by
        self.columns = [SliceColumn(part) for part in by.parts]
        self.crossings = [_Crossing() for _ in by.parts[1:]]

    def codes(self, chunk: Chunk) -> tuple[Whole, int]:
        """(rows,) the number of each row's slice, and how many there are by now; numbers stay from chunk to chunk.

        Raises:
            BadValueError: a text where numbers or dates are expected, with its row in the chunk.
        """
        numbered: Numbered[Any] = self.columns[0].numbered
        codes = self._of(0, chunk)
        for i, crossing in enumerate(self.crossings, 1):
            codes = crossing.codes(codes, numbered, self._of(i, chunk), self.columns[i].numbered)
            numbered = crossing.numbered
        return codes, len(numbered)

    def _of(self, i: int, chunk: Chunk) -> Whole:
        column = self.columns[i]
        name = column.part.column
        return column.codes(chunk.values[name], name in chunk.commas)

    @property
    def keys(self) -> tuple[Key, ...]:
        """The slices' keys, in the order of their numbers."""
        if self.crossings:
            return tuple(self.crossings[-1].numbered.keys)
        return tuple(zip(self.columns[0].numbered.keys, strict=True))


class _Crossing:
    """Two rows of numbers as one: of what was crossed so far, and of the next column."""

    def __init__(self) -> None:
        self.numbered: Numbered[Key] = Numbered()
        self.stride = 0

    def codes(self, left: Whole, before: Numbered[Any], right: Whole, others: Numbered[str | None]) -> Whole:
        """(n,) the number of each row's pair."""
        if len(others) > self.stride:
            # room to grow, so that the table is seldom begun anew
            self.stride = 2 * len(others)
            self.table = Table(self.numbered)
        pairs = left * self.stride
        pairs += right
        return self.table.codes(pairs, partial(self._keys, before, others))

    def _keys(self, before: Numbered[Any], others: Numbered[str | None], pairs: list[int]) -> Iterator[Key]:
        lefts, rights, stride = before.keys, others.keys, self.stride
        for pair in pairs:
            left = lefts[pair // stride]
            yield (*(left if isinstance(left, tuple) else (left,)), rights[pair % stride])


def refusal(error: BadValueError, source: Source, unit: Unit, place: int) -> DataError:
    """What a user is told of a value that has no slice.

    Args:
        error: what was found.
        source: the file that was read.
        unit: the unit of it.
        place: where in the unit the row stands, from 0.
    """
    row = _row(source, unit, place)
    where = f"row {row}" if row is not None else f"row {place + 1} of part {unit.number + 1}"
    return DataError(f"{source.path} {where} column {error.part.column}: {error}")


def _row(source: Source, unit: Unit, place: int) -> int | None:
    """A row's number within its file, from 1; the units before are read again, which only an error has to pay."""
    if unit.number and not source.rereadable:
        return None
    before = 0
    for other in source.units(unit.file):
        if other.number == unit.number:
            break
        before += sum(chunk.covered for chunk in source.read(other, [source.columns()[0].name], 1 << 17))
    return before + place + 1
