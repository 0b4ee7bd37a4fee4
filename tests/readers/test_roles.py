"""Roles: which columns a call means, told by name, and what is said where that is not clear."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossctl.errors import UsageError
from lossctl.readers.roles import (
    LABEL_NAMES,
    PRED_NAMES,
    Chosen,
    ending,
    find_labels,
    find_preds,
    flag_of,
    listing,
    natural,
    select,
)
from lossctl.readers.source import ColumnInfo


def columns(names: str) -> list[ColumnInfo]:
    return [ColumnInfo(name, "float", "double") for name in names.split()]


def labels(names: str, preds: str | None = None) -> tuple[str, ...]:
    chosen = None if preds is None else Chosen(tuple(preds.split()), "named")
    return find_labels(columns(names), chosen).columns


def preds(names: str) -> tuple[str, ...]:
    return find_preds(columns(names)).columns


def picked(selector: str, names: str) -> tuple[str, ...]:
    return select(selector, columns(names), "-p/--preds").columns


def test_numbers_in_names_sort_by_size() -> None:
    names = ["p0", "p1", "p2", "p9", "p10", "p11", "p100"]
    shuffled = random.Random(3).sample(names, len(names))
    assert sorted(shuffled, key=natural) == names
    assert sorted(["a10b2", "a2b10", "a2b9", "b1", "a"], key=natural) == ["a", "a2b9", "a2b10", "a10b2", "b1"]


@given(st.lists(st.text(max_size=6), max_size=6))
def test_any_names_can_be_sorted(names: list[str]) -> None:
    once = sorted(names, key=natural)
    assert sorted(once, key=natural) == once


@pytest.mark.parametrize("name", ["p²", "p1²", "²", "p٣", "p①", "1p", "", "007", "p1.5"])
def test_odd_digits_in_names_can_be_sorted(name: str) -> None:
    assert sorted([name, "p2", "p10"], key=natural)


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=2, max_size=20))
def test_a_numbered_family_is_in_numeric_order(numbers: list[int]) -> None:
    found = preds(" ".join(f"prob_{number}" for number in numbers))
    assert found == tuple(f"prob_{number}" for number in sorted(numbers))


def test_a_name_picks_its_column() -> None:
    assert picked("p", "y p p0") == ("p",)
    assert select("p", columns("y p"), "-p").why == "named"


def test_a_comma_list_keeps_the_order_of_the_call() -> None:
    assert picked("p2,p0", "p0 p1 p2") == ("p2", "p0")
    assert picked("p2 , p0", "p0 p1 p2") == ("p2", "p0")


def test_a_glob_picks_in_natural_order() -> None:
    assert picked("p*", "y p10 p2 p1") == ("p1", "p2", "p10")
    assert picked("p?", "p10 p2 p1") == ("p1", "p2")
    assert picked("p[02]", "p0 p1 p2") == ("p0", "p2")
    assert picked("*_a,*_b", "x_b x_a y_b y_a") == ("x_a", "y_a", "x_b", "y_b")


def test_a_glob_minds_the_case() -> None:
    assert picked("P*", "p1 P2") == ("P2",)


def test_a_column_s_own_name_wins_over_its_signs() -> None:
    assert picked("a,b", "a b a,b") == ("a,b",)
    assert picked("p*", "p* p1") == ("p*",)
    assert picked("p[0],p[1]", "p[0] p[1] p0") == ("p[0]", "p[1]")


@pytest.mark.parametrize(("selector", "twice"), [("a,a", "a"), ("p*,p1", "p1"), ("p1,p*", "p1"), ("b,a,b,a", "a")])
def test_a_column_picked_twice_is_refused(selector: str, twice: str) -> None:
    with pytest.raises(UsageError, match=rf"^-p/--preds: column '{twice}' is picked twice$"):
        picked(selector, "a b p1 p2")


@pytest.mark.parametrize("selector", ["zzz", "a,zzz", "zzz*", "", "a,", ",a"])
def test_a_part_that_picks_nothing_is_refused_with_the_columns(selector: str) -> None:
    with pytest.raises(UsageError, match=r"^-p/--preds: no column '(zzz\*?)?' \(columns: a, b\)$"):
        picked(selector, "a b")


@pytest.mark.parametrize(
    ("selector", "names", "meant"),
    [
        ("y_ture", "y_true p", "y_true"),
        ("pobs", "y probs", "probs"),
        ("Y_TRUE", "y_true p", "y_true"),
        ("y_true", "Y_TRUE P", "Y_TRUE"),
        ("label", "LABEL score", "LABEL"),
        ("Predicion", "Prediction Label", "Prediction"),
    ],
)
def test_a_near_miss_is_suggested(selector: str, names: str, meant: str) -> None:
    with pytest.raises(UsageError, match=rf"no column '{selector}'; did you mean {meant}\?"):
        picked(selector, names)


def test_a_long_listing_is_cut_and_counted() -> None:
    assert listing(f"c{i}" for i in range(30)).endswith("c28, c29)")
    assert listing(f"c{i}" for i in range(31)) == f"(columns: {', '.join(f'c{i}' for i in range(30))}, ... (31 in all))"


def test_flags_are_named_by_role() -> None:
    assert [flag_of(role) for role in ("labels", "preds", "weights", "anchor")] == [
        "-y/--labels",
        "-p/--preds",
        "-w/--weights",
        "--role anchor=COLUMNS",
    ]


@pytest.mark.parametrize("name", LABEL_NAMES)
def test_every_known_label_name_is_found(name: str) -> None:
    assert labels(f"id {name} p") == (name,)
    assert labels(f"id {name.upper()} p") == (name.upper(),)


@pytest.mark.parametrize("name", PRED_NAMES)
def test_every_known_pred_name_is_found(name: str) -> None:
    assert preds(f"id y_true {name}") == (name,)
    assert preds(f"id y_true {name.title()}") == (name.title(),)


@pytest.mark.parametrize("prefix", PRED_NAMES)
@pytest.mark.parametrize("form", ["{}0 {}1 {}10 {}2", "{}_0 {}_1 {}_10 {}_2", "{}.0 {}.1 {}.10 {}.2"])
def test_numbered_families_are_found_in_order(prefix: str, form: str) -> None:
    a, b, c, d = form.replace("{}", prefix).split()
    found = find_preds(columns(f"id y_true {c} {a} {d} {b}"))
    assert found.columns == (a, b, d, c)
    assert found.why == f"the columns {prefix}*"


def test_named_families_are_found() -> None:
    assert preds("y p_cat p_dog") == ("p_cat", "p_dog")
    assert preds("label prob.dog prob.cat") == ("prob.cat", "prob.dog")
    assert preds("label y_pred_cat y_pred_dog") == ("y_pred_cat", "y_pred_dog")
    assert preds("Label P_Cat P_Dog") == ("P_Cat", "P_Dog")


def test_truth_and_pred_are_no_family() -> None:
    assert labels("y_true y_pred") == ("y_true",)
    assert preds("y_true y_pred") == ("y_pred",)
    assert labels("y_true y_pred y_pred_0 y_pred_1") == ("y_true",)


def test_words_that_only_begin_like_a_role_are_no_family() -> None:
    assert labels("y year1 year2 yard p") == ("y",)
    assert preds("y p price1 price2 quality_a quality_b") == ("p",)
    assert preds("y pred page_1 page_2") == ("pred",)


def test_one_member_is_no_family() -> None:
    with pytest.raises(
        UsageError, match=r"no column looks like preds; name them with -p/--preds \(columns: y, p_cat\)"
    ):
        preds("y p_cat")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("y p q", r"^preds could be p or q; say which with -p/--preds \(columns: y, p, q\)$"),
        ("y p p0 p1", r"preds could be p or p0, p1; say which"),
        ("y p0 p1 p2 p3 q0 q1", r"preds could be p0, p1, p2\.\.\. or q0, q1; say which"),
    ],
)
def test_ambiguous_preds_list_the_candidates_and_columns(names: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        preds(names)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("y label p", r"^labels could be y or label; say which with -y/--labels \(columns: y, label, p\)$"),
        ("y label_0 label_1 p0 p1", r"labels could be y or label_0, label_1; say which"),
        ("a b", r"^no column looks like labels; name them with -y/--labels \(columns: a, b\)$"),
        ("", r"^no column looks like labels; name them with -y/--labels \(columns: \)$"),
    ],
)
def test_ambiguous_or_absent_labels_list_the_columns(names: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        labels(names)


@pytest.mark.parametrize("prefix", LABEL_NAMES)
@pytest.mark.parametrize("form", ["{}0 {}1 {}2", "{}_0 {}_1 {}_2", "{}.0 {}.1 {}.2"])
def test_numbered_one_hot_labels_are_found(prefix: str, form: str) -> None:
    names = form.replace("{}", prefix)
    assert labels(f"id {names} p0 p1 p2", "p0 p1 p2") == tuple(names.split())
    assert labels(f"id {names} p") == tuple(names.split())


@pytest.mark.parametrize(
    ("names", "of"),
    [
        ("y_cat y_dog p_cat p_dog", "p_cat p_dog"),
        ("label_dog label_cat prob_cat prob_dog", "prob_cat prob_dog"),
        ("y_true_cat y_true_dog y_pred_cat y_pred_dog", "y_pred_cat y_pred_dog"),
        ("y_true_cat y_true_dog p_cat p_dog", "p_cat p_dog"),
    ],
)
def test_one_hot_labels_by_name_are_found_where_the_preds_have_the_same_names(names: str, of: str) -> None:
    left = [name for name in names.split() if name not in of.split()]
    assert labels(" ".join(left), of) == tuple(sorted(left))
    assert labels(names, of) == tuple(sorted(left))


def test_the_preds_are_never_their_own_labels() -> None:
    both = "y_true_0 y_true_1 y_pred_0 y_pred_1"
    assert labels(both, "y_pred_0 y_pred_1") == ("y_true_0", "y_true_1")
    assert labels("y_true y_pred_cat y_pred_dog", "y_pred_cat y_pred_dog") == ("y_true",)
    with pytest.raises(UsageError, match="no column looks like labels"):
        labels("y_pred_cat y_pred_dog", "y_pred_cat y_pred_dog")


def test_names_that_are_not_the_preds_are_no_one_hot_labels() -> None:
    assert labels("target y_min y_max p_cat p_dog", "p_cat p_dog") == ("target",)
    with pytest.raises(UsageError, match="no column looks like labels"):
        labels("y_min y_max p_cat p_dog", "p_cat p_dog")
    with pytest.raises(UsageError, match="no column looks like labels"):
        labels("y_min y_max p", "p")


@pytest.mark.parametrize(
    ("name", "class_name"),
    [
        ("p_cat", "cat"),
        ("prob12", "12"),
        ("p.cat", "cat"),
        ("prob_0", "0"),
        ("p_big_cat", "big_cat"),
        ("p_1.5", "1.5"),
        ("score", "score"),
        ("y_pred_cat", "cat"),
        ("y_pred_0", "0"),
        ("y_pred0", "0"),
        ("y_true_cat", "cat"),
        ("Y_Pred_cat", "cat"),
    ],
)
def test_what_follows_the_prefix_is_the_class(name: str, class_name: str) -> None:
    assert ending(name) == class_name
