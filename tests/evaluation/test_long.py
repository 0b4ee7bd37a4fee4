"""Long tables against the wide ones they come of: the same bits in any order, and refusals that name the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lossctl
from lossctl.errors import DataError, UsageError
from lossctl.readers import npy

LONG = "id,class,prob"
NAMES = ["c2", "c10", "a"]


def long_table(wide: np.ndarray, names: list[Any], labels: list[Any]) -> pa.Table:
    n, count = wide.shape
    return pa.table(
        {
            "id": pa.array([f"e{i}" for i in range(n) for _ in range(count)]),
            "class": pa.array(names * n),
            "prob": wide.reshape(-1),
            "label": pa.array([label for label in labels for _ in range(count)]),
        }
    )


@settings(max_examples=15)
@given(st.integers(1, 40), st.integers(2, 4), st.integers(0, 1 << 30), st.booleans())
def test_a_long_table_against_the_wide_one(n: int, count: int, seed: int, text: bool) -> None:
    draw = np.random.default_rng(seed)
    wide = draw.dirichlet(np.ones(count), n)
    labels = draw.integers(0, count, n)
    names = [f"k{k}" for k in range(count)] if text else list(range(count))
    plain = lossctl.evaluate({**{f"p{k}": wide[:, k] for k in range(count)}, "label": labels}, loss="scce").value
    table = long_table(wide, names, [names[k] for k in labels])
    shuffled = table.take(pa.array(draw.permutation(table.num_rows)))
    for rows in (table, shuffled, pa.concat_tables([shuffled])):
        assert lossctl.evaluate(rows, loss="scce", long=LONG, batch_size=7).value == plain


@pytest.fixture
def table() -> pa.Table:
    draw = np.random.default_rng(3)
    wide = draw.dirichlet(np.ones(3), 50)
    return long_table(wide, NAMES, [NAMES[k] for k in draw.integers(0, 3, 50)])


def test_files_of_any_format_and_split_give_the_same_bits(table: pa.Table, tmp_path: Path) -> None:
    plain = lossctl.evaluate(table, loss="scce", long=LONG)
    assert plain.columns["preds"] == ("prob_a", "prob_c2", "prob_c10")
    assert plain.to_dict()["long"] == ["id", "class", "prob"]
    order = pa.array(np.random.default_rng(0).permutation(table.num_rows))
    shuffled = table.take(order)
    # an example's rows stand in both files
    parts = [shuffled.slice(0, 70), shuffled.slice(70)]
    for number, part in enumerate(parts):
        pq.write_table(part, tmp_path / f"{number}.parquet", row_group_size=20)
        pyarrow.csv.write_csv(part, tmp_path / f"{number}.csv")
    for suffix in ("parquet", "csv"):
        paths = [tmp_path / f"{number}.{suffix}" for number in (0, 1)]
        for files in (paths, paths[::-1]):
            found = lossctl.evaluate(files, loss="scce", long=LONG, threads=2)
            assert found.value == plain.value
            assert (len(found.inputs), found.rows.read) == (1, 50)


def test_float32_stays_float32(table: pa.Table) -> None:
    half = table.set_column(2, "prob", table["prob"].cast(pa.float32()))
    wide = np.array(half["prob"]).reshape(-1, 3)
    labels = [NAMES.index(name) for name in table["label"].to_pylist()[::3]]
    plain = lossctl.evaluate(
        {**{f"p{k}": wide[:, k] for k in range(3)}, "label": labels}, loss="keras.SparseCategoricalCrossentropy"
    )
    found = lossctl.evaluate(half, loss="keras.SparseCategoricalCrossentropy", long=LONG)
    assert found.value == plain.value


def test_classes_that_are_other_numbers_are_names() -> None:
    wide = np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]])
    table = long_table(wide, [1, 2, 7], [7, 2])
    plain = lossctl.evaluate({"p0": wide[:, 0], "p1": wide[:, 1], "p2": wide[:, 2], "label": [2, 1]}, loss="scce")
    assert lossctl.evaluate(table, loss="scce", long=LONG).value == plain.value


def test_rows_and_what_is_missing(table: pa.Table) -> None:
    gone = table.slice(1)
    with pytest.raises(DataError, match=r"1 null_pred.*column prob_c2: null"):
        lossctl.evaluate(gone, loss="scce", long=LONG)
    found = lossctl.evaluate(gone, loss="scce", long=LONG, on_bad="drop", keep_dropped=True)
    dropped = pa.concat_tables(found.dropped_rows())
    assert dropped.column_names[:5] == ["id", "label", "prob_a", "prob_c2", "prob_c10"]
    assert dropped["id"].to_pylist() == ["e0"]
    rows = lossctl.evaluate(table, loss="scce", long=LONG, reduction="none", ids=["id"]).row_table()
    assert rows["id"].to_pylist() == [f"e{i}" for i in range(50)]


def changed(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def test_tables_that_are_not_long_are_refused(table: pa.Table) -> None:
    labels = table["label"].to_pylist()
    labels[4] = "a" if labels[4] != "a" else "c2"
    ids = table["id"].to_pylist()
    cases: list[tuple[type[Exception], str, pa.Table]] = [
        (DataError, "column 'label' differs among the rows of id 'e1'", changed(table, "label", labels)),
        (DataError, "example 'e0' has class 'c2' more than once", pa.concat_tables([table, table.slice(0, 1)])),
        (DataError, "row 2: column 'id' has no value", changed(table, "id", [ids[0], None, *ids[2:]])),
        (UsageError, "expected numbers", changed(table, "prob", ["x"] * 150)),
        (UsageError, "expected class ids or names", changed(table, "class", [0.5, 1.5, 2.5] * 50)),
        (DataError, "has no rows", table.slice(0, 0)),
        (DataError, "has a column 'prob_a' beside", table.append_column("prob_a", table["label"])),
    ]
    for kind, expected, rows in cases:
        with pytest.raises(kind, match=expected):
            lossctl.evaluate(rows, loss="scce", long=LONG)
    with pytest.raises(UsageError, match="--long: no column 'klass'; did you mean class"):
        lossctl.evaluate(table, loss="scce", long="id,klass,prob")
    for said in ("id,class", "id,id,prob", ["id", "class"], "a,b,"):
        with pytest.raises(UsageError, match="long takes three columns"):
            lossctl.evaluate(table, loss="scce", long=said)


def test_a_column_that_differs_is_left_out_unless_it_is_asked_for(table: pa.Table) -> None:
    more = table.append_column("rank", pa.array(range(150)))
    plain = lossctl.evaluate(table, loss="scce", long=LONG).value
    assert lossctl.evaluate(more, loss="scce", long=LONG).value == plain
    for asked in ({"weights": "rank"}, {"ids": ["rank"]}):
        with pytest.raises(DataError, match="column 'rank' differs among the rows of id 'e0'"):
            lossctl.evaluate(more, loss="scce", long=LONG, **asked)


def test_what_would_not_fit_is_refused(table: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": 4000}
    monkeypatch.setattr(npy.os, "sysconf", sizes.__getitem__)
    with pytest.raises(DataError, match="over half of this machine's memory"):
        lossctl.evaluate(table, loss="scce", long=LONG)
