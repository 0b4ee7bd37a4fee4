"""A row of a tile as a value that compiled functions can index, for losses written with loops of their own."""

from __future__ import annotations

import operator
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, make_attribute_wrapper, models, overload, register_model

from lossctl.kernels.pointers import get

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
