"""A user's own loss, held against what a kernel can be before one is made of it: errors name the line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import numba
from numba import types

from lossctl.catalogue.declare import Loss, Option, Role
from lossctl.catalogue.spec import BoundLoss
from lossctl.errors import UsageError
from lossctl.kernels.formula import compilable
from lossctl.kernels.reach import helpers
from lossctl.kernels.rows import HELD_ROW
from lossctl.kernels.source import definition, refusal, refuse_constructs

VERBS = {
    "add": "add iadd",
    "subtract": "sub isub",
    "multiply": "mul imul",
    "divide": "truediv itruediv floordiv mod",
    "compare": "lt le gt ge eq ne",
    "negate": "neg",
    "take an item of": "getitem static_getitem",
    "set an item of": "setitem",
}
OPERATORS = {name: verb for verb, names in VERBS.items() for name in names.split()}
SIGNATURE = re.compile(r">>> (\w+)\((.*)\)\n")
KINDS = (
    (re.compile(r"Literal\[str\]\((.*)\)|unicode_type"), "text"),
    (re.compile(r"Literal\[(?:int|bool)\]\((.*)\)"), "a number"),
    (re.compile(r"u?int\d+|float\d+"), "a number"),
    (re.compile(r"bool(ean)?"), "true or false"),
    (re.compile(r"Row\(.*\)"), "a row"),
    (re.compile(r"none"), "None"),
    (re.compile(r"U?n?i?Tuple.*"), "a tuple"),
)


def refuse_unfit(loss: Loss) -> None:
    """Refuse what no kernel can hold, in the loss or in a helper of its file.

    Raises:
        UsageError: with the file, the line and the construct.
    """
    refuse_constructs(loss.function)
    for helper in helpers(loss.function):
        refuse_constructs(helper)


def refuse_types(bound: BoundLoss, functions: dict[str, Callable[..., Any]]) -> None:
    """Refuse functions that do not give a number of numbers.

    Args:
        bound: the loss, whose options' kinds are known.
        functions: what its kernel calls: the loss itself, or the helpers of one over rows.

    Raises:
        UsageError: with the file, the line and the reason in plain words.
    """
    for function in functions.values():
        if isinstance(function, FunctionType):
            kinds = _kinds(bound) if function is bound.loss.function else _numbers(function)
            _hold(function, tuple(kinds))


def _kinds(bound: BoundLoss) -> Iterator[Any]:
    """The kinds of the loss's own arguments."""
    for role in bound.loss.roles:
        yield _of_role(role)
    for option, value in zip(bound.loss.options, bound.values, strict=True):
        yield _of_option(option, value)


def _of_role(role: Role) -> Any:
    return {"scalar": types.float64, "vector": HELD_ROW, "index": types.int64}[role.shape]


def _of_option(option: Option, value: Any) -> Any:
    if option.number:
        return types.float64
    return HELD_ROW if option.vector else (types.float64 if option.param.many else numba.typeof(value))


def _numbers(function: FunctionType) -> list[Any]:
    return [types.float64] * (function.__code__.co_argcount - len(function.__defaults__ or ()))


def _hold(function: FunctionType, kinds: tuple[Any, ...]) -> None:
    compiled: Any = compilable(function)
    try:
        compiled.compile(kinds)
    except UsageError:
        raise
    except Exception as error:
        raise _explained(function, error) from error
    given = compiled.overloads[kinds].signature.return_type
    if isinstance(given, types.Optional) or given is types.none:
        raise refusal(function, definition(function), "it may end without a return")
    if not isinstance(given, types.Float | types.Integer | types.Boolean):
        raise refusal(function, definition(function), f"it returns {_kind(str(given))}, expected a number")


def _explained(function: FunctionType, error: Exception) -> UsageError:
    """numba's error in a line: where it is in the user's files, helpers included, and why."""
    text = str(error)
    within = {_place(one): one for one in (function, *helpers(function))}
    own = getattr(error, "loc", None)
    places = [(file, int(line)) for file, line in re.findall(r" at (\S.*) \((\d+)\)", text)]
    places += [(own.filename, own.line)] if own is not None else []
    for file, line in places:
        for (home, lines), one in within.items():
            if file == home and line in lines:
                return refusal(one, line, _reason(text))
    return refusal(function, definition(function).lineno, _reason(text))


def _place(function: FunctionType) -> tuple[str, range]:
    """A function's file, and its lines there."""
    written = definition(function)
    return function.__code__.co_filename, range(written.lineno, (written.end_lineno or written.lineno) + 1)


def _reason(text: str) -> str:
    unknown = re.search(r"Unknown attribute '(\w+)' of type (.+)", text)
    if unknown:
        return f"{_kind(unknown[2].strip())} has no attribute {unknown[1]!r}"
    signature = SIGNATURE.search(text)
    if signature:
        name, kinds = signature[1], _split(signature[2])
        said = " and ".join(map(_kind, kinds))
        return f"it cannot {OPERATORS[name]} {said}" if name in OPERATORS else f"{name}() does not take {said}"
    if "Cannot bind" in text:
        return "it calls a function with arguments that it does not take"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Failed in", "During", "File ", "<source", "^"))]
    return f"numba says: {(told or lines or ['nothing'])[0].rstrip('. ')}"


def _split(kinds: str) -> list[str]:
    """The kinds of a signature: commas within brackets belong to one."""
    return [kind.strip() for kind in re.split(r",(?![^(\[]*[)\]])", kinds)]


def _kind(text: str) -> str:
    for pattern, word in KINDS:
        found = pattern.fullmatch(text)
        if found:
            inner = next((group for group in found.groups() if group), None)
            return f"{word} {inner!r}" if word == "text" and inner else (inner or word)
    return text
