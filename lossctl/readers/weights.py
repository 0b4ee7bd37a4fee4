"""The named arrays of a model's weight file: NPY, NPZ or safetensors, told by content."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lossctl.readers import files, npy, safetensors

if TYPE_CHECKING:
    import numpy as np

ZIP = b"PK"


def array_names(path: str) -> list[str]:
    """The names of a file's arrays, in its order; an .npy's is the file's own name without the suffix.

    Raises:
        DataError: the file cannot be read.
    """
    kind = _kind(path)
    if kind == "npy":
        return [_stem(path)]
    return list(npy.members(path)) if kind == "npz" else list(safetensors.header(path))


def weight_array(path: str, name: str) -> np.ndarray:
    """An array of any shape, mapped from disk where the format allows.

    Raises:
        DataError: the file cannot be read, or the array is cut short.
    """
    kind = _kind(path)
    if kind == "npy":
        return npy.mapped(path)
    return npy.members(path)[name] if kind == "npz" else safetensors.tensor(path, name)


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(files.plain_name(path)))[0]


def _kind(path: str) -> str:
    start = files.part(path, 0, 6)
    if start == npy.MAGIC:
        return "npy"
    return "npz" if start[:2] == ZIP else "safetensors"
