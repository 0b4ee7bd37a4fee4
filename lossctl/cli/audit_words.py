"""The words of an audit on the command line: each flag with its type and help, once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from lossctl.cli.flag import flag


class GateOn(StrEnum):
    """What gates are judged on."""

    value = "value"
    ci = "ci"


FailIf = Annotated[
    list[str] | None,
    flag(
        "--fail-if",
        metavar="GATE",
        help="Fail (exit 1) if this holds: 'huber.mean > 0.3', 'q0.99 >= 5 and not dropped > 0.1%', "
        "'slice(region).worst > 0.5', 'slice(region=eu).mean > 0.4', 'warning(rows_not_normalised) > 0'. TARGET OP "
        "NUMBER, joined by and, or, not and brackets; the targets are the JSON's keys. Repeatable. What is absent is "
        "an error (exit 2).",
    ),
]
GateOnWord = Annotated[
    GateOn | None,
    flag(
        "--gate-on",
        help="Judge gates on the value (the default), or means and differences on their interval: then a gate is "
        "inconclusive (exit 3) while its number lies within.",
        show_default=False,
    ),
]
Junit = Annotated[
    str | None,
    flag("--junit", metavar="FILE", help="Write the verdicts as JUnit XML, a test case a gate; with --fail-if."),
]
ExitZero = Annotated[
    bool,
    flag("--exit-zero", help="Exit 0 also when a gate fails or is inconclusive; errors still exit 2."),
]
