"""`lossctl inspect`: what a file holds and how eval would read it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lossctl.cli.surroundings import colored, width
from lossctl.errors import UsageError


def inspect_command(
    file: Annotated[str, typer.Argument(help="CSV, TSV, Parquet, NPZ or NPY.")],
    delimiter: Annotated[
        str | None, typer.Option("--delimiter", "-d", metavar="CHAR", help="The CSV's delimiter.")
    ] = None,
    no_header: Annotated[
        bool, typer.Option("--no-header", help="The CSV has no header; columns are c0, c1, ...")
    ] = False,
    null_value: Annotated[
        list[str] | None, typer.Option("--null-value", metavar="TEXT", help="A CSV text that means no value.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show a file's columns, nulls and ranges, and the roles that eval would choose.

    \b
      lossctl inspect preds.parquet
    """
    if file == "-":
        raise UsageError("inspect reads a file, not stdin")

    from lossctl.evaluation.survey import survey
    from lossctl.readers.places import ReadSettings, open_source
    from lossctl.show.survey import as_json, as_text

    settings = ReadSettings(delimiter=delimiter, header=not no_header, null_values=tuple(null_value or ()))
    found = survey(open_source(file, settings))
    sys.stdout.write(as_json(found) if json else as_text(found, width(), colored(None)))
