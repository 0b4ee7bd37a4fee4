"""What a filter can come to, from bounds of its columns: so that rows it cannot match need not be read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any, NamedTuple

from lossctl.readers.connectives import And, Not, Or
from lossctl.readers.where import Column, Comparison, In, IsNull, Operand, Plain, Tree, Truth


class Facts(NamedTuple):
    """What is known of a column's values in some rows.

    Attributes:
        least, most: no value is below or above; None where that is not known.
        null: some row may have no value.
        nan: some value may be NaN, which lies outside the bounds.
        value: some row may have a value.
    """

    least: Any = None
    most: Any = None
    null: bool = True
    nan: bool = True
    value: bool = True


class Outcomes(NamedTuple):
    """What some row may come to; what is not certain to be impossible is possible."""

    true: bool
    false: bool
    null: bool


UNKNOWN = Facts()
EMPTY = Facts(None, None, True, False, False)


def verdict(tree: Tree, constants: Mapping[str, Plain | None]) -> bool | None:
    """Whether a filter is true, or false, for all rows in which some columns have one value; None where rows differ.

    Args:
        tree: as parsed, or fitted to the columns.
        constants: columns whose value is known, such as partition keys; None for a null.
    """
    found = outcomes(tree, {name: _constant(value) for name, value in constants.items()})
    if not found.true:
        return False
    return None if found.false or found.null else True


def _constant(value: Plain | None) -> Facts:
    return EMPTY if value is None else Facts(value, value, False, False)


def outcomes(tree: Tree, facts: Mapping[str, Facts]) -> Outcomes:
    """What a filter may come to in some rows, of which the facts are known; other columns may hold anything."""
    match tree:
        case And(parts):
            return reduce(_both, (outcomes(part, facts) for part in parts))
        case Or(parts):
            return _opposite(reduce(_both, (_opposite(outcomes(part, facts)) for part in parts)))
        case Not(part):
            return _opposite(outcomes(part, facts))
        case IsNull(column):
            known = facts.get(column.name, UNKNOWN)
            return Outcomes(known.null, known.value, False)
        case Truth(column):
            return _compared("=", facts.get(column.name, UNKNOWN), _constant(True))
        case In(column, values):
            each = (_compared("=", facts.get(column.name, UNKNOWN), _constant(literal.value)) for literal in values)
            return _opposite(reduce(_both, map(_opposite, each)))
        case Comparison(op, left, right):
            sides = _of(left, facts), _of(right, facts)
            if isinstance(left, Column) and isinstance(right, Column):
                sides = _meeting(*sides)
            return _compared(op, *sides)


def _of(side: Operand, facts: Mapping[str, Facts]) -> Facts:
    return facts.get(side.name, UNKNOWN) if isinstance(side, Column) else _constant(side.value)


def _opposite(found: Outcomes) -> Outcomes:
    return Outcomes(found.false, found.true, found.null)


def _both(one: Outcomes, other: Outcomes) -> Outcomes:
    null = (one.null and (other.null or other.true)) or (other.null and one.true)
    return Outcomes(one.true and other.true, one.false or other.false, null)


def _compared(op: str, left: Facts, right: Facts) -> Outcomes:
    null = left.null or right.null
    if not (left.value and right.value):
        return Outcomes(False, False, null)
    if op in (">", ">="):
        op, left, right = {">": "<", ">=": "<="}[op], right, left
    true, false = _ordered("=" if op == "!=" else op, left, right)
    false |= left.nan or right.nan
    return Outcomes(false, true, null) if op == "!=" else Outcomes(true, false, null)


def _ordered(op: str, left: Facts, right: Facts) -> tuple[bool, bool]:
    """Whether =, < or <= may be true, and whether it may be false."""
    if not _comparable(left, right):
        return True, True
    if op == "=":
        true = _may(left.least, right.most, True) and _may(right.least, left.most, True)
        return true, not (left.least == left.most == right.least == right.most and left.least is not None)
    equal = op == "<="
    return _may(left.least, right.most, equal), _may(right.least, left.most, not equal)


def _may(least: Any, most: Any, equal: bool) -> bool:
    """Whether something not below `least` may lie below something not above `most`, or equal it."""
    if least is None or most is None:
        return True
    return bool(least <= most if equal else least < most)


def _meeting(left: Facts, right: Facts) -> tuple[Facts, Facts]:
    """Two columns; whole and floating numbers are compared in float64, which rounds, so that bounds tell nothing."""
    if _kinds(left, right) == {int, float}:
        return left._replace(least=None, most=None), right._replace(least=None, most=None)
    return left, right


def _comparable(left: Facts, right: Facts) -> bool:
    return len(kinds := _kinds(left, right)) < 2 or kinds == {int, float}


def _kinds(left: Facts, right: Facts) -> set[type]:
    return {type(bound) for known in (left, right) for bound in (known.least, known.most) if bound is not None}
