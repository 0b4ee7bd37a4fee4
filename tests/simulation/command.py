"""The simulation as a command: a table of what lossctl's intervals cover and its tests reject."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tests.simulation.coverage import (
    DESIGNS,
    HARDER,
    HARDER_SLICED,
    LEVEL,
    PAIRS,
    SETS,
    SLICED,
    Counted,
    Design,
    Pairs,
    Sliced,
    generators,
)
from tests.simulation.measured import intervals, of_slice, paired

ALPHA = 0.05
COVERS, REJECTS = (0.935, 0.965), (0.04, 0.06)
# sign and permutation tests ask for more than equal means
OF_MEANS = ("t", "bootstrap")


class Line(NamedTuple):
    """A line of the table.

    Attributes:
        counted: by design.
        method: of the interval or test.
        bounds: within which the share is to be; None where that is not asked.
        inside: False for one that must be outside, since the simulation has to tell.
    """

    counted: Counted
    method: str
    bounds: tuple[float, float] | None
    inside: bool = True

    @property
    def passed(self) -> bool:
        """Whether the share is where it is to be."""
        if self.bounds is None:
            return True
        low, high = self.bounds
        return (low <= self.counted.share <= high) is self.inside

    def __str__(self) -> str:
        low, high = self.bounds or (0.0, 0.0)
        asked = f"{100 * low:g} to {100 * high:g}" if self.inside else f"not {100 * low:g} to {100 * high:g}"
        verdict = "ok" if self.passed else "WRONG"
        told = f"{asked:18} {verdict}" if self.bounds else "(not judged)"
        share, error = 100 * self.counted.share, 100 * self.counted.error
        return f"{self.counted.name:39} {self.method:12} {share:6.2f} ± {error:4.2f}   {told}"


Judged = Callable[[str], tuple[float, float] | None]


def counted(name: str, hits: Iterable[Mapping[str, bool]], bounds: Judged, inside: bool = True) -> list[Line]:
    """What each method of a design hits, of all its data sets."""
    told = list(hits)
    return [
        Line(Counted(name, sum(one[method] for one in told), len(told)), method, bounds(method), inside)
        for method in told[0]
    ]


def covered(design: Design, sets: int, seed: int, alone: bool = False) -> Iterable[dict[str, bool]]:
    """By method whether the interval holds the mean, data set by data set; `alone` takes no note of clusters."""
    for number, rng in enumerate(generators(design.name, seed, sets)):
        drawn = design.draw(rng)
        found = intervals(drawn._replace(clusters=None) if alone else drawn, number)
        yield {method: low <= design.mean <= high for method, (low, high) in found.items()}


def covered_difference(design: Sliced, sets: int, seed: int) -> Iterable[dict[str, bool]]:
    """The same of the difference to the rest."""
    for rng in generators(design.name, seed, sets):
        found = of_slice(*design.draw(rng))
        yield {method: low <= design.difference <= high for method, (low, high) in found.items()}


def rejected(pairs: Pairs, sets: int, seed: int) -> Iterable[dict[str, bool]]:
    """By test whether it finds what is not there."""
    for number, rng in enumerate(generators(pairs.name, seed, sets)):
        yield {test: p <= ALPHA for test, p in paired(*pairs.draw(rng), number).items()}


def lines(sets: int, seed: int) -> Iterable[Line]:
    """The whole table."""

    def judged(method: str) -> tuple[float, float]:
        return COVERS

    def unjudged(method: str) -> None:
        return None

    for design in DESIGNS:
        yield from counted(design.name, covered(design, sets, seed), judged)
    for one in SLICED:
        yield from counted(f"{one.name}, difference", covered_difference(one, sets, seed), judged)
    for pairs in PAIRS:
        yield from counted(f"{pairs.name} pairs, level", rejected(pairs, sets, seed), _levels(pairs))
    clusters = next(design for design in DESIGNS if design.name == "clustered")
    yield from counted("clustered, as single rows", covered(clusters, sets, seed, alone=True), judged, inside=False)
    for design in HARDER:
        yield from counted(design.name, covered(design, sets, seed), unjudged)
    for one in HARDER_SLICED:
        yield from counted(f"{one.name}, difference", covered_difference(one, sets, seed), unjudged)


def _levels(pairs: Pairs) -> Judged:
    """What the tests of some pairs are to reject.

    An exact sign test of 400 pairs rejects 4.02 %, since wins are whole numbers and one more would be too many; so it
    is judged where ties make the number of pairs vary.
    """

    def bounds(test: str) -> tuple[float, float] | None:
        if (pairs.name == "lopsided" and test not in OF_MEANS) or (pairs.name == "exchangeable" and test == "sign"):
            return None
        return REJECTS

    return bounds


def main(argv: Sequence[str]) -> int:
    """Print the table; 1 where a share is not where it is to be, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--sets", type=int, default=SETS, help="data sets a design")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(argv)
    started, failed = time.perf_counter(), 0
    print(f"numpy {np.__version__}, {asked.sets} data sets a design, seed {asked.seed}, {100 * LEVEL:g} % intervals")
    print(f"{'design':39} {'method':12} {'covers or rejects, %':20} asked")
    for line in lines(asked.sets, asked.seed):
        failed += not line.passed
        print(line, flush=True)
    print(f"{failed} WRONG, {time.perf_counter() - started:.0f} s")
    return 1 if failed else 0
