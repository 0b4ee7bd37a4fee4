"""Class weights, masks, ignored labels, empty denominators, reductions by a framework's words, and --across."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.conftest import called, program

LABELS = [0, 1, 2, 2]
PROBS = [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.5, 0.25, 0.25]]
LOSSES = [-math.log(row[label]) for row, label in zip(PROBS, LABELS, strict=True)]


@pytest.fixture
def classes(tmp_path: Path) -> str:
    path = tmp_path / "classes.parquet"
    columns = {f"p_{name}": [row[k] for row in PROBS] for k, name in enumerate(("cat", "dog", "eel"))}
    names = [("cat", "dog", "eel")[k] for k in LABELS]
    table = pa.table({"label": LABELS, "name": names, **columns, "keep": [1, 1, 0, 1], "odd": [2, 1, 0, 1]})
    pa.parquet.write_table(table, path)
    return str(path)


def result(*words: object) -> dict[str, Any]:
    return json.loads(called("eval", *words, "--json", "-q"))["results"][0]  # type: ignore[no-any-return]


def weighted(weights: list[float]) -> float:
    own = [weights[label] for label in LABELS]
    return sum(w * x for w, x in zip(own, LOSSES, strict=True)) / sum(own)


@pytest.mark.parametrize("given", ["1,2,4", "eel=4,dog=2,cat=1", "dog=2,eel=4"])
def test_class_weights_join_the_weights(classes: str, given: str) -> None:
    for loss in ("scce", "cce", "sklearn.log_loss"):
        found = result(classes, "-y", "label", "-l", loss, "--class-weights", given)
        assert math.isclose(found["value"], weighted([1, 2, 4]), rel_tol=1e-12)
        assert found["denominator_name"] == "sum of weights"
        assert found["denominator"] == 11.0
    named = result(classes, "-y", "name", "-l", "scce", "--class-weights", given)
    assert math.isclose(named["value"], weighted([1, 2, 4]), rel_tol=1e-12)


def test_a_formula_s_own_class_weights_are_filled(classes: str) -> None:
    by_flag = result(classes, "-y", "label", "-l", "torch.CrossEntropyLoss", "--class-weights", "1,2,4")
    by_name = result(classes, "-y", "label", "-l", "torch.CrossEntropyLoss:weight=[1,2,4]")
    assert by_flag["value"] == by_name["value"]
    assert by_flag["denominator_name"] == by_name["denominator_name"] == "sum of class weights"
    assert by_flag["denominator"] == 11.0


def test_class_weights_that_do_not_fit_are_refused(classes: str) -> None:
    for given, told in {"1,2": "2 numbers, there are 3", "cow=2": "no class 'cow'", "1,-2,3": "numbers >= 0"}.items():
        done = program("eval", classes, "-y", "label", "-l", "scce", "--class-weights", given)
        assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    done = program("eval", classes, "-y", "label", "-l", "torch.CrossEntropyLoss:weight=[1,2]")
    assert "--class-weights has 2 numbers, there are 3" in done.stderr
    assert done.returncode == 2


def test_masked_and_ignored_rows_do_not_count(classes: str) -> None:
    masked = json.loads(called("eval", classes, "-y", "label", "-l", "scce", "--mask", "keep", "--json", "-q"))
    assert masked["rows"] == {"read": 4, "used": 3, "dropped": {"ignored": 1}}
    assert math.isclose(masked["results"][0]["value"], (LOSSES[0] + LOSSES[1] + LOSSES[3]) / 3, rel_tol=1e-12)
    ignored = result(classes, "-y", "label", "-l", "scce", "--ignore-index", "2")
    assert (ignored["count"], ignored["denominator"]) == (2, 2.0)
    rows = called("eval", classes, "-y", "label", "-l", "scce", "--mask", "keep", "-r", "none", "-q").splitlines()
    assert float(rows[3].split(",")[-1]) == 0.0
    assert program("eval", classes, "-y", "label", "-l", "scce", "--mask", "odd").returncode == 2


@pytest.mark.parametrize(
    ("loss", "value"),
    [("torch.CrossEntropyLoss", "nan"), ("keras.scce", 0.0), ("keras2.scce", "nan"), ("tf1.mean_squared_error", 0.0)],
)
def test_nothing_left_gives_the_framework_s_answer(loss: str, value: object, classes: str, tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.zeros(4))
    words = [classes, "-y", "label", "-l", loss, "--ignore-index", "0"] if "tf1" in loss else [classes, "-y", "label"]
    if "tf1" in loss:
        words = ["-y", tmp_path / "m.npy", "-p", tmp_path / "m.npy", "--mask", tmp_path / "m.npy", "-l", loss]
    else:
        np.save(tmp_path / "y.npy", np.full(4, 1))
        np.save(tmp_path / "p.npy", np.array(PROBS))
        words = ["-y", tmp_path / "y.npy", "-p", tmp_path / "p.npy", "-l", loss, "--ignore-index", "1"]
    assert result(*words)["value"] == value
    assert result(*words, "--on-empty", "zero")["value"] == 0.0
    assert program("eval", *words, "--on-empty", "error").returncode == 2


def test_a_reduction_means_what_the_framework_means(classes: str) -> None:
    keras = result(classes, "-y", "label", "-l", "keras.scce", "-r", "mean", "--class-weights", "1,2,4")
    assert (keras["reduction"], keras["denominator_name"], keras["denominator"]) == ("mean", "rows", 4.0)
    ours = result(
        classes, "-y", "label", "-l", "keras.scce", "-r", "MEAN_WITH_SAMPLE_WEIGHT", "--class-weights", "1,2,4"
    )
    assert ours["denominator"] == 11.0
    done = program("eval", classes, "-y", "label", "-l", "scce", "-r", "meen")
    assert (done.returncode, "did you mean mean" in done.stderr) == (2, True)


def test_a_row_of_several_outputs_counts_as_many_elements(tmp_path: Path) -> None:
    labels, preds = np.zeros((3, 2)), np.array([[1.0, 2], [3, 4], [5, 6]])
    np.save(tmp_path / "y.npy", labels)
    np.save(tmp_path / "p.npy", preds)
    words = ["-y", tmp_path / "y.npy", "-p", tmp_path / "p.npy"]
    torch, keras = result(*words, "-l", "torch.MSELoss", "-r", "sum"), result(*words, "-l", "keras.MSE", "-r", "sum")
    assert (torch["value"], torch["count"], keras["value"], keras["count"]) == (91.0, 6, 45.5, 3)
    assert result(*words, "-l", "torch.MSELoss")["denominator_name"] == "elements"
    assert (torch["min"], torch["max"]) == (1.0, 36.0)
    text = called("eval", *words, "-l", "torch.MSELoss", "-r", "none", "-q")
    assert text.splitlines()[:2] == ["row,torch.MSELoss[0],torch.MSELoss[1]", "1,1.0,4.0"]


def test_a_loss_of_the_whole_file_has_no_rows(classes: str) -> None:
    done = program("eval", "samples/diabetes.csv", "-l", "rmse", "-r", "none")
    assert done.returncode == 2
    assert "root_mean_squared_error" in done.stderr
    assert "no value a row" in done.stderr
    assert program("eval", "samples/diabetes.csv", "-l", "rmse", "-r", "sum").returncode == 2
    assert result("samples/diabetes.csv", "-l", "rmse")["reduction"] == "whole"


def test_a_number_of_no_rows_is_no_number(tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("y,p,keep\n1.5,2,0\n")
    for loss in ("max_error", "rmse", "median_absolute_error", "r2"):
        done = program("eval", tmp_path / "none.csv", "-l", loss, "--mask", "keep")
        assert (done.returncode, "--on-empty" in done.stderr) == (2, True), done.stderr
        assert result(tmp_path / "none.csv", "-l", loss, "--mask", "keep", "--on-empty", "nan")["value"] == "nan"


def test_across_tells_why_versions_differ() -> None:
    shown = called("eval", "samples/breast_cancer.csv", "-p", "prob", "--across", "binary_crossentropy", "-q")
    for name in ("keras2.BinaryCrossentropy", "torch.BCELoss", "tf1.log_loss", "sklearn.log_loss", "xgboost.logloss"):
        assert name in shown
    assert "guard=log" in shown
    assert "torch.BCEWithLogitsLoss" not in shown
    document = called("eval", "samples/digits.parquet", "--across", "log_loss", "--json", "-q")
    found = {entry["loss"]: entry["differs"] for entry in json.loads(document)["results"]}
    assert found["categorical_crossentropy"] == []
    assert "shares=as_given" in found["sklearn.log_loss"]
    assert program("eval", "samples/digits.parquet", "--across", "nothing").returncode == 2
    both = program("eval", "samples/digits.parquet", "--across", "huber", "-l", "huber")
    assert "give one of them" in both.stderr
