from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossctl.errors import UsageError
from lossctl.evaluation.by import By, Part, as_text, check, needed, parse, parse_all
from lossctl.readers.source import ColumnInfo

COLUMNS = [
    ColumnInfo("region", "string", "string"),
    ColumnInfo("age", "integer", "int64"),
    ColumnInfo("score", "float", "double"),
    ColumnInfo("day", "other", "date32[day]"),
    ColumnInfo("probs", "list", "fixed_size_list<item: double>[3]", 3),
    ColumnInfo("blob", "other", "binary"),
    ColumnInfo("empty", "float", "empty"),
]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("region", [Part("region")]),
        ("region*sex", [Part("region"), Part("sex")]),
        (" region * age:width=10 ", [Part("region"), Part("age", "width", "10")]),
        ("age:quantile=5*ts:day", [Part("age", "quantile", "5"), Part("ts", "day")]),
        ("age:edges=18, 30,65", [Part("age", "edges", "18,30,65", ("18", "30", "65"))]),
        ("x:edges=-1e3,.5", [Part("x", "edges", "-1e3,.5", ("-1e3", ".5"))]),
        ("`a*b:``c`:width=0.1*out.p-1", [Part("a*b:`c", "width", "0.1"), Part("out.p-1")]),
        ("my column", [Part("my column")]),
        ("` padded `", [Part(" padded ")]),
    ],
)
def test_read_and_printed_back(text, parts):
    found = parse(text)
    assert found == By(tuple(parts))
    assert parse(str(found)) == found
    assert pickle.loads(pickle.dumps(found)) == found


@given(st.lists(st.text(min_size=1), min_size=1, max_size=3, unique=True))
def test_any_names_print_back_as_themselves(names):
    by = By(tuple(map(Part, names)))
    assert parse(str(by)) == by


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a column before 'the end'"),
        ("region*", "expected a column before 'the end'"),
        ("*region", "expected a column before '*'"),
        (":width=3", "expected a column before 'width=3'"),
        ("region,sex", "several joined by * for a cross; --by may be given more than once"),
        ("`region", "expected a closing `"),
        ("`region`x", "expected a closing ` and then"),
        ("age*age:width=3", "column 'age' is crossed with itself"),
        ("age:widht=10", "no binning 'widht'; did you mean width?"),
        ("ts:fortnight", "no binning 'fortnight'; take quantile=N, width=W, edges=A,B,... or hour, day"),
        ("ts:day=3", "expected day without ="),
        ("age:width", "expected width= and a number"),
        ("age:width=", "expected width= and a number"),
        ("age:width=0", "expected a width above 0, found '0'"),
        ("age:width=-1", "expected a width above 0, found '-1'"),
        ("age:width=ten", "expected a number, found 'ten'"),
        ("age:width=inf", "expected a number, found 'inf'"),
        ("age:width=1e999", "expected a number, found '1e999'"),
        ("age:width=" + "1" * 50, "expected a number"),
        ("age:quantile=1", "expected 2 to 1000 quantile bins, found '1'"),
        ("age:quantile=1.5", "expected 2 to 1000 quantile bins, found '1.5'"),
        ("age:edges=30,18", "expected ascending edges, found 18 behind 30"),
        ("age:edges=18,18.0", "expected ascending edges, found 18.0 behind 18"),
        ("age:edges=18,,30", "expected a number, found ''"),
        ("age:edges=a", "expected a number, found 'a'"),
        ("age:edges=" + ",".join(map(str, range(1001))), "expected at most 1000 edges, found 1001"),
    ],
)
def test_refused_in_one_sentence(text, said):
    with pytest.raises(UsageError) as error:
        parse(text)
    assert str(error.value).startswith(f"--by {text!r}: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_the_same_twice_is_refused():
    assert len(parse_all(["a", "b", "a*b"])) == 3
    with pytest.raises(UsageError, match="--by 'a\\*b' is there twice"):
        parse_all(["a*b", "a * b"])


@pytest.mark.parametrize(
    "text", ["region", "age:quantile=3*region", "score:width=0.5", "day", "day:month", "region:day", "empty:hour"]
)
def test_columns_that_fit(text):
    check([parse(text)], COLUMNS, "a.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("regoin", "--by: a.csv has no column 'regoin'; did you mean region? (columns: region, age, "),
        ("age*regoin", "no column 'regoin'"),
        ("probs", "column 'probs' of a.csv is list, which makes no slices"),
        ("blob", "column 'blob' of a.csv is binary, which makes no slices"),
        ("age:day", "--by 'age:day': column 'age' of a.csv is integer, expected dates or times"),
        ("day:width=3", "column 'day' of a.csv is date32[day], expected numbers; dates take hour, day, week"),
    ],
)
def test_columns_that_do_not_fit(text, said):
    with pytest.raises(UsageError) as error:
        check(parse_all([text]), COLUMNS, "a.csv")
    assert said in str(error.value)


def test_what_is_read_and_what_of_it_as_text():
    bys = parse_all(["region*age:width=10", "label", "region*day"])
    assert needed(bys) == ("region", "age", "label", "day")
    # bins are of numbers, and what a loss reads is a number anyway
    assert as_text(bys, taken={"label"}) == ("region", "day")


def test_open_until_the_data_told_the_edges():
    by = parse("age:quantile=2*region")
    assert by.open
    settled = By((by.parts[0]._replace(edges=("1", "2", "3")), by.parts[1]))
    assert not settled.open
    assert str(settled) == "age:quantile=2*region"
