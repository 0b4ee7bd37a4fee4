"""`lossctl losses`: what there is, and a page for each."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lossctl.catalogue.declare import Loss
from lossctl.catalogue.own import load_packages
from lossctl.catalogue.registry import all_losses, find, frameworks, named_losses
from lossctl.cli import words as w
from lossctl.cli.flags import complete_losses
from lossctl.cli.surroundings import colored, width
from lossctl.errors import UsageError, nearest


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
    if sum(given is not None for given in (name, preset, like, reference or None)) > 1:
        raise UsageError("a NAME, --preset, --like and --reference each ask for another list")
    if reference:
        from lossctl.show.reference import reference as page

        sys.stdout.write(page())
        return
    from lossctl.show import catalogue

    chosen = _chosen(name, preset, like)
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


def _chosen(name: str | None, preset: str | None, like: str | None) -> list[Loss]:
    if name is not None:
        return [find(name)]
    if like is not None:
        from lossctl.catalogue import kinship

        return kinship.like(like)
    if preset is None:
        load_packages()
        return [*all_losses(), *named_losses()]
    if preset not in frameworks():
        raise UsageError(f"--preset {preset}: there are {', '.join(frameworks())}{nearest(preset, frameworks())}")
    return named_losses(preset)
