"""What falls between filters, joins, several files, shapes and formats when they come together in one call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import lossctl
from lossctl.errors import UsageError
from tests.conftest import program

N = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One table whole, and in two that are to be joined."""
    rng = np.random.default_rng(3)
    ids = np.arange(N)
    preds = pa.table({"id": ids, "p": rng.random(N), "x": ids / 8})
    labels = pa.table({"id": ids, "y": rng.integers(0, 2, N), "w": (ids + 1) / 4})
    pq.write_table(preds, tmp_path / "p.parquet", row_group_size=10)
    pq.write_table(labels.take(rng.permutation(N)), tmp_path / "l.parquet", row_group_size=7)
    whole = preds.append_column("y", labels["y"]).append_column("w", labels["w"])
    pq.write_table(whole, tmp_path / "whole.parquet")
    return tmp_path


def evaluated(path: Path, **more: Any) -> Any:
    return lossctl.evaluate(str(path), loss=["mse", "median_absolute_error"], labels="y", preds="p", **more)


@pytest.mark.parametrize("where", ["x > 4", "x > 100", "w < 5", "w < 5 and x > 2", "y = 1"])
def test_a_filter_before_or_behind_a_join(folder: Path, where: str) -> None:
    """The first row groups may hold no row that matches: what is in them cannot be asked for its type."""
    join = {"labels_from": str(folder / "l.parquet"), "on": "id", "on_unmatched": "drop", "on_empty": "nan"}
    found = evaluated(folder / "p.parquet", where=where, **join)
    plain = evaluated(folder / "whole.parquet", where=where, on_empty="nan")
    assert repr(found.values) == repr(plain.values)
    assert found.rows == plain.rows


def test_blocks_without_rows_take_no_warning_away(tmp_path: Path) -> None:
    """The last rows are filtered away, in blocks of their own."""
    rows = pa.table({"label": [0, 1, 1, 0], "p0": [0.75, 0.5, 0.25, 0.5], "p1": [0.5, 0.5, 0.25, 0.5], "k": range(4)})
    pq.write_table(rows, tmp_path / "t.parquet", row_group_size=4)
    found = lossctl.evaluate(str(tmp_path / "t.parquet"), loss="scce", where="k < 3", batch_size=1)
    assert [(one.code, one.count) for one in found.warnings] == [("rows_not_normalised", 2)]


@pytest.mark.parametrize("names", [["csv", "parquet"], ["parquet", "csv"]])
def test_ids_are_text_where_some_file_has_them_as_text(folder: Path, names: list[str]) -> None:
    """007 of a CSV is no 7."""
    (folder / "a.csv").write_text("id,y,p\n007,1,0.5\n8,0,0.25\n")
    pq.write_table(pa.table({"id": [1, 2], "y": [1, 0], "p": [0.5, 0.5]}), folder / "a.parquet")
    files = [str(folder / f"a.{name}") for name in names]
    ids = {"csv": ["007", "8"], "parquet": ["1", "2"]}
    wanted = [text for name in names for text in ids[name]]
    found = lossctl.evaluate(files, loss="mse", labels="y", preds="p", ids=["id"])
    assert found.row_table()["id"].to_pylist() == wanted
    out = folder / "rows.parquet"
    done = program("eval", *files, "-y", "y", "-p", "p", "-l", "mse", "-r", "none", "--id", "id", "-o", out)
    assert done.returncode == 0, done.stderr
    assert pq.read_table(out)["id"].to_pylist() == wanted


def test_one_column_is_no_distribution_for_one_of_two_losses(folder: Path) -> None:
    with pytest.raises(UsageError, match="reads a pred for each class, preds has one column, and binary_crossentropy"):
        lossctl.evaluate(str(folder / "whole.parquet"), loss=["bce", "cce"], labels="y", preds="p")
    said = program("eval", folder / "whole.parquet", "-y", "y", "-p", "p", "--across", "cce", "--json")
    document = json.loads(said.stdout)
    wanted = lossctl.evaluate(str(folder / "whole.parquet"), loss="bce", labels="y", preds="p").value
    assert document["results"][0]["value"] == pytest.approx(wanted)


def test_keys_that_look_like_numbers_in_one_file_and_are_texts_in_others(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,p\n1,0.5\n2,0.25\n")
    pq.write_table(pa.table({"id": ["x3"], "p": [0.75]}), tmp_path / "b.parquet")
    pq.write_table(pa.table({"id": ["2", "x3", "1"], "y": [1.0, 0.0, 0.0]}), tmp_path / "l.parquet")
    for names in (["a.csv", "b.parquet"], ["b.parquet", "a.csv"]):
        files = [str(tmp_path / name) for name in names]
        found = lossctl.evaluate(files, loss="mae", labels="y", preds="p", labels_from=tmp_path / "l.parquet", on="id")
        assert found.value == pytest.approx((0.5 + 0.75 + 0.75) / 3)
    # numbers that are none elsewhere are still refused
    pq.write_table(pa.table({"id": [3], "p": [0.75]}), tmp_path / "b.parquet")
    with pytest.raises(lossctl.DataError, match=r"b\.parquet id \(int64\) and .* write both with one type"):
        lossctl.evaluate(files, loss="mae", labels="y", preds="p", labels_from=tmp_path / "l.parquet", on="id")


def test_class_names_where_the_first_file_has_no_label(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("label,p_cat,p_dog\n,0.5,0.5\n")
    (tmp_path / "b.csv").write_text("label,p_cat,p_dog\ndog,0.5,0.5\n")
    found = lossctl.evaluate([str(tmp_path / "a.csv"), str(tmp_path / "b.csv")], loss="scce", on_bad="drop")
    assert found.rows.dropped == {"null_label": 1}
    assert found.value == pytest.approx(np.log(2))
