"""Losses of the whole file against their formulas: any number of columns, weights, threads and cuts."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from mpmath import mpf

from lossctl.catalogue.registry import all_losses
from lossctl.catalogue.spec import BoundLoss
from lossctl.errors import DataError
from tests.draws import draw, variants
from tests.evaluating import evaluate_arrays
from tests.oracles.whole import WHOLE

OTHERS = {"d2_multiclass_log_loss", "d2_multiclass_brier", "cox_nll", "cox_log_likelihood", "circle"}
SCORES = [loss for loss in all_losses() if loss.parts and loss.name not in OTHERS]
VARIANTS = [bound for loss in SCORES for bound in variants(loss)]


def test_each_has_an_oracle() -> None:
    assert {loss.name for loss in SCORES} == set(WHOLE)


def expected(bound: BoundLoss, arrays: dict[str, np.ndarray], weights: np.ndarray) -> float:
    def rows(columns: list[int]) -> list[tuple[mpf, mpf, mpf]]:
        return [
            (mpf(float(y[k])), mpf(float(p[k])), mpf(float(w)))
            for k in columns
            for y, p, w in zip(arrays["labels"], arrays["preds"], weights, strict=True)
        ]

    width = arrays["preds"].shape[1]
    groups = [[k] for k in range(width)] if bound.loss.counts == "columns" else [list(range(width))]
    return float(sum(WHOLE[bound.loss.name](rows(group), bound.options) for group in groups) / len(groups))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("bound", VARIANTS, ids=str)
def test_the_number_is_the_formula_s(bound: BoundLoss, width: int, weighted: bool, tmp_path: Path) -> None:
    if bound.loss.counts == "rows":
        width = 1
    arrays = draw(bound, 60, width, seed=width)
    arrays = {"labels": arrays["labels"], "preds": arrays["preds"]}
    weights = np.random.default_rng(1).integers(0, 4, 60).astype(float) if weighted else np.ones(60)
    given = {**arrays, "weights": weights} if weighted else arrays
    got = evaluate_arrays(str(bound), {}, given, tmp_path, None)
    assert math.isclose(got, expected(bound, arrays, weights), rel_tol=1e-12)


@pytest.mark.parametrize("loss", SCORES, ids=lambda loss: loss.name)
def test_threads_and_cuts_do_not_reach_the_bits(loss: object, tmp_path: Path) -> None:
    from lossctl.evaluation.run import run
    from tests.evaluating import request_for

    bound = next(b for b in VARIANTS if b.loss is loss)
    request = request_for(str(bound), {}, draw(bound, 5000, 1), tmp_path)
    values = {
        run(request._replace(threads=threads, batch_rows=rows)).report().results[0].value
        for threads, rows in [(1, 0), (3, 64), (2, 1000)]
    }
    assert len(values) == 1


def test_constant_labels_have_no_variance(tmp_path: Path) -> None:
    same = {"labels": np.full(4, 2.0), "preds": np.full(4, 2.0)}
    off = {"labels": np.full(4, 2.0), "preds": np.full(4, 3.0)}
    assert evaluate_arrays("r2_score", {}, same, tmp_path, None) == 1.0
    assert evaluate_arrays("r2_score", {}, off, tmp_path, None) == 0.0
    assert evaluate_arrays("r2_score", {"force_finite": False}, off, tmp_path, None) == -math.inf
    assert math.isnan(evaluate_arrays("r2_score", {"force_finite": False}, same, tmp_path, None))


@pytest.mark.parametrize("weighted", [False, True])
def test_scores_of_several_classes(weighted: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    labels, preds = rng.integers(0, 4, (90, 1)), rng.dirichlet(np.ones(4), 90)
    weights = rng.random(90) if weighted else np.ones(90)
    arrays = {"labels": labels, "preds": preds, **({"weights": weights} if weighted else {})}
    own = np.eye(4)[labels[:, 0]]
    shares = np.average(own, axis=0, weights=weights)
    logs = weights @ -np.log(preds[own == 1]) / (weights @ -np.log(shares[labels[:, 0]]))
    squares = weights @ ((preds - own) ** 2).sum(1) / (weights @ ((shares - own) ** 2).sum(1))
    assert math.isclose(evaluate_arrays("d2_multiclass_log_loss", {}, arrays, tmp_path, None), 1 - logs, rel_tol=1e-12)
    assert math.isclose(
        evaluate_arrays("sklearn.d2_brier_score", {}, arrays, tmp_path, None), 1 - squares, rel_tol=1e-12
    )


def test_cox_s_likelihood(tmp_path: Path) -> None:
    arrays = {"labels": np.array([1.0, 2, -3]), "preds": np.exp([0.5, 0.1, 0.2])}
    assert math.isclose(evaluate_arrays("xgboost.cox-nloglik", {}, arrays, tmp_path, None), 0.8122478, rel_tol=1e-7)
    logs = {**arrays, "preds": np.array([0.5, 0.1, 0.2])}
    assert math.isclose(evaluate_arrays("catboost.Cox", {}, logs, tmp_path, None), -1.6244956, rel_tol=1e-7)


def test_cox_s_risk_set_holds_all_of_one_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    times = rng.integers(1, 9, 200) * rng.choice([-1.0, 1.0], 200)
    scores = rng.normal(size=200)
    risk = [
        math.log(sum(math.exp(s) for t, s in zip(times, scores, strict=True) if abs(t) >= abs(own))) for own in times
    ]
    expected = math.fsum(r - s for r, s, t in zip(risk, scores, times, strict=True) if t > 0) / (times > 0).sum()
    arrays = {"labels": times, "preds": scores}
    assert math.isclose(evaluate_arrays("cox", {"from_logs": True}, arrays, tmp_path, None), expected, rel_tol=1e-13)
    with pytest.raises(DataError, match="is 0"):
        evaluate_arrays("cox_nll", {"from_logs": True}, {**arrays, "labels": -abs(times)}, tmp_path, None)


def test_circle_is_its_formula(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows, labels = rng.normal(size=(30, 4)), rng.integers(0, 5, 30)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    gap = np.maximum(1 - rows @ rows.T, 0)
    same = labels[:, None] == labels
    near = np.where(same & ~np.eye(30, dtype=bool), np.exp(8 * (0.3 + gap) * (gap - 0.3)), 0).sum(1)
    far = np.where(same, 0, np.exp(8 * np.maximum(1.3 - gap, 0) * (0.7 - gap))).sum(1)
    losses = np.log1p(near * far)
    arrays = {"labels": labels, "preds": rows}
    got = evaluate_arrays("keras.Circle:gamma=8,margin=0.3", {}, arrays, tmp_path, None)
    assert math.isclose(got, losses[losses > 0].mean(), rel_tol=1e-12)
