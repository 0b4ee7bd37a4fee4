"""A plain function of the catalogue to one that numba can inline into a loop.

Words such as `log` become the compiled ones of `scalar`; plain helpers are translated along.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from types import CodeType, FunctionType
from typing import Any

import numba

from lossctl.catalogue import arithmetic
from lossctl.kernels.rows import room
from lossctl.kernels.scalar import SUBSTITUTES

Scalar = Callable[..., Any]
_COMPILED = {**SUBSTITUTES, "room": room}
_WORDS = {getattr(home, name) for home in (arithmetic, math) for name in _COMPILED if hasattr(home, name)}


@cache
def compilable(function: Scalar) -> Scalar:
    """The function as a numba one, always inlined, with our own arithmetic in it."""
    if function in _WORDS:
        return _COMPILED[function.__name__]
    if not isinstance(function, FunctionType):
        return function
    scope = {name: _translate(function.__globals__[name]) for name in _names(function) if name in function.__globals__}
    twin = FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
    return numba.njit(error_model="numpy", forceinline=True)(twin)


def _translate(value: Any) -> Any:
    return compilable(value) if callable(value) and getattr(value, "__module__", "") != "builtins" else value


def _names(function: FunctionType) -> set[str]:
    found: set[str] = set()
    codes: list[CodeType] = [function.__code__]
    while codes:
        code = codes.pop()
        found.update(code.co_names)
        codes.extend(const for const in code.co_consts if isinstance(const, CodeType))
    return found
