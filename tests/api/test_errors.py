"""What is wrong is told in one sentence by one of lossctl's own errors, whatever was handed over."""

from __future__ import annotations

import datetime
import re
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

import lossctl
from lossctl.errors import DataError, GateError, LossctlError, UsageError

ONE, TWO = [1.0], [1.0, 2.0]
NAN = float("nan")
FRAME = pd.DataFrame({"label": TWO, "pred": TWO, "row": ["a", "b"]})
PROBS = [[0.5, 0.5], [0.25, 0.75]]


def refused(kind: type[LossctlError], loss: Any = "mse", **more: Any) -> str:
    with pytest.raises(kind) as told:
        lossctl.evaluate(loss=loss, **more)
    assert type(told.value) is kind
    (line,) = str(told.value).splitlines()
    return line


def masked(values: Any, mask: Any) -> Any:
    return np.ma.array(values, mask=mask)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"labels": TWO, "preds": [1, NAN]}, "(1 nan_pred): data row 2 column preds: nan, expected a finite number"),
        ({"labels": TWO, "preds": [1, None]}, "(1 null_pred): data row 2 column preds: null, expected a finite number"),
        ({"labels": TWO, "preds": TWO, "weights": [1, -1]}, "row 2 column weights: -1, expected a finite weight >= 0"),
        ({"labels": TWO, "preds": TWO, "mask": [1, 2]}, "row 2 column mask: 2, expected 0 or 1, false or true"),
        ({"labels": ["1", "x"], "preds": TWO}, "(1 unreadable_label): data row 2 column labels: 'x'"),
        ({"data": FRAME.assign(pred=[1.0, NAN])}, "data row 2 column pred: null, expected a finite number"),
        ({"data": pl.DataFrame({"label": TWO, "pred": [1.0, NAN]})}, "data row 2 column pred: nan, expected a finite"),
        ({"data": pl.DataFrame({"label": TWO, "pred": [1.0, None]})}, "data row 2 column pred: null, expected a"),
        ({"labels": masked(TWO, [0, 1]), "preds": TWO}, "row 2 column labels: null"),
        ({"labels": masked([1, 2], [0, 1]), "preds": pl.Series([1.0, NAN])}, "row 2 column labels: null"),
    ],
)
def test_a_bad_row_is_named_with_column_and_value(given: dict[str, Any], told: str) -> None:
    line = refused(DataError, **given)
    assert line.startswith("1 row cannot be used (1 ")
    assert told in line


@pytest.mark.parametrize(
    ("labels", "preds", "told"),
    [
        ([0, 2], PROBS, "row 2 column labels: 2, expected a class index from 0 to 1"),
        ([0, 1], [[0.5, 0.5], [0.25, 1.75]], "row 2 column preds: 1.75, expected a distribution over the classes"),
        ([0, 1], masked(PROBS, [[0, 0], [0, 1]]), "row 2 column preds: null"),
        (masked([0, 1], [0, 1]), np.array(PROBS), "row 2 column labels: null"),
        (["a", "b"], PROBS, "row 1 column labels: 'a', expected a class index from 0 to 1"),
    ],
)
def test_a_bad_row_of_classes_too(labels: Any, preds: Any, told: str) -> None:
    assert told in refused(DataError, "scce", labels=labels, preds=preds)


HOLES: dict[str, Any] = {
    "arrays": {"labels": [1.0, NAN, 3.0], "preds": [2.0, 2.0, 3.0]},
    "lists": {"labels": [1, None, 3], "preds": [2, 2, 3]},
    "masked": {"labels": masked([1, 2, 3], [0, 1, 0]), "preds": [2, 2, 3]},
    "pandas": {"data": pd.DataFrame({"label": [1, NAN, 3], "pred": [2, 2, 3]})},
    "nullable": {"data": pd.DataFrame({"label": pd.array([1, None, 3], "Int64"), "pred": [2, 2, 3]})},
    "series": {"labels": pd.Series([1, None, 3], dtype="Int64"), "preds": [2, 2, 3]},
    "polars": {"data": pl.DataFrame({"label": [1, None, 3], "pred": [2, 2, 3]})},
    "polars nan": {"data": pl.DataFrame({"label": [1.0, NAN, 3.0], "pred": [2, 2, 3]})},
    "arrow": {"data": pa.table({"label": [1, None, 3], "pred": [2, 2, 3]})},
}


@pytest.mark.parametrize("holes", HOLES)
def test_bad_rows_are_dropped_with_account(holes: str) -> None:
    found = lossctl.evaluate(**HOLES[holes], loss="mse", on_bad="drop", keep_dropped=True)
    (reason,) = found.rows.dropped
    assert reason in ("nan_label", "null_label")
    assert (found.value, found.rows.read, found.rows.used, found.rows.dropped[reason]) == (0.5, 3, 2, 1)
    assert found.per_row.tolist() == [1.0, 0.0]
    (table,) = found.dropped_rows()
    assert (table["dropped_row"].to_pylist(), table["dropped_reason"].to_pylist()) == ([2], [reason])
    assert np.isnan(lossctl.evaluate(**HOLES[holes], loss="mse", on_bad="keep").value)


def test_too_many_dropped_rows_fail() -> None:
    for limit in (0, 0.1, np.int64(0)):
        assert "1 rows were dropped" in refused(GateError, **HOLES["arrays"], on_bad="drop", max_dropped=limit)
    assert lossctl.evaluate(**HOLES["arrays"], loss="mse", on_bad="drop", max_dropped=0.5).value == 0.5


class Grad:
    """As a tensor that is part of a graph."""

    def __array__(self, *args: Any, **more: Any) -> Any:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.array([1j, 2]), "column 'labels' is complex128, which holds no numbers"),
        (np.array(["2020", "2021"], "M8[Y]"), "column 'labels' is datetime64[Y], which holds no numbers"),
        (np.array([1, 2], "m8[s]"), "column 'labels' is timedelta64[s], which holds no numbers"),
        ([datetime.date(2020, 1, 1)] * 2, "column 'labels' is date32[day], which holds no numbers"),
        (pd.Series(pd.to_datetime(["2020", "2021"])), "column 'labels' is timestamp"),
        (np.array([(1, 2.0)] * 2, "i4,f4"), "which holds no numbers"),
        (np.ones((2, 2, 2)), "labels has shape (2, 2, 2): an array of rows has one axis, or two"),
        (np.ones((2, 0)), "labels has shape (2, 0): its rows hold no numbers"),
        (np.float64(1.0), "labels has shape (): an array of rows has one axis, or two"),
        (1.0, "labels has shape (): an array of rows has one axis, or two"),
        ([1.0, 2.0, 3.0], "arrays of different lengths: labels 3, preds 2 rows"),
        (pl.Series([1.0, 2.0, 3.0]), "arrays of different lengths: labels 3, preds 2 rows"),
        ([[1.0], [1.0, 2.0]], "labels: no array of numbers: "),
        ([1.0, object()], "labels: expected numbers or texts: "),
        ([1.0, "x", None], "labels: expected numbers or texts: "),
        ([2**70, 1], "labels: expected numbers or texts: "),
        ({1.0, 2.0}, "labels: expected an array, a list or a column, got set"),
        ({"a": 1.0}, "labels: expected an array, a list or a column, got dict"),
        ((i for i in TWO), "labels: expected an array, a list or a column, got generator"),
        (scipy.sparse.csr_matrix(np.eye(2)), "got csr_matrix; call .toarray() on it first"),
        (Grad(), "labels: no array of numbers: Can't call numpy() on Tensor that requires grad. Use tensor.detach()"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_values_that_are_no_rows_of_numbers(values: Any, told: str) -> None:
    assert told in refused(DataError, labels=values, preds=TWO)


def test_structs_are_no_numbers() -> None:
    told = "column 'labels' holds structs, which are no numbers; name a field (columns: labels.a)"
    assert told in refused(UsageError, labels=[{"a": 1.0}] * 2, preds=TWO)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (42, "data is int; give paths, a data frame, an Arrow table or stream, or a dict of arrays"),
        (np.ones((2, 2)), "data is ndarray; give paths, "),
        ([FRAME], "data is list; give paths, "),
        ({}, "no column looks like preds"),
        ([], "no input"),
        (None, "no input"),
    ],
)
def test_data_of_no_known_kind(data: Any, told: str) -> None:
    assert told in refused(UsageError, data=data)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("nowhere.parquet", "nowhere.parquet: no such file"),
        (pl.Series(TWO), "data: Arrow cannot take it: "),
        (pd.DataFrame({"label": [1, "x"], "pred": TWO}), "data: Arrow cannot take it: "),
        (pd.DataFrame([[1.0, 2.0, 3.0]], columns=["label", "pred", "pred"]), "data: Arrow cannot take it: Duplicate"),
        (pa.Table.from_arrays([pa.array(ONE)] * 3, ["label", "pred", "pred"]), "more than one column 'pred'"),
        (pa.table({"label": ONE, "pred": pa.array([b"x"])}), "column 'pred' is binary, which holds no numbers"),
    ],
)
def test_data_that_cannot_be_used(data: Any, told: str) -> None:
    assert told in refused(DataError, data=data)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"labels": np.array(TWO)}, "labels: beside data it names columns of them, got ndarray"),
        ({"labels": FRAME["label"]}, "labels: beside data it names columns of them, got Series"),
        ({"labels": "labl"}, "no column 'labl'; did you mean label? (columns: label, pred, row)"),
        ({"weights": "w"}, "no column 'w' (columns: label, pred, row)"),
        ({"preds": ["pred", "nope"]}, "no column 'nope'"),
        ({"ids": ["nope"]}, "no column 'nope'"),
        ({"roles": {"lower": "pred"}}, "lower: none of the chosen losses reads it; they read labels, preds"),
        ({"on_bad": "dorp"}, "on_bad must be one of error, drop, keep, got 'dorp'; did you mean drop?"),
        ({"on_empty": "zreo"}, "on_empty must be one of error, nan, zero, got 'zreo'; did you mean zero?"),
        ({"reduction": "maen"}, "did you mean mean?"),
        ({"reduction": 3}, "reduction must be a name such as 'mean', got 3"),
        ({"dleta": 2}, "dleta is no option of huber; did you mean delta"),
        ({"label": "label"}, "label is no option of huber; did you mean labels"),
        ({"alpha": 2}, "none of the chosen losses has it; it belongs to "),
        ({"delta": -1}, "delta must be > 0, got -1"),
        ({"delta": "2"}, "delta must be > 0, got 2"),
        ({"delta": np.array(TWO)}, "delta must be > 0, got [1.0, 2.0]"),
        ({"loss": "hubr"}, "unknown loss 'hubr'; did you mean huber?"),
        ({"loss": []}, "say which loss"),
        ({"loss": None}, "None is no declared loss"),
        ({"loss": ["mse", 42]}, "42 is no declared loss"),
        ({"loss": max}, "<built-in function max> is no declared loss; decorate it with @lossctl.loss"),
        ({"loss": ["mse", "mean_squared_error"]}, "the same loss is asked for twice"),
        (
            {"classes": "ab"},
            "classes takes a list of two or more different names, or a .json or .txt file of them, got 'ab'",
        ),
        (
            {"classes": 42},
            "classes takes a list of two or more different names, or a .json or .txt file of them, got 42",
        ),
        ({"class_weights": "balanced"}, "class_weights must be finite and >= 0, got 'balanced'"),
        ({"class_weights": [1, -1]}, "class_weights must be finite and >= 0, got [1, -1]"),
        ({"ignore_index": "a"}, "ignore_index must be a class index, got 'a'"),
        ({"max_dropped": "1%"}, "max_dropped takes a count such as 5 or a share such as 0.001, got '1%'"),
        ({"max_dropped": -1}, "max_dropped takes a count"),
        ({"threads": -1}, "threads must be a whole number >= 0, got -1"),
        ({"batch_size": 0.5}, "batch_size must be a whole number >= 0, got 0.5"),
        ({"read": {"delim": ";"}}, "read has no 'delim'; did you mean delimiter or"),
    ],
)
def test_words_that_do_not_fit(words: dict[str, Any], told: str) -> None:
    assert told in refused(UsageError, **{"loss": "huber", "data": FRAME, **words})


@pytest.mark.parametrize("value", [np.float32(2), np.array(2), np.int8(2), 2])
def test_options_may_be_numpy_s_numbers(value: Any) -> None:
    found = lossctl.evaluate(labels=TWO, preds=[1.5, 9.0], loss="huber", delta=value)
    assert found.results[0].spec == "huber:delta=2.0"


@pytest.mark.parametrize(
    ("given", "width"),
    [
        ({"labels": [], "preds": []}, 1),
        ({"labels": [], "preds": np.zeros((0, 3))}, 3),
        ({"data": FRAME[:0]}, 1),
        ({"data": pl.DataFrame(schema={"label": pl.Float64, "pred": pl.Float64, "row": pl.String})}, 1),
    ],
)
def test_no_rows_have_no_value_unless_the_call_says_so(given: dict[str, Any], width: int) -> None:
    loss = "mse" if width == 1 else "scce"
    assert re.search(r"the denominator \(rows\) is 0, 0 rows were used", refused(DataError, loss, **given))
    assert np.isnan(lossctl.evaluate(**given, loss=loss, on_empty="nan").value)
    found = lossctl.evaluate(**given, loss=loss, reduction="none", ids="row" if "data" in given else ())
    assert found.per_row.shape == (0,)


def test_a_listing_of_losses_too() -> None:
    for words, told in (
        ({"name": "hubr"}, "did you mean huber"),
        ({"preset": "trch"}, "did you mean torch"),
        ({"like": "nope"}, "unknown loss 'nope'"),
        ({"name": "huber", "like": "huber"}, "give one of them"),
    ):
        with pytest.raises(UsageError, match=told):
            lossctl.losses(**words)
