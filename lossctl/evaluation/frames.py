"""Kernels called on blocks: frames of addresses filled, buffers kept for a thread, results as numpy arrays."""

from __future__ import annotations

from array import array
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lossctl.audit.digest import WORD, Digest
from lossctl.catalogue.spec import BoundLoss
from lossctl.evaluation.partial import Look
from lossctl.kernels.frame import address, called
from lossctl.kernels.glance import BITS, number
from lossctl.kernels.layout import LANES, TILE, option_values
from lossctl.kernels.machine import (
    digest_kernel,
    exponential_kernel,
    glance_kernel,
    loader_address,
    logarithm_kernel,
    loss_kernel,
    scan_kernel,
)
from lossctl.kernels.store import fingerprint
from lossctl.readers.block import Block, Columns

if TYPE_CHECKING:
    from lossctl.evaluation.rows import Floats

# a tile of all roles should stay in the first two caches
TILE_BYTES = 1 << 18
Bytes = np.ndarray


class Bounds(NamedTuple):
    """What a scan flags: values outside low to high (both included), or not whole unless `fractions` may be.

    `tolerance` is how far a row's sum may be from 1 before it is counted.
    """

    low: float
    high: float
    tolerance: float = 0.0
    fractions: bool = True


def tile_rows(width: int) -> int:
    """Rows a tile: as many as its values' cache room allows, a multiple of 8."""
    fitting = TILE_BYTES // (8 * max(width, 1))
    return max(8, min(TILE, fitting // 8 * 8))


class Buffers:
    """The room that one worker's kernels need, grown as blocks ask for it and used again."""

    def __init__(self) -> None:
        self._rooms: dict[str, tuple[np.ndarray, int]] = {}

    def _room(self, name: str, size: int, dtype: type) -> tuple[np.ndarray, int]:
        room = self._rooms.get(name)
        if room is None or len(room[0]) < size:
            made: np.ndarray = np.empty(size, dtype)
            room = self._rooms[name] = made, address(made)
        return room

    def tile(self, role: str, size: int) -> int:
        """The address of `size` float64 for a role's tile."""
        return self._room(f"tile {role}", size, np.float64)[1]

    def rows(self, name: str, rows: int, dtype: type = np.float64) -> tuple[np.ndarray, int]:
        """An array of a number a row, and its address."""
        found, place = self._room(name, rows, dtype)
        return found[:rows], place


def loss_rows(
    bound: BoundLoss, block: Block, one_hot: bool, buffers: Buffers, name: str, column: int | None = None
) -> Floats:
    """The (n,) losses of a block's rows, unweighted; the array is used again at the next call of that name.

    Args:
        column: of an elementwise loss, the one output to take; None for the mean of all.
    """
    widths = {role.name: block.roles[role.name].width for role in bound.loss.roles}
    width = 1 if column is not None else max(widths.values())
    tile = tile_rows(width)
    out, place = buffers.rows(name, block.rows)
    options = array("d", option_values(bound, width, column))
    fields = [block.rows, tile, width, place, options.buffer_info()[0]]
    for role in bound.loss.roles:
        columns = block.roles[role.name]
        spread = one_hot and role.shape == "vector" and role.name == "labels"
        layout = "onehot" if spread else columns.layout
        role_width = width if spread else min(width, widths[role.name]) if role.shape != "index" else 1
        fields += [
            loader_address(columns.dtype, layout),
            columns.place + 8 * (column or 0),
            columns.stride,
            role_width,
            buffers.tile(role.name, role_width * tile),
        ]
    called(loss_kernel(bound, width == 1), fields)
    return out


def exponentials(numbers: np.ndarray) -> np.ndarray:
    """e to the power of each number, the same bits on every machine; (n, K) as (n, K)."""
    logs = np.ascontiguousarray(numbers, np.float64)
    powers = np.empty_like(logs)
    called(exponential_kernel(), (logs.size, address(logs), address(powers)))
    return powers


def logarithms(numbers: np.ndarray) -> np.ndarray:
    """The natural logarithm of each number, the same bits on every machine; (n, K) as (n, K)."""
    given = np.ascontiguousarray(numbers, np.float64)
    logs = np.empty_like(given)
    called(logarithm_kernel(), (given.size, address(given), address(logs)))
    return logs


def glance(columns: Columns, bounds: Bounds) -> Look | None:
    """What a role's values look like where all of them are within the bounds; None where only a scan can tell."""
    if columns.layout == "columns":
        runs, count = columns.width, columns.rows
    elif columns.layout == "rows" and columns.stride == columns.width:
        runs, count = 1, columns.rows * columns.width
    else:
        return None
    if columns.faults or (columns.dtype in BITS and not bounds.fractions):
        return None
    found = array("q", (0, 0))
    called(glance_kernel(columns.dtype), (count, runs, columns.place, found.buffer_info()[0]))
    least, most = number(found[0], columns.dtype), number(found[1], columns.dtype)
    # so put that a NaN, which is beyond the infinities, is not within
    within = bounds.low <= least and most <= bounds.high
    return Look(least + 0.0, most + 0.0) if within else None


def scan_rows(columns: Columns, bounds: Bounds, buffers: Buffers, role: str) -> tuple[Look, Bytes, int]:
    """What a role's values look like, (n,) flags of rows outside the bounds, and how many they are."""
    flags, place = buffers.rows(f"flags {role}", columns.rows, np.uint8)
    seen = _scanned(columns, bounds, buffers, role, place)
    look = Look(float(seen["least"].min()), float(seen["most"].max()), *_of_sums(seen))
    return look, flags, int(seen["flagged"].sum())


def with_sums(look: Look, columns: Columns, bounds: Bounds, buffers: Buffers, role: str) -> Look:
    """A glance's look, and what the rows' sums are, of values that are all within the bounds."""
    return Look(look.least, look.most, *_of_sums(_scanned(columns, bounds, buffers, role, 0)))


def _scanned(columns: Columns, bounds: Bounds, buffers: Buffers, role: str, flags: int) -> dict[str, np.ndarray]:
    """The lanes of a scan; of one that looks at sums alone where there is no room for flags."""
    tile = tile_rows(columns.width)
    lanes = np.repeat(np.array(list(LANES.values())), TILE)
    limits = array("d", (bounds.low, bounds.high, bounds.tolerance, float(bounds.fractions)))
    fields = (
        *(columns.rows, tile, columns.width, limits.buffer_info()[0], flags, address(lanes)),
        *(loader_address(columns.dtype, columns.layout), columns.place, columns.stride),
        buffers.tile(role, columns.width * tile),
    )
    called(scan_kernel(sums_alone=not flags), fields)
    return dict(zip(LANES, lanes.reshape(-1, TILE), strict=True))


def _of_sums(seen: dict[str, np.ndarray]) -> tuple[int, float, float]:
    """How many rows are off, and the least and greatest sum."""
    return int(seen["off"].sum()), float(seen["least_sum"].min()), float(seen["most_sum"].max())


def digest_rows(block: Block, buffers: Buffers) -> Digest:
    """The digest of a block's rows: of the numbers of all its roles, each known by its name."""
    tile = tile_rows(max(columns.width for columns in block.roles.values()))
    sums = array("q", (0, 0))
    fields = [block.rows, tile, len(block.roles), sums.buffer_info()[0]]
    for role, columns in sorted(block.roles.items()):
        buffer = buffers.tile(role, columns.width * tile)
        loader = loader_address(columns.dtype, columns.layout)
        fields += [loader, columns.place, columns.stride, columns.width, buffer, _factor(role)]
    called(digest_kernel(), fields)
    return Digest(block.rows, sums[0] & WORD, sums[1] & WORD)


@cache
def _factor(role: str) -> int:
    """An odd number that tells a role from others."""
    return int(fingerprint([role])[:15], 16) * 2 + 1
