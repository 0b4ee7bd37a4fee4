"""Where lossctl's time goes: its imports as Python counts them, and what it tells with `--timings` if it has that."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.processes import run
from tests.bench.tasks import Task

IMPORTED = re.compile(r"^import time:\s+(\d+) \|\s+\d+ \| +(\S+)$", re.MULTILINE)
TOLD = re.compile(r"^\s*([a-z][a-z_ ]*?)\s+(\d+(?:\.\d+)?(?:e[-+]?\d+)?)(?: s)?$", re.MULTILINE)
# the last module of the interpreter's own start, and the one whose end is main's beginning
STARTED, MAIN = "site", "lossctl.cli.main"
MICROSECOND = 1e-6


class PhaseError(Exception):
    """A run whose phases were asked for failed."""


@dataclass(frozen=True, slots=True)
class Phases:
    """Seconds of one task; `told` is what `--timings` said, empty where lossctl has no such flag."""

    task: str
    whole: float
    interpreter: float
    until_main: float
    later: float
    told: dict[str, float]


def tells_timings() -> bool:
    """Whether lossctl has the flag."""
    return "--timings" in run([sys.executable, "-m", "lossctl", "eval", "--help"]).out


def phases(task: Task, folder: Path, rounds: int, timings: bool) -> Phases:
    """Medians over the rounds, each of a plain run, one that counts imports, and one that tells its phases."""
    arguments = ["-m", "lossctl", "eval", *task.ours(folder)]
    _run(arguments)
    whole, imports, told = [], [], []
    for _ in range(rounds):
        whole.append(_run(arguments)[0])
        imports.append(split_imports(_run(["-X", "importtime", *arguments])[1]))
        if timings:
            told.append(read_timings(_run([*arguments, "--timings"])[1]))
    names = dict.fromkeys(name for one in told for name in one)
    interpreter, until_main, later = (median(column) for column in zip(*imports, strict=True))
    medians = {name: median(one.get(name, 0.0) for one in told) for name in names}
    return Phases(task.name, median(whole), interpreter, until_main, later, medians)


def _run(arguments: Sequence[str]) -> tuple[float, str]:
    ended = run([sys.executable, *arguments])
    if ended.code:
        raise PhaseError((ended.err.strip().splitlines() or [f"exit code {ended.code}"])[-1])
    return ended.seconds, ended.err


def split_imports(err: str) -> tuple[float, float, float]:
    """Seconds of imports by the interpreter itself, until main begins, and after that."""
    spent = [0, 0, 0]
    place = 0
    for own, name in IMPORTED.findall(err):
        spent[place] += int(own)
        if name == (STARTED, MAIN, None)[place]:
            place += 1
    return spent[0] * MICROSECOND, spent[1] * MICROSECOND, spent[2] * MICROSECOND


def read_timings(err: str) -> dict[str, float]:
    """The lines `name seconds` of what was said on stderr."""
    return {name: float(seconds) for name, seconds in TOLD.findall(err)}
