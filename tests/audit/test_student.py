"""Student's t for many at once: the bits of the functions for one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossctl.audit import student as many
from lossctl.audit.adjusted import adjusted
from lossctl.inference import interval, multiplicity, student

DFS = st.one_of(st.integers(1, 10**6).map(float), st.floats(0.1, 1e30), st.just(float("nan")))
NUMBERS = st.one_of(st.floats(-50.0, 50.0), st.floats())


def bits(numbers) -> list[int]:
    # one NaN for all of them
    return [0 if x != x else int(np.float64(x).view(np.int64)) for x in numbers]


@given(st.lists(st.tuples(NUMBERS, DFS), max_size=20))
def test_p_values(pairs):
    t, df = (np.array(column, np.float64) for column in (zip(*pairs, strict=True) if pairs else ((), ())))
    assert bits(many.two_sided(t, df)) == bits(student.two_sided(*pair) for pair in pairs)


@given(st.lists(DFS, max_size=20), st.sampled_from([0.5, 0.025, 0.975, 1e-9, 0.48, 0.0, 1.0]))
def test_quantiles(dfs, p):
    assert bits(many.quantiles(p, np.array(dfs, np.float64))) == bits(student.quantile(p, df) for df in dfs)


def test_each_is_the_same_among_many():
    rng = np.random.default_rng(0)
    t, df = rng.standard_cauchy(10_000), 1.0 + rng.exponential(30.0, 10_000)
    p, q = many.two_sided(t, df), many.quantiles(0.975, df)
    for i in range(0, 10_000, 97):
        assert p[i] == student.two_sided(t[i], df[i])
        assert q[i] == student.quantile(0.975, df[i])


ERRORS = st.one_of(st.just(0.0), st.floats(1e-3, 1e3), st.just(float("nan")), st.just(float("inf")))


@given(st.lists(st.tuples(ERRORS, DFS, ERRORS, DFS), max_size=20))
def test_welch(rows):
    columns = [np.array(column, np.float64) for column in (zip(*rows, strict=True) if rows else [()] * 4)]
    assert bits(many.welch_dfs(*columns)) == bits(interval.welch_df(*row) for row in rows)


def test_intervals():
    value, stderr, df = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, np.nan]), np.array([3.0, np.nan, np.nan])
    low, high = many.t_intervals(value, stderr, df, 0.9)
    assert (low[0], high[0]) == interval.t_interval(1.0, 0.5, 3.0, 0.9)
    assert low[1] == high[1] == 2.0
    assert np.isnan([low[2], high[2]]).all()


@pytest.mark.parametrize("correction", ["holm", "bh"])
@given(p=st.lists(st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.01, 0.02]), st.just(float("nan"))), max_size=30))
def test_corrections(correction, p):
    assert bits(adjusted(np.array(p, np.float64), correction)) == bits(multiplicity.CORRECTIONS[correction](p))
