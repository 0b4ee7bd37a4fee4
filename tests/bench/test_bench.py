"""The benchmark itself, on small files: what it writes is what was run, and a wrong value is told."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bench.command import main
from tests.bench.kernels import CASES, measure
from tests.bench.phases import read_timings, split_imports

SMALL = ("--scale", "0.0005", "--rounds", "1")
Bench = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(autouse=True)
def same_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests that follow keep the processors that they had."""
    monkeypatch.setattr("tests.bench.command.hold", lambda cpus: None)


@pytest.fixture
def bench(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    data = tmp_path_factory.getbasetemp() / "bench"

    def call(*words: str) -> tuple[int, dict[str, Any]]:
        code = main([*SMALL, "--data", str(data), "--json", str(tmp_path / "out.json"), *words])
        return code, json.loads((tmp_path / "out.json").read_text())

    return call


def fake(folder: Path, answer: str) -> str:
    """A Python whose peers are all installed, and all say the same."""
    path = folder / "python"
    path.write_text(f"""#!/bin/sh\ncase "$*" in *--versions*) echo '{{"fake": "1"}}';; *) {answer};; esac\n""")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_lossctl_beside_decoding_alone(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = bench("--tool", "arrow", "--task", "tiny", "--task", "wide10")
    assert (code, found["complaints"]) == (0, [])
    assert found["tools"]["arrow"]["versions"]["pyarrow"] == found["versions"]["pyarrow"]
    tools = {name: task["tools"] for name, task in found["tasks"].items()}
    assert [one["lossctl"]["rows"] for one in tools.values()] == [1000, 1500]
    assert [one["arrow"]["rows"] for one in tools.values()] == [1000, 1500]
    tiny = tools["tiny"]
    assert len(tiny["lossctl"]["seconds"]) == 1
    assert tiny["lossctl"]["peak_bytes"] > 20e6
    ratio = found["tasks"]["tiny"]["arrow"]
    assert ratio["ratio"] == tiny["lossctl"]["median_seconds"] / tiny["arrow"]["median_seconds"]
    assert (ratio["at_most"], ratio["kept"]) == (2.2, ratio["ratio"] <= 2.2)
    assert found["tasks"]["tiny"]["fastest_peer"] is None
    assert "wide10" in capsys.readouterr().out


def test_a_wrong_value_is_an_exit_code(bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = fake(tmp_path, "echo 0.5")
    code, found = bench("--tool", "polars", "--task", "tiny", "--peer-python", wrong)
    assert code == 1
    assert found["complaints"][0].startswith("tiny: polars says 0.5 where lossctl says 0.7")
    assert "WRONG: tiny: polars" in capsys.readouterr().err
    broken = fake(tmp_path, "echo no memory >&2; exit 3")
    code, found = bench("--tool", "duckdb", "--task", "tiny", "--peer-python", broken)
    assert (code, found["complaints"]) == (1, ["tiny: duckdb failed with exit code 3: no memory"])


def test_a_peer_that_is_not_there_is_no_error(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = bench("--tool", "duckdb", "--task", "tiny", "--peer-python", "false")
    assert (code, list(found["tasks"]["tiny"]["tools"])) == (0, ["lossctl"])
    said = capsys.readouterr()
    assert "not installed" in said.out
    assert "duckdb: not installed" in said.err


def test_files_of_another_scale_are_not_taken(bench: Bench, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "wide10.csv").write_text("label,p0\n1,0.5\n")
    assert main([*SMALL, "--data", str(tmp_path), "--task", "wide10_csv"]) == 2
    assert "wide10.csv has 1 rows, not 250" in capfd.readouterr().err


def test_phases_are_read_from_what_is_said() -> None:
    lines = [(100, "zipimport"), (200, "site"), (3000, "  typer"), (1000, "lossctl.cli.main"), (50, "numpy")]
    said = "import time: self [us] | cumulative | imported package\n" + "".join(
        f"import time: {own:9} | {own:10} | {name}\n" for own, name in lines
    )
    assert split_imports(said) == pytest.approx((0.0003, 0.004, 0.00005))
    told = "labels: y; preds: p; weights: none\n1,000 rows read, 1,000 used, 0 dropped\nopen 0.012\nkernel  1.5e-03\n"
    assert read_timings(told) == {"open": 0.012, "kernel": 0.0015}


def test_a_kernel_is_timed_and_compared() -> None:
    timed = measure(CASES[0], repeats=2, torch=None, elements=1000)
    assert timed.complaints == []
    assert timed.ns("lossctl") > 0
    timed.errors["lossctl"] = float("nan")
    assert timed.complaints == ["binary_crossentropy: lossctl is off by nan"]
