"""`lossctl eval --labels-from` as users call it: the account, refusals, stdin, rows, and no temporary file left."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lossctl
from tests.conftest import program

PREDS = "id,p\n3,0.1\n1,0.5\n9,0.3\n2,0.9\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.csv").write_text(PREDS)
    pq.write_table(pa.table({"id": [2, 3, 1, 7], "label": [1, 0, 1, 1]}), tmp_path / "l.parquet")
    (tmp_path / "scratch").mkdir()
    return tmp_path


def run(folder: Path, *args: object, **more: Any) -> Any:
    """An eval whose temporary files go to a folder that must be empty afterwards."""
    done = program("eval", *args, cwd=folder, env={**os.environ, "TMPDIR": str(folder / "scratch")}, **more)
    assert os.listdir(folder / "scratch") == []
    return done


JOIN = ("--labels-from", "l.parquet", "--on", "id", "-l", "mae")


def test_the_account_of_a_join(folder: Path) -> None:
    done = run(folder, "p.csv", *JOIN, "--on-unmatched", "drop", "--json", "--dropped", "d.csv")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["join"] == {
        "labels_from": ["l.parquet"],
        "on": ["id"],
        "rows": 4,
        "unmatched_preds": 1,
        "unmatched_labels": 1,
        "duplicate_preds": 0,
        "duplicate_labels": 0,
        "method": "hash",
    }
    assert said["rows"] == {"read": 4, "used": 3, "dropped": {"unmatched_id": 1}}
    assert said["results"][0]["value"] == pytest.approx(0.7 / 3)
    line = "joined on id (hash): 4 rows of labels; unmatched: 1 preds, 1 labels; duplicate keys: 0 preds, 0 labels"
    assert line in done.stderr.splitlines()
    assert (folder / "d.csv").read_text().splitlines()[1] == '9,0.3,,"unmatched_id","p.csv",3'


def test_no_join_says_nothing_of_one(folder: Path) -> None:
    (folder / "both.csv").write_text("label,p\n1,0.5\n")
    assert "join" not in json.loads(run(folder, "both.csv", "-l", "mae", "--json").stdout)


REFUSED = [
    (
        JOIN,
        "lossctl: the join on id is not one to one: 1 row of p.csv without a label, 1 row of l.parquet without a pred"
        " (p.csv row 3: id 9; l.parquet row 4: id 7). --on-unmatched drop leaves such rows out and counts them",
    ),
    (("--labels-from", "l.parquet", "-l", "mae"), "needs a key, as --on id, or --by-position"),
    (("--on", "id", "-l", "mae"), "--on joins labels from elsewhere: say where they are with --labels-from FILE"),
    (("--labels-from", "gone.csv", "--on", "id", "-l", "mae"), "gone.csv: no such file or directory"),
    (("--labels-from", "l.parquet", "--on", "id", "--on-unmatched", "keep", "-l", "mae"), "keep"),
]


@pytest.mark.parametrize(("flags", "said"), REFUSED)
def test_what_is_refused(folder: Path, flags: tuple[str, ...], said: str) -> None:
    done = run(folder, "p.csv", *flags, "-q")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_rows_with_their_numbers_and_preds_on_stdin(folder: Path) -> None:
    flags = (*JOIN, "--on-unmatched", "drop", "-r", "none", "--id", "id", "--json")
    done = run(folder, "-", *flags, input=PREDS)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(int(row["id"]), row["row"]) for row in rows] == [(3, 1), (1, 2), (2, 4)]
    assert "kept in a temporary file" in done.stderr
    assert run(folder, "p.csv", *flags).stdout == done.stdout
    labels = "id,label\n3,0\n1,1\n2,1\n"
    again = run(folder, "p.csv", "--labels-from", "-", *flags[2:], input=labels)
    assert again.stdout == done.stdout, again.stderr


def test_arrays_by_position(folder: Path) -> None:
    import numpy as np

    np.save(folder / "p.npy", np.array([0.25, 0.5]))
    np.save(folder / "y.npy", np.array([0, 1]))
    flags = ("-p", "p.npy", "--labels-from", "y.npy", "-l", "mae", "--value-only", "-q")
    assert run(folder, *flags, "--by-position").stdout == "0.375\n"


def test_a_broken_file_of_labels_leaves_no_temporary_file(folder: Path) -> None:
    whole = (folder / "l.parquet").read_bytes()
    (folder / "l.parquet").write_bytes(whole[:8] + bytes(60) + whole[68:])
    done = run(folder, "p.csv", *JOIN)
    assert done.returncode == 2
    assert "l.parquet" in done.stderr


def test_an_audit_with_a_join(folder: Path) -> None:
    text = 'files = "p.csv"\nlabels_from = "l.parquet"\non = "id"\non_unmatched = "drop"\n[[eval]]\nloss = "mae"\n'
    (folder / "audit.toml").write_text(text)
    report = lossctl.run(folder / "audit.toml").reports[0][1]
    assert report.results[0].value == pytest.approx(0.7 / 3)
    assert report.to_dict()["join"]["unmatched_labels"] == 1
    terms = {"files": str(folder / "p.csv"), "terms": [{"loss": "mae", "labels_from": "l.parquet", "on": "id"}]}
    with pytest.raises(lossctl.UsageError, match="all terms are of the same rows"):
        lossctl.total(terms)
    with pytest.raises(lossctl.UsageError, match="say where they are with --labels-from"):
        lossctl.run({"files": "p.csv", "eval": [{"loss": "mae", "on": "id"}]})
