"""The unreduced answer: the losses of some consecutive used rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

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
