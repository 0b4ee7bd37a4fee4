"""`lossctl total` and `lossctl run`: from TOML files, good and bad."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lossctl
from lossctl.objective.read import read_tables
from tests.conftest import ROOT, SAMPLES, program

OBJECTIVE = SAMPLES / "objective.toml"
DATA = f'files = ["{SAMPLES / "digits.parquet"}"]\n'
TERM = '[[terms]]\nname = "data"\nloss = "scce"\n'


def total(folder: Path, text: str, *flags: object) -> Any:
    path = folder / "objective.toml"
    path.write_text(text)
    return program("total", path, *flags)


def test_every_term_its_share_and_the_total_are_shown() -> None:
    done = program("total", OBJECTIVE)
    assert done.returncode == 0
    assert "1,797 rows read, 1,797 used, 0 dropped" in done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["term", "loss", "reduction", "weight", "value", "contribution", "share"]
    assert lines[2].split()[-4:] == ["1", "0.15823273", "0.15823273", "97.8%"]
    assert lines[3].split()[-3:] == ["0.0035181499", "0.0035181499", "2.2%"]
    assert lines[5].split() == ["total", "0.16175088", "100.0%"]
    assert lines[6].strip() == "kernels: 640 weights in 1 array"


def test_it_is_written_in_every_format(tmp_path: Path) -> None:
    expected = lossctl.total(OBJECTIVE)
    said = json.loads(program("total", OBJECTIVE, "--json").stdout)
    assert said == expected.to_dict()
    assert said["regularizers"][0]["arrays"][0]["name"] == "dense/kernel"
    assert float(program("total", OBJECTIVE, "--value-only").stdout) == expected.value
    bare = program("total", OBJECTIVE, "--no-regularization", "--value-only")
    assert float(bare.stdout) == expected.terms[0].contribution
    rows = program("total", OBJECTIVE, "-f", "csv").stdout.splitlines()
    assert rows[-1] == f"total,total,,,,,{expected.value!r},1.0"
    assert program("total", OBJECTIVE, "-f", "markdown").stdout.count("\n| ") == 4
    done = program("total", OBJECTIVE, "-o", tmp_path / "out.json")
    assert (done.stdout, json.loads((tmp_path / "out.json").read_text())) == ("", said)
    assert program("total", OBJECTIVE, "-o", tmp_path / "out.parquet").returncode == 2


def test_files_of_the_call_take_the_place_of_its_own(tmp_path: Path) -> None:
    text = TERM + '[[terms]]\nloss = "brier_score"\n'
    done = total(tmp_path, text, SAMPLES / "digits.parquet", SAMPLES / "digits.csv", "--json")
    assert [entry["rows"] for entry in json.loads(done.stdout)["inputs"]] == [1797, 1797]
    with (SAMPLES / "digits.csv").open() as piped:
        again = program("total", tmp_path / "objective.toml", "-", "--json", stdin=piped)
    both, one = (json.loads(d.stdout)["total"] for d in (done, again))
    assert both == pytest.approx(one, rel=1e-15)


def test_init_writes_a_starter_that_runs_and_never_writes_over_a_file(tmp_path: Path) -> None:
    done = program("total", "--init", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "wrote objective.toml\n")
    again = program("total", "--init", cwd=tmp_path)
    assert (again.returncode, again.stderr) == (
        2,
        "lossctl: objective.toml is there already; --init writes over no file\n",
    )
    ran = program("total", "objective.toml", SAMPLES / "digits.parquet", "--value-only", "-q", cwd=tmp_path)
    assert float(ran.stdout) == lossctl.evaluate(SAMPLES / "digits.parquet", loss="scce").value


def test_every_key_that_the_starter_speaks_of_is_known(tmp_path: Path) -> None:
    assert program("total", "--init", tmp_path / "all.toml").returncode == 0
    text = (tmp_path / "all.toml").read_text()
    # what is commented out as an example is TOML too
    shown = [line.removeprefix("# ") for line in text.splitlines() if line.startswith(("# [[", "# ")) and " = " in line]
    heads = [line for line in text.splitlines() if line.startswith("# [[")]
    assert len(shown) > 20
    assert [head.strip("# []") for head in heads] == ["terms", "regularizers", "eval"]
    lines = [line[2:] if line in (*heads, *(f"# {one}" for one in shown)) else line for line in text.splitlines()]
    whole = tomllib.loads("\n".join(lines))
    whole.pop("functions")
    read = read_tables(whole, "all.toml")
    assert [len(read.objective.terms), len(read.objective.regularizers), len(read.evals)] == [2, 1, 1]


def test_paths_are_relative_to_the_file_and_functions_are_run(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "mine.py").write_text(
        "import lossctl\n\n\n@lossctl.loss\ndef near(y, p, scale=1.0):\n    return scale * abs(y - p)\n"
    )
    np.save(tmp_path / "deep" / "y.npy", np.array([0.0, 1.0]))
    np.save(tmp_path / "deep" / "p.npy", np.array([0.5, 0.5]))
    text = (
        'functions = "mine.py"\nlabels = "y.npy"\npreds = "p.npy"\n[[terms]]\nloss = "near"\noptions = { scale = 3 }\n'
    )
    (tmp_path / "deep" / "o.toml").write_text(text)
    assert program("total", tmp_path / "deep" / "o.toml", "--value-only", "-q").stdout == "1.5\n"


def test_an_audit_runs_its_evaluations_and_its_objective_with_the_settings_resolved(tmp_path: Path) -> None:
    done = program("run", OBJECTIVE, "--json")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    assert [entry["name"] for entry in said["evals"]] == ["every class", "probabilities"]
    evaluated = lossctl.evaluate(SAMPLES / "digits.parquet", loss=["scce", "brier_score"], preds="p_*")
    assert said["evals"][1]["results"] == evaluated.to_dict()["results"]
    assert said["evals"][1]["settings"]["on_bad"] == "error"
    assert said["evals"][1]["columns"]["preds"] == [f"p_{k}" for k in range(10)]
    assert said["objective"] == lossctl.total(OBJECTIVE).to_dict()
    shown = program("run", OBJECTIVE).stdout
    assert shown.index("every class") < shown.index("probabilities") < shown.index("objective")
    written = program("run", OBJECTIVE, "-o", tmp_path / "audit.json", "-q")
    assert (written.stdout, written.stderr) == ("", "")
    assert json.loads((tmp_path / "audit.json").read_text()) == said


REGULARIZER = "[[regularizers]]\nname = 'r'\nkind = 'l2'\ncoefficient = 1e-4\n"
IN_TERM = {
    "lables = 'y'": "unknown key 'lables'; did you mean labels or label_base or classes?",
    "weight = 'big'": "weight must be a number, got 'big'",
    "weight = inf": "weight must be a finite number, got inf",
    "labels = 3": "labels must be a text or a list of texts, got 3",
    "reduction = 'meen'": "--reduction meen: ",
    "reduction = 'none'": "reduction none gives a loss a row",
    "options = { delta = 2 }": "--delta: none of the chosen losses has it",
    "files = 'a.csv'": "a term has no files of its own",
}
ABOVE = {
    "terms = 3\nx = 1": "terms must be a list of tables, each headed [[terms]], got 3",
    "on_bad = 'dorp'": "on_bad must be one of error, drop, keep, got 'dorp'; did you mean drop?",
    "max_dropped = '200%'": 'max_dropped takes a count such as 5 or a share such as "0.1%"',
    "class_weights = [1, -1]": "class_weights must be a list or a table of numbers >= 0",
    "[[term]]": "unknown key 'term'; did you mean terms?",
}
IN_REGULARIZER = {
    "": "objective.toml, [[regularizers]] 1 (r): files is missing; expected a text or a list of texts",
    "files = 'words.npz'": "words.npz: array 'text' is <U1, expected floating-point weights; leave it out of r with",
    "files = 'words.npz'\narrays = 'step'": "words.npz: array 'step' is int64, expected floating-point weights",
    "files = 'words.npz'\narrays = 'kernl'": "r: no array 'kernl'; did you mean kernel? (arrays: text, step, ",
    "files = 'words.npz'\nexclude = '*'": "r: `exclude` leaves no array of words.npz",
    "files = 'words.npz'\narrays = 'nan'": "words.npz: array 'nan' holds nan at [1, 0], expected finite weights",
    "files = 'objects.npy'": "objects.npy holds pickled Python objects, which lossctl never loads",
    "files = 'broken.safetensors'": "broken.safetensors",
    "files = 'missing.npy'": "missing.npy: no such file or directory",
}
TERM_1 = "objective.toml, [[terms]] 1"
BAD = {
    **{DATA + TERM + text: f"{TERM_1} (data): {told}" for text, told in IN_TERM.items()},
    **{f"{text}\n": f"objective.toml: {told}" for text, told in ABOVE.items()},
    **{DATA + TERM + REGULARIZER + text: told for text, told in IN_REGULARIZER.items()},
    DATA + REGULARIZER.replace("l2", "l3"): "objective.toml, [[regularizers]] 1 (r): kind must be one of l1, l2, ",
    "[[terms]\n": "objective.toml is no TOML: Expected ']]' at the end of an array declaration (at line 1, column 8)",
    DATA
    + TERM
    + "labels = 'nowhere'\n": f"term data: {SAMPLES}/digits.parquet: -y/--labels: no column 'nowhere' (columns: ",
    DATA
    + TERM
    + TERM: "objective.toml: two of terms and regularizers are called 'data'; give each a `name` of its own",
    DATA + "[[terms]]\nname = 'x'\n": f"{TERM_1} (x): loss is missing; expected a text",
    DATA + "[[terms]]\nloss = 'scc'\n": f"{TERM_1} (scc): unknown loss 'scc'; did you mean scce",
    DATA + "[read]\nheadr = true\n" + TERM: "objective.toml, [read]: unknown key 'headr'; did you mean header?",
    DATA + "functions = 'fails.py'\n" + TERM: "fails.py, line 1: ZeroDivisionError: division by zero",
    DATA: "the objective has no terms; add [[terms]], or begin with `lossctl total --init`",
    TERM: "no input: name a file",
}


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bad")
    arrays = {"text": np.array(["a"]), "step": np.array(3), "kernel": np.ones(3), "nan": np.array([[1.0], [np.nan]])}
    np.savez(folder / "words.npz", **arrays)
    np.save(folder / "objects.npy", np.array([{}]), allow_pickle=True)
    (folder / "broken.safetensors").write_bytes(b"\xff" * 100)
    (folder / "fails.py").write_text("1 / 0\n")
    return folder


@pytest.mark.parametrize("text", BAD)
def test_a_bad_file_is_told_in_one_line(text: str, bad_files: Path) -> None:
    done = total(bad_files, text)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.replace(f"{bad_files}/", "").startswith(f"lossctl: {BAD[text]}")


def test_an_audit_that_asks_for_nothing_or_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").write_text("")
    done = program("run", tmp_path / "empty.toml")
    assert (done.returncode, "asks for nothing" in done.stderr) == (2, True)
    done = program("run", tmp_path / "missing.toml")
    assert (done.returncode, "no such file or directory" in done.stderr) == (2, True)
    (tmp_path / "o.toml").write_text(DATA + '[[eval]]\nname = "one"\nloss = "scce"\npreds = "nothing_*"\n')
    done = program("run", tmp_path / "o.toml")
    assert (done.returncode, "one: " in done.stderr and "-p/--preds: no column 'nothing_*'" in done.stderr) == (2, True)


def test_rows_that_cannot_be_used_are_told_with_their_term(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("label,prob\n1,0.5\n0,1.5\n")
    text = 'files = "rows.csv"\n[[terms]]\nname = "data"\nloss = "bce"\n'
    done = total(tmp_path, text)
    assert done.returncode == 2
    assert done.stderr.startswith("lossctl: term data: 1 row cannot be used")
    assert "row 2 column prob: 1.5" in done.stderr
    done = total(tmp_path, 'on_bad = "drop"\nmax_dropped = 0\n' + text)
    assert (done.returncode, "1 rows were dropped" in done.stderr) == (1, True)
    done = total(tmp_path, 'on_bad = "drop"\nmax_dropped = "50%"\n' + text, "--json")
    assert json.loads(done.stdout)["terms"][0]["rows"]["dropped"] == {"probability_out_of_range": 1}


def test_the_readme_shows_what_the_sample_prints() -> None:
    readme = (ROOT / "README.md").read_text()
    printed = program("total", "samples/objective.toml", cwd=ROOT)
    for line in (printed.stderr + printed.stdout).splitlines():
        assert f"    {line}".rstrip() in readme
