"""`lossctl eval` as users call it: the published examples, refusals, formats, rows, pipes and signals."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import termios
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from tests.conftest import SAMPLES, answer, program, started

DIGITS = SAMPLES / "digits.parquet"


def saved(folder: Path, **arrays: Any) -> list[str]:
    """-y, -p and -w flags for arrays saved as .npy."""
    flags = []
    for flag, values in arrays.items():
        np.save(folder / f"{flag}.npy", np.array(values))
        flags += [f"-{flag}", str(folder / f"{flag}.npy")]
    return flags


def rows(*args: object) -> list[float]:
    done = program("eval", *args, "-r", "none", "-q", "--json")
    assert done.returncode == 0, done.stderr
    return [list(json.loads(line).values())[-1] for line in done.stdout.splitlines()]


PUBLISHED = [
    ("binary_crossentropy", [[0, 1], [0, 0]], [[0.6, 0.4], [0.4, 0.6]], [], [0.91629073, 0.71355818]),
    (
        "categorical_crossentropy",
        [[0, 1, 0], [0, 0, 1]],
        [[0.05, 0.95, 0], [0.1, 0.8, 0.1]],
        [],
        [0.05129329, 2.30258509],
    ),
    ("sparse_categorical_crossentropy", [1, 2], [[0.05, 0.95, 0], [0.1, 0.8, 0.1]], [], [0.05129329, 2.30258509]),
    (
        "sparse_categorical_crossentropy",
        [2, 1, 0, 0, 1],
        [[1, 2, 7], [3, 5, 2], [6, 1, 3], [8, 2, 0], [3, 6, 1]],
        ["--from-logits"],
        [0.0091745, 0.1698460, 0.0549852, 0.0028102, 0.0549852],
    ),
    ("binary_crossentropy", [1], [1.0], ["--from-logits"], [0.3132617]),
    ("categorical_crossentropy", [[1, 2]], [[1.0, 2.0]], ["--on-bad", "keep"], [1.9095425]),
    ("categorical_crossentropy", [[1, 2]], [[1.0, 2.0]], ["--on-bad", "keep", "--from-logits"], [1.939785]),
    ("sparse_categorical_crossentropy", [1], [[0.2, 0.2, 0.6]], [], [1.609438]),
]


@pytest.mark.parametrize(("loss", "y", "p", "flags", "expected"), PUBLISHED)
def test_the_published_examples(
    loss: str, y: Any, p: Any, flags: list[str], expected: list[float], tmp_path: Path
) -> None:
    assert rows(*saved(tmp_path, y=y, p=p), "-l", loss, *flags) == pytest.approx(expected, abs=6e-7)


def test_the_published_reductions(tmp_path: Path) -> None:
    logits = [[1, 2, 7], [3, 5, 2], [6, 1, 3], [8, 2, 0], [3, 6, 1]]
    flags = [*saved(tmp_path, y=[2, 1, 0, 0, 1], p=logits, w=[0.2] * 5), "-l", "scce", "--from-logits"]
    assert answer(*flags)["results"][0]["value"] == pytest.approx(0.0583602, abs=1e-7)
    weighted = answer(*flags, "-r", "sum_by_nonzero_weights")["results"][0]
    assert weighted["value"] == pytest.approx(0.011672, abs=1e-6)
    assert (weighted["denominator"], weighted["denominator_name"]) == (5.0, "rows with weight != 0")


def refused(*args: object, code: int = 2, run: Callable[..., Any] = program, **more: Any) -> str:
    """The one line that an eval is refused with."""
    done = run("eval", *args, **more)
    lines = [line for line in done.stderr.splitlines() if "compiling kernels" not in line]
    assert (done.returncode, done.stdout, len(lines)) == (code, "", 1), (done.returncode, done.stdout, done.stderr)
    assert lines[0].startswith("lossctl: ")
    return lines[0]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    columns = {"label": [0, 1, 2], "p0": [0.5, 0.2, 0.1], "p1": [0.3, 0.6, 0.1], "p2": [0.2, 0.2, 0.8]}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    return tmp_path / "t.parquet"


def changed(path: Path, **columns: list[Any]) -> Path:
    read = pq.read_table(path)
    pq.write_table(pa.table({**{n: read[n] for n in read.column_names}, **columns}), path)
    return path


VALUES: list[tuple[dict[str, list[Any]], list[str], str]] = [
    ({"label": [0, 1, -1]}, ["-l", "scce"], "row 3 column label: -1, expected a class index from 0 to 2"),
    ({"label": [0, 3, 1]}, ["-l", "scce"], "row 2 column label: 3"),
    ({"label": [1, 3, 2]}, ["-l", "scce"], "one-based"),
    ({"label": [0, None, 1]}, ["-l", "scce"], "1 null_label): "),
    ({"p1": [0.3, float("nan"), 0.1]}, ["-l", "scce"], "row 2 column p1: nan"),
    ({"p1": [0.3, float("inf"), 0.1]}, ["-l", "scce", "--from-logits"], "row 2 column p1: inf"),
    ({"p1": [0.3, 0.2, 1.2]}, ["-l", "scce"], "row 3 column p1: 1.2, expected a distribution"),
    ({"p1": [0.3, 0.2, 1.2]}, ["-l", "scce"], "--from-logits"),
    ({"w": [1.0, -2.0, 1.0]}, ["-l", "scce", "-w", "w"], "row 2 column w: -2.0, expected a finite weight >= 0"),
    ({"w": [1.0, None, 1.0]}, ["-l", "scce", "-w", "w"], "null_weight"),
    ({"w": [0.0, 0.0, 0.0]}, ["-l", "scce", "-w", "w"], "--on-empty"),
]


@pytest.mark.parametrize(("columns", "flags", "said"), VALUES)
def test_values_that_cannot_be_used(table: Path, columns: dict[str, list[Any]], flags: list[str], said: str) -> None:
    assert said in refused(changed(table, **columns), *flags, "-o", table.parent / "out.json")
    assert not (table.parent / "out.json").exists()


WORDS = [
    (["-l", "huber", "--delta", "-1", "-p", "p0"], "--delta must be > 0, got -1.0"),
    (["-l", "scce", "--label-smoothing", "0.1"], "it belongs to binary_crossentropy, "),
    (["-l", "cce", "--label-smoothing", "2"], "--label-smoothing must be [0, 1], got 2.0"),
    (["-l", "scce", "--delta", "2"], "--delta: none of the chosen losses has it; it belongs to huber"),
    (["-l", "hubr"], "did you mean huber?"),
    (["-l", "scce:epsilo=1"], "did you mean epsilon?"),
    (["-l", "scce", "-y", "labl"], "no column 'labl'; did you mean label? (columns: label, p0, p1, p2)"),
    (["-l", "scce", "-p", "q_*"], "no column 'q_*'"),
    (["-l", "mse"], "rows are never broadcast"),
    (["-l", "scce", "--classes", "a,b"], "--classes names 2 classes, there are 3 preds columns"),
    (["-l", "scce", "--role", "x1=p0"], "none of the chosen losses reads it"),
    (["-l", "scce", "--id", "nope"], "--id: no column 'nope'"),
    (["-l", "scce", "--batch-size", "-1"], "-1"),
    (["-l", "scce", "--json", "--value-only"], "two formats"),
    (["-l", "scce", "-l", "cce", "--value-only"], "--value-only has one number to show, there are 2 losses"),
    ([], "say which loss"),
]


@pytest.mark.parametrize(("flags", "said"), WORDS)
def test_words_that_make_no_sense(table: Path, flags: list[str], said: str) -> None:
    assert said in refused(table, *flags)


def spoiled(folder: Path, what: str) -> list[str]:
    """A file that cannot be read, as the arguments that name it."""
    path = folder / f"{what}.csv"
    if what == "directory":
        return [str(folder)]
    if what in ("truncated", "corrupt"):
        path = folder / f"{what}.parquet"
        rng = np.random.default_rng(0)
        pq.write_table(pa.table({"y": rng.integers(0, 2, 9000), "p": rng.random(9000)}), path, write_page_checksum=True)
        content = bytearray(path.read_bytes())
        content[20_000:20_100] = bytes(100)
        path.write_bytes(content[:-50] if what == "truncated" else content)
    elif what == "bomb":
        path = folder / "bomb.npz"
        with zipfile.ZipFile(path, "w") as archive, archive.open("y.npy", "w") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    elif what == "pickled":
        np.save(folder / "o.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
        return [*saved(folder, y=[0, 1]), "-p", str(folder / "o.npy")]
    elif what == "lengths":
        return saved(folder, y=[0, 1], p=[0.5, 0.5, 0.5])
    elif what != "missing":
        texts = {"empty": "", "ragged": "y,p\n1,0.5\n1\n", "text": "y,p\n1,0.5\n0,abc\n", "null": "y,p\n1,0.5\n,0.1\n"}
        path.write_text(texts[what])
    return [str(path)]


FILES = {
    "missing": "no such file",
    "directory": "is a directory",
    "empty": "is empty",
    "truncated": "not a whole Parquet file",
    "corrupt": "row group 0 cannot be decoded",
    "ragged": "ragged.csv line 3: expected 2 fields, found 1",
    "text": "text.csv row 2 column p: 'abc', expected a probability",
    "null": "row 2 column y: null",
    "lengths": "different lengths",
    "pickled": "pickled Python objects",
    "bomb": "claims",
}


@pytest.mark.parametrize("what", FILES)
def test_files_that_cannot_be_read(tmp_path: Path, what: str) -> None:
    assert FILES[what] in refused(*spoiled(tmp_path, what), "-l", "bce", "-o", tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    old = tmp_path / "out.json"
    old.write_text("old")

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    assert "cannot write" in refused(DIGITS, "-l", "scce", "-q", "-o", old, run=started, preexec_fn=small_files)
    assert old.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_too_many_dropped_rows_fail_the_gate(table: Path) -> None:
    changed(table, label=[0, None, 1])
    flags = ["-l", "scce", "--on-bad", "drop"]
    assert "1 rows were dropped" in refused(table, *flags, "--max-dropped", "0.1%", code=1)
    assert program("eval", table, *flags, "--max-dropped", "1").returncode == 0


def test_dropped_rows_are_counted_and_saved(table: Path, tmp_path: Path) -> None:
    changed(table, label=[0, None, 1], p0=[0.5, 0.2, 7.0], name=["a", "b", "c"])
    for suffix, read in (("parquet", pq.read_table), ("csv", pyarrow.csv.read_csv)):
        out = tmp_path / f"dropped.{suffix}"
        account = answer(table, "-l", "scce", "--on-bad", "drop", "--dropped", out)["rows"]
        assert account == {"read": 3, "used": 1, "dropped": {"null_label": 1, "probability_out_of_range": 1}}
        kept = read(out).to_pydict()
        assert kept["name"] == ["b", "c"]
        assert kept["dropped_reason"] == ["null_label", "probability_out_of_range"]
        assert kept["dropped_row"] == [2, 3]


def test_kept_rows_reach_the_formula(table: Path) -> None:
    changed(table, label=[0, None, 1])
    kept = answer(table, "-l", "scce", "--on-bad", "keep")
    assert (kept["results"][0]["value"], kept["rows"]["used"]) == ("nan", 3)


def test_ignored_rows_are_no_part_of_the_mean(table: Path) -> None:
    changed(table, label=[0, 255, 1])
    found = answer(table, "-l", "scce", "--ignore-class", "255")
    assert found["rows"] == {"read": 3, "used": 2, "dropped": {"ignored": 1}}
    assert found["results"][0]["count"] == 2
    assert rows(table, "-l", "scce", "--ignore-class", "255")[1] == 0.0


def test_class_names_are_matched_to_the_preds(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("y,p_dog,p_cat\ncat,0.1,0.9\ndog,0.7,0.3\n")
    expected = -(np.log(0.9) + np.log(0.7)) / 2
    for flags in ([], ["--classes", "dog,cat"], ["--classes", "cat,dog"]):
        assert answer(path, "-l", "scce", *flags)["results"][0]["value"] == pytest.approx(expected, rel=1e-14)
    path.write_text("y,p_dog,p_cat\ncat,0.1,0.9\nbird,0.7,0.3\n")
    assert "row 2 column y: 'bird'" in refused(path, "-l", "scce")


def test_classes_called_by_numbers_are_names(tmp_path: Path) -> None:
    preds = [[0.1, 0.9], [0.7, 0.3]]
    expected = answer(*saved(tmp_path, y=[1, 0], p=preds), "-l", "scce")["results"][0]["value"]
    named = saved(tmp_path, y=[7, 3], p=preds)
    assert answer(*named, "-l", "scce", "--classes", "3,7")["results"][0]["value"] == expected
    pq.write_table(pa.table({"y": [7, 3], "p_3": [0.1, 0.7], "p_7": [0.9, 0.3]}), tmp_path / "t.parquet")
    assert answer(tmp_path / "t.parquet", "-l", "scce", "--classes", "3,7")["results"][0]["value"] == expected
    indices = saved(tmp_path, y=[1, 0], p=preds)
    assert answer(*indices, "-l", "scce", "--classes", "cat,dog")["results"][0]["value"] == expected


def test_formats_hold_the_same_numbers(tmp_path: Path) -> None:
    flags = [DIGITS, "-l", "scce", "-l", "cce:label_smoothing=0.1"]
    document = answer(*flags)
    values = [entry["value"] for entry in document["results"]]
    lines = program("eval", *flags, "-f", "jsonl", "-q").stdout.splitlines()
    assert [json.loads(line)["value"] for line in lines] == values
    for format, mark in (("csv", ","), ("tsv", "\t")):
        out = tmp_path / f"out.{format}"
        assert program("eval", *flags, "-o", out, "-q").returncode == 0
        parsed = pyarrow.csv.read_csv(out, parse_options=pyarrow.csv.ParseOptions(delimiter=mark))
        assert parsed["value"].to_pylist() == values
    assert all(repr(value) in program("eval", *flags, "-f", "markdown", "-q").stdout for value in values)
    shown = program("eval", *flags, "-q").stdout
    assert "\x1b" not in shown
    assert "categorical_crossentropy:label_smoothing=0.1" in shown
    bare = program("eval", DIGITS, "-l", "scce", "--value-only", "-q").stdout
    assert bare == f"{values[0]!r}\n"


def test_rows_are_written_in_every_format(tmp_path: Path) -> None:
    flags = [DIGITS, "-l", "scce", "-r", "none", "-q"]
    expected = rows(DIGITS, "-l", "scce")
    for suffix in ("csv", "parquet", "npy", "jsonl"):
        assert program("eval", *flags, "--id", "row_id", "-o", tmp_path / f"rows.{suffix}").returncode == 0
    name = "sparse_categorical_crossentropy"
    for table in (pyarrow.csv.read_csv(tmp_path / "rows.csv"), pq.read_table(tmp_path / "rows.parquet")):
        assert table[name].to_pylist() == expected
        assert table["row"].to_pylist() == list(range(1, 1798))
        assert table["row_id"].to_pylist() == list(range(1797))
    assert np.load(tmp_path / "rows.npy").tolist() == expected
    lines = (tmp_path / "rows.jsonl").read_text().splitlines()
    assert [json.loads(line)[name] for line in lines] == expected


def test_stdin_is_read_as_it_comes_and_twice_where_needed() -> None:
    text = (SAMPLES / "breast_cancer.csv").read_text()
    for flags in (["-l", "bce"], ["-l", "hinge"], ["-l", "bce", "-r", "none", "--json"]):
        piped = program("eval", "-", "-p", "prob", *flags, "-q", input=text)
        direct = program("eval", SAMPLES / "breast_cancer.csv", "-p", "prob", *flags, "-q")
        assert (piped.returncode, piped.stdout) == (0, direct.stdout)


@pytest.mark.parametrize("flags", [["-j", "1"], ["-j", "2"], ["-j", "7"], ["--batch-size", "1"], ["--batch-size", "9"]])
def test_threads_and_batches_do_not_reach_the_document(flags: list[str]) -> None:
    losses = ["-l", "scce", "-l", "cce", "-l", "kld"]
    assert (
        program("eval", DIGITS, *losses, "--json", *flags).stdout == program("eval", DIGITS, *losses, "--json").stdout
    )


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -m lossctl eval {DIGITS} -l scce -r none -q | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


def await_reading(pipe: IO[bytes]) -> None:
    """Until the other end has taken all that was written, and time enough to wait for more."""
    while fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)) != bytes(4):
        time.sleep(0.01)
    time.sleep(0.3)


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    command = [sys.executable, "-m", "lossctl", "eval", "-", "-p", "p", "-l", "mse", "-q", "-r", "none", "-o", str(out)]
    more: dict[str, Any] = {
        "env": {**os.environ, "TMPDIR": str(tmp_path)},
        # a job in the background is started with interrupts ignored, and hands that on
        "preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    }
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, **more) as process:
        assert process.stdin is not None
        process.stdin.write(b"y,p\n" + b"1,2\n" * 100_000)
        process.stdin.flush()
        await_reading(process.stdin)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 128 + signal.SIGTERM)])
def test_a_signal_ends_a_run_whose_threads_wait_for_stdin(number: signal.Signals, code: int) -> None:
    command = [sys.executable, "-m", "lossctl", "eval", "-", "-p", "p", "-l", "mse", "-q", "--threads", "3"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdin is not None
        process.stdin.write(b"y,p\n" + b"1,2.123456789\n" * 600_000)
        process.stdin.flush()
        await_reading(process.stdin)
        process.send_signal(number)
        assert process.wait(10) == code


def test_a_device_that_is_full_is_said() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lossctl", "eval", str(DIGITS), "-l", "scce", "-q"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (2, "lossctl: No space left on device\n")


def test_what_was_chosen_and_counted_is_said_on_stderr() -> None:
    lines = program("eval", DIGITS, "-l", "scce").stderr.splitlines()
    assert "labels: label; preds: p_0 … p_9 (10); weights: none" in lines
    assert "1,797 rows read, 1,797 used, 0 dropped" in lines


def test_warnings_have_counts(tmp_path: Path) -> None:
    preds = [[0.5, 0.4], [0.0, 1.0], [0.3, 0.7]]
    found = answer(*saved(tmp_path, y=[0, 0, 1], p=preds), "-l", "scce")
    assert {w["code"]: w["count"] for w in found["warnings"]} == {"rows_not_normalised": 1, "guarded_rows": 1}
    guarded = found["results"][0]["guarded"]
    assert guarded["count"] == 1
    assert guarded["share"] == pytest.approx(16.118 / (16.118 - np.log(5 / 9) - np.log(0.7)), rel=1e-3)
    constant = answer(*saved(tmp_path, y=[0.0, 1.0], p=[0.5, 0.5]), "-l", "mse")
    assert constant["warnings"][0]["code"] == "constant_prediction"


def test_lists_keep_one_length_over_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "lists.parquet"
    labels, preds = [[0.0, 1.0]] * 6, [[0.4, 0.6]] * 6
    pq.write_table(pa.table({"y": labels[:3] + [None] * 3, "p": preds}), path)
    found = answer(path, "-l", "cce", "--on-bad", "drop", "--batch-size", "3")
    assert found["rows"]["dropped"] == {"null_label": 3}
    pq.write_table(pa.table({"y": labels[:3] + [[0.0, 0.0, 1.0]] * 3, "p": preds}), path)
    behind = f"{path}: column 'y' holds lists of 3 numbers behind lists of 2"
    assert behind in refused(path, "-l", "cce", "--batch-size", "3")
    assert f"{path}: lists of 2 numbers are followed by one of 3" in refused(path, "-l", "cce")


def test_names_that_would_break_the_line_are_told_in_one(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("one\u2028two,a\x1b[2Jb,y\n1,2,3\n", encoding="utf-8")
    assert r"(columns: 'one\u2028two', 'a\x1b[2Jb', y)" in refused(path, "-l", "mse")
    told = refused(path, "-l", "mse", "-y", "y\x1b", "-p", "y")
    assert "\x1b" not in told
    assert len(told.strip().splitlines()) == 1


def test_one_hot_labels_and_preds_are_told_apart(tmp_path: Path) -> None:
    columns = {"y_true_0": [1, 0], "y_true_1": [0, 1], "y_pred_0": [0.9, 0.2], "y_pred_1": [0.1, 0.8]}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    found = answer(tmp_path / "t.parquet", "-l", "cce")
    assert found["columns"]["labels"] == ["y_true_0", "y_true_1"]
    assert found["results"][0]["value"] == pytest.approx(-(np.log(0.9) + np.log(0.8)) / 2, rel=1e-14)
