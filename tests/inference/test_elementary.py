"""exp and log against mpmath, and that none of their bits come from the platform."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from pathlib import Path

import mpmath
import numpy as np
import pytest

import lossctl.inference
from lossctl.inference import elementary

RNG = np.random.default_rng(3)
WIDE = [*np.exp(RNG.uniform(-700, 700, 500)).tolist(), *np.exp(RNG.uniform(-1, 1, 500)).tolist(), 5e-324, 1.7e308]
EXPONENTS = [*RNG.uniform(-708, 709.7, 500).tolist(), *RNG.normal(size=300).tolist(), 1e-300, 0.0, -0.0]
# what IEEE 754 or the integers settle to the last bit; logarithms and the like are each library's own
SETTLED = {"sqrt", "ldexp", "frexp", "copysign", "floor", "isfinite", "factorial", "inf", "nan", "pi"}


@pytest.mark.parametrize(
    ("function", "true", "points"),
    [
        (elementary.exp, mpmath.exp, EXPONENTS),
        (elementary.log, mpmath.log, WIDE),
        (elementary.log1p, mpmath.log1p, WIDE[:-2]),
    ],
)
def test_it_is_near_the_true_value(
    function: Callable[[float], float], true: Callable[[mpmath.mpf], mpmath.mpf], points: list[float]
) -> None:
    with mpmath.workdps(40):
        for x in points:
            exact = true(mpmath.mpf(x))
            assert abs(function(x) - exact) <= 4e-16 * abs(exact), x


def test_exp_takes_what_rounding_lost() -> None:
    x = 30.3
    rest = elementary.square_error(x)
    with mpmath.workdps(40):
        exact = mpmath.exp(-(mpmath.mpf(x) ** 2) / 2)
        assert abs(elementary.exp(-0.5 * (x * x), -0.5 * rest) - exact) <= 4e-16 * exact


def test_the_edges() -> None:
    assert (elementary.exp(-800.0), elementary.exp(-math.inf), elementary.exp(0.0)) == (0.0, 0.0, 1.0)
    assert (elementary.exp(800.0), elementary.exp(math.inf), elementary.exp(709.79)) == (math.inf,) * 3
    assert elementary.exp(709.78) == pytest.approx(math.exp(709.78), rel=1e-15)
    assert elementary.exp(-745.0) == 5e-324
    assert (elementary.log(0.0), elementary.log(1.0), elementary.log(math.inf)) == (-math.inf, 0.0, math.inf)
    assert (elementary.log1p(0.0), elementary.log1p(math.inf)) == (0.0, math.inf)
    assert all(map(math.isnan, (elementary.exp(math.nan), elementary.log(math.nan), elementary.log(-1.0))))


@pytest.mark.parametrize("path", sorted(Path(lossctl.inference.__path__[0]).glob("*.py")), ids=lambda path: path.stem)
def test_no_bit_is_the_platform_s(path: Path) -> None:
    tree = ast.parse(path.read_text())
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "math"]
    assert {name.name for node in froms for name in node.names} <= SETTLED
    plain = [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    assert "math" not in plain
    assert not any(isinstance(node, ast.Pow) for node in ast.walk(tree))
