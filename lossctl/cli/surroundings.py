"""What the command line takes from its surroundings: folders, the terminal, the standard streams."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer


def say(text: str) -> None:
    """A line on stderr."""
    typer.echo(text, err=True)


def cache_folder() -> Path:
    """Where this user's compiled kernels may be kept, besides the package's own folder."""
    named = os.environ.get("LOSSCTL_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "lossctl"


def colored(choice: bool | None) -> bool:
    """Whether stdout takes colour."""
    if choice is not None:
        return choice
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def width() -> int | None:
    """The terminal's columns; None where stdout is no terminal, so that nothing is cut."""
    if not sys.stdout.isatty():
        return None
    try:
        return int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        return os.get_terminal_size(sys.stdout.fileno()).columns or None


def prepare_kernels(quiet: bool) -> None:
    """Tell the machine where compiled kernels may be kept and how to announce a wait."""
    from lossctl.kernels.machine import configure

    def notice(text: str) -> None:
        if not quiet:
            say(f"lossctl: {text}")

    try:
        folders = [cache_folder()]
    except RuntimeError:  # no home folder
        folders = []
    configure(folders, notice)
