"""Flags that follow from the catalogue: one for each option name that some loss declares."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

from lossctl.catalogue.declare import Option, Value
from lossctl.catalogue.registry import all_losses, find, named_losses, names
from lossctl.cli.flag import Command, flag_of, spoken
from lossctl.errors import UsageError

# options of a loss that are flags of every call
GENERAL = ("class_weights", "weight", "ignore_index")


def loss_options() -> dict[str, list[tuple[str, Option]]]:
    """Option name to the losses that have it."""
    found: dict[str, list[tuple[str, Option]]] = {}
    for loss in [*all_losses(), *named_losses()]:
        for option in (o for o in loss.options if not o.param.internal and o.name not in GENERAL):
            found.setdefault(option.name, []).append((loss.name, option))
    return found


def with_loss_options(command: Command, words: Sequence[str] | None) -> Command:
    """The command with a flag for each loss option; those given reach it as the dict `options`.

    Args:
        words: what is asked on the command line: where no flag in it is a loss's, none is made, since to make them
            every loss is read; None makes them all.
    """
    signature = inspect.signature(command, eval_str=True)
    taken = _taken(signature)
    offered = loss_options() if words is None or _beyond(words, taken) else {}
    # what is a flag of the call already is said in the loss's name alone, as in mine:labels=2
    free = {n: having for n, having in offered.items() if not {f"--{n.replace('_', '-')}", having[0][1].flag} & taken}
    flags = {name: _parameter(name, having) for name, having in free.items()}

    def wrapped(**given: Any) -> int | None:
        said = {name: given.pop(name) for name in flags}
        options = {name: _value(name, text) for name, text in said.items() if text is not None}
        return command(**given, options=options)

    wrapped.__doc__, wrapped.__signature__ = command.__doc__, signature  # type: ignore[attr-defined]
    return spoken(wrapped, list(flags.values()), without="options")


def _beyond(words: Sequence[str], taken: set[str]) -> bool:
    """Whether there is a flag among some words that the command does not have by itself; --help asks for all."""
    said = {word.partition("=")[0] for word in words}
    return any(word == "-h" or (word.startswith("--") and word not in {*taken, "--"}) for word in said)


def _taken(signature: inspect.Signature) -> set[str]:
    """The flags that the command has by itself, save --help."""
    taken: set[str] = set()
    for parameter in signature.parameters.values():
        declared = flag_of(parameter)
        if declared is not None:
            taken.update((f"--{parameter.name}", *(one for word in declared.names for one in word.split("/"))))
    return taken


def _parameter(name: str, having: list[tuple[str, Option]]) -> inspect.Parameter:
    """A flag of a loss's option, in typer's own words."""
    import typer

    option = having[0][1]
    many = f"{len(having)} losses" if len(having) > 4 else ", ".join(loss for loss, _ in having)
    ranges = "" if option.type is bool else f" ({option.range()})"
    text = f"{option.param.help[0].upper()}{option.param.help[1:]}{ranges}. Of {many}."
    if option.type is bool:
        declared = typer.Option(option.flag + "/--no-" + option.flag[2:], help=text, show_default=False)
        annotation: Any = Annotated[bool | None, declared]
    else:
        metavar = "NUMBER" if option.type in (int, float) else "TEXT"
        declared = typer.Option(option.flag, help=text, metavar=metavar, show_default=False)
        annotation = Annotated[str | None, declared]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _value(name: str, text: str | bool) -> Value:
    if isinstance(text, bool):
        return text
    problems = []
    for _, option in loss_options()[name]:
        try:
            return option.parse(text)
        except UsageError as error:
            problems.append(error)
    raise problems[0]


def complete_losses(incomplete: str) -> list[tuple[str, str]]:
    """Loss names that start so, each with its summary, for the shell's completion."""
    known = names()
    return [(name, find(own).summary) for name, own in known.items() if name.startswith(incomplete)]


def given(argv: list[str], flag: str) -> list[str]:
    """The values of a flag that has to be known before the others are: with a user's losses come their flags.

    >>> given(["eval", "--functions", "a.py", "--functions=b.py"], "--functions")
    ['a.py', 'b.py']
    """
    words = argv[: argv.index("--")] if "--" in argv else argv
    apart = [after for word, after in pairwise(words) if word == flag]
    return apart + [word.partition("=")[2] for word in words if word.startswith(f"{flag}=")]
