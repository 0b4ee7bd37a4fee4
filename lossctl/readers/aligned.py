"""Preds with the labels of other files beside them, row by row: a Source around a Source."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from lossctl.errors import DataError
from lossctl.readers.around import Around
from lossctl.readers.arrow import takeable
from lossctl.readers.block import settled_commas
from lossctl.readers.keys import ROWS, arrow_of
from lossctl.readers.matching import DUPLICATE, UNMATCHED, Match, indices
from lossctl.readers.scratch import Scratch
from lossctl.readers.shelves import Column, WidthError
from lossctl.readers.source import Chunk, ColumnInfo, Source, Unit
from lossctl.readers.source import whole as whole_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from lossctl.readers.source import Values

# behind the name of a column of the preds files that the labels files have too
BESIDE = "@preds"


class JoinAccount(NamedTuple):
    """What a join came to.

    Attributes:
        labels_from: the labels files.
        on: the key columns, as `id` or `pred_id=label_id`; empty by position.
        rows: of the labels.
        unmatched_preds, unmatched_labels: rows of one side that the other has no row for.
        duplicate_preds, duplicate_labels: keys that a side has more than once.
        method: `merge`, `hash` or `position`.
    """

    labels_from: tuple[str, ...]
    on: tuple[str, ...]
    rows: int
    unmatched_preds: int
    unmatched_labels: int
    duplicate_preds: int
    duplicate_labels: int
    method: str

    def to_dict(self) -> dict[str, Any]:
        """As the JSON has it."""
        return {**self._asdict(), "labels_from": list(self.labels_from), "on": list(self.on)}


class Labels:
    """The labels files' columns, each put on disk when it is first asked for.

    Args:
        sources: the files.
        keys: columns that are not shown: the preds' own stand for them.
        scratch: where columns are kept.
        match: the labels' row of each row of the preds; None where they are the same.
    """

    def __init__(
        self, sources: tuple[Source, ...], keys: tuple[str, ...], scratch: Scratch, match: Match | None
    ) -> None:
        self.sources, self.keys, self.scratch, self.match = sources, keys, scratch, match
        self._begin()

    def _begin(self) -> None:
        self.shelves: dict[tuple[str, bool], Column] = {}
        self._building = threading.Lock()

    def columns(self) -> list[ColumnInfo]:
        """All columns but the keys, in file order."""
        return [column for column in self.sources[0].columns() if column.name not in self.keys]

    def rows_of(self, start: int, stop: int) -> np.ndarray:
        """For some consecutive rows of the preds: the labels' row, from 1; 0 and -1 where there is none."""
        import numpy as np

        return np.arange(start + 1, stop + 1) if self.match is None else self.match.at(start, stop)

    def take(self, names: Sequence[str], found: np.ndarray, text: frozenset[str]) -> dict[str, pa.Array]:
        """Columns for what `rows_of` gave, null where there is none."""
        import numpy as np

        missing = found <= 0
        some = missing.any()
        rows = np.where(missing, 0, found - 1) if some else found - 1
        with self._building:
            wanted = [name for name in names if (name, name in text) not in self.shelves]
            if wanted:
                self._build(wanted, text)
        return {name: self.shelves[name, name in text].take(rows, missing if some else None) for name in names}

    def _build(self, names: Sequence[str], text: frozenset[str]) -> None:
        """Put columns on disk, in one pass over the labels."""
        as_text = text & set(names)
        types: dict[str, pa.DataType] = {}
        while True:
            number = len(self.shelves)
            made = {
                name: Column(self.scratch.file(f"column-{number}-{i}"), types.get(name)) for i, name in enumerate(names)
            }
            try:
                changed = self._fill(made, as_text, text)
            finally:
                for column in made.values():
                    column.close()
            if changed is None:
                break
            name, wider = changed
            if wider is None:
                as_text |= {name}
                types.pop(name, None)
            else:
                types[name] = wider
        for name, column in made.items():
            self.shelves[name, name in text] = column

    def _fill(
        self, made: dict[str, Column], text: frozenset[str], asked: frozenset[str]
    ) -> tuple[str, pa.DataType | None] | None:
        """Write columns; or which one needs a wider type, or has to be read as text where that is None.

        Those that are `asked` for as text hold names, the others of `text` hold numbers too.
        """
        for source in self.sources:
            source = source.with_text(text) if text and hasattr(source, "with_text") else source
            self._refuse_missing(source, made)
            for unit in source.units(0):
                for chunk in source.read(unit, list(made), ROWS):
                    values = settled_commas(chunk, asked) if chunk.commas else chunk.values
                    for name, column in made.items():
                        try:
                            column.append(arrow_of(values[name]))
                        except WidthError as error:
                            if error.type is None:
                                self._refuse_types(source, name, text)
                            return name, error.type
        return None

    def _refuse_missing(self, source: Source, made: dict[str, Column]) -> None:
        there = [column.name for column in source.columns()]
        for name in made:
            if name not in there:
                raise DataError(f"{source.path} has no column {name!r}, which {self.sources[0].path} has")

    def _refuse_types(self, source: Source, name: str, text: frozenset[str]) -> None:
        if name in text or not all(hasattr(one, "with_text") for one in self.sources):
            raise DataError(
                f"{source.path}: column {name!r} is of another type than in the labels before; write one type"
            )

    def __getstate__(self) -> dict[str, Any]:
        return {"sources": self.sources, "keys": self.keys, "scratch": self.scratch, "match": self.match}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()


@dataclass(frozen=True)
class WithLabels(Around):
    """A file of preds, with the labels' columns beside its own.

    Attributes:
        inner: the preds.
        labels: those of all preds files.
        first: number of a unit to its first row, over all preds files.
        account: what the join came to.
        text: columns that are read as text.
        entire: rows without a label are not left out, and have null labels.
    """

    labels: Labels
    first: dict[int, int]
    account: JoinAccount
    text: frozenset[str] = frozenset()
    entire: bool = False

    @property
    def own(self) -> dict[str, str]:
        """The preds' columns by the names that they have here."""
        taken = {column.name for column in self.labels.columns()}
        names = [column.name for column in self.inner.columns()]
        return {f"{name}{BESIDE}" if name in taken else name: name for name in names}

    def columns(self) -> Sequence[ColumnInfo]:
        """The preds' columns, then the labels'; of two of one name the preds' is called `NAME@preds`.

        Raises:
            DataError: that makes two of one name again.
        """
        shown = [c._replace(name=name) for c, name in zip(self.inner.columns(), self.own, strict=True)]
        names = {column.name for column in shown}
        twice = [column.name for column in self.labels.columns() if column.name in names]
        if twice:
            raise DataError(f"{self.path} and the labels both have a column {twice[0]!r}; rename one")
        return [*shown, *self.labels.columns()]

    def with_text(self, names: frozenset[str]) -> WithLabels:
        """The same, with some more columns left as text."""
        own = frozenset(inner for name, inner in self.own.items() if name in names)
        inner = self.inner.with_text(own) if own and hasattr(self.inner, "with_text") else self.inner
        return replace(self, inner=inner, text=self.text | names)

    def whole(self) -> WithLabels:
        """The same without leaving out any row."""
        return replace(self, inner=whole_of(self.inner), entire=True)

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns of a unit of the preds, with the labels of its rows.

        Rows without a label, or whose key is not alone, are left out as `unmatched_id` and `duplicate_id`.
        """
        own = {name: inner for name, inner in self.own.items() if name in names}
        others = [name for name in names if name not in own]
        # one column at least tells how many rows there are
        read = list(own.values()) or [next(iter(self.own.values()))]
        at = self.first[unit.number]
        for chunk in self.inner.read(unit, read, rows):
            if not chunk.rows:
                at += chunk.covered
                yield chunk
                continue
            found = self.labels.rows_of(at, at + chunk.covered)
            at += chunk.covered
            if chunk.places is not None:
                found = found[chunk.places]
            values = {name: chunk.values[inner] for name, inner in own.items()}
            commas = frozenset(name for name, inner in own.items() if inner in chunk.commas)
            chunk = chunk._replace(values=values, commas=commas)
            if not self.entire:
                chunk, found = _matched(chunk, found)
            yield chunk._replace(values={**chunk.values, **self.labels.take(others, found, self.text)})


def _matched(chunk: Chunk, found: np.ndarray) -> tuple[Chunk, np.ndarray]:
    """The rows that have a label; the others are told as left out."""
    import numpy as np

    kept = np.flatnonzero(found > 0)
    if len(kept) == len(found):
        return chunk, found
    places = np.arange(chunk.rows) if chunk.places is None else chunk.places
    left = dict(chunk.left)
    for reason, sign in (("unmatched_id", UNMATCHED), ("duplicate_id", DUPLICATE)):
        some = places[found == sign]
        if len(some):
            left[reason] = np.sort(np.concatenate([left[reason], some])) if reason in left else some
    values = {name: _taken(entry, kept) for name, entry in chunk.values.items()}
    return Chunk(len(kept), values, chunk.covered, places[kept], left, chunk.commas), found[kept]


def _taken(values: Values, kept: np.ndarray) -> Values:
    import numpy as np

    if isinstance(values, np.ndarray):
        return values[kept]
    return takeable(values).take(indices(kept))
