"""The web, and whatever else fsspec knows: ranged reads, tried again where an error may pass."""

from __future__ import annotations

import io
import os
import tempfile
import time
import zlib
from collections.abc import Callable
from functools import lru_cache, partial
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeVar

from lossctl.errors import DataError
from lossctl.readers.files import Facts
from lossctl.readers.reasons import ATTEMPTS, LastError, LostError
from lossctl.readers.remote import BLOCK, Found
from lossctl.readers.uri import Address

if TYPE_CHECKING:
    import pyarrow as pa

Answer = TypeVar("Answer")
# seconds: for a connection, for the next bytes, and after which nothing is tried again
CONNECT, SILENCE, PATIENCE = 4.0, 8.0, 9.0
# seconds before a second attempt; doubled before each further one
WAIT = 0.4
PLACES = "file, s3, gs, hdfs, abfs, https"
PASSING = (408, 425, 429, 500, 502, 503, 504)


class Content(NamedTuple):
    """A file's facts, and what gives its bytes from a start to a stop."""

    facts: Facts
    read: Callable[[int, int], bytes]


class WebStore:
    """All that one scheme and host hold."""

    def __init__(self, place: Address) -> None:
        self.place = place
        self.web = place.scheme in ("http", "https")
        self.system = _filesystem(place)
        self.content: Callable[[str], Content] = lru_cache(maxsize=256)(self._content)

    def found(self, key: str) -> Found:
        """What lies at a key; in the web all are files."""
        if not self.web and patiently(partial(self.system.isdir, self._path(key))):
            return Found(True)
        return Found(False, self.content(key).facts)

    def random_access(self, key: str) -> pa.NativeFile:
        """The file, each read a request."""
        import pyarrow as pa

        return pa.PythonFile(Parts(self.content(key)), "r")

    def sequential(self, key: str) -> pa.NativeFile:
        """The file from its start, in large requests."""
        import pyarrow as pa

        return pa.PythonFile(io.BufferedReader(Parts(self.content(key)), BLOCK), "r")

    def files(self, key: str) -> list[str]:
        """The keys of all files below one; the web has no directories."""
        if self.web:
            raise DataError(f"{self.place.at(key)}: the web lists no directories; name the files")
        root = self._path("")
        found = patiently(partial(self.system.find, self._path(key)))
        return [str(path).removeprefix(root).removeprefix("/") for path in found]

    def _path(self, key: str) -> str:
        uri = self.place.at(key)
        return uri if self.web else str(self.system._strip_protocol(uri))

    def _content(self, key: str) -> Content:
        path = self._path(key)
        info = patiently(partial(self.system.info, path))
        size = info.get("size")
        marks = str([info.get(name) for name in ("ETag", "Last-Modified", "mtime", "created")]).encode()
        if not self.web:
            return Content(Facts(size, zlib.crc32(marks)), partial(_range, self.system, path))
        opened = partial(self.system.open, path, "rb", cache_type="none", size=size)
        if size and patiently(partial(_has_ranges, opened, size)):
            return Content(Facts(size, zlib.crc32(marks)), partial(_web_range, opened))
        # without ranges there is but one way to read parts: have all of it here
        copy = patiently(partial(_copy, self.system, path))
        return Content(Facts(os.fstat(copy.fileno()).st_size, zlib.crc32(marks)), partial(_copied_range, copy))


class Parts(io.RawIOBase):
    """A file of which each read is a request, tried again where that fails."""

    def __init__(self, content: Content) -> None:
        self.content, self.place = content, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Where the next read begins."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.place, io.SEEK_END: self.content.facts.size}[whence]
        self.place = base + offset
        return self.place

    def tell(self) -> int:
        """Where the next read begins."""
        return self.place

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes, fewer only at the end."""
        left = max(self.content.facts.size - self.place, 0)
        stop = self.place + (left if size is None or size < 0 else min(size, left))
        if stop == self.place:
            return b""
        data = patiently(partial(self.content.read, self.place, stop))
        if len(data) != stop - self.place:
            raise LostError(f"expected {stop - self.place:,} bytes, found {len(data):,}: the file changed")
        self.place = stop
        return data

    def readinto(self, buffer: Any) -> int:
        """The next bytes into a buffer."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def patiently(work: Callable[[], Answer]) -> Answer:
    """An answer, asked for again after an error that may pass.

    Raises:
        LastError: all attempts failed.
    """
    begun, attempt = time.monotonic(), 1
    while True:
        try:
            return work()
        except Exception as error:
            cause = _cause(error)
            if not _may_pass(cause):
                raise cause from None
            if attempt == ATTEMPTS or time.monotonic() - begun > PATIENCE:
                raise LastError(attempt, _said(cause)) from None
        time.sleep(WAIT * 2 ** (attempt - 1))
        attempt += 1


def _cause(error: Exception) -> Exception:
    """What lies behind an error: fsspec calls whatever goes wrong a missing file."""
    cause = error.__cause__ if isinstance(error, FileNotFoundError) else None
    found = cause if isinstance(cause, Exception) else error
    status = getattr(found, "status", None)
    if status in (404, 410):
        return FileNotFoundError()
    return LostError(_said(found)) if status is not None and status not in PASSING else found


def _may_pass(error: Exception) -> bool:
    import aiohttp

    if isinstance(error, aiohttp.ClientResponseError):
        return True
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.InvalidURL):
        return False
    return isinstance(error, aiohttp.ClientError | TimeoutError | ConnectionError)


def _said(error: Exception) -> str:
    """In the words of HTTP, where it has some; a server's own may hold the address."""
    status = getattr(error, "status", None)
    if status is not None:
        return f"{status} {getattr(error, 'message', '')}".strip()
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)


def _range(system: Any, path: str, start: int, stop: int) -> bytes:
    data: bytes = system.cat_file(path, start, stop)
    return data


def _web_range(opened: Callable[[], IO[bytes]], start: int, stop: int) -> bytes:
    with opened() as file:
        file.seek(start)
        return file.read(stop - start)


def _copied_range(copy: IO[bytes], start: int, stop: int) -> bytes:
    return os.pread(copy.fileno(), stop - start, start)


def _has_ranges(opened: Callable[[], IO[bytes]], size: int) -> bool:
    """Whether the server gives a part of a file: its last byte."""
    if size == 1:
        return True
    try:
        return len(_web_range(opened, size - 1, size)) == 1
    except ValueError:
        return False


def _copy(system: Any, path: str) -> IO[bytes]:
    """All of a file in one that has no name, so that nothing stays behind."""
    file = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        system.get_file(path, file)
        file.flush()
        return file
    except BaseException:
        file.close()
        raise


def _filesystem(place: Address) -> Any:
    try:
        import fsspec

        if place.scheme not in ("http", "https"):
            if place.scheme not in fsspec.available_protocols():
                raise DataError(f"{place.scheme}:// is no place that is known; there are {PLACES}, and fsspec's others")
            return fsspec.core.url_to_fs(place.at(""))[0]
        import aiohttp
    except ImportError as error:
        if error.name in ("fsspec", "aiohttp"):
            message = f"{place.scheme}:// is read through fsspec; pip install 'lossctl[remote]'"
            raise DataError(message) from None
        raise
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=SILENCE)
    # proxies and passwords are looked up where all tools do; packed content is unpacked here, not on the way
    client = {"timeout": timeout, "trust_env": True, "auto_decompress": False}
    headers = {"Accept-Encoding": "identity"}
    return fsspec.filesystem(place.scheme, headers=headers, client_kwargs=client, skip_instance_cache=True)
