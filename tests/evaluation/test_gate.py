"""The words of a gate: what they mean, and how what is none is refused."""

from __future__ import annotations

from typing import Any

import pytest

from lossctl.catalogue.registry import names
from lossctl.errors import UsageError
from lossctl.evaluation.gate import Comparison, parse_all
from lossctl.evaluation.gate_target import DOCUMENT, FIELDS, PICKS, ROWS, Target
from lossctl.evaluation.gate_verdict import gates
from lossctl.readers.connectives import And, Not, Or
from lossctl.readers.connectives import predicates as comparisons
from tests.gate_documents import result


def target(text: str) -> Target:
    ((_, tree),) = parse_all([f"{text} > 1"])
    assert isinstance(tree, Comparison)
    assert tree.target.text == text
    return tree.target


TARGETS: list[tuple[str, str, tuple[str, ...]]] = [
    ("mean", "", ("mean",)),
    ("huber.value", "huber", ("value",)),
    ("keras.BinaryCrossentropy.count", "keras.BinaryCrossentropy", ("count",)),
    ("torch.nn.BCELoss.ci.low", "torch.nn.BCELoss", ("ci", "low")),
    ("huber:delta=2.mean", "huber:delta=2", ("mean",)),
    ("huber:delta=2.5.q0.99", "huber:delta=2.5", ("quantiles", "99/100")),
    ("huber:delta=2.q0.99", "huber:delta=2", ("quantiles", "99/100")),
    ("huber:delta=1e-05.max", "huber:delta=1e-05", ("max",)),
    ("a:some=[0.1,0.9],other=x.max", "a:some=[0.1,0.9],other=x", ("max",)),
    ("`huber:delta=2`.mean", "huber:delta=2", ("mean",)),
    ("`my model (b)`.diff", "my model (b)", ("difference", "value")),
    ("model-b.parquet.diff.p", "model-b.parquet", ("difference", "p")),
    ("B.huber.diff", "B.huber", ("difference", "value")),
    ("p99", "", ("quantiles", "99/100")),
    ("p99.9", "", ("quantiles", "999/1000")),
    ("median", "", ("quantiles", "1/2")),
    ("q1", "", ("quantiles", "1")),
    ("worst_share", "", ("worst_share", "share")),
    ("worst_share.rows", "", ("worst_share", "rows")),
    ("wins", "", ("difference", "wins")),
    ("decomposition.miscalibration", "", ("decomposition", "miscalibration")),
]


@pytest.mark.parametrize(("text", "owner", "path"), TARGETS)
def test_a_target_is_an_owner_and_a_field(text: str, owner: str, path: tuple[str, ...]) -> None:
    found = target(text)
    assert (found.kind, found.owner, found.path, found.columns) == ("loss", owner, path, ())


SLICES: list[tuple[str, str, list[tuple[str, str | None]], str, tuple[str, ...]]] = [
    ("slice(region).worst", "", [("region", None)], "worst", ("value",)),
    ("huber.slice(region).worst.count", "huber", [("region", None)], "worst", ("count",)),
    ("slice(region * age:width=10).spread", "", [("region", None), ("age:width=10", None)], "spread", ("value",)),
    ("slice(age:edges=18,30,65).best", "", [("age:edges=18,30,65", None)], "best", ("value",)),
    ("slice(age:quantile=5='[1, 2)').mean", "", [("age:quantile=5", "[1, 2)")], "", ("mean",)),
    ("slice(day:month=2024-01).mean", "", [("day:month", "2024-01")], "", ("mean",)),
    ("slice(region=eu*sex=f).q0.5", "", [("region", "eu"), ("sex", "f")], "", ("quantiles", "1/2")),
    ("slice(`a (b) * c`='it''s').mean", "", [("a (b) * c", "it's")], "", ("mean",)),
    ("slice(region).any.p_adjusted", "", [("region", None)], "any", ("difference", "p_adjusted")),
    ("slice(region=eu*sex).all", "", [("region", "eu"), ("sex", None)], "all", ("value",)),
]


@pytest.mark.parametrize(("text", "owner", "columns", "pick", "path"), SLICES)
def test_a_target_of_slices(
    text: str, owner: str, columns: list[tuple[str, str | None]], pick: str, path: tuple[str, ...]
) -> None:
    found = target(text)
    told = [(column.text, column.value and column.value.text) for column in found.columns]
    assert (found.owner, told, found.pick, found.path) == (owner, columns, pick, path)


@pytest.mark.parametrize(
    ("text", "kind", "path"),
    [
        ("rows.read", "rows", ("read",)),
        ("dropped", "rows", ("dropped",)),
        ("rows.dropped.null_label", "rows", ("dropped", "null_label")),
        ("dropped.null_label", "rows", ("dropped", "null_label")),
        ("warning(rows_not_normalised)", "warning", ("rows_not_normalised",)),
        ("join.unmatched_preds", "document", ("join", "unmatched_preds")),
    ],
)
def test_a_target_of_no_loss(text: str, kind: str, path: tuple[str, ...]) -> None:
    assert (target(text).kind, target(text).path) == (kind, path)


def shape(tree: Any) -> Any:
    """A tree with each comparison as its target's text."""
    match tree:
        case Comparison():
            return tree.target.text
        case Not(part):
            return ("not", shape(part))
        case And(parts) | Or(parts):
            return (type(tree).__name__.lower(), *map(shape, parts))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mean > 1 or max > 1 and min > 1", ("or", "mean", ("and", "max", "min"))),
        ("(mean > 1 OR max > 1) And min > 1", ("and", ("or", "mean", "max"), "min")),
        ("not mean > 1 and max > 1", ("and", ("not", "mean"), "max")),
        ("not(mean > 1 and not max>1)", ("not", ("and", "mean", ("not", "max")))),
    ],
)
def test_how_words_bind(text: str, expected: object) -> None:
    assert shape(parse_all([text])[0].tree) == expected


@pytest.mark.parametrize(
    ("text", "op", "value"),
    [
        ("mean>0.3", ">", 0.3),
        ("huber:delta=2.mean==.5", "==", 0.5),
        ("mean >=-1e-3", ">=", -1e-3),
        ("mean != 0.7%", "!=", 0.007),
        ("mean<=3.", "<=", 3.0),
    ],
)
def test_operators_and_numbers(text: str, op: str, value: float) -> None:
    (found,) = comparisons(parse_all([text])[0].tree)
    assert (found.op, found.limit.value) == (op, value)


REFUSED = [
    ("", "expected what is judged, such as huber.mean or dropped, at character 1, found the end"),
    ("mean", "expected one of > >= < <= == != at character 5, found the end"),
    ("mean >", "expected a number such as 0.3 or 0.1% at character 7, found the end"),
    ("mean > x", "expected a number such as 0.3 or 0.1% at character 8, found x"),
    ("mean = 3", "expected == at character 6, found ="),
    ("mean > 3 max < 2", "expected and, or, or the end at character 10, found max"),
    ("mean > 3 && max < 2", "expected and, or or not, in words at character 10, found &"),
    ("(mean > 3", "expected and, or or ) at character 10, found the end"),
    ("0.3 < mean", "expected what is judged, such as huber.mean or dropped, at character 1, found 0.3"),
    ("mean > 1e999", "expected a number in the range of float64 at character 8"),
    ("mean > 1e99999999", "expected a target such as huber.mean, a number or an operator at character 8"),
    ("`huber.mean > 1", "the ` at character 1 is never closed"),
    ("not " * 60 + "mean > 1", "at most 50 brackets and nots within each other"),
    ("huber.meen > 1", "no field 'meen'; did you mean mean"),
    ("huber > 1", "no field 'huber'; there are value, mean, sum"),
    ("huber.mean.low > 1", "mean is a number; .low cannot stand behind it"),
    ("q2 > 1", "a quantile's level is from q0 to q1, or from p0 to p100"),
    ("q0.9.low > 1", "a quantile is q0.99 or p99"),
    ("count > 1%", "count is a count; compare it with a number without %"),
    ("rows > 1", "rows are read, used, filtered, dropped or dropped.REASON"),
    ("rows.droped > 1", "did you mean dropped or read?"),
    ("join > 1", "join has several numbers; say which, as join.KEY"),
    ("warning(a).count > 1", "warning(a) is a count; nothing stands behind it"),
    ("slice(region) > 1", "which of the slices? write .worst, .best, .spread, .any, .all behind it"),
    ("slice(region).wurst > 1", "did you mean worst?"),
    ("slice(region).count > 1", "or the slice's values"),
    ("slice(region=eu) > 1", "or a field such as slice(region=eu).mean"),
    ("slice(region).worst.meen > 1", "no field 'meen'"),
    ("slice(region).spread.count > 1", "the spread is of the values"),
    ("slice().worst > 1", "slice(): expected columns as --by has them"),
    ("slice(a**b).worst > 1", "slice(a**b): expected columns as --by has them"),
    ("slice(a*).worst > 1", "expected columns as --by has them"),
    ("slice(a=1=2).worst > 1", "expected columns as --by has them"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_what_is_no_gate(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_all([text])
    assert str(caught.value).startswith(f"--fail-if {text!r}: ")
    assert said in str(caught.value)


MSE, HUBER = result("mean_squared_error"), result("huber", spec="huber:delta=2.0", options={"delta": 2.0})


@pytest.mark.parametrize(
    "text", ["mse.mean > 1", "MSE.mean > 1", "huber.mean > 1", "huber:delta=2.mean > 1", "`huber:delta=2.0`.mean > 1"]
)
def test_a_loss_in_any_spelling(text: str) -> None:
    assert gates([text], [MSE, HUBER], "value")[0].text == text


@pytest.mark.parametrize(
    ("text", "results", "on", "said"),
    [
        ("hubr.mean > 1", [HUBER], "value", "unknown loss 'hubr'; did you mean huber?"),
        ("huber:delt=2.mean > 1", [HUBER], "value", "huber has no option 'delt'"),
        ("mae.mean > 1", [MSE], "value", "the call has no mae; there is mean_squared_error"),
        ("huber:delta=3.mean > 1", [HUBER], "value", "the call has no huber:delta=3"),
        ("mean > 1", [MSE, HUBER], "value", "mean: which of them? write mean_squared_error.mean;"),
        ("mean > 1", [], "value", "--reduction none gives none"),
        ("max > 1 or dropped > 1", [MSE], "ci", "none of the gates is on a value that can have an interval"),
        ("mean > 1", [MSE], "interval", "gates are judged on value or ci, got 'interval'"),
    ],
)
def test_what_no_call_can_mean(text: str, results: list[dict[str, Any]], on: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        gates([text], results, on)
    assert said in str(caught.value)


def test_no_part_of_a_loss_s_name_is_a_field() -> None:
    parts = {part for name in names() for part in name.lower().split(".")}
    assert parts.isdisjoint({*FIELDS, *ROWS, *DOCUMENT, *PICKS})
