"""Adjusted p-values against scipy and the words of their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl.inference.multiplicity import CORRECTIONS, Adjusted, benjamini_hochberg, holm

SHARES = st.floats(0, 1) | st.sampled_from([0.0, 0.01, 0.02, 0.05, 1.0])
MAYBE = st.lists(SHARES | st.none() | st.just(math.nan), max_size=40)


def rejected_by_holm(p_values: list[float], level: float) -> set[int]:
    """The steps of the test itself: from the smallest on, until one is too large."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    kept: set[int] = set()
    for step, i in enumerate(order):
        if p_values[i] * (len(order) - step) > level:
            break
        kept.add(i)
    return kept


def undefined(p: float | None) -> bool:
    return p is None or p != p


def defined(adjusted: Adjusted) -> list[float]:
    return [p for p in adjusted if p is not None and p == p]


@settings(max_examples=60)
@given(st.lists(SHARES, min_size=1, max_size=40), st.floats(0.001, 0.999))
def test_holm_rejects_what_its_steps_reject(p_values: list[float], level: float) -> None:
    adjusted = defined(holm(p_values))
    assert {i for i, p in enumerate(adjusted) if p <= level} == rejected_by_holm(p_values, level)


@settings(max_examples=60)
@given(st.lists(SHARES, min_size=1, max_size=40))
def test_benjamini_hochberg_is_scipy_s(p_values: list[float]) -> None:
    np.testing.assert_allclose(
        defined(benjamini_hochberg(p_values)), scipy.stats.false_discovery_control(p_values), rtol=1e-15
    )


def test_many() -> None:
    p_values = np.random.default_rng(0).beta(0.5, 2, 5000).tolist()
    np.testing.assert_allclose(
        defined(benjamini_hochberg(p_values)), scipy.stats.false_discovery_control(p_values), rtol=1e-15
    )
    order = np.argsort(p_values)
    stepped = np.minimum(np.maximum.accumulate(np.sort(p_values) * np.arange(5000, 0, -1)), 1)
    np.testing.assert_array_equal(np.array(defined(holm(p_values)))[order], stepped)


@pytest.mark.parametrize("name", CORRECTIONS)
@settings(max_examples=60)
@given(p_values=MAYBE, seed=st.integers(0, 1000))
def test_their_laws(name: str, p_values: list[float | None], seed: int) -> None:
    adjust = CORRECTIONS[name]
    adjusted = adjust(p_values)
    counted = [(p, q) for p, q in zip(p_values, adjusted, strict=True) if not undefined(p)]
    assert [undefined(p) for p in p_values] == [undefined(q) for q in adjusted]
    assert [p is None for p in p_values] == [q is None for q in adjusted]
    # they do not count, they never make a p-value smaller, and they keep order and ties
    assert [q for _, q in counted] == list(adjust([p for p, _ in counted]))
    assert all(p is not None and q is not None and p <= q <= 1.0 for p, q in counted)
    by_size = sorted(counted)  # type: ignore[type-var]
    assert [q for _, q in by_size] == sorted(q for _, q in counted)  # type: ignore[type-var]
    assert len(set(counted)) == len({p for p, _ in counted})
    turned = np.random.default_rng(seed).permutation(len(p_values)).tolist()
    again = adjust([p_values[i] for i in turned])
    assert all(undefined(again[k]) if undefined(adjusted[i]) else again[k] == adjusted[i] for k, i in enumerate(turned))


@pytest.mark.parametrize("adjust", CORRECTIONS.values())
def test_nothing_and_one(adjust: object) -> None:
    assert callable(adjust)
    assert adjust([]) == ()
    assert adjust([None]) == (None,)
    assert adjust([0.03]) == (0.03,)
    assert adjust([None, 0.03, None]) == (None, 0.03, None)


def test_a_difference_between_them() -> None:
    assert holm([0.01, 0.02, 0.03, 0.04]) == (0.04, 0.06, 0.06, 0.06)
    assert benjamini_hochberg([0.01, 0.02, 0.03, 0.04]) == pytest.approx((0.04,) * 4, rel=1e-15)
