"""A source put around another: what it does not change is the inner one's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lossctl.readers.source import ColumnInfo, Source, Unit


@dataclass(frozen=True)
class Around:
    """The base of sources that filter, join, sample or widen what another one reads."""

    inner: Source

    @property
    def path(self) -> str:
        """The inner one's."""
        return self.inner.path

    @property
    def format(self) -> str:
        """The inner one's."""
        return self.inner.format

    @property
    def rows(self) -> int | None:
        """The inner one's."""
        return self.inner.rows

    @property
    def rereadable(self) -> bool:
        """As the inner one."""
        return self.inner.rereadable

    def columns(self) -> Sequence[ColumnInfo]:
        """The inner one's."""
        return self.inner.columns()

    def units(self, file: int) -> Iterable[Unit]:
        """The inner one's."""
        return self.inner.units(file)
