"""ORC: units are runs of stripes, each read by one thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from lossctl.errors import DataError
from lossctl.readers.arrow import brief, chunks, columns_of
from lossctl.readers.batches import UNIT_BYTES, UNIT_ROWS
from lossctl.readers.files import facts, random_access
from lossctl.readers.source import Chunk, ColumnInfo, Unit

if TYPE_CHECKING:
    import pyarrow as pa


class Contents(NamedTuple):
    """What an ORC file's footer says."""

    schema: pa.Schema
    stripes: int
    rows: int
    size: int


class OrcSource(NamedTuple):
    """An ORC file."""

    path: str
    format: str = "orc"
    rereadable: bool = True

    @property
    def rows(self) -> int | None:
        """From the file's footer."""
        return self._contents().rows

    def columns(self) -> Sequence[ColumnInfo]:
        """All columns in file order."""
        return columns_of(self._contents().schema, self.path)

    def units(self, file: int) -> list[Unit]:
        """Runs of stripes, as many each as make a unit on average."""
        held = self._contents()
        step = max(1, min(UNIT_ROWS * held.stripes // max(held.rows, 1), UNIT_BYTES * held.stripes // held.size))
        starts = range(0, held.stripes, step)
        return [Unit(file, i, start, min(start + step, held.stripes)) for i, start in enumerate(starts)]

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns of a run of stripes, decoded in the calling thread."""
        import pyarrow as pa

        at = unit.start
        try:
            with random_access(self.path) as file:
                reader = _reader(file)
                for at in range(unit.start, unit.stop):
                    yield from chunks(reader.read_stripe(at, columns=list(names)), names, rows)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(f"{self.path}: stripe {at} cannot be decoded: {brief(error)}") from None

    def _contents(self) -> Contents:
        return _contents(self.path, *facts(self.path))


@lru_cache(maxsize=64)
def _contents(path: str, size: int, changed: int) -> Contents:
    import pyarrow as pa

    try:
        with random_access(path) as file:
            reader = _reader(file)
            _ = reader.schema.names
            return Contents(reader.schema, reader.nstripes, reader.nrows, size)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a whole ORC file: {brief(error)}") from None


def _reader(file: pa.NativeFile) -> Any:
    from pyarrow import orc

    return orc.ORCFile(file)
