"""What every reader gives: a Source that lists its columns, cuts itself into units and reads one as chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Values: TypeAlias = "np.ndarray | pa.Array"

Kind = Literal["integer", "float", "boolean", "string", "list", "other"]


class ColumnInfo(NamedTuple):
    """A column as its file declares it.

    `width` is 1 for a flat column, K for a fixed-size list, tensor or second array axis, None for a list
    whose length only the rows tell. `type` is the file's own name of the type, for people.
    """

    name: str
    kind: Kind
    type: str
    width: int | None = 1


class Unit(NamedTuple):
    """A range of one file: row groups, bytes or rows `start` to `stop`. Pickles; means the same on any machine."""

    file: int
    number: int
    start: int
    stop: int


class Chunk(NamedTuple):
    """Some rows of a unit: a column's name to its values, (n,) or (n, K), in the file's own type.

    Most chunks hold consecutive rows. One that was filtered or joined stands for `span` consecutive rows of the
    unit, of which those at `places` (rows,), ascending from 0, are here; `left` maps a reason such as "unmatched_id"
    to the places of rows that are accounted as dropped, and what is in neither was filtered away. `commas` are columns
    of text whose numbers have a decimal comma.
    """

    rows: int
    values: dict[str, Values]
    span: int | None = None
    places: np.ndarray | None = None
    left: Mapping[str, np.ndarray] = MappingProxyType({})
    commas: frozenset[str] = frozenset()

    @property
    def covered(self) -> int:
        """How many rows of the unit it stands for."""
        return self.rows if self.span is None else self.span


def nothing(rows: int) -> Chunk:
    """A chunk that stands for some rows of which none is here."""
    import numpy as np

    return Chunk(0, {}, rows, np.empty(0, np.int64))


def whole(source: Source) -> Source:
    """The same rows and columns with none left out: what a filter or a join is put around."""
    return source.whole() if hasattr(source, "whole") else source


def with_codes(source: Source, names: frozenset[str]) -> Source:
    """The same with some columns of text as dictionaries, where the format can; what joins or renames stays."""
    return source.with_codes(names) if hasattr(source, "with_codes") else source


Kindred = TypeVar("Kindred")


def within(source: Source, kind: type[Kindred]) -> Kindred | None:
    """The source of a kind among one and those that it was put around."""
    some: object = source
    while some is not None and not isinstance(some, kind):
        some = getattr(some, "inner", None)
    return some


def read_by(sources: Sequence[Source]) -> list[Source]:
    """The files that some sources read, without what was put around them: theirs, then those of joined labels."""
    chains: list[list[Any]] = [[source] for source in sources]
    for chain in chains:
        while hasattr(chain[-1], "inner"):
            chain.append(chain[-1].inner)
    # all files of preds share their labels
    joined = next((one.labels.sources for chain in chains for one in chain if hasattr(one, "labels")), ())
    return [*(chain[-1] for chain in chains), *(read_by(joined) if joined else ())]


class Source(Protocol):
    """One open input. Small, picklable: paths and settings, no handles.

    What only some have: `with_text(names)`, the same with these columns left as text; `with_codes(names)`, the same
    with these columns of text as dictionaries; `whole()`, see there;
    `pruned(tree)`, the same units with a chunk of `nothing` for runs of rows that surely do not match a filter
    (see `where`; which others match is for who asks to find out); `rows_of(unit)`, how many rows a unit has.
    """

    @property
    def path(self) -> str:
        """As the user wrote it; "-" for stdin."""
        ...

    @property
    def format(self) -> str:
        """`parquet`, `csv`, `tsv`, `npy`, `npz`."""
        ...

    @property
    def rows(self) -> int | None:
        """How many rows there are, where the metadata tells."""
        ...

    @property
    def rereadable(self) -> bool:
        """Whether a unit can be read more than once: not so on stdin."""
        ...

    def columns(self) -> Sequence[ColumnInfo]:
        """All columns in file order."""
        ...

    def units(self, file: int) -> Iterable[Unit]:
        """The whole input cut into ranges, in order; `file` is stamped into each. A stream's are made on the way."""
        ...

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns of a unit, in order, at most `rows` rows a chunk."""
        ...
