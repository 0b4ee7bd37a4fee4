"""A plain call is read without typer, to just what typer makes of it."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from lossctl.cli.eval import eval_command
from lossctl.cli.flag import flag_of, plain_call, spoken

SIGNATURE = inspect.signature(eval_command, eval_str=True)
FLAGS = [found for found in map(flag_of, SIGNATURE.parameters.values()) if found is not None]
SPELLINGS = [spelling for found in FLAGS for names in found.names for spelling in names.split("/")]
VALUES = ["label", "p_*", "huber:delta=2", "mean", "drop", "json", "0", "4", "-1", "x", "", "-", "a=b", "--json"]
WORDS = st.one_of(
    st.sampled_from(SPELLINGS),
    st.sampled_from(VALUES),
    st.builds("{}={}".format, st.sampled_from(SPELLINGS), st.sampled_from(VALUES)),
    st.sampled_from(["preds.csv", "--", "-h", "--help", "--delta", "-yq", "-ylabel", "-qj2", "--los", "-9"]),
)


def by_typer(words: list[str]) -> dict[str, Any]:
    """What typer hands to the command."""
    seen: dict[str, Any] = {}

    def captured(**given: Any) -> None:
        seen.update(given)

    captured.__signature__ = SIGNATURE  # type: ignore[attr-defined]
    app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None, add_completion=False)
    app.command("eval")(spoken(captured, without="options"))
    app(words, standalone_mode=False)
    return seen


def by_us(words: list[str]) -> dict[str, Any] | None:
    read = plain_call(eval_command, words)
    if read is None:
        return None
    defaults = {name: p.default for name, p in SIGNATURE.parameters.items() if name != "options"}
    return defaults | read


def emptied(arguments: dict[str, Any]) -> dict[str, Any]:
    """Nothing given to a flag that repeats is None or an empty list, as typer likes."""
    return {name: None if value == [] else value for name, value in arguments.items()}


@given(st.lists(WORDS, max_size=6))
def test_what_is_read_here_typer_reads_alike(words: list[str]) -> None:
    read = by_us(words)
    if read is not None:
        assert emptied(by_typer(words)) == emptied(read)


@pytest.mark.parametrize("found", FLAGS, ids=lambda found: found.names[0] if found.names else "FILE")
def test_every_flag_is_read_here(found: Any) -> None:
    good = {"--on-bad": "drop", "--on-unmatched": "drop", "--on-empty": "nan", "--rest": "zero", "--format": "csv"}
    good |= {"--gate-on": "ci", "--correction": "bh", "--calibration": "equal-mass"}
    for names in found.names:
        spelling = names.split("/")[0]
        value = good.get(found.names[0], "3")
        words = [spelling] if plain_call(eval_command, [spelling]) is not None else [spelling, value]
        read = by_us(["preds.csv", *words])
        assert read is not None
        assert emptied(by_typer(["preds.csv", *words])) == emptied(read)


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["-h"],
        ["--delta", "2"],
        ["--loss"],
        ["--loss", "--json"],
        ["--threads", "-1"],
        ["--threads", "two"],
        ["--on-bad", "dorp"],
        ["--json=yes"],
        ["--json", "--json"],
        ["-yq"],
        ["--los", "mse"],
        ["--", "preds.csv"],
        ["--labels", "a", "--labels", "b"],
    ],
)
def test_all_else_is_left_to_typer(words: list[str]) -> None:
    assert plain_call(eval_command, words) is None
