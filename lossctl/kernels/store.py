"""Compiled kernels on disk: one object file each, under a key of the sources, the versions and the CPU.

An entry is trusted only if this user (or root) owns it, nobody else may write it, and its checksum holds;
otherwise it is compiled again. A folder that cannot be written costs a compilation, never a failure.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path

try:
    # hashlib loads OpenSSL first: 7 ms
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

PACKAGE = Path(__file__).resolve().parent.parent
DIGEST = 32
# digits of a key
KEY = 40


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
                _replace(folder / f"{key}.o", blake2b(code, digest_size=DIGEST).digest() + code)
                return
            except OSError:
                continue

    def contents(self) -> list[tuple[Path, int, int]]:
        """Each folder with its number of kernels and their bytes."""
        kept = [(folder, [path.stat().st_size for path in _kept(folder)]) for folder in self.folders]
        return [(folder, len(sizes), sum(sizes)) for folder, sizes in kept]

    def clear(self) -> None:
        """Throw all kernels away that may be; processes that have them mapped go on."""
        for path in (path for folder in self.folders for path in _kept(folder)):
            with suppress(OSError):
                path.unlink()


def _kept(folder: Path) -> list[Path]:
    """The kernels of a folder, and what a process left that died while it wrote one; nothing else is touched."""
    return [*folder.glob(f"{'[0-9a-f]' * KEY}.o"), *folder.glob(".new-*")]


def _replace(path: Path, content: bytes) -> None:
    import tempfile

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
    return code if code and blake2b(code, digest_size=DIGEST).digest() == digest else None


def fingerprint(parts: Iterable[str | bytes]) -> str:
    """A hash of some texts in order."""
    digest = blake2b(digest_size=DIGEST)
    for part in parts:
        digest.update((part.encode() if isinstance(part, str) else part) + b"\0")
    return digest.hexdigest()


def sources_fingerprint() -> str:
    """A hash of every source that a kernel is made of, and of the versions of its compilers."""
    sources = [f"{PACKAGE}/{room}" for room in ("catalogue", "kernels")]
    files = sorted(f"{folder}/{name}" for folder in sources for name in os.listdir(folder) if name.endswith(".py"))
    return fingerprint(map(_content, [*files, _version_file("numba"), _version_file("llvmlite")]))


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _version_file(package: str) -> str:
    """Where a package says its version; to ask for its metadata takes longer than all else here."""
    found = PathFinder.find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"No module named {package!r}")
    return os.path.join(os.path.dirname(found.origin), "_version.py")


def processor() -> str:
    """What tells this machine's processor from others: its model and what it can do."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = list(iter(file.readline, "\n"))
    except OSError:
        lines = []
    said = [line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))]
    if said:
        return "".join(said)
    import llvmlite.binding as llvm

    return f"{llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"
