"""The simulation itself: what it draws has the means it says, and its counts tell good intervals from bad."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lossctl.inference import student
from lossctl.inference.interval import t_interval
from tests.simulation.coverage import DESIGNS, PAIRS, Design, Drawn, coverage, generators, rejections

ids = [design.name for design in DESIGNS]


def linearised(
    losses: np.ndarray, weights: np.ndarray | None, clusters: np.ndarray | None, level: float
) -> tuple[float, float]:
    """The textbook's interval of a ratio mean, in numpy."""
    w = np.ones(len(losses)) if weights is None else weights
    mean = float(w @ losses / w.sum())
    parts = w * (losses - mean)
    if clusters is not None:
        parts = np.bincount(clusters, parts)
    n = len(parts)
    return t_interval(mean, math.sqrt(n / (n - 1) * float(parts @ parts)) / float(w.sum()), n - 1.0, level)


def paired_t(one: np.ndarray, two: np.ndarray) -> float:
    d = one - two
    return student.two_sided(float(d.mean() / d.std(ddof=1) * math.sqrt(len(d))), len(d) - 1.0)


@pytest.mark.parametrize("design", DESIGNS, ids=ids)
def test_a_design_has_the_mean_it_says(design: Design) -> None:
    sums = np.zeros(2)
    totals = []
    for rng in generators(design.name, 1, 400):
        losses, weights, _ = design.draw(rng)
        w = np.ones(len(losses)) if weights is None else weights
        sums += w @ losses, w.sum()
        totals.append(float(w @ (losses - design.mean)))
    error = np.std(totals, ddof=1) * math.sqrt(len(totals)) / sums[1]
    assert abs(sums[0] / sums[1] - design.mean) < 4 * error


@pytest.mark.parametrize("design", DESIGNS, ids=ids)
def test_a_sound_interval_covers(design: Design) -> None:
    counted = coverage(design, linearised, sets=400)
    assert 0.91 <= counted.share <= 0.985
    assert counted == coverage(design, linearised, sets=400)
    assert coverage(design, linearised, level=0.5, sets=400).share == pytest.approx(0.5, abs=0.1)


def test_an_unsound_one_does_not() -> None:
    clusters = next(design for design in DESIGNS if design.name == "clustered")
    alone = coverage(clusters, lambda losses, weights, _, level: linearised(losses, weights, None, level), sets=400)
    assert alone.share < 0.9
    assert coverage(clusters, lambda *_: (math.nan, math.nan), sets=10).hits == 0
    assert coverage(clusters, lambda *_: (-math.inf, math.inf), sets=10).share == 1.0


@pytest.mark.parametrize("pairs", PAIRS, ids=[pairs.name for pairs in PAIRS])
def test_a_paired_t_test_keeps_its_level(pairs: object) -> None:
    counted = rejections(pairs, paired_t, sets=800)  # type: ignore[arg-type]
    assert abs(counted.share - 0.05) < 4 * math.sqrt(0.05 * 0.95 / 800)
    assert counted.error == pytest.approx(math.sqrt(counted.share * (1 - counted.share) / 800))


def test_each_data_set_is_its_own() -> None:
    draws = [DESIGNS[0].draw(rng) for rng in generators("skewed", 0, 3)]
    assert len({float(drawn.losses[0]) for drawn in draws}) == 3
    again = next(generators("skewed", 0, 1))
    np.testing.assert_array_equal(DESIGNS[0].draw(again).losses, draws[0].losses)
    assert Drawn(np.zeros(1)).weights is None
