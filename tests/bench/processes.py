"""Processes run to their end one after the other: seconds, peak memory, output; and several of them in turns.

Light on purpose: a child's peak memory begins at what its parent held when it started it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
# ru_maxrss is in kB, and in bytes on a Mac
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that came to its end."""

    seconds: float
    peak_bytes: int
    code: int
    out: str
    err: str


@dataclass(slots=True)
class Series:
    """One tool's runs of a task; `failure` is why there are no more of them."""

    seconds: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    rows: int | None = None
    failure: str | None = None

    @property
    def median(self) -> float:
        """The seconds of a run in the middle."""
        return median(self.seconds)


# how a tool's output tells its value and, if it says so, its rows
Reader = Callable[[str], tuple[float | None, int | None]]


def run(command: Sequence[str]) -> Ended:
    """Run a process from the project's root; the clock runs until it has ended."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - start
        # it is reaped already: subprocess must not look for it again
        process.returncode = os.waitstatus_to_exitcode(status)
        said = [_whole(file.fileno()) for file in (out, err)]
    return Ended(seconds, used.ru_maxrss * PEAK_UNIT, process.returncode, *said)


def _whole(number: int) -> str:
    os.lseek(number, 0, os.SEEK_SET)
    with os.fdopen(os.dup(number), "rb") as file:
        return file.read().decode(errors="replace")


def take_turns(commands: Mapping[str, tuple[Sequence[str], Reader]], rounds: int) -> dict[str, Series]:
    """Run all commands once a round, each round in another order; round 0 warms up and is not counted."""
    series = {name: Series() for name in commands}
    for turn in range(rounds + 1):
        for name in shuffled(list(commands), turn):
            if series[name].failure is None:
                _add(series[name], *commands[name], counted=turn > 0)
    return series


def shuffled(names: list[str], turn: int) -> list[str]:
    """The same names in this turn's order, so that none always runs in the wake of the same other."""
    return Random(turn).sample(names, len(names))


def _add(series: Series, command: Sequence[str], read: Reader, counted: bool) -> None:
    ended = run(command)
    if ended.code:
        series.failure = f"exit code {ended.code}: {(ended.err.strip().splitlines() or ['nothing said'])[-1]}"
        return
    try:
        value, series.rows = read(ended.out)
    except (ValueError, LookupError, TypeError) as error:
        series.failure = f"its output has no value ({error})"
        return
    if value is not None:
        series.values.append(value)
    if counted:
        series.seconds.append(ended.seconds)
        series.peak_bytes.append(ended.peak_bytes)
