"""Help, lists and pages: right, complete, and quick because nothing heavy is imported."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest

from lossctl import __version__
from lossctl.catalogue.registry import all_losses
from tests.conftest import ROOT, SAMPLES, program

HEAVY = {"numpy", "pyarrow", "pandas", "numba", "llvmlite"}
LIGHT_CALLS = [
    ["--help"],
    ["-h"],
    ["--version"],
    ["-V"],
    ["eval", "--help"],
    ["losses", "huber"],
    ["losses", "--json"],
    ["eval", "x.csv", "--loss", "hubr"],
    ["eval", "x.csv", "--los", "huber"],
    ["eval", "x.csv", "--loss", "huber:delta=-1"],
    ["nonsense"],
]


@pytest.mark.parametrize("words", LIGHT_CALLS, ids=" ".join)
def test_nothing_heavy_is_imported_for(words: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "lossctl", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    imported = {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "import time" in line}
    assert "lossctl" in imported
    assert not imported & HEAVY


def test_help_starts_with_examples() -> None:
    shown = program("--help").stdout
    assert shown.index("lossctl eval preds.parquet --loss") < shown.index("Options")
    assert program().stdout == shown
    assert program("-V").stdout == f"lossctl {__version__}\n"


def test_the_list_names_every_loss() -> None:
    shown = program("losses").stdout
    assert all(loss.name in shown and loss.formula in shown for loss in all_losses())
    assert [entry["name"] for entry in json.loads(program("losses", "--json").stdout)] == [x.name for x in all_losses()]


@pytest.mark.parametrize("name", [loss.name for loss in all_losses()])
def test_each_loss_has_a_page(name: str) -> None:
    loss = next(loss for loss in all_losses() if loss.name == name)
    page = program("losses", name).stdout
    for part in (loss.formula, loss.source, "Reductions", f"--loss {name}", *(o.flag for o in loss.options)):
        assert part in page
    assert all(option.range() in page and str(option.default).lower() in page.lower() for option in loss.options)


@pytest.mark.parametrize("file", ["digits.parquet", "digits_logits.csv", "diabetes.csv", "breast_cancer.parquet"])
def test_inspect_shows_columns_and_a_command_that_runs(file: str) -> None:
    found = json.loads(program("inspect", SAMPLES / file, "--json").stdout)
    shown = program("inspect", SAMPLES / file).stdout
    assert all(column["name"] in shown for column in found["columns"])
    assert found["rows"] in (1797, 442, 569)
    if found["suggestion"] is None:
        assert "could be logit or prob" in found["roles"]["preds"]["error"] or "prob" in shown
        return
    assert program(*shlex.split(found["suggestion"])[1:]).returncode == 0


def test_the_shell_completes_loss_names() -> None:
    surroundings = {
        **os.environ,
        "_LOSSCTL_COMPLETE": "complete_bash",
        "COMP_WORDS": "lossctl eval --loss hub",
        "COMP_CWORD": "3",
    }
    command = [sys.executable, "-c", "import sys; sys.argv = ['lossctl']; from lossctl.cli.main import main; main()"]
    done = subprocess.run(command, capture_output=True, text=True, env=surroundings, cwd=ROOT, check=False)
    assert "huber" in done.stdout
