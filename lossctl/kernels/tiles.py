"""The loop of a loss: tiles of rows are loaded as float64, the formula runs over them, one number a row comes out.

A kernel takes one address, of a frame of int64:

    0 rows   1 tile   2 width   3 out   4 options   then for each role: loader, columns, stride, width, buffer

`width` is K, or the number of columns of an elementwise loss.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numba

from lossctl.catalogue.arithmetic import maximum
from lossctl.catalogue.declare import Role, Shortcut
from lossctl.catalogue.spec import BoundLoss
from lossctl.kernels import own
from lossctl.kernels.formula import compilable
from lossctl.kernels.layout import HEAD, ROLE
from lossctl.kernels.pointers import as_float64, call, get, put, stack
from lossctl.kernels.rowloss import Constant, Meaning, RowProgram, Table, Text, Vector, loops, lower
from lossctl.kernels.rows import held_row, row


@numba.njit(error_model="numpy", forceinline=True)
def settle(high: float, low: float) -> float:
    """A sum and its carried errors as one number; an infinite sum carries none."""
    return high + low if low == low else high


@numba.njit(error_model="numpy", forceinline=True)
def inside(index: int, width: int) -> int:
    """An index that may be read: 0 for one that is no class."""
    return index if 0 <= index < width else 0


@numba.njit(error_model="numpy", forceinline=True)
def within(index: int, width: int, value: float) -> float:
    """A class's value, NaN where the index is no class."""
    return value if 0 <= index < width else math.nan


@numba.njit(error_model="numpy", forceinline=True)
def item(buffer: Any, tile: int, r: int, index: int, width: int) -> float:
    """Element `index` of row r, NaN where there is none."""
    return within(index, width, get(buffer, inside(index, width) * tile + r))


@numba.njit(error_model="numpy", forceinline=True)
def entry(options: Any, start: int, index: int, width: int) -> float:
    """Number `index` of a list among the options, NaN where there is none."""
    return within(index, width, get(options, start + inside(index, width)))


@numba.njit(error_model="numpy", forceinline=True)
def as_index(label: float) -> int:
    """A class index from its tile's float64; -1 for what is no index."""
    usable = 0.0 <= label < 2.0**31 and label == math.floor(label)
    return int(label if usable else -1.0)


@numba.njit(error_model="numpy", forceinline=True)
def number(value: Any) -> float:
    """What a formula gives as float64, be it a bool or an integer."""
    return numba.types.float64(value)


WORDS: dict[str, Any] = {
    "get": get,
    "put": put,
    "stack": stack,
    "call": call,
    "as_float64": as_float64,
    "settle": settle,
    "item": item,
    "entry": entry,
    "inside": inside,
    "within": within,
    "row": row,
    "held_row": held_row,
    "as_index": as_index,
    "MINUS_INFINITY": -math.inf,
    "nan": math.nan,
    "number": number,
}


def kernel(bound: BoundLoss, single: bool) -> Callable[..., Any]:
    """The Python form of a loss's kernel, for numba to compile.

    Args:
        bound: structural options are compiled in; numbers are read from the frame.
        single: an elementwise loss of one column a role.

    Raises:
        UsageError: a user's own loss that cannot be compiled.
    """
    if bound.loss.home:
        own.refuse_unfit(bound.loss)
    program = RowProgram()
    passes = _elementwise(bound, single, program) if bound.loss.elementwise else _over_rows(bound, program)
    if bound.loss.home:
        own.refuse_types(bound, program.functions)
    used = {name: compilable(f) for name, f in program.functions.items()}
    scope = {**WORDS, "maximum": compilable(maximum), **used}
    exec("\n".join(_frame(bound, program, passes)), scope)
    made: Callable[..., Any] = scope["kernel"]
    made.__doc__ = f"{bound.loss.home or 'lossctl'}: {bound.loss.name}"
    return made


def _numbers(bound: BoundLoss) -> list[str]:
    return [option.name for option in bound.loss.options if option.number]


def _arguments(bound: BoundLoss, roles: dict[str, Meaning], place: str) -> dict[str, Meaning]:
    """What each argument means in the kernel's text; `place` is where a column's own number is in a list."""
    scope = dict(roles)
    lists = 0
    for option, value in zip(bound.loss.options, bound.values, strict=True):
        if option.param.many:
            start = f"{len(_numbers(bound))} + {lists} * width"
            scope[option.name] = Table(start) if option.vector else Text(f"get(options, {start} + {place})")
            lists += 1
        else:
            scope[option.name] = Text(f"o_{option.name}") if option.number else Constant(value)
    return scope


def _over_rows(bound: BoundLoss, program: RowProgram) -> list[str]:
    roles: dict[str, Meaning] = {
        role.argument: Vector(f"b_{role.argument}") if role.shape == "vector" else Text(_first(role))
        for role in bound.loss.roles
    }
    scope = _arguments(bound, roles, "0")
    if loops(bound.loss.function):
        return _written(_called(bound, scope, program))
    return _chosen(bound.loss.shortcuts, bound.loss.function, scope, program)


def _chosen(
    shortcuts: Sequence[Shortcut], function: Callable[..., Any], scope: dict[str, Meaning], program: RowProgram
) -> list[str]:
    """A tile's rows by the first shortcut that all of them allow, else by the function."""
    if not shortcuts:
        inner = program.branch()
        value = lower(function, scope, inner)
        return [*inner.lines, *_written(value)]
    outer = program.branch()
    holds = lower(shortcuts[0].holds, scope, outer)
    short = _chosen((), shortcuts[0].formula, scope, outer)
    long = _chosen(shortcuts[1:], function, scope, outer)
    return [*outer.lines, *_either(holds, short, long)]


def _written(value: str) -> list[str]:
    """A value a row, written out."""
    return ["for r in range(t):", f"    put(out, base + r, number({value}))"]


def _called(bound: BoundLoss, scope: dict[str, Meaning], program: RowProgram) -> str:
    """The call of a loss that has loops of its own: its rows are handed over as they lie in the tile."""
    args = []
    made = "held_row" if bound.loss.home else "row"
    for name, meaning in scope.items():
        match meaning:
            case Vector(buffer):
                args.append(f"{made}({buffer}, r, tile, n_{name})")
            case Table(start):
                args.append(f"{made}(options, {start}, 1, width)")
            case Text(text):
                args.append(text)
            case Constant(value):
                args.append(repr(value))
    return f"{program.call(bound.loss.function)}({', '.join(args)})"


def _first(role: Role) -> str:
    return f"get(b_{role.argument}, r)" if role.shape == "scalar" else f"as_index(get(b_{role.argument}, r))"


def _elementwise(bound: BoundLoss, single: bool, program: RowProgram) -> list[str]:
    name = program.call(bound.loss.function)
    place = "r" if single else "o + r"
    roles: dict[str, Meaning] = {role.argument: Text(f"get(b_{role.argument}, {place})") for role in bound.loss.roles}
    scope = _arguments(bound, roles, "0" if single else "k")
    texts = {
        argument: m.text if isinstance(m, Text) else repr(m.value)
        for argument, m in scope.items()
        if isinstance(m, Text | Constant)
    }
    args = ", ".join(texts.values())
    if single:
        lines = _written(f"{name}({args})")
        for shortcut in reversed(bound.loss.shortcuts):
            lines = _with_shortcut(shortcut, texts, lines, program)
        return lines
    mean = program.sum_pass(f"number({name}({args}))", "0.0").text
    return [*program.lines, "for r in range(t):", f"    put(out, base + r, {mean} / width)"]


def _with_shortcut(shortcut: Shortcut, texts: dict[str, str], plain: list[str], program: RowProgram) -> list[str]:
    """A tile's rows by the shortcut where all of them allow it, else in the plain way."""

    def call(function: Callable[..., Any]) -> str:
        return f"{program.call(function)}({', '.join(texts[name] for name in inspect.signature(function).parameters)})"

    return _either(call(shortcut.holds), _written(call(shortcut.formula)), plain)


def _either(holds: str, short: list[str], long: list[str]) -> list[str]:
    """One way where something holds for all rows, else the other."""
    return [
        # a count vectorises, a flag does not
        "others = 0",
        "for r in range(t):",
        f"    others += 0 if ({holds}) else 1",
        "if others == 0:",
        *(f"    {line}" for line in short),
        "else:",
        *(f"    {line}" for line in long),
    ]


def _frame(bound: BoundLoss, program: RowProgram, passes: list[str]) -> list[str]:
    lines = [
        "def kernel(frame):",
        "    n = get(frame, 0)",
        "    tile = get(frame, 1)",
        "    width = get(frame, 2)",
        "    out = as_float64(get(frame, 3))",
        "    options = as_float64(get(frame, 4))",
    ]
    lines += [f"    o_{name} = get(options, {i})" for i, name in enumerate(_numbers(bound))]
    lines += [f"    {name} = stack()" for name in program.arrays]
    loads = []
    for i, role in enumerate(bound.loss.roles):
        at = HEAD + ROLE * i
        lines.append(f"    b_{role.argument} = as_float64(get(frame, {at + 4}))")
        lines.append(f"    n_{role.argument} = get(frame, {at + 3})")
        loads.append(
            f"call(get(frame, {at}), get(frame, {at + 1}), get(frame, {at + 2}), base, t, "
            f"get(frame, {at + 3}), get(frame, {at + 4}), tile)"
        )
    lines += ["    base = 0", "    while base < n:", "        t = min(tile, n - base)"]
    lines += [f"        {line}" for line in [*loads, *passes]]
    return [*lines, "        base += tile"]
