"""Words for kernels that see only addresses and sizes: read, write, stack arrays, calls through an address.

numba's arrays would bring reference counts and index wrap-around into the loops; a bare pointer vectorises.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from lossctl.kernels.layout import TILE

FRAME = types.CPointer(types.int64)


def _pointer_to(number: Any) -> Callable[..., Any]:
    """A word that turns an address into a pointer to `number`s."""

    @intrinsic
    def pointer(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

        return types.CPointer(number)(types.int64), generate

    return pointer


as_float64 = _pointer_to(types.float64)
as_int64 = _pointer_to(types.int64)
POINTER_TO: dict[str, Callable[..., Any]] = {
    name: _pointer_to(getattr(types, name))
    for name in (
        *("int8", "int16", "int32", "int64"),
        *("uint8", "uint16", "uint32", "uint64"),
        *("float32", "float64"),
    )
}


@intrinsic
def get(typing_context: Any, pointer: Any, index: Any) -> Any:
    """The number at an index."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(builder.gep(args[0], [args[1]], inbounds=True))

    return pointer.dtype(pointer, types.int64), generate


@intrinsic
def put(typing_context: Any, pointer: Any, index: Any, value: Any) -> Any:
    """Write a number at an index."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], builder.gep(args[0], [args[1]], inbounds=True))
        return context.get_dummy_value()

    return types.none(pointer, types.int64, pointer.dtype), generate


@intrinsic
def prefetch(typing_context: Any, pointer: Any, index: Any) -> Any:
    """Have the processor fetch what stands at an index, soon to be written."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = builder.bitcast(builder.gep(args[0], [args[1]], inbounds=True), ir.IntType(8).as_pointer())
        flag = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [at.type, flag, flag, flag])
        word = builder.module.declare_intrinsic("llvm.prefetch", [at.type], kind)
        builder.call(word, [at, flag(1), flag(3), flag(1)])
        return context.get_dummy_value()

    return types.none(pointer, types.int64), generate


@intrinsic
def shifted(typing_context: Any, pointer: Any, index: Any) -> Any:
    """A pointer to the number at an index, and those behind it."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]], inbounds=True)

    return pointer(pointer, types.int64), generate


@intrinsic
def stack(typing_context: Any) -> Any:
    """An array of TILE float64 on the stack; LLVM knows that nothing else points there."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        room = cgutils.alloca_once(builder, ir.ArrayType(ir.DoubleType(), TILE))
        return builder.bitcast(room, ir.DoubleType().as_pointer())

    return types.CPointer(types.float64)(), generate


@intrinsic
def call(typing_context: Any, address: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any) -> Any:
    """Call the loader at an address (see `loaders`)."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        shape = ir.FunctionType(ir.VoidType(), [ir.IntType(64)] * 7)
        builder.call(builder.inttoptr(args[0], shape.as_pointer()), args[1:])
        return context.get_dummy_value()

    return types.none(*[types.int64] * 8), generate
