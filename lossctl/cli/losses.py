"""`lossctl losses`: what there is, and a page for each."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lossctl.api.catalogue import losses
from lossctl.cli import words as w
from lossctl.cli.flags import complete_losses
from lossctl.cli.surroundings import colored, width
from lossctl.errors import UsageError


def losses_command(
    name: Annotated[str | None, typer.Argument(help="A loss, for its page.", autocompletion=complete_losses)] = None,
    preset: Annotated[
        str | None, typer.Option("--preset", metavar="FRAMEWORK", help="The losses that a framework names.")
    ] = None,
    like: Annotated[
        str | None,
        typer.Option("--like", metavar="NAME", help="All that share a name or formula, and what tells them apart."),
    ] = None,
    functions: w.Functions = None,  # run before, by `main`
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    reference: Annotated[
        bool, typer.Option("--reference", help="Every loss and every framework's name, as Markdown.")
    ] = False,
) -> None:
    """List the losses, or show one's formula, columns, options and source.

    \b
      lossctl losses
      lossctl losses huber
      lossctl losses --preset torch
      lossctl losses --like huber
    """
    if reference:
        if name or preset or like:
            raise UsageError("--reference is the page of all losses; ask for nothing else beside it")
        from lossctl.show.reference import reference as page

        sys.stdout.write(page())
        return
    from lossctl.show import catalogue

    chosen = losses(name, preset=preset, like=like)
    if json:
        sys.stdout.write(catalogue.as_json(chosen, one=name is not None))
    elif name is not None:
        sys.stdout.write(catalogue.page(chosen[0]))
    elif preset or like:
        sys.stdout.write(catalogue.comparison(chosen, width(), colored(None)))
    else:
        declared = [loss for loss in chosen if loss.framework is None]
        sys.stdout.write(catalogue.table(declared, width(), colored(None)))
        sys.stdout.write(catalogue.presets_line())
