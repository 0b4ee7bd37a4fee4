"""ORC: units are runs of stripes, each decoded in a process beside the thread that asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from lossctl.errors import DataError
from lossctl.readers.arrow import brief, chunks, columns_of
from lossctl.readers.batches import Contents
from lossctl.readers.files import Facts, facts, is_remote
from lossctl.readers.orc_calls import PATIENCE, POOL, LibraryError, answers
from lossctl.readers.orc_child import COUNTS, END, Question
from lossctl.readers.source import Chunk, ColumnInfo, Unit

# bytes that decoding may take: of any file, for each byte of it, and for each value
MEMORY, MEMORY_A_BYTE, MEMORY_A_VALUE = 640 << 20, 64, 24
# what says that a byte holds more rows is damaged
ROWS_A_BYTE = 256
# processes that are started before they are asked
BESIDE = 2
# bytes that are decoded in a second at the least
PACE = 4 << 20
# seconds more for a network, whose own patience ends before
NETWORK = 60


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
        units = self._contents().units(file)
        # other threads will want theirs
        POOL.prepare(min(len(units), BESIDE))
        return units

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns of a run of stripes, decoded while the calling thread waits."""
        import pyarrow as pa

        state = facts(self.path)
        asked = question(self.path, state, min(self._contents().rows, ROWS_A_BYTE * state.size) * len(names))
        asked |= {"names": list(names), "start": unit.start, "stop": unit.stop, "rows": rows}
        at = unit.start
        try:
            for kind, data in answers(asked, patience(self.path, state.size)):
                if kind == END:
                    at += 1
                    continue
                for batch in pa.ipc.open_stream(data):
                    # it holds what was asked for, and nothing else
                    batch.validate(full=True)
                    yield from chunks(batch, names, rows)
        except (pa.ArrowException, LibraryError, UnicodeDecodeError, KeyError) as error:
            raise DataError(f"{self.path}: stripe {at} cannot be decoded: {said(error, asked, self.path)}") from None

    def _contents(self) -> Contents:
        return _contents(self.path, *facts(self.path))


@lru_cache(maxsize=64)
def _contents(path: str, size: int, changed: int) -> Contents:
    asked = question(path, Facts(size, changed), 0)
    try:
        ((_, found),) = answers(asked, patience(path, size))
        import pyarrow as pa

        stripes, rows = COUNTS.unpack_from(found)
        if stripes < 0 or rows < 0:
            raise LibraryError(f"it says that it has {stripes:,} stripes and {rows:,} rows")
        return Contents(pa.ipc.read_schema(found.slice(COUNTS.size)), stripes, rows, size)
    except (LibraryError, ValueError, OSError) as error:
        raise DataError(f"{path}: not a whole ORC file: {said(error, asked, path)}") from None


def question(path: str, state: Facts, values: int) -> Question:
    """The request for what a file's footer says, with limits that allow to decode so many values.

    Raises:
        DataError: as `facts`.
    """
    most = MEMORY + MEMORY_A_BYTE * state.size + MEMORY_A_VALUE * values
    return {
        "path": place(path),
        "size": state.size,
        "changed": state.changed,
        "names": None,
        "start": 0,
        "stop": 1,
        "rows": 0,
        "memory": most,
        "seconds": 4 * patience(path, state.size),
    }


def place(path: str) -> str:
    """Where another process finds the file: it has no descriptors of this one's, and a URI is no secret to it."""
    if not is_remote(path):
        return os.path.realpath(path)
    from lossctl.readers.uri import whole

    return whole(path)


def patience(path: str, size: int) -> int:
    """The seconds in which a sound file of this size, or any part of it, is decoded."""
    return PATIENCE + size // PACE + (NETWORK if is_remote(path) else 0)


def said(error: Exception, asked: Question, path: str) -> str:
    """What went wrong, in a line that names the file as the user did, or not at all."""
    text = brief(error).replace(asked["path"], path)
    if is_remote(path):
        from lossctl.readers.uri import without_secrets

        text = without_secrets(text, path)
    return text.removeprefix(f"{path}: ")
