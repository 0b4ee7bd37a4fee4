"""Objectives: the total that TensorFlow gives, penalties that are exact sums, one pass over the data."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lossctl
from lossctl.readers.parquet import ParquetSource
from tests.conftest import ROOT

GOLDEN = json.loads((ROOT / "tests" / "golden" / "total.json").read_text())["cases"]


@pytest.mark.parametrize("case", GOLDEN, ids=[case["name"] for case in GOLDEN])
def test_the_total_is_tensorflows(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "array" in case:
        monkeypatch.chdir(tmp_path)
        np.save("array.npy", np.array(case["array"]))
    told, near = case["tensorflow"], {"rel": case["rtol"], "abs": 0.0}
    found = lossctl.total(case["objective"], case.get("data"))
    assert [entry.contribution for entry in found.terms] == pytest.approx(told["get_losses"], **near)
    assert [entry.value for entry in found.penalties] == pytest.approx(told["get_regularization_losses"], **near)
    assert found.value == pytest.approx(told["get_total_loss"], **near)
    bare = lossctl.total(case["objective"], case.get("data"), regularization=False)
    assert bare.value == pytest.approx(told["without_regularization"], **near)
    assert bare.penalties == ()


@cache
def penalised() -> tuple[np.ndarray, Fraction, Fraction]:
    """Weights, and the exact sums of their absolute values and squares."""
    rng = np.random.default_rng(1)
    # float32, whose squares float64 holds without rounding, over scales that a plain sum would lose
    weights = (rng.normal(size=(301, 1000)) * 10.0 ** rng.integers(-8, 8, (301, 1000))).astype(np.float32)
    exact = list(map(Fraction, weights.astype(float).ravel().tolist()))
    return weights, sum(map(abs, exact), Fraction(0)), sum((x * x for x in exact), Fraction(0))


@pytest.mark.parametrize("kind", ["l1", "l2", "l2_half", "elastic_net"])
def test_a_penalty_is_an_exact_sum_rounded_once(kind: str, tmp_path: Path) -> None:
    weights, absolutes, squares = penalised()
    np.savez(tmp_path / "w.npz", kernel=weights, turned=weights.T, bias=np.zeros(3))
    coefficients = {"l1": 0.5, "l2": 0.25} if kind == "elastic_net" else {"coefficient": 0.5}
    asked = {"name": "r", "kind": kind, "files": str(tmp_path / "w.npz"), **coefficients}
    expected = {
        "l1": 0.5 * float(absolutes),
        "l2": 0.5 * float(squares),
        "l2_half": 0.25 * float(squares),
        "elastic_net": 0.5 * float(absolutes) + 0.25 * float(squares),
    }[kind]
    for arrays in ("kernel", "turned"):
        (penalty,) = lossctl.total({"regularizers": [{**asked, "arrays": arrays}]}).penalties
        assert (penalty.value, penalty.count) == (expected, weights.size)
    (both,) = lossctl.total({"regularizers": [{**asked, "exclude": ["bias"]}]}).penalties
    assert both.value == pytest.approx(2 * expected, rel=1e-15)
    assert [array.name for array in both.arrays] == ["kernel", "turned"]


def test_all_terms_take_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    table = pa.table({"y": rng.normal(size=500_000), "p": rng.normal(size=500_000), "q": rng.random(500_000)})
    path = tmp_path / "data.parquet"
    pq.write_table(table, path, row_group_size=60_000)
    reads: list[tuple[str, ...]] = []
    read = ParquetSource.read

    def counted(self: ParquetSource, unit: Any, names: Any, rows: int) -> Any:
        reads.append(tuple(names))
        return read(self, unit, names, rows)

    monkeypatch.setattr(ParquetSource, "read", counted)
    terms = [
        {"loss": "mse", "labels": "y", "preds": "p"},
        {"loss": "mae", "labels": "y", "preds": "q", "weight": 0.25},
        {"loss": "huber:delta=2", "labels": "q", "preds": "p", "weights": "q"},
    ]
    found = lossctl.total({"terms": terms}, path)
    assert len(reads) == len(ParquetSource(str(path)).units(0))
    assert {frozenset(names) for names in reads} == {frozenset(("y", "p", "q"))}
    alone = [
        lossctl.evaluate(path, loss=t["loss"], labels=t["labels"], preds=t["preds"], weights=t.get("weights")).value
        for t in terms
    ]
    assert [entry.result.value for entry in found.terms] == alone
    assert found.value == math.fsum([alone[0], 0.25 * alone[1], alone[2]])
    assert sum(filter(None, map(found.share, found.contributions.values()))) == pytest.approx(1.0)


def test_the_data_may_be_in_memory_and_its_labels_names() -> None:
    columns = {"y": ["cat", "dog", "cat"], "p_cat": [0.5, 0.25, 1.0], "p_dog": [0.5, 0.75, 0.0], "n": [1, 0, 1]}
    terms = [
        {"loss": "scce", "preds": ["p_cat", "p_dog"], "labels": "y"},
        {"loss": "mae", "labels": "n", "preds": "p_cat"},
    ]
    found = lossctl.total({"terms": terms}, pa.table(columns))
    assert found.value == pytest.approx((math.log(2) + math.log(4 / 3)) / 3 + (0.5 + 0.25) / 3, rel=1e-6)


def test_a_total_that_is_no_number_has_no_shares() -> None:
    terms = [{"name": "a", "loss": "mse", "preds": "p"}, {"name": "b", "loss": "mae", "preds": "q", "weight": -1.0}]
    found = lossctl.total({"terms": terms, "on_bad": "keep"}, {"y": [1.0], "p": [math.inf], "q": [math.inf]})
    assert math.isnan(found.value)
    assert found.to_dict()["terms"][0]["share"] is None
