"""What all tests share: the program as a subprocess, and its result as data."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples"


def program(*args: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """The real program, in a process of its own."""
    command = [sys.executable, "-m", "lossctl", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)


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
