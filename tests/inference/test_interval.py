"""Intervals and p-values against scipy, numpy and counting."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl.inference.interval import bootstrap_p, percentile_interval, permutation_p, t_interval, welch_df

NUMBERS = st.floats(-1e6, 1e6)
RNG = np.random.default_rng(11)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.99, 0.9999])
@pytest.mark.parametrize("df", [1.0, 2.5, 59.0, 399.0, 1e7])
def test_a_t_interval_is_scipy_s(level: float, df: float) -> None:
    low, high = t_interval(3.0, 0.25, df, level)
    np.testing.assert_allclose((low, high), scipy.stats.t(df, 3.0, 0.25).interval(level), rtol=1e-12)


def test_a_t_interval_s_edges() -> None:
    nan = math.nan
    assert t_interval(3.0, 0.0, 5.0, 0.95) == (3.0, 3.0)
    np.testing.assert_allclose(t_interval(0.0, 1.0, math.inf, 0.95), scipy.stats.norm.interval(0.95), rtol=1e-12)
    for value, stderr, df in ((nan, 1.0, 5.0), (1.0, nan, 5.0), (1.0, 1.0, nan), (1.0, 1.0, 0.0)):
        assert all(map(math.isnan, t_interval(value, stderr, df, 0.95)))


def test_welch_is_scipy_s() -> None:
    one, two = RNG.gamma(2, size=40), RNG.gamma(1, size=17)
    errors = [float(scipy.stats.sem(x)) for x in (one, two)]
    df = welch_df(errors[0], 39.0, errors[1], 16.0)
    told = scipy.stats.ttest_ind(one, two, equal_var=False)
    assert df == pytest.approx(told.df, rel=1e-13)
    low, high = t_interval(float(one.mean() - two.mean()), math.hypot(*errors), df, 0.9)
    np.testing.assert_allclose((low, high), told.confidence_interval(0.9), rtol=1e-12)


@settings(max_examples=60)
@given(st.floats(1e-200, 1e200), st.floats(0.5, 1e12), st.floats(1e-200, 1e200), st.floats(0.5, 1e12))
def test_welch_lies_between(se1: float, df1: float, se2: float, df2: float) -> None:
    df = welch_df(se1, df1, se2, df2)
    assert df == welch_df(se2, df2, se1, df1)
    assert min(df1, df2) * (1 - 1e-15) <= df <= (df1 + df2) * (1 + 1e-15)


def test_welch_s_edges() -> None:
    inf, nan = math.inf, math.nan
    assert welch_df(1.0, inf, 1.0, inf) == inf
    assert welch_df(1.0, inf, 1.0, 4.0) == 16.0
    # what has no error of its own does not count, whatever its df
    for df in (0.0, 3.0, nan):
        assert welch_df(0.0, df, 2.0, 7.0) == welch_df(2.0, 7.0, 0.0, df) == 7.0
    cases = [
        (0.0, 3.0, 0.0, 3.0),
        (nan, 3.0, 1.0, 3.0),
        (1.0, 3.0, nan, 3.0),
        (1.0, nan, 1.0, 3.0),
        (1.0, 3.0, 1.0, 0.0),
    ]
    for case in cases:
        assert math.isnan(welch_df(*case)), case
    assert welch_df(1e-170, 9.0, 1e-170, 9.0) == 18.0


@pytest.mark.parametrize("size", [1, 2, 3, 200, 201, 1000])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99])
def test_a_percentile_interval_is_numpy_s(size: int, level: float) -> None:
    replicates = RNG.gamma(0.5, size=size)
    ends = np.quantile(replicates, [0.5 - level / 2, 0.5 + level / 2])
    np.testing.assert_allclose(percentile_interval(replicates.tolist(), level), ends, rtol=1e-13)


def test_a_level_is_the_decimal_it_is_written_as() -> None:
    # 0.025 of 200 steps is the fifth place, though 1 - 0.95 is no 0.05
    assert percentile_interval([1e6 * i + 0.1 for i in range(201)], 0.95) == (5e6 + 0.1, 195e6 + 0.1)
    assert percentile_interval([0.0, 1.0], 0.9) == (0.05, 0.95)


@settings(max_examples=60)
@given(st.lists(st.floats(allow_nan=True), min_size=1, max_size=30), st.floats(0.01, 0.99), st.randoms())
def test_a_percentile_interval_s_laws(replicates: list[float], level: float, random: object) -> None:
    ends = percentile_interval(replicates, level)
    turned = list(replicates)
    random.shuffle(turned)  # type: ignore[attr-defined]
    assert str(percentile_interval(np.array([*turned, math.nan]), level)) == str(ends)
    defined = [r for r in replicates if r == r]
    if not defined:
        assert all(map(math.isnan, ends))
    elif all(map(math.isfinite, defined)):
        assert min(defined) <= ends[0] <= ends[1] <= max(defined)


def test_infinite_replicates() -> None:
    inf = math.inf
    assert percentile_interval([1.0, 2.0, 3.0, 4.0, inf], 0.5) == (2.0, 4.0)
    assert percentile_interval([-inf, 2.0, inf, inf], 0.5) == (-inf, inf)
    low, high = percentile_interval([-inf, inf], 0.5)
    assert math.isnan(low)
    assert math.isnan(high)
    assert percentile_interval([-1.7e308, 1.7e308], 0.5) == (-0.85e308, 0.85e308)


def test_a_bootstrap_s_p_value() -> None:
    replicates = RNG.normal(1.0, 1.0, 999).tolist()
    below = sum(r <= 0 for r in replicates)
    assert bootstrap_p(replicates) == bootstrap_p([-r for r in replicates]) == 2 * (1 + below) / 1000
    assert bootstrap_p([1.0] * 99) == 0.02
    assert bootstrap_p([0.0] * 99) == bootstrap_p([-1.0, 1.0]) == 1.0
    assert bootstrap_p([1.0, math.nan, math.inf]) == 2 / 3
    assert math.isnan(bootstrap_p([]))
    assert math.isnan(bootstrap_p([math.nan]))


def test_a_permutation_s_p_value() -> None:
    replicates = RNG.normal(size=999).tolist()
    beyond = sum(r <= -1.5 or r >= 1.5 for r in replicates)
    assert permutation_p(1.5, replicates) == permutation_p(-1.5, replicates) == (1 + beyond) / 1000
    # a tie is as far as the observed
    assert permutation_p(2.0, [2.0, -2.0, 1.9]) == 0.75
    assert permutation_p(0.0, [0.1, -0.0]) == 1.0
    assert permutation_p(1.0, []) == 1.0
    assert permutation_p(1.0, [0.0, math.nan]) == 0.5
    assert math.isnan(permutation_p(math.nan, [1.0]))


@settings(max_examples=40)
@given(NUMBERS, st.lists(NUMBERS, max_size=30))
def test_a_p_value_is_never_0(observed: float, replicates: list[float]) -> None:
    assert 1 / (1 + len(replicates)) <= permutation_p(observed, replicates) <= 1.0
    if replicates:
        assert 1 / (1 + len(replicates)) < bootstrap_p(replicates) <= 1.0
