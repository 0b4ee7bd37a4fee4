"""Calibration and decompositions of calls: every shape of labels and preds, on the samples and in small files."""

from __future__ import annotations

import json
import math
import random
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from model_diagnostics.scoring import LogLoss, SquaredError, decompose
from scipy.special import expit, softmax

import lossctl
from lossctl.api.audit import audit_words
from lossctl.catalogue.spec import bind
from lossctl.errors import UsageError
from lossctl.evaluation import calibrating as c
from lossctl.evaluation.executors import executor_for
from lossctl.evaluation.probabilities import bias_rows, log_odds, view_of
from lossctl.evaluation.request import Job, Request
from lossctl.evaluation.result import plain
from lossctl.evaluation.run import prepare, run
from lossctl.evaluation.work import judged_blocks, left_out
from tests.conftest import SAMPLES

WIDTH, MASS = c.Asked("equal-width"), c.Asked("equal-mass")


def request_of(path: Path, calls: tuple[str, ...], roles: dict[str, str], **more: Any) -> Request:
    return Request((str(path),), tuple(bind(call, {}) for call in calls), roles, **more)


def skips(job: Job, judged: Any) -> list[np.ndarray | None]:
    """As the pass over the rows makes them."""
    found = []
    for settled in job.losses:
        some = [flags for flags in (judged.skipped, left_out(settled, judged)) if flags is not None]
        found.append(reduce(np.bitwise_or, some) if some else None)
    return found


def merged(request: Request, make: Any, order: int = 0) -> tuple[Job, c.Parts]:
    made = prepare(request)

    def unit_part(job: Job, unit: Any) -> c.Parts:
        tally = make(job)
        for judged in judged_blocks(job, unit):
            if judged.block.rows:
                tally.add(judged, skips(job, judged))
        return tally.partial()

    parts = list(executor_for(request.threads).run(unit_part, made.job, made.units))
    random.Random(order).shuffle(parts)
    return made.job, reduce(c.Parts.merge, parts)


def calibration(request: Request, asked: c.Asked = WIDTH, order: int = 0) -> dict[str, Any]:
    job, part = merged(request, lambda job: c.CalibrationTally(job, asked), order)
    return c.calibration_document(job, asked, part)


def decompositions(request: Request, order: int = 0) -> list[dict[str, Any] | None]:
    return c.decomposition_documents(*merged(request, c.DecompositionTally, order))


def pieces(found: dict[str, Any] | None) -> tuple[float, ...]:
    assert found is not None
    return tuple(found[name] for name in ("miscalibration", "discrimination", "uncertainty", "value"))


def theirs(labels: Any, preds: Any, function: Any, weights: Any = None) -> tuple[float, ...]:
    (row,) = decompose(np.asarray(labels), np.asarray(preds), weights, scoring_function=function).rows()
    return row


def one_versus_rest(labels: np.ndarray, preds: np.ndarray, function: Any) -> Any:
    rows = [theirs((labels == k).astype(float), preds[:, k], function) for k in range(preds.shape[1])]
    return pytest.approx(np.sum(rows, axis=0), rel=1e-10, abs=1e-10)


def saved(folder: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), folder / "t.parquet", row_group_size=50)
    return folder / "t.parquet"


# --- samples, against model-diagnostics ---


def test_two_classes() -> None:
    table = pl.read_parquet(SAMPLES / "breast_cancer.parquet")
    request = request_of(
        SAMPLES / "breast_cancer.parquet",
        ("binary_crossentropy", "sklearn.brier_score_loss", "mean_squared_error", "hinge"),
        {"preds": "prob"},
    )
    log_loss, brier, squared, none = decompositions(request)
    assert none is None
    assert pieces(log_loss) == pytest.approx(theirs(table["label"], table["prob"], LogLoss()), abs=1e-10)
    assert pieces(brier) == pytest.approx(theirs(table["label"], table["prob"], SquaredError()), abs=1e-10)
    assert pieces(squared) == pieces(brier)
    assert [one["score"] for one in (log_loss, brier, squared)] == ["log_loss", "brier", "squared_error"]  # type: ignore[index]
    values = [entry.value for entry in run(request).report().results]
    assert pieces(log_loss)[3] == pytest.approx(values[0], rel=1e-13)
    assert pieces(brier)[3] == pytest.approx(values[1], rel=1e-13)


def test_two_classes_from_logits() -> None:
    table = pl.read_parquet(SAMPLES / "breast_cancer.parquet")
    preds = expit(table["logit"].to_numpy().astype(float))
    (found,) = decompositions(
        request_of(SAMPLES / "breast_cancer.parquet", ("torch.BCEWithLogitsLoss",), {"preds": "logit"})
    )
    assert pieces(found) == pytest.approx(theirs(table["label"], preds, LogLoss()), abs=1e-10)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("digits.parquet", "sparse_categorical_crossentropy"),
        ("digits_logits.parquet", "sparse_categorical_crossentropy:from_logits=true"),
        ("digits_logits.csv", "torch.CrossEntropyLoss"),
    ],
)
def test_classes_one_versus_rest(name: str, call: str) -> None:
    logits = name != "digits.parquet"
    table = pl.read_parquet(SAMPLES / ("digits_logits.parquet" if logits else name))
    given = table.select(pl.col("^(p|logit)_[0-9]+$")).to_numpy().astype(float)
    preds = softmax(given, axis=1) if logits else np.clip(given, 1e-7, 1 - 1e-7)
    (found,) = decompositions(request_of(SAMPLES / name, (call,), {}))
    assert pieces(found) == one_versus_rest(table["label"].to_numpy(), preds, LogLoss())
    assert found is not None
    assert found["over"] == "sum over classes, one versus rest"


def test_the_brier_score_of_classes() -> None:
    table = pl.read_csv(SAMPLES / "digits.csv")
    request = request_of(SAMPLES / "digits.csv", ("multiclass_brier_score",), {})
    (found,) = decompositions(request)
    preds = table.select(pl.col("^p_[0-9]+$")).to_numpy()
    assert pieces(found) == one_versus_rest(table["label"].to_numpy(), preds, SquaredError())
    assert pieces(found)[3] == pytest.approx(run(request).report().results[0].value, rel=1e-13)


def test_a_regression() -> None:
    table = pl.read_csv(SAMPLES / "diabetes.csv")
    request = request_of(SAMPLES / "diabetes.csv", ("mse", "half_squared_error"), {})
    found, half = decompositions(request)
    assert pieces(found) == pytest.approx(theirs(table["target"], table["pred"], SquaredError()), rel=1e-10)
    assert pieces(half) == tuple(0.5 * piece for piece in pieces(found))


def test_several_labels_a_row() -> None:
    table = pl.read_parquet(SAMPLES / "multilabel.parquet")
    request = request_of(SAMPLES / "multilabel.parquet", ("torch.BCELoss",), {"labels": "y_*", "preds": "p_*"})
    (found,) = decompositions(request)
    rows = [theirs(table[f"y_{k}"], table[f"p_{k}"], LogLoss()) for k in ("even", "ge5", "loop")]
    assert pieces(found) == pytest.approx(np.mean(rows, axis=0), abs=1e-10)
    assert pieces(found)[3] == pytest.approx(run(request).report().results[0].value, rel=1e-13)
    document = calibration(request)
    assert (document["kind"], "bins" in document) == ("multilabel", False)
    assert document["labelwise"]["ece"] == pytest.approx(
        np.mean([entry["ece"] for entry in document["labelwise"]["classes"]])
    )


def plain_ece(preds: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    codes = np.clip(np.ceil(preds * bins).astype(int) - 1, 0, bins - 1)
    return sum(abs((preds - right)[codes == k].sum()) for k in range(bins)) / len(preds)


def test_calibration_of_classes() -> None:
    table = pl.read_parquet(SAMPLES / "digits.parquet")
    preds, labels = table.select(pl.col("^p_[0-9]+$")).to_numpy(), table["label"].to_numpy()
    document = calibration(request_of(SAMPLES / "digits.parquet", ("sparse_categorical_crossentropy",), {}))
    assert document["estimator"] == "top-label, equal-width, 15 bins, L1, plug-in"
    assert document["ece"] == pytest.approx(plain_ece(preds.max(1), preds.argmax(1) == labels), rel=1e-10)
    by_class = document["classwise"]["classes"]
    assert [entry["class"] for entry in by_class] == list(range(10))
    expected = [plain_ece(preds[:, k], labels == k) for k in range(10)]
    assert [entry["ece"] for entry in by_class] == pytest.approx(expected, rel=1e-10)
    assert document["classwise"]["ece"] == pytest.approx(np.mean(expected))
    json.dumps(plain(document), allow_nan=False)


@pytest.mark.parametrize("asked", [WIDTH, MASS], ids=str)
def test_logits_and_probabilities_are_calibrated_alike(asked: c.Asked) -> None:
    probs = calibration(
        request_of(SAMPLES / "breast_cancer.parquet", ("binary_crossentropy",), {"preds": "prob"}), asked
    )
    logits = calibration(
        request_of(SAMPLES / "breast_cancer.csv", ("torch.BCEWithLogitsLoss",), {"preds": "logit"}), asked
    )
    assert logits["ece"] == pytest.approx(probs["ece"], abs=1e-5)
    assert [entry["count"] for entry in logits["bins"]] == [entry["count"] for entry in probs["bins"]]


# --- small files ---


def three_classes(rows: int = 400) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(2)
    preds = draw.dirichlet(np.ones(3), rows).round(3)
    weights = draw.exponential(size=rows)
    return {"label": draw.integers(0, 3, rows), **{f"p{k}": preds[:, k] for k in range(3)}, "w": weights}


@pytest.mark.parametrize("weights", [{}, {"weights": "w"}], ids=["plain", "weighted"])
def test_the_bits_hang_on_no_thread_batch_split_order_or_format(weights: dict[str, str], tmp_path: Path) -> None:
    columns = three_classes()
    calls, roles = ("multiclass_brier_score", "cce"), {"labels": "label", "preds": "p?", **weights}
    path = saved(tmp_path, **columns)
    expected = [calibration(request_of(path, calls, roles), asked) for asked in (WIDTH, MASS)]
    split = decompositions(request_of(path, calls, roles))
    pa.csv.write_csv(pa.table(columns), tmp_path / "t.csv")
    for name, order, more in (("t.parquet", 1, {"threads": 3, "batch_rows": 7}), ("t.csv", 2, {"batch_rows": 31})):
        request = request_of(tmp_path / name, calls, roles, **more)
        assert [calibration(request, asked, order) for asked in (WIDTH, MASS)] == expected
        assert decompositions(request, order) == split


@pytest.mark.parametrize("asked", [WIDTH, MASS], ids=str)
def test_one_hot_labels_and_indices_are_the_same(asked: c.Asked, tmp_path: Path) -> None:
    columns = three_classes()
    hot = {f"y{k}": (columns["label"] == k).astype(float) for k in range(3)}
    path = saved(tmp_path, **columns, **hot)
    index, one_hot = (
        request_of(path, ("multiclass_brier_score",), {"labels": labels, "preds": "p?"}) for labels in ("label", "y?")
    )
    assert calibration(index, asked) == calibration(one_hot, asked)
    assert decompositions(index) == decompositions(one_hot)


def test_ties_of_the_top_label_go_to_the_lowest_class(tmp_path: Path) -> None:
    path = saved(tmp_path, label=[0, 1], p0=[0.4, 0.4], p1=[0.4, 0.4], p2=[0.2, 0.2])
    document = calibration(request_of(path, ("cce",), {"labels": "label", "preds": "p?"}))
    (entry,) = document["bins"]
    assert (entry["predicted"], entry["observed"]) == (0.4, 0.5)


def test_labels_of_one_and_minus_one(tmp_path: Path) -> None:
    label = np.array([1, -1, 1, -1, 1])
    path = saved(tmp_path, label=label, zero=(label > 0).astype(int), p=[0.9, 0.3, 0.4, 0.6, 0.7])
    signed, plain_labels = (
        request_of(path, ("binary_brier_score",), {"labels": name, "preds": "p"}) for name in ("label", "zero")
    )
    assert calibration(signed) == calibration(plain_labels)
    assert decompositions(signed) == decompositions(plain_labels)


def test_rows_that_do_not_count_are_left_out(tmp_path: Path) -> None:
    path = saved(tmp_path, label=[1, 0, 1, -1, 1, 0], p=[0.9, 0.3, math.nan, 0.6, 0.7, 0.2], m=[1, 1, 1, 1, 0, 1])
    request = request_of(path, ("bce",), {"labels": "label", "preds": "p", "mask": "m"}, on_bad="drop", ignore_index=-1)
    document = calibration(request)
    assert (document["count"], document["bias"]) == (3, pytest.approx((0.9 + 0.3 + 0.2 - 1) / 3))
    (found,) = decompositions(request)
    assert pieces(found)[3] == pytest.approx(run(request).report().results[0].value, rel=1e-13)


def test_rows_kept_in_spite_of_no_number_are_told(tmp_path: Path) -> None:
    path = saved(tmp_path, label=[1, 0, 1], p=[0.9, 0.3, math.nan])
    request = request_of(path, ("bce", "binary_brier_score"), {"labels": "label", "preds": "p"}, on_bad="keep")
    assert calibration(request)["unusable"] == 1
    assert all(math.isnan(piece) for found in decompositions(request) for piece in pieces(found))


def test_the_loss_s_own_guard_bounds_what_is_infinite_without_it(tmp_path: Path) -> None:
    path = saved(tmp_path, label=[1, 0, 1], p=[0.0, 0.3, 0.8])
    request = request_of(path, ("bce", "bce:epsilon=0", "torch.BCELoss"), {"labels": "label", "preds": "p"})
    guarded, bare, torch = map(pieces, decompositions(request))
    values = [entry.value for entry in run(request).report().results]
    assert [guarded[3], bare[3], torch[3]] == pytest.approx(values, rel=1e-13)
    assert bare[0] == bare[3] == math.inf
    assert guarded[1:3] == bare[1:3] == torch[1:3]


def test_logits_beyond_what_probabilities_tell(tmp_path: Path) -> None:
    path = saved(tmp_path, label=[1, 0, 1], z0=[50.0, -1.0, 0.0], z1=[0.0, 1.0, 0.5])
    request = request_of(
        path, ("sparse_categorical_crossentropy:from_logits=true",), {"labels": "label", "preds": "z?"}
    )
    (found,) = decompositions(request)
    # of two classes, each is the other's rest: the sum over both is twice the loss
    assert pieces(found)[3] == pytest.approx(2 * run(request).report().results[0].value, rel=1e-13)
    odds = log_odds(np.array([[50.0, 0.0, 1.0]]))
    rest = math.log1p(math.e) - 50.0
    assert odds[0] == pytest.approx(
        [-rest, -50 - math.log1p(math.exp(-49)), -49 - math.log1p(math.exp(-50))], rel=1e-15
    )


def test_weights_of_classes_count(tmp_path: Path) -> None:
    columns = three_classes()
    path = saved(tmp_path, **columns, cw=np.array([1.0, 2.0, 4.0])[columns["label"]])
    roles = {"labels": "label", "preds": "p?"}
    by_class = request_of(path, ("multiclass_brier_score",), roles, class_weights=(1.0, 2.0, 4.0))
    by_row = request_of(path, ("multiclass_brier_score",), {**roles, "weights": "cw"})
    assert calibration(by_class) == calibration(by_row)
    assert decompositions(by_class) == decompositions(by_row)


def test_bias_of_rows(tmp_path: Path) -> None:
    path = saved(
        tmp_path, label=[1, 0, 2], p0=[0.2, 0.5, 0.1], p1=[0.7, 0.3, 0.8], p2=[0.1, 0.2, 0.1], z=[0.0, 2.0, 1.5]
    )
    expected = {
        ("cce", "p?"): [0.7 - 1, 0.5 - 1, 0.8],
        ("mse", "z"): [-1.0, 2.0, -0.5],
    }
    for (call, preds), values in expected.items():
        made = prepare(request_of(path, (call,), {"labels": "label", "preds": preds}))
        (judged,) = judged_blocks(made.job, next(iter(made.units)))
        view = view_of(made.job, made.job.losses[0])
        assert view is not None
        assert bias_rows(view, made.job.losses[0], judged).tolist() == pytest.approx(values)


# --- refusals ---


def test_what_has_no_probabilities_is_refused() -> None:
    job = prepare(request_of(SAMPLES / "diabetes.csv", ("mae", "huber"), {})).job
    with pytest.raises(
        UsageError, match=r"^--calibration needs a loss of probabilities or logits, .*there is mean_a.*, hub"
    ):
        c.CalibrationTally(job, WIDTH)
    with pytest.raises(
        UsageError, match=r"^--decompose splits the Brier score, .*; there is mean_absolute_error, huber$"
    ):
        c.DecompositionTally(job)


@pytest.mark.parametrize("call", ["bce:label_smoothing=0.1", "bce:pos_weight=2", "binary_focal_crossentropy"])
def test_a_score_that_is_no_log_loss_is_not_split(call: str) -> None:
    job = prepare(request_of(SAMPLES / "breast_cancer.csv", (call,), {"preds": "prob"})).job
    with pytest.raises(UsageError, match=r"^--decompose splits"):
        c.DecompositionTally(job)
    assert c.calibrated(job) == 0


def test_flags() -> None:
    plain = audit_words()
    assert (plain.calibration, plain.bins) == (None, 15)
    assert audit_words(calibration="equal-mass").bins == 15
    assert audit_words(calibration="equal-width", bins=7).bins == 7
    for given, message in (
        ((None, 5), r"^bins goes with calibration"),
        (("equal-mass", 0), r"^bins must be a whole number from 1 to 10,000, got 0$"),
        (("equal", 5), r'^calibration must be "equal-mass" or "equal-width", got \'equal\'$'),
    ):
        with pytest.raises(UsageError, match=message):
            audit_words(calibration=given[0], bins=given[1])


def test_bias_by_slice_is_the_mean_of_prediction_less_label() -> None:
    table = pd.read_csv("samples/breast_cancer.csv")
    found = lossctl.evaluate(table, loss="bce", preds="prob", labels="label", by="size", calibration="equal-width")
    slices = found.to_dict()["calibration"]["slices"]
    assert len(slices) == table["size"].nunique()
    for one in slices:
        rows = table[table["size"] == one["by"]["size"]]
        differences = rows["prob"] - rows["label"]
        assert one["count"] == len(rows)
        assert one["bias"] == pytest.approx(differences.mean(), rel=1e-12)
        assert one["stderr"] == pytest.approx(differences.sem(), rel=1e-12)
        assert one["low"] < one["bias"] < one["high"]
