"""Files behind a network: S3, Google Cloud Storage, HDFS and Azure through Arrow, the web and others through fsspec."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import unquote

from lossctl.errors import DataError
from lossctl.readers.files import Facts
from lossctl.readers.reasons import LostError, reason
from lossctl.readers.uri import WHOLE, Address, address, shown, whole, without_secrets

if TYPE_CHECKING:
    import pyarrow as pa

ARROW = ("s3", "s3a", "gs", "gcs", "hdfs", "viewfs", "abfs", "abfss")
# bytes that a copy or a stream asks for at once
BLOCK = 1 << 23


class Found(NamedTuple):
    """What lies at a key."""

    directory: bool
    facts: Facts = Facts(0, 0)


class Store(Protocol):
    """A place that holds files. Keys are as in `Address`; what goes wrong is any exception, `refusal` explains it."""

    def found(self, key: str) -> Found:
        """What lies at a key, or a FileNotFoundError."""
        ...

    def random_access(self, key: str) -> pa.NativeFile:
        """The file, each read a request for just these bytes."""
        ...

    def sequential(self, key: str) -> pa.NativeFile:
        """The file from its start, in large requests."""
        ...

    def files(self, key: str) -> list[str]:
        """The keys of all files below a directory."""
        ...


def located(path: str) -> str:
    """As `files.located`.

    Raises:
        DataError: a `file://` on another machine.
    """
    match = WHOLE.fullmatch(path)
    if match is None or whole(path) is not path:
        return path
    if match[1].lower() != "file":
        return shown(path)
    if match[2] not in ("", "localhost"):
        raise DataError(f"{path}: file:// names this machine's files, as in file:///folder/name, found host {match[2]}")
    return unquote(match[3])


def facts(path: str) -> Facts:
    """The size in bytes, and when the file was changed, as the process first saw it.

    Raises:
        DataError: a file that is missing or cannot be read, or a directory.
    """
    with _explained(path):
        found = _found(whole(path))
    if found.directory:
        raise DataError(f"{path} is a directory; name the files in it")
    return found.facts


def part(path: str, start: int, stop: int) -> bytes:
    """The bytes from `start` to `stop`; fewer only where the file ends before.

    Raises:
        DataError: as `facts`.
    """
    size = facts(path).size
    with random_access(path) as file, _explained(path):
        data: bytes = file.read_at(max(min(stop, size) - start, 0), start)
        return data


def random_access(path: str) -> pa.NativeFile:
    """The file, each read a request for just these bytes.

    Raises:
        DataError: as `facts`; or the file has another size than before.
    """
    before, parts = facts(path).size, address(path)
    with _explained(path):
        file = _store(parts).random_access(parts.key)
        size = file.size()
    if size != before:
        raise DataError(f"{path} changed while it was read: expected {before:,} bytes, found {size:,}; run again")
    return file


def sequential(path: str) -> pa.NativeFile:
    """The file from its start.

    Raises:
        DataError: as `facts`.
    """
    facts(path)
    parts = address(path)
    with _explained(path):
        return _store(parts).sequential(parts.key)


class Stream:
    """The file from its start, for who asks for nothing but `read`; opened when it is first asked.

    Raises:
        DataError: at a read: as `facts`; or the file ends early.
    """

    closed = False

    def __init__(self, path: str) -> None:
        self.path = path
        self._file: pa.NativeFile | None = None
        self._left = 0

    def read(self, size: int, /) -> bytes:
        """The next bytes, fewer only at the end."""
        if self._file is None:
            self._file, self._left = sequential(self.path), facts(self.path).size
        with _explained(self.path):
            data: bytes = self._file.read(size)
        self._left -= len(data)
        if len(data) < size and self._left:
            raise DataError(f"{self.path} changed while it was read: {abs(self._left):,} bytes too few or many")
        return data

    def close(self) -> None:
        """Nothing more will be read."""
        if self._file is not None:
            self._file.close()


@contextmanager
def copied(path: str) -> Iterator[str]:
    """The path of a temporary copy; it is gone when the block ends.

    Raises:
        DataError: as `facts`, or no room for the copy.
    """
    size = facts(path).size
    with tempfile.TemporaryDirectory(prefix="lossctl-", ignore_cleanup_errors=True) as folder:
        free = shutil.disk_usage(folder).free
        if size > free:
            raise DataError(f"{path} needs {size:,} bytes in {tempfile.gettempdir()}, {free:,} are free; set TMPDIR")
        copy, stream = f"{folder}/copy", Stream(path)
        try:
            with open(copy, "wb") as file:
                while block := stream.read(BLOCK):
                    file.write(block)
        except OSError as error:
            raise DataError(f"{path}: no temporary copy can be written: {error.strerror or error}") from None
        finally:
            stream.close()
        yield copy


def is_directory(uri: str) -> bool:
    """Whether a URI names a directory: a prefix of keys, where a place has no true ones.

    Raises:
        DataError: nothing lies there, or it cannot be asked.
    """
    with _explained(uri):
        return _found(whole(uri)).directory


def listing(uri: str) -> list[str]:
    """The URIs of all files below a directory, however deep, sorted; they begin as `uri` does.

    Raises:
        DataError: no directory, or one that cannot be listed.
    """
    parts = address(uri)
    with _explained(uri):
        keys = _store(parts).files(parts.key)
    return [shown(parts.at(key)) for key in sorted(keys)]


@lru_cache(maxsize=4096)
def _found(uri: str) -> Found:
    parts = address(uri)
    return _store(parts).found(parts.key)


def _store(parts: Address) -> Store:
    return _opened(parts.scheme, parts.authority, parts.query)


@lru_cache(maxsize=64)
def _opened(scheme: str, authority: str, query: str) -> Store:
    place = Address(scheme, authority, "", query)
    if scheme in ARROW:
        from lossctl.readers.arrow_store import ArrowStore

        return ArrowStore(place)
    from lossctl.readers.web_store import WebStore

    return WebStore(place)


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    # each library has errors of its own, and fsspec's are whatever its parts raise
    except Exception as error:
        raise refusal(path, error) from None


# how Arrow's file systems begin what they say of a request that failed
REQUESTS = re.compile(r"AWS Error|google::cloud|HDFS|Azure|curlCode")


def lost(error: Exception) -> bool:
    """Whether an error of a reader's comes from the place, not from what the file holds."""
    return isinstance(error, LostError | FileNotFoundError) or REQUESTS.search(str(error)) is not None


def refusal(path: str, error: Exception) -> DataError:
    """The sentence for what a place, or the library that asks it, says."""
    return DataError(f"{path}: {without_secrets(reason(error), path)}")
