"""The sign test against scipy, whole numbers and mpmath."""

from __future__ import annotations

from fractions import Fraction
from math import comb, isqrt

import mpmath
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl.inference.binomial import sign_test_p


def exact_p(few: int, flips: int) -> mpmath.mpf:
    """Twice the probability of `few` heads or less, term by term."""
    heads = mpmath.exp(
        mpmath.loggamma(flips + 1) - mpmath.loggamma(few + 1) - mpmath.loggamma(flips - few + 1) - flips * mpmath.ln2
    )
    total, term = mpmath.mpf(1), mpmath.mpf(1)
    for k in range(few, 0, -1):
        term = term * k / (flips - k + 1)
        total += term
        if term < total * mpmath.mpf(10) ** -25:
            break
    return 2 * heads * total


@pytest.mark.parametrize("flips", [*range(25), 99, 500, 1000])
def test_few_flips_are_counted(flips: int) -> None:
    for wins in range(0, flips + 1, 1 + flips // 40):
        few = min(wins, flips - wins)
        exact = Fraction(2 * sum(comb(flips, i) for i in range(few + 1)), 2**flips)
        p = sign_test_p(wins, flips - wins)
        assert p == float(min(exact, Fraction(1)))
        if flips and p > 1e-290:
            assert p == pytest.approx(scipy.stats.binomtest(wins, flips, 0.5).pvalue, rel=1e-10)


@pytest.mark.parametrize("flips", [1001, 1100, 2000, 10**4, 10**5, 10**6])
def test_more_flips(flips: int) -> None:
    with mpmath.workdps(40):
        for away in (0.0, 0.1, 0.7, 2.0, 3.3, 8.0, 20.0, 36.0):
            few = max(int(flips / 2 - away * isqrt(flips) / 2) - 1, 0)
            exact = exact_p(few, flips)
            if exact < 1e-300:
                continue
            p = sign_test_p(few, flips - few)
            assert abs(p - exact) < 1e-11 * exact, away
            assert p == pytest.approx(scipy.stats.binomtest(few, flips, 0.5).pvalue, rel=1e-10)


@pytest.mark.parametrize("flips", [10**7 + 1, 10**8, 10**9])
def test_very_many_flips(flips: int) -> None:
    for away in (0.001, 0.05, 1.0, 2.5, 10.0, 36.0):
        few = int(flips / 2 - away * isqrt(flips) / 2)
        # binomtest counts outcomes closer to the middle too, where they are as likely but for 1e-7
        assert sign_test_p(few, flips - few) == pytest.approx(2 * scipy.stats.binom.cdf(few, flips, 0.5), rel=1e-10)
    few = flips // 2 - isqrt(flips)
    assert sign_test_p(few, flips - few) == pytest.approx(scipy.stats.binomtest(few, flips, 0.5).pvalue, rel=1e-10)


def test_one_side_nearly_empty() -> None:
    assert sign_test_p(0, 1100) == 0.0
    assert sign_test_p(3, 10**9) == 0.0
    with mpmath.workdps(40):
        assert sign_test_p(14, 1050) == pytest.approx(float(exact_p(14, 1064)), rel=1e-12)


def test_nothing_to_tell_apart() -> None:
    assert sign_test_p(0, 0) == sign_test_p(1, 0) == sign_test_p(7, 7) == sign_test_p(10**9, 10**9 + 1) == 1.0


@settings(max_examples=50)
@given(st.integers(0, 3000), st.integers(0, 3000))
def test_its_laws(wins: int, losses: int) -> None:
    p = sign_test_p(wins, losses)
    assert 0.0 <= p <= 1.0
    assert p == sign_test_p(losses, wins)
    if wins > losses:
        assert sign_test_p(wins + 1, losses) <= p
