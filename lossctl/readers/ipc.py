"""Arrow IPC: a file's record batches by place, read by threads on their own, or a stream's as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

from lossctl.errors import DataError
from lossctl.readers import files
from lossctl.readers.arrow import brief, check, chunks, columns_of, tops_of
from lossctl.readers.batches import BatchStream, Contents
from lossctl.readers.files import facts, random_access, sequential
from lossctl.readers.source import Chunk, ColumnInfo, Unit

if TYPE_CHECKING:
    import pyarrow as pa

    from lossctl.readers.packed import Readable


# what ends a stream
END = b"\xff\xff\xff\xff\0\0\0\0"


class ArrowSource(NamedTuple):
    """An Arrow file, which is also Feather's version 2."""

    path: str
    format: str = "arrow"
    rereadable: bool = True

    @property
    def rows(self) -> int | None:
        """From the metadata of its batches."""
        return self._contents().rows

    def columns(self) -> Sequence[ColumnInfo]:
        """All columns in file order."""
        return columns_of(self._contents().schema, self.path)

    def units(self, file: int) -> list[Unit]:
        """Runs of record batches, as many each as make a unit on average."""
        return self._contents().units(file)

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        """The named columns of a run of batches, where they lie; packed ones are unpacked in the calling thread."""
        import pyarrow as pa

        tops = tops_of(self._contents().schema, names)
        at = unit.start
        try:
            with random_access(self.path) as file:
                options = pa.ipc.IpcReadOptions(included_fields=tops, use_threads=False)
                reader = pa.ipc.open_file(file, options=options)
                for at in range(unit.start, unit.stop):
                    batch = reader.get_batch(at)
                    check(batch, names)
                    yield from chunks(batch, names, rows)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(f"{self.path}: record batch {at} cannot be read: {brief(error)}") from None

    def _contents(self) -> Contents:
        return _contents(self.path, *facts(self.path))


@lru_cache(maxsize=64)
def _contents(path: str, size: int, changed: int) -> Contents:
    import pyarrow as pa

    try:
        with random_access(path) as file:
            reader = pa.ipc.open_file(file)
            # a name is decoded when it is asked for, which is where a broken one shows
            _ = reader.schema.names
            return Contents(reader.schema, reader.num_record_batches, reader.count_rows(), size)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a whole Arrow file: {brief(error)}") from None


def stream_of_file(path: str) -> BatchStream:
    """An Arrow stream that lies in a file."""
    return BatchStream(path, partial(_file_opened, path), True, "Arrow stream")


def stream_of(path: str, opened: Callable[[], Readable]) -> BatchStream:
    """An Arrow stream that comes one way."""
    return BatchStream(path, partial(_pipe_opened, path, opened), False, "Arrow stream")


class WholeStream:
    """A stream's record batches, which end in the mark for it: one that is cut between two of them has none."""

    def __init__(self, reader: pa.RecordBatchReader, last: Callable[[], bytes]) -> None:
        self.reader, self.schema, self.last = reader, reader.schema, last
        # a name is decoded when it is asked for, which is where a broken one shows
        _ = self.schema.names

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        yield from self.reader
        if self.last() != END:
            raise ValueError("it ends without the mark for its end, as if cut short")


class _Watched:
    """A pipe whose last bytes are kept."""

    closed = False

    def __init__(self, stream: Readable) -> None:
        self.stream, self.last = stream, b""

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        found = self.stream.read(size)
        self.last = (self.last + found[-len(END) :])[-len(END) :]
        return found

    def close(self) -> None:
        """What reads from it says that it has done; the stream is its owner's to close."""


def _file_opened(path: str) -> WholeStream:
    if files.is_remote(path):
        from lossctl.readers.remote import Stream

        return _pipe_opened(path, partial(Stream, path))
    file = sequential(path)
    return _opened(path, file, lambda: file.read_at(len(END), max(file.tell() - len(END), 0)))


def _pipe_opened(path: str, opened: Callable[[], Readable]) -> WholeStream:
    import pyarrow as pa

    watched = _Watched(opened())
    return _opened(path, pa.PythonFile(watched, "r"), lambda: watched.last)


def _opened(path: str, file: pa.NativeFile, last: Callable[[], bytes]) -> WholeStream:
    import pyarrow as pa

    try:
        return WholeStream(pa.ipc.open_stream(file), last)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        place = "stdin" if path == "-" else path
        raise DataError(f"{place}: not a whole Arrow stream: {brief(error)}") from None
