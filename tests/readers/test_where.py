"""Filters as text: what the grammar has, what it refuses and where, and what is known before any row is read."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from lossctl.errors import UsageError
from lossctl.readers.connectives import And, Not, Or
from lossctl.readers.source import ColumnInfo
from lossctl.readers.where import (
    Column,
    Comparison,
    In,
    IsNull,
    Literal,
    Tree,
    Truth,
    columns_of,
    parse,
    parse_all,
)
from lossctl.readers.where_reach import Facts, outcomes, verdict
from lossctl.readers.where_types import fitted

A, B = Column("a"), Column("b")
COLUMNS = [
    ColumnInfo("a", "integer", "int64"),
    ColumnInfo("b", "boolean", "bool"),
    ColumnInfo("score", "float", "double"),
    ColumnInfo("split", "string", "string"),
    ColumnInfo("day", "other", "date32[day]"),
    ColumnInfo("at", "other", "timestamp[us, tz=UTC]"),
    ColumnInfo("local", "other", "timestamp[us]"),
    ColumnInfo("vector", "list", "list<element: double>", None),
    ColumnInfo("none", "other", "null"),
]
PARSED: list[tuple[str, Tree]] = [
    ("a == 1", Comparison("=", A, Literal(1))),
    ("a<>-1.5e3", Comparison("!=", A, Literal(-1500.0))),
    (".5 <= a", Comparison("<=", Literal(0.5), A)),
    ("a >= b", Comparison(">=", A, B)),
    ("a = 'it''s'", Comparison("=", A, Literal("it's"))),
    ('a = "say ""a"" and \'b\'"', Comparison("=", A, Literal("say \"a\" and 'b'"))),
    ("a = TRUE", Comparison("=", A, Literal(True))),
    ("a in (1, 2.0,'x')", In(A, (Literal(1), Literal(2.0), Literal("x")))),
    ("a NOT In (1)", Not(In(A, (Literal(1),)))),
    ("a is Null", IsNull(A)),
    ("a is not null", Not(IsNull(A))),
    ("a between 1 and 2", And((Comparison(">=", A, Literal(1)), Comparison("<=", A, Literal(2))))),
    ("a not between 1 and b", Not(And((Comparison(">=", A, Literal(1)), Comparison("<=", A, B))))),
    ("a or b and not a", Or((Truth(A), And((Truth(B), Not(Truth(A))))))),
    ("(a or b) and a", And((Or((Truth(A), Truth(B))), Truth(A)))),
    ("a between 1 and 2 and b", And((parse("a between 1 and 2"), Truth(B)))),
    ("outputs.score > 0", Comparison(">", Column("outputs.score"), Literal(0))),
    ("`my ``col` is null", IsNull(Column("my `col"))),
    ("`and` = größe", Comparison("=", Column("and"), Column("größe"))),
    ("a = 123456789012345678901234567890", Comparison("=", A, Literal(123456789012345678901234567890))),
]


@pytest.mark.parametrize(("text", "tree"), PARSED, ids=[text for text, _ in PARSED])
def test_the_grammar(text: str, tree: Tree) -> None:
    found = parse(text)
    assert found == tree
    assert parse(f"\n ({text})\t") == tree
    assert pickle.loads(pickle.dumps(found)) == tree


def test_several_filters_must_all_hold() -> None:
    assert parse_all(["a or b", "a"]) == And((Or((Truth(A), Truth(B))), Truth(A)))
    assert columns_of(parse("b > a and (c is null or not d in (1) or b)")) == ("b", "a", "c", "d")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a column or a value at character 1, found the end"),
        ("a >", "expected a column or a value at character 4, found the end"),
        ("a > > 3", "expected a column or a value at character 5, found >"),
        ("a = 3 b", "expected and, or, or the end at character 7, found b"),
        ("0 < a < 1", "expected and, or, or the end at character 7, found <"),
        ("(a", "expected and, or, or ) at character 3, found the end"),
        ("a)", "expected and, or, or the end at character 2, found )"),
        ("a in 1", "expected ( and the values of in at character 6, found 1"),
        ("a in ()", "expected a number, a quoted text, true or false at character 7, found )"),
        ("a in (1, b)", "expected a number, a quoted text, true or false at character 10, found b"),
        ("a in (1 2)", "expected , or ) at character 9, found 2"),
        ("a is 3", "expected null or not null at character 6, found 3"),
        ("a is not 3", "expected null at character 10, found 3"),
        ("a = null", "at character 5, found null; a comparison with null is never true, write `is null`"),
        ("a between 1 or 2", "expected and, with the upper bound of between at character 13, found or"),
        ("1 = 2", "expected a column on one side of a comparison, not two values at character 1, found 1"),
        ("true", "expected a comparison of the value with a column at character 5, found the end"),
        ("a = 'x", "the ' at character 5 is never closed"),
        ("`a = 1", "the ` at character 1 is never closed"),
        ("a & b", "expected and, or or not, in words at character 3, found &"),
        ("a = 1; drop", "expected a column, a value or an operator at character 6, found ;"),
        ("a = 1e999", "expected a number in the range of float64 at character 5, found 1e999"),
        ("a = 1x", "expected a column, a value or an operator at character 5, found 1x"),
        ("(" * 51 + "a", "expected at most 50 parentheses and nots within each other at character 51, found ("),
        ("not " * 10_000 + "a", "expected at most 50 parentheses and nots"),
    ],
)
def test_what_the_grammar_lacks_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"--where {text!r}: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("spilt = 'x'", "f has no column 'spilt'; did you mean split? (columns: a, b, score, split, "),
        (
            "split = test",
            "f has no column 'test' (columns: a, b, score, split, day, at, local, vector, none); a text stand",
        ),
        ("nowhere is null", "f has no column 'nowhere' (columns: a, "),
        ("split > 3", "column 'split' of f is string and 3 is a number: these cannot be compared"),
        ("'x' = score", "'x' is a text and column 'score' of f is float: these cannot be compared"),
        ("a in (1, 'x')", "column 'a' of f is integer and 'x' is a text: these cannot be compared"),
        ("a = true", "column 'a' of f is integer and true is true or false: these cannot be compared"),
        ("b = 1", "column 'b' of f is boolean and 1 is a number: these cannot be compared"),
        ("b < true", "column 'b' of f is boolean, which < cannot compare; take = or !="),
        ("a = split", "column 'a' of f is integer and column 'split' of f is string: these cannot be compared"),
        ("not score", "column 'score' of f is float, expected a comparison: only booleans stand alone"),
        ("vector = 1", "column 'vector' of f is list, which cannot be compared; only `is null` can be asked of it"),
        ("day > 'monday'", "column 'day' of f is date32[day], expected a date such as 2024-01-31 or"),
        ("day > '2024-02-30'", "expected a date such as 2024-01-31 or 2024-01-31T12:00:00, got '2024-02-30'"),
        ("day = split", "column 'split' of f is string and column 'day' of f is date32[day]: these cannot be"),
        ("day > 3", "column 'day' of f is date32[day] and 3 is a number: these cannot be compared"),
        ("local > '2024-01-01T00:00:00Z'", "without a time zone, so '2024-01-01T00:00:00Z' may have no offset"),
        ("local = at", "column 'at' of f is timestamp[us, tz=UTC]: only one has a time zone"),
    ],
)
def test_what_does_not_fit_the_columns_is_refused_naming_both(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        fitted(parse(text), COLUMNS, "f")
    assert str(refused.value).startswith("--where: ")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-02", 86400 * 10**9),
        ("1969-12-31 23:59", -60 * 10**9),
        ("1970-01-01T00:00:01.000000001", 10**9 + 1),
        ("1970-01-01T01:00:00.5+01:00", 5 * 10**8),
        ("1970-01-01 00:00:00z", 0),
    ],
)
def test_dates_beside_dates_are_nanoseconds(text: str, nanoseconds: int) -> None:
    found = fitted(parse(f"at < '{text}'"), COLUMNS, "f").tree
    assert found == Comparison("<", Column("at"), Literal(nanoseconds), "date")


def test_a_column_of_nulls_compares_with_anything() -> None:
    for text in ("none = 1", "none = 'x'", "none in (true)", "none", "none > day", "not none < 2"):
        fitted(parse(text), COLUMNS, "f")


def test_where_a_file_has_no_types_a_column_beside_a_text_is_text() -> None:
    assert fitted(parse("a = '1' or 2 > score or split in ('x')"), COLUMNS, "f", untyped=True).text == {"a", "split"}
    with pytest.raises(UsageError, match="column 'a' is compared with a text and 1 is a number"):
        fitted(parse("a = 'x' or a = 1"), COLUMNS, "f", untyped=True)


KNOWN = {"split": "test", "year": 2024, "gone": None, "flag": True}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("split = 'test'", True),
        ("split = 'train'", False),
        ("split = 'train' and score > 0", False),
        ("split = 'test' and score > 0", None),
        ("split = 'test' or score > 0", True),
        ("split = 'train' or score > 0", None),
        ("not split = 'test'", False),
        ("split in ('train', 'test')", True),
        ("split not in ('train', 'test')", False),
        ("split in ('a', 'b')", False),
        ("year between 2020 and 2024.5", True),
        ("year > 2024", False),
        ("2024 <= year", True),
        ("year != 2024", False),
        ("gone is null", True),
        ("gone = 1", False),
        ("not gone = 1", False),
        ("gone = 1 or split = 'test'", True),
        ("gone is not null", False),
        ("year is null", False),
        ("flag", True),
        ("not flag", False),
        ("flag != true", False),
        ("year = split", None),
        ("score is null", None),
        ("split > 'tess' and split < 'tesu'", True),
    ],
)
def test_what_known_columns_decide(text: str, expected: bool | None) -> None:
    assert verdict(parse(text), KNOWN) is expected


@pytest.mark.parametrize(
    ("text", "facts", "possible"),
    [
        ("a > 5", Facts(0, 5, False, False), "f"),
        ("a > 4", Facts(0, 5, False, False), "tf"),
        ("a > -1", Facts(0, 5, False, False), "t"),
        ("a > -1", Facts(0, 5, True, False), "tn"),
        ("a > -1", Facts(0.0, 5.0, False, True), "tf"),
        ("a != 7", Facts(0.0, 5.0, False, True), "t"),
        ("a != 3.0", Facts(3.0, 3.0, False, True), "tf"),
        ("not a < 9", Facts(0.0, 5.0, False, True), "tf"),
        ("a = 3", Facts(3, 3, False, False), "t"),
        ("a = 3", Facts(None, None, False, False), "tf"),
        ("a = 'x'", Facts(1, 2, False, False), "tf"),
        ("a is null", Facts(1, 2, False, False), "f"),
        ("a is null", Facts(None, None, True, False, False), "t"),
        ("a = 3", Facts(None, None, True, False, False), "n"),
        ("a in (9, 3)", Facts(1, 2, False, False), "f"),
        ("a in (9, 2)", Facts(1, 2, True, False), "tfn"),
    ],
)
def test_what_bounds_leave_possible(text: str, facts: Facts, possible: str) -> None:
    found = outcomes(parse(text), {"a": facts})
    assert "".join(mark for mark, there in zip("tfn", found, strict=True) if there) == possible


def test_bounds_of_whole_and_floating_columns_say_nothing_together() -> None:
    # in float64, where they meet, 2**53 + 1 is 2**53
    apart = {"a": Facts(2**53 + 1, 2**53 + 1, False, False), "b": Facts(2.0**53, 2.0**53, False, False)}
    assert outcomes(parse("a = b"), apart).true
    same: dict[str, Any] = {"a": Facts(5, 6, False, False), "b": Facts(7, 8, False, False)}
    assert not outcomes(parse("a = b"), same).true
