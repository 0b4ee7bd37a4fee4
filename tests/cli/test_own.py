"""A user's own loss: from a file, a module or an installed package, with all that a built-in one has."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT, SAMPLES, program, started

FOCAL = SAMPLES / "my_losses.py"
CANCER = (SAMPLES / "breast_cancer.csv", "-p", "prob")
LOGITS = (SAMPLES / "digits_logits.parquet",)
HEAD = "import math\nimport numpy as np\nimport lossctl\nfrom lossctl import Index, Vector\n\n\n@lossctl.loss\n"


def written(folder: Path, body: str, name: str = "mine.py", head: str = HEAD) -> Path:
    path = folder / name
    path.write_text(head + body)
    return path


def value(*args: object, run: Callable[..., Any] = program, **more: Any) -> float:
    done = run("eval", *args, "--value-only", "--quiet", **more)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def refused(folder: Path, body: str, head: str = HEAD, loss: str = "mine", data: tuple[object, ...] = CANCER) -> str:
    path = written(folder, body, head=head)
    done = program("eval", *data, "--functions", path, "--loss", loss)
    assert (done.returncode, done.stdout) == (2, ""), done.stdout
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("lossctl: compiling")]
    return line.replace(str(path), "mine.py").replace(os.path.relpath(path), "mine.py")


def test_the_focal_loss_of_the_readme_is_the_built_in_one() -> None:
    block = next(b for b in re.findall(r"\n\n((?:    .*\n|\n)+)", (ROOT / "README.md").read_text()) if "def focal" in b)
    shown = "\n".join(line[4:] for line in block.rstrip().splitlines())
    assert shown in FOCAL.read_text().rstrip()
    for gamma in (2.0, 1.0):
        flags = ("--gamma", gamma)
        own = value(*CANCER, "--functions", FOCAL, "--loss", "focal", *flags)
        built_in = value(*CANCER, "--loss", "binary_focal_crossentropy:apply_class_balancing=true", *flags)
        assert own == pytest.approx(built_in, rel=1e-12)
    assert own != value(*CANCER, "--functions", FOCAL, "--loss", "focal")


def test_its_options_are_flags_with_ranges() -> None:
    done = program("eval", *CANCER, "--functions", FOCAL, "--loss", "focal", "--gamma", "-1")
    assert (done.returncode, done.stderr) == (2, "lossctl: --gamma must be >= 0, got -1.0\n")
    done = program("eval", *CANCER, "--functions", FOCAL, "--loss", "focal:gama=1")
    assert done.returncode == 2
    assert "did you mean gamma?" in done.stderr
    page = program("losses", "focal", "--functions", FOCAL).stdout
    assert "how strongly easy rows count less; >= 0; default 2.0" in page
    entries = json.loads(program("losses", "--functions", FOCAL, "--json").stdout)
    assert next(e for e in entries if e["name"] == "focal")["options"]["alpha"]["range"] == "[0, 1]"


def test_its_rows_are_checked(tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("label,prob\n1,0.5\n0,1.5\n")
    done = program("eval", bad, "--functions", FOCAL, "--loss", "focal")
    assert done.returncode == 2
    assert "row 2" in done.stderr
    assert "1.5" in done.stderr
    index = written(tmp_path, "def mine(y: Index, p: Vector):\n    return -p[y]\n")
    bad.write_text("label,p_0,p_1\n1,0.5,0.5\n2,0.5,0.5\n")
    done = program("eval", bad, "--functions", index, "--loss", "mine")
    assert "label_out_of_range" in done.stderr


def test_threads_and_batches_do_not_reach_its_bits() -> None:
    args = (*CANCER, "--functions", FOCAL, "--loss", "focal")
    assert len({value(*args, "-j", j, "--batch-size", b) for j, b in ((1, 0), (2, 7), (2, 100))}) == 1


ROW_FORMS = {
    "generators": "top = max(p)\n    return math.log(sum(math.exp(v - top) for v in p)) + top - p[y]",
    "numpy": "z = p - np.max(p)\n    return np.log(np.sum(np.exp(z))) - z[y]",
    "methods": "z = p - p.max()\n    return np.log(np.exp(z).sum(axis=-1)) - z[y]",
    "loops": (
        "top = -math.inf\n    for k in range(len(p)):\n        top = max(top, p[k])\n"
        "    s = 0.0\n    for k in range(len(p)):\n        s += math.exp(p[k] - top)\n"
        "    return math.log(s) + top - p[y]"
    ),
}


@pytest.mark.parametrize("form", ROW_FORMS)
def test_a_loss_over_a_row_may_be_written_in_several_ways(tmp_path: Path, form: str) -> None:
    path = written(tmp_path, f"def mine(y: Index, p: Vector):\n    {ROW_FORMS[form]}\n")
    built_in = value(*LOGITS, "--loss", "scce:from_logits=true")
    assert value(*LOGITS, "--functions", path, "--loss", "mine") == pytest.approx(built_in, rel=1e-12)


SCALARS = {
    "power": (
        "(y - p) ** 2 + abs(y - p) ** 1.5 + (p - 2) ** 3.0",
        lambda y, p: (y - p) ** 2 + abs(y - p) ** 1.5 + (p - 2) ** 3,
    ),
    "numpy": (
        "np.where(y > 0, np.log1p(p), np.clip(p, 0.1, 0.3))",
        lambda y, p: np.where(y > 0, np.log1p(p), np.clip(p, 0.1, 0.3)),
    ),
    "bool": ("y != (p > 0.5)", lambda y, p: y != (p > 0.5)),
    "integer": ("int(y > p)", lambda y, p: y > p),
    "library": (
        "math.sin(y) - math.erf(p) + math.tanh(p)",
        lambda y, p: np.sin(y) - np.vectorize(__import__("math").erf)(p) + np.tanh(p),
    ),
    "sums": (
        "np.logaddexp(y, p) + max(y, p) + math.sqrt(p)",
        lambda y, p: np.logaddexp(y, p) + np.maximum(y, p) + np.sqrt(p),
    ),
}


@pytest.mark.parametrize("name", SCALARS)
def test_words_of_math_and_numpy_mean_what_they_mean(tmp_path: Path, name: str) -> None:
    text, plain = SCALARS[name]
    path = written(tmp_path, f"def mine(y, p):\n    return {text}\n")
    y, p = np.load(SAMPLES / "breast_cancer_label.npy"), np.load(SAMPLES / "breast_cancer_prob.npy")
    expected = float(np.mean(plain(y.astype(float), p)))
    arrays = ("-y", SAMPLES / "breast_cancer_label.npy", "-p", SAMPLES / "breast_cancer_prob.npy")
    assert value(*arrays, "--functions", path, "--loss", "mine") == pytest.approx(expected, rel=1e-12)


def test_what_lies_outside_a_row_is_nan_and_not_written(tmp_path: Path) -> None:
    body = "def mine(y: Index, p: Vector):\n    s = 0.0\n    for k in range(1000):\n        s += p[k]\n    return s\n"
    assert np.isnan(value(*LOGITS, "--functions", written(tmp_path, body), "--loss", "mine"))
    body = (
        "def mine(y: Index, p: Vector):\n    seen = lossctl.room(3)\n    for k in range(len(p)):\n        seen[k] = k\n"
        "    return seen[-1] + p[-1] * 0\n"
    )
    assert value(*LOGITS, "--functions", written(tmp_path, body), "--loss", "mine") == 2.0


def test_the_cache_notices_an_edit_there_and_in_a_helper_of_another_file(tmp_path: Path) -> None:
    # a number that no earlier run has left a kernel of
    once = random.random()
    written(tmp_path, "def twice(x):\n    return 2 * x\n", "helper_of_mine.py", head="")
    path = written(
        tmp_path,
        "def mine(y, p):\n    return twice(p) + FACTOR\n",
        head="from helper_of_mine import twice\n" + HEAD.replace("@", f"FACTOR = {once}\n\n\n@"),
    )
    args = ("eval", *CANCER, "--functions", path, "--loss", "mine", "--value-only")

    def run() -> tuple[float, bool]:
        done = program(*args)
        assert done.returncode == 0, done.stderr
        return float(done.stdout), "compiling" in done.stderr

    first, compiled = run()
    assert compiled
    assert run() == (first, False)
    path.write_text(path.read_text().replace(f"FACTOR = {once}", f"FACTOR = {once} + 2"))
    assert run() == (pytest.approx(first + 2), True)
    written(tmp_path, "def twice(x):\n    return 2 * x + 100\n", "helper_of_mine.py", head="")
    assert run() == (pytest.approx(first + 102), True)


# body to the line that is named, and what is said of the loss; what is said of a helper names it
REFUSED = {
    "def mine(y, p):\n    return (y - p) + 'a'\n": (9, "it cannot add a number and text 'a'"),
    "def mine(y, p):\n    return near(y) - p\n": (9, "name 'near' is not defined"),
    "def mine(y, p):\n    return y.clip(0, 1)\n": (9, "a number has no attribute 'clip'"),
    "def mine(y, p):\n    if y > 0:\n        return p\n": (8, "it may end without a return"),
    "def mine(y, p):\n    return y, p\n": (8, "it returns a tuple, expected a number"),
    "def mine(y, p):\n    raise ValueError\n": (9, "it has `raise`: a loss gives a number"),
    "def mine(y, p):\n    print(y)\n    return p\n": (9, "print() is no arithmetic"),
    "def mine(y, p):\n    return np.zeros(3)[int(y)]\n": (None, "it makes an array or a list"),
    "def mine(y, p):\n    return math.near(y)\n": (9, "math has no 'near'"),
    "def mine(y: Vector, p: Vector):\n    return y * p\n": (9, "it returns a number a class"),
    "def mine(y: Vector, p: Vector):\n    return np.sum(p, 1)\n": (9, "np.sum takes the row alone"),
}
UNDECLARED = {
    "def mine(y, p):\n    return helper(y)\n\n\ndef helper(x):\n    return x + 'b'\n": (
        ", line 13: helper cannot be compiled: it cannot add a number and text 'b'"
    ),
    "def mine(y, p, w):\n    return y\n": ", line 7: mine: argument w: lossctl applies weights itself",
    "def mine(y, *p):\n    return y\n": ", line 7: mine: argument p must be an ordinary one",
    "def mine(y, p, mode='a'):\n    return y\n": ", line 7: mine: option mode must be a number",
    "def mine(gamma=1.0):\n    return gamma\n": ", line 7: mine: it needs arguments without a default",
    "def huber(y, p):\n    return y\n": ": lossctl has a loss 'huber' already",
    "def mine(y, p)\n    return y\n": ", line 8: expected ':'",
}


@pytest.mark.parametrize("body", REFUSED)
def test_what_cannot_be_a_loss_is_told_in_one_line(tmp_path: Path, body: str) -> None:
    rows = (SAMPLES / "digits.parquet", "-y", "p_*", "-p", "p_*") if "Vector" in body else CANCER
    line, why = REFUSED[body]
    place = "mine.py" if line is None else f"mine.py, line {line}"
    assert refused(tmp_path, body, data=rows).startswith(f"lossctl: {place}: mine cannot be compiled: {why}")


@pytest.mark.parametrize("body", UNDECLARED)
def test_what_surrounds_a_loss_is_told_in_one_line_too(tmp_path: Path, body: str) -> None:
    assert refused(tmp_path, body).startswith(f"lossctl: mine.py{UNDECLARED[body]}")


def test_an_option_that_is_called_as_a_flag_of_the_call_is_set_in_the_name(tmp_path: Path) -> None:
    path = written(tmp_path, "def mine(y, p, labels=1.0, threads=2.0):\n    return y * 0 + labels + threads\n")
    assert value(*CANCER, "--functions", path, "--loss", "mine:labels=3,threads=4", "--threads", 1) == 7.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import not_there\n", "mine.py, line 1: ModuleNotFoundError: No module named 'not_there'"),
        ("x = 1\n1 / 0\n", "mine.py, line 2: ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)\n", "mine.py, line 2: SystemExit: 3"),
        ("x = 1\n", "mine.py declares no loss; decorate a function with @lossctl.loss"),
    ],
)
def test_a_file_that_fails_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    assert refused(tmp_path, "", head=text) == f"lossctl: {told}"


def test_what_a_file_prints_stays_out_of_the_result(tmp_path: Path) -> None:
    path = written(tmp_path, "def mine(y, p):\n    return p\n\n\nprint('hello')\n")
    done = program("eval", *CANCER, "--functions", path, "--loss", "mine", "--value-only")
    assert float(done.stdout) > 0
    assert "hello" in done.stderr


def test_a_missing_file_is_told() -> None:
    done = program("eval", *CANCER, "--functions", "nowhere.py", "--loss", "mine")
    assert (done.returncode, done.stderr) == (2, "lossctl: --functions nowhere.py: no such file or directory\n")


def installed(folder: Path, code: str) -> dict[str, str]:
    """An environment in which a package is installed that offers a loss."""
    (folder / "acme_losses.py").write_text(code)
    info = folder / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lossctl.losses]\nacme = acme_losses\n")
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_an_installed_package_offers_losses_and_runs_only_when_one_is_asked_for(tmp_path: Path) -> None:
    environment = installed(tmp_path, HEAD + "def acme_gap(y, p, scale=1.0):\n    return scale * abs(y - p)\n")
    got = value(*CANCER, "--loss", "acme_gap:scale=2", run=started, env=environment)
    assert got == pytest.approx(2 * value(*CANCER, "--loss", "mae"), rel=1e-15)
    assert "acme_gap" in started("losses", env=environment).stdout
    (tmp_path / "acme_losses.py").write_text("raise RuntimeError('run')\n")
    assert value(*CANCER, "--loss", "mae", run=started, env=environment) * 2 == got
    done = started("eval", *CANCER, "--loss", "acme_gap", env=environment)
    assert done.returncode == 2
    assert "entry point acme = acme_losses: RuntimeError: run" in done.stderr
