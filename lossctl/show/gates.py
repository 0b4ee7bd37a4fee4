"""Verdicts on gates: a line each, a table, and JUnit's XML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lossctl.evaluation.gate_slices import said
from lossctl.show.cells import printable

if TYPE_CHECKING:
    from rich.table import Table

    from lossctl.evaluation.gate_verdict import Verdict

WORDS = {"pass": "passed", "fail": "failed", "inconclusive": "is inconclusive", "error": "cannot be judged"}
STYLES = {"pass": "green", "fail": "bold red", "inconclusive": "yellow", "error": "bold red"}
# what XML 1.0 has no way to hold
UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def line(verdict: Verdict) -> str:
    """A verdict in a line, such as "gate failed: mae.mean > 0.3 (mae.mean 0.41)"."""
    why = facts(verdict)
    return printable(f"gate {WORDS[verdict.verdict]}: {verdict.gate}{f' ({why})' if why else ''}")


def facts(verdict: Verdict) -> str:
    """What a verdict rests on, or why there is none."""
    if verdict.message:
        return verdict.message
    return "; ".join(f"{name} {_number(value)}{_place(verdict, name)}" for name, value in verdict.found.items())


def _place(verdict: Verdict, name: str) -> str:
    return f" at {said(verdict.at[name])}" if name in verdict.at else ""


def _number(value: float | tuple[float, float]) -> str:
    return f"in [{value[0]:.8g}, {value[1]:.8g}]" if isinstance(value, tuple) else f"{value:.8g}"


def table(verdicts: Sequence[Verdict]) -> Table:
    """A row a gate: its verdict, its text and what was found."""
    from rich.text import Text

    from lossctl.show.table import grid

    made = grid({"verdict": "left", "gate": "left", "found": "left", "judged on": "left"})
    for column in made.columns[1:3]:
        # a long gate or reason takes more lines, and is never cut
        column.no_wrap, column.overflow = False, "fold"
    for entry in verdicts:
        word = Text(entry.verdict, style=STYLES[entry.verdict])
        made.add_row(word, Text(printable(entry.gate)), Text(printable(facts(entry))), entry.basis)
    return made


def junit(verdicts: Sequence[Verdict]) -> str:
    """The verdicts as JUnit's XML, in the form that Jenkins reads: a test case a gate.

    A failed gate is a failure, one that cannot be judged an error. An inconclusive one is skipped, with the reason:
    JUnit has no third outcome, and the exit code 3 tells it from a pass.
    """
    from xml.etree.ElementTree import Element, SubElement, indent, tostring

    words = [entry.verdict for entry in verdicts]
    counts = {"tests": len(words), "failures": words.count("fail"), "errors": words.count("error")}
    root = Element("testsuites")
    skipped = {"skipped": words.count("inconclusive")}
    suite = SubElement(root, "testsuite", {"name": "lossctl", **_texts({**counts, **skipped})})
    for entry in verdicts:
        case = SubElement(suite, "testcase", {"name": _writable(entry.gate), "classname": "lossctl.gates"})
        tag = {"fail": "failure", "error": "error", "inconclusive": "skipped"}.get(entry.verdict)
        if tag is not None:
            more = {} if tag == "skipped" else {"type": "gate"}
            SubElement(case, tag, {"message": _writable(line(entry)), **more})
        elif entry.found:
            SubElement(case, "system-out").text = _writable(facts(entry))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _texts(counts: dict[str, int]) -> dict[str, str]:
    return {name: str(count) for name, count in counts.items()}


def _writable(text: str) -> str:
    return UNWRITABLE.sub("?", text)
