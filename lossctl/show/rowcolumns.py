"""The columns of an output of rows: file, row, ids, then one for each loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lossctl.evaluation.rows import LossRows

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Names:
    """What the columns of the output are called, known before the first row."""

    files: tuple[str, ...]
    losses: tuple[str, ...]
    ids: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """All columns in order."""
        return [*(["file"] if len(self.files) > 1 else []), "row", *self.ids, *self.losses]

    def path(self, rows: LossRows) -> str | None:
        """The `file` of some rows; None where the output has no such column."""
        return self.files[rows.file] if len(self.files) > 1 else None


def columns_of(chunk: LossRows, names: Names) -> dict[str, pa.Array]:
    """A chunk's columns, save `file`, in order."""
    import pyarrow as pa

    ids = {name: _decoded(chunk.ids[name]) for name in names.ids}
    losses = {name: pa.array(chunk.losses[name], pa.float64()) for name in names.losses}
    return {"row": pa.array(chunk.row, pa.int64()), **ids, **losses}


def _decoded(values: pa.Array) -> pa.Array:
    import pyarrow as pa

    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
