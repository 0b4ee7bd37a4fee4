"""Help, lists and pages: right, complete, and quick because nothing heavy is imported."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys

import pytest

from lossctl import __version__
from lossctl.catalogue.declare import Loss
from lossctl.catalogue.registry import all_losses, frameworks, named_losses
from tests.conftest import ROOT, SAMPLES, called, program

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

EVERY = [*all_losses(), *named_losses()]


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
    assert all(f"{name} ({len(named_losses(name))})" in shown for name in frameworks())
    listed = [entry["name"] for entry in json.loads(program("losses", "--json").stdout)]
    assert listed == [loss.name for loss in EVERY]


@pytest.mark.parametrize("loss", EVERY, ids=lambda loss: loss.name)
def test_each_loss_has_a_page(loss: Loss) -> None:
    page = called("losses", loss.name)
    options = [option for option in loss.options if not option.param.internal]
    assert all(part in page for part in (loss.formula, loss.source, "Reductions", loss.name, *loss.notes))
    assert all(option.flag in page and option.range() in page for option in options)
    assert json.loads(called("losses", loss.name, "--json"))["name"] == loss.name


def test_the_reference_page_is_what_the_catalogue_says() -> None:
    committed = (ROOT / "lossctl" / "catalogue" / "LOSSES.md").read_text()
    assert committed == called("losses", "--reference"), "run: lossctl losses --reference > lossctl/catalogue/LOSSES.md"


@pytest.mark.parametrize("name", frameworks())
def test_a_framework_s_names_are_listed(name: str) -> None:
    shown = called("losses", "--preset", name)
    assert all(loss.name in shown for loss in named_losses(name))


def test_losses_alike_stand_side_by_side() -> None:
    shown = called("losses", "--like", "huber")
    for name in ("keras.Huber", "torch.HuberLoss", "torch.SmoothL1Loss", "tf1.huber_loss", "xgboost.mphe"):
        assert name in shown
    logs = {entry["name"] for entry in json.loads(called("losses", "--like", "log_loss", "--json"))}
    assert {"sklearn.log_loss", "tf1.log_loss", "torch.BCELoss", "xgboost.logloss"} <= logs
    assert "none is called" not in shown
    assert "--preset trch: there are keras" in program("losses", "--preset", "trch").stderr


@pytest.mark.parametrize("file", ["digits.parquet", "digits_logits.csv", "diabetes.csv", "breast_cancer.parquet"])
def test_inspect_shows_columns_and_a_command_that_runs(file: str) -> None:
    found = json.loads(program("inspect", SAMPLES / file, "--json").stdout)
    shown = program("inspect", SAMPLES / file, "--all-columns").stdout
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
