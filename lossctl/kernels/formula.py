"""A plain function of the catalogue, or of a user, to one that numba can inline into a loop.

Words such as `log` and `**` become the compiled ones of `scalar`; plain helpers are translated along.
"""

from __future__ import annotations

import ast
import builtins
import math
import re
from collections.abc import Callable
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

import numba
import numpy as np

from lossctl.catalogue import arithmetic
from lossctl.kernels.reach import foreign
from lossctl.kernels.rows import held_room, room
from lossctl.kernels.scalar import SUBSTITUTES
from lossctl.kernels.source import MISSING, definition, meanings, refusal, resolved

Scalar = Callable[..., Any]
_COMPILED = {**SUBSTITUTES, "room": room}
_WORDS = {getattr(home, name) for home in (arithmetic, math) for name in _COMPILED if hasattr(home, name)}
# what people write to the word of ours that means the same and has the same bits everywhere
_SPOKEN: dict[Any, Scalar] = {
    math.pow: arithmetic.raised,
    pow: arithmetic.raised,
    np.power: arithmetic.raised,
    np.float_power: arithmetic.raised,
    math.tanh: arithmetic.tanh,
    np.tanh: arithmetic.tanh,
    np.log: arithmetic.log,
    np.log1p: arithmetic.log1p,
    np.exp: arithmetic.exp,
    np.expm1: arithmetic.expm1,
    np.logaddexp: arithmetic.log_add,
    np.maximum: arithmetic.maximum,
    np.minimum: arithmetic.minimum,
    np.clip: arithmetic.clip,
    np.where: arithmetic.where,
    np.square: arithmetic.square,
    np.abs: abs,
    np.fabs: abs,
    math.fabs: abs,
    np.sqrt: math.sqrt,
    np.isnan: math.isnan,
}


def spoken(function: Any) -> Any:
    """The word that a function of `math` or numpy is here."""
    try:
        return _SPOKEN.get(function, function)
    except TypeError:  # no hash, so no function that has a word
        return function


@cache
def compilable(function: Scalar) -> Scalar:
    """The function as a numba one, always inlined, with our own arithmetic in it.

    Raises:
        UsageError: it uses a name that means nothing.
    """
    function = spoken(function)
    if function in _WORDS:
        return _COMPILED[function.__name__]
    if not isinstance(function, FunctionType):
        return function
    twin = _twin(function)
    return numba.njit(error_model="numpy", forceinline=True)(twin)


def _twin(function: FunctionType) -> FunctionType:
    """The same function with the words that compile in place of those that were written."""
    rewriter = _Rewriter(function)
    top: ast.FunctionDef = rewriter.visit(_bare(definition(function)))
    module = ast.fix_missing_locations(ast.Module([top], []))
    scope = rewriter.scope
    exec(compile(module, function.__code__.co_filename, "exec"), scope)
    made: FunctionType = scope[top.name]
    made.__defaults__ = function.__defaults__
    return made


def _bare(top: ast.FunctionDef) -> ast.FunctionDef:
    """Take off what is not arithmetic: decorators, annotations, defaults."""
    top.decorator_list, top.returns = [], None
    top.args.defaults, top.args.kw_defaults = [], [None] * len(top.args.kwonlyargs)
    for argument in (*top.args.posonlyargs, *top.args.args, *top.args.kwonlyargs):
        argument.annotation = None
    return top


class _Rewriter(ast.NodeTransformer):
    """Names to the objects that they mean, `**` to a word; `scope` gathers what the twin then needs."""

    def __init__(self, function: FunctionType) -> None:
        self.function = function
        self.known = meanings(function)
        tree = definition(function)
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        self.own = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        self.own |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        self.scope: dict[str, Any] = {}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.own or isinstance(node.ctx, ast.Store):
            return node
        meant = resolved(node, self.known)
        if meant is MISSING:
            raise refusal(self.function, node, f"name {node.id!r} is not defined")
        return self.placed(node, meant)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        meant = resolved(node, self.known)
        if meant is MISSING and isinstance(resolved(node.value, self.known), ModuleType):
            raise refusal(self.function, node, f"{ast.unparse(node.value)} has no {node.attr!r}")
        return self.generic_visit(node) if meant is MISSING else self.placed(node, meant)  # type: ignore[return-value]

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        made: ast.BinOp = self.generic_visit(node)  # type: ignore[assignment]
        if not isinstance(node.op, ast.Pow) or whole(node.right):
            return made
        call = ast.Call(self.placed(node, arithmetic.raised), [made.left, made.right], [])
        return ast.copy_location(call, node)

    def placed(self, node: ast.expr, meant: Any) -> ast.expr:
        """The expression for an object: a number itself, anything else a name in the twin's scope."""
        if type(meant) in (int, float, bool):
            return ast.copy_location(ast.Constant(meant), node)
        if getattr(builtins, getattr(meant, "__name__", ""), None) is meant and spoken(meant) is meant:
            return node
        if not (callable(meant) or isinstance(meant, str | tuple | np.ndarray | ModuleType)):
            kind = type(meant).__name__
            why = f"{ast.unparse(node)} is a {kind}; a formula takes numbers, tuples, arrays and functions"
            raise refusal(self.function, node, why)
        name = f"{re.sub(r'[^0-9A-Za-z_]', '_', getattr(meant, '__name__', 'value'))}_{id(meant)}"
        if meant is arithmetic.room and foreign(self.function):
            self.scope[name] = held_room
        else:
            self.scope[name] = compilable(meant) if callable(meant) else meant
        return ast.copy_location(ast.Name(name, ast.Load()), node)


def whole(node: ast.expr) -> bool:
    """Whether an exponent is an integer that stands there: then `**` is a few multiplications."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) and type(node.value) is int
