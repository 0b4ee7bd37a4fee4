"""A formula's source as a tree that keeps its file's line numbers, and what the names in it mean."""

from __future__ import annotations

import ast
import builtins
import inspect
import os
import textwrap
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from lossctl.errors import UsageError

Function = Callable[..., Any]
MISSING = object()
# what has no place in arithmetic on numbers, by the words that people know it by
REFUSED: dict[type[ast.AST], str] = {
    ast.Raise: "`raise`: a loss gives a number for every row; return math.nan",
    ast.Assert: "`assert`: a loss gives a number for every row; return math.nan",
    ast.Try: "`try`: nothing raises in compiled arithmetic; 1 / 0 is inf and log(0) is -inf",
    ast.With: "`with`",
    ast.Import: "`import` inside the function; import at the top of the file",
    ast.ImportFrom: "`import` inside the function; import at the top of the file",
    ast.Global: "`global`",
    ast.Nonlocal: "`nonlocal`",
    ast.Yield: "`yield`",
    ast.YieldFrom: "`yield`",
    ast.Await: "`await`",
    ast.ClassDef: "a class",
    ast.FunctionDef: "a function in a function; put it beside the loss",
    ast.Lambda: "a lambda; give it a name beside the loss",
    ast.Dict: "a dictionary",
    ast.Set: "a set",
    ast.JoinedStr: "a text",
    ast.List: "a list; take lossctl.room(size) for numbers to write into",
    ast.ListComp: "a list; take lossctl.room(size) for numbers to write into",
}

BUILTINS = (abs, min, max, sum, len, range, int, float, bool, round, pow, zip, enumerate)


def definition(function: Function) -> ast.FunctionDef:
    """The function's definition.

    Raises:
        UsageError: its source cannot be read.
    """
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
        found = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    except (OSError, SyntaxError, StopIteration):
        name = getattr(function, "__name__", str(function))
        raise UsageError(f"{name}: its source cannot be read; write it with `def` in a file") from None
    ast.increment_lineno(found, first - 1)
    return found


def meanings(function: Function) -> dict[str, Any]:
    """What the names mean that the function does not bind itself: its module's, and those of a closure."""
    outer = inspect.getclosurevars(function).nonlocals if function.__closure__ else {}
    known: dict[str, Any] = {**function.__globals__, **outer}
    return known


def resolved(node: ast.expr, known: Mapping[str, Any]) -> Any:
    """The object that a name or a dotted name stands for, MISSING where it is none that is known."""
    if isinstance(node, ast.Name):
        return known.get(node.id, getattr(builtins, node.id, MISSING))
    if isinstance(node, ast.Attribute):
        home = resolved(node.value, known)
        return getattr(home, node.attr, MISSING) if isinstance(home, ModuleType) else MISSING
    return MISSING


def refusal(function: Function, node: ast.AST | int, why: str) -> UsageError:
    """The error that names the file, the line and the reason."""
    line = node if isinstance(node, int) else getattr(node, "lineno", 1)
    file = function.__code__.co_filename
    near = os.path.relpath(file) if os.path.exists(file) else file
    shown = min(file, near, key=len)
    return UsageError(f"{shown}, line {line}: {function.__name__} cannot be compiled: {why}")


def refuse_constructs(function: Function) -> None:
    """Refuse what no kernel can hold.

    Raises:
        UsageError: with the line and the construct.
    """
    top = definition(function)
    known = meanings(function)
    for node in (node for statement in top.body for node in ast.walk(statement)):
        why = REFUSED.get(type(node))
        if why is not None:
            raise refusal(function, node, f"it has {why}")
        if isinstance(node, ast.Call) and _unusable(node.func, known):
            raise refusal(function, node, f"{ast.unparse(node.func)}() is no arithmetic")


def _unusable(called: ast.expr, known: Mapping[str, Any]) -> bool:
    """Whether it is a function of Python's own that no kernel can call."""
    meant = resolved(called, known)
    return getattr(meant, "__module__", "") == "builtins" and meant not in BUILTINS
