"""`lossctl warm` and `lossctl cache`: the compiled kernels, made ahead, looked at and thrown away."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from lossctl.catalogue.registry import all_losses, named_losses
from lossctl.catalogue.spec import bind_all
from lossctl.cli import words as w
from lossctl.cli.flags import complete_losses
from lossctl.cli.surroundings import prepare_kernels, say
from lossctl.errors import UsageError


def warm_command(
    losses: Annotated[
        list[str] | None,
        typer.Argument(metavar="LOSS", help="As huber or scce:from_logits=true.", autocompletion=complete_losses),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every loss, the frameworks' names too.")] = False,
    functions: w.Functions = None,  # run before, by `main`
    quiet: w.Quiet = False,
) -> None:
    """Compile kernels ahead, so that no evaluation waits for them; those that are kept already cost nothing.

    \b
      lossctl warm
      lossctl warm binary_crossentropy huber
      lossctl warm --all

    Without a loss, what all evaluations share.
    """
    if every and losses:
        raise UsageError("--all takes every loss; name none beside it")
    named = [loss.name for loss in [*all_losses(), *named_losses()]] if every else losses or []
    bound = bind_all(named, {})
    from lossctl.evaluation.warm import kernels_of, shared

    prepare_kernels(quiet=True)
    makings = {**shared(), **kernels_of(bound)}
    _made(makings, quiet)
    if not quiet:
        say(f"{len(makings):,} kernels are ready")


def _made(makings: dict[str, Callable[[], object]], quiet: bool) -> None:
    """Make them, with a bar on a terminal."""
    if quiet or not sys.stderr.isatty():
        for make in makings.values():
            make()
        return
    from rich.console import Console
    from rich.progress import track

    for make in track(makings.values(), "compiling", console=Console(stderr=True), transient=True):
        make()


def cache_command(
    clear: Annotated[bool, typer.Option("--clear", help="Throw all kept kernels away.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show where compiled kernels are kept and how much room they take.

    \b
      lossctl cache
      lossctl cache --clear
    """
    from lossctl.kernels.machine import machine
    from lossctl.show.machine import json_text

    prepare_kernels(quiet=True)
    store = machine().store
    found = store.contents()
    if clear:
        store.clear()
    if json:
        folders = [{"folder": str(folder), "kernels": count, "bytes": size} for folder, count, size in found]
        sys.stdout.write(json_text({"schema_version": 1, "cleared": clear, "folders": folders}, indent=2) + "\n")
        return
    for folder, count, size in found:
        done = "thrown away: " if clear else ""
        sys.stdout.write(f"{folder}: {done}{count:,} kernels, {size / 1e6:,.1f} MB\n")
