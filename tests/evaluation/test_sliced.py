"""Slices in columns: each as `reduce` and the tests for one have it, made when it is asked for."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lossctl
from lossctl.errors import UsageError
from lossctl.evaluation import slices as slicing
from lossctl.evaluation.result import plain
from lossctl.evaluation.sliced import SliceTable, SliceTables
from lossctl.inference import student
from lossctl.inference.interval import t_interval, welch_df
from lossctl.readers.parquet import ParquetSource

rng = np.random.default_rng(5)
N = 4000
DATA = {
    "y": rng.normal(size=N),
    "p": rng.normal(size=N),
    "w": rng.exponential(size=N) * (rng.random(N) > 0.1),
    "k": rng.integers(0, 1200, N),
    "g": rng.integers(0, 4, N),
    # of every magnitude, beyond what is summed by group in one window
    "wild": rng.normal(size=N) * 10.0 ** rng.integers(-90, 70, N),
    "odd": np.where(rng.random(N) < 0.01, np.inf, rng.normal(size=N)),
}
SHARED = ("value", "sum", "count", "weight_sum", "denominator", "stderr", "min", "max", "ci")


def evaluate(rows=slice(None), by=("k",), preds="p", **more):
    data = {name: column[rows] for name, column in DATA.items()}
    return lossctl.evaluate(data, labels="y", preds=preds, by=list(by), **{"loss": "mse", **more}).report.results[0]


def same(a, b):
    return a == b or (a != a and b != b)


@pytest.mark.parametrize("preds", ["p", "wild", "odd"])
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "sum_over_batch_size", "sum_by_nonzero_weights"])
def test_a_slice_is_what_its_rows_alone_give(preds, weights, reduction):
    asked = {"preds": preds, "weights": weights, "reduction": reduction, "on_bad": "keep", "on_empty": "nan"}
    slices = evaluate(**asked).slices
    for slice in (slices[0], slices[len(slices) // 2], slices[-1]):
        mine = DATA["k"] == slice["by"]["k"]
        own, rest = (evaluate(rows, by=(), **asked) for rows in (mine, ~mine))
        assert {name: slice[name] for name in SHARED} == {
            name: pytest.approx(getattr(own, name), rel=0, abs=0, nan_ok=True)
            if isinstance(getattr(own, name), float)
            else getattr(own, name)
            for name in SHARED
        }
        told = slice["difference"]
        assert same(told["value"], own.value - rest.value)
        if own.stderr is None or rest.stderr is None:
            assert told["stderr"] is told["low"] is told["p"] is told["p_adjusted"] is None
            continue
        assert told["stderr"] > 0.0
        df = welch_df(own.stderr, own.df, rest.stderr, rest.df)
        assert told["stderr"] == pytest.approx(math.hypot(own.stderr, rest.stderr), rel=1e-15)
        assert (told["low"], told["high"]) == t_interval(told["value"], told["stderr"], df, 0.95)
        assert told["p"] == student.two_sided(told["value"] / told["stderr"], df)


def test_a_sequence_of_mappings():
    found = evaluate(by=("g", "k")).slices
    assert isinstance(found, SliceTables)
    every = list(found)
    assert found == every
    assert len(found) == len(every) == 4 + len(np.unique(DATA["k"]))
    assert [found[i] for i in range(len(found))] == every
    assert found[-1] == every[-1]
    assert found[2:6] == every[2:6]
    assert [entry["by"] for entry in every] == list(found.names())
    with pytest.raises(IndexError):
        found[len(found)]
    assert found != every[:-1]
    assert repr(found) == f"<{len(every):,} slices>"


def test_a_slice_is_made_when_it_is_asked_for(monkeypatch):
    found = evaluate()
    made = []
    entries = SliceTable._entries
    monkeypatch.setattr(SliceTable, "_entries", lambda self, *args: made.append(args) or entries(self, *args))
    from lossctl.show import slices as shown

    text = shown.render(found.slices.tables[0], shown.View("-value", 3), None, False)
    assert len(text.splitlines()) == 2 + 3 + 2
    # three rows, and the first for the head
    assert len(made) <= 4


@pytest.mark.parametrize("options", [{"threads": 1, "batch_size": 700}, {"threads": 3}])
def test_the_same_bits_in_any_order(options):
    order = rng.permutation(N)
    found, expected = (
        evaluate(*rows, by=("k", "k*g"), weights="w", **more) for rows, more in (((order,), options), ((), {}))
    )
    assert plain(found.to_dict()) == plain(expected.to_dict())


def test_numbers_do_not_hang_on_how_many_slices_there_are():
    data = {name: column[:50] for name, column in DATA.items()}
    few = lossctl.evaluate(data, labels="y", preds="p", by=["g"], loss="mse").report.results[0].slices
    for entry in few:
        t = entry["difference"]["value"] / entry["difference"]["stderr"]
        own = DATA["g"][:50] == entry["by"]["g"]
        losses = (DATA["y"][:50] - DATA["p"][:50]) ** 2
        a, b = losses[own], losses[~own]
        assert t == pytest.approx((a.mean() - b.mean()) / math.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)))


def test_one_slice_has_no_rest():
    (entry,) = evaluate(DATA["g"] == 2, by=("g",)).slices
    assert entry["difference"] is None


def test_a_loss_of_the_whole_file():
    entry = evaluate(by=("g",), loss="r2_score").slices[1]
    own = DATA["g"] == 1
    expected = evaluate(own, by=(), loss="r2_score").value
    rest = evaluate(~own, by=(), loss="r2_score").value
    assert entry["value"] == expected
    assert entry["difference"]["value"] == expected - rest
    assert entry["difference"]["p"] is entry["stderr"] is entry["ci"] is None


def test_json_has_a_slice_a_line_and_is_the_document():
    found = lossctl.evaluate(DATA, labels="y", preds="odd", by=["g", "k"], loss=["mse", "mae"], on_bad="keep")
    text = found.to_json()
    told = json.loads(text)
    assert [len(entry["slices"]) for entry in told["results"]] == [len(entry.slices) for entry in found.results]
    assert sum('"slicing"' in line for line in text.splitlines()) == sum(len(entry.slices) for entry in found.results)
    assert told == plain(found.to_dict())
    json.dumps(plain(found.to_dict()), allow_nan=False)


def test_gates_on_slices():
    found = lossctl.evaluate(DATA, labels="y", preds="p", by=["k", "g"], loss="mse")
    values = [entry["value"] for entry in found.results[0].slices if "k" in entry["by"]]
    (verdict,) = found.gate("slice(k).worst > 3")
    assert verdict.found == {"slice(k).worst": max(values)}
    (verdict,) = found.gate("slice(g=2).value > 3")
    assert verdict.found["slice(g=2).value"] == found.results[0].slices[-2]["value"]


@pytest.mark.parametrize(("asked", "flag"), [({"bootstrap": 20}, "--bootstrap"), ({"spread": True}, "--spread")])
def test_too_many_slices_for_what_is_asked_of_each(monkeypatch, asked, flag):
    monkeypatch.setattr(slicing, "MANY", 1000)
    assert len(evaluate(**asked).slices) == len(np.unique(DATA["k"]))
    monkeypatch.setattr("lossctl.readers.npy.half_of_memory", lambda: 1 << 20)
    with pytest.raises(UsageError, match=rf"--by k makes 1,\d+ slices or more, for which {flag}.* over half of this"):
        evaluate(**asked)
    # few ones are computed whatever they take
    assert len(evaluate(by=("g",), **asked).slices) == 4
    assert len(evaluate().slices) == len(np.unique(DATA["k"]))


def test_the_exact_mean_of_a_slice():
    entry = evaluate(by=("g",)).slices[0]
    losses = [(Fraction(y) - Fraction(p)) for y, p in zip(DATA["y"], DATA["p"], strict=True)]
    rounded = [float(x) * float(x) for x in losses]
    own = [x for x, g in zip(rounded, DATA["g"], strict=True) if g == 0]
    assert entry["value"] == float(sum(map(Fraction, own)) / len(own))


def test_slices_by_a_column_that_the_loss_reads_too(tmp_path):
    # as codes the labels would be no texts
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"label": ["cat", "dog"] * 500, "p_cat": [0.25, 0.75] * 500, "p_dog": [0.75, 0.25] * 500}), path
    )
    asked = {"labels": "label", "preds": "p_*", "loss": "scce", "by": ["label"]}
    (cat, dog) = lossctl.evaluate(str(path), **asked).results[0].slices
    assert (cat["by"], cat["count"], dog["count"]) == ({"label": "cat"}, 500, 500)
    assert cat["value"] == dog["value"] == pytest.approx(math.log(4))


def test_a_column_of_names_alone_is_read_as_codes(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"y": [1.0, 2.0] * 500, "p": [1.5, 2.0] * 500, "g": ["a", None] * 500}), path)
    asked = []
    with_codes = ParquetSource.with_codes
    monkeypatch.setattr(ParquetSource, "with_codes", lambda self, names: asked.append(names) or with_codes(self, names))
    for by in (["g"], ["g*y"], ["g"]):
        (first, *_) = lossctl.evaluate(str(path), labels="y", preds="p", loss="mse", by=by).results[0].slices
        assert (first["count"], first["value"]) == (500, 0.25)
    assert set(asked) == {frozenset({"g"})}
