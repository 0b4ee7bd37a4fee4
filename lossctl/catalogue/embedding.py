"""Losses of similarity between vectors."""

from __future__ import annotations

from math import inf, sqrt
from typing import Annotated, Literal

from lossctl.catalogue.arithmetic import Vector, largest, maximum, minimum, power, quotient, square, total
from lossctl.catalogue.declare import CANCELS, Param
from lossctl.catalogue.domain import REAL, SIGN, Interval
from lossctl.catalogue.options import Epsilon
from lossctl.catalogue.registry import loss

Floor = Annotated[Literal["norm", "square"], Param("what epsilon holds up: the norm, or its square", internal=True)]


def norm(x: Vector, epsilon: float, floor: str) -> float:
    """Euclidean norm, it or its square held at or above epsilon."""
    square = total(a * a for a in x)
    if floor == "square":
        return sqrt(maximum(square, epsilon))
    return maximum(sqrt(square), epsilon)


@loss(
    labels=REAL,
    preds=REAL,
    formula="-sum_k y_k p_k / (|y| |p|)",
    source="Keras 3.15 keras.losses.cosine_similarity",
    accuracy=CANCELS,
    kin="cosine",
)
def cosine_similarity(y: Vector, p: Vector, epsilon: Epsilon = 1e-7, floor: Floor = "norm") -> float:
    """Negative cosine of the angle between the two rows: -1 is best.

    -sum_k y_k p_k / (max(|y|, epsilon) max(|p|, epsilon)).

    >>> cosine_similarity([3.0, 4.0], [3.0, 4.0])
    -1.0
    >>> cosine_similarity([0.0, 0.0], [3.0, 4.0]) == 0.0
    True
    """
    product = total(t * q for t, q in zip(y, p))
    return -product / (norm(y, epsilon, floor) * norm(p, epsilon, floor))


@loss(
    labels=REAL,
    preds=REAL,
    formula="1 - sum_k y_k p_k",
    source="TensorFlow 1 tf.losses.cosine_distance",
    accuracy=CANCELS,
    kin="cosine",
    notes=("the rows are taken for unit vectors: nothing is normalised",),
)
def cosine_distance(y: Vector, p: Vector) -> float:
    """One less the inner product of two unit vectors.

    1 - sum_k y_k p_k.

    >>> cosine_distance([0.0, 1.0], [0.0, 1.0])
    0.0
    >>> cosine_distance([1.0, 1.0], [1.0, 1.0])
    -1.0
    """
    return 1.0 - total(t * q for t, q in zip(y, p))


@loss(
    labels=REAL,
    preds=REAL,
    formula="1 - sum_k y_k p_k / (|y| |p|)",
    source="optax 0.2.8 optax.losses.cosine_distance",
    accuracy=CANCELS,
    kin="cosine",
)
def cosine_gap(
    y: Vector,
    p: Vector,
    epsilon: Annotated[float, Param("squared norms are held at or above it", Interval(0.0, 1.0))] = 0.0,
) -> float:
    """One less the cosine of the angle between the two rows: 0 is best.

    1 - sum_k y_k p_k / (|y| |p|), with squared norms held at or above epsilon; NaN for a row of zeros at epsilon 0.

    >>> cosine_gap([3.0, 4.0], [6.0, 8.0])
    0.0
    >>> cosine_gap([1.0, 0.0], [0.0, 2.0])
    1.0
    """
    product = total(t * q for t, q in zip(y, p))
    return 1.0 - quotient(product, norm(y, epsilon, "square") * norm(p, epsilon, "square"))


@loss(
    labels=SIGN,
    x1=REAL,
    x2=REAL,
    formula="1 - cos(x1, x2) if y = 1, max(0, cos(x1, x2) - margin) if y = -1",
    source="PyTorch 2.13 torch.nn.CosineEmbeddingLoss",
    accuracy=CANCELS,
    kin="cosine",
)
def cosine_embedding(
    y: float,
    x1: Vector,
    x2: Vector,
    margin: Annotated[float, Param("the cosine that costs nothing for a pair that does not belong together")] = 0.0,
    epsilon: Annotated[float, Param("what is added to each squared norm", Interval(0.0, 1.0), internal=True)] = 1e-12,
) -> float:
    """How far two vectors are from the same direction, or from different ones where the label is -1.

    1 - cos if y = 1, max(0, cos - margin) if y = -1, with cos the cosine of the angle between x1 and x2, 1e-12
    added to each squared norm.

    >>> round(cosine_embedding(-1.0, [1.0, 0.0], [3.0, 4.0]), 7)
    0.6
    >>> round(cosine_embedding(1.0, [1.0, 0.0], [0.0, 2.0]), 7)
    1.0
    """
    product = total(a * b for a, b in zip(x1, x2))
    length1 = sqrt(total((a * a for a in x1), epsilon))
    length2 = sqrt(total((b * b for b in x2), epsilon))
    unit1 = 1.0 / length1
    unit2 = 1.0 / length2
    # 1 - cos as half a squared distance keeps digits where the directions nearly agree; epsilon shortens both
    apart = total(square(a * unit1 - b * unit2) for a, b in zip(x1, x2))
    gap = 0.5 * (apart + epsilon * (unit1 * unit1 + unit2 * unit2))
    return embedded(y, product / (length1 * length2), gap, margin)


def embedded(y: float, cosine: float, gap: float, margin: float) -> float:
    """1 - cosine, which is `gap`, for a label of 1; what the cosine has above the margin for -1; else 0."""
    apart = maximum(cosine - margin, 0.0) if y == -1.0 else 0.0 * cosine
    return gap if y == 1.0 else apart


def raised(x: float, exponent: float) -> float:
    """x to an exponent for x >= 0, rounded once where that is 1 or 2."""
    if exponent == 1.0:
        return x
    return square(x) if exponent == 2.0 else power(x, exponent)


def root(x: float, exponent: float) -> float:
    """The number that raised to an exponent gives x, rounded once where that is 1 or 2."""
    if exponent == 1.0:
        return x
    return sqrt(x) if exponent == 2.0 else power(x, 1.0 / exponent)


def unit_of(longest: float, exponent: float) -> float:
    """What to measure differences in, so that their powers neither overflow nor vanish."""
    bare = (exponent == 1.0 or exponent == 2.0) and longest < 1e150
    return longest if 0.0 < longest < inf and not bare else 1.0


def distance(x: Vector, y: Vector, exponent: float, epsilon: float) -> float:
    """p-norm of x - y, with epsilon added to every coordinate."""
    unit = unit_of(largest(abs(a - b + epsilon) for a, b in zip(x, y)), exponent)
    return unit * root(total(raised(abs(a - b + epsilon) / unit, exponent) for a, b in zip(x, y)), exponent)


@loss(
    anchor=REAL,
    positive=REAL,
    negative=REAL,
    formula="max(0, d(anchor, positive) - d(anchor, negative) + margin)",
    source="Balntas et al. 2016; PyTorch 2.13 torch.nn.TripletMarginLoss",
    accuracy=CANCELS,
)
def triplet_margin(
    anchor: Vector,
    positive: Vector,
    negative: Vector,
    margin: Annotated[float, Param("the lead that costs nothing", Interval(low=0.0, low_open=True))] = 1.0,
    p: Annotated[float, Param("the exponent of the norm", Interval(low=1.0))] = 2.0,
    swap: Annotated[bool, Param("take the nearer of anchor and positive to the negative")] = False,
    epsilon: Annotated[float, Param("what is added to every difference", Interval(0.0, 1.0), internal=True)] = 1e-6,
) -> float:
    """Distance by which the positive fails to be nearer to the anchor than the negative, by a margin.

    max(0, d(anchor, positive) - d(anchor, negative) + margin), with d(x, y) the p-norm of x - y + epsilon.

    >>> round(triplet_margin([0.0, 0.0], [3.0, 4.0], [6.0, 8.0], margin=10.0), 5)
    5.0
    >>> triplet_margin([0.0], [1.0], [9.0])
    0.0
    """
    near = distance(anchor, positive, p, epsilon)
    far = distance(anchor, negative, p, epsilon)
    if swap:
        other = distance(positive, negative, p, epsilon)
        return maximum(near - minimum(far, other) + margin, 0.0)
    return maximum(near - far + margin, 0.0)
