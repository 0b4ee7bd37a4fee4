"""Losses that take the outputs of a row together, and those of the preds alone."""

from __future__ import annotations

from lossctl.catalogue.arithmetic import Vector, largest, square, total
from lossctl.catalogue.declare import CANCELS
from lossctl.catalogue.domain import REAL
from lossctl.catalogue.registry import loss


def differs(y: float, p: float) -> float:
    """1 where two values are not the same."""
    return 0.0 if y == p else 1.0


@loss(
    labels=REAL,
    preds=REAL,
    formula="1 if any output differs from its label, else 0",
    source="scikit-learn 1.9 zero_one_loss (multilabel)",
)
def subset_error(y: Vector, p: Vector) -> float:
    """Whether any of a row's labels is missed.

    1 if any output differs from its label, else 0.

    >>> subset_error([0.0, 1.0], [0.0, 1.0])
    0.0
    >>> subset_error([1.0, 1.0], [0.0, 1.0])
    1.0
    """
    return largest(differs(t, q) for t, q in zip(y, p))


@loss(
    labels=REAL,
    preds=REAL,
    formula="mean over pairs of outputs of (d_i - d_j)^2, d = p - y",
    source="TensorFlow 1 tf.losses.mean_pairwise_squared_error (graph mode)",
    accuracy=CANCELS,
)
def mean_pairwise_squared_error(y: Vector, p: Vector) -> float:
    """Mean squared difference between the errors of each two outputs of a row.

    The mean over the n (n - 1) / 2 pairs of (d_i - d_j)^2, with d = p - y; 0 for one output.

    >>> mean_pairwise_squared_error([0.0, 0.5, 1.0], [1.0, 1.0, 1.0])
    0.5
    >>> mean_pairwise_squared_error([1.0, 2.0], [2.0, 3.0])
    0.0
    """
    mean = total(q - t for t, q in zip(y, p)) / len(p)
    return 2.0 * total(square(q - t - mean) for t, q in zip(y, p)) / (len(p) - 1.0 if len(p) > 1 else 1.0)


@loss(preds=REAL, formula="p^2 / 2", source="TensorFlow 2.21 tf.nn.l2_loss")
def half_square(p: float) -> float:
    """Half the square of each pred; there are no labels.

    p^2 / 2.

    >>> half_square(3.0)
    4.5
    >>> half_square(0.0)
    0.0
    """
    return 0.5 * p * p
