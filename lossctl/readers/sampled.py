"""A source of which only the first rows of some units are read, spread over the file: the same ones every time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from lossctl.readers.around import Around
from lossctl.readers.source import Chunk, Source, Unit

# rows that are worth a unit's while
FEWEST = 1 << 10


@dataclass(frozen=True)
class SampledSource(Around):
    """At most about `limit` rows of a source; `each` are read from the start of every unit that is taken."""

    limit: int
    each: int
    taken: tuple[int, ...] | None
    units_there: int | None

    @property
    def rows(self) -> int | None:
        """Unknown before reading."""
        return None

    def with_text(self, names: frozenset[str]) -> Source:
        """The same rows, with some columns left as text."""
        inner = self.inner.with_text(names) if hasattr(self.inner, "with_text") else self.inner
        return replace(self, inner=inner)

    def units(self, file: int) -> Iterable[Unit]:
        """Those that are read."""
        units = self.inner.units(file)
        if self.taken is None:
            return islice(units, 1 + (self.limit - 1) // self.each)
        taken = frozenset(self.taken)
        return [unit for i, unit in enumerate(units) if i in taken]

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The first rows of a unit; none behind them is read."""
        left = self.each
        for chunk in self.inner.read(unit, names, min(rows, self.each)):
            if chunk.covered > left:
                # what is cut out of the middle would need its places cut too: such a chunk is taken whole
                chunk = chunk if chunk.span is not None else _first(chunk, left)
            yield chunk
            left -= chunk.covered
            if left <= 0:
                return


def sampled(source: Source, limit: int) -> SampledSource:
    """A source's sample: of units whose number is known evenly spread ones, else the first ones."""
    units = source.units(0)
    if not isinstance(units, Sequence):
        return SampledSource(source, limit, min(limit, FEWEST), None, None)
    count = max(1, min(len(units), limit // FEWEST))
    taken = tuple(sorted({i * len(units) // count for i in range(count)})) if units else ()
    return SampledSource(source, limit, max(1, limit // max(len(taken), 1)), taken, len(units))


def _first(chunk: Chunk, rows: int) -> Chunk:
    return chunk._replace(rows=rows, values={name: values[:rows] for name, values in chunk.values.items()})
