"""A temporary folder that lives as long as who needs it, and is gone after an error, an interrupt or the end."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from typing import Any

from lossctl.errors import DataError

_folders: weakref.WeakSet[Scratch] = weakref.WeakSet()


class Scratch:
    """A temporary folder; it is removed with its last owner. Pickled, it is its path: the maker removes it."""

    def __init__(self) -> None:
        try:
            self.path = tempfile.mkdtemp(prefix="lossctl-")
        except OSError as error:
            raise DataError(f"cannot make a temporary folder: {error.strerror}; TMPDIR names another place") from None
        self._removal = weakref.finalize(self, shutil.rmtree, self.path, True)
        _folders.add(self)

    def file(self, name: str) -> str:
        """The path of a file in it."""
        return os.path.join(self.path, name)

    def remove(self) -> None:
        """Remove it now."""
        if hasattr(self, "_removal"):
            self._removal()

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}


def remove_all() -> None:
    """Remove every folder that there still is: for a process that ends without taking down the interpreter."""
    for folder in list(_folders):
        folder.remove()
