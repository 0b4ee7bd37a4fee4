"""numba as a compiler to a plain object file: pointers and sizes in, nothing raised, nothing from Python."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numba
from numba.core.registry import cpu_target

# the C library's, which LLVM may call of its own accord
ALLOWED = frozenset({"memset", "memcpy", "memmove"})


def compile_object(function: Callable[..., Any], signature: Any, symbol: str) -> bytes:
    """The object file of a function; it exports `symbol` with the C calling convention.

    numba's own entry reports exceptions to Python and so needs Python to be linked. A kernel has none to
    report: an entry that just calls the function takes its place, and the object stands alone.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", numba.errors.NumbaWarning)
        compiled = numba.cfunc(signature, error_model="numpy")(function)
    code = compiled._library.get_llvm_str()
    inner = compiled._wrapper_name.removeprefix("cfunc.")
    arguments = [f"{'i64' if kind.bitwidth else 'ptr'} %a{i}" for i, kind in enumerate(map(_Kind, signature.args))]
    code = _without(code, compiled._wrapper_name) + _entry(symbol, inner, ", ".join(arguments))
    module = llvm.parse_assembly(code)
    module.verify()
    return cpu_target.target_context.codegen()._tm.emit_object(module)


class _Kind:
    """An argument's kind: an integer, or else a pointer."""

    def __init__(self, kind: Any) -> None:
        self.bitwidth = getattr(kind, "bitwidth", 0)


def _entry(symbol: str, inner: str, arguments: str) -> str:
    return f"""
define void @{symbol}({arguments}) {{
  %value = alloca ptr
  %exception = alloca ptr
  %status = call i32 @{inner}(ptr %value, ptr %exception, {arguments})
  ret void
}}
"""


def _without(code: str, name: str) -> str:
    """The module's text without the definition of a function."""
    start = re.search(rf'^define [^\n]*@"?{re.escape(name)}"?\(', code, re.MULTILINE)
    if start is None:
        raise ValueError(f"{name} is not defined")
    end = code.index("\n}\n", start.start()) + 3
    return code[: start.start()] + code[end:]
