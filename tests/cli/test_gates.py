"""`lossctl eval --fail-if`: exit codes, what is written before them, and refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import ROOT, program

# mean absolute error 0.5 of three rows, one row without a pred
TABLE = "y,p\n1,1.5\n2,2.5\n3,3.5\n4,\n"
FLAGS = ("-l", "mae", "--on-bad", "drop")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    path.write_text(TABLE)
    return path


def gated(table: Path, *args: object) -> subprocess.CompletedProcess[str]:
    return program("eval", table, *FLAGS, *args)


@pytest.mark.parametrize(
    ("gates", "code"),
    [
        (["mean > 0.5"], 0),
        (["mean >= 0.5"], 1),
        (["dropped > 0"], 1),
        (["dropped > 25%"], 0),
        (["dropped.null_pred >= 25% and mae.count == 3"], 1),
        (["mean > 9", "max > 0.1"], 1),
        (["mean > 9", "not mean > 9"], 1),
        (["warning(constant_prediction) > 0"], 0),
        (["q0.5 > 9"], 2),
        (["mean > 0", "slice(region).worst > 1"], 2),
    ],
)
def test_the_exit_code_is_the_verdict_s_and_the_result_is_written_before(
    table: Path, gates: list[str], code: int
) -> None:
    flags = [word for gate in gates for word in ("--fail-if", gate)]
    done = gated(table, *flags, "--json")
    assert done.returncode == code, done.stderr
    document = json.loads(done.stdout)
    assert document["results"][0]["value"] == 0.5
    assert [entry["gate"] for entry in document["gates"]] == gates
    words = {entry["verdict"] for entry in document["gates"]}
    assert words <= {"pass", "fail", "error"}
    assert code == (2 if "error" in words else 1 if "fail" in words else 0)
    for entry in document["gates"]:
        said = {"pass": "gate passed: ", "fail": "gate failed: ", "error": "lossctl: --fail-if "}[entry["verdict"]]
        assert sum(line.startswith(said) and entry["gate"] in line for line in done.stderr.splitlines()) == 1


def test_what_a_verdict_says(table: Path) -> None:
    done = gated(table, "--fail-if", "mae.mean >= 0.5 or dropped > 50%", "--json")
    assert json.loads(done.stdout)["gates"] == [
        {
            "gate": "mae.mean >= 0.5 or dropped > 50%",
            "verdict": "fail",
            "basis": "value",
            "found": {"mae.mean": 0.5, "dropped/read": 0.25},
        }
    ]
    assert "gate failed: mae.mean >= 0.5 or dropped > 50% (mae.mean 0.5; dropped/read 0.25)" in done.stderr


def test_a_call_without_gates_has_none(table: Path) -> None:
    assert "gates" not in json.loads(gated(table, "--json").stdout)


def test_the_table_shows_gates_and_each_line_of_json_holds_them(table: Path) -> None:
    shown = gated(table, "--fail-if", "mean > 0.1", "--fail-if", "max > 9").stdout.splitlines()
    assert [line.split()[0] for line in shown[-2:]] == ["fail", "pass"]
    line = json.loads(gated(table, "--fail-if", "mean > 0.1", "-f", "jsonl").stdout)
    assert [entry["verdict"] for entry in line["gates"]] == ["fail"]


def test_quiet_says_what_is_no_pass(table: Path) -> None:
    done = gated(table, "-q", "--fail-if", "mean > 9", "--fail-if", "mean > 0.1", "--value-only")
    assert (done.stdout, done.stderr) == ("0.5\n", "gate failed: mean > 0.1 (mean 0.5)\n")


def test_exit_zero_is_for_verdicts_and_not_for_errors(table: Path) -> None:
    assert gated(table, "--fail-if", "mean > 0.1", "--exit-zero").returncode == 0
    assert gated(table, "--fail-if", "q0.5 > 0.1", "--exit-zero").returncode == 2


def test_the_exit_code_flows_through_calls_that_typer_reads(table: Path) -> None:
    # an option of a loss is no flag of a plain call
    done = program("eval", table, "-l", "huber", "--delta", "2", "--on-bad", "drop", "--fail-if", "huber.mean > 0.1")
    assert done.returncode == 1, done.stderr
    assert program("eval", table, "-l", "mae", "--on-bad", "drop", "--fail-if=mean > 0.1", "-j1").returncode == 1


def test_rows_are_gated_where_nothing_is_reduced(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    done = gated(table, "-r", "none", "-o", out, "--fail-if", "dropped > 10%")
    assert (done.returncode, len(out.read_text().splitlines())) == (1, 4)
    assert "--reduction none gives none" in gated(table, "-r", "none", "--fail-if", "mean > 1").stderr


def test_a_reader_that_leaves_does_not_make_a_gate_pass(table: Path) -> None:
    # more than a pipe or a buffer holds
    flags = [word for k in range(3000) for word in ("--fail-if", f"mean > 0.{k}")]
    command = [sys.executable, "-m", "lossctl", "eval", str(table), *FLAGS, "-q", *flags, "--json"]
    for few in (command, [*command[:12], "--json"]):
        with subprocess.Popen(few, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
            assert running.stdout is not None
            running.stdout.close()
            assert running.wait(60) == 1


# --- JUnit ------------------------------------------------------------------------------------------------------------


def cases(path: Path) -> tuple[dict[str, str], list[ElementTree.Element]]:
    root = ElementTree.parse(path).getroot()
    (suite,) = root
    assert (root.tag, suite.tag, {case.tag for case in suite}) == ("testsuites", "testsuite", {"testcase"})
    return suite.attrib, list(suite)


def test_junit_holds_a_case_a_gate(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "gates.xml"
    gates = ["mean > 9", "mean > 0.1 and max < 1", "q0.5 > 1"]
    done = gated(table, "--junit", out, *(word for gate in gates for word in ("--fail-if", gate)))
    assert done.returncode == 2
    counts, found = cases(out)
    assert counts == {"name": "lossctl", "tests": "3", "failures": "1", "errors": "1", "skipped": "0"}
    assert [case.attrib["name"] for case in found] == gates
    assert [[child.tag for child in case] for case in found] == [["system-out"], ["failure"], ["error"]]
    assert found[1][0].attrib["message"] == f"gate failed: {gates[1]} (mean 0.5; max 0.5)"
    assert "no quantile 0.5" in found[2][0].attrib["message"]


def test_junit_tells_a_call_that_failed(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "gates.xml"
    out.write_text("of an earlier call, where all passed")
    done = program("eval", table, "-l", "mae", "--fail-if", "mean > 9", "--junit", out)
    assert done.returncode == 2
    _, (case,) = cases(out)
    assert [child.tag for child in case] == ["error"]
    assert "1 null_pred" in case[0].attrib["message"]
    assert gated(table, "--max-dropped", "0", "--fail-if", "mean > 9", "--junit", out).returncode == 1
    assert "--max-dropped allows 0 rows" in cases(out)[1][0][0].attrib["message"]


def test_junit_that_cannot_be_written_is_an_error(table: Path, tmp_path: Path) -> None:
    done = gated(table, "--fail-if", "mean > 9", "--junit", tmp_path / "none" / "gates.xml")
    assert (done.returncode, "there is no folder" in done.stderr) == (2, True)
    assert "0.5" in done.stdout
    assert list(tmp_path.iterdir()) == [table]


# --- on the interval --------------------------------------------------------------------------------------------------

WITH_INTERVAL = """
import sys
from lossctl.evaluation.result import LossResult
plainly = LossResult.to_dict
interval = {"level": 0.95, "low": 0.4, "high": 0.6, "method": "t"}
LossResult.to_dict = lambda self, made=True: {**plainly(self, made), "ci": interval}
from lossctl.cli.main import main
main()
"""


@pytest.mark.parametrize(
    ("gates", "code"),
    [
        (["mean > 0.6"], 0),
        (["mean > 0.5"], 3),
        (["mean > 0.3"], 1),
        (["mean > 0.5", "mean > 0.3"], 1),
        (["mean > 0.5", "mean > 9"], 3),
        (["mean > 0.5", "q0.1 > 9"], 2),
    ],
)
def test_an_inconclusive_gate_has_its_own_exit_code(table: Path, tmp_path: Path, gates: list[str], code: int) -> None:
    flags = [word for gate in gates for word in ("--fail-if", gate)]
    more = ["--gate-on", "ci", "--json", "--junit", tmp_path / "gates.xml", *flags]
    command = [sys.executable, "-c", WITH_INTERVAL, "eval", table, *FLAGS, *more]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == code, done.stderr
    verdicts = json.loads(done.stdout)["gates"]
    assert verdicts[0]["found"] == {"mean": [0.4, 0.6]}
    assert verdicts[0]["basis"] == "ci"
    _, found = cases(tmp_path / "gates.xml")
    assert [case.find("skipped") is not None for case in found] == [
        entry["verdict"] == "inconclusive" for entry in verdicts
    ]
    if gates[0] == "mean > 0.5":
        assert "gate is inconclusive: mean > 0.5 (mean in [0.4, 0.6])" in done.stderr


def test_where_nothing_has_an_interval_the_error_says_what_to_ask_for(table: Path) -> None:
    words = ("--fail-if", "value > 1", "--gate-on", "ci", "--value-only")
    done = program("eval", table, "--on-bad", "drop", "--loss", "root_mean_squared_error", *words)
    assert done.returncode == 2
    assert float(done.stdout) > 0.0
    assert "no value of the gates has an interval to judge" in done.stderr
    assert "--gate-on value" in done.stderr


# --- refusals, before any file is read --------------------------------------------------------------------------------

REFUSED = [
    (["--junit", "x.xml"], "--junit goes with a gate: --fail-if 'mean > 0.3'"),
    (["--exit-zero"], "--exit-zero goes with a gate"),
    (["--gate-on", "ci"], "--gate-on goes with a gate"),
    (["--fail-if", "mean > 1", "--junit", "-"], "--junit and the result both go to stdout"),
    (["--fail-if", "mean > 1", "--junit", "x", "-o", "x"], "--junit and the result both go to x"),
    (["--fail-if", "mean > 1 or"], "expected what is judged, such as huber.mean or dropped, at character 12"),
    (["--fail-if", "hubr.mean > 1"], "unknown loss 'hubr'; did you mean huber?"),
    (["--fail-if", "mse.mean > 1"], "the call has no mse; there is mean_absolute_error"),
    (["-l", "mse", "--fail-if", "mean > 1"], "mean: which of them? write mean_absolute_error.mean"),
    (["--fail-if", "max > 1", "--gate-on", "ci"], "none of the gates is on a value that can have an interval"),
]


@pytest.mark.parametrize(("flags", "said"), REFUSED)
def test_words_that_make_no_sense(tmp_path: Path, flags: list[str], said: str) -> None:
    # the file is not there: nothing looks for it
    done = program("eval", "nowhere.csv", "-l", "mae", *flags, cwd=tmp_path)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []
