"""What all tests share: the program as a subprocess, and its result as data."""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import settings

from tests.zygote import Zygote

# `--hypothesis-profile thorough` draws 10,000 rows a loss
settings.register_profile("quick", max_examples=2, deadline=None, derandomize=True, database=None)
settings.register_profile("thorough", max_examples=100, deadline=None, database=None)
settings.load_profile("quick")
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples"


def started(*args: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """The real program, started as its users start it."""
    command = [sys.executable, "-m", "lossctl", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)


def program(
    *args: object, input: str | None = None, stdin: IO[Any] | None = None, **more: Any
) -> subprocess.CompletedProcess[str]:
    """The real program, in a process of its own in which what every run imports is there: see `Zygote.run`."""
    with contextlib.nullcontext(stdin) if input is None else _piped(input) as source:
        done = _zygote().run(*args, stdin=source, **more)
    return subprocess.CompletedProcess(["lossctl", *map(str, args)], done.code, done.stdout, done.stderr)


@cache
def _zygote() -> Zygote:
    made = Zygote()
    atexit.register(made.close)
    return made


@contextlib.contextmanager
def _piped(text: str) -> Iterator[IO[bytes]]:
    """The end of a pipe through which a text comes."""
    end, start = os.pipe()

    def write() -> None:
        with contextlib.suppress(BrokenPipeError), open(start, "w", encoding="utf-8") as file:
            file.write(text)

    writing = threading.Thread(target=write)
    writing.start()
    try:
        with open(end, "rb") as file:
            yield file
    finally:
        writing.join()


@cache
def whole_program() -> Any:
    """The program as this process calls it, made once: typer would make its commands anew at each call."""
    from typer.main import get_command

    from lossctl.cli.program import program

    return get_command(program())


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
