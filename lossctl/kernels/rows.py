"""A row of a tile as a value that compiled functions can index, for losses written with loops of their own."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, make_attribute_wrapper, models, overload, register_model

from lossctl.kernels.pointers import get, put

# what `room` holds at the most
ROOM = 4096
FLOATS = types.CPointer(types.float64)


class Row(types.Type):  # type: ignore[misc]
    """Numbers `step` apart, from `start` on: nothing is counted or freed.

    A held row is for functions that nobody here has read: a negative index counts from its end, as in Python,
    and what lies outside reads as NaN and is not written.
    """

    def __init__(self, held: bool) -> None:
        self.held = held
        super().__init__(name=f"Row(held={held})")


ROW = Row(held=False)
HELD_ROW = Row(held=True)
FIELDS = (("pointer", FLOATS), ("start", types.int64), ("step", types.int64), ("length", types.int64))


@register_model(Row)
class _RowModel(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, FIELDS)


for _field, _ in FIELDS:
    make_attribute_wrapper(Row, _field, _field)


def _row_of(kind: Row) -> Callable[..., Any]:
    """A word for the row of `length` numbers at pointer[start], pointer[start + step], ..."""

    @intrinsic
    def row(typing_context: Any, pointer: Any, start: Any, step: Any, length: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            made = cgutils.create_struct_proxy(kind)(context, builder)
            for (name, _), value in zip(FIELDS, args, strict=True):
                setattr(made, name, value)
            return made._getvalue()

        return kind(FLOATS, types.int64, types.int64, types.int64), generate

    return row


row = _row_of(ROW)
held_row = _row_of(HELD_ROW)


# numba compares these signatures with the lambdas', annotations included, so they have none
@overload(len)
def _length(x):  # type: ignore[no-untyped-def]
    return (lambda x: x.length) if isinstance(x, Row) else None


@overload(operator.getitem)
def _item(x, i):  # type: ignore[no-untyped-def]
    if isinstance(x, Row) and isinstance(i, types.Integer):
        return _held_item if x.held else (lambda x, i: get(x.pointer, x.start + i * x.step))
    return None


def _held_item(x, i):  # type: ignore[no-untyped-def]
    at = i + x.length if i < 0 else i
    inside = 0 <= at < x.length
    value = get(x.pointer, x.start + (at if inside else 0) * x.step)
    return value if inside else math.nan


@overload(operator.setitem)
def _set_item(x, i, value):  # type: ignore[no-untyped-def]
    if isinstance(x, Row) and isinstance(i, types.Integer):
        return _held_set_item if x.held else (lambda x, i, value: put(x.pointer, x.start + i * x.step, value))
    return None


def _held_set_item(x, i, value):  # type: ignore[no-untyped-def]
    at = i + x.length if i < 0 else i
    if 0 <= at < x.length:
        put(x.pointer, x.start + at * x.step, types.float64(value))


@numba.njit(error_model="numpy", forceinline=True)
def room(size: int) -> Any:
    """A row on the stack to write into."""
    return row(large_stack(), 0, 1, size)


@numba.njit(error_model="numpy", forceinline=True)
def held_room(size: int) -> Any:
    """A held row on the stack to write into: ROOM numbers at the most."""
    return held_row(large_stack(), 0, 1, min(max(size, 0), ROOM))


@intrinsic
def large_stack(typing_context: Any) -> Any:
    """An array of ROOM float64 on the stack."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        taken = cgutils.alloca_once(builder, ir.ArrayType(ir.DoubleType(), ROOM))
        return builder.bitcast(taken, ir.DoubleType().as_pointer())

    return FLOATS(), generate
