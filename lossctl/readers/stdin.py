"""stdin's bytes: its beginning may be looked at before it is read."""

from __future__ import annotations

import sys
from typing import BinaryIO

from lossctl.errors import UsageError
from lossctl.readers.packed import Joined

_begun: tuple[BinaryIO, bytes] | None = None


def look(count: int) -> bytes:
    """The first bytes, fewer only where there are no more; who opens it gets them once more.

    Raises:
        UsageError: stdin is closed, or a terminal.
    """
    global _begun
    buffer = _buffer()
    head = _head(buffer)
    if len(head) < count:
        head += buffer.read(count - len(head))
    _begun = buffer, head
    return head


def opened() -> Joined:
    """stdin from its start; who comes second finds it at its end."""
    global _begun
    buffer = _buffer()
    head, _begun = _head(buffer), None
    return Joined(head, buffer)


def _head(buffer: BinaryIO) -> bytes:
    return _begun[1] if _begun is not None and _begun[0] is buffer else b""


def _buffer() -> BinaryIO:
    if sys.stdin is None:
        raise UsageError("- reads stdin, and stdin is closed; name a file, or pipe one in")
    if sys.stdin.isatty():
        raise UsageError("- reads a pipe, and stdin is a terminal; name a file, or pipe one in")
    return sys.stdin.buffer
