"""Laws that every declared loss obeys, over draws from its own domains."""

from __future__ import annotations

import math
from pathlib import Path

import mpmath
import numpy as np
import pytest

from lossctl.catalogue.registry import all_losses
from lossctl.catalogue.spec import BoundLoss
from lossctl.evaluate.frames import Buffers, loss_rows
from lossctl.readers.block import Block, lay
from tests.draws import ALL_VARIANTS, draw
from tests.oracles import ORACLES, evaluate_arrays, oracle

# a difference of terms of either sign may cancel, and then no float64 evaluation keeps its digits
CANCELLING = {"kl_divergence", "cosine_similarity", "categorical_hinge", "hinge", "squared_hinge"}
# a power of a rounded share times an entropy: the errors of the factors add up
PRODUCTS = {"binary_focal_crossentropy", "categorical_focal_crossentropy"}


def compiled(bound: BoundLoss, labels: np.ndarray, preds: np.ndarray) -> np.ndarray:
    block = Block(0, len(preds), {"labels": lay([labels]), "preds": lay([preds])})
    return loss_rows(bound, block, False, Buffers(), "losses").copy()


def ulps(got: np.ndarray, true: list[mpmath.mpf]) -> float:
    return max(
        float(abs(mpmath.mpf(float(g)) - t) / mpmath.mpf(float(np.spacing(abs(float(t))))))
        for g, t in zip(got, true, strict=True)
    )


def test_every_loss_has_an_oracle() -> None:
    assert {loss.name for loss in all_losses()} == set(ORACLES)


@pytest.mark.parametrize("width", [1, 2, 7, 40])
@pytest.mark.parametrize("bound", ALL_VARIANTS, ids=str)
def test_a_row_is_within_4_ulp_of_the_true_value(bound: BoundLoss, width: int) -> None:
    if width == 1 and not bound.loss.elementwise:
        width = 3
    labels, preds = draw(bound, 150, width, seed=width)
    got, true = compiled(bound, labels, preds), oracle(bound, labels, preds)
    # the outputs of a row may have either sign
    if bound.loss.name in CANCELLING or (bound.loss.name == "poisson" and width > 1):
        np.testing.assert_allclose(got, np.array(true, float), rtol=1e-13, atol=2e-15)
    else:
        assert ulps(got, true) <= (8 if bound.loss.name in PRODUCTS else 4)


@pytest.mark.parametrize("bound", ALL_VARIANTS, ids=str)
def test_the_compiled_loss_is_the_plain_function(bound: BoundLoss) -> None:
    labels, preds = draw(bound, 40, 5, seed=3)
    arguments = bound.options.values()
    if bound.loss.elementwise:
        plain = [
            math.fsum(bound.loss.function(float(a), float(b), *arguments) for a, b in zip(y, p, strict=True)) / 5
            for y, p in zip(labels, preds, strict=True)
        ]
    else:
        index = bound.loss.roles[0].shape == "index"
        plain = [
            bound.loss.function(int(y[0]) if index else y.tolist(), p.tolist(), *arguments)
            for y, p in zip(labels, preds, strict=True)
        ]
    np.testing.assert_allclose(compiled(bound, labels, preds), plain, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("bound", ALL_VARIANTS, ids=str)
def test_layout_and_tiles_do_not_reach_the_bits(bound: BoundLoss) -> None:
    labels, preds = draw(bound, 300, 6, seed=4)
    whole = compiled(bound, labels, preds)
    fortran = compiled(bound, labels, np.asfortranarray(preds))
    strided = compiled(bound, labels, np.repeat(preds, 2, axis=1)[:, ::2])
    singles = np.concatenate([compiled(bound, labels[i : i + 1], preds[i : i + 1]) for i in range(300)])
    for other in (fortran, strided, singles):
        assert whole.tobytes() == other.tobytes()


@pytest.mark.parametrize("loss", all_losses(), ids=lambda loss: loss.name)
def test_weights_scale_and_repeat(loss: object, tmp_path: Path) -> None:
    bound = next(b for b in ALL_VARIANTS if b.loss is loss)
    labels, preds = draw(bound, 50, 4, seed=5)
    weights = np.random.default_rng(6).integers(0, 4, 50).astype(float)
    call = str(bound)
    arrays = {"labels": labels, "preds": preds, "weights": weights}
    repeated = {
        "labels": np.repeat(labels, weights.astype(int), 0),
        "preds": np.repeat(preds, weights.astype(int), 0),
    }
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
    labels, preds = draw(next(b for b in ALL_VARIANTS if str(b) == "sparse_categorical_crossentropy"), 200, 6)
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
    with mpmath.workdps(700):
        assert ulps(compiled(bound, labels, logits), oracle(bound, labels, logits)) <= 4


def test_infinite_and_nan_logits_give_the_limit_or_nan() -> None:
    bound = next(b for b in ALL_VARIANTS if str(b) == "sparse_categorical_crossentropy:from_logits=true")
    logits = np.array([[np.inf, 0.0], [np.inf, 0.0], [-np.inf, 0.0], [np.nan, 0.0], [0.0, 1.0]])
    labels = np.array([[0], [1], [1], [1], [2]])
    np.testing.assert_array_equal(compiled(bound, labels, logits), [0.0, np.inf, 0.0, np.nan, np.nan])
