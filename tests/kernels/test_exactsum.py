"""The sum is the true sum rounded once, whatever the order and the magnitudes."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl.audit.moments import LossPartial
from lossctl.audit.sums import Sums, unweighted
from lossctl.kernels.exactsum import as_float, exact, exact_integer, ratio

finite = st.floats(allow_nan=False, allow_infinity=False)


def added(values: list[float], weights: list[float] | None = None) -> LossPartial:
    sums = Sums()
    sums.add(np.array(values, float), None if weights is None else np.array(weights, float), None)
    return sums.flush()


@settings(deadline=None)
@given(st.lists(finite, max_size=60))
def test_the_sum_is_fsum(values: list[float]) -> None:
    true = sum(map(Fraction, values), Fraction(0))
    assert exact(added(values).loss) == true


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-1e100, 1e100), st.floats(0, 1e100)), max_size=40))
def test_weighted_sums_lose_nothing(pairs: list[tuple[float, float]]) -> None:
    pairs = [(x, w) for x, w in pairs if (x * w == 0 and 0 in (x, w)) or abs(x * w) > 1e-200]
    partial = added([x for x, _ in pairs], [w for _, w in pairs])
    assert exact(partial.loss) == sum((Fraction(x) * Fraction(w) for x, w in pairs), Fraction(0))
    assert exact(partial.weight) == sum((Fraction(w) for _, w in pairs), Fraction(0))
    assert partial.nonzero == sum(w != 0 for _, w in pairs)


@settings(deadline=None)
@given(st.lists(finite, max_size=40), st.integers(0, 40), st.randoms())
def test_order_and_splits_do_not_matter(values: list[float], cut: int, order: object) -> None:
    shuffled = list(values)
    order.shuffle(shuffled)
    halves = added(shuffled[:cut]).merge(added(shuffled[cut:]))
    assert halves == added(values)


def test_the_smallest_and_the_largest_numbers_meet() -> None:
    values = [5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 1.0]
    assert exact(added(values).loss) == 1 + Fraction(5e-324)


def test_what_is_not_finite_is_counted() -> None:
    partial = added([math.nan, math.inf, math.inf, -math.inf, 2.0])
    assert (partial.nan, partial.positive_infinity, partial.negative_infinity) == (1, 2, 1)
    assert exact(partial.loss) == 2


def test_skipped_rows_leave_no_trace() -> None:
    sums = Sums()
    sums.add(np.array([1.0, math.nan, 3.0]), None, np.array([0, 1, 0], np.uint8))
    assert sums.flush() == added([1.0, 3.0])


def test_many_rows_carry_over() -> None:
    values = np.full(1_000_000, 1.7e308)
    sums = Sums()
    for _ in range(3):
        sums.add(values, None, None)
    assert exact(sums.flush().loss) == 3_000_000 * Fraction(1.7e308)


def test_a_ratio_is_rounded_once() -> None:
    assert ratio(exact_integer(0.1), exact_integer(3.0)) == float(Fraction(0.1) / 3)
    assert as_float(exact_integer(0.1)) == 0.1
    assert as_float(exact_integer(1.7e308) * 10) == math.inf
    assert as_float(-exact_integer(1.7e308) * 10) == -math.inf


def test_no_weights_are_weights_of_one() -> None:
    values = np.random.default_rng(0).normal(size=100).tolist()
    assert unweighted([added(values)])[0] == added(values, [1.0] * 100)


@pytest.mark.parametrize("scale", [1.0, 1e-300, 1e300, 1e-150, 1e140])
@pytest.mark.parametrize("spread", [0, 3, 40])
def test_many_rows_add_up_to_the_same_as_few(scale: float, spread: int) -> None:
    rng = np.random.default_rng(spread)
    values = rng.normal(size=20_011) * 10.0 ** rng.integers(-spread, spread + 1, 20_011)
    values = np.clip(values, -1e7, 1e7) * scale
    values[:3] = [0.0, -0.0, values.min()]
    whole = added(values.tolist())
    pieces = [added(values[i : i + 1000].tolist()) for i in range(0, len(values), 1000)]
    assert reduce(LossPartial.merge, pieces) == whole
    assert exact(whole.loss) == sum(map(Fraction, values.tolist()), Fraction(0))


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_many_rows_with_one_that_is_not_finite(odd: float) -> None:
    values = np.full(10_000, 0.1)
    values[7777] = odd
    pieces = [added(values[i : i + 1000].tolist()) for i in range(0, len(values), 1000)]
    assert reduce(LossPartial.merge, pieces) == added(values.tolist())


def test_the_smallest_loss_is_not_a_negative_zero() -> None:
    assert str(added([-0.0, 1.0]).least) == str(added([0.0, -0.0, 1.0]).least) == "0.0"
