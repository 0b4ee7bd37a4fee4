"""Every statistic of the audit has the same bits for any threads, batches, splits, formats, order and shards."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lossctl
from lossctl.evaluation.result import plain
from tests.written import text

ROWS, USERS = 700, 60
EVERYTHING: dict[str, Any] = {
    "ci": 0.9,
    "quantiles": (0.01, 0.5, 0.9, 0.999),
    "spread": True,
    "histogram": True,
    "bootstrap": 50,
    "seed": 3,
    "by": ["region", "age:width=20", "age:quantile=4", "region*day:month"],
    "worst": 5,
    "best": 4,
    "on_bad": "drop",
}
PROBABILITIES = {"loss": ["keras.BinaryCrossentropy", "brier_score"], "labels": "label", "preds": "prob"}
CALLS: dict[str, dict[str, Any]] = {
    "rows": {**PROBABILITIES, "ids": ["id"], "calibration": "equal-mass", "decompose": True, "correction": "bh"},
    "clusters": {
        **PROBABILITIES,
        "cluster": ["user"],
        "weights": "weight",
        "where": ["prob > 0.05 or region is null"],
        "calibration": "equal-width",
        "decompose": True,
        "exact_quantiles": True,
    },
    # the mean of a row's outputs beside a sum over all of them, and a loss of the whole file
    "outputs": {
        "loss": ["torch.MSELoss", "r2_score"],
        "labels": ["y0", "y1"],
        "preds": ["p0", "p1"],
        "weights": "weight",
        "cluster": ["user"],
    },
    # a denominator of its own
    "class weights": {
        "loss": "torch.CrossEntropyLoss",
        "labels": "label",
        "preds": ["p0", "p1"],
        "class_weights": [0.3, 2.0],
        "ids": ["id"],
    },
}


@cache
def table() -> pa.Table:
    """Rows some of whose values are missing; only few are at a guard, since rows of one loss rank as they stand."""
    draw = np.random.default_rng(11)
    user = draw.integers(0, USERS, ROWS)
    prob = (1.0 / (1.0 + np.exp(-draw.normal(size=USERS)[user] - draw.normal(size=ROWS)))).round(12)
    label = (draw.random(ROWS) < prob).astype(np.int64)
    prob[:2], label[:2] = (1.0, 0.0), (0, 0)

    def missing(values: np.ndarray, share: float) -> list[Any]:
        return [None if gone else value for value, gone in zip(values.tolist(), draw.random(ROWS) < share, strict=True)]

    days = np.datetime64("2024-01-01") + draw.integers(0, 120, ROWS)
    outputs = draw.normal(size=(ROWS, 4)).round(9)
    return pa.table(
        {
            "id": [f"r{k}" for k in draw.permutation(ROWS)],
            "label": label,
            "prob": pa.array(missing(prob, 0.01), pa.float64()),
            "weight": draw.choice([0.0, 1e-9, 0.3, 2.7], ROWS) * draw.random(ROWS).round(6),
            "region": pa.array(missing(draw.choice(["eu", "us", "São Paulo", "a,b", "7"], ROWS), 0.1), pa.string()),
            "age": pa.array(missing(draw.normal(45.0, 15.0, ROWS).round(1), 0.1), pa.float64()),
            "day": pa.array(days.astype("datetime64[D]")),
            "user": [f"u{k}" for k in user],
            **{name: outputs[:, k] for k, name in enumerate(("y0", "y1", "p0", "p1"))},
        }
    )


def parquet(some: pa.Table, path: Path, rows: int = 1 << 20) -> str:
    pq.write_table(some, path, row_group_size=rows)
    return str(path)


def csv(some: pa.Table, path: Path) -> str:
    path.write_text(text(some))
    return str(path)


def jsonl(some: pa.Table, path: Path) -> str:
    def told(value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime.date) else value

    rows = ({name: told(value) for name, value in row.items()} for row in some.to_pylist())
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


WRITERS = {"parquet": parquet, "csv": csv, "jsonl": jsonl}


def split(kinds: tuple[str, ...], folder: Path) -> list[str]:
    """The table in as many files."""
    cuts = np.linspace(0, ROWS, len(kinds) + 1).astype(int).tolist()
    pieces = (table().slice(start, stop - start) for start, stop in zip(cuts[:-1], cuts[1:], strict=True))
    return [
        WRITERS[kind](piece, folder / f"{i}.{kind}") for i, (kind, piece) in enumerate(zip(kinds, pieces, strict=True))
    ]


def shuffled() -> pa.Table:
    return table().take(np.random.default_rng(5).permutation(ROWS))


# of each arrangement the files, and how they are read
ARRANGEMENTS: dict[str, Any] = {
    "two threads": lambda at: (parquet(table(), at / "t.parquet", 200), {"threads": 2}),
    "five threads": lambda at: (parquet(table(), at / "t.parquet", 90), {"threads": 5}),
    "blocks of 7": lambda at: (parquet(table(), at / "t.parquet"), {"batch_size": 7}),
    "blocks of 100": lambda at: (parquet(table(), at / "t.parquet", 450), {"batch_size": 100, "threads": 2}),
    "three files": lambda at: (split(("parquet",) * 3, at), {}),
    "seven files": lambda at: (split(("parquet",) * 7, at), {"threads": 5}),
    "an empty file among others": lambda at: (
        [parquet(table().slice(0, 0), at / "none.parquet"), *split(("parquet",) * 2, at)],
        {},
    ),
    "CSV": lambda at: (csv(table(), at / "t.csv"), {}),
    "CSV in blocks": lambda at: (csv(table(), at / "t.csv"), {"batch_size": 100, "threads": 2}),
    "JSON Lines": lambda at: (jsonl(table(), at / "t.jsonl"), {"threads": 2}),
    "three formats": lambda at: (split(("csv", "parquet", "jsonl"), at), {}),
    "memory": lambda at: (table(), {}),
    "shuffled": lambda at: (parquet(shuffled(), at / "t.parquet", 300), {"threads": 2}),
    "shuffled CSV": lambda at: (csv(shuffled(), at / "t.csv"), {"threads": 2}),
}


def document(found: Any) -> dict[str, Any]:
    """Without the files' names, and where single rows stand; the rows themselves have ids."""
    told: dict[str, Any] = plain(found.to_dict())
    del told["inputs"], told["recipe"]
    for entry in told["results"]:
        for row in (*entry.get("worst", ()), *entry.get("best", ())):
            del row["file"], row["row"]
    return told


@cache
def expected(call: str) -> dict[str, Any]:
    """What one thread finds in a table in memory."""
    return document(lossctl.evaluate(table().combine_chunks(), threads=1, **{**EVERYTHING, **CALLS[call]}))


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Where two documents are not the same text, in words."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from differences(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, pair in enumerate(zip(one, other, strict=True)):
            yield from differences(*pair, f"{path}[{i}]")
    elif json.dumps(one) != json.dumps(other):
        yield f"{path}: {one!r:.300} and {other!r:.300}"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_the_same_bits(arrangement: str, call: str, tmp_path: Path) -> None:
    data, how = ARRANGEMENTS[arrangement](tmp_path)
    found = document(lossctl.evaluate(data, **{**EVERYTHING, **CALLS[call], **how}))
    assert list(differences(expected(call), found)) == []


@pytest.mark.parametrize("call", CALLS)
def test_shards_merge_to_the_same_bits(call: str, tmp_path: Path) -> None:
    asked = {
        **EVERYTHING,
        **CALLS[call],
        "by": ["region", "age:width=20", "region*day:month"],
        "exact_quantiles": False,
    }
    for name in ("worst", "best"):
        del asked[name]
    shards = []
    for path in split(("csv", "parquet", "jsonl", "parquet"), tmp_path):
        shards.append(tmp_path / f"{Path(path).name}.lossctl")
        lossctl.evaluate(path, **asked).save(shards[-1])
    whole = document(lossctl.evaluate(table(), **asked))
    assert list(differences(whole, document(lossctl.merge(shards)))) == []
    assert list(differences(whole, document(lossctl.merge(shards[::-1])))) == []


def test_everything_is_there() -> None:
    for call in CALLS:
        told = expected(call)
        entry = told["results"][0]
        assert entry["ci"]["low"] < entry["value"] < entry["ci"]["high"]
        assert entry["bootstrap"]["low"] < entry["bootstrap"]["high"]
        assert {"quantiles", "worst_share", "histogram"} <= entry.keys()
        assert (len(entry["worst"]), len(entry["best"])) == (5, 4)
        slicings = {one["slicing"].partition("=")[0] for one in entry["slices"]}
        assert {"region", "region*day:month", "age:width"} <= slicings
        assert all({"difference", "ci", "bootstrap", "quantiles", "histogram"} <= one.keys() for one in entry["slices"])
        assert any(one["by"] == {"region": None} for one in entry["slices"])
    assert {"calibration", "signature"} <= expected("rows").keys() & expected("clusters").keys()
    assert expected("rows")["results"][0]["clip"]["guarded"] == 1
    assert all("decomposition" in one for one in expected("clusters")["results"])
    assert expected("rows")["rows"]["dropped"]["null_pred"] > 3
    assert expected("clusters")["rows"]["filtered"] > 3
