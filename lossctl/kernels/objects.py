"""numba as a compiler to a plain object file: pointers and sizes in, nothing raised, nothing from Python."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numba
from numba.core.registry import cpu_target


def compile_object(function: Callable[..., Any], signature: Any, symbol: str) -> bytes:
    """The object file of a function; it exports `symbol` with the C calling convention.

    The function must be one that cannot raise: then what numba adds for exceptions is dead and is dropped,
    and nothing outside the object is left to resolve.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", numba.errors.NumbaWarning)
        compiled = numba.cfunc(signature, error_model="numpy")(function)
    module = llvm.parse_assembly(compiled._library.get_llvm_str())
    module.get_function(compiled._wrapper_name).name = symbol
    _keep_only(module, symbol)
    return cpu_target.target_context.codegen()._tm.emit_object(module)  # type: ignore[no-any-return]


def _keep_only(module: Any, symbol: str) -> None:
    for function in module.functions:
        if not function.is_declaration and function.name != symbol:
            function.linkage = "internal"
    passes = llvm.create_module_pass_manager() if hasattr(llvm, "create_module_pass_manager") else None
    if passes is not None:
        passes.add_global_dce_pass()
        passes.run(module)


def unresolved(code_ir: str) -> list[str]:
    """Names that a module's text declares without defining, intrinsics aside."""
    return [name for name in re.findall(r"declare [^@]*@\"?([\w.$]+)", code_ir) if not name.startswith("llvm.")]
