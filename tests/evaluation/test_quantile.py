"""Exact quantiles in few passes: of any values, weighted or not, however they are cut into units and blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossctl.evaluation import quantile
from lossctl.evaluation.executors import executor_for
from lossctl.evaluation.quantile import exact_quantiles, losses_of
from lossctl.evaluation.run import prepare
from tests.evaluating import request_for, rows_of

LEVELS = (0.0, 0.1, 0.25, 0.5, 0.7, 0.99, 1.0)
finite = st.floats(allow_nan=False, allow_infinity=False)


def true_quantile(values: np.ndarray, weights: np.ndarray, level: float) -> float:
    order = np.argsort(values, kind="stable")
    reached, whole = Fraction(0), sum(map(Fraction, weights.tolist()), Fraction(0))
    for place in order.tolist():
        reached += Fraction(float(weights[place]))
        if reached and reached >= Fraction(repr(level)) * whole:
            return float(values[place])
    raise AssertionError


class Passes:
    """Runs over pieces of arrays, and counts how often."""

    def __init__(self, pieces: int) -> None:
        self.pieces, self.made = pieces, 0

    def __call__(self, work: Callable[[Any, Any], Any]) -> Iterator[Any]:
        self.made += 1
        return (work(None, place) for place in range(self.pieces))


def pairs(_: Any, unit: Any, values: np.ndarray, weights: np.ndarray | None, pieces: int) -> Iterator[Any]:
    for k in range(unit, 3 * pieces, pieces):
        mine = slice(k, None, 3 * pieces)
        yield values[mine], None if weights is None else weights[mine]


def found(values: np.ndarray, weights: np.ndarray | None, pieces: int = 2) -> tuple[tuple[float, ...], int]:
    run = Passes(pieces)
    got = exact_quantiles(run, partial(pairs, values=values, weights=weights, pieces=pieces), LEVELS)
    return got, run.made


@given(st.lists(finite, min_size=1, max_size=50), st.integers(1, 4))
def test_without_weights_they_are_those_of_numpy(values: list[float], pieces: int) -> None:
    array = np.array(values)
    got, _ = found(array, None, pieces)
    assert got == tuple(true_quantile(array, np.ones(len(array)), level) for level in LEVELS)
    exact = [k for k, level in enumerate(LEVELS) if level in (0.0, 0.25, 0.5, 1.0)]
    for k in exact:
        assert got[k] == np.quantile(array, LEVELS[k], method="inverted_cdf")


@given(st.lists(st.tuples(finite, st.floats(0, 1e300)), min_size=1, max_size=50), st.integers(1, 4))
def test_weights_of_any_size_count_exactly(drawn: list[tuple[float, float]], pieces: int) -> None:
    values, weights = (np.array(part) for part in zip(*drawn, strict=True))
    got, _ = found(values, weights, pieces)
    if weights.any():
        assert got == tuple(true_quantile(values, weights, level) for level in LEVELS)
    else:
        assert all(map(math.isnan, got))


@pytest.mark.parametrize("few", [0, 1, 50, 1000])
@pytest.mark.parametrize("weighted", [False, True])
def test_what_is_too_much_for_memory_is_counted_again(monkeypatch: Any, few: int, weighted: bool) -> None:
    rng = np.random.default_rng(few)
    values = np.round(rng.normal(size=3000), 3) * 10.0 ** rng.integers(-3, 4, 3000)
    weights = rng.choice([5e-324, 0.0, 0.5, 3.0, math.inf, math.nan, -1.0], 3000) if weighted else None
    monkeypatch.setattr(quantile, "FEW", few)
    got, passes = found(values, weights)
    usable = np.isin(weights, [5e-324, 0.5, 3.0]) if weights is not None else slice(None)
    counting = np.ones(len(values)) if weights is None else weights
    assert got == tuple(true_quantile(values[usable], counting[usable], level) for level in LEVELS)
    assert passes <= (2 if few == 1000 else 4)


def test_all_levels_share_two_passes() -> None:
    got, passes = found(np.random.default_rng(0).normal(size=5000), None)
    assert passes == 2
    assert list(got) == sorted(got)


def test_a_nan_leaves_no_quantile_and_neither_does_nothing() -> None:
    assert all(map(math.isnan, found(np.array([1.0, math.nan]), None)[0]))
    assert all(map(math.isnan, found(np.empty(0), None)[0]))


def test_infinities_and_zeros_are_values_like_others() -> None:
    got, _ = found(np.array([-math.inf, -0.0, 0.0, 1.0, math.inf]), None)
    assert got == (-math.inf, -math.inf, 0.0, 0.0, 1.0, math.inf, math.inf)
    assert str(got[2]) == "0.0"


@pytest.mark.parametrize("threads", [1, 2])
def test_of_a_loss_over_a_file(tmp_path: Path, threads: int) -> None:
    rng = np.random.default_rng(1)
    arrays = {"labels": rng.normal(size=500), "preds": rng.normal(size=500), "weights": rng.uniform(size=500)}
    made = prepare(request_for("mse", {}, arrays, tmp_path))
    settled = made.job.losses[0]
    run = partial(executor_for(threads).run, job=made.job, units=list(made.units))
    got = exact_quantiles(run, partial(losses_of, loss=settled, cell=settled.cells[0]), LEVELS)
    losses = rows_of("mse", {}, {k: v for k, v in arrays.items() if k != "weights"}, tmp_path)
    assert got == tuple(true_quantile(losses, arrays["weights"], level) for level in LEVELS)


def test_large_weights_add_up_without_rounding() -> None:
    weights = np.random.default_rng(5).random(100_000) * 8e6
    whole: dict[int, np.ndarray] = {}
    quantile._add_exactly(whole, np.zeros(len(weights), np.int64), weights, 1)
    found = sum(int(sums[0]) * Fraction(2) ** exponent for exponent, sums in whole.items())
    assert found == sum(map(Fraction, weights.tolist()))
