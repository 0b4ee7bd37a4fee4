"""Labels from elsewhere: the join by key and by position against pandas and plain Python, and what it refuses."""

from __future__ import annotations

import datetime
import decimal
import gc
import os
import pickle
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lossctl
from lossctl.errors import DataError, UsageError
from lossctl.readers import matching
from lossctl.readers.arrow import columns_of
from lossctl.readers.join import Join, joined
from lossctl.readers.memory import TableSource
from lossctl.readers.source import Source

N = 40


@pytest.fixture(autouse=True)
def no_folder_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    if os.listdir(folder):
        # a source in a circle of references goes when it is collected, which takes long among so many objects
        gc.collect()
    assert os.listdir(folder) == []


def parts_of(monkeypatch: pytest.MonkeyPatch, count: int, rows: int = N) -> None:
    """Force a hash join of so many parts."""
    monkeypatch.setattr(matching, "FEW_ROWS", 0)
    monkeypatch.setattr(matching, "PART_ROWS", -(-rows // count))
    monkeypatch.setattr(matching, "HELD_ROWS", 7)


KEYS: dict[str, tuple[Any, Any]] = {
    "int32 and int64": (pa.array(range(N), pa.int32()), pa.array(range(N), pa.int64())),
    "int8 and uint64": (pa.array(range(N), pa.int8()), pa.array(range(N), pa.uint64())),
    "uint64 of any size": (
        pa.array([(1 << 64) - 1 - 7 * i for i in range(N)], pa.uint64()),
        pa.array([(1 << 64) - 1 - 7 * i for i in range(N)], pa.uint64()),
    ),
    "whole floats": (pa.array(map(float, range(N))), pa.array(range(N))),
    "texts": (
        pa.array([f"né-{'x' * (i % 11)}{i}" for i in range(N)]),
        pa.array([f"né-{'x' * (i % 11)}{i}" for i in range(N)], pa.large_string()),
    ),
    "dictionaries": (
        pa.array([str(i) for i in range(N)]).dictionary_encode(),
        pa.array([str(i) for i in range(N)], pa.string_view()),
    ),
    "dates": (
        pa.array([datetime.date(1960, 1, 1) + datetime.timedelta(i) for i in range(N)]),
        pa.array([datetime.date(1960, 1, 1) + datetime.timedelta(i) for i in range(N)], pa.date64()),
    ),
    "timestamps": (
        pa.array(range(-5, N - 5), pa.timestamp("s")),
        pa.array(range(-5, N - 5), pa.timestamp("s")).cast(pa.timestamp("us")),
    ),
    "instants": (
        pa.array(range(N), pa.timestamp("ms", "UTC")),
        pa.array(range(N), pa.timestamp("ms", "Europe/Berlin")),
    ),
    "times": (pa.array(range(N), pa.time32("s")), pa.array(range(N), pa.time32("s")).cast(pa.time64("us"))),
    "bytes": (
        pa.array([bytes([i, 0, 255]) for i in range(N)], pa.binary(3)),
        pa.array([bytes([i, 0, 255]) for i in range(N)]),
    ),
    "decimals": (
        pa.array([decimal.Decimal(i) / 2 for i in range(N)], pa.decimal128(9, 1)),
        pa.array([decimal.Decimal(i) / 2 for i in range(N)], pa.decimal128(12, 3)),
    ),
}


def shuffled(seed: int, **columns: Any) -> pa.Table:
    order = np.random.default_rng(seed).permutation(N)
    table = pa.table(columns)
    # what there is no `take` for is shuffled as Python has it
    lists = {name: table[name].to_pylist() for name in table.column_names}
    return pa.table({n: pa.array([some[i] for i in order], table[n].type) for n, some in lists.items()})


def preds_and_labels(mine: Any, theirs: Any, seed: int | None = 1) -> tuple[pa.Table, pa.Table, float]:
    """Both sides, and the loss of the table that they make."""
    r = np.random.default_rng(5)
    p, y = r.random(N), r.integers(0, 2, N)
    value = lossctl.evaluate({"label": y, "p": p}, loss="bce").value
    if seed is None:
        return pa.table({"id": mine, "p": p}), pa.table({"id": theirs, "label": y}), value
    return shuffled(seed, id=mine, p=p), shuffled(seed + 1, id=theirs, label=y), value


def value_of(preds: Any, labels: Any, on: Any = "id", **more: Any) -> float:
    return lossctl.evaluate(preds, labels_from=labels, on=on, loss="bce", **more).value


@pytest.mark.parametrize("parts", [1, 3, 8])
@pytest.mark.parametrize("name", KEYS)
def test_keys_of_every_type(name: str, parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    preds, labels, value = preds_and_labels(*KEYS[name])
    parts_of(monkeypatch, parts)
    found = lossctl.evaluate(preds, labels_from=labels, on="id", loss="bce")
    assert (found.value, found.to_dict()["join"]["method"]) == (value, "hash")
    assert found.columns["labels"] == ("label",)


@pytest.mark.parametrize("name", ["int32 and int64", "dates", "timestamps", "whole floats"])
def test_sorted_keys_are_merged(name: str) -> None:
    preds, labels, value = preds_and_labels(*KEYS[name], seed=None)
    found = lossctl.evaluate(preds, labels_from=labels, on="id", loss="bce")
    assert (found.value, found.to_dict()["join"]["method"]) == (value, "merge")
    again = lossctl.evaluate(preds, labels_from=labels.take(pa.array([*range(1, N), 0])), on="id", loss="bce")
    assert (again.value, again.to_dict()["join"]["method"]) == (value, "hash")


def test_booleans_and_few_rows() -> None:
    preds = pa.table({"id": [True, False], "p": [0.25, 0.5]})
    assert value_of(preds, pa.table({"id": [False, True], "label": [1, 1]})) == value_of(
        preds, pa.table({"id": [True, False], "label": [1, 1]})
    )


@pytest.mark.parametrize("parts", [1, 8])
def test_several_keys_of_several_names(parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    parts_of(monkeypatch, parts)
    ids, folds = [f"{i // 4}" for i in range(N)], [i % 4 for i in range(N)]
    preds, labels, value = preds_and_labels(ids, ids)
    preds = shuffled(1, id=ids, fold=pa.array(folds, pa.int8()), p=preds_and_labels(ids, ids, None)[0]["p"])
    labels = shuffled(2, id=ids, part=folds, label=preds_and_labels(ids, ids, None)[1]["label"])
    for on in ("id,fold=part", ["id", "fold=part"], {"id": "id", "fold": "part"}):
        assert value_of(preds, labels, on) == value
    # what is told apart by where one key ends and the next begins
    mine = pa.table({"a": ["x", "xy"], "b": ["yz", "z"], "p": [0.1, 0.9]})
    theirs = pa.table({"a": ["xy", "x"], "b": ["z", "yz"], "label": [1, 0]})
    assert value_of(mine, theirs, "a,b") == pytest.approx(-np.log(0.9))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_in_any_number(suffix: str, tmp_path: Path) -> None:
    preds, labels, value = preds_and_labels(*KEYS["int32 and int64"])

    def saved(table: pa.Table, name: str, cuts: Sequence[int]) -> list[Path]:
        paths = []
        for i, (start, stop) in enumerate(zip(cuts, cuts[1:], strict=False)):
            paths.append(tmp_path / f"{name}{i}.{suffix}")
            part = table.slice(start, stop - start)
            pq.write_table(part, paths[-1], row_group_size=3) if suffix == "parquet" else pa.csv.write_csv(
                part, paths[-1]
            )
        return paths

    mine, theirs = saved(preds, "p", [0, 11, 11, N]), saved(labels, "l", [0, 25, N])
    assert value_of(mine, theirs) == value
    assert value_of(preds, theirs, batch_size=3, threads=2) == value
    rows = lossctl.evaluate(mine, labels_from=labels, on="id", loss="bce", reduction="none", ids=["id"]).row_table()
    assert list(map(int, rows["id"].to_pylist())) == preds["id"].to_pylist()
    assert rows["row"].to_pylist() == [*range(1, 12), *range(1, N - 10)]
    assert set(rows["file"].to_pylist()) == {str(mine[0]), str(mine[2])}


def test_text_of_a_csv_joins_text(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,p\n007,0.5\n8,0.25\n")
    labels = pa.table({"id": ["8", "007"], "label": [1, 0]})
    assert value_of(tmp_path / "p.csv", labels) == pytest.approx((np.log(2) + np.log(4)) / 2)
    (tmp_path / "l.csv").write_text("id,label\n8,1\n007,0\n")
    assert value_of(tmp_path / "p.csv", tmp_path / "l.csv") == value_of(tmp_path / "p.csv", labels)


def test_a_key_column_of_a_csv_that_turns_into_text(tmp_path: Path) -> None:
    rows = 200_000
    ids = [*map(str, range(1, rows)), "last"]
    (tmp_path / "p.csv").write_text("id,p\n" + "".join(f"{i},0.51234567\n" for i in ids))
    (tmp_path / "l.csv").write_text("id,label\n" + "".join(f"{i},1\n" for i in ids))
    found = lossctl.evaluate(tmp_path / "p.csv", labels_from=tmp_path / "l.csv", on="id", loss="bce")
    assert (found.rows.used, found.value) == (rows, pytest.approx(-np.log(0.51234567)))
    labels = pa.table({"id": range(1, rows + 1), "label": [1] * rows})
    with pytest.raises(DataError, match=r"write both with one type"):
        value_of(tmp_path / "p.csv", labels)


REFUSED: list[tuple[Any, Any, str]] = [
    (pa.array([1, 2]), pa.array(["1", "2"]), r"id \(int64\) and labels? ?.*id \(string\).*one type"),
    (pa.array([True, False]), pa.array([0, 1]), r"\(bool\)"),
    (pa.array([1, 2], pa.timestamp("s")), pa.array([1, 2], pa.timestamp("s", "UTC")), r"tz=UTC"),
    (
        pa.array([1.5, 2.0]),
        pa.array([1, 2]),
        r"data row 1 or soon behind holds a key \(double\) that is no whole number",
    ),
    (pa.array([[1], [2]]), pa.array([1, 2]), r"holds list<.*>, which no key is"),
    (pa.array([1, 2]), pa.array([1, 3]), r"1 row of data without a label, 1 row of data without a pred"),
    (pa.array([1, None]), pa.array([1, 3]), r"data row 2: id null; data row 2: id 3\)\. --on-unmatched drop leaves"),
    (pa.array([2, 2]), pa.array([2, 2]), r"1 key more than once in data, 1 key .*\. --on-bad drop leaves"),
]


@pytest.mark.parametrize(("mine", "theirs", "said"), REFUSED)
def test_what_does_not_join(mine: Any, theirs: Any, said: str) -> None:
    preds, labels = pa.table({"id": mine, "p": [0.5, 0.5]}), pa.table({"id": theirs, "label": [0, 1]})
    said = said.replace("labels? ?.*", "data ")
    with pytest.raises(DataError, match=said):
        value_of(preds, labels)


WORDS: list[tuple[dict[str, Any], str]] = [
    ({}, "--labels-from needs a key"),
    ({"on": "id", "by_position": True}, "give one of them"),
    ({"by_position": True, "on_unmatched": "drop"}, "goes with --on"),
    ({"on": "id", "on_unmatched": "drp"}, "on_unmatched must be one of error, drop, got 'drp'; did you mean drop?"),
    ({"on": "idd"}, r"--on: data has no column 'idd'; did you mean id\? \(columns: id, p\)"),
    ({"on": "id=key"}, r"--on: data has no column 'key'"),
    ({"on": "id,"}, "--on takes columns"),
    ({"on": "id,id"}, "--on names a key twice"),
    ({"on": "id", "labels": "y.npy"}, "y.npy and --labels-from each bring labels"),
]


@pytest.mark.parametrize(("more", "said"), WORDS)
def test_words_that_do_not_go_together(more: dict[str, Any], said: str) -> None:
    preds, labels = pa.table({"id": [1], "p": [0.5]}), pa.table({"id": [1], "label": [0]})
    with pytest.raises(UsageError, match=said):
        lossctl.evaluate(preds, labels_from=labels, loss="bce", **more)


@pytest.mark.parametrize("more", [{"on": "id"}, {"by_position": True}, {"on_unmatched": "drop"}])
def test_words_of_a_join_without_one(more: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="say where they are with --labels-from FILE"):
        lossctl.evaluate({"label": [0], "p": [0.5]}, loss="bce", **more)


def test_by_position(tmp_path: Path) -> None:
    preds, labels, value = preds_and_labels(range(N), range(N), None)
    found = lossctl.evaluate(preds, labels_from=[labels_file(labels, tmp_path)], by_position=True, loss="bce")
    # the labels' own id is a column of theirs then, and the label is found by its name
    assert (found.value, found.to_dict()["join"]["method"]) == (value, "position")
    np.save(tmp_path / "y.npy", labels["label"].to_numpy())
    assert lossctl.evaluate(preds, labels_from=tmp_path / "y.npy", by_position=True, loss="bce").value == value
    with pytest.raises(DataError, match=rf"data {N} and data {N - 1} rows; --on COLUMN"):
        lossctl.evaluate(preds, labels_from=labels.slice(1), by_position=True, loss="bce")


def labels_file(table: pa.Table, folder: Path) -> Path:
    pq.write_table(table, folder / "labels.parquet", row_group_size=7)
    return folder / "labels.parquet"


def test_a_stream_of_labels_is_kept_and_one_of_stdin_is_not() -> None:
    preds, labels, value = preds_and_labels(*KEYS["texts"])
    assert value_of(preds.to_reader(), labels.to_reader(3)) == value
    stream = labels.to_reader()
    from lossctl.readers.memory import stream_source

    with pytest.raises(DataError, match="comes one way; save it in a file first"):
        joined((TableSource(preds),), (stream_source(stream),), Join((), (("id", "id"),)), False)


def test_names_that_both_sides_have() -> None:
    preds = {"id": [1, 2], "p": [0.5, 0.25], "label": ["n", "y"], "w": [1.0, 3.0], "fold": [7, 8]}
    labels = {"id": [2, 1], "label": [1, 0], "p": [9.0, 9.0], "w": [1.0, 0.0]}
    found = lossctl.evaluate(preds, labels_from=labels, on="id", loss="bce", weights="w@preds", ids=["label@preds"])
    assert found.columns == {"labels": ("label",), "preds": ("p@preds",), "weights": ("w@preds",)}
    assert found.value == pytest.approx((np.log(2) + 3 * np.log(4)) / 4)
    assert lossctl.evaluate(preds, labels_from=labels, on="id", loss="bce", weights="w").value == pytest.approx(
        np.log(4)
    )
    lone = lossctl.evaluate(preds, labels_from={"id": [2, 1], "truth": [1, 0]}, on="id", loss="bce")
    assert lone.columns["labels"] == ("truth",)
    with pytest.raises(UsageError, match="no column looks like labels"):
        lossctl.evaluate(preds, labels_from={"id": [2, 1], "a": [1, 0], "b": [1, 0]}, on="id", loss="bce")


SOFT = [[0.5, 0.5], [1.0, 0.0], [0.25, 0.75]]


@pytest.mark.parametrize(
    "soft",
    [
        pa.array(SOFT, pa.list_(pa.float32(), 2)),
        pa.array(SOFT, pa.list_(pa.float64())),
        pa.array(SOFT, pa.large_list(pa.float64())).slice(0, 3),
        np.array(SOFT),
    ],
    ids=["fixed", "list", "large", "numpy"],
)
def test_soft_labels(soft: Any) -> None:
    preds = {"id": [3, 1, 2], "p0": [0.5, 0.25, 0.75], "p1": [0.5, 0.75, 0.25]}
    value = lossctl.evaluate(preds, labels_from={"id": [1, 2, 3], "label": soft}, on="id", loss="cce").value
    aligned = {**preds, "label": np.array(SOFT)[[2, 0, 1]]}
    assert value == lossctl.evaluate(aligned, loss="cce").value


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_class_names(kind: pa.DataType) -> None:
    preds = {"id": [3, 1, 2], "p_cat": [0.5, 0.25, 0.75], "p_dog": [0.5, 0.75, 0.25]}
    names = pa.array(["cat", "dog", None], pa.string()).cast(kind)
    found = lossctl.evaluate(preds, labels_from={"id": [1, 2, 3], "label": names}, on="id", loss="scce", on_bad="drop")
    assert found.rows.dropped == {"null_label": 1}
    assert found.value == pytest.approx(np.log(4))


def test_labels_whose_type_changes_between_files(tmp_path: Path) -> None:
    tables = [{"id": [1, 2], "label": pa.array([1, 0], pa.int8())}, {"id": [3], "label": pa.array([0.5])}]
    for i, table in enumerate(tables):
        pq.write_table(pa.table(table), tmp_path / f"{i}.parquet")
    preds = {"id": [3, 2, 1], "p": [0.5, 0.5, 0.25]}
    files = [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    assert value_of(preds, files) == value_of(preds, {"id": [1, 2, 3], "label": [1.0, 0.0, 0.5]})
    (tmp_path / "a.csv").write_text("id,label\n1,1\n2,0\n")
    (tmp_path / "b.csv").write_text("id,label\n3,true\n")
    assert value_of(preds, [tmp_path / "a.csv", tmp_path / "b.csv"]) == value_of(
        preds, {"id": [1, 2, 3], "label": [1, 0, 1]}
    )
    pq.write_table(pa.table({"id": [3], "label": ["x"]}), files[1])
    with pytest.raises(DataError, match=r"1\.parquet: column 'label' is of another type"):
        value_of(preds, files)
    pq.write_table(pa.table({"id": [3], "lable": [1]}), files[1])
    with pytest.raises(DataError, match=r"1\.parquet has no column 'label', which .*0\.parquet has"):
        value_of(preds, files)


EVERYTHING = {
    "flag": pa.array([True, None, False]),
    "day": pa.array([1, 2, None], pa.date32()),
    "money": pa.array([decimal.Decimal("1.5"), None, decimal.Decimal("-2")], pa.decimal128(30, 2)),
    "note": pa.array(["", "é", None]),
    "raw": pa.array([b"\0", b"", None]),
    "soft": pa.array([[1.0, None], None, [2.0, 3.0]], pa.list_(pa.float64(), 2)),
    "many": pa.array([[1], None, []], pa.list_(pa.int32())),
    "deep.a": pa.array([1, None, None]),
    "none": pa.nulls(3),
}


def test_dropped_rows_keep_all_columns_of_both_sides() -> None:
    order = [2, 0, 1]
    structs = {"deep": pa.array([{"a": 1}, None, {"a": None}])}
    flat = {name: values for name, values in EVERYTHING.items() if name != "deep.a"}
    labels = pa.table({"id": [5, 6, 7], "label": [0, 1, None], **flat, **structs})
    preds = pa.table({"id": [7, 5, 9, 6, 6, None], "p": [0.5, 0.5, 0.5, 0.5, 0.5, 0.5], "note": list("abcdef")})
    found = lossctl.evaluate(
        preds, labels_from=labels, on="id", loss="bce", on_bad="drop", on_unmatched="drop", keep_dropped=True
    )
    assert found.rows.to_dict() == {
        "read": 6,
        "used": 1,
        "dropped": {"duplicate_id": 2, "null_label": 1, "unmatched_id": 2},
    }
    dropped = pa.concat_tables(found.dropped_rows())
    assert dropped["dropped_row"].to_pylist() == [1, 3, 4, 5, 6]
    assert dropped["dropped_reason"].to_pylist() == [
        *("null_label", "unmatched_id", "duplicate_id", "duplicate_id", "unmatched_id")
    ]
    assert dropped["note@preds"].to_pylist() == list("acdef")
    for name, values in EVERYTHING.items():
        if name != "none":
            assert dropped[name].type == values.type
        assert dropped[name].to_pylist() == [values[order[0]].as_py(), None, None, None, None]
    assert found.to_dict()["join"] == {
        "labels_from": ["data"],
        "on": ["id"],
        "rows": 3,
        "unmatched_preds": 2,
        "unmatched_labels": 0,
        "duplicate_preds": 1,
        "duplicate_labels": 0,
        "method": "hash",
    }


def test_dropped_rows_count_for_the_limit() -> None:
    preds, labels = {"id": [1, 2], "p": [0.5, 0.5]}, {"id": [1], "label": [0]}
    with pytest.raises(lossctl.GateError, match="1 rows were dropped"):
        value_of(preds, labels, on_unmatched="drop", max_dropped=0)
    assert value_of(preds, labels, on_unmatched="drop", max_dropped=0.5) == pytest.approx(np.log(2))


def test_every_row_unmatched() -> None:
    preds = {"id": [1, 2], "p": [0.5, 0.5]}
    empty = pa.table({"id": pa.array([], pa.int64()), "label": pa.array([], pa.int64())})
    found = lossctl.evaluate(preds, labels_from=empty, on="id", loss="bce", on_unmatched="drop", on_empty="nan")
    assert found.rows.to_dict() == {"read": 2, "used": 0, "dropped": {"unmatched_id": 2}}


KEY_LISTS = st.lists(st.one_of(st.none(), st.integers(-3, 8)), max_size=14)


@settings(max_examples=40)
@given(
    mine=KEY_LISTS, theirs=KEY_LISTS, ascending=st.booleans(), parts=st.sampled_from([0, 1, 3, 8]), text=st.booleans()
)
def test_any_keys_against_plain_python(
    mine: list[int | None], theirs: list[int | None], ascending: bool, parts: int, text: bool
) -> None:
    if ascending:
        mine, theirs = (sorted(k for k in keys if k is not None) for keys in (mine, theirs))
    form = (lambda k: None if k is None else f"k{k}") if text else (lambda k: k)
    kind = pa.string() if text else pa.int64()
    tables = [
        pa.table({"id": pa.array(map(form, keys), kind), "row": pa.array(range(len(keys)), pa.int64())})
        for keys in (mine, theirs)
    ]
    sides = [TableSource(table) for table in tables]
    with pytest.MonkeyPatch.context() as patch:
        if parts:
            parts_of(patch, parts, max(len(mine), len(theirs), 1))
        source: Any = joined((sides[0],), (sides[1],), Join((), (("id", "id"),), "drop"), True)[0]
    counts, others = Counter(k for k in mine if k is not None), Counter(k for k in theirs if k is not None)
    account = source.account
    assert account.unmatched_preds == sum(k is None or not others[k] for k in mine)
    assert account.unmatched_labels == sum(k is None or not counts[k] for k in theirs)
    assert account.duplicate_preds == sum(n > 1 for n in counts.values())
    assert account.duplicate_labels == sum(n > 1 for n in others.values())
    good = [k is not None and counts[k] == others[k] == 1 for k in mine]
    paired, places, left = read_all(source)
    assert places == [i for i, fine in enumerate(good) if fine]
    assert paired == [theirs.index(mine[i]) for i in places]
    twice = [i for i, k in enumerate(mine) if k is not None and others[k] and not good[i]]
    assert left["duplicate_id"] == twice
    assert left["unmatched_id"] == [i for i, k in enumerate(mine) if k is None or not others[k]]


def read_all(source: Any) -> tuple[list[int], list[int], dict[str, list[int]]]:
    """The labels' rows of those that are there, where these stand, and those left out, by reason."""
    paired: list[int] = []
    places: list[int] = []
    left: dict[str, list[int]] = {"unmatched_id": [], "duplicate_id": []}
    for unit in source.units(0):
        at = 0
        for chunk in source.read(unit, ["row"], 3):
            paired += chunk.values["row"].to_pylist()
            here = range(chunk.rows) if chunk.places is None else chunk.places.tolist()
            places += [unit.start + at + place for place in here]
            for reason, some in chunk.left.items():
                left[reason] += (some + unit.start + at).tolist()
            at += chunk.covered
    return paired, places, left


def test_against_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    r = np.random.default_rng(3)
    preds = pd.DataFrame({"id": r.permutation(3000)[:2000], "p": r.random(2000)})
    labels = pd.DataFrame({"id": r.permutation(3000)[:2500], "label": r.integers(0, 2, 2500), "w": r.random(2500)})
    both = preds.merge(labels, on="id")
    parts_of(monkeypatch, 5, 2500)
    found = lossctl.evaluate(
        preds,
        labels_from=labels,
        on="id",
        loss=["bce", "mae"],
        weights="w",
        on_unmatched="drop",
        threads=2,
        batch_size=64,
    )
    direct = lossctl.evaluate(both, loss=["bce", "mae"], weights="w", labels="label", preds="p")
    assert found.values == direct.values
    assert found.rows.used == len(both)


def test_the_joined_source_pickles() -> None:
    preds, labels, _ = preds_and_labels(*KEYS["texts"])
    source: Source = joined((TableSource(preds),), (TableSource(labels),), Join((), (("id", "id"),)), False)[0]
    read = [chunk.values["label"].to_pylist() for chunk in source.read(source.units(0)[0], ["label"], N)]  # type: ignore[index]
    copy: Any = pickle.loads(pickle.dumps(source))
    assert [chunk.values["label"].to_pylist() for chunk in copy.read(copy.units(0)[0], ["label"], N)] == read
    assert [c.name for c in columns_of(preds.schema, "")] + ["label"] == [c.name for c in copy.columns()]
