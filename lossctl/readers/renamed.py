"""A source whose columns are called otherwise: `NAME@MODEL`, to stand beside another model's in one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lossctl.readers.around import Around
from lossctl.readers.source import Chunk, ColumnInfo, Source, Unit, whole


@dataclass(frozen=True)
class Renamed(Around):
    """The same rows and columns, with `ending` behind every column's name."""

    ending: str

    def columns(self) -> Sequence[ColumnInfo]:
        """The inner one's under their new names."""
        return [column._replace(name=column.name + self.ending) for column in self.inner.columns()]

    def whole(self) -> Source:
        """The same without leaving out any row."""
        return replace(self, inner=whole(self.inner))

    def with_text(self, names: frozenset[str]) -> Renamed:
        """The same, with some more columns left as text where the format leaves that open."""
        if not hasattr(self.inner, "with_text"):
            return self
        own = frozenset(self._inner(name) for name in names if name.endswith(self.ending))
        return replace(self, inner=self.inner.with_text(own))

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns of a unit, as the inner one reads them."""
        for chunk in self.inner.read(unit, [self._inner(name) for name in names], rows):
            values = {name + self.ending: found for name, found in chunk.values.items()}
            commas = frozenset(name + self.ending for name in chunk.commas)
            yield chunk._replace(values=values, commas=commas)

    def _inner(self, name: str) -> str:
        return name.removesuffix(self.ending)
