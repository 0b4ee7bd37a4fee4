"""What files hold: the same for any threads, split and format; looks, problems, estimates."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lossctl
from lossctl.audit.hashes import number_hashes, text_hashes
from lossctl.errors import DataError, UsageError
from lossctl.evaluation.column import Column, exact_total
from lossctl.evaluation.sketch import EXACT, NOTHING, distinct, smallest
from lossctl.evaluation.survey import Survey
from lossctl.kernels.exactsum import exact

RNG = np.random.default_rng(5)
SOFT = RNG.dirichlet(np.ones(3), 600)
TABLE = pa.table(
    {
        "row_id": np.arange(600),
        "label": RNG.integers(0, 3, 600),
        "p_0": SOFT[:, 0],
        "p_1": SOFT[:, 1],
        "p_2": SOFT[:, 2],
        "ink": pa.array(["light", "medium", "heavy"] * 200),
    }
)


def found(data: Any, **more: Any) -> Survey:
    return lossctl.inspect(data, **more)


def facts(survey: Survey) -> dict[str, Any]:
    """All but what a format calls its types."""
    document = survey.to_dict()
    columns = [{k: v for k, v in c.items() if k not in ("type", "types")} for c in document["columns"]]
    roles, families = document["roles"], document["families"]
    codes = [(p["code"], p["count"]) for p in document["problems"]]
    return {"columns": columns, "rows": document["rows"], "roles": roles, "families": families, "problems": codes}


def looks(values: Any, name: str = "x") -> str:
    return found({name: values}).columns[0].looks_like


def problem(survey: Survey, code: str) -> Any:
    return next(p for p in survey.problems if p.code == code)


def test_any_format_threads_and_split_tell_the_same(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "one.parquet")
    pq.write_table(TABLE, tmp_path / "groups.parquet", row_group_size=37)
    pacsv.write_csv(TABLE, tmp_path / "one.csv")
    for part, start in enumerate((0, 100, 450)):
        stop = (100, 450, 600)[part]
        pq.write_table(TABLE.slice(start, stop - start), tmp_path / f"part{part}.parquet")
    whole = facts(found(TABLE, threads=1))
    for name in ("one.parquet", "groups.parquet", "one.csv"):
        for threads in (1, 3):
            assert facts(found(tmp_path / name, threads=threads)) == whole
    parts = [tmp_path / f"part{part}.parquet" for part in (2, 0, 1)]
    assert facts(found(parts, threads=2)) == whole


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=50), st.integers(0, 50))
def test_sums_are_exact_in_any_split(numbers: list[float], cut: int) -> None:
    values = np.array(numbers, np.float64)
    units = exact_total(values[:cut]) + exact_total(values[cut:])
    assert exact(units) == sum(map(Fraction, numbers))


def test_sums_of_whole_numbers_do_not_overflow() -> None:
    values = np.full(1000, 2**63 - 1)
    assert exact(exact_total(values)) == 1000 * (2**63 - 1)
    assert exact(exact_total(np.full(9, -(2**63)))) == -9 * 2**63
    assert exact(exact_total(np.full(9, 2**64 - 1, np.uint64))) == 9 * (2**64 - 1)
    assert exact(exact_total(np.array([5e-324, 1.0, math.inf]))) == Fraction(5e-324) + 1


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=80), st.integers(0, 80))
def test_different_numbers_are_counted_exactly_while_few(numbers: list[int], cut: int) -> None:
    values = np.array(numbers, np.int64)
    kept = smallest(smallest(NOTHING, number_hashes(values[cut:])), number_hashes(values[:cut]))
    assert distinct(kept) == (len(set(numbers)), True)


def test_a_number_is_one_in_every_type() -> None:
    for kind in (np.int8, np.uint16, np.int64, np.float32, np.float64):
        assert (number_hashes(np.array([0, 3, 7], kind)) == number_hashes(np.array([-0.0, 3.0, 7.0]))).all()
    assert len(set(number_hashes(np.array([2**60, 2**60 + 1])).tolist())) == 2


def test_texts_hash_by_their_bytes() -> None:
    texts = ["", "a", "b", "ab", "ba", "aa", "é", "a\0", "\0a"]
    hashes = text_hashes(pa.array(["x", *texts]).slice(1))
    assert len(set(hashes.tolist())) == len(texts)
    assert (text_hashes(pa.array(texts, pa.large_string())) == hashes).all()
    assert (text_hashes(pa.array(texts[3:])) == hashes[3:]).all()


def test_a_million_ids_are_estimated_in_little_memory() -> None:
    column = Column()
    for start in range(0, 1_000_000, 50_000):
        column.add(pa.array([f"id{i:07}" for i in range(start, start + 50_000)]))
    count, whole = column.distinct or (0, True)
    assert not whole
    assert abs(count / 1e6 - 1) < 0.12
    assert len(column.hashes) == EXACT + 1
    assert column.counts is None


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("x", [0.1, 0.5, 0.9], "probability"),
        ("logit", [-3.5, 0.25, 2.5], "logit"),
        ("log_p", [-3.5, -0.25, -2.5], "log-probability"),
        ("prob", [12.5, 99.0, 50.0], "percentage"),
        ("y", [0, 1, 2, 0, 1, 2], "class id 0 to 2"),
        ("y", [1, 2, 3, 1, 2, 3], "class id 1 to 3 (one-based)"),
        ("y", [0, 1, 1], "0/1 label"),
        ("y", [-1, 1, 1], "-1/+1 label"),
        ("y", [True, False], "boolean"),
        ("y", ["cat", "dog", "cat", "dog"], "class name (2 classes)"),
        ("key", [5, 9, 2, 11], "id (each its own)"),
        ("key", ["u", "v", "w"], "id (each its own)"),
        ("weight", [0.5, 2.5, 2.5], "weight"),
        ("x", [3.5, 3.5], "constant"),
        ("x", [-7.5, 12.25], "real number"),
        ("x", ["2024-01-01", "2024-01-02", "2024-01-01"], "date or time"),
        ("x", ["one thing", "another", "another", "third"], "text"),
        ("x", [math.nan, math.nan], "NaN alone"),
        ("x", [None, None], "empty"),
        ("x", [[0.0, 1.0], [1.0, 0.0]], "list of 2: one-hot"),
        ("x", [[0.25, 0.75], [0.5, 0.5]], "list of 2: probabilities, rows sum to one"),
    ],
)
def test_what_a_column_looks_like(name: str, values: list[Any], expected: str) -> None:
    assert looks(pa.array(values), name) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[0.25, 0.75], [0.5, 0.5]], "probabilities, rows sum to one"),
        ([[0.25, 0.5], [0.5, 0.75]], "probabilities"),
        ([[0, 1], [1, 0]], "one-hot"),
        ([[1, 1], [1, 0]], "0/1 labels"),
        ([[25.0, 75.0], [50.0, 50.0]], "percentages, rows sum to 100"),
        ([[math.log(0.25), math.log(0.75)], [math.log(0.5), math.log(0.5)]], "log-probabilities"),
    ],
)
def test_what_a_family_looks_like(rows: list[list[float]], expected: str) -> None:
    matrix = np.array(rows)
    (family,) = found({"k_0": matrix[:, 0], "k_1": matrix[:, 1]}).families
    assert family.looks_like == expected
    assert family.columns == ("k_0", "k_1")


def test_counts_and_range_of_a_column() -> None:
    column = found({"x": pa.array([1.5, None, math.nan, math.inf, -2.0, 1.5])}).columns[0].to_dict()
    assert (column["nulls"], column["nans"], column["infs"]) == (1, 1, 1)
    assert (column["min"], column["max"], column["mean"]) == (-2.0, math.inf, 1 / 3)
    assert (column["distinct"], column["distinct_exact"]) == (3, True)
    assert {"value": 1.5, "count": 2} in column["values"]


def test_what_eval_would_refuse_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(
        "id,label,p_0,p_1\na,0,0.5,0.5\nb,1,,0.5\nc,2,0.5,0.5\nd,1,1.5,0.5\nd,0,nan,0.5\ne,,0.5,0.5\n"
        "f,1,inf,0.5\ng,0,0.1,0.5\n"
    )
    survey = found(path)
    places = {p.code: (p.count, p.row) for p in survey.problems if p.refused}
    assert places == {
        "null_pred": (1, 2),
        "label_out_of_range": (1, 3),
        "probability_out_of_range": (1, 4),
        "nan_pred": (1, 5),
        "null_label": (1, 6),
        "inf_pred": (1, 7),
    }
    assert all(p.file == str(path) and "--on-bad drop" in p.help for p in survey.problems if p.refused)
    assert problem(survey, "duplicate_id").count == 1
    assert problem(survey, "rows_not_normalised").count >= 1
    assert survey.suggestion is not None
    assert survey.suggestion.endswith("--on-bad drop")


def test_places_are_rows_of_their_file_in_any_unit(tmp_path: Path) -> None:
    table = pa.table({"label": [0, 1] * 400_000, "pred": [0.25, 0.75] * 400_000}).to_pydict()
    table["pred"][700_001] = math.nan
    pq.write_table(pa.table(table), tmp_path / "b.parquet", row_group_size=90_000)
    for threads in (1, 2):
        told = problem(found(tmp_path / "b.parquet", threads=threads), "nan_pred")
        assert (told.count, told.row) == (1, 700_002)


@pytest.mark.parametrize(
    ("table", "code", "helps"),
    [
        (
            {"label": [1, 2, 3] * 9, "p_0": [0.2] * 27, "p_1": [0.3] * 27, "p_2": [0.5] * 27},
            "one_based_labels",
            "--label-base 1",
        ),
        ({"label": ["b", "a"] * 9, "prob": pa.array([[0.5, 0.5], [0.25, 0.75]] * 9)}, "text_labels", "--classes"),
        ({"label": [0, 1] * 9, "p_0": [20.0, 30.0] * 9, "p_1": [80.0, 70.0] * 9}, "percentages", "--scale 0.01"),
        ({"label": [0, 1] * 9, "prob": [0.5] * 18}, "constant_prediction", ""),
        ({"label": [0, 1], "prob": pa.array([[0.5, 0.5], [0.5, 0.25, 0.25]])}, "list_lengths", ""),
    ],
)
def test_each_oddity_is_told(table: dict[str, Any], code: str, helps: str) -> None:
    assert helps in problem(found(pa.table(table)), code).help


def test_files_that_differ_are_told_apart(tmp_path: Path) -> None:
    pq.write_table(pa.table({"label": [0, 1], "pred": [0.5, 0.25], "note": [1, 2]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"label": [0, 1], "note": ["x", "y"]}), tmp_path / "b.parquet")
    survey = found([tmp_path / "a.parquet", tmp_path / "b.parquet"])
    missing = problem(survey, "column_missing")
    assert missing.refused
    assert missing.column == "pred"
    assert missing.file == str(tmp_path / "b.parquet")
    assert "int64 in" in problem(survey, "type_differs").message
    assert survey.commands == ()
    assert survey.columns[2].to_dict()["types"].keys() == {"int64", "string"}


def test_a_sample_is_the_same_every_time_and_says_so(tmp_path: Path) -> None:
    n = 600_000
    pq.write_table(
        pa.table({"label": [0, 1] * (n // 2), "pred": np.arange(n) / n}), tmp_path / "a.parquet", row_group_size=50_000
    )
    one, other = (found(tmp_path / "a.parquet", sample=4000, threads=threads) for threads in (1, 2))
    assert one.to_dict() == other.to_dict()
    assert one.rows <= 4000
    assert one.to_dict()["sample"] == {"rows": one.rows, "spread": True}
    # spread over the file, not its first rows alone
    assert (one.columns[1].found.most or 0) > 0.5
    assert one.suggestion is not None


def test_data_in_memory_has_no_command_and_the_rest() -> None:
    survey = found(TABLE)
    assert survey.commands == ()
    assert survey.roles["labels"].columns == ("label",)  # type: ignore[union-attr]
    assert found(TABLE, labels="ink").roles["labels"].columns == ("ink",)  # type: ignore[union-attr]


def test_what_cannot_be_looked_at_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(DataError, match="is empty"):
        found(tmp_path / "empty.csv")
    with pytest.raises(UsageError, match="no column 'z'"):
        found(TABLE, labels="z")
    with pytest.raises(UsageError, match="sample must be a whole number >= 1"):
        found(TABLE, sample=0)
    with pytest.raises(UsageError, match="threads must be a whole number >= 0"):
        found(TABLE, threads=-1)


def test_no_rows_and_text_alone_are_files_too(tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("label,pred\n")
    none = found(tmp_path / "none.csv")
    assert (none.rows, none.commands, none.columns[0].looks_like) == (0, (), "empty")
    (tmp_path / "text.csv").write_text("a,b\nx,one\ny,two\nx,three\n")
    text = found(tmp_path / "text.csv")
    assert [column.found.least for column in text.columns] == [None, None]
    assert "no column looks like labels" in str(text.roles["labels"])


def test_many_columns_of_few_rows_are_put_together(tmp_path: Path) -> None:
    matrix = RNG.dirichlet(np.ones(700), 60)
    names = [f"p_{k}" for k in range(700)]
    table = pa.table(dict(zip(names, matrix.T, strict=True)))
    pq.write_table(table, tmp_path / "wide.parquet", row_group_size=20)
    survey = found(tmp_path / "wide.parquet")
    assert survey.families[0].looks_like == "probabilities, rows sum to one"
    assert len(survey.families[0].columns) == 700
    assert [column.found.rows for column in survey.columns] == [60] * 700
