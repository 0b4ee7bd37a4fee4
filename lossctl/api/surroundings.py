"""What the API takes from its surroundings: where compiled kernels are kept, and who hears of a wait."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path


def cache_folder() -> Path | None:
    """Where this user's compiled kernels may be kept, besides the package's own folder; None without a home."""
    named = os.environ.get("LOSSCTL_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path("~/.cache").expanduser()) / "lossctl"
    except RuntimeError:
        return None


def configure(notice: Callable[[str], None]) -> None:
    """Tell the machine where compiled kernels may be kept and how to announce a wait."""
    from lossctl.kernels import machine

    folder = cache_folder()
    machine.configure([folder] if folder else [], notice)


@cache
def ready() -> None:
    """The kernels' surroundings, once: a wait is told to the logger `lossctl`, unless the call said otherwise."""
    from lossctl.kernels import machine

    if not machine.configured():
        import logging

        configure(logging.getLogger("lossctl").info)
