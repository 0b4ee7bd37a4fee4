"""Elementary functions against mpmath; and a value's bits do not hang on its place in a vector."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numba
import numpy as np
import pytest
from mpmath import mpf

from lossctl.kernels import scalar

RNG = np.random.default_rng(1)
N = 1000
RANGES: dict[str, list[np.ndarray]] = {
    "log": [10 ** RNG.uniform(-322, 308, N), RNG.uniform(0.5, 2, N), 1 + RNG.normal(size=N) * 1e-5],
    "log1p": [10 ** RNG.uniform(-20, 308, N), -(10 ** RNG.uniform(-20, -1e-9, N)), RNG.uniform(-0.99, 3, N)],
    "exp": [RNG.uniform(-745, 709.7, N), RNG.uniform(-2, 2, N), RNG.normal(size=N) * 1e-6],
    "expm1": [RNG.uniform(-40, 709.7, N), RNG.uniform(-2, 2, N), RNG.normal(size=N) * 1e-6],
}
EDGES: dict[str, list[tuple[float, float]]] = {
    "log": [
        (0.0, -math.inf),
        (-0.0, -math.inf),
        (-1.0, math.nan),
        (math.inf, math.inf),
        (-math.inf, math.nan),
        (1.0, 0.0),
    ],
    "log1p": [
        (-1.0, -math.inf),
        (-2.0, math.nan),
        (math.inf, math.inf),
        (0.0, 0.0),
        (1e-300, 1e-300),
        (5e-324, 5e-324),
    ],
    "exp": [
        (0.0, 1.0),
        (math.inf, math.inf),
        (-math.inf, 0.0),
        (710.0, math.inf),
        (-746.0, 0.0),
        (-745.1, 5e-324),
    ],
    "expm1": [
        (0.0, 0.0),
        (math.inf, math.inf),
        (-math.inf, -1.0),
        (710.0, math.inf),
        (-60.0, -1.0),
        (1e-310, 1e-310),
    ],
}


def over(function: Callable[..., Any], count: int = 1) -> Callable[..., np.ndarray]:
    """The function over arrays, in a loop that numba may vectorise."""
    arguments = ", ".join(f"a{i}" for i in range(count))
    items = ", ".join(f"a{i}[i]" for i in range(count))
    scope: dict[str, Any] = {"f": function}
    exec(f"def loop({arguments}, out):\n for i in range(out.size):\n  out[i] = f({items})\n", scope)
    loop = numba.njit(error_model="numpy")(scope["loop"])

    def call(*arrays: np.ndarray) -> np.ndarray:
        out = np.empty(len(arrays[0]))
        loop(*arrays, out)
        return out

    return call


def worst_ulps(got: np.ndarray, true: list[mpf]) -> float:
    spacing = [mpf(float(np.spacing(abs(float(t)) or 5e-324))) for t in true]
    return max(float(abs(mpf(float(g)) - t) / u) for g, t, u in zip(got, true, spacing, strict=True))


@pytest.mark.parametrize("name", RANGES)
def test_the_error_is_as_small_as_promised(name: str) -> None:
    function = over(getattr(scalar, name))
    for values in RANGES[name]:
        with mpmath.workdps(60):
            true = [getattr(mpmath, name)(mpf(float(x))) for x in values]
            assert worst_ulps(function(values), true) < (1.5 if name == "expm1" else 0.9)


@pytest.mark.parametrize("name", EDGES)
def test_the_edges_are_ieees(name: str) -> None:
    function = over(getattr(scalar, name))
    inputs, outputs = map(np.array, zip(*EDGES[name], strict=True))
    np.testing.assert_array_equal(function(inputs), outputs)
    assert np.isnan(function(np.array([math.nan]))).all()


@pytest.mark.parametrize("name", RANGES)
def test_a_value_has_the_same_bits_in_any_place(name: str) -> None:
    function = over(getattr(scalar, name))
    values = np.concatenate(RANGES[name])[:515]
    whole = function(values)
    for start in (1, 2, 3, 5):
        assert function(values[start:]).tobytes() == whole[start:].tobytes()
    single = np.array([function(values[i : i + 1])[0] for i in range(len(values))])
    assert single.tobytes() == whole.tobytes()


def test_exp_difference_puts_back_what_subtraction_loses() -> None:
    function = over(scalar.exp_difference, 2)
    a, b = np.sort(RNG.normal(size=(2, N)) * 20, axis=0)
    with mpmath.workdps(60):
        assert (
            worst_ulps(
                function(a, b),
                [mpmath.exp(mpf(x) - mpf(y)) for x, y in zip(a.tolist(), b.tolist(), strict=True)],
            )
            < 1.5
        )
    edges = function(np.array([math.inf, -math.inf, -math.inf, 1.0]), np.array([math.inf, -math.inf, 0.0, math.inf]))
    np.testing.assert_array_equal(edges, [1.0, 1.0, 0.0, 0.0])
    payload = np.array([0x7FF8000000000001, 0x7FF0000000000ABC, -1], np.int64).view(np.float64)
    assert np.isnan(function(payload, np.zeros(3))).all()


def test_exp_difference_reaches_the_smallest_numbers() -> None:
    function = over(scalar.exp_difference, 2)
    a = np.concatenate([RNG.uniform(-760, -700, N), [-707.0, -708.3964185322641, -745.13, -745.14, -1e9, -1.7e308]])
    with mpmath.workdps(60):
        assert worst_ulps(function(a, np.zeros(len(a))), [mpmath.exp(mpf(x)) for x in a.tolist()]) < 1.5


@pytest.mark.parametrize("nearness", [0.0, 0.9, 0.9999999])
def test_log_quotient_keeps_its_digits_near_one(nearness: float) -> None:
    function = over(scalar.log_quotient, 3)
    s = 1 + RNG.normal(size=N) * 0.01
    p, rest = s * RNG.uniform(nearness, 1, N), RNG.uniform(-1e-17, 1e-17, N)
    with mpmath.workdps(60):
        true = [
            mpmath.log(mpf(a) / (mpf(b) + mpf(c)))
            for a, b, c in zip(p.tolist(), s.tolist(), rest.tolist(), strict=True)
        ]
        assert worst_ulps(function(p, s, rest), true) < 1.5


def test_powers_keep_their_digits() -> None:
    function = over(scalar.power, 2)
    x = np.concatenate([RNG.random(N), 10 ** RNG.uniform(-30, 30, N), 1 + RNG.normal(size=N) * 1e-9])
    exponents = np.concatenate([RNG.uniform(0, 5, N), RNG.uniform(-9, 9, N), RNG.uniform(-1e6, 1e6, N)])
    with mpmath.workdps(60):
        true = [mpf(a) ** mpf(b) for a, b in zip(x.tolist(), exponents.tolist(), strict=True)]
        assert worst_ulps(function(x, exponents), true) < 1.5
    bases = np.array([0.0, 0.0, 0.0, math.inf, math.inf, -1.0, math.nan, 2.0])
    exponents = np.array([2.0, 0.0, -1.0, 2.0, -2.0, 2.0, 1.0, 2000.0])
    np.testing.assert_array_equal(
        function(bases, exponents), [0.0, 1.0, math.inf, math.inf, 0.0, math.nan, math.nan, math.inf]
    )


def test_a_logarithm_taken_away_keeps_the_digits_that_cancel() -> None:
    function = over(scalar.less_log, 4)
    x, y = RNG.uniform(0.01, 50, N), RNG.uniform(0, 20, N)
    a = y * np.log(x) * (1 + RNG.normal(size=N) * 1e-4)
    rest = np.zeros(N)
    with mpmath.workdps(60):
        true = [
            mpf(p) - mpf(q) * mpmath.log(mpf(r)) for p, q, r in zip(a.tolist(), y.tolist(), x.tolist(), strict=True)
        ]
        got = function(a, y, x, rest)
        errors = [float(abs((mpf(g) - t) / mpf(p))) for g, t, p in zip(got.tolist(), true, a.tolist(), strict=True)]
    # relative to what was taken from: a float64 logarithm would leave 2**-53
    assert max(errors) < 2.0**-57
    assert math.isnan(function(np.array([1.0]), np.array([1.0]), np.array([math.nan]), rest)[0])
    np.testing.assert_array_equal(
        function(np.array([1.0, 1.0]), np.array([0.0, 2.0]), np.zeros(2), rest), [1.0, math.inf]
    )
