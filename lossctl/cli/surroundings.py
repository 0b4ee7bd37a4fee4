"""What the command line takes from its surroundings: the terminal, the standard streams."""

from __future__ import annotations

import os
import sys

from lossctl.api.surroundings import configure


def say(text: str) -> None:
    """A line on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


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
    """Have a wait for the compiler announced."""
    configure(lambda text: None if quiet else say(f"lossctl: {text}"))
