"""Special functions, plain and compiled, against mpmath."""

from __future__ import annotations

import math
from collections.abc import Callable

import mpmath
import numba
import numpy as np
import pytest

from lossctl.catalogue import special
from lossctl.kernels.formula import compilable

mpmath.mp.dps = 60
RNG = np.random.default_rng(0)
REALS = np.concatenate([RNG.normal(size=2000) * 3, RNG.uniform(-38, 38, 2000), [0.0, 1e-300, -1e-20, -37.5]])
POSITIVE = np.concatenate([np.exp(RNG.uniform(-20, 20, 3000)), RNG.uniform(0.5, 3, 1000), [1.0, 2.0, 10.0, 1e-300]])
EXACT: dict[str, tuple[Callable[[mpmath.mpf], mpmath.mpf], np.ndarray, float, float]] = {
    "normal_cdf": (mpmath.ncdf, REALS, 8, 0.0),
    "normal_pdf": (mpmath.npdf, REALS, 4, 0.0),
    "log_gamma": (mpmath.loggamma, POSITIVE, 6, 1e-14),
}


def vectorised(name: str) -> Callable[[np.ndarray], np.ndarray]:
    function = compilable(getattr(special, name))

    @numba.njit(error_model="numpy")
    def loop(values):  # type: ignore[no-untyped-def]
        out = np.empty_like(values)
        for i in range(len(values)):
            out[i] = function(values[i])
        return out

    return loop  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", EXACT)
def test_each_is_near_the_true_value(name: str) -> None:
    true, points, ulps, absolute = EXACT[name]
    got = vectorised(name)(points)
    plain = np.array([getattr(special, name)(float(x)) for x in points])
    np.testing.assert_allclose(got, plain, rtol=1e-14, atol=1e-14 if absolute else 0)
    for x, y in zip(points.tolist(), got.tolist(), strict=True):
        exact = true(mpmath.mpf(x))
        allowed = max(ulps * float(np.spacing(abs(float(exact)))), absolute)
        assert abs(mpmath.mpf(y) - exact) <= allowed, (x, y, exact)


def test_the_edges() -> None:
    cdf = vectorised("normal_cdf")(np.array([-np.inf, np.inf, np.nan, -40.0, 40.0]))
    np.testing.assert_array_equal(cdf, [0.0, 1.0, np.nan, 0.0, 1.0])
    assert vectorised("log_gamma")(np.array([0.0]))[0] == math.inf


def students_cdf(z: mpmath.mpf, df: mpmath.mpf) -> mpmath.mpf:
    tail = mpmath.betainc(df / 2, mpmath.mpf(1) / 2, 0, df / (df + z * z), regularized=True) / 2
    return tail if z < 0 else 1 - tail


@pytest.mark.parametrize("df", [1.01, 1.5, 2.0, 3.7, 10.0, 55.0, 300.0, 1000.0])
def test_student_s_t(df: float) -> None:
    for z in (-50.0, -8.0, -2.0, -0.3, -1e-9, 0.0, 1e-5, 0.7, 1.9, 4.0, 50.0):
        if z != 0.0:
            assert math.isclose(
                special.student_t_cdf(z, df), float(students_cdf(mpmath.mpf(z), mpmath.mpf(df))), rel_tol=2e-12
            )
        density = mpmath.gamma(mpmath.mpf(df + 1) / 2) / (
            mpmath.sqrt(mpmath.mpf(df) * mpmath.pi) * mpmath.gamma(mpmath.mpf(df) / 2)
        )
        density *= (1 + mpmath.mpf(z) ** 2 / df) ** (-(mpmath.mpf(df) + 1) / 2)
        assert math.isclose(special.student_t_pdf(z, df), float(density), rel_tol=2e-12)
    assert special.student_t_cdf(0.0, df) == 0.5
    ratio = mpmath.beta(0.5, mpmath.mpf(df) - 0.5) / mpmath.beta(0.5, mpmath.mpf(df) / 2) ** 2
    assert math.isclose(special.beta_ratio(df), float(ratio), rel_tol=1e-12)
