"""stdin in a temporary file, for what has to be read a second time."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from lossctl.errors import DataError


@contextmanager
def spooled(stream: BinaryIO) -> Iterator[str]:
    """The path of a temporary file that holds the stream; it is gone when the block ends.

    Raises:
        DataError: the temporary folder has no room.
    """
    with tempfile.TemporaryDirectory(prefix="lossctl-") as folder:
        path = Path(folder) / "stdin.csv"
        try:
            with path.open("wb") as file:
                shutil.copyfileobj(stream, file, 1 << 20)
        except OSError as error:
            raise DataError(f"cannot keep stdin in a temporary file: {error.strerror}") from None
        yield str(path)
