"""A loss over a row, written as sums and maxima of generators, to passes over a tile of rows.

Each `total(...)` or `largest(...)` becomes a loop over the classes with a loop over the tile's rows inside;
each assignment becomes one value a row. So the lanes of a vector instruction are rows, and every row is
summed in its own order at every vector width.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lossctl.catalogue import arithmetic
from lossctl.errors import UsageError

SUMS = (arithmetic.total, sum)
MAXIMA = (arithmetic.largest, max)


@dataclass(frozen=True, slots=True)
class Vector:
    """A role's tile: element k of row r is at `buffer[k * tile + r]`, K of them a row."""

    buffer: str


@dataclass(frozen=True, slots=True)
class Table:
    """A list among the options, the same for every row: number k is at `options[start + k]`."""

    start: str


@dataclass(frozen=True, slots=True)
class Text:
    """A number a row, as source text that may use `r`."""

    text: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known before compiling."""

    value: Any


Meaning = Vector | Table | Text | Constant
Series = Vector | Table
Scope = dict[str, Meaning]


@dataclass(slots=True)
class RowProgram:
    """The lines of a tile's passes, the stack arrays they use and the functions they call."""

    lines: list[str] = field(default_factory=list)
    arrays: list[str] = field(default_factory=list)
    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)

    def array(self) -> str:
        """A new stack array."""
        self.arrays.append(f"s{len(self.arrays)}")
        return self.arrays[-1]

    def keep(self, text: str) -> Text:
        """Write a number a row into a new stack array."""
        name = self.array()
        self.lines += ["for r in range(t):", f"    put({name}, r, {text})"]
        return Text(f"get({name}, r)")

    def sum_pass(self, element: str, start: str) -> Text:
        """A sum over the classes that carries its rounding errors along (Knuth's two-sum)."""
        high, low = self.array(), self.array()
        self.lines += [
            "for r in range(t):",
            f"    put({high}, r, {start})",
            f"    put({low}, r, 0.0)",
            "for k in range(width):",
            "    o = k * tile",
            "    for r in range(t):",
            f"        v = {element}",
            f"        a = get({high}, r)",
            "        s = a + v",
            "        z = s - a",
            f"        put({low}, r, get({low}, r) + ((a - (s - z)) + (v - z)))",
            f"        put({high}, r, s)",
        ]
        return self.keep(f"settle(get({high}, r), get({low}, r))")

    def max_pass(self, element: str) -> Text:
        """A maximum over the classes."""
        best = self.array()
        self.lines += [
            "for r in range(t):",
            f"    put({best}, r, MINUS_INFINITY)",
            "for k in range(width):",
            "    o = k * tile",
            "    for r in range(t):",
            f"        put({best}, r, maximum(get({best}, r), {element}))",
        ]
        return Text(f"get({best}, r)")

    def call(self, function: Callable[..., Any]) -> str:
        """The name under which the kernel calls a scalar function."""
        name = f"f_{function.__name__}"
        self.functions[name] = function
        return name


def lower(function: Callable[..., Any], scope: Mapping[str, Meaning], program: RowProgram) -> str:
    """The text of the function's value for row `r`; the passes it needs are added to the program.

    Raises:
        UsageError: the body holds something that has no form as passes; the line and the reason are told.
    """
    return _Body(function, dict(scope), program).value()


class _Body:
    """One function's body, statement by statement."""

    def __init__(self, function: Callable[..., Any], scope: Scope, program: RowProgram) -> None:
        lines, self.first_line = inspect.getsourcelines(function)
        self.function, self.scope, self.program = function, scope, program
        tree = ast.parse(textwrap.dedent("".join(lines)))
        definition = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
        self.statements = definition.body

    def value(self) -> str:
        result = self.run(self.statements)
        if result is None:
            raise UsageError(f"{self.function.__name__} ends without a return")
        return result

    def run(self, statements: list[ast.stmt]) -> str | None:
        for statement in statements:
            result = self.statement(statement)
            if result is not None:
                return result
        return None

    def statement(self, node: ast.stmt) -> str | None:
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                return None
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.scope[name] = self.program.keep(self.text(value, self.scope))
                return None
            case ast.If(test=test, body=body, orelse=orelse):
                return self.run(body if self.decide(test) else orelse)
            case ast.Return(value=ast.expr() as value):
                return self.text(value, self.scope)
        raise self.cannot(node, "only assignments, `if` on a true/false option, and `return`")

    def decide(self, test: ast.expr) -> bool:
        known = {name: m.value for name, m in self.scope.items() if isinstance(m, Constant)}
        try:
            return bool(eval(compile(ast.Expression(test), "<if>", "eval"), {}, known))
        except NameError:
            raise self.cannot(test, "`if` may ask only for options with a fixed set of values") from None

    def text(self, node: ast.expr, scope: Scope) -> str:
        return ast.unparse(_Expression(self, scope).visit(node))

    def cannot(self, node: ast.AST, why: str) -> UsageError:
        line = self.first_line + getattr(node, "lineno", 1) - 1
        where = inspect.getsourcefile(self.function)
        return UsageError(f"{where}, line {line}: {self.function.__name__} cannot be compiled: {why}")


class _Expression(ast.NodeTransformer):
    """One expression: reductions become passes, names their places, helpers over rows their own passes."""

    def __init__(self, body: _Body, scope: Scope) -> None:
        self.body, self.scope = body, scope

    def visit_Name(self, node: ast.Name) -> ast.expr:
        match self.scope.get(node.id):
            case Text(text):
                return _parsed(text)
            case Constant(value):
                return ast.Constant(value)
            case Vector() | Table():
                raise self.body.cannot(node, f"{node.id} is a row; take its total, largest or an item")
        value = self.body.function.__globals__.get(node.id)
        return ast.Constant(value) if isinstance(value, int | float) else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return self.item(node.value, node.slice)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        name = ast.unparse(node.func)
        function: Any = self.body.function.__globals__.get(name, vars(builtins).get(name))
        if function is len:
            return _parsed("width")
        if function in SUMS:
            start = self.body.text(node.args[1], self.scope) if len(node.args) > 1 else "0.0"
            return _parsed(self.body.program.sum_pass(self.element(node.args[0]), start).text)
        if function in MAXIMA and len(node.args) == 1:
            return _parsed(self.body.program.max_pass(self.element(node.args[0])).text)
        if function is arithmetic.at:
            return self.item(*node.args)
        if any(self.vector(arg) for arg in node.args):
            return self.inlined(function, node)
        args = [self.visit(arg) for arg in node.args]
        if function in (abs, min, max):
            return ast.Call(node.func, args, [])
        if function is None:
            raise self.body.cannot(node, f"{name} is not a function that it knows")
        return ast.Call(ast.Name(self.body.program.call(function)), args, [])

    def inlined(self, function: Callable[..., Any], node: ast.Call) -> ast.expr:
        names = list(inspect.signature(function).parameters)
        scope: Scope = {}
        for name, arg in zip(names, node.args, strict=True):
            known = self.scope.get(arg.id) if isinstance(arg, ast.Name) else None
            known = Constant(arg.value) if isinstance(arg, ast.Constant) else known
            fixed = known if isinstance(known, Vector | Table | Constant) else None
            scope[name] = fixed or self.body.program.keep(self.body.text(arg, self.scope))
        return _parsed(self.body.program.keep(lower(function, scope, self.body.program)).text)

    def item(self, row: ast.expr, index: ast.expr) -> ast.expr:
        series = self.vector(row)
        if series is None:
            raise self.body.cannot(row, "only a row has items")
        at = self.body.text(index, self.scope)
        if isinstance(series, Table):
            return _parsed(f"entry(options, {series.start}, {at}, width)")
        return _parsed(f"item({series.buffer}, tile, r, {at}, width)")

    def vector(self, node: ast.expr) -> Series | None:
        meaning = self.scope.get(node.id) if isinstance(node, ast.Name) else None
        return meaning if isinstance(meaning, Vector | Table) else None

    def element(self, node: ast.expr) -> str:
        """The text of one class's term in a reduction."""
        series = self.vector(node)
        if series is not None:
            return _element(series).text
        if not isinstance(node, ast.GeneratorExp) or len(node.generators) != 1 or node.generators[0].ifs:
            raise self.body.cannot(node, "a reduction takes a row or `... for a, b in zip(rows)`")
        loop = node.generators[0]
        scope = {**self.scope, **self.loop_names(loop.target, loop.iter)}
        return self.body.text(node.elt, scope)

    def loop_names(self, target: ast.expr, rows: ast.expr) -> Scope:
        match target, rows:
            case ast.Tuple(elts=[ast.Name(id=index), names]), ast.Call(func=ast.Name(id="enumerate"), args=[counted]):
                return {index: Text("k"), **self.loop_names(names, counted)}
            case ast.Tuple(elts=names), ast.Call(func=ast.Name(id="zip"), args=sources):
                pairs = list(zip(names, sources, strict=True))
            case _:
                pairs = [(target, rows)]
        found = {ast.unparse(name): self.vector(source) for name, source in pairs}
        if None in found.values():
            raise self.body.cannot(target, "a reduction runs over rows, or over zip of rows")
        return {name: _element(series) for name, series in found.items() if series is not None}


def _element(series: Series) -> Text:
    return Text(f"get({series.buffer}, o + r)" if isinstance(series, Vector) else f"get(options, {series.start} + k)")


def loops(function: Callable[..., Any]) -> bool:
    """Whether a function has loops of its own, and so is called a row at a time."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return any(isinstance(node, ast.For | ast.While) for node in ast.walk(tree))


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
