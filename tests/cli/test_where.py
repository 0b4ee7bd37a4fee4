"""`--where` from the command line to the bits: the same as of a file that holds only the matching rows."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import lossctl
from lossctl.errors import DataError, UsageError
from tests.conftest import answer, program

N = 1000
FILTER = "split == 'test' and score > 0.25"
LOSSES = ["mse", "median_absolute_error", "squared_hinge", "d2_pinball:alpha=0.3", "circle"]


def table_of(rows: int = N) -> pa.Table:
    rng = np.random.default_rng(7)
    table: dict[str, Any] = {
        "label": rng.integers(0, 2, rows).astype(float),
        "pred": rng.random(rows),
        "weight": rng.random(rows),
        "split": rng.choice(["test", "train"], rows),
        "score": rng.random(rows),
        "id": [f"row {i + 1}" for i in range(rows)],
    }
    return pa.table(table)


def matching(table: pa.Table) -> pa.Table:
    return table.filter(
        pa.array(
            [s == "test" and x > 0.25 for s, x in zip(*(table[c].to_pylist() for c in ("split", "score")), strict=True)]
        )
    )


def saved(table: pa.Table, folder: Path, name: str) -> dict[str, str]:
    """The table in every format."""
    paths = {suffix: str(folder / f"{name}.{suffix}") for suffix in ("parquet", "csv", "npz")}
    pq.write_table(table, paths["parquet"], row_group_size=90)
    pa.csv.write_csv(table, paths["csv"])
    np.savez(paths["npz"], **{c: np.array(table[c].to_pylist()) for c in table.column_names})
    return paths


def words(**more: Any) -> dict[str, Any]:
    return {"loss": LOSSES, "labels": "label", "preds": "pred", "weights": "weight", **more}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("batch", [0, 7])
def test_the_same_bits_as_a_file_of_the_matching_rows(threads: int, batch: int, tmp_path: Path) -> None:
    table = table_of()
    part = matching(table)
    assert 0 < len(part) < N
    expected = lossctl.evaluate(part, **words()).results
    assert not any(math.isnan(entry.value) for entry in expected)
    for path in saved(table, tmp_path, "whole").values():
        found = lossctl.evaluate(path, where=FILTER, threads=threads, batch_size=batch, **words())
        assert found.results == expected
        assert (found.rows.read, found.rows.used, found.rows.filtered) == (len(part), len(part), N - len(part))
        assert [entry.rows for entry in found.inputs] == [N]


def test_what_hangs_on_all_rows_hangs_on_the_matching_ones(tmp_path: Path) -> None:
    labels = [0, 1, 1, 0, -1, 1, -5, 7]
    table = pa.table({"label": labels, "pred": np.linspace(-1, 1, 8), "k": [1, 1, 1, 1, 0, 0, 2, 2]})
    preds = {"labels": "label", "preds": "pred"}
    for loss in ("hinge", "squared_hinge:label_encoding=sorted", "cox_log_likelihood", "median_absolute_error"):
        alone = lossctl.evaluate(table.slice(0, 4), loss=loss, **preds)  # type: ignore[arg-type]
        for path in saved(table, tmp_path, "t").values():
            found = lossctl.evaluate(path, loss=loss, where="k = 1", **preds)  # type: ignore[arg-type]
            assert found.value == alone.value, (loss, path)
    none = {"where": "k = 9", "on_empty": "nan", **preds}
    for loss in ("median_absolute_error", "circle", "d2_pinball", "hinge"):
        assert math.isnan(lossctl.evaluate(table, loss=loss, **none).value)  # type: ignore[arg-type]


def test_data_in_memory(tmp_path: Path) -> None:
    table = table_of()
    expected = lossctl.evaluate(matching(table), **words()).results
    frame = table.to_pandas()
    arrays = {name: np.array(table[name].to_pylist()) for name in table.column_names}
    mixed = {**arrays, "split": table["split"]}
    two = ["split == 'test'", "score > 0.25"]
    for data in (table, frame, arrays, mixed, table.to_reader(64)):
        assert lossctl.evaluate(data, where=two, **words()).results == expected
    roles = {name: arrays[name] for name in ("label", "pred")}
    alone = lossctl.evaluate(loss="mse", labels=roles["label"], preds=roles["pred"], where="preds >= 0.5").value
    kept = roles["pred"] >= 0.5
    assert alone == lossctl.evaluate(loss="mse", labels=roles["label"][kept], preds=roles["pred"][kept]).value


def test_lists_whose_length_only_a_matching_row_tells(tmp_path: Path) -> None:
    table = pa.table({"label": [0, 1, 1], "pred": [[0.5], [0.25, 0.75], [0.125, 0.875]], "k": [0, 1, 2]})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=1)
    found = lossctl.evaluate(str(tmp_path / "t.parquet"), loss="scce", where="k > 0")
    assert (found.rows.used, found.rows.filtered) == (2, 1)
    none = lossctl.evaluate(
        str(tmp_path / "t.parquet"), loss="mae", where="k > 9", on_empty="nan", labels="k", preds="k"
    )
    assert math.isnan(none.value)


def test_the_document_names_the_filter_only_where_there_is_one(tmp_path: Path) -> None:
    path = saved(table_of(), tmp_path, "t")["parquet"]
    plain = ["-y", "label", "-p", "pred", "-l", "mse"]
    assert "where" not in answer(path, *plain)
    assert answer(path, *plain, "--where", FILTER)["where"] == FILTER
    both = answer(path, *plain, "--where", "split = 'test'", "--where", "score > 0.25")
    assert both["where"] == "(split = 'test') and (score > 0.25)"
    assert both["results"] == answer(path, *plain, "--where", FILTER)["results"]
    assert both["rows"]["filtered"] == both["inputs"][0]["rows"] - both["rows"]["read"]


def test_row_numbers_are_the_files_own(tmp_path: Path) -> None:
    table = table_of()
    preds = table["pred"].to_pylist()
    split = table["split"].to_pylist()
    test, train = split.index("test", 500), split.index("train", 500)
    preds[test] = None
    bad = table.set_column(1, "pred", pa.array(preds))
    kept = [at for at, s in enumerate(split) if s == "test" and at != test]
    for path in saved(bad, tmp_path, "t").values():
        flags = [path, "-y", "label", "-p", "pred", "-l", "mse", "--where", "split = 'test'", "--batch-size", "64"]
        if path.endswith("npz"):
            continue
        refused = program("eval", *flags)
        assert refused.returncode == 2
        assert f"{path} row {test + 1} column pred: null" in refused.stderr
        rows = program("eval", *flags, "-r", "none", "--on-bad", "drop", "--json", "-q", "--id", "id")
        said = [json.loads(line) for line in rows.stdout.splitlines()]
        assert [entry["row"] for entry in said] == [at + 1 for at in kept]
        assert [entry["id"] for entry in said] == [f"row {at + 1}" for at in kept]
        out = tmp_path / "dropped.parquet"
        done = program("eval", *flags, "--on-bad", "drop", "--dropped", out)
        dropped = pq.read_table(out).to_pylist()
        assert [(row["dropped_row"], row["id"]) for row in dropped] == [(test + 1, f"row {test + 1}")]
        away = sum(s == "train" for s in split)
        assert (
            f"{len(kept) + 1:,} rows read, {len(kept):,} used, 1 dropped (1 null_pred), {away:,} filtered"
            in done.stderr
        )
    preds[test], preds[train] = 0.5, None
    outside = table.set_column(1, "pred", pa.array(preds))
    for path in saved(outside, tmp_path, "t").values():
        if not path.endswith("npz"):
            assert (
                lossctl.evaluate(path, loss="mse", preds="pred", labels="label", where="split = 'test'").rows.dropped
                == {}
            )


def test_nothing_matches(tmp_path: Path) -> None:
    path = saved(table_of(), tmp_path, "t")["parquet"]
    plain = [
        "eval",
        path,
        "-y",
        "label",
        "-p",
        "pred",
        "-l",
        "mse",
        "-l",
        "median_absolute_error",
        "-l",
        "squared_hinge",
    ]
    refused = program(*plain, "--where", "score > 2")
    assert refused.returncode == 2
    assert "lossctl: 0 of 1,000 rows match --where. mean_squared_error: the denominator (rows) is 0" in refused.stderr
    done = program(*plain, "--where", "score > 2", "--on-empty", "zero", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == {"read": 0, "used": 0, "dropped": {}, "filtered": 1000}
    weights = program("eval", path, "-y", "label", "-p", "pred", "-l", "mse", "-w", "label", "--where", "label = 0")
    assert weights.returncode == 2
    assert "match --where" not in weights.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("split = = 'x'", "--where \"split = = 'x'\": expected a column or a value at character 9, found ="),
        ("spilt = 'x'", "t.csv has no column 'spilt'; did you mean split? (columns: label, "),
        ("split > 1", "column 'split' of {} is string and 1 is a number: these cannot be compared"),
        ("score", "column 'score' of {} is float, expected a comparison: only booleans stand alone"),
    ],
)
def test_refusals(text: str, said: str, tmp_path: Path) -> None:
    path = saved(table_of(9), tmp_path, "t")["csv"]
    refused = program("eval", path, "-y", "label", "-p", "pred", "-l", "mse", "--where", text)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert said.format(path) in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_csv_column_beside_a_text_is_text_throughout(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("zip,day,label,pred\n01,2024-01-31,1,2\n1,2024-02-01,1,3\n01,2024-02-02,1,5\n")
    plain = {"loss": "mae", "labels": "label", "preds": "pred"}
    assert lossctl.evaluate(str(path), where="zip = '01'", **plain).value == 2.5  # type: ignore[arg-type]
    assert lossctl.evaluate(str(path), where="zip = 1", **plain).value == 7 / 3  # type: ignore[arg-type]
    assert lossctl.evaluate(str(path), where="day >= '2024-02-01'", **plain).value == 3.0  # type: ignore[arg-type]
    # a role that the filter turns into text has the same numbers
    assert lossctl.evaluate(str(path), where="pred != '3'", **plain).value == 2.5  # type: ignore[arg-type]


def test_several_files_have_their_own_types(tmp_path: Path) -> None:
    one, other = tmp_path / "a.csv", tmp_path / "b.parquet"
    one.write_text("day,label,pred\n2024-01-31,1,2\n2024-02-01,1,3\n")
    days = pa.array([19753, 19754], pa.date32())
    pq.write_table(pa.table({"day": days, "label": [1, 1], "pred": [4, 5]}), other)
    found = lossctl.evaluate([str(one), str(other)], loss="mae", where="day > '2024-01-31'")
    assert found.value == 3.0
    pq.write_table(pa.table({"label": [1, 1], "pred": [4, 5]}), other)
    with pytest.raises(UsageError, match=r"b\.parquet has no column 'day' \(columns: label, pred\)"):
        lossctl.evaluate([str(one), str(other)], loss="mae", where="day > '2024-01-31'")


def test_stdin_and_what_is_no_text(tmp_path: Path) -> None:
    done = program(
        "eval", "-", "-l", "mae", "--where", "k in ('a')", "--value-only", input="label,pred,k\n1,2,a\n1,9,b\n"
    )
    assert done.stdout == "1.0\n"
    with pytest.raises(UsageError, match="where takes a filter such as"):
        lossctl.evaluate({"label": [1.0], "pred": [1.0]}, loss="mae", where=[3])  # type: ignore[list-item]


def test_an_objective_and_its_evaluations(tmp_path: Path) -> None:
    path = saved(table_of(), tmp_path, "t")["parquet"]
    expected = lossctl.evaluate(matching(table_of()), loss="mse", labels="label", preds="pred").value
    top = f"files = '{path}'\nlabels = 'label'\npreds = 'pred'\n"
    (tmp_path / "top.toml").write_text(f'{top}where = "{FILTER}"\n[[terms]]\nloss = "mse"\n[[terms]]\nloss = "mae"\n')
    found = lossctl.total(str(tmp_path / "top.toml"))
    assert found.terms[0].contribution == expected
    assert found.to_dict()["terms"][0]["settings"]["where"] == [FILTER]
    (tmp_path / "term.toml").write_text(f'{top}[[terms]]\nloss = "mse"\nwhere = "{FILTER}"\n')
    with pytest.raises(UsageError, match="a term has no `where` of its own"):
        lossctl.total(str(tmp_path / "term.toml"))
    from lossctl.objective.read import read_file
    from lossctl.objective.total import evaluate

    (tmp_path / "eval.toml").write_text(f'{top}[[eval]]\nloss = "mse"\nwhere = "{FILTER}"\n[[eval]]\nloss = "mse"\n')
    reports = [evaluate(call) for call in read_file(str(tmp_path / "eval.toml")).evals]
    assert reports[0].results[0].value == expected
    assert (reports[0].rows.read, reports[1].rows.read) == (len(matching(table_of())), N)


def test_a_text_in_a_numeric_role_outside_the_filter_does_not_refuse(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("label,pred,k\n1,2,1\n1,oops,0\n1,4,1\n")
    assert lossctl.evaluate(str(path), loss="mae", where="k = 1").value == 2.0
    with pytest.raises(DataError, match="row 2 column pred: 'oops'"):
        lossctl.evaluate(str(path), loss="mae", where="k <= 1")
