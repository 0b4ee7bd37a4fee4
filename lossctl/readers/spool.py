"""stdin in a temporary file, for what has to be read a second time, or from any place."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lossctl.errors import DataError, LossctlError
from lossctl.readers.stdin import opened


@contextmanager
def spooled() -> Iterator[str]:
    """The path of a temporary file that holds stdin; it is gone when the block ends, and errors do not name it.

    Raises:
        DataError: the temporary folder has no room.
        UsageError: stdin is closed, or a terminal.
    """
    with tempfile.TemporaryDirectory(prefix="lossctl-") as folder:
        path = Path(folder) / "stdin"
        try:
            with path.open("wb") as file:
                stream = opened()
                while block := stream.read(1 << 20):
                    file.write(block)
        except OSError as error:
            raise DataError(f"cannot keep stdin in a temporary file: {error.strerror}") from None
        try:
            yield str(path)
        except LossctlError as error:
            raise type(error)(str(error).replace(str(path), "stdin")) from error
