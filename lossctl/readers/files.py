"""A file's bytes, wherever it lies: facts, a beginning, random access, or one way through.

A path with a scheme (`s3://...`) goes to the room's `remote`, which is imported only then.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from lossctl.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


class Facts(NamedTuple):
    """What tells one state of a file from another: with its path, a key for what was learnt of it."""

    size: int
    changed: int


def located(path: str) -> str:
    """A path as the readers take it: `file://` as a local one, credentials in a URI out of sight.

    Raises:
        DataError: a `file://` on another machine.
    """
    if "://" not in path:
        return path
    from lossctl.readers.remote import located

    return located(path)


def is_remote(path: str) -> bool:
    """Whether it lies behind a network; of a path that was `located`."""
    return "://" in path


def plain_name(path: str) -> str:
    """The path without the settings that a URI may end in, so that its suffix shows."""
    if "://" not in path:
        return path
    from lossctl.readers.uri import address

    return address(path).key


def facts(path: str) -> Facts:
    """The size in bytes, and when the file was changed.

    Raises:
        DataError: a file that is missing, or none that can be read.
    """
    if is_remote(path):
        from lossctl.readers import remote

        return remote.facts(path)
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from None
    if stat.S_ISDIR(status.st_mode):
        raise DataError(f"{path} is a directory; name the files in it")
    # a named pipe would be waited for
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{path} is no regular file; pipe it in and name it -")
    return Facts(status.st_size, status.st_mtime_ns)


def beginning(path: str, count: int) -> bytes:
    """The first bytes; fewer only where the file has no more.

    Raises:
        DataError: as `facts`.
    """
    facts(path)
    return part(path, 0, count)


def part(path: str, start: int, stop: int) -> bytes:
    """The bytes from `start` to `stop`; fewer only where the file ends before.

    Raises:
        DataError: a file that cannot be read.
    """
    if is_remote(path):
        from lossctl.readers import remote

        return remote.part(path, start, stop)
    try:
        with open(path, "rb") as file:
            file.seek(start)
            return file.read(stop - start)
    except OSError as error:
        raise unreadable(path, error) from None


def random_access(path: str) -> pa.NativeFile:
    """The file for pyarrow's readers, to read from any place; a local one is mapped.

    Raises:
        DataError: as `facts`.
    """
    if is_remote(path):
        from lossctl.readers import remote

        return remote.random_access(path)
    import pyarrow as pa

    try:
        return pa.memory_map(path)
    except OSError as error:
        raise unreadable(path, error) from None


def sequential(path: str) -> pa.NativeFile:
    """The file to be read once, from its start.

    Raises:
        DataError: as `facts`.
    """
    if is_remote(path):
        from lossctl.readers import remote

        return remote.sequential(path)
    import pyarrow as pa

    try:
        return pa.OSFile(path)
    except OSError as error:
        raise unreadable(path, error) from None


@contextmanager
def on_disk(path: str) -> Iterator[str]:
    """A local path to the file: its own, or that of a copy, which is gone when the block ends.

    Raises:
        DataError: a file that cannot be read, or no room for its copy.
    """
    if is_remote(path):
        from lossctl.readers import remote

        with remote.copied(path) as copy:
            yield copy
        return
    yield path


def unreadable(path: str, error: Exception) -> DataError:
    """The sentence for a file that the system, or the place where it lies, does not give."""
    if is_remote(path):
        from lossctl.readers import remote

        return remote.refusal(path, error)
    return DataError(f"{path}: {str(getattr(error, 'strerror', None) or error).lower()}")
