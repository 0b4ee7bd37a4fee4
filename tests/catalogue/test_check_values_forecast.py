"""Values that scoringrules gave or that were worked out by hand, and the definitions that the formulas come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from lossctl.catalogue.registry import find
from lossctl.catalogue.spec import bind
from lossctl.evaluation.frames import Buffers, loss_rows
from lossctl.readers.block import Block, lay
from tests.oracles import oracle

Row = float | Sequence[float] | np.ndarray
MEMBERS = [1.0, 2.0, 4.0, 7.0]
QUANTILES = [1.0, 2.0, 4.0]
# members (1, 0), (0, 2) and (1, 1) of an outcome (0, 0)
VECTORS = [1.0, 0.0, 0.0, 2.0, 1.0, 1.0]
THREE = [0.2, 0.3, 0.5]

VALUES: list[tuple[str, dict[str, Row], float]] = [
    ("crps_ensemble", {"labels": 3, "preds": MEMBERS}, 0.75),
    ("crps_ensemble:estimator=fair", {"labels": 3, "preds": MEMBERS}, 0.3333333),
    ("crps_ensemble:estimator=fair", {"labels": 3, "preds": [1.0]}, math.nan),
    ("crps_ensemble", {"labels": 3, "preds": [1.0]}, 2.0),
    ("crps_normal", {"labels": 3, "preds": 2, "scale": 1.5}, 0.6070746),
    ("crps_quantile:levels=[0.25,0.5,0.75]", {"labels": 3, "preds": QUANTILES}, 0.8333333),
    ("multi_quantile:levels=[0.25,0.5,0.75]", {"labels": 3, "preds": QUANTILES}, 1.25),
    ("multi_quantile:levels=[0.25,0.5,0.75],average=true", {"labels": 3, "preds": QUANTILES}, 0.4166667),
    ("interval_score", {"labels": 0.5, "lower": 0, "upper": 1}, 1.0),
    ("interval_score", {"labels": -0.5, "lower": 0, "upper": 1}, 11.0),
    ("interval_score", {"labels": 2, "lower": 0, "upper": 1}, 21.0),
    ("interval_score", {"labels": 0.5, "lower": 1, "upper": 0}, math.nan),
    (
        "weighted_interval_score:alphas=[0.1,0.5]",
        {"labels": 2, "median": 0.5, "lower": [0.0, 0.2], "upper": [1.0, 0.8]},
        1.26,
    ),
    (
        "weighted_interval_score:alphas=[0.1,0.5]",
        {"labels": 2, "median": 0.5, "lower": [0.0, 0.8], "upper": [1.0, 0.2]},
        math.nan,
    ),
    ("energy_score", {"labels": [0.0, 0.0], "preds": VECTORS}, 0.9547066),
    ("energy_score:estimator=fair", {"labels": [0.0, 0.0], "preds": VECTORS}, 0.6963576),
    ("energy_score:estimator=fair", {"labels": [0.0, 0.0], "preds": VECTORS[:2]}, math.nan),
    ("variogram_score", {"labels": [0.0, 0.0], "preds": VECTORS}, 1.2952060),
    ("dawid_sebastiani", {"labels": 3, "preds": 3.5, "var": 7}, 1.9816244),
    ("dawid_sebastiani_ensemble", {"labels": 3, "preds": MEMBERS}, 1.9816244),
    ("log_score_normal", {"labels": 3, "preds": 2, "scale": 1.5}, 1.5466259),
    # scoringrules counts the same category as 3
    ("ranked_probability_score", {"labels": 2, "preds": THREE}, 0.29),
    ("rps:normalised=true", {"labels": 2, "preds": THREE}, 0.145),
    ("rps", {"labels": 3, "preds": THREE}, math.nan),
    ("rps", {"labels": -1, "preds": THREE}, math.nan),
]


def compiled(spec: str, rows: Mapping[str, Row]) -> float:
    """The kernel's loss of one row."""
    arrays = {role: np.array([np.atleast_1d(np.asarray(row, float))]) for role, row in rows.items()}
    block = Block(0, 1, {role: lay([array]) for role, array in arrays.items()})
    return float(loss_rows(bind(spec, {}), block, False, Buffers(), "losses")[0])


def plain(spec: str, rows: Mapping[str, Row]) -> float:
    """The plain function's loss of one row."""
    bound = bind(spec, {})
    return bound.loss.function(*(rows[role.name] for role in bound.loss.roles), *bound.values)


@pytest.mark.parametrize("loss", [plain, compiled])
@pytest.mark.parametrize(("spec", "rows", "expected"), VALUES)
def test_a_known_value_holds(loss: Callable[..., float], spec: str, rows: dict[str, Row], expected: float) -> None:
    assert loss(spec, rows) == pytest.approx(expected, abs=1e-7, nan_ok=True)


def share(inside: Any) -> mpf:
    return mpf(bool(inside))


def t_cdf(z: mpf, df: mpf) -> mpf:
    tail = mpmath.betainc(df / 2, mpf(1) / 2, 0, df / (df + z * z), regularized=True) / 2
    return tail if z < 0 else 1 - tail


Cdf = Callable[[mpf, Mapping[str, Any]], mpf]
DISTRIBUTIONS: dict[str, Cdf] = {
    "crps_normal": lambda x, a: mpmath.ncdf((x - a["preds"]) / a["scale"]),
    "crps_laplace": lambda x, a: (
        mpmath.exp((x - a["preds"]) / a["scale"]) / 2
        if x < a["preds"]
        else 1 - mpmath.exp((a["preds"] - x) / a["scale"]) / 2
    ),
    "crps_logistic": lambda x, a: 1 / (1 + mpmath.exp((a["preds"] - x) / a["scale"])),
    "crps_lognormal": lambda x, a: mpmath.ncdf((mpmath.log(x) - a["preds"]) / a["scale"]) if x > 0 else mpf(0),
    "crps_exponential": lambda x, a: 1 - mpmath.exp(-a["preds"] * x) if x > 0 else mpf(0),
    "crps_uniform": lambda x, a: min(max((x - a["lower"]) / (a["upper"] - a["lower"]), mpf(0)), mpf(1)),
    "crps_student_t": lambda x, a: t_cdf((x - a["preds"]) / a["scale"], mpf(a.get("df", 5))),
}
NORMAL = [{"labels": y, "preds": 0.7, "scale": s} for y in (-2.0, 0.7, 1.1, 6.0) for s in (0.4, 1.5)]
CASES: list[tuple[str, dict[str, float]]] = [
    *((name, case) for name in ("crps_normal", "crps_laplace", "crps_logistic") for case in NORMAL),
    *(("crps_lognormal", {**case, "preds": -0.2}) for case in NORMAL),
    *(("crps_exponential", {"labels": y, "preds": rate}) for y in (-1.0, 0.0, 0.3, 4.0) for rate in (0.5, 2.0)),
    *(("crps_uniform", {"labels": y, "lower": -1.0, "upper": 3.0}) for y in (-2.5, -1.0, 0.5, 3.0, 7.0)),
    *(("crps_student_t", case) for case in NORMAL),
    *(("crps_student_t", {**case, "df": 3.0}) for case in NORMAL[:4]),
]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_crps_is_the_integral_that_defines_it(name: str, case: dict[str, float]) -> None:
    """The integral over x of (F(x) - [y <= x])^2, with no use of the closed form."""
    arguments = {key: mpf(value) for key, value in case.items()}
    y, cdf = arguments["labels"], DISTRIBUTIONS[name]
    # the cdfs' kinks, and where the integrand is steep
    inner = {y, mpf(0), *(x for key, x in arguments.items() if key in ("preds", "lower", "upper"))}
    points = sorted({x + d for x in inner for d in (-8, -1, 0, 1, 8)})
    with mpmath.workdps(15):
        below = mpmath.quad(lambda x: (cdf(x, arguments) - share(y <= x)) ** 2, [-mpmath.inf, *points, mpmath.inf])
    df = f":df={case['df']}" if "df" in case else ""
    rows = {role: value for role, value in case.items() if role != "df"}
    for loss in (plain, compiled):
        assert loss(name + df, rows) == pytest.approx(float(below), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("spec", ["crps_ensemble", "crps_ensemble:estimator=fair", "dawid_sebastiani_ensemble"])
def test_members_may_come_in_any_order(spec: str) -> None:
    drawn = np.random.default_rng(0).normal(size=9)
    values = [compiled(spec, {"labels": 0.3, "preds": drawn[order]}) for order in (np.arange(9), np.argsort(drawn))]
    assert values[0] == pytest.approx(values[1], rel=1e-13)


def test_the_fair_ensemble_is_the_one_of_probability_weighted_moments() -> None:
    x = np.sort(np.random.default_rng(1).normal(size=11))
    m, y = len(x), 0.4
    moments = np.abs(x - y).mean() + x.mean() - 2.0 * (np.arange(m) * x).sum() / (m * (m - 1))
    assert compiled("crps_ensemble:estimator=fair", {"labels": y, "preds": x}) == pytest.approx(moments, rel=1e-12)


def test_an_ensemble_of_one_column_scores_as_vectors_of_one_number() -> None:
    x = np.random.default_rng(2).normal(size=8)
    for estimator in ("nrg", "fair"):
        ours = [
            compiled(f"{name}:estimator={estimator}", {"labels": 0.2, "preds": x})
            for name in ("energy_score", "crps_ensemble")
        ]
        assert ours[0] == pytest.approx(ours[1], rel=1e-13)


def test_the_interval_scores_of_one_interval_agree() -> None:
    rows = {"labels": 2.0, "lower": 0.0, "upper": 1.0}
    alone = compiled("interval_score:alpha=0.2", rows)
    weighted = compiled("weighted_interval_score:alphas=0.2", {**rows, "median": 0.5})
    assert weighted == pytest.approx((0.5 * 1.5 + 0.1 * alone) / 1.5)


@pytest.mark.parametrize("members", [1, 2, 7, 40])
@pytest.mark.parametrize("columns", [1, 2, 5])
@pytest.mark.parametrize(
    "spec", ["energy_score", "energy_score:estimator=fair", "variogram_score", "variogram_score:exponent=1.5"]
)
def test_vectors_of_differing_widths(spec: str, columns: int, members: int) -> None:
    rng, bound = np.random.default_rng(members * 10 + columns), bind(spec, {})
    arrays = {"labels": rng.normal(size=(30, columns)), "preds": rng.normal(size=(30, members * columns))}
    block = Block(0, 30, {role: lay([array]) for role, array in arrays.items()})
    got = loss_rows(bound, block, False, Buffers(), "losses")
    claimed = bound.loss.accuracy
    scale = np.maximum(1.0, np.max([np.abs(array).max(axis=1) for array in arrays.values()], axis=0))
    for one, true, largest in zip(got, oracle(bound, arrays), scale, strict=True):
        allowed = max(claimed.ulps * float(np.spacing(abs(float(true)))), claimed.absolute * float(largest))
        assert float(one) == pytest.approx(float(true), rel=0.0, abs=allowed, nan_ok=True)


@pytest.mark.parametrize("name", ["energy_score", "variogram_score"])
def test_members_that_do_not_fill_the_columns_are_refused(name: str) -> None:
    fits = find(name).fits
    assert fits is not None
    assert fits({"labels": 2, "preds": 6}) == ""
    assert "members of 2 columns" in fits({"labels": 2, "preds": 5})
