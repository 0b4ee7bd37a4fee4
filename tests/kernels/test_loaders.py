"""Loaders: a file's own numbers, in whatever type and order they lie, as a tile of float64."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossctl.kernels.machine import loader_address
from lossctl.readers.block import NATIVE, lay

SENTINEL = -7.0
# more than eight numbers a row are turned eight rows and eight numbers at a time
SIZES = st.integers(1, 27)


def loaded(matrix: np.ndarray, first: int, rows: int, tile: int) -> np.ndarray:
    """Rows of a matrix as a loader writes them, (K, tile), on a ground of sentinels with one more row behind."""
    columns = lay([matrix])
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 7)(loader_address(columns.dtype, columns.layout))
    width = matrix.shape[1]
    out = np.full((width + 1) * tile, SENTINEL)
    call(columns.place, columns.stride, first, rows, width, out.ctypes.data, tile)
    return out.reshape(width + 1, tile)


def random_matrix(dtype: str, rows: int, width: int) -> np.ndarray:
    draw = np.random.default_rng(rows * 100 + width)
    if dtype.startswith("float"):
        return draw.normal(size=(rows, width)).astype(dtype)
    return draw.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, (rows, width), dtype, endpoint=True)


@pytest.mark.parametrize("order", ["rows", "columns", "strided"])
@pytest.mark.parametrize("dtype", sorted(NATIVE))
@given(rows=SIZES, width=SIZES, first=st.integers(0, 9), room=st.integers(0, 5))
def test_every_number_arrives_and_nothing_else_is_touched(
    dtype: str, order: str, rows: int, width: int, first: int, room: int
) -> None:
    wide = random_matrix(dtype, rows + first, width * (2 if order == "strided" else 1))
    matrix = {"rows": wide, "columns": np.asfortranarray(wide), "strided": wide[:, ::2]}[order]
    found = loaded(matrix, first, rows, rows + room)
    expected = np.full_like(found, SENTINEL)
    expected[:width, :rows] = matrix[first:].T.astype(np.float64)
    assert found.tobytes() == expected.tobytes()
