"""`lossctl inspect` on the command line: its commands run, its document is stable, its flags do what they say."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lossctl.cli.flag import plain_call
from lossctl.cli.inspect import inspect_command
from tests.conftest import ROOT, SAMPLES, called, program

FILES = sorted(path.name for path in SAMPLES.iterdir() if path.suffix in (".csv", ".parquet", ".npy"))
# what nobody's names tell the roles of
UNNAMED = ("counts.csv", "lines.csv", "survival.csv")


def document(*args: object) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(called("inspect", *args, "--json"))
    return made


@pytest.mark.parametrize("file", FILES)
def test_suggested_commands_run(file: str) -> None:
    commands = [entry["command"] for entry in document(SAMPLES / file)["commands"]]
    assert bool(commands) == (file not in UNNAMED and not file.endswith(".npy"))
    for command in commands:
        words = shlex.split(command)
        assert words[:2] == ["lossctl", "eval"]
        assert "value" in called(*words[1:], "--quiet")


def test_arrays_named_in_the_roles_are_looked_at() -> None:
    found = document("-y", SAMPLES / "digits_label.npy", "-p", SAMPLES / "digits_logits.npy")
    (command,) = (entry["command"] for entry in found["commands"])
    assert command.endswith("--loss sparse_categorical_crossentropy --from-logits")
    assert json.loads(called(*shlex.split(command)[1:], "--json"))["results"][0]["value"] == 0.1582327298464704


def test_the_document_has_these_keys() -> None:
    found = document(SAMPLES / "digits.parquet")
    assert list(found) == [
        *("schema_version", "path", "format", "inputs", "rows", "sample", "columns", "families", "roles"),
        *("problems", "suggestion", "commands"),
    ]
    assert list(found["columns"][0]) == [
        *("name", "type", "types", "width", "widths", "nulls", "nans", "infs", "min", "max", "mean"),
        *("distinct", "distinct_exact", "values", "looks_like", "family", "row_sums"),
    ]
    assert len(found["columns"]) == 13
    assert found["columns"][1]["values"][0] == {"value": 3, "count": 183}
    assert found["families"][0]["row_sums"]["not_one"] == 0


def test_a_family_is_one_line_unless_asked() -> None:
    shown = called("inspect", SAMPLES / "digits.parquet")
    assert "p_0 … p_9 (10)" in shown
    assert "\np_3 " not in shown
    assert "\np_3 " in called("inspect", SAMPLES / "digits.parquet", "--all-columns")


def test_text_names_what_eval_would_refuse(tmp_path: Path) -> None:
    path = tmp_path / "it's bad.csv"
    path.write_text("label,prob\n0,0.5\n1,0.75\n1,nan\n0,0.25\n")
    shown = called("inspect", path)
    assert "eval would refuse:\n  nan_pred: 1 row nan_pred, the first is" in shown
    assert "row 3 column prob: nan" in shown
    command = document(path)["suggestion"]
    assert program(*shlex.split(command)[1:]).returncode == 0


def test_text_labels_get_classes_with_a_word_of_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("label,prob\n" + "no,0.25\nyes,0.75\nyes,0.5\n" * 3)
    (entry,) = document(path)["commands"]
    assert "--classes no,yes" in entry["command"]
    assert "guess" in entry["note"]
    assert program(*shlex.split(entry["command"])[1:]).returncode == 0


def test_how_the_text_is_read_is_in_the_command(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("0|0.5\n1|0.75\n1|NA\n0|0.25\n")
    found = document(path, "-d", "|", "--no-header", "--null-value", "NA", "-y", "c0", "-p", "c1")
    assert found["columns"][1]["nulls"] == 1
    assert program(*shlex.split(found["suggestion"])[1:]).returncode == 0


def test_stdin_is_looked_at_too() -> None:
    text = (SAMPLES / "diabetes.csv").read_text()
    done = program("inspect", "-", input=text)
    assert done.returncode == 0
    assert done.stdout.startswith("-: csv, 442 rows")
    assert "lossctl eval - --loss mean_squared_error" in done.stdout
    assert "lossctl-" not in done.stdout
    assert program("inspect", "-", "-q", input=text).stderr == ""


def test_a_sample_is_named_as_one() -> None:
    assert "a sample of 100 rows" in called("inspect", SAMPLES / "digits.csv", "--sample", "100")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ([], "no input: name a file"),
        (["nowhere.csv"], "nowhere.csv: no such file"),
        ([SAMPLES / "iris.csv", "-p", "nope"], "-p/--preds: no column 'nope'"),
        ([SAMPLES / "iris.csv", "--input-format", "doc"], "--input-format must be one of"),
    ],
)
def test_what_cannot_be_looked_at_ends_in_a_sentence(args: list[Any], sentence: str) -> None:
    done = program("inspect", *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_plain_call_needs_no_typer_and_no_pandas() -> None:
    read = plain_call(inspect_command, ["a.csv", "-y", "l", "--json", "--sample", "5"])
    assert read == {"files": ["a.csv"], "labels": "l", "json": True, "sample": 5}
    code = (
        "import sys, os; sys.argv = ['lossctl', 'inspect', 'samples/digits.parquet', '-q', '-o', os.devnull];"
        "from lossctl.cli import main;"
        "main._leave = lambda code: print(code, *{'typer', 'pandas'} & set(sys.modules));"
        "main.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout == "0\n"


def test_a_parquet_file_without_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({}), tmp_path / "none.parquet")
    found = document(tmp_path / "none.parquet")
    assert (found["rows"], found["columns"], found["commands"]) == (0, [], [])
