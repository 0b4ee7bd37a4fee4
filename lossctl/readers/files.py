"""A file's bytes, whatever lies beneath: facts, a beginning, random access, or one way through."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from lossctl.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa


class Facts(NamedTuple):
    """What tells one state of a file from another: with its path, a key for what was learnt of it."""

    size: int
    changed: int


def facts(path: str) -> Facts:
    """The size in bytes, and when the file was changed.

    Raises:
        DataError: a file that is missing, or none that can be read.
    """
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
    try:
        with open(path, "rb") as file:
            return file.read(count)
    except OSError as error:
        raise unreadable(path, error) from None


def random_access(path: str) -> pa.NativeFile:
    """The file for pyarrow's readers, to read from any place; a local one is mapped.

    Raises:
        DataError: as `facts`.
    """
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
    import pyarrow as pa

    try:
        return pa.OSFile(path)
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: str, error: Exception) -> DataError:
    """The sentence for a file that the system does not give."""
    return DataError(f"{path}: {str(getattr(error, 'strerror', None) or error).lower()}")
