"""`lossctl losses`: what there is, and a page for each."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lossctl.catalogue.registry import all_losses, find
from lossctl.cli.flags import complete_losses
from lossctl.cli.surroundings import colored, width
from lossctl.show import catalogue


def losses_command(
    name: Annotated[str | None, typer.Argument(help="A loss, for its page.", autocompletion=complete_losses)] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the losses, or show one's formula, columns, options and source.

    \b
      lossctl losses
      lossctl losses huber
    """
    chosen = all_losses() if name is None else [find(name)]
    if json:
        sys.stdout.write(catalogue.as_json(chosen, one=name is not None))
    elif name is None:
        sys.stdout.write(catalogue.table(chosen, width(), colored(None)))
    else:
        sys.stdout.write(catalogue.page(chosen[0]))
