"""The whole program as typer has it: commands, help, completion, and what it says of mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from lossctl import __version__
from lossctl.cli.compare import compare_command
from lossctl.cli.eval import eval_command
from lossctl.cli.evidence import merge_command, verify_command
from lossctl.cli.flag import spoken
from lossctl.cli.flags import with_loss_options
from lossctl.cli.inspect import inspect_command
from lossctl.cli.kernels import cache_command, warm_command
from lossctl.cli.losses import losses_command
from lossctl.cli.surroundings import say
from lossctl.cli.total import run_command, total_command

HELP = """Judge a file of predictions: exact losses from CSV, Parquet or NPY.

\b
  lossctl eval preds.parquet --loss categorical_crossentropy
  lossctl eval preds.csv -y label -p 'p_*' --loss sparse_categorical_crossentropy --json
  lossctl eval -y y.npy -p logits.npy --loss sparse_categorical_crossentropy --from-logits
  zcat preds.csv.gz | lossctl eval - --loss huber --delta 2 --value-only
  lossctl compare base.parquet new.parquet --id id --loss binary_crossentropy
  lossctl total objective.toml preds.parquet
  lossctl verify result.json
  lossctl losses huber
"""
INTERRUPTED = 130
SETTINGS = {"help_option_names": ["-h", "--help"]}


def program(words: Sequence[str] | None = None) -> typer.Typer:
    """The program.

    Args:
        words: what is asked on the command line, so that only what it needs is made; None makes all.
    """
    app = typer.Typer(
        name="lossctl",
        help=HELP,
        context_settings=SETTINGS,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback(invoke_without_command=True)(start)
    app.command("eval", context_settings=SETTINGS)(with_loss_options(eval_command, words))
    app.command("compare", context_settings=SETTINGS)(with_loss_options(compare_command, words))
    app.command("total", context_settings=SETTINGS)(spoken(total_command))
    app.command("run", context_settings=SETTINGS)(spoken(run_command))
    app.command("losses", context_settings=SETTINGS)(spoken(losses_command))
    app.command("verify", context_settings=SETTINGS)(spoken(verify_command))
    app.command("merge", context_settings=SETTINGS)(spoken(merge_command))
    app.command("inspect", context_settings=SETTINGS)(spoken(inspect_command))
    app.command("warm", context_settings=SETTINGS)(spoken(warm_command))
    app.command("cache", context_settings=SETTINGS)(spoken(cache_command))
    return app


def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", "-V", help="Show the version and exit.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback with an error.")] = False,
) -> None:
    """Handle what stands before the command."""
    if version:
        typer.echo(f"lossctl {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def explained(error: Exception) -> int | None:
    """Say an error of typer's in one line; the exit code, None where it is none of typer's."""
    if isinstance(error, typer.Exit):
        return int(error.exit_code)
    if isinstance(error, typer.Abort):
        return INTERRUPTED
    if hasattr(error, "format_message"):
        say(f"lossctl: {error.format_message()}")
        return 2
    return None
