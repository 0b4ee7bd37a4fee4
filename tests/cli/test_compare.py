"""`lossctl compare` as users call it: tables in words, documents, files of rows, gates, stdin, and what is refused."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import called, program

MAE = ("--id", "id", "-l", "mae")
BASE = "id,label,pred,region\n1,0,1,eu\n2,0,2,eu\n3,0,3,us\n4,0,4,us\n"
NEW = "id,pred\n4,3\n3,2.5\n2,2\n1,0.5\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "base.csv").write_text(BASE)
    (tmp_path / "new.csv").write_text(NEW)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def document(*args: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(called("compare", *args, "--json", "-q"))
    return found


@pytest.mark.usefixtures("folder")
def test_the_table_says_it_in_words() -> None:
    done = program("compare", "base.csv", "new.csv", *MAE)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert " ".join(lines[0].split()) == "loss model value ± stderr difference interval p wins / ties / losses"
    assert lines[2].split() == ["mean_absolute_error", "base", "2.5", "0.645", "baseline"]
    assert lines[3].split()[:5] == ["mean_absolute_error", "new", "2", "0.54", "-0.5"]
    assert lines[3].endswith("3 / 1 / 0")
    said = "new is not distinguishable from base: -0.5 (-1.15 to 0.1496), p = 0.092; sign p = 0.25"
    assert lines[5] == f"mean_absolute_error: {said}"
    told = done.stderr.splitlines()
    assert "base: labels: label; preds: pred; weights: none" in told
    assert "new: labels: label; preds: pred@new; weights: none" in told
    assert "new joined on id (hash): 4 rows; only in base: 0, only in new: 0" in told
    assert "4 rows read, 4 used, 0 dropped" in told


def test_who_is_better_is_said(folder: Path) -> None:
    rows = np.arange(60)
    for name, added in (("a", 1.0), ("b", 0.5), ("c", 1.5)):
        noise = np.random.default_rng(len(name)).normal(0, 0.1, 60)
        pq.write_table(pa.table({"id": rows, "label": rows * 0.0, "pred": added + noise * added}), f"{name}.parquet")
    text = called("compare", "a.parquet", "b.parquet", "c.parquet", *MAE, "-q")
    better, worse = text.splitlines()[-2:]
    assert better.startswith("mean_absolute_error: b is better than a by 0.")
    assert worse.startswith("mean_absolute_error: c is worse than a by 0.")
    turned = called("compare", "a.parquet", "b.parquet", "--column", "pred", "--id", "id", "--higher-is-better", "-q")
    assert "recorded_loss: b is worse than a by" in turned


@pytest.mark.usefixtures("folder")
def test_the_document() -> None:
    found = document("base.csv", "new.csv", *MAE, "--by", "region", "--changed", 1, "--where", "id < 4")
    assert list(found)[:6] == ["schema_version", "lossctl", "inputs", "models", "baseline", "higher_is_better"]
    assert found["inputs"] == [
        {"path": "base.csv", "format": "csv", "rows": 4, "model": "base"},
        {"path": "new.csv", "format": "csv", "rows": 4, "model": "new"},
    ]
    assert found["where"] == "id < 4"
    assert found["rows"] == {"read": 3, "used": 3, "dropped": {}, "filtered": 1}
    baseline, new = found["results"]
    assert (baseline["model"], baseline["baseline"], baseline["difference"]) == ("base", "base", None)
    assert (new["model"], new["baseline"], new["baseline_value"]) == ("new", "base", 2.0)
    assert new["difference"]["value"] == pytest.approx(-1 / 3)
    assert (new["wins"], new["ties"], new["losses"]) == (2, 1, 0)
    assert [(one["by"], one["count"], one["spec"]) for one in new["slices"]] == [
        ({"region": "eu"}, 2, "region"),
        ({"region": "us"}, 1, "region"),
    ]
    assert new["slices"][0]["share"] == 0.5
    assert new["changed"] == [
        {
            "rank": 1,
            "difference": -0.5,
            "baseline_loss": 1.0,
            "loss": 0.5,
            "file": "base.csv",
            "row": 1,
            "columns": {"id": 1, "label": 0, "pred": 1, "region": "eu", "pred@new": 0.5},
        }
    ]


@pytest.mark.usefixtures("folder")
def test_slices_and_rows_in_the_terminal() -> None:
    text = called("compare", "base.csv", "new.csv", *MAE, "--by", "region", "--top", 1, "--changed", 2, "-q")
    assert "which slices explain the change of mean_absolute_error, new against base\n" in text
    assert "1 more slice; --top 2 shows all" in text
    (us,) = [line for line in text.splitlines() if line.startswith("us")]
    assert us.split()[:4] == ["us", "2", "(few)", "-0.75"]
    assert us.endswith("-0.375  75.0%")
    head, _, first, second = text[text.index("rows that changed most") :].splitlines()[1:5]
    assert head.split() == ["difference", "base", "new", "file", "row", "id", "label", "pred", "region", "pred@new"]
    assert first.split() == ["1", "-1", "4", "3", "base.csv", "4", "4", "0", "4", "us", "3"]
    assert second.split() == ["2", "-0.5", "1", "0.5", "base.csv", "1", "1", "0", "1", "eu", "0.5"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_rows_that_changed_go_to_a_file(folder: Path, suffix: str) -> None:
    text = called("compare", "base.csv", "new.csv", *MAE, "--changed", 2, "--worst", 1, "-q", "-o", f"rows.{suffix}")
    assert text.startswith("loss")
    if suffix == "csv":
        rows = list(csv.DictReader(io.StringIO((folder / "rows.csv").read_text())))
    else:
        rows = pq.read_table(folder / "rows.parquet").to_pylist()
    told = [(one["loss_side"], int(one["loss_rank"]), float(one["loss_difference"]), int(one["id"])) for one in rows]
    assert told == [("changed", 1, -1.0, 4), ("changed", 2, -0.5, 1), ("worst", 1, 0.0, 2)]


@pytest.mark.parametrize("format", ["csv", "tsv", "markdown", "jsonl"])
@pytest.mark.usefixtures("folder")
def test_other_formats(format: str) -> None:
    text = called("compare", "base.csv", "new.csv", *MAE, "-q", "--format", format)
    if format == "jsonl":
        lines = [json.loads(line) for line in text.splitlines()]
        assert [one["model"] for one in lines] == ["base", "new"]
        assert lines[1]["rows"]["used"] == 4
    elif format == "markdown":
        assert text.splitlines()[3].startswith("| `mean_absolute_error` | new | base | mean | 2.0 |")
    else:
        first, new = csv.DictReader(io.StringIO(text), delimiter="\t" if format == "tsv" else ",")
        assert first["difference"] == first["wins"] == ""
        assert (new["difference"], new["wins"], new["ties"], new["losses"]) == ("-0.5", "3", "1", "0")


@pytest.mark.usefixtures("folder")
def test_options_of_losses_are_flags() -> None:
    found = document("base.csv", "new.csv", "--id", "id", "-l", "huber", "--delta", 2)
    assert {one["spec"] for one in found["results"]} == {"huber:delta=2.0"}


def test_one_model_on_stdin(folder: Path) -> None:
    done = program("compare", "base.csv", "-", *MAE, "--json", input=NEW)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [one["name"] for one in found["models"]] == ["base", "stdin"]
    assert found["inputs"][1]["path"] == "-"
    assert str(folder) not in done.stdout
    other = program("compare", "-", "new.csv", *MAE, "--json", "--changed", 1, input=BASE)
    assert json.loads(other.stdout)["results"][1]["changed"][0]["file"] == "-"


def test_names_of_models(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "new.csv").write_text(NEW)
    same = document("new.csv", "new.csv", "a/new.csv", "--column", "pred", "--id", "id")
    assert [one["name"] for one in same["models"]] == ["new.csv", "new.csv#2", "a/new.csv"]
    named = document("base.csv", "new.csv", *MAE, "--name", "old one", "--name", "new, 2")
    assert named["models"][1]["columns"]["preds"] == ["pred@new, 2"]


@pytest.mark.parametrize(
    ("gate", "code", "more"),
    [
        ("diff > 0.01", 0, ()),
        ("diff < -0.1", 1, ()),
        ("new.mae.diff < -0.1 and wins >= 3", 1, ()),
        ("diff < -0.1", 3, ("--gate-on", "ci")),
        ("base.mae.mean > 3", 0, ()),
        ("diff.p > 0.5", 0, ()),
    ],
)
@pytest.mark.usefixtures("folder")
def test_gates(gate: str, code: int, more: tuple[str, ...]) -> None:
    done = program("compare", "base.csv", "new.csv", *MAE, "--fail-if", gate, *more, "--json")
    assert done.returncode == code, done.stderr
    (verdict,) = json.loads(done.stdout)["gates"]
    assert verdict["verdict"] == {0: "pass", 1: "fail", 3: "inconclusive"}[code]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("base.csv", *MAE), "a comparison needs a baseline and another model, got 1 of FILE"),
        (MAE, "a comparison needs a baseline and another model, got 0 of FILE"),
        (("base.csv", "new.csv", "-l", "mae"), "say which rows belong together: --id COLUMN, or --by-position"),
        (("base.csv", "new.csv", "--id", "id"), "say which loss, or which column holds each row's"),
        (("base.csv", "nothing.csv", *MAE), "nothing.csv: no such file"),
        (("base.csv", "new.csv", *MAE, "--id", "ix=iy"), "--id ix=iy: new.csv has no column 'iy'"),
        (("base.csv", "new.csv", "--id", "region", "-l", "mae"), "--id region: new.csv has no column 'region'"),
        (("base.csv", "new.csv", *MAE, "--test", "u"), "test 'u' is none of t, sign, permutation, bootstrap"),
        (("base.csv", "new.csv", *MAE, "--fail-if", "other.diff > 0"), "the call has no other"),
        (("base.csv", "new.csv", *MAE, "-r", "none"), "a comparison is of reduced losses; --changed N"),
        (("base.csv", "new.csv", *MAE, "-o", "x.parquet"), "parquet holds rows: it goes with --changed"),
        (("base.csv", "new.csv", *MAE, "--json", "--format", "csv"), "--json and --format ask for two formats"),
        (("new.csv", "base.csv", *MAE), "new.csv: no column looks like labels"),
        (("base.csv", "new.csv", *MAE, "--ci", "95"), "--ci must be above 0 and below 1"),
        (("base.csv", "new.csv", *MAE, "--by", "nowhere"), "no column 'nowhere'"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_refused(words: tuple[str, ...], said: str) -> None:
    done = program("compare", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_rows_that_do_not_match_are_named(folder: Path) -> None:
    (folder / "new.csv").write_text("id,pred\n1,1\n1,2\n9,3\n2,1\n")
    done = program("compare", "base.csv", "new.csv", *MAE)
    assert done.returncode == 2
    assert "2 rows of base.csv without one in new, 1 row of new.csv without one in base" in done.stderr
    assert "1 key more than once in new.csv" in done.stderr
    found = document("base.csv", "new.csv", *MAE, "--on-unmatched", "drop", "--on-bad", "drop")
    assert found["rows"] == {"read": 4, "used": 1, "dropped": {"duplicate_id": 1, "unmatched_id": 2}}
    assert found["joins"][0]["duplicate_model"] == 1


@pytest.mark.usefixtures("folder")
def test_no_file_is_left_behind(tmp_path: Path) -> None:
    import os

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    program("compare", "base.csv", "new.csv", *MAE, env={**os.environ, "TMPDIR": str(scratch)})
    assert os.listdir(scratch) == []
