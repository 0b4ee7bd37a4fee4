"""What all tests share: the program as a subprocess, and its result as data."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# `--hypothesis-profile thorough` draws 10,000 rows a loss
settings.register_profile("quick", max_examples=2, deadline=None, derandomize=True, database=None)
settings.register_profile("thorough", max_examples=100, deadline=None, database=None)
settings.load_profile("quick")
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples"


def program(*args: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """The real program, in a process of its own."""
    command = [sys.executable, "-m", "lossctl", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)


@cache
def whole_program() -> Any:
    """The program as this process calls it, made once."""
    from lossctl.cli.program import program

    return program()


def called(*args: object) -> str:
    """What the command line writes to stdout, called in this process; it must succeed."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(out):
        whole_program()(list(map(str, args)), standalone_mode=False)
        out.flush()
    return out.buffer.getvalue().decode()  # type: ignore[attr-defined]


@pytest.fixture
def lossctl() -> Callable[..., subprocess.CompletedProcess[str]]:
    return program


def answer(*args: object) -> dict[str, Any]:
    """The JSON document of an `eval` that must succeed."""
    done = program("eval", *args, "--json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture
def samples() -> Path:
    return SAMPLES
