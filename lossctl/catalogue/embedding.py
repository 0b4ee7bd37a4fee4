"""Losses of similarity between two vectors."""

from __future__ import annotations

from math import sqrt

from lossctl.catalogue.arithmetic import Vector, maximum, total
from lossctl.catalogue.declare import CANCELS
from lossctl.catalogue.domain import REAL
from lossctl.catalogue.options import Epsilon
from lossctl.catalogue.registry import loss


@loss(
    labels=REAL,
    preds=REAL,
    formula="-sum_k y_k p_k / (|y| |p|)",
    source="Keras 3.15 keras.losses.cosine_similarity",
    accuracy=CANCELS,
)
def cosine_similarity(y: Vector, p: Vector, epsilon: Epsilon = 1e-7) -> float:
    """Negative cosine of the angle between the two rows: -1 is best.

    -sum_k y_k p_k / (max(|y|, epsilon) max(|p|, epsilon)).

    >>> cosine_similarity([3.0, 4.0], [3.0, 4.0])
    -1.0
    >>> cosine_similarity([0.0, 0.0], [3.0, 4.0]) == 0.0
    True
    """
    product = total(t * q for t, q in zip(y, p))
    label_norm = maximum(sqrt(total(t * t for t in y)), epsilon)
    pred_norm = maximum(sqrt(total(q * q for q in p)), epsilon)
    return -product / (label_norm * pred_norm)
