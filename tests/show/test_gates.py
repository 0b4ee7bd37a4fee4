"""Verdicts for people and for programs: nothing is cut, and nothing breaks the XML."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lossctl
from lossctl.evaluation.gate_verdict import Verdict, Verdicts
from lossctl.show import gates, html, table

NASTY = "`<a&\"b'>\x1b[31m\x00\ud800`.mean > 1"
VERDICTS = Verdicts(
    [
        Verdict("mean > 0.3", "pass", "value", {"mean": 0.25}, {}),
        Verdict("slice(a).worst > 1", "fail", "value", {"slice(a).worst": 2}, {"slice(a).worst": {"a": None, "b": 3}}),
        Verdict(NASTY, "inconclusive", "ci", {"x": (0.1, 0.2)}, {}),
        Verdict("q0.5 > 1", "error", "value", {}, {}, "there is none"),
    ]
)


def test_a_line_a_verdict() -> None:
    assert [gates.line(entry) for entry in VERDICTS] == [
        "gate passed: mean > 0.3 (mean 0.25)",
        "gate failed: slice(a).worst > 1 (slice(a).worst 2 at a=null, b=3)",
        "gate is inconclusive: `<a&\"b'>\\x1b[31m\\x00\\ud800`.mean > 1 (x in [0.1, 0.2])",
        "gate cannot be judged: q0.5 > 1 (there is none)",
    ]


def test_jenkins_reads_it() -> None:
    text = gates.junit(VERDICTS)
    root = ElementTree.fromstring(text.encode())
    (suite,) = root
    assert suite.attrib == {"name": "lossctl", "tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    assert [[child.tag for child in case] for case in suite] == [["system-out"], ["failure"], ["skipped"], ["error"]]
    assert {name for case in suite for name in case.attrib} == {"name", "classname"}
    assert {name for case in suite for child in case for name in child.attrib} == {"message", "type"}
    assert suite[2].attrib["name"] == "`<a&\"b'>?[31m??`.mean > 1"


@settings(max_examples=100)
@given(st.text())
def test_any_text_makes_good_xml(text: str) -> None:
    made = gates.junit([Verdict(text, "error", "value", {}, {}, text)])
    (case,) = ElementTree.fromstring(made.encode())[0]
    # what XML cannot hold is one mark each
    assert len(case.attrib["name"]) == len(text)


@pytest.fixture
def report() -> object:
    found = lossctl.evaluate(labels=[1.0, 2.0], preds=[1.5, 2.0], loss="mae").report
    return found._replace(gates=VERDICTS)


@pytest.mark.parametrize("width", [None, 40, 80])
@pytest.mark.parametrize("color", [False, True])
def test_the_table_shows_them_whole(report: object, width: int | None, color: bool) -> None:
    text = re.sub(r"\x1b\[[0-9;]*m", "", table.render(report, width, color))  # type: ignore[arg-type]
    assert width is None or max(map(len, text.splitlines())) <= width
    for entry in VERDICTS:
        assert entry.verdict in text
    if width != 40:
        assert "slice(a).worst > 1" in text
        assert "there is none" in text


def test_a_notebook_shows_them(report: object) -> None:
    shown = html.document(report)  # type: ignore[arg-type]
    assert "gate failed: slice(a).worst &gt; 1" in shown
    assert "<a&" not in shown
