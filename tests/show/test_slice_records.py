"""Slices as CSV, TSV and Markdown: a record of all rows, then one a slice, for each loss."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

import lossctl
from lossctl.show import machine, slice_records
from tests.conftest import called

ROWS = "label,pred,region,value,n*\n1,2,eu,3,a\n2,2,us,4,a\n3,5,,3,b\n4,4.5,eu,4,b\n5,5,null,3,a|b\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "d.csv"
    path.write_text(ROWS)
    return path


def read(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


@pytest.mark.parametrize(("format", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_a_record_of_all_rows_and_one_a_slice(data: Path, format: str, delimiter: str) -> None:
    call = (data, "-l", "mae", "-l", "huber:delta=2", "--by", "region", "--by", "value:edges=3.5")
    rows = read(called("eval", *call, "-q", "--format", format), delimiter)
    found = lossctl.evaluate(data, loss=["mae", "huber:delta=2"], by=["region", "value:edges=3.5"])
    fields = ("region", "by_value", *slice_records.FIELDS)
    assert tuple(rows[0]) == fields
    assert [row["loss"] for row in rows] == ["mean_absolute_error"] * 7 + ["huber:delta=2.0"] * 7
    for row, (by, told) in zip(rows, [(by, one) for entry in found.results for by, one in flat(entry)], strict=True):
        assert (row["region"], row["by_value"]) == by
        assert float(row["value"]) == told["value"]
        assert int(row["count"]) == told["count"]
        assert row["ci_low"] == ("" if told["ci"] is None else repr(told["ci"]["low"]))
        assert row["slicing"] == told.get("slicing", "")
        difference = told.get("difference") or {}
        assert row["difference"] == ("" if not difference else repr(difference["value"]))
        assert row["p_adjusted"] == ("" if difference.get("p_adjusted") is None else repr(difference["p_adjusted"]))


def flat(entry: Any) -> list[tuple[tuple[str, str], dict[str, Any]]]:
    """All rows, then the slices, each with the two cells that it is known by."""
    told = [(("", ""), entry.to_dict())]
    for one in entry.slices:
        by = one["by"]
        told.append(((by.get("region") or "", by.get("value", "")), one))
    return told


def test_markdown_says_null_and_keeps_stars_and_bars(data: Path) -> None:
    text = called("eval", data, "-l", "mae", "--by", "region*`n*`", "-q", "--format", "markdown")
    heads, rule, whole, *rest = text.splitlines()
    assert heads.startswith("| region | n* | loss | value | count |")
    assert rule.startswith("| :--- | :--- | :--- | ---: |")
    assert whole.startswith("|  |  | `mean_absolute_error` | 0.7 | 5 |")
    assert [line.split(" | ")[0] for line in rest] == ["| eu", "| eu", "| 'null'", "| us", "| null"]
    assert "| 'null' | a\\|b | `mean_absolute_error` |" in text
    # a code span that holds a backtick begins and ends with two
    assert all(line.endswith("| `` region*`n*` `` |") for line in rest)


def test_without_slices_nothing_is_another(data: Path) -> None:
    assert read(called("eval", data, "-l", "mae", "-q", "--format", "csv"))[0].keys() == set(machine.FIELDS)


def test_names_are_apart() -> None:
    assert slice_records.named(["loss", "by_loss", "p"], slice_records.FIELDS) == {
        "loss": "by_by_loss",
        "by_loss": "by_loss",
        "p": "by_p",
    }


def test_slices_are_seen_once_as_they_come(data: Path) -> None:
    found = lossctl.evaluate(data, loss="mae", by="region").report
    (entry,) = found.results
    seen: list[int] = []
    slices = entry.slices

    def once() -> Any:
        for i, one in enumerate(slices):
            seen.append(i)
            yield one

    object.__setattr__(entry, "slices", once())
    names = slice_records.named(slice_records.columns_of(found), slice_records.FIELDS)
    records = slice_records.records(found, names)
    next(records)
    assert seen == []
    next(records)
    assert seen == [0]
    assert len(list(records)) == 3
