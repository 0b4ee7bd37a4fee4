"""Margin losses."""

from __future__ import annotations

from typing import Annotated, Literal

from lossctl.catalogue.arithmetic import Vector, largest, maximum, total
from lossctl.catalogue.declare import CANCELS, Param
from lossctl.catalogue.domain import ONE_HOT, REAL, SIGNS
from lossctl.catalogue.registry import loss

Encoding = Annotated[
    Literal["auto", "01", "pm1", "sorted"],
    Param(
        "labels are 0/1, or -1/+1; auto takes 0/1 if every label of the files is 0 or 1; "
        "sorted takes the smallest label for -1 and all others for +1"
    ),
]
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
