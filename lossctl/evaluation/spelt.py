"""Records of plain values as JSON holds them, and back by their own annotations: what is at its default is left out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from lossctl.catalogue.spec import BoundLoss, bind
from lossctl.errors import UsageError

NOT_FINITE = ("nan", "inf", "-inf")


class MisfitError(ValueError):
    """A value that is not what its annotation says; the text tells where."""


def spelt(value: Any) -> Any:
    """A value as JSON holds it: records as objects, losses as their texts."""
    if isinstance(value, BoundLoss):
        return str(value)
    if hasattr(value, "_asdict"):
        defaults = value._field_defaults
        said = {name: entry for name, entry in value._asdict().items() if not _same(entry, defaults, name)}
        return {name: spelt(entry) for name, entry in said.items()}
    if isinstance(value, Mapping):
        return {name: spelt(entry) for name, entry in value.items()}
    return [spelt(entry) for entry in value] if isinstance(value, list | tuple) else value


def _same(value: Any, defaults: Mapping[str, Any], name: str) -> bool:
    """Whether a field is at its default; 1, 1.0 and true are three things."""
    return name in defaults and type(value) is type(defaults[name]) and bool(value == defaults[name])


def read(value: Any, hint: Any, place: str) -> Any:
    """What `spelt` made of a value that is annotated so.

    Args:
        value: from JSON.
        hint: its annotation.
        place: what errors call it.

    Raises:
        MisfitError: it is something else.
        UsageError: a loss that is not known.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _one_of(value, inner, place)
    if origin is Literal and value in inner:
        return value
    if hint is BoundLoss and isinstance(value, str):
        return bind(value, {})
    if isinstance(hint, type) and hasattr(hint, "_fields") and hint is not BoundLoss and isinstance(value, dict):
        return read_record(value, hint, place)
    if origin is tuple and isinstance(value, list):
        return _read_tuple(value, inner, place)
    if origin in (dict, Mapping) and isinstance(value, dict):
        return {name: read(entry, inner[1], f"{place}.{name}") for name, entry in value.items()}
    return _read_scalar(value, hint, place)


def read_record(said: Mapping[str, Any], kind: Any, place: str) -> Any:
    """A record of a kind from its fields; what is not said is at its default.

    Raises:
        MisfitError: a field that the kind lacks, one that it needs, or a value of another kind.
    """
    unknown = next((name for name in said if name not in kind._fields), None)
    if unknown is not None:
        raise MisfitError(f"{place} has {unknown!r}, which this lossctl does not know")
    missing = next((name for name in kind._fields if name not in said and name not in kind._field_defaults), None)
    if missing is not None:
        raise MisfitError(f"{place} has no {missing!r}")
    hints = hints_of(kind)
    return kind(**{name: read(entry, hints[name], f"{place}.{name}") for name, entry in said.items()})


@cache
def hints_of(kind: Any) -> dict[str, Any]:
    """The annotations of a record's fields, with what is imported for type checkers alone."""
    from lossctl.catalogue.naming import OnEmpty
    from lossctl.readers.join import Join
    from lossctl.readers.source import Source

    return get_type_hints(kind, localns={"OnEmpty": OnEmpty, "Join": Join, "Source": Source})


def _one_of(value: Any, kinds: tuple[Any, ...], place: str) -> Any:
    """By the kind that is the value's own, else by the first that takes it."""
    if value is None and NoneType in kinds:
        return None
    problem = None
    for kind in sorted(kinds, key=lambda kind: kind is not type(value)):
        try:
            return read(value, kind, place)
        except (MisfitError, UsageError) as error:
            problem = problem or error
    raise problem or _misfit(value, place)


def _read_tuple(value: list[Any], inner: tuple[Any, ...], place: str) -> tuple[Any, ...]:
    kinds = inner[:1] * len(value) if inner[1:] == (Ellipsis,) else inner
    if len(kinds) != len(value):
        raise MisfitError(f"{place} has {len(value)} entries, expected {len(kinds)}")
    return tuple(read(entry, kind, f"{place}[{i}]") for i, (entry, kind) in enumerate(zip(value, kinds, strict=True)))


def _read_scalar(value: Any, hint: Any, place: str) -> Any:
    if hint is float and (value in NOT_FINITE if isinstance(value, str) else type(value) is int):
        return float(value)
    if hint is Any or (hint in (str, int, float, bool) and type(value) is hint):
        return value
    raise _misfit(value, place)


def _misfit(value: Any, place: str) -> MisfitError:
    shown = repr(value)
    return MisfitError(f"{place} cannot be {shown if len(shown) < 60 else shown[:56] + ' ...'}")
