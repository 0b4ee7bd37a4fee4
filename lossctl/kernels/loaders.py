"""From a file's own number type to a tile of float64: element k of row r goes to `buffer[k * tile + r]`.

One loader a type and layout: `columns` (each column's numbers in a run, stride 1), `rows` (a row's K numbers
side by side, rows `stride` apart), `strided`, or `onehot` (one column of class indices becomes K of 0 and 1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from lossctl.kernels.pointers import POINTER_TO, as_float64, as_int64, get, put, shifted

SIGNATURE = types.void(*[types.int64] * 7)


def loader(dtype: str, layout: str) -> Callable[..., Any]:
    """The Python form of a loader, for numba to compile; `dtype` as numpy names it."""
    pointer_to = POINTER_TO[dtype]

    def strided(addresses: int, stride: int, base: int, t: int, width: int, buffer: int, tile: int) -> None:
        to = as_float64(buffer)
        for k in range(width):
            column = pointer_to(get(as_int64(addresses), k))
            for r in range(t):
                put(to, k * tile + r, float64(get(column, (base + r) * stride)))

    def rows(addresses: int, stride: int, base: int, t: int, width: int, buffer: int, tile: int) -> None:
        to = as_float64(buffer)
        first = pointer_to(get(as_int64(addresses), 0))
        whole_rows, whole_width = t & -8, width & -8
        # eight classes at a time, so that what is read and what is written both stay in few cache lines
        for low in range(0, whole_width, 8):
            for r in range(0, whole_rows, 8):
                turn_eight(shifted(first, (base + r) * stride + low), stride, shifted(to, low * tile + r), tile)
        for r in range(t):
            at = (base + r) * stride
            for k in range(whole_width if r < whole_rows else 0, width):
                put(to, k * tile + r, float64(get(first, at + k)))

    def plain(addresses: int, stride: int, base: int, t: int, width: int, buffer: int, tile: int) -> None:
        to = as_float64(buffer)
        for k in range(width):
            column = pointer_to(get(as_int64(addresses), k))
            for r in range(t):
                put(to, k * tile + r, float64(get(column, base + r)))

    def onehot(addresses: int, stride: int, base: int, t: int, width: int, buffer: int, tile: int) -> None:
        to = as_float64(buffer)
        column = pointer_to(get(as_int64(addresses), 0))
        for k in range(width):
            for r in range(t):
                put(to, k * tile + r, 1.0 if float64(get(column, (base + r) * stride)) == k else 0.0)

    return {"columns": plain, "rows": rows, "strided": strided, "onehot": onehot}[layout]


@intrinsic
def turn_eight(typing_context: Any, rows: Any, stride: Any, to: Any, tile: Any) -> Any:
    """Eight numbers of each of eight rows, written as eight columns of float64, each `tile` behind the one before.

    Done in registers, three times exchanging halves of pairs of rows: number by number takes three times as long.
    """
    kind = rows.dtype

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first, step, target, apart = args
        eight = ir.VectorType(context.get_value_type(kind), 8)
        held = []
        for i in range(8):
            place = builder.gep(first, [builder.mul(step, ir.Constant(ir.IntType(64), i))])
            held.append(_as_float64s(builder, builder.load(builder.bitcast(place, eight.as_pointer()), align=1), kind))
        for half in (4, 2, 1):
            held = _exchanged(builder, held, half)
        for k, column in enumerate(held):
            place = builder.gep(target, [builder.mul(apart, ir.Constant(ir.IntType(64), k))])
            builder.store(column, builder.bitcast(place, column.type.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.none(rows, types.int64, to, types.int64), generate


def _as_float64s(builder: Any, numbers: Any, kind: Any) -> Any:
    """A vector of some type as one of float64."""
    target = ir.VectorType(ir.DoubleType(), 8)
    if kind == types.float64:
        return numbers
    if isinstance(kind, types.Float):
        return builder.fpext(numbers, target)
    return builder.sitofp(numbers, target) if kind.signed else builder.uitofp(numbers, target)


def _exchanged(builder: Any, rows: list[Any], half: int) -> list[Any]:
    """Each pair of rows that lie `half` apart swaps the blocks of `half` numbers off its diagonal."""
    index = ir.VectorType(ir.IntType(32), 8)
    upper = ir.Constant(index, [i if not i & half else 8 + (i ^ half) for i in range(8)])
    lower = ir.Constant(index, [8 + i if i & half else i | half for i in range(8)])
    made = list(rows)
    for i in range(8):
        if not i & half:
            made[i] = builder.shuffle_vector(rows[i], rows[i | half], upper)
            made[i | half] = builder.shuffle_vector(rows[i], rows[i | half], lower)
    return made


@numba.njit(error_model="numpy", forceinline=True)
def float64(x: Any) -> float:
    """A number of any type as float64."""
    return types.float64(x)
