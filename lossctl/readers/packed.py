"""Compressed files told by how they begin, and unpacked as they are read."""

from __future__ import annotations

import re
import sys
from typing import Any, Protocol

from lossctl.errors import DataError

# how many bytes of a file tell what packed it
TELLING = 10
PACKED = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
}
# "BZh" alone may begin a CSV, so its first block is looked at too; that of an empty file is its last
BZIP2 = re.compile(rb"BZh[1-9](1AY&SY|\x17\x72\x45\x38\x50\x90)")
SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".lz4")


class Readable(Protocol):
    """All that is asked of a stream."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, none at the end."""
        ...


class Joined:
    """Bytes already read, then the rest of a stream."""

    closed = False

    def __init__(self, head: bytes, rest: Readable) -> None:
        self.head, self.rest = head, rest

    def read(self, size: int, /) -> bytes:
        """The next bytes, as many as the rest would give at once."""
        some, self.head = self.head[:size], self.head[size:]
        return some + self.rest.read(size - len(some)) if len(some) < size else some

    def close(self) -> None:
        """What reads from it says that it has done; the stream is its owner's to close."""


def packing(start: bytes) -> str | None:
    """What packed a file that begins so; None where nothing did."""
    if BZIP2.match(start):
        return "bz2"
    return next((name for magic, name in PACKED.items() if start.startswith(magic)), None)


def bare(path: str) -> str:
    """A path without the suffix that says how the file is packed."""
    return next((path[: -len(suffix)] for suffix in SUFFIXES if path.lower().endswith(suffix)), path)


class Unpacked:
    """What a packed file or stream holds.

    Raises:
        DataError: it cannot be opened; or, at a read, it is cut short or damaged.
    """

    def __init__(self, packed: str | Readable, packing: str, place: str) -> None:
        self.packing, self.place = packing, place
        try:
            self._stream = _opened(packed, packing)
        except OSError as error:
            raise self._broken(error) from None

    def read(self, size: int, /) -> bytes:
        """The next `size` bytes, fewer only at the end."""
        found: list[bytes] = []
        try:
            while size and (some := self._stream.read(size)):
                found.append(some)
                size -= len(some)
        except (OSError, EOFError, _lzma_error()) as error:
            raise self._broken(error) from None
        return found[0] if len(found) == 1 else b"".join(found)

    def _broken(self, error: Exception) -> DataError:
        reason = str(error).split("\n")[0].strip(" .").lower()
        return DataError(f"{self.place}: cannot be unpacked as {self.packing}: {reason}")


def _opened(packed: str | Readable, packing: str) -> Any:
    if packing == "xz":
        import lzma

        return lzma.LZMAFile(packed)  # type: ignore[arg-type]
    import pyarrow as pa

    file = pa.OSFile(packed) if isinstance(packed, str) else pa.PythonFile(packed, "r")
    return pa.CompressedInputStream(file, packing)


def _lzma_error() -> type[Exception]:
    """What lzma raises, where it was needed at all."""
    lzma = sys.modules.get("lzma")
    error: type[Exception] = EOFError if lzma is None else lzma.LZMAError
    return error
