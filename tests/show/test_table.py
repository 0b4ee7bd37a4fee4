import math
import re

import pytest

from lossctl.evaluation.result import InputFile, LossResult, Report, RowAccount, Warned
from lossctl.show import table

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def entry(spec, value, **other):
    said = {
        "loss": spec.split(":")[0],
        "spec": spec,
        "options": {},
        "reduction": "mean",
        "value": value,
        "sum": value,
        "count": 1797,
        "weight_sum": 903.5,
        "denominator": 1797.0,
        "denominator_name": "rows",
        "stderr": 0.012345,
        "min": 1.25e-05,
        "max": 9.1034567,
        **other,
    }
    return LossResult(**said)


def result(*entries, columns=None, dropped=None, warnings=()):
    dropped = dropped or {}
    read = 1797 + sum(dropped.values())
    files = (InputFile("a.csv", "csv", read),)
    return Report(files, columns or {}, RowAccount(read, 1797, dropped), warnings, entries)


ENTRIES = (
    entry("categorical_crossentropy", 0.309987512345, guarded={"count": 1234, "share": 0.4123}),
    entry("huber:delta=2.0", 12345678.5, denominator=903.5, denominator_name="sum of weights"),
    entry("[red]a|b,c", math.nan, stderr=None, min=None, max=None, denominator=None, denominator_name="none"),
    entry("Q" * 300, -math.inf, reduction="sum_by_nonzero_weights"),
)
CELLS = (
    *("categorical_crossentropy", "0.30998751", "0.0123", "1,797 rows", "1,797 ", "1.25e-05", "9.10346"),
    *("guarded: 1,234 rows, 41.2% of the sum", "huber:delta=2.0", "12345678", "sum of weights 903.5"),
    *("[red]a|b,c", "nan", "none", "Q" * 300, "-inf", "sum_by_nonzero_weights"),
)


def test_without_a_terminal_every_cell_stands_whole_on_its_line(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")
    text = table.render(result(*ENTRIES), None, False)
    assert "\x1b" not in text
    for cell in CELLS:
        assert cell in text
    assert "…" not in text
    # heading, rule, a line a loss and the guard's
    assert len(text.splitlines()) == 2 + len(ENTRIES) + 1
    assert all(line == line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize("width", [30, 60, 79, 80, 100, 140, 400])
@pytest.mark.parametrize("color", [False, True])
def test_in_a_terminal_no_line_is_too_wide_and_no_number_is_cut(width, color):
    text = table.render(result(*ENTRIES), width, color)
    bare = ESCAPE.sub("", text)
    assert ("\x1b" in text) is color
    assert max(map(len, bare.splitlines())) <= width
    for cell in ("0.30998751", "12345678", "0.0123", "1.25e-05", "9.10346", "categorical_crossentropy"):
        assert cell in bare
    assert bare.replace("\n", "").count("Q") == 300


def test_numbers_end_at_the_same_column():
    lines = table.render(result(*ENTRIES[:2]), None, False).splitlines()
    ends = {line.index(value) + len(value) for line in lines for value in ("0.30998751", "12345678") if value in line}
    assert len(ends) == 1
    assert lines[0].index("value") + len("value") in ends


def test_one_common_loss_is_a_table_in_eighty_columns():
    text = table.render(result(ENTRIES[0]), 80, False)
    head, _, first, extremes, guard = text.splitlines()
    assert "denominator" in head
    assert "0.30998751" in first
    assert extremes == "  1,797 rows: 1.25e-05 … 9.10346"
    assert guard == "  guarded: 1,234 rows, 41.2% of the sum"


def test_the_value_is_bold():
    assert "\x1b[1m" in table.render(result(ENTRIES[0]), 200, True)
    assert "\x1b[1m" in table.render(result(ENTRIES[0]), 40, True)


def test_without_results():
    for width in (None, 80, 20):
        assert "\x1b" not in table.render(result(), width, False)


def test_account_line():
    assert table.account_line(result()) == "1,797 rows read, 1,797 used, 0 dropped"
    line = table.account_line(result(dropped={"null_label": 2, "nan_pred": 1, "ignored": 0}))
    assert line == "1,800 rows read, 1,797 used, 3 dropped (2 null_label, 1 nan_pred)"


def test_columns_line():
    columns = {"labels": ("label",), "preds": tuple(f"p_{i}" for i in range(10)), "weights": None}
    assert table.columns_line(result(columns=columns)) == "labels: label; preds: p_0 … p_9 (10); weights: none"
    assert table.columns_line(result(columns={"preds": ("a", "b\n\x1b[2J")})) == "preds: a, b\\n\\x1b[2J"


def test_warning_lines():
    found = result(warnings=(Warned("constant", 1797, "one\nvalue"),))
    assert table.warning_lines(found) == ["warning: one\\nvalue (constant: 1,797)"]
