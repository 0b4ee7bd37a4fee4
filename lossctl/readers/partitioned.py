"""Columns that stand in the path of a file, as Hive lays tables out: `split=test/part-0.parquet`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from lossctl.readers.around import Around
from lossctl.readers.arrow import texts
from lossctl.readers.source import Chunk, ColumnInfo, Source, Unit, whole, with_codes

if TYPE_CHECKING:
    import pyarrow as pa

    from lossctl.readers.filtered import Unmatched
    from lossctl.readers.where import Tree

# the names and texts of a path's keys
Texts = tuple[tuple[str, "str | None"], ...]
# what reads back as it stands, within int64; 007 and +1 are names
WHOLE = re.compile(r"-?[1-9][0-9]{0,17}|0")


class Key(NamedTuple):
    """A partition key's value in one file; None is null."""

    whole: bool
    value: int | str | None

    def as_text(self) -> Key:
        """The same as a text."""
        return Key(False, None if self.value is None else str(self.value))


@dataclass(frozen=True)
class Partitioned(Around):
    """A file with columns that have one value each, the same in all its rows.

    Of a column that the file has itself, the file's own counts.
    """

    constants: Mapping[str, Key]

    def whole(self) -> Partitioned:
        """The same around the whole file."""
        return replace(self, inner=whole(self.inner))

    def with_codes(self, names: frozenset[str]) -> Partitioned:
        """The same, with some columns of text as dictionaries where the format can."""
        return replace(self, inner=with_codes(self.inner, names))

    def pruned(self, tree: Tree) -> Partitioned | Unmatched:
        """The same without what cannot match a filter: all of the file, where its keys say so."""
        from lossctl.readers.filtered import Unmatched
        from lossctl.readers.where_reach import verdict

        keys = {name: self.constants[name].value for name in self._keys(self.inner.columns())}
        if verdict(tree, keys) is False:
            return Unmatched(self.inner)
        return replace(self, inner=self.inner.pruned(tree)) if hasattr(self.inner, "pruned") else self

    def columns(self) -> Sequence[ColumnInfo]:
        """The file's, then the keys."""
        own = list(self.inner.columns())
        return [*own, *(_info(name, self.constants[name]) for name in self._keys(own))]

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The file's chunks with the keys beside them; where only keys are asked for, a column tells the rows."""
        own = list(self.inner.columns())
        keys = [name for name in names if name in self._keys(own)]
        asked = [name for name in names if name not in keys] or [own[0].name]
        for chunk in self.inner.read(unit, asked, rows):
            # one that only stands for rows holds no columns
            if not chunk.rows:
                yield chunk
                continue
            said = {name: _repeated(self.constants[name], chunk.rows) for name in keys}
            every = {**chunk.values, **said}
            yield chunk._replace(values={name: every[name] for name in names})

    def _keys(self, own: Sequence[ColumnInfo]) -> list[str]:
        taken = {column.name for column in own}
        return [name for name in self.constants if name not in taken]


class PartitionedText(Partitioned):
    """The same around a file whose columns' types are open."""

    def with_text(self, names: frozenset[str]) -> PartitionedText:
        """The same, with some columns as text: a key's, too."""
        inner: Source = self.inner.with_text(names)  # type: ignore[attr-defined]
        keys = {name: key.as_text() if name in names else key for name, key in self.constants.items()}
        return PartitionedText(inner, keys)


def partitioned(source: Source, constants: Mapping[str, Key]) -> Source:
    """The file with its keys, if there are any."""
    if not constants:
        return source
    return (PartitionedText if hasattr(source, "with_text") else Partitioned)(source, constants)


def _info(name: str, key: Key) -> ColumnInfo:
    return ColumnInfo(name, "integer", "int64") if key.whole else ColumnInfo(name, "string", "string")


def _repeated(key: Key, rows: int) -> pa.Array:
    """One value, as often as there are rows: int64, or a dictionary of one text."""
    import numpy as np
    import pyarrow as pa

    if key.value is None:
        return pa.nulls(rows, pa.int64() if key.whole else pa.string())
    if key.whole:
        return pa.array(np.full(rows, key.value))
    return pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), texts([str(key.value)]))


def typed(paths: Sequence[Texts]) -> list[dict[str, Key]]:
    """The keys of each path, in a type that all paths share: whole numbers, or texts."""
    said: dict[str, list[str]] = {}
    for keys in paths:
        for name, text in keys:
            said.setdefault(name, []).extend([] if text is None else [text])
    whole = {name for name, every in said.items() if every and all(map(WHOLE.fullmatch, every))}
    return [{name: _key(text, name in whole) for name, text in keys} for keys in paths]


def _key(text: str | None, whole: bool) -> Key:
    return Key(whole, int(text) if whole and text is not None else text)
