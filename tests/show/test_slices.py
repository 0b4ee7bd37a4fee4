from __future__ import annotations

import re

import pytest

from lossctl.errors import UsageError
from lossctl.show import slices
from lossctl.show.slices import View

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def entry(by, value, count, difference=None, p=None):
    found = {"by": by, "value": value, "count": count, "weight_sum": count / 2, "difference": None}
    found["ci"] = {"level": 0.95, "low": value - 0.01, "high": value + 0.01}
    if difference is not None:
        low, high = difference - 0.01, difference + 0.01
        told = {"value": difference, "low": low, "high": high, "p": p, "p_adjusted": 2 * p, "correction": "holm"}
        found["difference"] = told
    return found


EU = entry({"region": "eu"}, 0.25, 1000, 0.125, 0.25)
UK = entry({"region": "uk"}, 0.5, 12, -0.25, 0.03125)
NULL = {"by": {"region": None}, "value": "nan", "count": 988, "weight_sum": 494.0, "ci": None, "difference": None}
ALL = [EU, UK, NULL]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("key", [EU, UK, NULL]),
        ("-key", [NULL, UK, EU]),
        ("value", [EU, UK, NULL]),
        ("-value", [UK, EU, NULL]),
        ("count", [UK, NULL, EU]),
        ("-count", [EU, NULL, UK]),
        ("difference", [UK, EU, NULL]),
        ("-difference", [EU, UK, NULL]),
        ("p", [UK, EU, NULL]),
    ],
)
def test_sorted_with_what_has_no_such_number_last(sort, expected):
    assert slices.ordered(ALL, sort) == expected


def test_equal_ones_stay_in_the_order_of_their_keys():
    same = [entry({"k": k}, 1.0, 5) for k in range(5)]
    assert slices.ordered(same, "value") == slices.ordered(same, "-value") == same


def test_another_sort_is_refused():
    with pytest.raises(UsageError, match=r"--sort vlaue is none of key, value, .*; did you mean value\?"):
        slices.ordered(ALL, "vlaue")


def test_every_fact_is_in_the_table():
    lines = slices.render(ALL, View(), None, False).splitlines()
    assert lines[0].split() == [
        "region",
        "n",
        "weight",
        "value",
        "interval",
        "difference",
        "its",
        "interval",
        "p",
        "(holm)",
    ]
    assert lines[2].split() == ["eu", "1,000", "50.0%", "0.25", "[0.24,", "0.26]", "+0.125", "[0.115,", "0.135]", "0.5"]
    assert lines[4].split() == ["null", "988", "49.4%", "nan"]
    assert lines[5] == "1 of 3 slices shown have fewer than 30 rows"


def test_small_slices_are_dim_and_say_so():
    lines = slices.render(ALL, View(min_count=30), None, True).splitlines()
    assert "12 (few)" in ESCAPE.sub("", lines[3])
    assert lines[3].startswith("\x1b[2muk")
    assert lines[2].startswith("eu")
    assert "few" not in slices.render(ALL, View(min_count=12), None, False)


def test_the_first_ones_and_how_many_more_there_are():
    text = slices.render(ALL, View("-value", top=1), None, False)
    assert "uk" in text
    assert "eu" not in text
    assert "2 more slices; --top 0 shows all" in text
    assert "more" not in slices.render(ALL, View(top=0), None, False)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
@pytest.mark.parametrize("color", [False, True])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(width, color):
    text = ESCAPE.sub("", slices.render(ALL, View(), width, color))
    assert max(map(len, text.splitlines())) <= width
    for fact in ("1,000", "0.25", "+0.125", "12 (few)", "null"):
        assert fact in text


def test_names_of_files_do_not_move_the_cursor_and_look_like_nothing_else():
    odd = [entry({"k\n": k}, 1.0, 50) for k in ("null", "", "\x1b[2J", None)]
    text = slices.render(odd, View(), None, False)
    assert "\x1b" not in text
    assert [line.split()[0] for line in text.splitlines()[2:]] == ["'null'", "''", "\\x1b[2J", "null"]


def test_a_column_that_is_called_as_a_fact_is():
    found = [entry({"value": 3, "n": "x"}, 0.5, 100)]
    heads, _, row = slices.render(found, View(), None, False).splitlines()
    assert heads.split()[:6] == ["by", "value", "by", "n", "n", "weight"]
    assert row.split()[:3] == ["3", "x", "100"]


def test_a_table_has_a_thousand_slices_if_nothing_is_said():
    many = [entry({"k": k}, 1.0, 50) for k in range(1200)]
    text = slices.render(many, View(), None, False)
    assert "200 more slices; --top 0 shows all" in text
    assert len(slices.render(many, View(top=0), None, False).splitlines()) == 2 + 1200
