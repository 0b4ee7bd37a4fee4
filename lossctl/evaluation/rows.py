"""The unreduced answer: the losses of some consecutive used rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from lossctl.readers.formats import TEXT

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from lossctl.readers.source import Source

    Floats: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float64]]"
    Whole: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"


class LossRows(NamedTuple):
    """Rows of a `none` reduction.

    Attributes:
        file: the index of the input that they came from.
        row: (n,) 1-based row numbers within that file.
        losses: spec text to (n,) w l.
        ids: the id columns' values, by name.
    """

    file: int
    row: Whole
    losses: dict[str, Floats]
    ids: dict[str, pa.Array]


def sometimes_text(sources: Sequence[Source], name: str) -> bool:
    """Whether a column is text in some files, as ids of a format without types are, and something else in others."""
    kinds = {
        "string" if source.format in TEXT else column.kind
        for source in sources
        for column in source.columns()
        if column.name == name
    }
    return "string" in kinds and len(kinds) > 1


def with_texts(rows: LossRows, names: Sequence[str]) -> LossRows:
    """The same with some ids as texts, so that they are of one type in all rows."""
    if not names:
        return rows
    import pyarrow as pa

    return rows._replace(ids={**rows.ids, **{name: rows.ids[name].cast(pa.string()) for name in names}})
