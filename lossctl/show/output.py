"""A file written whole or not at all: a temporary file beside it, then one rename."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedWriter, FileIO
from typing import BinaryIO

from lossctl.errors import DataError

DESCRIPTORS = {"/dev/stdout": 1, "/dev/stderr": 2}
NUMBERED = re.compile(r"/(?:dev|proc/self)/fd/(\d+)")


class _Noted(FileIO):
    """A file that remembers a failure of its own, so that one of an input is not told as the output's."""

    failed = False

    def write(self, data: object, /) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError:
            self.failed = True
            raise


def write_atomically(path: str, write: Callable[[BinaryIO], None]) -> None:
    """Replace a file by what `write` writes; see `replacing`."""
    with replacing(path) as file:
        write(file)


@contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` at the end, or leaves it as it was on any error.

    An existing file's permissions stay. A device, a pipe or a standard stream is written as it goes.

    Raises:
        DataError: the file cannot be written; the old one is unchanged.
        BrokenPipeError: the reader of a pipe has left.
    """
    with _told(path):
        special = _special(path)
    with _direct(path, special) if special is not None else _renamed(path) as file:
        yield file


def _special(path: str) -> str | int | None:
    numbered = NUMBERED.fullmatch(path)
    if path in DESCRIPTORS or numbered:
        return os.dup(int(numbered[1]) if numbered else DESCRIPTORS[path])
    mode = _mode(path)
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    return None if mode is None or stat.S_ISREG(mode) else path


def _mode(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


@contextmanager
def _direct(path: str, target: str | int) -> Iterator[BinaryIO]:
    with _told(path):
        raw = _Noted(target, "w")
    with _told(path, raw), BufferedWriter(raw) as file:
        yield file


@contextmanager
def _renamed(path: str) -> Iterator[BinaryIO]:
    # a link stays a link: the file that it names is replaced
    final = os.path.realpath(path)
    temporary = os.path.join(os.path.dirname(final), f".lossctl-{secrets.token_hex(8)}.tmp")
    try:
        with _told(path):
            raw = _Noted(_created(temporary, final), "w")
        with _told(path, raw), BufferedWriter(raw) as file:
            yield file
            _stored(file, raw)
        with _told(path):
            os.replace(temporary, final)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _created(temporary: str, final: str) -> int:
    mode = _mode(final)
    if mode is not None and not os.access(final, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), final)
    # the system applies the umask; an existing file's permissions were chosen, so no umask there
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    if mode is not None:
        os.fchmod(descriptor, stat.S_IMODE(mode))
    return descriptor


def _stored(file: BinaryIO, raw: _Noted) -> None:
    file.flush()
    try:
        os.fsync(raw.fileno())
    except OSError:
        raw.failed = True
        raise


@contextmanager
def _told(path: str, raw: _Noted | None = None) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if raw is not None and not raw.failed:
            raise
        raise DataError(_sentence(path, error)) from error


def _sentence(path: str, error: OSError) -> str:
    folder = os.path.dirname(path) or "."
    if isinstance(error, IsADirectoryError):
        return f"cannot write {path}: it is a folder; give -o a file's name"
    if isinstance(error, FileNotFoundError) and not os.path.isdir(folder):
        return f"cannot write {path}: there is no folder {folder}"
    kept = "; the old file is unchanged" if os.path.isfile(path) else ""
    return f"cannot write {path}: {error.strerror or error}{kept}"
