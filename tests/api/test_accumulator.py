"""Sums that grow batch by batch: any split and any order of merging gives the bits of one call."""

from __future__ import annotations

import pickle
import random
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lossctl
from lossctl.api.metric import Accumulator
from lossctl.errors import DataError, UsageError
from lossctl.evaluation.result import LossResult

ROWS = 200
_rng = np.random.default_rng(11)
NUMBERS = {
    "labels": _rng.normal(size=ROWS) * 10.0 ** _rng.integers(-8, 9, ROWS),
    "preds": _rng.normal(size=ROWS) * 10.0 ** _rng.integers(-8, 9, ROWS),
}
CLASSES = {"labels": _rng.integers(0, 4, ROWS), "preds": _rng.dirichlet(np.ones(4), ROWS)}
OUTPUTS = {"labels": _rng.normal(size=(ROWS, 3)), "preds": _rng.normal(size=(ROWS, 3))}
HOLES = {**NUMBERS, "preds": np.where(_rng.random(ROWS) < 0.2, np.nan, NUMBERS["preds"])}
INFINITE = {**NUMBERS, "preds": np.where(_rng.random(ROWS) < 0.1, np.inf, HOLES["preds"])}
WEIGHTS = _rng.exponential(size=ROWS) * 10.0 ** _rng.integers(-9, 9, ROWS)
CALLS: dict[str, tuple[str, dict[str, Any], dict[str, np.ndarray]]] = {
    "mse": ("mse", {}, NUMBERS),
    "huber": ("huber", {"delta": 1e3, "reduction": "sum_by_nonzero_weights"}, NUMBERS),
    "rmse": ("root_mean_squared_error", {}, NUMBERS),
    "classes": ("scce", {"ignore_index": 2}, CLASSES),
    "weighed classes": (
        "torch.NLLLoss",
        {"class_weights": [1, 2, 3, 0.1]},
        {**CLASSES, "preds": np.log(CLASSES["preds"])},
    ),
    "outputs": ("torch.MSELoss", {}, OUTPUTS),
    "dropped": ("mae", {"on_bad": "drop"}, HOLES),
    "kept": ("mae", {"on_bad": "keep"}, INFINITE),
}


def result(grown: Accumulator) -> tuple[Any, ...]:
    report = grown.report()
    return *map(repr, report.results), report.rows, report.warnings


def joined(parts: list[Accumulator], order: random.Random) -> Accumulator:
    """All of them, any two at a time."""
    parts = list(parts)
    while len(parts) > 1:
        one, other = (parts.pop(order.randrange(len(parts))) for _ in range(2))
        parts.append(one.merge(other))
    return parts[0]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=12)
@given(cuts=st.lists(st.integers(0, ROWS), max_size=8), seed=st.integers(0, 1000))
def test_any_split_and_order_give_the_bits_of_one_call(name: str, weighted: bool, cuts: list[int], seed: int) -> None:
    loss, words, data = CALLS[name]
    metric = lossctl.metric(loss, **words)
    order, edges = random.Random(seed), [0, *sorted(cuts), ROWS]
    weights = WEIGHTS if weighted else None
    found = lossctl.evaluate(**data, weights=weights, loss=loss, **words)
    parts = [metric.accumulator() for _ in range(order.randint(1, 4))]
    for start, stop in order.sample(list(zip(edges, edges[1:], strict=False)), len(edges) - 1):
        rows = slice(start, stop)
        order.choice(parts).update(
            data["labels"][rows], data["preds"][rows], None if weights is None else weights[rows]
        )
    whole = joined(parts, order)
    assert result(whole) == (*map(repr, found.results), found.rows, found.warnings)
    assert repr(whole.value()) == repr(found.value)
    assert whole.count == found.rows.used


def filled(loss: str = "mse", **words: Any) -> Accumulator:
    return lossctl.metric(loss, **words).accumulator().update([1.0, 2.0], [2.0, 4.0])


def test_an_empty_one_has_no_value_and_changes_none() -> None:
    empty = lossctl.metric("mse").accumulator()
    with pytest.raises(DataError, match="mean_squared_error: no batch was added yet"):
        empty.value()
    assert empty.count == 0
    assert filled().merge(empty).value() == empty.merge(filled()).value() == 2.5
    assert lossctl.metric("mse").accumulator().merge(lossctl.metric("mse").accumulator()).count == 0


def test_a_batch_without_rows_adds_nothing() -> None:
    grown = lossctl.metric("mse").accumulator().update([], [])
    with pytest.raises(DataError, match=r"the denominator \(rows\) is 0"):
        grown.value()
    assert grown.update([1.0, 2.0], [2.0, 4.0]).update([], []).value() == 2.5
    assert np.isnan(lossctl.metric("mse", on_empty="nan").accumulator().update([], []).value())


def test_merged_with_itself_every_row_counts_twice() -> None:
    grown = filled("mse", reduction="sum")
    assert (grown.merge(grown).value(), grown.count, grown.report().rows.read) == (10.0, 4, 4)


def test_the_other_stays_as_it_is() -> None:
    one, other = filled(), filled()
    assert one.merge(other).count == 4
    assert other.update([0.0], [0.0]).count == 3
    assert one.count == 4


def test_it_pickles_with_all_it_holds() -> None:
    for grown in (filled(), lossctl.metric("mse").accumulator()):
        twin = pickle.loads(pickle.dumps(grown)).update([3.0], [5.0])
        assert result(twin) == result(grown.update([3.0], [5.0]))


def test_it_does_not_grow_with_the_number_of_batches() -> None:
    grown = filled()
    size = len(pickle.dumps(grown))
    for _ in range(50):
        grown.update([1.0, 2.0], [2.0, 4.0])
    assert len(pickle.dumps(grown)) < size + 100
    assert (grown.value(), grown.report().rows.read) == (2.5, 102)


@pytest.mark.parametrize(
    ("batch", "told"),
    [
        (([1.0], [2.0], [1.0]), "the batches differ: weights had no column before and 1 a row now"),
        (([[1.0, 2.0]], [[1.0, 2.0]]), "the batches differ: labels had 1 a row before and 2 a row now"),
        (([1.0], [[1.0, 2.0]]), "rows are never broadcast"),
    ],
)
def test_a_batch_of_another_shape_is_refused_and_adds_nothing(batch: tuple[Any, ...], told: str) -> None:
    grown = filled()
    before = result(grown)
    with pytest.raises(UsageError, match=told):
        grown.update(*batch)
    assert result(grown) == before


@pytest.mark.parametrize("batch", [([1.0, np.nan], [1.0, 1.0]), ([1.0, 2.0], [1.0]), ([1.0], [object()])])
def test_a_batch_that_cannot_be_used_adds_nothing(batch: tuple[Any, ...]) -> None:
    grown, empty = filled(), lossctl.metric("mse").accumulator()
    before = result(grown)
    for one in (grown, empty):
        with pytest.raises(DataError):
            one.update(*batch)
    assert result(grown) == before
    assert empty.update([1.0], [[2.0]]).value() == 1.0


def test_precision_matters_only_where_the_guard_follows_it() -> None:
    single = (np.array([1.0, 0.0]), np.array([0.5, 0.5], np.float32))
    grown = lossctl.metric("keras.BinaryCrossentropy").accumulator().update(*single)
    with pytest.raises(UsageError, match="differ in their precision; give all in one floating type"):
        grown.update(single[0], single[1].astype(np.float64))
    assert filled().update(*single).count == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mse", "mae"),
        ("huber", "huber:delta=2"),
        ("bce", "keras.BinaryCrossentropy"),
        ("mse", "keras.MeanSquaredError"),
    ],
)
def test_of_two_recipes_no_sum_is_made(one: str, other: str) -> None:
    with pytest.raises(UsageError, match=r"cannot merge .*: another recipe"):
        lossctl.metric(one).accumulator().merge(lossctl.metric(other).accumulator())


def test_nor_of_other_words_other_columns_or_another_thing() -> None:
    with pytest.raises(UsageError, match="another recipe"):
        filled().merge(filled(on_bad="drop"))
    with pytest.raises(UsageError, match="weights had no column before"):
        filled().merge(lossctl.metric("mse").accumulator().update([1.0], [1.0], [1.0]))
    with pytest.raises(UsageError, match="merge takes another accumulator, got float"):
        filled().merge(2.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("loss", ["median_absolute_error", "hinge"])
def test_a_loss_of_all_rows_at_once_is_refused(loss: str) -> None:
    grown = lossctl.metric(loss).accumulator()
    with pytest.raises(UsageError, match=f"{loss} hangs on all rows at once, so that no sums by batches give it"):
        grown.update([1.0], [1.0])
    assert grown.count == 0


def test_one_a_thread_gives_the_sum_of_all() -> None:
    metric = lossctl.metric("mse")
    parts = [metric.accumulator() for _ in range(8)]

    def work(k: int) -> None:
        for start in range(k, ROWS, 8):
            parts[k].update(*(NUMBERS[role][start : start + 1] for role in ("labels", "preds")))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (expected,) = lossctl.evaluate(**NUMBERS, loss="mse").results
    grown: LossResult = joined(parts, random.Random(0)).report().results[0]
    assert grown == expected
