"""Margin losses."""

from __future__ import annotations

from typing import Annotated, Literal

from lossctl.catalogue.arithmetic import Vector, largest, maximum, softplus, total
from lossctl.catalogue.declare import CANCELS, Param
from lossctl.catalogue.domain import (
    BINARY_LABEL,
    ONE_HOT,
    REAL,
    SIGN,
    SIGNS,
    Domain,
    Interval,
)
from lossctl.catalogue.registry import loss

Encoding = Annotated[
    Literal["auto", "01", "pm1", "sorted"],
    Param(
        "labels are 0/1, or -1/+1; auto takes 0/1 if every label of the files is 0 or 1; "
        "sorted takes the smallest label for -1 and all others for +1"
    ),
]
DISTANCE = Domain("a distance")
Margin = Annotated[float, Param("the lead that costs nothing", Interval())]
Lowest = Annotated[float, Param("the smallest label", internal=True, ahead="least label")]


def margin(y: float, p: float, encoding: str, lowest: float) -> float:
    """y p, with the label read as -1 or +1."""
    if encoding == "sorted":
        return p if y > lowest else -p
    return (2.0 * y - 1.0) * p if encoding == "01" else y * p


@loss(
    labels=SIGNS,
    preds=REAL,
    formula="max(0, 1 - y p), y in {-1, +1}",
    source="Keras 3.15 keras.losses.hinge",
    aliases=("hinge_loss",),
    accuracy=CANCELS,
)
def hinge(y: float, p: float, label_encoding: Encoding = "auto", lowest: Lowest = 0.0) -> float:
    """Distance by which a score misses the margin 1 on its label's side.

    max(0, 1 - y p), with labels 0/1 read as -1/+1, averaged over the columns of a row.

    >>> hinge(1.0, 0.25)
    0.75
    >>> hinge(0.0, 0.5, label_encoding="01")
    1.5
    """
    return maximum(1.0 - margin(y, p, label_encoding, lowest), 0.0)


@loss(
    labels=SIGNS,
    preds=REAL,
    formula="max(0, 1 - y p)^2, y in {-1, +1}",
    source="Keras 3.15 keras.losses.squared_hinge",
    accuracy=CANCELS,
)
def squared_hinge(y: float, p: float, label_encoding: Encoding = "auto", lowest: Lowest = 0.0) -> float:
    """Square of the hinge loss.

    max(0, 1 - y p)^2, with labels 0/1 read as -1/+1, averaged over the columns of a row.

    >>> squared_hinge(1.0, 0.25)
    0.5625
    >>> squared_hinge(0.0, 0.5, label_encoding="01")
    2.25
    """
    short = maximum(1.0 - margin(y, p, label_encoding, lowest), 0.0)
    return short * short


@loss(
    labels=ONE_HOT,
    preds=REAL,
    formula="max(0, 1 + max_k (1 - y_k) p_k - sum_k y_k p_k)",
    source="Keras 3.15 keras.losses.categorical_hinge",
    accuracy=CANCELS,
    kin="hinge",
)
def categorical_hinge(y: Vector, p: Vector) -> float:
    """Distance by which the true class's score misses a lead of 1 over the best other.

    max(0, 1 + max_k (1 - y_k) p_k - sum_k y_k p_k). The true class enters the maximum as 0, as in Keras.

    >>> categorical_hinge([0.0, 1.0, 0.0], [-3.0, -1.0, -2.0])
    2.0
    >>> categorical_hinge([0.0, 1.0], [0.5, 2.0])
    0.0
    """
    own = total(t * q for t, q in zip(y, p))
    best = largest((1.0 - t) * q for t, q in zip(y, p))
    return maximum(best - own + 1.0, 0.0)


@loss(
    labels=SIGN,
    preds=REAL,
    formula="log(1 + exp(-y p)), y in {-1, +1}",
    source="PyTorch 2.13 torch.nn.SoftMarginLoss",
    kin="binary_crossentropy",
)
def soft_margin(y: float, p: float) -> float:
    """Logistic loss of a score, with labels -1/+1.

    log(1 + exp(-y p)), without overflow.

    >>> round(soft_margin(1.0, 0.0), 7)
    0.6931472
    >>> soft_margin(-1.0, 100.0)
    100.0
    """
    return softplus(-y * p)


@loss(
    labels=SIGN,
    preds=DISTANCE,
    formula="p if y = 1, max(0, margin - p) if y = -1",
    source="PyTorch 2.13 torch.nn.HingeEmbeddingLoss",
    accuracy=CANCELS,
    kin="hinge",
    notes=("the preds are distances; a label that is neither -1 nor +1 adds both branches, as in PyTorch",),
)
def hinge_embedding(y: float, p: float, margin: Margin = 1.0) -> float:
    """A distance itself for pairs that belong together, what it lacks of the margin for those that do not.

    p if y = 1, max(0, margin - p) if y = -1.

    >>> hinge_embedding(1.0, 0.25)
    0.25
    >>> hinge_embedding(-1.0, 0.25)
    0.75
    """
    apart = 0.0 if y == 1.0 else maximum(margin - p, 0.0)
    together = 0.0 if y == -1.0 else p
    return apart + together


@loss(
    labels=SIGN,
    x1=REAL,
    x2=REAL,
    formula="max(0, -y (x1 - x2) + margin)",
    source="PyTorch 2.13 torch.nn.MarginRankingLoss",
    accuracy=CANCELS,
)
def margin_ranking(y: float, x1: float, x2: float, margin: Margin = 0.0) -> float:
    """Distance by which two scores miss their order: x1 should be the larger if y is 1, the smaller if y is -1.

    max(0, -y (x1 - x2) + margin).

    >>> round(margin_ranking(1.0, 0.3, 0.5, margin=0.1), 7)
    0.3
    >>> margin_ranking(-1.0, 0.25, 0.5)
    0.0
    """
    return maximum(margin - y * (x1 - x2), 0.0)


@loss(
    labels=SIGN,
    preds=REAL,
    formula="max(0, -y p), y in {-1, +1}",
    source="Rosenblatt 1958; optax 0.2.8 optax.losses.perceptron_loss",
)
def perceptron(y: float, p: float) -> float:
    """How far a score lies on the wrong side.

    max(0, -y p), with labels -1/+1.

    >>> perceptron(1.0, -0.5)
    0.5
    >>> perceptron(-1.0, -0.5)
    0.0
    """
    return maximum(-y * p, 0.0)


@loss(
    labels=BINARY_LABEL,
    preds=REAL,
    formula="0 while y p >= 1, -y p while y p <= -1, (1 - y p)^2 / 4 between",
    source="Blondel et al. 2020; optax 0.2.8 optax.losses.sparsemax_loss",
)
def sparsemax(y: float, p: float) -> float:
    """Hinge loss with a parabola in place of its corner.

    0 while y p >= 1, -y p while y p <= -1, and (1 - y p)^2 / 4 between; a label of 0 counts as -1.

    >>> sparsemax(1.0, 0.5)
    0.0625
    >>> sparsemax(0.0, 0.5)
    0.5625
    """
    z = p if y > 0.0 else -p
    short = 0.25 * (1.0 - z) * (1.0 - z)
    return -z if z <= -1.0 else (0.0 if z >= 1.0 else short)
