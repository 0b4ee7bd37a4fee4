"""Values that frameworks gave or that were worked out by hand, against the plain functions of margins and vectors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from lossctl.catalogue.registry import find
from lossctl.catalogue.spec import BoundLoss, bind
from lossctl.evaluation.frames import Buffers, loss_rows
from lossctl.readers.block import Block, lay
from tests.oracles import oracle

Rows = Mapping[str, float | Sequence[float]]
FOUR = [0.1, 0.2, 0.4, 0.8]
THREE = [0.1, 0.5, 0.2]
BELOW = [-3.0, -1.0, -2.0]
NAN = math.nan


def pair(labels: float | Sequence[float], preds: float | Sequence[float]) -> Rows:
    return {"labels": labels, "preds": preds}


def ranked(y: float) -> Rows:
    return {"labels": y, "x1": 0.3, "x2": 0.5}


def vectors(y: float, x1: Sequence[float], x2: Sequence[float]) -> Rows:
    return {"labels": y, "x1": x1, "x2": x2}


def triplet(anchor: Sequence[float], positive: Sequence[float], negative: Sequence[float]) -> Rows:
    return {"anchor": anchor, "positive": positive, "negative": negative}


VALUES: list[tuple[str, Rows, float]] = [
    # one score; TensorFlow 1 reads every label as 2y - 1, also -1; scikit-learn takes a lone label for the smaller
    ("hinge:label_encoding=01", pair([0, 1], [0.6, 0.4]), 1.1),
    ("hinge:label_encoding=pm1", pair([0, 1], [0.6, 0.4]), 0.8),
    ("hinge:label_encoding=pm1", pair([1, 1], [0.6, 0.4]), 0.5),
    ("hinge:label_encoding=sorted,lowest=1", pair([1, 1], [0.6, 0.4]), 1.5),
    ("hinge:label_encoding=sorted,lowest=0", pair([0, 1], [0.6, 0.4]), 1.1),
    ("hinge:label_encoding=pm1", pair(-1, 0.6), 1.6),
    ("hinge:label_encoding=01", pair(-1, 0.6), 2.8),
    ("squared_hinge:label_encoding=01", pair([0, 1], [0.6, 0.4]), 1.46),
    ("squared_hinge:label_encoding=01", pair([0, 0], [0.4, 0.6]), 2.26),
    ("soft_margin", pair(1, 0), 0.6931472),
    ("soft_margin", pair(-1, 89), 89.0),
    ("soft_margin", pair(1, 1000), 0.0),
    ("soft_margin", pair(-1, 1000), 1000.0),
    ("hinge_embedding", pair(1, 0.3), 0.3),
    ("hinge_embedding", pair(-1, 0.3), 0.7),
    ("hinge_embedding", pair(0, 0.3), 1.0),
    ("hinge_embedding:margin=0.25", pair(-1, 0.3), 0.0),
    ("margin_ranking:margin=0.1", ranked(1), 0.3),
    ("margin_ranking:margin=0.1", ranked(-1), 0.0),
    ("margin_ranking:margin=0.1", ranked(0), 0.1),
    ("perceptron", pair(1, -0.5), 0.5),
    ("perceptron", pair(-1, -0.5), 0.0),
    ("sparsemax", pair(1, 0.5), 0.0625),
    ("sparsemax", pair(1, -2), 2.0),
    ("sparsemax", pair(0, 0.5), 0.5625),
    ("sparsemax", pair(1, -1), 1.0),
    ("sparsemax", pair(1, 1), 0.0),
    # a score a class
    ("categorical_hinge", pair([0, 1, 0], THREE), 0.7),
    ("categorical_hinge", pair([0, 1, 0], BELOW), 2.0),
    ("multiclass_hinge", pair(1, THREE), 0.7),
    ("multiclass_hinge", pair(2, [0.3, 0.3, 0.9]), 0.4),
    ("multiclass_hinge", pair(1, BELOW), 0.0),
    ("multiclass_hinge", pair(3, THREE), NAN),
    ("multi_margin", pair(3, FOUR), 0.325),
    ("multi_margin", pair(1, THREE), 0.4333333),
    ("multi_margin:power=2,class_weights=[1,1,2,1]", pair(2, FOUR), 1.545),
    # a NaN score is not passed over, as PyTorch's comparison does
    ("multi_margin", pair(0, [0.0, NAN, 0.0]), NAN),
    ("multiclass_perceptron", pair(2, THREE), 0.3),
    ("multiclass_perceptron", pair(1, THREE), 0.0),
    ("multiclass_sparsemax", pair(1, THREE), 0.1433333),
    ("multiclass_sparsemax", pair(0, [2.0, 0.5, 0.2]), 0.0),
    # a list of classes, or a label a class
    ("multilabel_margin", pair([3, 0, -1, 1], FOUR), 0.85),
    ("multilabel_margin", pair([-1, 0, 1, 2], FOUR), 0.0),
    # a class listed twice counts twice, and is no other class; an index that is no class has no loss
    ("multilabel_margin", pair([3, 3, -1, 1], FOUR), 0.65),
    ("multilabel_margin", pair([4, -1, -1, -1], FOUR), NAN),
    ("multilabel_soft_margin", pair([1, 0], [0, 0]), 0.6931472),
    ("multilabel_soft_margin:class_weights=[1,3]", pair([1, 0], [2, 2]), 3.2538560),
    ("polyloss", pair([0, 1, 0], [1, 2, 3]), 2.9181490),
    ("polyloss:epsilon=0", pair([0, 1, 0], [1, 2, 3]), 1.4076059),
    ("ranking_softmax", pair([0, 1, 0], [1, 2, 3]), 1.4076059),
    ("ranking_softmax", pair([2, 0], [0, 0]), 1.3862944),
    # vectors
    ("cosine_similarity", pair([3, 4], [3, 4]), -1.0),
    ("cosine_similarity", pair([0, 0], [3, 4]), 0.0),
    ("cosine_similarity", pair([1e-9, 0], [1e-9, 0]), -1e-4),
    ("cosine_similarity:floor=square,epsilon=1e-12", pair([1e-9, 0], [1e-9, 0]), -1e-6),
    ("cosine_distance", pair([1, 1], [1, 1]), -1.0),
    ("cosine_distance", pair([3, 4], [3, 4]), -24.0),
    ("cosine_gap:epsilon=1e-6", pair([0, 0], [3, 4]), 1.0),
    ("cosine_embedding", vectors(1, [3, 4], [3, 4]), 0.0),
    ("cosine_embedding", vectors(1, [0, 0], [3, 4]), 1.0),
    ("cosine_embedding", vectors(-1, [1, 0], [3, 4]), 0.6),
    ("cosine_embedding:margin=0.5", vectors(-1, [1, 0], [3, 4]), 0.1),
    ("cosine_embedding", vectors(0, [1, 0], [3, 4]), 0.0),
    ("triplet_margin", triplet([0, 0], [0, 0], [1, 0]), 2.4142131e-6),
    ("triplet_margin:margin=10", triplet([0, 0], [3, 4], [6, 8]), 5.0),
    ("triplet_margin:p=1", triplet([0, 0], [3, 4], [1, 1]), 6.0),
    ("triplet_margin:margin=10", triplet([0, 0], [3, 4], [6, 0]), 9.0),
    ("triplet_margin:margin=10,swap=true", triplet([0, 0], [3, 4], [6, 4]), 12.0),
]


@pytest.mark.parametrize(("spec", "rows", "recorded"), VALUES)
def test_a_known_value_holds(spec: str, rows: Rows, recorded: float) -> None:
    # seven digits were noted; PyTorch adds 1e-6 to the differences of a triplet, and those here leave it out
    close = 1e-12 if 0.0 < abs(recorded) < 1e-3 else (1e-6 if "triplet" in spec else 1e-7)
    assert evaluated(spec, rows) == pytest.approx(recorded, rel=1e-7, abs=close, nan_ok=True)


def evaluated(spec: str, rows: Rows) -> float:
    """The plain loss of one row: the mean of its columns, or of its classes as a whole."""
    bound = bind(spec, {})
    given = [rows[role.name] for role in bound.loss.roles]
    if bound.loss.elementwise:
        cells = list(zip(*(x if isinstance(x, list) else [x] for x in given), strict=True))
        return math.fsum(bound.loss.function(*cell, *bound.values) for cell in cells) / len(cells)
    width = max(len(x) for x in given if isinstance(x, list))
    options = [
        list(value) if isinstance(value, tuple) else [value] * width if option.param.many else value
        for option, value in zip(bound.loss.options, bound.values, strict=True)
    ]
    return bound.loss.function(*given, *options)


def test_a_distance_of_squares_is_rounded_as_a_square_root() -> None:
    distance = find("triplet_margin").function
    assert distance([0.0, 0.0], [3.0, 4.0], [0.0, 0.0], epsilon=0.0) == 6.0
    assert distance([0.0, 0.0], [3.0, 4.0], [0.0, 0.0], p=1.0, epsilon=0.0) == 8.0


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1.0, 1e4, 1e200])
@pytest.mark.parametrize("p", [1, 2, 3, 60, 1000])
def test_powers_of_distances_neither_overflow_nor_vanish(p: int, scale: float) -> None:
    rng = np.random.default_rng(p)
    arrays = {role: scale * rng.normal(size=(20, 5)) for role in ("anchor", "positive", "negative")}
    assert_as_declared(bind(f"triplet_margin:p={p}", {}), arrays)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e80])
@pytest.mark.parametrize("turned", [0.0, 1e-8, 1e-4])
def test_vectors_that_nearly_agree_keep_digits(turned: float, scale: float) -> None:
    """1 - cos is no difference of numbers near 1: half of its digits are good where it is 1e-16."""
    rng = np.random.default_rng(1)
    x1 = scale * rng.normal(size=(20, 5))
    arrays = {"labels": np.ones((20, 1)), "x1": x1, "x2": 3.0 * x1 * (1.0 + turned * rng.normal(size=x1.shape))}
    bound = bind("cosine_embedding", {})
    for got, true in zip(compiled(bound, arrays), map(float, oracle(bound, arrays)), strict=True):
        assert float(got) == pytest.approx(true, rel=1e-6, abs=1e-30)


def compiled(bound: BoundLoss, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """The kernel's losses."""
    block = Block(0, len(next(iter(arrays.values()))), {role: lay([array]) for role, array in arrays.items()})
    return loss_rows(bound, block, False, Buffers(), "losses").copy()


def assert_as_declared(bound: BoundLoss, arrays: Mapping[str, np.ndarray]) -> None:
    claimed = bound.loss.accuracy
    scale = np.maximum(1.0, np.max([np.abs(array).max(axis=1) for array in arrays.values()], axis=0))
    plain = [
        bound.loss.function(*rows, *bound.values) for rows in zip(*(a.tolist() for a in arrays.values()), strict=True)
    ]
    for got in (compiled(bound, arrays), plain):
        for one, true, largest in zip(got, map(float, oracle(bound, arrays)), scale, strict=True):
            allowed = max(claimed.ulps * float(np.spacing(true)), claimed.absolute * float(largest))
            assert float(one) == pytest.approx(true, rel=0.0, abs=allowed)
