"""An input that was read in another run: what is told of it, without its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from lossctl.audit.digest import Digest

if TYPE_CHECKING:
    from lossctl.readers.source import Chunk, ColumnInfo, Unit


class Recorded(NamedTuple):
    """An input without its rows.

    Attributes:
        path, format, decimal_comma: as its source told them.
        run: the digest of all that was read with it.
    """

    path: str
    format: str
    decimal_comma: bool
    run: Digest

    @property
    def rows(self) -> int | None:
        """Not told."""
        return None

    @property
    def rereadable(self) -> bool:
        """No: it is not there."""
        return False

    def columns(self) -> list[ColumnInfo]:
        """None: it is not there."""
        return []

    def units(self, file: int) -> list[Unit]:
        """None: it is not there."""
        return []

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """Nothing: it is not there."""
        return iter(())
