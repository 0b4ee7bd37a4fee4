"""What `evaluate` hands back: values, rows, and every way to show them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

import lossctl
from lossctl.errors import UsageError
from lossctl.show.machine import FIELDS
from tests.conftest import SAMPLES, called, program

DIABETES, DIGITS = SAMPLES / "diabetes.csv", SAMPLES / "digits.parquet"
CALLS: dict[str, tuple[Path, dict[str, Any], tuple[object, ...]]] = {
    "one": (DIABETES, {"loss": "mae"}, ("--loss", "mae")),
    "several": (
        DIGITS,
        {"loss": ["scce", "cce:label_smoothing=0.1"], "threads": 2},
        ("--loss", "scce", "--loss", "cce:label_smoothing=0.1"),
    ),
    "with words": (
        DIGITS,
        {"loss": "scce", "labels": "label", "preds": "p_*", "ignore_index": 8, "reduction": "sum_over_batch_size"},
        ("--loss", "scce", "-y", "label", "-p", "p_*", "--ignore-index", 8, "-r", "sum_over_batch_size"),
    ),
    "without a denominator": (
        DIABETES,
        {"loss": "huber", "delta": 2, "reduction": "sum"},
        ("--loss", "huber", "--delta", 2, "-r", "sum"),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_it_says_what_the_command_line_says(name: str) -> None:
    path, words, flags = CALLS[name]
    found = lossctl.evaluate(path, **words)
    said = called("eval", path, *flags, "--json")
    assert (found.to_json(), found.to_dict()) == (said, json.loads(said))
    shown = program("eval", path, *flags)
    assert str(found) == shown.stderr + shown.stdout


def test_json_has_non_finite_numbers_as_texts_and_the_dict_as_numbers() -> None:
    found = lossctl.evaluate(labels=[1.0], preds=[float("inf")], loss="mae", on_bad="keep")
    assert json.loads(found.to_json())["results"][0]["value"] == "inf"
    assert found.to_dict()["results"][0]["value"] == found.value == float(found) == float("inf")


def test_a_frame_has_a_row_a_loss() -> None:
    frame = lossctl.evaluate(DIABETES, loss=["mae", "huber:delta=50"]).to_pandas()
    assert tuple(frame.columns) == FIELDS
    assert frame["spec"].tolist() == ["mean_absolute_error", "huber:delta=50.0"]
    assert frame["options"][1] == {"delta": 50.0}
    assert frame["count"].tolist() == [442, 442]


@pytest.mark.parametrize(
    "words", [{}, {"reduction": "sum"}, {"on_empty": "nan", "mask": [0, 0]}, {"reduction": "none"}], ids=str
)
def test_its_numbers_are_numbers_even_where_there_are_none(words: dict[str, Any]) -> None:
    frame = lossctl.evaluate(labels=[1.0, 2.0], preds=[2.0, 4.0], loss="mse", **words).to_pandas()
    kinds = dict.fromkeys(("value", "sum", "weight_sum", "denominator", "stderr", "min", "max"), "float64")
    assert {name: str(frame[name].dtype) for name in (*kinds, "count")} == {**kinds, "count": "int64"}
    pd.testing.assert_frame_equal(pd.concat([frame, frame]).iloc[: len(frame)], frame)


def test_of_several_losses_one_is_taken_by_name() -> None:
    found = lossctl.evaluate(labels=[1.0, 2.0], preds=[2.0, 4.0], loss=["mse", "huber:delta=2", "huber:delta=9"])
    assert found.values == {"mean_squared_error": 2.5, "huber:delta=2.0": 1.25, "huber:delta=9.0": 1.25}
    assert all(found[spec].value == value for spec, value in found.values.items())
    assert found["mse"].value == found["mean_squared_error"].value == 2.5
    assert found["huber:delta=9.0"].value == 1.25
    for name, told in (
        ("huber", "2 of the losses are 'huber'"),
        ("mean_squared_eror", "did you mean mean_squared_error"),
    ):
        with pytest.raises(UsageError, match=told):
            found[name]
    with pytest.raises(UsageError, match="the call has 3 losses"):
        _ = found.value


def test_a_row_s_loss_is_weighted_and_stands_beside_its_number() -> None:
    table = pa.table(
        {"label": [1.0, None, 3.0, 4.0], "pred": [2.0, 2.0, 5.0, 4.0], "w": [1.0, 1.0, 2.0, 3.0], "id": list("abcd")}
    )
    found = lossctl.evaluate(table, loss="mse", weights="w", on_bad="drop", ids=["id"], batch_size=2)
    assert found.per_row.tolist() == [1.0, 8.0, 0.0]
    assert found.row_table().to_pydict() == {
        "row": [1, 3, 4],
        "id": ["a", "c", "d"],
        "mean_squared_error": [1.0, 8.0, 0.0],
    }
    assert found.per_row.sum() == found.results[0].sum
    assert found.per_row is found.per_row


def test_an_ignored_row_counts_nothing_and_keeps_its_place() -> None:
    found = lossctl.evaluate(labels=[0, 1, 1], preds=[[0.5, 0.5]] * 3, loss="scce", ignore_index=0)
    assert found.per_row.tolist() == [0.0, np.log(2), np.log(2)]
    assert found.rows.dropped == {"ignored": 1}


def test_rows_of_several_files_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / f"{k}.parquet" for k in range(3)]
    for k, path in enumerate(paths):
        numbers = np.arange(k + 1.0)
        pq.write_table(
            pa.table(
                {"label": numbers, "pred": numbers + k, "id": pa.array([k] * (k + 1), [pa.int8(), pa.int64()][k % 2])}
            ),
            path,
        )
    rows = lossctl.evaluate(paths, loss="mae", ids=["id"]).row_table()
    assert rows["file"].to_pylist() == [str(paths[k]) for k in (0, 1, 1, 2, 2, 2)]
    assert rows["row"].to_pylist() == [1, 1, 2, 1, 2, 3]
    assert rows["id"].to_pylist() == rows["mean_absolute_error"].to_pylist() == [0, 1, 1, 2, 2, 2]


def test_where_each_output_counts_it_has_a_column() -> None:
    labels, weights = np.arange(12.0).reshape(4, 3), np.array([1.0, 2.0, 3.0, 4.0])
    found = lossctl.evaluate(labels=labels, preds=labels + np.array([1, 2, 3]), weights=weights, loss="torch.MSELoss")
    assert found.per_row.tolist() == [[w, 4 * w, 9 * w] for w in weights]
    assert found.row_names == tuple(f"torch.MSELoss[{k}]" for k in range(3))
    each = lossctl.evaluate(labels=labels, preds=labels + 1, weights=labels, loss="torch.MSELoss")
    assert np.array_equal(each.per_row, labels)
    rows = lossctl.evaluate(labels=labels, preds=labels + np.array([1, 2, 3]), loss="mse")
    assert rows.per_row == pytest.approx([14 / 3] * 4, rel=1e-15)


def test_rows_that_there_are_none_of() -> None:
    several = lossctl.evaluate(labels=[1.0], preds=[3.0], loss=["mse", "mae"])
    with pytest.raises(UsageError, match="per_row is of one loss"):
        _ = several.per_row
    assert several.row_table().to_pydict() == {"row": [1], "mean_squared_error": [4.0], "mean_absolute_error": [2.0]}
    with pytest.raises(UsageError, match="root_mean_squared_error is one number of the whole data"):
        _ = lossctl.evaluate(labels=[1.0], preds=[3.0], loss="rmse").per_row
    with pytest.raises(UsageError, match="no one value; the losses of the rows are `per_row`"):
        _ = lossctl.evaluate(labels=[1.0], preds=[3.0], loss="mse", reduction="none").value
    with pytest.raises(UsageError, match="say keep_dropped=True"):
        several.dropped_rows()
    with pytest.raises(UsageError, match="two columns row; rename"):
        lossctl.evaluate({"y": [1.0], "p": [1.0], "row": [7]}, loss="mse", ids=["row"]).row_table()
    empty = lossctl.evaluate(labels=[], preds=[], loss="mse", reduction="none").row_table()
    assert [str(kind) for kind in empty.schema.types] == ["int64", "double"]


NASTY = lossctl.evaluate(
    {"<b>y</b>": [1.0, 2.0], "[red]p\x1b[1m": [2.0, 3.0]}, labels="<b>y</b>", preds="[[]red]p*", loss="mse"
)


@pytest.mark.parametrize("width", [60, 200])
@pytest.mark.parametrize("color", [None, "truecolor"])
def test_rich_shows_the_table_in_its_width(width: int, color: Any) -> None:
    for found in (NASTY, lossctl.evaluate(DIGITS, loss=["scce", "cce:label_smoothing=0.1"])):
        console = Console(
            width=width, color_system=color, force_terminal=color is not None, record=True, file=io.StringIO()
        )
        console.print(found)
        text = console.export_text()
        assert max(map(len, text.splitlines())) <= width
        assert found.results[0].spec in text
        assert f"{found.results[0].value:.8g}" in text
    assert ("─" * 20 in text) == (width == 200)


def test_html_is_escaped() -> None:
    text = NASTY._repr_html_()
    assert "labels: &lt;b&gt;y&lt;/b&gt;" in text
    assert "<b>y" not in text
    assert "\x1b" not in text
    assert "<td><b>1</b></td>" in text
    assert text.count("<tr>") == 2


def test_html_shows_warnings_and_notes() -> None:
    text = lossctl.evaluate(DIGITS, loss="cce:label_smoothing=0.1")._repr_html_()
    assert "<br>warning: " in text
    assert "<br><small>guarded: 89 rows" in text
    assert "<table>" not in lossctl.evaluate(DIABETES, loss="mae", reduction="none")._repr_html_()


def test_a_result_says_what_it_is() -> None:
    assert repr(NASTY) == "<lossctl.Result mean_squared_error: 1.0; 2 of 2 rows>"
    assert NASTY.columns == {"labels": ("<b>y</b>",), "preds": ("[red]p\x1b[1m",), "weights": None}
    assert [(file.path, file.rows) for file in NASTY.inputs] == [("data", 2)]
    assert NASTY.warnings == ()
