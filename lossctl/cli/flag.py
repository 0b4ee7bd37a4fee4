"""A command's flags as plain data, from which typer's are made; and a reading of plain calls that needs no typer.

To import typer and have it build the program takes as long as all else that a small file needs. So a call that holds
only whole, well-formed flags is read here; whatever else there is - help, mistakes, completion, the flags of single
losses - is typer's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from enum import Enum
from functools import wraps
from typing import Annotated, Any, NamedTuple, get_args, get_origin

# what a command returns is the exit code, 0 for None
Command = Callable[..., int | None]


class Flag(NamedTuple):
    """A flag, or the arguments: its names ("--color/--no-color" for a pair), and what help says of it."""

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    show_default: bool = True
    min: int | None = None
    complete: Callable[[str], list[tuple[str, str]]] | None = None

    def of_typer(self) -> Any:
        """The same as typer has it."""
        import typer

        if not self.names:
            return typer.Argument(metavar=self.metavar, help=self.help, autocompletion=self.complete)
        more: dict[str, Any] = {"min": self.min} if self.min is not None else {}
        return typer.Option(
            *self.names,
            metavar=self.metavar,
            help=self.help,
            show_default=self.show_default,
            autocompletion=self.complete,
            **more,
        )


def flag(*names: str, help: str, **more: Any) -> Flag:
    """A flag of these names."""
    return Flag(names, help, **more)


def spoken(command: Command, further: Sequence[inspect.Parameter] = (), without: str = "") -> Command:
    """The command as typer takes it.

    Args:
        command: its parameters are annotated with Flags, or with what typer has.
        further: parameters in typer's own words that the command takes besides.
        without: a parameter that no flag fills.
    """
    signature = inspect.signature(command, eval_str=True)
    kept = [_with_typer(p) for p in signature.parameters.values() if p.name != without]

    @wraps(command)
    def wrapped(**given: Any) -> int | None:
        return command(**given)

    wrapped.__signature__ = signature.replace(parameters=[*kept, *further])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in (*kept, *further)}
    return wrapped


def _with_typer(parameter: inspect.Parameter) -> inspect.Parameter:
    declared = flag_of(parameter)
    if declared is None:
        return parameter
    return parameter.replace(annotation=Annotated[get_args(parameter.annotation)[0], declared.of_typer()])


def flag_of(parameter: inspect.Parameter) -> Flag | None:
    """The Flag that a parameter is annotated with."""
    if get_origin(parameter.annotation) is not Annotated:
        return None
    return next((entry for entry in parameter.annotation.__metadata__ if isinstance(entry, Flag)), None)


class _UnclearError(Exception):
    """The call is not one of plain flags."""


def plain_call(command: Command, words: Sequence[str]) -> dict[str, Any] | None:
    """The arguments of a command for a call that holds only whole, well-formed flags of its own; else None.

    Each flag stands by itself or with its value behind it or after `=`, once unless it may be repeated.
    """
    try:
        return _Reading(command).read(words)
    except _UnclearError:
        return None


class _Reading:
    def __init__(self, command: Command) -> None:
        parameters = inspect.signature(command, eval_str=True).parameters
        self.found: dict[str, Any] = {}
        self.kinds: dict[str, Any] = {}
        self.flags: dict[str, tuple[str, Flag, bool]] = {}
        self.arguments = ""
        for name, parameter in parameters.items():
            declared = flag_of(parameter)
            if declared is not None:
                self.kinds[name] = get_args(parameter.annotation)[0]
                self.arguments = name if not declared.names else self.arguments
                for one in declared.names:
                    for spelling, value in zip(one.split("/"), (True, False), strict=False):
                        self.flags[spelling] = name, declared, value

    def read(self, words: Sequence[str]) -> dict[str, Any]:
        left = list(words)
        while left:
            word = left.pop(0)
            if word == "-" or not word.startswith("-"):
                self._append(self.arguments, word)
                continue
            spelling, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
            if spelling not in self.flags:
                raise _UnclearError
            name, declared, on = self.flags[spelling]
            if bool in _kinds(self.kinds[name]):
                if equals or name in self.found:
                    raise _UnclearError
                self.found[name] = on
                continue
            if not equals:
                if not left or (left[0].startswith("-") and left[0] != "-"):
                    raise _UnclearError
                value = left.pop(0)
            self._take(name, declared, value)
        return self.found

    def _append(self, name: str, value: str) -> None:
        self.found.setdefault(name, []).append(value)

    def _take(self, name: str, declared: Flag, value: str) -> None:
        kinds = _kinds(self.kinds[name])
        if any(get_origin(kind) is list for kind in kinds):
            self._append(name, value)
            return
        if name in self.found:
            raise _UnclearError
        self.found[name] = _converted(kinds, declared, value)


def _kinds(kind: Any) -> tuple[Any, ...]:
    """The types that a parameter may have, save None."""
    members = get_args(kind) if get_origin(kind) is not list and get_args(kind) else (kind,)
    return tuple(member for member in members if member is not type(None))


def _converted(kinds: tuple[Any, ...], declared: Flag, value: str) -> Any:
    (kind,) = kinds
    if kind is str:
        return value
    try:
        made = kind(value)
    except ValueError:
        raise _UnclearError from None
    if not isinstance(made, Enum) and declared.min is not None and made < declared.min:
        raise _UnclearError
    return made
