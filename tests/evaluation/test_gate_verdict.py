"""Gates judged on documents: what is found, on which basis, and what is absent."""

from __future__ import annotations

import json
import math
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lossctl
from lossctl.catalogue.registry import all_losses
from lossctl.errors import DataError, UsageError
from lossctl.evaluation.checks import SINGULAR
from lossctl.evaluation.gate import Comparison, Gate, Limit, Tree
from lossctl.evaluation.gate_account import WARNINGS, rows_counted
from lossctl.evaluation.gate_lookup import Found
from lossctl.evaluation.gate_target import FIELDS, Target
from lossctl.evaluation.gate_verdict import Verdicts, compared, gates, judge
from tests.conftest import ROOT
from tests.gate_documents import document, part, result

CI = {"level": 0.95, "low": 0.2, "high": 0.3, "method": "t, linearised"}
RICH = result(
    ci=CI,
    guarded={"count": 3, "share": 0.5},
    quantiles={"method": "sketch", "values": {"0.5": 0.1, "0.99": 2.5}},
    worst_share={"rows": 0.01, "share": 0.2},
    clip={"guarded": 4, "share": 0.5, "at": []},
    decomposition={"miscalibration": 0.01},
    bootstrap=None,
)
SLICED = result(
    slices=[
        part(0.2, 0.1, 0.3, by_region="eu", difference={"value": -0.1, "low": -0.2, "high": 0.0, "p_adjusted": 0.6}),
        part(0.6, 0.5, 0.7, by_region="us", difference={"value": 0.4, "low": 0.3, "high": 0.5, "p_adjusted": 0.01}),
        part(0.4, 0.2, 0.9, by_region=None, difference={"value": 0.1, "low": -0.1, "high": 0.3, "p_adjusted": 0.3}),
        part(0.1, by_region="eu", by_sex="f", count=3),
        part(0.9, by_region="eu", by_sex="m", count=4),
        part(0.1, **{"by_age:width=10": "[10, 20)"}),
        part(0.3, **{"by_age:width=10": "[20, 30)"}),
        part(0.5, by_year=2024),
    ]
)


def word(text: str, document: dict[str, Any], on: str = "value") -> str:
    return judged(text, document, on)[0].verdict


def judged(text: str, document: dict[str, Any], on: str = "value") -> Verdicts:
    return judge(gates([text], document["results"], on), document, on)


def value(text: str, document: dict[str, Any]) -> Any:
    (found,) = judged(f"{text} > 1e300", document)[0].found.values()
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mean", 0.25),
        ("mse.value", 0.25),
        ("sum", 25.0),
        ("count", 100),
        ("stderr", 0.02),
        ("max", 3.0),
        ("denominator", 100.0),
        ("ci.low", 0.2),
        ("guarded.share", 0.5),
        ("q0.99", 2.5),
        ("p99", 2.5),
        ("median", 0.1),
        ("worst_share", 0.2),
        ("clip.guarded", 4),
        ("decomposition.miscalibration", 0.01),
        ("rows.read", 1000),
        ("rows.used", 995),
        ("dropped", 5),
        ("rows.dropped.null_label", 4),
        ("dropped.nan_pred", 0),
        ("filtered", 0),
        ("warning(rows_not_normalised)", 7),
        ("warning(constant_prediction)", 0),
        ("join.unmatched_preds", 2),
    ],
)
def test_where_numbers_stand(text: str, expected: float) -> None:
    more = {"warnings": [{"code": "rows_not_normalised", "count": 7, "message": ""}], "join": {"unmatched_preds": 2}}
    assert value(text, document(RICH, dropped={"null_label": 4, "inf_pred": 1}, **more)) == expected


def test_rows_that_no_guard_changed_count_none() -> None:
    assert value("guarded.count", document(result())) == 0


@pytest.mark.parametrize(
    ("text", "expected", "at"),
    [
        ("slice(region).worst", 0.6, {"region": "us"}),
        ("slice(region).best", 0.2, {"region": "eu"}),
        ("slice(region).spread", pytest.approx(0.4), {"region": "us"}),
        ("slice(region).worst.diff", 0.4, {"region": "us"}),
        ("slice(region).all", 0.2, {"region": "eu"}),
        ("slice(region).any", 0.6, {"region": "us"}),
        ("slice(region=eu).mean", 0.2, {"region": "eu"}),
        ("slice(region=null).mean", 0.4, {"region": None}),
        ("slice(sex=m*region=eu).count", 4, {"region": "eu", "sex": "m"}),
        ("slice(region=eu*sex).worst.count", 4, {"region": "eu", "sex": "m"}),
        ("slice(age:width=10).worst", 0.3, {"age:width=10": "[20, 30)"}),
        ("slice(age='[10, 20)').value", 0.1, {"age:width=10": "[10, 20)"}),
        ("slice(year=2024.0).value", 0.5, {"year": 2024}),
    ],
)
def test_what_a_slice_is_found_to_be(text: str, expected: float, at: dict[str, Any]) -> None:
    (verdict,) = judged(f"{text} > 100", document(SLICED))
    assert (verdict.found, verdict.at) == ({text: expected}, {text: at})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("slice(region).any.p_adjusted < 0.05", "fail"),
        ("slice(region).all.p_adjusted < 0.05", "pass"),
        ("slice(region).all.diff >= -0.1", "fail"),
        ("slice(region).any.value == 0.4", "fail"),
        ("slice(region).any.value != 0.4", "fail"),
        ("slice(region).all.value != 0.5", "fail"),
        ("not slice(region).any > 0.5", "pass"),
        ("slice(region).spread > 0.3", "fail"),
    ],
)
def test_some_slice_and_every_slice(text: str, expected: str) -> None:
    assert word(text, document(SLICED)) == expected


MODELS = [
    result("huber", 0.5, model="A", difference=None),
    result("huber", 0.6, model="B", difference={"value": 0.1, "low": -0.1, "high": 0.3, "p": 0.04, "wins": 3}),
    result("mean_absolute_error", 0.5, model="A", difference=None),
    result("mean_absolute_error", 0.4, model="B", difference={"value": -0.1, "low": -0.2, "high": -0.05}, losses=7),
]


@pytest.mark.parametrize(
    ("text", "models", "expected"),
    [
        ("diff", MODELS[:2], 0.1),
        ("diff.p", MODELS[:2], 0.04),
        ("wins", MODELS[:2], 3),
        ("B.diff", MODELS[:2], 0.1),
        ("A.mean", MODELS[:2], 0.5),
        ("huber.diff", MODELS, 0.1),
        ("B.mae.diff", MODELS, -0.1),
        ("mae.losses", MODELS, 7),
        ("B.mae.mean", MODELS, 0.4),
    ],
)
def test_several_models(text: str, models: list[dict[str, Any]], expected: float) -> None:
    assert value(text, document(*models)) == expected


def test_a_difference_is_judged_on_its_interval() -> None:
    found = judge(gates(["huber.diff > 0", "mae.diff < 0"], MODELS, "ci"), document(*MODELS), "ci")
    assert [(entry.verdict, entry.basis) for entry in found] == [("inconclusive", "ci"), ("fail", "ci")]
    assert found[0].found == {"huber.diff": (-0.1, 0.3)}
    assert found.to_dict()[0]["found"] == {"huber.diff": [-0.1, 0.3]}


ABSENT = [
    ("slice(country).worst > 1", "no slices by country; there are slices by region, region*sex, age:width=10, year"),
    ("slice(age:width=5).worst > 1", "no slices by age:width=5"),
    ("slice(region=asia).mean > 1", "no slice of these values; there are region=eu; region=us; region=null"),
    ("slice(region='null').mean > 1", "no slice of these values"),
    ("slice(region).any.stderr > 1", "mean_squared_error at region=eu has no stderr"),
    ("slice(region*sex).worst.diff > 1", "has no difference"),
    ("worst_share > 1", "mean_squared_error has no worst_share"),
    ("q0.5 > 1", "has no quantile 0.5; there are none; ask for --quantiles 0.5"),
    ("guarded > 1", "guarded of mean_squared_error is null"),
    ("rows.dropped.nul_label > 1", "no rows are dropped as nul_label; did you mean null_label"),
    ("warning(row_not_normalised) > 0", "no warning has this code; did you mean rows_not_normalised?"),
    ("join.unmatched_preds > 1", "the document has no join"),
    ("calibration.ece > 1", "the document has no calibration"),
    ("mean > 0.1 or slice(country).worst > 1", "no slices by country"),
    ("mean > 9 and slice(country).worst > 1", "no slices by country"),
]


@pytest.mark.parametrize(("text", "said"), ABSENT)
def test_what_is_absent_is_an_error(text: str, said: str) -> None:
    (verdict,) = judged(text, document(SLICED))
    assert verdict.verdict == "error"
    assert verdict.message.startswith(f"--fail-if {text!r}: ")
    assert said in verdict.message
    assert Verdicts([verdict]).exit_code == 2


@pytest.mark.parametrize("value", [math.nan, "nan", None, "text", True])
def test_what_is_no_number_is_an_error(value: object) -> None:
    for text in ("mean > 1", "not mean > 1", "mean != 1"):
        (verdict,) = judged(text, document(result(value=value)))
        assert (verdict.verdict, "and nothing can be said of it" in verdict.message) == ("error", True)


def test_a_slice_without_a_number_is_an_error() -> None:
    odd = result(slices=[part(0.5, by_a=1), part(None, by_a=2)])
    for pick in ("worst", "best", "spread", "any", "all"):
        assert "at a=2 is null" in judged(f"slice(a).{pick} > 0.1", document(odd))[0].message


@pytest.mark.parametrize(
    ("odd", "text", "said"),
    [
        (result(guarded={"count": 1, "share": 0.5}), "guarded > 1", "guarded has several numbers; write one of count"),
        (result(reduction="sum", denominator=None), "mean > 1", "is a sum and no mean; write value for it"),
        (RICH, "q0.9 > 1", "has no quantile 0.9; there are 0.5, 0.99; ask for --quantiles 0.9"),
        (RICH, "ci.lo > 1", "has no ci.lo; did you mean low?"),
        (RICH, "clip.at > 1", "clip.at of mean_squared_error is no number"),
        (
            result(slices=[part(1.0, **{f"by_a:{cut}": 1}) for cut in ("width=1", "width=2")]),
            "slice(a).worst > 1",
            "not one but several slices by a; there are slices by a:width=1, a:width=2",
        ),
    ],
)
def test_what_is_several_or_none(odd: dict[str, Any], text: str, said: str) -> None:
    assert said in judged(text, document(odd))[0].message


def test_a_whole_loss_has_a_mean_although_it_divides_by_nothing() -> None:
    assert value("mean", document(result(reduction="whole", denominator=None))) == 0.25


def test_infinity_is_a_number() -> None:
    assert word("mean > 0.3", document(result(value="inf"))) == "fail"
    assert word("mean > 0.3", document(result(value=-math.inf))) == "pass"


def test_shares_of_rows_are_exact() -> None:
    said = document(result(), dropped={"null_label": 1})
    assert word("dropped > 0.1%", said) == "pass"
    assert word("dropped >= 0.1%", said) == "fail"
    assert word("rows.used == 99.9%", said) == "fail"
    assert judged("dropped > 0.1%", said)[0].found == {"dropped/read": 0.001}
    assert "no rows were read" in judged("dropped > 1%", {**said, "rows": {"read": 0, "dropped": {}}})[0].message
    assert "no account of rows" in judged("dropped > 1", {"results": []})[0].message


def test_one_target_twice_is_told_twice() -> None:
    (verdict,) = judged("slice(region).any > 1 or slice(region).any < 0", document(SLICED))
    assert verdict.found == {"slice(region).any": 0.6, "slice(region).any < 0": 0.2}


@pytest.mark.parametrize(
    ("text", "expected", "basis"),
    [
        ("mean > 0.1", "fail", "ci"),
        ("mean > 0.2", "inconclusive", "ci"),
        ("mean > 0.3", "pass", "ci"),
        ("mean >= 0.2", "fail", "ci"),
        ("mean >= 0.3", "inconclusive", "ci"),
        ("mean < 0.2", "pass", "ci"),
        ("mean <= 0.2", "inconclusive", "ci"),
        ("mean <= 0.3", "fail", "ci"),
        ("mean == 0.25", "inconclusive", "ci"),
        ("mean == 0.4", "pass", "ci"),
        ("mean != 0.4", "fail", "ci"),
        ("mean > 0.25 and max > 2", "inconclusive", "ci"),
        ("mean > 0.25 and max > 9", "pass", "ci"),
        ("mean > 0.25 or max > 2", "fail", "ci"),
    ],
)
def test_a_mean_is_judged_on_its_interval(text: str, expected: str, basis: str) -> None:
    (verdict,) = judged(text, document(RICH), "ci")
    assert (verdict.verdict, verdict.basis) == (expected, basis)


def test_what_was_asked_for_goes_before_what_is_always_there() -> None:
    both = result(ci=CI, bootstrap={"low": 0.1, "high": 0.4, "stderr": 0.1})
    assert judged("mean > 0.15", document(both), "ci")[0].found == {"mean": (0.1, 0.4)}


def test_slices_are_judged_on_their_intervals() -> None:
    found = judged("slice(region).worst > 0.6", document(SLICED), "ci")[0]
    assert (found.verdict, found.found) == ("inconclusive", {"slice(region).worst": (0.5, 0.9)})
    assert judged("slice(region).best < 0.15", document(SLICED), "ci")[0].found == {"slice(region).best": (0.1, 0.3)}
    assert word("slice(region).any > 0.45", document(SLICED), "ci") == "fail"
    assert word("slice(region).all > 0.15", document(SLICED), "ci") == "inconclusive"
    assert word("slice(region).all > 0.35", document(SLICED), "ci") == "pass"


def test_nothing_is_known_of_a_slice_without_an_interval_among_others() -> None:
    odd = document(result(slices=[part(0.5, 0.4, 0.6, by_a=1), part(0.9, by_a=2)]))
    for text in ("slice(a).worst > 0.7", "slice(a).any > 0.7"):
        assert word(text, odd, "ci") == "inconclusive"
    assert word("slice(a).worst > 0.3", odd, "ci") == "fail"


def test_where_nothing_has_an_interval_all_gates_are_errors() -> None:
    said = document(result(ci=None))
    found = judge(gates(["mean > 1", "dropped > 1"], said["results"], "ci"), said, "ci")
    assert [entry.verdict for entry in found] == ["error", "error"]
    assert "--ci 0.95 or --bootstrap 200" in found[0].message
    rich = document(RICH)
    mixed = judge(gates(["mean > 1", "dropped > 1"], rich["results"], "ci"), rich, "ci")
    assert [(entry.verdict, entry.basis) for entry in mixed] == [("pass", "ci"), ("pass", "value")]


def test_the_worst_verdict_decides() -> None:
    said = document(RICH)
    texts = {"pass": "mean > 9", "inconclusive": "mean > 0.25", "fail": "mean > 0", "error": "mean > 9 or q0.1 > 1"}
    exits = {"pass": 0, "inconclusive": 3, "fail": 1, "error": 2}
    for one, other in product(texts, texts):
        found = judge(gates([texts[one], texts[other]], said["results"], "ci"), said, "ci")
        worst = max(one, other, key=list(exits).index)
        assert (found.verdict, found.exit_code, found.passed) == (worst, exits[worst], worst == "pass")


# --- three-valued logic against all that may be -----------------------------------------------------------------------

STATES = {True: (1.0, 2.0), False: (-2.0, -1.0), None: (-1.0, 1.0)}


def leaves(count: int) -> st.SearchStrategy[Any]:
    """Trees over leaves that are told apart by a number, each used once."""

    def built(some: list[int]) -> st.SearchStrategy[Any]:
        if len(some) == 1:
            leaf = st.just(("leaf", some[0]))
            return leaf | leaf.map(lambda one: ("not", one))
        cuts = st.integers(1, len(some) - 1)
        joined = cuts.flatmap(lambda at: st.tuples(st.sampled_from(["and", "or"]), built(some[:at]), built(some[at:])))
        return joined | joined.map(lambda one: ("not", one))

    return built(list(range(count)))


def text_of(tree: Any) -> str:
    match tree:
        case ("leaf", k):
            return f"`m{k}`.mean > 0"
        case ("not", one):
            return f"not ({text_of(one)})"
        case (word, one, other):
            return f"({text_of(one)}) {word} ({text_of(other)})"
    raise AssertionError(tree)


def truth(tree: Any, holding: tuple[bool, ...]) -> bool:
    match tree:
        case ("leaf", k):
            return holding[k]
        case ("not", one):
            return not truth(one, holding)
        case ("and", one, other):
            return truth(one, holding) and truth(other, holding)
        case (_, one, other):
            return truth(one, holding) or truth(other, holding)
    raise AssertionError(tree)


@settings(max_examples=200)
@given(
    st.integers(1, 5).flatmap(lambda n: st.tuples(leaves(n), st.tuples(*[st.sampled_from([True, False, None])] * n)))
)
def test_a_gate_is_known_where_all_that_may_be_agrees(drawn: tuple[Any, tuple[bool | None, ...]]) -> None:
    tree, states = drawn
    models = [
        result(value=sum(STATES[state]) / 2, model=f"m{k}", ci=dict(zip(("low", "high"), STATES[state], strict=True)))
        for k, state in enumerate(states)
    ]
    worlds = product(*[[True, False] if state is None else [state] for state in states])
    outcomes = {truth(tree, world) for world in worlds}
    expected = "inconclusive" if len(outcomes) == 2 else "fail" if outcomes == {True} else "pass"
    assert word(text_of(tree), document(*models), "ci") == expected


OPERATORS = {
    ">": lambda v, x: v > x,
    ">=": lambda v, x: v >= x,
    "<": lambda v, x: v < x,
    "<=": lambda v, x: v <= x,
    "==": lambda v, x: v == x,
    "!=": lambda v, x: v != x,
}


@settings(max_examples=300)
@given(st.integers(-6, 6), st.integers(0, 4), st.integers(-6, 6), st.sampled_from(sorted(OPERATORS)))
def test_a_comparison_is_known_where_the_whole_interval_agrees(low: int, width: int, x: int, op: str) -> None:
    # halves too, so that an interval of more than a point holds more than its ends
    inside = {OPERATORS[op](k / 2, x) for k in range(2 * low, 2 * (low + width) + 1)}
    expected = None if len(inside) == 2 else inside.pop()
    assert compared(Found(low, low, low + width), op, Limit(str(x)), True) is expected
    assert compared(Found(low), op, Limit(str(x)), False) is OPERATORS[op](low, x)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 3)), min_size=1, max_size=4), st.integers(-4, 4))
def test_the_worst_of_slices_is_any_of_them(ends: list[tuple[int, int]], x: int) -> None:
    parts = [part(low + width / 2, low, low + width, by_a=k) for k, (low, width) in enumerate(ends)]
    said = document(result(slices=parts))
    for on in ("value", "ci"):
        assert word(f"slice(a).worst > {x}", said, on) == word(f"slice(a).any > {x}", said, on)
        assert word(f"slice(a).best > {x}", said, on) == word(f"slice(a).all > {x}", said, on)


# --- what the lists of names rest on ----------------------------------------------------------------------------------


def test_every_code_of_a_warning_is_known() -> None:
    text = "".join(path.read_text() for path in (ROOT / "lossctl").rglob("*.py"))
    codes = set(re.findall(r"\b(?:Warned|Note)\(\s*\"(\w+)\"", text))
    assert codes == set(WARNINGS)


def test_every_number_of_a_result_is_a_field() -> None:
    found = lossctl.evaluate(labels=[1.0, 2.0], preds=[1.5, 2.0], loss="mae").to_dict()["results"][0]
    numbers = {name for name, entry in found.items() if isinstance(entry, int | float)}
    assert numbers >= {"value", "count"}
    assert numbers <= set(FIELDS)


def test_every_reason_of_a_loss_counts_none_where_it_did_not_occur() -> None:
    for loss in all_losses():
        said = document(result(loss.name), columns={role.name: [] for f in loss.formulas for role in f.roles})
        for role in (role for formula in loss.formulas for role in formula.roles):
            domain = role.domain_for({option.name: option.default for f in loss.formulas for option in f.options})
            noun = SINGULAR.get(role.name, role.name)
            reason = domain.reason if domain.reason != "out_of_range" else f"{noun}_out_of_range"
            assert rows_counted(said, Target("", "rows", ("dropped", reason))) == 0, (loss.name, role, reason)


# --- from Python ------------------------------------------------------------------------------------------------------


@pytest.fixture
def found() -> lossctl.Result:
    return lossctl.evaluate(labels=[1.0, 2.0, 9.0], preds=[1.5, 2.0, 5.0], loss=["mae", "huber"])


def test_a_result_is_gated(found: lossctl.Result) -> None:
    verdicts = found.gate("mae.mean > 1.4", "huber.mean > 9 or dropped > 0")
    assert [entry.verdict for entry in verdicts] == ["fail", "pass"]
    assert verdicts.to_dict()[0] == {
        "gate": "mae.mean > 1.4",
        "verdict": "fail",
        "basis": "value",
        "found": {"mae.mean": 1.5},
    }
    assert found.gate().passed


def test_what_a_result_cannot_be_gated_on_raises(found: lossctl.Result) -> None:
    with pytest.raises(UsageError, match="which of them"):
        found.gate("mean > 1")
    with pytest.raises(DataError, match="no slices by region; the call made none"):
        found.gate("mae.slice(region).worst > 1")
    with pytest.raises(UsageError, match="judged on value or ci"):
        found.gate("mae.mean > 1", on="interval")  # type: ignore[arg-type]


def test_a_document_that_was_saved_is_judged_alike(tmp_path: Path, found: lossctl.Result) -> None:
    saved = json.loads(found.to_json())
    assert judge(gates(["mae.mean > 1.4"], saved["results"], "value"), saved) == found.gate("mae.mean > 1.4")


def test_a_gate_is_a_plain_record() -> None:
    tree: Tree = Comparison(Target("mean", "loss", ("mean",)), ">", Limit("0.3"))
    assert gates(["mean > 0.3"], [result()], "value") == (Gate("mean > 0.3", tree),)
