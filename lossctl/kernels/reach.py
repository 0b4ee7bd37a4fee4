"""What a user's own function reaches: its helpers, and a fingerprint of all that its kernel is made of.

Light: imports no numba, so that a kept kernel is found without it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

from lossctl.kernels.source import MISSING, meanings
from lossctl.kernels.store import fingerprint as hashed


@cache
def fingerprint(function: Callable[..., Any]) -> str:
    """A hash of the function's code, of its helpers' and of the constants that they name, in whatever file."""
    return hashed([sys.version, repr([_facts(function), *map(_facts, helpers(function))])])


def helpers(function: Callable[..., Any]) -> list[FunctionType]:
    """The functions in Python that it calls, directly or not, save lossctl's own."""
    found: list[FunctionType] = []
    waiting = [function]
    while waiting:
        for _, value in _named(waiting.pop()):
            if isinstance(value, FunctionType) and foreign(value) and value is not function and value not in found:
                found.append(value)
                waiting.append(value)
    return found


def foreign(function: FunctionType) -> bool:
    """Whether a function is none of lossctl's own."""
    return function.__module__.partition(".")[0] not in ("lossctl", "numpy", "math")


def _facts(function: Callable[..., Any]) -> tuple[object, ...]:
    constants = [(name, value) for name, value in _named(function) if isinstance(value, int | float | str | tuple)]
    constants += [(name, value.tobytes()) for name, value in _named(function) if hasattr(value, "tobytes")]
    words = [(name, f"{value.__module__}.{value.__qualname__}") for name, value in _named(function) if callable(value)]
    return _code(function.__code__), constants, words, function.__defaults__


def _code(code: CodeType) -> tuple[object, ...]:
    inner = [_code(const) if isinstance(const, CodeType) else repr(const) for const in code.co_consts]
    return code.co_name, code.co_code, code.co_names, code.co_varnames, inner


def _named(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """The objects that the function's names stand for, those behind a module's name too."""
    known = meanings(function)
    names = sorted(_names(function.__code__))
    for name in names:
        value = known.get(name, MISSING)
        if isinstance(value, ModuleType):
            for attribute in names:
                if hasattr(value, attribute):
                    yield f"{name}.{attribute}", getattr(value, attribute)
        elif value is not MISSING:
            yield name, value


def _names(code: CodeType) -> set[str]:
    inner = [_names(const) for const in code.co_consts if isinstance(const, CodeType)]
    return {*code.co_names, *code.co_freevars}.union(*inner)
