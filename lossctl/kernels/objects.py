"""numba as a compiler to a plain object file: pointers and sizes in, nothing raised, nothing from Python."""

from __future__ import annotations

import platform
import re
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import numba
from numba.core.registry import cpu_target

from lossctl.errors import UsageError

# the C library's, which LLVM may call of its own accord, and what it has of mathematics that has no word of ours
ALLOWED = frozenset(
    {
        *("memset", "memcpy", "memmove", "sqrt", "floor", "ceil", "trunc", "rint", "round", "fmod", "fabs", "hypot"),
        *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "asinh", "acosh", "atanh"),
        *("erf", "erfc", "tgamma", "lgamma", "cbrt", "log2", "log10", "exp2", "log", "exp", "pow", "ldexp"),
    }
)


def compile_object(function: Callable[..., Any], signature: Any, symbol: str) -> bytes:
    """The object file of a function; it exports `symbol` with the C calling convention.

    numba's own entry reports exceptions to Python and so needs Python to be linked. A kernel has none to
    report: an entry that just calls the function takes its place, and the object stands alone.

    Raises:
        UsageError: the function needs Python while it runs, or may raise.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", numba.errors.NumbaWarning)
        compiled = numba.cfunc(signature, error_model="numpy")(function)
    code = compiled._library.get_llvm_str()
    inner = compiled._wrapper_name.removeprefix("cfunc.")
    arguments = [f"{'i64' if kind.bitwidth else 'ptr'} %a{i}" for i, kind in enumerate(map(_Kind, signature.args))]
    code = _without(code, compiled._wrapper_name)
    _refuse_dependence(code, inner, function.__doc__ or symbol)
    module = llvm.parse_assembly(code + _entry(symbol, inner, ", ".join(arguments)))
    module.verify()
    return _target().emit_object(module)


@cache
def _target() -> llvm.TargetMachine:
    """This machine. On x86-64 code refers to its constants from where it stands (see `link`), as is fastest."""
    codegen = cpu_target.target_context.codegen()
    if platform.machine() not in ("x86_64", "AMD64"):
        return codegen._tm
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        codegen._get_host_cpu_name(), codegen._get_host_cpu_features(), opt=3, reloc="pic", codemodel="small"
    )


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


def _refuse_dependence(code: str, inner: str, who: str) -> None:
    """Refuse a function that cannot stand alone: it allocates, calls Python or raises."""
    declared = re.findall(r'^declare [^\n]*?@"?([\w.$]+)"?\(', code, re.MULTILINE)
    body = re.sub(r"^declare [^\n]*", "", code, flags=re.MULTILINE)
    used = [name for name in declared if not name.startswith("llvm.") and re.search(rf'@"?{re.escape(name)}"?\(', body)]
    foreign = sorted(set(used) - ALLOWED)
    if any(name.startswith("NRT_") for name in foreign):
        raise UsageError(
            f"{who} cannot be compiled: it makes an array or a list; lossctl.room(size) has numbers to write into"
        )
    if foreign:
        raise UsageError(f"{who} cannot be compiled: it needs {foreign[0]} while it runs, which is no arithmetic")
    if set(re.findall(r"ret i32 (\S+)", _body(code, inner))) - {"0"}:
        raise UsageError(
            f"{who} cannot be compiled: it may raise an exception, and a loss gives a number for every row"
        )


def _body(code: str, name: str) -> str:
    """The text of a function's definition."""
    start = re.search(rf'^define [^\n]*@"?{re.escape(name)}"?\(', code, re.MULTILINE)
    if start is None:
        raise ValueError(f"{name} is not defined")
    return code[start.start() : code.index("\n}\n", start.start()) + 3]


def _without(code: str, name: str) -> str:
    """The module's text without the definition of a function."""
    return code.replace(_body(code, name), "")
