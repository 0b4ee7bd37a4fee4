"""A source of which only the rows that match a filter come; the others keep their places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from lossctl.readers.around import Around
from lossctl.readers.arrow import takeable
from lossctl.readers.source import Chunk, Source, Unit, nothing, whole, with_codes
from lossctl.readers.where import Tree, columns_of
from lossctl.readers.where_types import fitted

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from lossctl.readers.source import Values


@dataclass(frozen=True)
class Filtered(Around):
    """The rows of another source for which a filter is true; the tree was fitted to its columns."""

    tree: Tree

    @property
    def rows(self) -> int | None:
        """Unknown before reading."""
        return None

    def whole(self) -> Source:
        """All rows."""
        return whole(self.inner)

    def with_text(self, names: frozenset[str]) -> Filtered:
        """The same, with some more columns left as text where the format leaves that open."""
        if not hasattr(self.inner, "with_text"):
            return self
        return replace(self, inner=self.inner.with_text(names))

    def with_codes(self, names: frozenset[str]) -> Filtered:
        """The same, with some columns of text as dictionaries where the format can."""
        return replace(self, inner=with_codes(self.inner, names))

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The matching rows, with the places they have among all.

        Raises:
            DataError: a column turns out to hold values that the filter cannot compare.
        """
        pruned = self.inner.pruned(self.tree) if hasattr(self.inner, "pruned") else self.inner
        wanted = list(dict.fromkeys((*names, *columns_of(self.tree))))
        for chunk in pruned.read(unit, wanted, rows):
            yield self._matching(chunk, names)

    def _matching(self, chunk: Chunk, names: Sequence[str]) -> Chunk:
        if not chunk.rows:
            return chunk
        from lossctl.readers.where_mask import Masks

        mask = Masks(chunk.values, chunk.rows, self.path, chunk.commas).of(self.tree)
        count = mask.true_count
        if count == chunk.rows:
            return chunk
        return _compacted(chunk, mask, names) if count else nothing(chunk.covered)._replace(left=chunk.left)


def filtered(source: Source, tree: Tree) -> Filtered:
    """The rows of a source for which a filter is true.

    Raises:
        UsageError: the filter does not fit the source's columns.
    """
    fit = fitted(tree, source.columns(), source.path, hasattr(source, "with_text"))
    return Filtered(source, fit.tree).with_text(fit.text)


class Unmatched(NamedTuple):
    """A source of which no row matches: for a wrapper whose own constant columns make the filter false.

    The values are not read; where the metadata does not tell the rows, one column is, to count them.
    """

    inner: Source

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """Empty chunks that stand for all rows."""
        if hasattr(self.inner, "rows_of"):
            yield nothing(self.inner.rows_of(unit))
            return
        counted = [column.name for column in self.inner.columns()[:1]]
        for chunk in self.inner.read(unit, counted, rows):
            yield nothing(chunk.covered)._replace(left=chunk.left)


def _compacted(chunk: Chunk, mask: pa.BooleanArray, names: Sequence[str]) -> Chunk:
    import numpy as np

    from lossctl.readers.where_values import arrow, flags

    kept = np.flatnonzero(flags(mask))
    indices = arrow(kept)
    places = kept if chunk.places is None else chunk.places[kept]
    values = {name: _kept(chunk.values[name], kept, indices) for name in names}
    return Chunk(len(places), values, chunk.covered, places, chunk.left, chunk.commas)


def _kept(values: Values, kept: np.ndarray, indices: pa.Array) -> Values:
    import numpy as np

    if isinstance(values, np.ndarray):
        return values[kept]
    # by index it is several times faster than by mask
    return takeable(values).take(indices)
