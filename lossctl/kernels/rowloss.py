"""A loss over a row, written as sums and maxima of generators, to passes over a tile of rows.

Each `total(...)` or `largest(...)` becomes a loop over the classes with a loop over the tile's rows inside;
each assignment becomes one value a row. So the lanes of a vector instruction are rows, and every row is
summed in its own order at every vector width.
"""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lossctl.catalogue import arithmetic
from lossctl.errors import UsageError
from lossctl.kernels.formula import spoken, whole
from lossctl.kernels.source import MISSING, definition, meanings, refusal, resolved

SUMS = (arithmetic.total, sum, np.sum, math.fsum)
MEANS = (np.mean, np.average)
MAXIMA = (arithmetic.largest, max, np.max)
MINIMA = (min, np.min)
OTHERS = (arithmetic.total_error, arithmetic.highest, arithmetic.count)
REDUCTIONS = (*SUMS, *MEANS, *MAXIMA, *MINIMA, *OTHERS)
# the same as methods, as in `(y * p).sum()`
METHODS = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min}


@dataclass(frozen=True, slots=True)
class Vector:
    """A role's tile: element k of row r is at `buffer[k * tile + r]`, K of them a row."""

    buffer: str


@dataclass(frozen=True, slots=True)
class Table:
    """A list among the options, the same for every row: number k is at `options[start + k]`."""

    start: str


@dataclass(frozen=True, slots=True)
class Each:
    """A number a class, worked out where it is used: source text that may use `o`, `k` and `r`."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A number a row, as source text that may use `r`."""

    text: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known before compiling."""

    value: Any


Meaning = Vector | Table | Each | Text | Constant
Series = Vector | Table | Each
Scope = dict[str, Meaning]


@dataclass(slots=True)
class RowProgram:
    """The lines of a tile's passes, the stack arrays they use and the functions they call."""

    lines: list[str] = field(default_factory=list)
    arrays: list[str] = field(default_factory=list)
    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    sums: dict[tuple[str, str], tuple[str, str, Text]] = field(default_factory=dict)

    def branch(self) -> RowProgram:
        """A part that need not run: it knows the sums made before, and nobody else knows its own."""
        return RowProgram([], self.arrays, self.functions, dict(self.sums))

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
        return self._summed(element, start)[2]

    def error_pass(self, element: str) -> Text:
        """What rounding takes from that sum, exactly but for an error's own errors."""
        high, low, settled = self._summed(element, "0.0")
        return Text(f"((get({high}, r) - {settled.text}) + get({low}, r))")

    def _summed(self, element: str, start: str) -> tuple[str, str, Text]:
        """The arrays of a sum and of its errors, and the two as one; made once for each sum."""
        if (element, start) not in self.sums:
            self.sums[element, start] = self._sum(element, start)
        return self.sums[element, start]

    def _sum(self, element: str, start: str) -> tuple[str, str, Text]:
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
        return high, low, self.keep(f"settle(get({high}, r), get({low}, r))")

    def count_pass(self, condition: str) -> Text:
        """How often a condition holds over the classes."""
        found = self.array()
        self.lines += [
            "for r in range(t):",
            f"    put({found}, r, 0.0)",
            "for k in range(width):",
            "    o = k * tile",
            "    for r in range(t):",
            f"        put({found}, r, get({found}, r) + (1.0 if {condition} else 0.0))",
        ]
        return Text(f"get({found}, r)")

    def max_pass(self, element: str, pick: str) -> Text:
        """A maximum over the classes; `pick` is the larger of two, `b` and `v`."""
        best = self.array()
        self.lines += [
            "for r in range(t):",
            f"    put({best}, r, MINUS_INFINITY)",
            "for k in range(width):",
            "    o = k * tile",
            "    for r in range(t):",
            f"        v = {element}",
            f"        b = get({best}, r)",
            f"        put({best}, r, {pick})",
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
        self.function, self.scope, self.program = function, scope, program
        self.known = meanings(function)
        self.statements = definition(function).body

    def value(self) -> str:
        result = self.run(self.statements)
        if result is None:
            raise self.cannot(self.statements[-1], "it may end without a return")
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
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                self.scope[name] = self.assigned(value)
                return None
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                old = ast.copy_location(ast.Name(name, ast.Load()), target)
                self.scope[name] = self.assigned(ast.copy_location(ast.BinOp(old, op, value), node))
                return None
            case ast.If(test=test, body=body, orelse=orelse):
                return self.run(body if self.decide(test) else orelse)
            case ast.Return(value=ast.expr() as value):
                if self.rowwise(value):
                    raise self.cannot(value, "it returns a number a class; take their sum")
                return self.text(value, self.scope)
        raise self.cannot(
            node, "a loss over a row has assignments, `if` on a true/false option and `return`, or loops over range()"
        )

    def assigned(self, value: ast.expr) -> Meaning:
        return Each(self.element(value)) if self.rowwise(value) else self.program.keep(self.text(value, self.scope))

    def decide(self, test: ast.expr) -> bool:
        known = {name: m.value for name, m in self.scope.items() if isinstance(m, Constant)}
        try:
            return bool(eval(compile(ast.Expression(test), "<if>", "eval"), {}, known))
        except NameError:
            raise self.cannot(test, "`if` may ask only for options with a fixed set of values") from None

    def text(self, node: ast.expr, scope: Scope) -> str:
        return ast.unparse(_Expression(self, scope).visit(node))

    def cannot(self, node: ast.AST, why: str) -> UsageError:
        return refusal(self.function, node, why)

    def called(self, node: ast.Call) -> Any:
        """The function of a call."""
        found = resolved(node.func, self.known)
        method = found is MISSING and isinstance(node.func, ast.Attribute)
        return METHODS.get(node.func.attr, MISSING) if method else found  # type: ignore[attr-defined]

    def taken(self, node: ast.Call) -> ast.expr:
        """What a reduction runs over."""
        if node.args or not isinstance(node.func, ast.Attribute):
            return node.args[0]
        return node.func.value

    def rowwise(self, node: ast.AST) -> bool:
        """Whether an expression has a number a class: it holds a row outside what makes one number of it."""
        if isinstance(node, ast.Name):
            return _series(node, self.scope) is not None
        if isinstance(node, ast.Subscript | ast.GeneratorExp):
            return False
        if isinstance(node, ast.Call):
            function = spoken(self.called(node))
            one = function in (*REDUCTIONS, len, arithmetic.at, np.dot) and not self.pairwise(function, node)
            return not one and not self.over_rows(function, node) and any(map(self.rowwise, node.args))
        return any(map(self.rowwise, ast.iter_child_nodes(node)))

    def pairwise(self, function: Any, node: ast.Call) -> bool:
        """Whether it is `max(a, b)`, of two numbers, rather than the largest of a row."""
        return function in (max, min) and len(node.args) > 1

    def over_rows(self, function: Any, node: ast.Call) -> bool:
        """Whether it is a helper that makes a number of a row: one with reductions of its own."""
        if not inspect.isfunction(function) or function in vars(arithmetic).values():
            return False
        return any(_series(arg, self.scope) is not None for arg in node.args) and _reduces(function)

    def element(self, node: ast.expr) -> str:
        """The text of one class's term in a reduction."""
        if isinstance(node, ast.GeneratorExp) and len(node.generators) == 1 and not node.generators[0].ifs:
            loop = node.generators[0]
            return self.text(node.elt, {**self.scope, **self.loop_names(loop.target, loop.iter)})
        if not self.rowwise(node):
            raise self.cannot(node, "a reduction takes a row or `... for a, b in zip(rows)`")
        rows = {name: _element(meaning) for name, meaning in self.scope.items() if isinstance(meaning, Series)}
        return self.text(node, {**self.scope, **rows})

    def loop_names(self, target: ast.expr, rows: ast.expr) -> Scope:
        match target, rows:
            case ast.Tuple(elts=[ast.Name(id=index), names]), ast.Call(func=ast.Name(id="enumerate"), args=[counted]):
                return {index: Text("k"), **self.loop_names(names, counted)}
            case ast.Tuple(elts=names), ast.Call(func=ast.Name(id="zip"), args=sources):
                pairs = list(zip(names, sources, strict=True))
            case _:
                pairs = [(target, rows)]
        found = {ast.unparse(name): _series(source, self.scope) for name, source in pairs}
        if None in found.values():
            raise self.cannot(target, "a reduction runs over rows, or over zip of rows")
        return {name: _element(series) for name, series in found.items() if series is not None}


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
            case Vector() | Table() | Each():
                raise self.body.cannot(node, f"{node.id} is a row; take its total, largest or an item")
        return self.number(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return self.number(node)

    def number(self, node: ast.expr) -> ast.expr:
        """A constant of the module or of `math`."""
        value = resolved(node, self.body.known)
        if not isinstance(value, int | float):
            raise self.body.cannot(node, f"{ast.unparse(node)!r} is no number that it knows")
        return ast.Constant(value)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if not isinstance(node.op, ast.Pow) or whole(node.right):
            return self.generic_visit(node)  # type: ignore[return-value]
        return self.call(arithmetic.raised, [node.left, node.right])

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        return self.item(node.value, node.slice)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        function = spoken(self.body.called(node))
        if function is MISSING:
            raise self.body.cannot(node, f"{ast.unparse(node.func)} is not a function that it knows")
        if any(not _along_row(function, keyword) for keyword in node.keywords):
            raise self.body.cannot(node, f"{ast.unparse(node.func)} takes no keywords here")
        if function is len:
            return _parsed("width")
        if function in REDUCTIONS and not self.body.pairwise(function, node):
            return self.reduced(function, node)
        if function is np.dot:
            terms = self.body.element(ast.BinOp(node.args[0], ast.Mult(), node.args[1]))
            return _parsed(self.body.program.sum_pass(terms, "0.0").text)
        if function is arithmetic.at:
            return self.item(*node.args)
        if any(_series(arg, self.scope) for arg in node.args):
            return self.inlined(function, node)
        return self.call(function, node.args)

    def reduced(self, function: Any, node: ast.Call) -> ast.expr:
        """A reduction over the classes, as a pass of its own."""
        program, taken = self.body.program, self.body.taken(node)
        element = self.body.element(taken)
        if function in MAXIMA:
            return _parsed(program.max_pass(element, "maximum(b, v)").text)
        if function is arithmetic.highest:
            return _parsed(program.max_pass(element, "v if v > b else b").text)
        if function is arithmetic.total_error:
            return _parsed(program.error_pass(element).text)
        if function is arithmetic.count:
            return _parsed(program.count_pass(element).text)
        if function in MINIMA:
            return _parsed(f"(-{program.max_pass(f'-({element})', 'maximum(b, v)').text})")
        if len(node.args) > 1 and function not in (arithmetic.total, sum):
            raise self.body.cannot(node, f"{ast.unparse(node.func)} takes the row alone")
        start = self.body.text(node.args[1], self.scope) if len(node.args) > 1 else "0.0"
        text = program.sum_pass(element, start).text
        return _parsed(f"({text} / width)" if function in MEANS else text)

    def call(self, function: Any, args: list[ast.expr]) -> ast.expr:
        """A call of a scalar function."""
        visited = [self.visit(arg) for arg in args]
        if function in (abs, min, max):
            return ast.Call(ast.Name(function.__name__), visited, [])
        return ast.Call(ast.Name(self.body.program.call(function)), visited, [])

    def inlined(self, function: Callable[..., Any], node: ast.Call) -> ast.expr:
        names = list(inspect.signature(function).parameters)
        scope: Scope = {}
        for name, arg in zip(names, node.args, strict=True):
            known = self.scope.get(arg.id) if isinstance(arg, ast.Name) else None
            known = Constant(arg.value) if isinstance(arg, ast.Constant) else known
            fixed = known if isinstance(known, Vector | Table | Each | Constant) else None
            scope[name] = fixed or self.body.program.keep(self.body.text(arg, self.scope))
        return _parsed(self.body.program.keep(lower(function, scope, self.body.program)).text)

    def item(self, row: ast.expr, index: ast.expr) -> ast.expr:
        series = _series(row, self.scope)
        if series is None:
            raise self.body.cannot(row, "only a row has items")
        at = self.body.text(index, self.scope)
        if isinstance(series, Each):
            found: ast.expr = _ItemOfEach(at).visit(_parsed(f"within({at}, width, {series.text})"))
        elif isinstance(series, Table):
            found = _parsed(f"entry(options, {series.start}, {at}, width)")
        else:
            found = _parsed(f"item({series.buffer}, tile, r, {at}, width)")
        # a read from anywhere does not vectorise, so what is made of it gets a loop of its own
        return found if _by_class(_parsed(at)) else _parsed(self.body.program.keep(ast.unparse(found)).text)


class _ItemOfEach(ast.NodeTransformer):
    """The text of every class's number to that of one class's."""

    def __init__(self, index: str) -> None:
        self.places = {"o": f"inside({index}, width) * tile", "k": f"inside({index}, width)"}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return _parsed(self.places[node.id]) if node.id in self.places else node


def _by_class(node: ast.expr) -> bool:
    """Whether a text differs from class to class."""
    return any(isinstance(part, ast.Name) and part.id in ("k", "o") for part in ast.walk(node))


def _series(node: ast.expr, scope: Scope) -> Series | None:
    meaning = scope.get(node.id) if isinstance(node, ast.Name) else None
    return meaning if isinstance(meaning, Series) else None


def _along_row(function: Any, keyword: ast.keyword) -> bool:
    """Whether a keyword says what holds anyway: `axis=-1` of a reduction over a row."""
    return function in REDUCTIONS and keyword.arg == "axis" and ast.unparse(keyword.value) in ("-1", "0")


def _element(series: Series) -> Text:
    if isinstance(series, Each):
        return Text(f"({series.text})")
    return Text(f"get({series.buffer}, o + r)" if isinstance(series, Vector) else f"get(options, {series.start} + k)")


def _reduces(function: Callable[..., Any]) -> bool:
    """Whether a helper sums or compares over a row."""
    known = meanings(function)
    calls = [node for node in ast.walk(definition(function)) if isinstance(node, ast.Call)]
    return any(spoken(resolved(call.func, known)) in (*REDUCTIONS, len, arithmetic.at) for call in calls)


def loops(function: Callable[..., Any]) -> bool:
    """Whether a function has loops of its own, and so is called a row at a time."""
    return any(isinstance(node, ast.For | ast.While) for node in ast.walk(definition(function)))


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
