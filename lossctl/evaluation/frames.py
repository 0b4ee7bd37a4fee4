"""Kernels called on blocks: frames of addresses filled, buffers kept for a thread, results as numpy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lossctl.catalogue.spec import BoundLoss
from lossctl.evaluation.partial import Look, LossPartial
from lossctl.kernels import exactsum
from lossctl.kernels.layout import LANES, TILE, option_values
from lossctl.kernels.machine import accumulate_kernel, loader_address, loss_kernel, scan_kernel
from lossctl.readers.block import Block, Columns

if TYPE_CHECKING:
    from lossctl.evaluation.rows import Floats

# a tile of all roles should stay in the first two caches
TILE_BYTES = 1 << 18
# from so many rows a block on, the vectorised sum is worth its kernel
MANY_ROWS = 1 << 13
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
    return max(8, min(TILE if width <= 16 else 64, fitting // 8 * 8))


def address(array: np.ndarray) -> int:
    """Where an array's numbers start."""
    return int(array.__array_interface__["data"][0])


class Buffers:
    """The room that one worker's kernels need, grown as blocks ask for it and used again."""

    def __init__(self) -> None:
        self._tiles: dict[str, np.ndarray] = {}
        self._rows: dict[str, np.ndarray] = {}

    def tile(self, role: str, size: int) -> int:
        """The address of `size` float64 for a role's tile."""
        if role not in self._tiles or len(self._tiles[role]) < size:
            self._tiles[role] = np.empty(size, np.float64)
        return address(self._tiles[role])

    def rows(self, name: str, rows: int, dtype: type = np.float64) -> np.ndarray:
        """An array of a number a row."""
        if name not in self._rows or len(self._rows[name]) < rows:
            self._rows[name] = np.empty(rows, dtype)
        return self._rows[name][:rows]


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
    out = buffers.rows(name, block.rows)
    options = np.array(option_values(bound, width, column))
    fields = [block.rows, tile, width, address(out), address(options)]
    for role in bound.loss.roles:
        columns = block.roles[role.name]
        spread = one_hot and role.shape == "vector" and role.name == "labels"
        layout = "onehot" if spread else columns.layout
        role_width = width if spread else min(width, widths[role.name]) if role.shape != "index" else 1
        fields += [
            loader_address(columns.dtype, layout),
            address(columns.addresses) + 8 * (column or 0),
            columns.stride,
            role_width,
            buffers.tile(role.name, role_width * tile),
        ]
    frame = np.array(fields, np.int64)
    loss_kernel(bound, width == 1)(address(frame))
    return out


def scan_rows(columns: Columns, bounds: Bounds, buffers: Buffers, role: str) -> tuple[Look, Bytes, int]:
    """What a role's values look like, (n,) flags of rows outside the bounds, and how many they are."""
    tile = tile_rows(columns.width)
    flags = buffers.rows(f"flags {role}", columns.rows, np.uint8)
    lanes = np.repeat(np.array(list(LANES.values())), TILE)
    limits = np.array([bounds.low, bounds.high, bounds.tolerance, float(bounds.fractions)])
    frame = np.array(
        [
            *(columns.rows, tile, columns.width, address(limits), address(flags), address(lanes)),
            *(loader_address(columns.dtype, columns.layout), address(columns.addresses), columns.stride),
            buffers.tile(role, columns.width * tile),
        ],
        np.int64,
    )
    scan_kernel()(address(frame))
    seen = dict(zip(LANES, lanes.reshape(-1, TILE), strict=True))
    look = Look(
        float(seen["least"].min()),
        float(seen["most"].max()),
        int(seen["off"].sum()),
        float(seen["least_sum"].min()),
        float(seen["most_sum"].max()),
    )
    return look, flags, int(seen["flagged"].sum())


class Sums:
    """Exact sums of losses in the kernel's own form, until they become a LossPartial."""

    def __init__(self) -> None:
        self.state = np.zeros(exactsum.STATE, np.int64)
        self.extremes = np.array([np.inf, -np.inf])
        self.done = LossPartial()
        self.pending = 0

    def add(self, losses: Floats, weights: Floats | None, skipped: Bytes | None) -> None:
        """Add a block's rows, save those that are skipped."""
        if self.pending + len(losses) > exactsum.FLUSH_ROWS:
            self.flush()
        self.pending += len(losses)
        cut = weights is None and skipped is None and len(losses) >= MANY_ROWS
        frame = np.array(
            [
                len(losses),
                address(losses),
                2 if cut else (0 if weights is None else address(weights)),
                0 if skipped is None else address(skipped),
                address(self.state),
                address(self.extremes),
            ],
            np.int64,
        )
        accumulate_kernel(cut)(address(frame))

    def flush(self) -> LossPartial:
        """All that was added so far."""
        limbs = self.state[: -len(exactsum.COUNTS)].reshape(len(exactsum.SUMS), exactsum.LIMBS)
        sums = dict(zip(exactsum.SUMS, map(exactsum.whole, limbs), strict=True))
        counts = dict(zip(exactsum.COUNTS, self.state[-len(exactsum.COUNTS) :].tolist(), strict=True))
        # + 0.0 makes one zero of the two, whose order would be the rows'
        least, most = (self.extremes + 0.0).tolist()
        self.done = self.done.merge(LossPartial(**counts, **sums, least=least, most=most))
        self.state[:] = 0
        self.pending = 0
        return self.done


def unweighted(partials: Sequence[LossPartial]) -> tuple[LossPartial, ...]:
    """The same partials with each row's weight told as 1, which the kernel leaves out."""

    def one(partial: LossPartial) -> LossPartial:
        rows = partial.rows
        units = rows << exactsum.UNIT_EXPONENT
        return partial._replace(nonzero=rows, weight=units, weight_squares=units, cross=partial.loss)

    return tuple(map(one, partials))
