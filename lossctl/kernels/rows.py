"""A row of a tile as a value that compiled functions can index, for losses written with loops of their own."""

from __future__ import annotations

import operator
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
    """Numbers `step` apart, from `start` on: no bounds are checked and nothing is counted or freed."""

    def __init__(self) -> None:
        super().__init__(name="Row")


ROW = Row()
FIELDS = (("pointer", FLOATS), ("start", types.int64), ("step", types.int64), ("length", types.int64))


@register_model(Row)
class _RowModel(models.StructModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, FIELDS)


for _field, _ in FIELDS:
    make_attribute_wrapper(Row, _field, _field)


@intrinsic
def row(typing_context: Any, pointer: Any, start: Any, step: Any, length: Any) -> Any:
    """The row of `length` numbers at pointer[start], pointer[start + step], ..."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made = cgutils.create_struct_proxy(ROW)(context, builder)
        for (name, _), value in zip(FIELDS, args, strict=True):
            setattr(made, name, value)
        return made._getvalue()

    return ROW(FLOATS, types.int64, types.int64, types.int64), generate


# numba compares these signatures with the lambdas', annotations included, so they have none
@overload(len)
def _length(x):  # type: ignore[no-untyped-def]
    return (lambda x: x.length) if isinstance(x, Row) else None


@overload(operator.getitem)
def _item(x, i):  # type: ignore[no-untyped-def]
    return (lambda x, i: get(x.pointer, x.start + i * x.step)) if isinstance(x, Row) else None


@overload(operator.setitem)
def _set_item(x, i, value):  # type: ignore[no-untyped-def]
    return (lambda x, i, value: put(x.pointer, x.start + i * x.step, value)) if isinstance(x, Row) else None


@numba.njit(error_model="numpy", forceinline=True)
def room(size: int) -> Any:
    """A row on the stack to write into."""
    return row(large_stack(), 0, 1, size)


@intrinsic
def large_stack(typing_context: Any) -> Any:
    """An array of ROOM float64 on the stack."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        taken = cgutils.alloca_once(builder, ir.ArrayType(ir.DoubleType(), ROOM))
        return builder.bitcast(taken, ir.DoubleType().as_pointer())

    return FLOATS(), generate
