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


BAD = "id,label,p\n1,1,0.5\n2,0,nan\n3,1,0.25\n4,,0.5\n"


def test_stdin_that_is_kept_is_nowhere_called_by_its_temporary_file(folder: Path) -> None:
    (folder / "bad.csv").write_text(BAD)
    flags = ("-l", "mse", "-p", "p", "--on-bad", "drop")
    out = folder / "dropped.csv"
    done = program("eval", "-", *flags, "--dropped", out, input=BAD)
    assert out.read_text().splitlines()[1:] == ['2,0,nan,"nan_pred","-",2', '4,,0.5,"null_label","-",4'], done.stderr
    done = program("eval", "-", folder / "bad.csv", *flags, "-r", "none", input=BAD)
    assert [line.split(",")[:2] for line in done.stdout.splitlines()[1:3]] == [["-", "1"], ["-", "3"]]
    (folder / "preds.csv").write_text("id,p\n1,0.5\n2,0.25\n3,0.5\n")
    labels = "id;label\n1;0,5\n2;0,25\n3;1,5\n"
    flags = ("--labels-from", "-", "--on", "id", "-l", "mse", "-p", "p", "--json")
    done = program("eval", folder / "preds.csv", *flags, input=labels)
    document = json.loads(done.stdout)
    assert document["join"]["labels_from"] == ["-"]
    told = "-: the numbers were read with a decimal comma; --decimal , or --decimal . settles it"
    assert [one["message"] for one in document["warnings"]] == [told]
    done = program("eval", "-", "-l", "median_absolute_error", "-y", "a", "-p", "b", "--json", input="a;b\n0,5;1,5\n")
    assert [one["message"].split(":")[0] for one in json.loads(done.stdout)["warnings"]] == ["-"]


def test_stdin_is_named_once(folder: Path) -> None:
    for files in (["-", "-"], ["-", "--labels-from", "-", "--on", "id"]):
        done = program("eval", *files, "-l", "mse", "-p", "p", input=BAD)
        assert (done.returncode, done.stdout) == (2, "")
        assert "lossctl: - is named twice, and stdin comes once; save it in a file" in done.stderr


AUDIT = """
files = ["-"]
labels = "y"
preds = "p"
[[terms]]
loss = "mse"
[[terms]]
loss = "median_absolute_error"
[[eval]]
loss = "mse"
where = "x > 4"
"""


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_an_objective_and_an_audit_of_stdin(folder: Path, suffix: str) -> None:
    (folder / "a.toml").write_text(AUDIT)
    pa.csv.write_csv(pq.read_table(folder / "whole.parquet"), folder / "whole.csv")
    plain = evaluated(folder / "whole.parquet")
    whole = folder / f"whole.{suffix}"
    for words in (("total",), ("run",)):
        with whole.open("rb") as file:
            done = program(*words, folder / "a.toml", "--json", stdin=file)
        assert done.returncode == 0, done.stderr
        assert "kept in a temporary file" in done.stderr
        document = json.loads(done.stdout)
        found = document if words == ("total",) else document["objective"]
        assert [term["value"] for term in found["terms"]] == list(plain.values.values())
        assert [one["path"] for one in found["inputs"]] == ["-"]
        if words == ("run",):
            first = document["evals"][0]
            assert first["results"][0]["value"] == evaluated(folder / "whole.parquet", where="x > 4")["mse"].value
            assert [one["path"] for one in first["inputs"]] == ["-"]


# the text makes text of all of a column, whose numbers still have a decimal comma
COMMAS = "id;{0};w\n1;0,5;1,5\n2;n/a;0,5\n3;0,25;2,5\n"
POINTS = "id,{0}\n1,0.25\n2,0.5\n3,0.5\n"
# of rows 1 and 3
WANTED = (0.0625 * 1.5 + 0.0625 * 2.5) / 4


@pytest.mark.parametrize(
    ("preds", "labels", "columns"),
    [
        (POINTS.format("p"), COMMAS.format("y"), ("y", "p")),
        (COMMAS.format("p"), POINTS.format("y"), ("y", "p")),
        (COMMAS.format("y"), POINTS.format("y"), ("y", "y@preds")),
        (POINTS.format("y"), COMMAS.format("y"), ("y", "y@preds")),
    ],
)
def test_decimal_commas_through_a_join(tmp_path: Path, preds: str, labels: str, columns: tuple[str, str]) -> None:
    (tmp_path / "p.csv").write_text(preds)
    (tmp_path / "l.csv").write_text(labels)
    call: dict[str, Any] = {"loss": "mse", "labels": columns[0], "preds": columns[1], "weights": "w"}
    call |= {"labels_from": str(tmp_path / "l.csv"), "on": "id", "on_bad": "drop"}
    found = lossctl.evaluate(str(tmp_path / "p.csv"), **call)
    assert (found.value, sum(found.rows.dropped.values())) == (WANTED, 1)
    left = lossctl.evaluate(str(tmp_path / "p.csv"), **call, where="id in (1, 3)")
    assert (left.value, left.rows.dropped) == (WANTED, {})
    assert left.to_dict()["join"]["unmatched_labels"] == 1


def test_a_filter_of_the_preds_leaves_labels_over_but_none_without_them(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,split,p\n1,a,0.5\n2,b,0.5\n9,a,0.5\n")
    (tmp_path / "l.csv").write_text("id,label\n1,1\n2,0\n")
    call: dict[str, Any] = {"loss": "mse", "labels_from": str(tmp_path / "l.csv"), "on": "id"}
    assert lossctl.evaluate(str(tmp_path / "p.csv"), **call, where="split = 'b'").value == 0.25
    told = r"1 row of \S*p\.csv without a label, 1 row of \S*l\.csv without a pred that matches --where \("
    with pytest.raises(lossctl.DataError, match=told):
        lossctl.evaluate(str(tmp_path / "p.csv"), **call, where="split = 'a'")
    with pytest.raises(lossctl.DataError, match=r"1 row of \S*p\.csv without a label \("):
        lossctl.evaluate(str(tmp_path / "p.csv"), **call)


def test_decimal_commas_are_told_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "k=1").mkdir()
    (tmp_path / "k=1" / "p.csv").write_text("id;p\n1;0,5\n")
    (tmp_path / "l.csv").write_text("id;y\n1;0,5\n")
    call = {"loss": "mse", "labels": "y", "preds": "p", "labels_from": str(tmp_path / "l.csv"), "on": "id"}
    found = lossctl.evaluate(str(tmp_path / "k=1"), **call, where="p > 0 and k = 1")
    assert [(one.code, one.count) for one in found.warnings] == [("decimal_comma", 2)]


def test_a_filter_reads_decimal_commas_where_a_column_turns_into_text(tmp_path: Path) -> None:
    """In the range of a text, all of a column is text."""
    rows, last = 130_000, 129_000
    x = [f"{i % 8 / 8:g}".replace(".", ",") for i in range(rows)]
    x[last] = "?"
    lines = "".join(f"{i};{text};1,5;1,0\n" for i, text in enumerate(x))
    path = tmp_path / "t.csv"
    path.write_text("k;x;label;pred\n" + lines)
    kept = sum(i % 8 / 8 > 0.6 for i in range(rows) if i != last)
    call: dict[str, Any] = {"loss": "mse", "labels": "label", "preds": "pred"}
    found = lossctl.evaluate(str(path), **call, where="x > 0.6", read={"null_values": ["?"]})
    assert (found.value, found.rows.used) == (0.25, kept)
    with pytest.raises(lossctl.DataError, match=r"column 'x' holds '\?', expected numbers"):
        lossctl.evaluate(str(path), **call, where="x > 0.6")


def test_long_rows_whose_columns_turn_into_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,class,prob,label\n1,a,0.5,0\n1,b,0.5,0\n")
    (tmp_path / "b.csv").write_text("id,class,prob,label\nx2,a,0.25,1\nx2,b,0.75,1\n")
    (tmp_path / "c.csv").write_text("id,class,prob,label\nx2,a,none,1\nx2,b,0.75,1\n")
    files = [str(tmp_path / f"{name}.csv") for name in "abc"]
    found = lossctl.evaluate(files[:2], loss="scce", long="id,class,prob", ids=["id"])
    assert found.value == pytest.approx(-(np.log(0.5) + np.log(0.75)) / 2)
    assert found.row_table()["id"].to_pylist() == ["1", "x2"]
    with pytest.raises(lossctl.DataError, match="column 'prob' holds numbers and further on text; --null-value TEXT"):
        lossctl.evaluate([files[0], files[2]], loss="scce", long="id,class,prob")


def test_texts_without_a_take_of_their_own(tmp_path: Path) -> None:
    """As polars has them."""
    ids = pa.array(["a", "b", "c"], pa.string_view())
    table = pa.table({"id": ids, "label": [1.0, 0.0, 1.0], "pred": [0.5, None, 0.25]})
    found = lossctl.evaluate(table, loss="mse", ids=["id"], on_bad="drop", keep_dropped=True, reduction="none")
    assert found.row_table()["id"].to_pylist() == ["a", "c"]
    assert [one["id"].to_pylist() for one in found.dropped_rows()] == [["b"]]


def test_labels_come_from_one_place() -> None:
    with pytest.raises(UsageError, match="labels and labels_from each bring labels; give one of them"):
        lossctl.evaluate(loss="mse", labels=[1.0], preds=[0.5], labels_from={"y": [0.0]}, by_position=True)


def test_class_names_are_not_taken_for_labels_from_one(tmp_path: Path) -> None:
    table = pa.table({"label": ["dog"] * 40, "p_cat": [0.5] * 40, "p_dog": [0.5] * 40})
    pq.write_table(table, tmp_path / "t.parquet")
    codes = [one.code for one in lossctl.evaluate(str(tmp_path / "t.parquet"), loss="scce").warnings]
    assert "no_class_0" not in codes


def test_an_objective_accounts_for_its_join(folder: Path) -> None:
    (folder / "a.toml").write_text(
        'files = ["p.parquet"]\nlabels_from = ["l.parquet"]\non = "id"\nlabels = "y"\npreds = "p"\n'
        '[[terms]]\nloss = "mse"\n'
    )
    done = program("total", folder / "a.toml", "--json")
    assert json.loads(done.stdout)["join"]["rows"] == N
    assert f"joined on id (hash): {N} rows of labels" in done.stderr
