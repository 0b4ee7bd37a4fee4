"""The program: commands, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer

from lossctl import __version__, timing
from lossctl.catalogue.own import load_functions
from lossctl.cli.eval import eval_command
from lossctl.cli.flags import given, with_loss_options
from lossctl.cli.inspect import inspect_command
from lossctl.cli.kernels import cache_command, warm_command
from lossctl.cli.losses import losses_command
from lossctl.cli.surroundings import say
from lossctl.cli.total import run_command, total_command
from lossctl.errors import LossctlError

INTERRUPTED = 130
HELP = """Judge a file of predictions: exact losses from CSV, Parquet or NPY.

\b
  lossctl eval preds.parquet --loss categorical_crossentropy
  lossctl eval preds.csv -y label -p 'p_*' --loss sparse_categorical_crossentropy --json
  lossctl eval -y y.npy -p logits.npy --loss sparse_categorical_crossentropy --from-logits
  zcat preds.csv.gz | lossctl eval - --loss huber --delta 2 --value-only
  lossctl total objective.toml preds.parquet
  lossctl losses huber
"""
# what a call may start with that needs no loss's flags
WITHOUT_FLAGS = ("losses", "inspect", "total", "run", "warm", "cache", "--help", "-h", "--version", "-V")
COMPLETING = "_LOSSCTL_COMPLETE" in os.environ
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
    app.command("total", context_settings=SETTINGS)(total_command)
    app.command("run", context_settings=SETTINGS)(run_command)
    app.command("losses", context_settings=SETTINGS)(losses_command)
    app.command("inspect", context_settings=SETTINGS)(inspect_command)
    app.command("warm", context_settings=SETTINGS)(warm_command)
    app.command("cache", context_settings=SETTINGS)(cache_command)
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


def main() -> None:
    """Run the program and end the process with its exit code."""
    timing.ended("start")
    # imports make many objects and no garbage: the collector would look at them all, over and over
    gc.set_threshold(100_000, 50, 100)
    debug = "--debug" in sys.argv[1:]
    sys.argv[1:] = [word for word in sys.argv[1:] if word != "--debug"]
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        code = _run()
        sys.stdout.flush()
    except BrokenPipeError:
        # whoever read has left: nothing more to say, also not at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        if debug:
            raise
        code = _explain(error)
    _leave(code)


def _leave(code: int) -> NoReturn:
    """End the process at once: taking down the interpreter and its libraries costs a tenth of a small run."""
    try:
        sys.stderr.flush()
    finally:
        os._exit(code)


def _run() -> int:
    for place in given(sys.argv[1:], "--functions"):
        load_functions(place)
    elsewhere = sys.argv[1:2] in ([], *([word] for word in WITHOUT_FLAGS))
    code: Any = program(None if COMPLETING else [] if elsewhere else sys.argv[1:])(standalone_mode=False)
    return code if isinstance(code, int) else 0


def _explain(error: Exception) -> int:
    """Say an error in one line; the exit code."""
    if isinstance(error, LossctlError):
        say(f"lossctl: {error}")
        return error.exit_code
    if isinstance(error, typer.Exit):
        return int(error.exit_code)
    if isinstance(error, typer.Abort):
        return INTERRUPTED
    if hasattr(error, "format_message"):
        say(f"lossctl: {error.format_message()}")
        return 2
    if isinstance(error, OSError):
        say(f"lossctl: {error.strerror or error}")
        return 2
    say(f"lossctl: internal error ({type(error).__name__}); --debug shows where")
    return 2
