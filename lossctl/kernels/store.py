"""Compiled kernels on disk: one object file each, under a key of the sources, the versions and the CPU.

An entry is trusted only if this user (or root) owns it, nobody else may write it, and its checksum holds;
otherwise it is compiled again. A folder that cannot be written costs a compilation, never a failure.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
DIGEST = 32


class Store:
    """The first of some folders that holds an entry, or takes one."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = tuple(folders)

    def load(self, key: str) -> bytes | None:
        """The object of a key, or None where no folder has a sound one."""
        for folder in self.folders:
            found = _sound(folder / f"{key}.o")
            if found is not None:
                return found
        return None

    def save(self, key: str, code: bytes) -> None:
        """Keep an object in the first folder that takes it."""
        for folder in self.folders:
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                _replace(folder / f"{key}.o", hashlib.sha256(code).digest() + code)
                return
            except OSError:
                continue


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _sound(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read()
    except OSError:
        return None
    foreign = hasattr(os, "getuid") and status.st_uid not in (os.getuid(), 0)
    if foreign or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return None
    digest, code = content[:DIGEST], content[DIGEST:]
    return code if code and hashlib.sha256(code).digest() == digest else None


def sources_fingerprint() -> str:
    """A hash of every source that a kernel is made of, and of the versions of its compilers."""
    digest = hashlib.sha256()
    for room in ("catalogue", "kernels"):
        for path in sorted((PACKAGE / room).rglob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    digest.update(f"{version('numba')} {version('llvmlite')}".encode())
    return digest.hexdigest()
