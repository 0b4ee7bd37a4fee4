"""A task measured: every tool in turns, values compared, medians set against each other."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

from tests.bench.processes import Reader, Series, run, take_turns
from tests.bench.tasks import FLOOR, ONE, OURS, PEERS, Task

# how far a tool's loss may be from lossctl's, relative to it; torch computes most of them in float32
AGREES, AGREES_IN_FLOAT32 = 1e-5, 1e-4


@dataclass(frozen=True, slots=True)
class Tool:
    """Who takes part: the Python that runs it, and its versions, or why it cannot run."""

    python: str
    versions: dict[str, str]
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Ratio:
    """lossctl's median over another tool's, of the same rounds; the quartiles are of the rounds' own ratios."""

    other: str
    value: float
    quartiles: tuple[float, float]
    at_most: float | None

    @property
    def kept(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        return None if self.at_most is None else self.value <= self.at_most


@dataclass(frozen=True, slots=True)
class Measured:
    """A task's runs by tool, and what is wrong with them."""

    task: Task
    series: dict[str, Series]
    complaints: dict[str, str]

    def complete(self, name: str) -> bool:
        """Whether a tool ran in all rounds, and was right."""
        return name in self.series and name not in self.complaints

    @property
    def against_peer(self) -> Ratio | None:
        """The ratio to the fastest of the peers that ran."""
        peers = [name for name in PEERS if self.complete(name)]
        if not peers:
            return None
        return self.against(min(peers, key=lambda name: self.series[name].median), self.task.at_most_peer)

    @property
    def against_floor(self) -> Ratio | None:
        """The ratio to decoding alone."""
        return self.against(FLOOR, self.task.at_most_floor)

    @property
    def against_one(self) -> Ratio | None:
        """The ratio to the first loss alone."""
        return self.against(ONE, None)

    def against(self, other: str, at_most: float | None) -> Ratio | None:
        """The ratio to one tool; None if either of the two did not run."""
        if not (self.complete(OURS) and self.complete(other)):
            return None
        ours, theirs = self.series[OURS], self.series[other]
        rounds = [a / b for a, b in zip(ours.seconds, theirs.seconds, strict=True)]
        return Ratio(other, ours.median / theirs.median, quartiles(rounds), at_most)


def quartiles(numbers: Sequence[float]) -> tuple[float, float]:
    """The first and the third."""
    if len(numbers) == 1:
        return numbers[0], numbers[0]
    low, _, high = quantiles(numbers, n=4, method="inclusive")
    return low, high


def present(names: Sequence[str], peer_python: str) -> dict[str, Tool]:
    """Tools by name, each asked for its versions in a process of its own."""
    # the floor is what lossctl's own libraries take to decode
    return {name: _asked(name, sys.executable if name == FLOOR else peer_python) for name in names}


def _asked(name: str, python: str) -> Tool:
    ended = run([python, "-m", "tests.bench.peers", "--versions", name])
    if ended.code:
        return Tool(python, {}, (ended.err.strip().splitlines() or [f"exit code {ended.code}"])[-1])
    try:
        return Tool(python, json.loads(ended.out))
    except ValueError:
        return Tool(python, {}, "no versions said")


def measure(task: Task, folder: Path, tools: Mapping[str, Tool], rounds: int) -> Measured:
    """Run lossctl and those of the tools that are there and know the task."""
    program = [sys.executable, "-m", "lossctl", "eval"]
    commands: dict[str, tuple[Sequence[str], Reader]] = {OURS: ([*program, *task.ours(folder)], _ours)}
    if ONE in task.tools:
        commands[ONE] = ([*program, *task.ours(folder, first_alone=True)], _ours)
    for name, tool in tools.items():
        if name in task.tools and tool.missing is None:
            peer = [tool.python, "-m", "tests.bench.peers", str(folder), name, task.name]
            commands[name] = (peer, _rows_alone if name == FLOOR else _number)
    series = take_turns(commands, rounds)
    return Measured(task, series, dict(complaints(series)))


def _ours(out: str) -> tuple[float, int]:
    document: dict[str, Any] = json.loads(out)
    return float(document["results"][0]["value"]), int(document["rows"]["read"])


def _number(out: str) -> tuple[float, None]:
    return float(out), None


def _rows_alone(out: str) -> tuple[None, int]:
    return None, int(out)


def complaints(series: Mapping[str, Series]) -> Iterator[tuple[str, str]]:
    """What is wrong by tool: it failed, or differs from lossctl."""
    yield from ((name, f"{name} failed with {one.failure}") for name, one in series.items() if one.failure)
    ours = series[OURS]
    if ours.failure:
        return
    right = ours.values[0]
    for name, one in series.items():
        if one.failure:
            continue
        allowed = 0.0 if name in (OURS, ONE) else AGREES_IN_FLOAT32 if name == "torch" else AGREES
        # a NaN agrees with nothing
        if wrong := [value for value in one.values if not abs(value - right) <= allowed * abs(right)]:
            yield name, f"{name} says {wrong[0]!r} where lossctl says {right!r}"
        elif one.rows not in (None, ours.rows):
            yield name, f"{name} reads {one.rows:,} rows where lossctl reads {ours.rows:,}"
