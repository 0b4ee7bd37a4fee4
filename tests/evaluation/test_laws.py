"""Laws that every declared loss obeys, over draws from its own domains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossctl.catalogue.declare import Loss
from lossctl.catalogue.spec import BoundLoss
from lossctl.evaluation.frames import Buffers, loss_rows
from lossctl.readers.block import Block, lay
from tests.draws import ALL_VARIANTS, ROW_LOSSES, draw, draw_extremes, fitted
from tests.evaluating import evaluate_arrays
from tests.oracles import ORACLES, oracle


def compiled(bound: BoundLoss, arrays: dict[str, np.ndarray]) -> np.ndarray:
    block = Block(0, len(next(iter(arrays.values()))), {role: lay([array]) for role, array in arrays.items()})
    return loss_rows(bound, block, False, Buffers(), "losses").copy()


def assert_accurate(bound: BoundLoss, arrays: dict[str, np.ndarray]) -> None:
    """Each row is as near to the true value as the loss declares."""
    claimed = bound.loss.accuracy
    scale = np.maximum(1.0, np.max([np.abs(a).max(axis=1) for a in arrays.values()], axis=0))
    pairs = zip(compiled(bound, arrays), oracle(bound, arrays), scale, strict=True)
    for row, (got, true, largest) in enumerate(pairs):
        allowed = max(claimed.ulps * float(np.spacing(abs(float(true)))), claimed.absolute * largest)
        inputs = {role: array[row].tolist() for role, array in arrays.items()}
        same = got == float(true) or (math.isnan(got) and mpmath.isnan(true))
        near = same or abs(mpmath.mpf(float(got)) - true) <= allowed
        assert near, (str(bound), inputs, float(got), float(true))


def test_every_loss_has_an_oracle() -> None:
    assert {loss.name for loss in ROW_LOSSES} == set(ORACLES)


@pytest.mark.parametrize("width", [1, 2, 7, 40])
@pytest.mark.parametrize("bound", ALL_VARIANTS, ids=str)
def test_a_row_is_as_near_to_the_true_value_as_declared(bound: BoundLoss, width: int) -> None:
    if width == 1 and not bound.loss.elementwise:
        width = 3
    assert_accurate(bound, draw(bound, 150, width, seed=width))


@pytest.mark.parametrize("loss", ROW_LOSSES, ids=lambda loss: loss.name)
@given(seed=st.integers(0, 2**32 - 1), width=st.sampled_from([1, 2, 5]))
def test_extreme_rows_are_as_near(loss: Loss, seed: int, width: int) -> None:
    bounds = [bound for bound in ALL_VARIANTS if bound.loss is loss]
    bound = bounds[seed % len(bounds)]
    width = width if loss.elementwise else max(width, 2)
    assert_accurate(bound, draw_extremes(bound, 100, width, seed))


@pytest.mark.parametrize("bound", ALL_VARIANTS, ids=str)
def test_the_compiled_loss_is_the_plain_function(bound: BoundLoss) -> None:
    arrays = draw(bound, 40, 5, seed=3)
    shapes = {role.name: role.shape for role in bound.loss.roles}
    plain = []
    for i in range(40):
        rows = {name: array[i].tolist() for name, array in arrays.items()}
        if bound.loss.elementwise:
            cells = zip(*rows.values(), strict=True)
            plain.append(math.fsum(called(bound, cell, k) for k, cell in enumerate(cells)) / 5)
        else:
            one = [row if shapes[name] == "vector" else row[0] for name, row in rows.items()]
            plain.append(called(bound, one, None))
    np.testing.assert_allclose(compiled(bound, arrays), plain, rtol=1e-13, atol=1e-14)


def called(bound: BoundLoss, values: Sequence[Any], column: int | None) -> float:
    """The plain function; options that may be lists are spread over five classes or columns."""
    options = []
    for option, value in zip(bound.loss.options, bound.values, strict=True):
        spread = value if isinstance(value, tuple) else [value] * 5
        wants = option.param.many and column is None
        options.append(spread if wants else value)
    return bound.loss.function(*values, *options)


@pytest.mark.parametrize("bound", ALL_VARIANTS, ids=str)
def test_layout_and_tiles_do_not_reach_the_bits(bound: BoundLoss) -> None:
    arrays = draw(bound, 300, 6, seed=4)
    whole = compiled(bound, arrays)
    fortran = compiled(bound, {name: np.asfortranarray(a) for name, a in arrays.items()})
    strided = compiled(bound, {name: np.repeat(a, 2, axis=1)[:, ::2] for name, a in arrays.items()})
    singles = np.concatenate([compiled(bound, {n: a[i : i + 1] for n, a in arrays.items()}) for i in range(300)])
    for other in (fortran, strided, singles):
        assert whole.tobytes() == other.tobytes()


@pytest.mark.parametrize("loss", ROW_LOSSES, ids=lambda loss: loss.name)
def test_weights_scale_and_repeat(loss: object, tmp_path: Path) -> None:
    bound = next(b for b in ALL_VARIANTS if b.loss is loss)
    plain = draw(bound, 50, 4, seed=5)
    weights = np.random.default_rng(6).integers(0, 4, 50).astype(float)
    # a weight of 0 does not hide an infinite loss
    weights[np.isinf(compiled(bound, plain))] = 1.0
    call = str(fitted(bound, 4))
    arrays = {**plain, "weights": weights}
    repeated = {name: np.repeat(array, weights.astype(int), 0) for name, array in plain.items()}
    mean = evaluate_arrays(call, {}, arrays, tmp_path, "mean")
    assert evaluate_arrays(call, {}, repeated, tmp_path, "mean") == mean
    assert evaluate_arrays(call, {}, {**arrays, "weights": weights * 8}, tmp_path, "mean") == mean
    total = evaluate_arrays(call, {}, arrays, tmp_path, "sum")
    assert math.isclose(evaluate_arrays(call, {}, arrays, tmp_path, "sum_over_batch_size"), total / 50, rel_tol=1e-15)
    nonzero = int((weights != 0).sum())
    assert math.isclose(
        evaluate_arrays(call, {}, arrays, tmp_path, "sum_by_nonzero_weights"), total / nonzero, rel_tol=1e-15
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("logits", [False, True])
def test_a_class_index_means_its_one_hot_row(logits: bool, smoothing: float, tmp_path: Path) -> None:
    options = {"from_logits": logits, "label_smoothing": smoothing}
    drawn = draw(next(b for b in ALL_VARIANTS if str(b) == "sparse_categorical_crossentropy"), 200, 6)
    labels, preds = drawn["labels"], drawn["preds"]
    one_hot = np.eye(6)[labels[:, 0]]
    by_index = evaluate_arrays("cce", options, {"labels": labels, "preds": preds}, tmp_path, "mean")
    assert by_index == evaluate_arrays("cce", options, {"labels": one_hot, "preds": preds}, tmp_path, "mean")
    if smoothing == 0.0:
        sparse = evaluate_arrays("scce", {"from_logits": logits}, {"labels": labels, "preds": preds}, tmp_path, "mean")
        assert sparse == by_index


def test_logits_and_their_probabilities_agree(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(100, 5)), rng.integers(0, 5, (100, 1))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    a = evaluate_arrays("scce", {"from_logits": True}, {"labels": labels, "preds": logits}, tmp_path, "mean")
    b = evaluate_arrays("scce", {}, {"labels": labels, "preds": probabilities}, tmp_path, "mean")
    assert math.isclose(a, b, rel_tol=1e-13)


def test_confident_rows_keep_their_digits(tmp_path: Path) -> None:
    bound = next(b for b in ALL_VARIANTS if str(b) == "sparse_categorical_crossentropy:from_logits=true")
    logits = np.array([[40.25, 0.1, -3.0], [0.3, 25.7, 1.1], [700.0, 0.0, 1.0], [2.0, 2.0, 2.0]])
    labels = np.array([[0], [1], [0], [2]])
    assert_accurate(bound, {"labels": labels, "preds": logits})


def test_infinite_and_nan_logits_give_the_limit_or_nan() -> None:
    bound = next(b for b in ALL_VARIANTS if str(b) == "sparse_categorical_crossentropy:from_logits=true")
    logits = np.array([[np.inf, 0.0], [np.inf, 0.0], [-np.inf, 0.0], [np.nan, 0.0], [0.0, 1.0]])
    labels = np.array([[0], [1], [1], [1], [2]])
    np.testing.assert_array_equal(
        compiled(bound, {"labels": labels, "preds": logits}), [0.0, np.inf, 0.0, np.nan, np.nan]
    )
