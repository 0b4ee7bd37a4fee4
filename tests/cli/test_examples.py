"""Every loss's example runs as printed, and the samples' README says what lossctl prints."""

from __future__ import annotations

import json
import math
import re
import shlex
from pathlib import Path

import pytest

from lossctl.catalogue.declare import Loss
from lossctl.catalogue.registry import all_losses, find, named_losses
from lossctl.show.example import example
from tests.conftest import ROOT, SAMPLES, called, program, started

EVERY = [*all_losses(), *named_losses()]
IN_A_PROCESS = ["huber", "weighted_interval_score", "torch.TripletMarginLoss", "sklearn.d2_brier_score"]
REFERENCE = re.compile(r"^\| `(\S+ .*--loss .*)` \| +(\S+) \|", re.MULTILINE)
PRINTED = re.compile(r"^    \$ (lossctl .*)\n((?:    .*\n|\n(?=    ))*)", re.MULTILINE)
README = (ROOT / "README.md").read_text(encoding="utf-8")
REFERENCES = REFERENCE.findall((SAMPLES / "README.md").read_text(encoding="utf-8"))


def words(command: str) -> list[str]:
    """A printed command without the program's name."""
    first, *rest = shlex.split(command)
    assert first == "lossctl"
    return rest


def value(text: str) -> float:
    """The number of an `eval` of one loss; an infinity is written as text."""
    return float(json.loads(text)["results"][0]["value"])


@pytest.mark.parametrize("loss", EVERY, ids=lambda loss: loss.name)
def test_an_example_runs(loss: Loss, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert math.isfinite(value(called(*words(example(loss)), "--json", "--quiet")))


@pytest.mark.parametrize("name", IN_A_PROCESS)
def test_an_example_runs_as_the_page_prints_it(name: str) -> None:
    page = started("losses", name).stdout
    command = page.split("\nExample\n")[1].strip()
    assert command == example(find(name)) == json.loads(started("losses", name, "--json").stdout)["example"]
    done = started(*words(command), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert name in done.stdout


@pytest.mark.parametrize(("command", "expected"), REFERENCES, ids=[command for command, _ in REFERENCES])
def test_a_reference_value(command: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    file, *rest = shlex.split(command)
    found = value(called("eval", Path("samples", file), *rest, "--json", "--quiet"))
    assert found == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize(("command", "printed"), PRINTED.findall(README), ids=lambda text: text[:60])
def test_the_readme_prints_what_a_command_prints(command: str, printed: str) -> None:
    done = program(*words(command), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    said = done.stderr + done.stdout if "-q" not in words(command) else done.stdout
    # what a blank line parts from it may be the next command
    assert said.split() == printed.split("\n\n    lossctl ")[0].split()


SHOWN = [line.strip() for line in README.splitlines() if re.match(r"    lossctl (eval|compare|inspect) samples/", line)]


@pytest.mark.parametrize("command", SHOWN)
def test_a_command_of_the_readme_runs(command: str, tmp_path: Path) -> None:
    (tmp_path / "samples").symlink_to(SAMPLES)
    done = program(*words(command), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
