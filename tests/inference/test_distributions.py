"""The normal distribution and Student's t against mpmath and scipy, tails and centre."""

from __future__ import annotations

import math
import subprocess
import sys
from functools import cache

import mpmath
import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl.inference import normal, student
from tests.conftest import ROOT

RNG = np.random.default_rng(7)
REALS = [*RNG.uniform(-37, 37, 600).tolist(), *RNG.normal(size=400).tolist(), *(10.0 ** RNG.uniform(-20, 0, 50))]
SHARES = [
    *(10.0 ** RNG.uniform(-300, -0.3, 60)),
    *RNG.uniform(0, 1, 60),
    *(0.5 + RNG.choice([-1, 1], 30) * 10.0 ** RNG.uniform(-15, -1, 30)),
]
SHARES = [float(p) for p in SHARES]
DFS = [0.05, 0.7, 1.0, 1.37, 2.0, 4.5, 30.0, 399.0, 12345.6]
MANY = [1e6, 1e9, 1e12, 1e21, math.inf]
TS = [1e-12, 1e-3, 0.2, 0.9, 1.5, 1.7, 1.8, 2.3, 4.0, 7.7, 15.0, 30.0, 36.9, 250.0, 1e6, 1e90]
ACCURACY = 1e-12


def off(got: float, exact: mpmath.mpf) -> float:
    """Relative error."""
    return float(abs(got - exact) / abs(exact))


@cache
def exact_tail(t: float, df: float) -> mpmath.mpf:
    """P(T > t), for t > 0, by the incomplete beta function."""
    # 1 - n / (n + t^2) takes digits where t is small
    with mpmath.workdps(80):
        z, n = mpmath.mpf(t), mpmath.mpf(df)
        return mpmath.betainc(n / 2, mpmath.mpf(1) / 2, 0, n / (n + z * z), regularized=True) / 2


def integrated_tail(t: float, df: float) -> mpmath.mpf:
    """The same by quadrature of the density, for many degrees of freedom."""
    z, n = mpmath.mpf(t), mpmath.mpf(df)
    top = mpmath.exp(mpmath.loggamma((n + 1) / 2) - mpmath.loggamma(n / 2)) / mpmath.sqrt(n * mpmath.pi)

    def density(u: mpmath.mpf) -> mpmath.mpf:
        return mpmath.exp(-(n + 1) / 2 * (mpmath.log1p(u * u / n) - mpmath.log1p(z * z / n)))

    cuts = [z + k / max(z, 1) for k in (0, 1, 3, 7, 14, 24, 36, 48)]
    return top * mpmath.exp(-(n + 1) / 2 * mpmath.log1p(z * z / n)) * mpmath.quad(density, cuts)


def test_the_normal_s_tails() -> None:
    with mpmath.workdps(40):
        for x in map(float, REALS):
            exact = mpmath.ncdf(mpmath.mpf(x))
            assert off(normal.cdf(x), exact) < ACCURACY, x
            assert normal.survival(-x) == normal.cdf(x)
            assert off(normal.two_sided(x), 2 * mpmath.ncdf(-abs(mpmath.mpf(x)))) < ACCURACY
            assert off(normal.density(x), mpmath.npdf(mpmath.mpf(x))) < ACCURACY


def test_the_normal_s_quantiles() -> None:
    with mpmath.workdps(40):
        for p in SHARES:
            x = mpmath.mpf(normal.quantile(p))
            # one exact Newton step from the answer
            assert off(0.0, x) == 1.0
            assert abs((mpmath.ncdf(x) - mpmath.mpf(p)) / mpmath.npdf(x) / x) < ACCURACY, p
            assert normal.quantile(p) == pytest.approx(scipy.stats.norm.ppf(p), rel=1e-12)


@pytest.mark.parametrize("df", DFS)
def test_student_s_tails(df: float) -> None:
    for t in TS:
        exact = exact_tail(t, df)
        if exact < 1e-300:
            continue
        assert off(student.survival(t, df), exact) < ACCURACY, t
        assert off(student.cdf(t, df), 1 - exact) < ACCURACY, t
        assert off(student.two_sided(-t, df), 2 * exact) < ACCURACY, t
        assert student.cdf(-t, df) == student.survival(t, df)
        assert student.survival(-t, df) == student.cdf(t, df)


@pytest.mark.parametrize("df", MANY)
def test_student_s_tails_with_many_degrees_of_freedom(df: float) -> None:
    # the difference of two large log-gammas takes digits
    with mpmath.workdps(45):
        for t in (1e-3, 1.2, 1.75, 6.0, 20.0, 36.9):
            exact = mpmath.ncdf(-mpmath.mpf(t)) if df == math.inf else integrated_tail(t, df)
            assert off(student.survival(t, df), exact) < ACCURACY, t


@pytest.mark.parametrize("df", DFS)
def test_student_s_quantiles(df: float) -> None:
    with mpmath.workdps(40):
        n = mpmath.mpf(df)
        top = mpmath.gamma((n + 1) / 2) / (mpmath.sqrt(n * mpmath.pi) * mpmath.gamma(n / 2))
        for p in SHARES[::3]:
            t = student.quantile(p, df)
            if math.isinf(t):
                assert exact_tail(1.7e308, df) > min(p, 1 - p)
                continue
            z = mpmath.mpf(t)
            density = top * (1 + z * z / n) ** (-(n + 1) / 2)
            exact = exact_tail(-t, df) if t < 0 else 1 - exact_tail(t, df)
            assert abs((exact - mpmath.mpf(p)) / density / z) < ACCURACY, p


@pytest.mark.parametrize("df", [0.7, 1.0, 3.3, 30.0, 399.0, 1e6, math.inf])
def test_student_agrees_with_scipy(df: float) -> None:
    own = scipy.stats.norm() if df == math.inf else scipy.stats.t(df)
    for t in (-30.0, -2.2, -0.4, 0.0, 0.7, 1.96, 5.0):
        assert student.cdf(t, df) == pytest.approx(own.cdf(t), rel=1e-12)
        assert student.survival(t, df) == pytest.approx(own.sf(t), rel=1e-12)
    for p in (1e-20, 1e-5, 0.005, 0.025, 0.3, 0.47, 0.7, 0.975):
        assert student.quantile(p, df) == pytest.approx(own.ppf(p), rel=1e-12)


@settings(max_examples=60)
@given(st.floats(1e-300, 0.499), st.floats(0.4, 1e15))
def test_a_quantile_is_where_the_probability_is(p: float, df: float) -> None:
    t = student.quantile(p, df)
    if math.isfinite(t):
        assert student.cdf(t, df) == pytest.approx(p, rel=1e-10)
        # 1 - p is no float64 for a small p
        assert student.quantile(1.0 - p, df) == pytest.approx(-student.quantile(1.0 - (1.0 - p), df), rel=1e-15)


@settings(max_examples=60)
@given(st.floats(0, 40), st.floats(0, 40), st.floats(0.1, 1e13))
def test_further_out_is_less_likely(one: float, two: float, df: float) -> None:
    near, far = sorted([one, two])
    # to rounding; the two formulas meet somewhere between
    assert student.survival(far, df) <= student.survival(near, df) * (1 + 1e-12)
    assert student.two_sided(far, df) <= 1.0


def test_the_edges() -> None:
    inf, nan = math.inf, math.nan
    for cdf, survival, quantile in (
        (normal.cdf, normal.survival, normal.quantile),
        *(
            (
                lambda x, n=n: student.cdf(x, n),
                lambda x, n=n: student.survival(x, n),
                lambda p, n=n: student.quantile(p, n),
            )
            for n in (0.5, 3.0, 1e12, inf)
        ),
    ):
        assert (cdf(-inf), cdf(0.0), cdf(inf)) == (0.0, 0.5, 1.0)
        assert (survival(-inf), survival(0.0), survival(inf)) == (1.0, 0.5, 0.0)
        assert (quantile(0.0), quantile(0.5), quantile(1.0)) == (-inf, 0.0, inf)
        assert all(map(math.isnan, (cdf(nan), survival(nan), quantile(nan), quantile(-0.1), quantile(1.1))))
    assert math.isnan(normal.density(nan))
    assert normal.density(60.0) == normal.survival(60.0) == student.survival(1e200, 30.0) == 0.0
    for df in (0.0, -1.0, nan):
        assert all(map(math.isnan, (student.cdf(1.0, df), student.two_sided(1.0, df), student.quantile(0.3, df))))


def test_numbers_beyond_the_floats_squares() -> None:
    # Cauchy's tail is 1 / (pi t)
    assert student.survival(1e200, 1.0) == pytest.approx(1e-200 / math.pi, rel=1e-12)
    assert off(student.survival(1e160, 1e-9), exact_tail(1e160, 1e-9)) < ACCURACY
    assert student.quantile(1e-200, 1.0) == pytest.approx(-1e200 / math.pi, rel=1e-12)
    assert student.quantile(1e-300, 0.3) == -math.inf


def test_the_room_loads_nothing_heavy() -> None:
    rooms = "beta, binomial, elementary, interval, multiplicity, normal, solve, student"
    code = f"import sys; from lossctl.inference import {rooms}; print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert not any(f"'{name}'" in loaded for name in ("numpy", "scipy", "statistics", "fractions", "decimal"))
