"""Exact sums of many groups: any cut, any order, any magnitude."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl.audit import limbs as exact

NUMBERS = st.lists(
    st.tuples(st.integers(0, 3), st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=60
)


def naive(codes: np.ndarray, values: np.ndarray, group: int) -> Fraction:
    return sum(map(Fraction, values[codes == group].tolist()), Fraction(0))


@settings(max_examples=100)
@given(NUMBERS, st.integers(0, 60))
def test_groups_hold_the_true_sums_however_they_are_cut(pairs: list[tuple[int, float]], cut: int) -> None:
    codes, values = (np.array(some) for some in zip(*pairs, strict=True))
    whole = exact.grouped(codes, values, 4)
    halves = exact.added(exact.grouped(codes[cut:], values[cut:], 4), exact.grouped(codes[:cut], values[:cut], 4))
    for group in range(4):
        assert exact.exactly(whole, group) == exact.exactly(halves, group) == naive(codes, values, group)
    assert exact.total(whole) == sum(map(Fraction, values.tolist()), Fraction(0))


def test_ranges_and_neighbours() -> None:
    values = np.random.default_rng(0).normal(size=100) * 10.0 ** np.arange(-50, 50)
    starts = np.array([0, 3, 50, 99])
    ranges = exact.ranges(starts, values)
    for k, (start, stop) in enumerate(zip(starts, [3, 50, 99, 100], strict=True)):
        assert exact.exactly(ranges, k) == sum(map(Fraction, values[start:stop].tolist()), Fraction(0))
    both = exact.gathered(np.array([0, 2]), ranges)
    assert exact.exactly(both, 1) == exact.exactly(ranges, 2) + exact.exactly(ranges, 3)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_full_limb_carries(sign: int) -> None:
    nearly = {0: np.array([sign * (exact.FULL - 1), 5])}
    sums = exact.added(nearly, nearly)
    assert max(np.abs(limb).max() for limb in sums.values()) < exact.FULL
    assert exact.exactly(sums, 0) == 2 * sign * (exact.FULL - 1)
    assert exact.exactly(sums, 1) == 10


def test_as_floats() -> None:
    values = np.array([0.1, 3.0, -(2.0**60), 1e-300, 0.0])
    assert exact.floats(exact.grouped(np.arange(5), values, 5), 5).tolist() == values.tolist()
    assert exact.floats({}, 2).tolist() == [0.0, 0.0]
