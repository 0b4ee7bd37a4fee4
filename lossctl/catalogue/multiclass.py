"""Margin losses of several classes or labels."""

from __future__ import annotations

from math import inf
from typing import Annotated, Literal

from lossctl.catalogue.arithmetic import (
    Index,
    Vector,
    at,
    expm1,
    gap,
    highest,
    largest,
    maximum,
    rounding,
    softplus,
    total,
    weigh,
)
from lossctl.catalogue.categorical import log_mass_above
from lossctl.catalogue.declare import CANCELS, Param
from lossctl.catalogue.domain import (
    CLASS_INDEX,
    LOGITS,
    NON_NEGATIVE,
    REAL,
    SOFT_LABEL,
    SOFT_LABELS,
    Domain,
    Interval,
)
from lossctl.catalogue.margin import Margin
from lossctl.catalogue.options import ClassWeights
from lossctl.catalogue.registry import loss

CLASS_SLOTS = Domain("class indices, padded by -1", Interval(-1.0, whole=True), "label_out_of_range")


def lead_over_others(y: Index, p: Vector) -> float:
    """The label's score less the best of the others."""
    return at(p, y) - largest(-inf if k == y else q for k, q in enumerate(p))


@loss(
    labels=CLASS_INDEX,
    preds=REAL,
    formula="max(0, 1 - (p_y - max_{k != y} p_k))",
    source="Crammer & Singer 2001; scikit-learn 1.9 hinge_loss; optax 0.2.8 optax.losses.multiclass_hinge_loss",
    accuracy=CANCELS,
    kin="hinge",
)
def multiclass_hinge(y: Index, p: Vector) -> float:
    """Distance by which the label's score misses a lead of 1 over the best other.

    max(0, 1 - (p_y - max_{k != y} p_k)).

    >>> round(multiclass_hinge(1, [0.1, 0.5, 0.2]), 7)
    0.7
    >>> multiclass_hinge(1, [-3.0, -1.0, -2.0])
    0.0
    """
    return maximum(1.0 - lead_over_others(y, p), 0.0)


@loss(
    labels=CLASS_INDEX,
    preds=REAL,
    formula="max_k p_k - p_y",
    source="Crammer & Singer 2001; optax 0.2.8 optax.losses.multiclass_perceptron_loss",
    kin="perceptron",
)
def multiclass_perceptron(y: Index, p: Vector) -> float:
    """How far the label's score lies behind the best.

    max_k p_k - p_y.

    >>> round(multiclass_perceptron(2, [0.1, 0.5, 0.25]), 7)
    0.25
    >>> multiclass_perceptron(1, [0.1, 0.5, 0.25])
    0.0
    """
    return largest(p) - at(p, y)


def shortfall(lead: float, margin: float, power: str) -> float:
    """max(0, margin - lead), or its square."""
    missing = maximum(margin - lead, 0.0)
    return missing * missing if power == "2" else missing


@loss(
    labels=CLASS_INDEX,
    preds=REAL,
    formula="w_y / K sum_{k != y} max(0, margin - p_y + p_k)^power",
    source="Weston & Watkins 1999; PyTorch 2.13 torch.nn.MultiMarginLoss",
    accuracy=CANCELS,
    kin="hinge",
)
def multi_margin(
    y: Index,
    p: Vector,
    power: Annotated[Literal["1", "2"], Param("the exponent of each distance")] = "1",
    margin: Margin = 1.0,
    class_weights: ClassWeights = (1.0,),
) -> float:
    """Mean distance by which the label's score misses its lead over each other class.

    w_y / K sum_{k != y} max(0, margin - (p_y - p_k))^power, with w the class weights.

    >>> round(multi_margin(3, [0.1, 0.2, 0.4, 0.8], class_weights=[1.0] * 4), 7)
    0.325
    >>> round(multi_margin(2, [0.1, 0.2, 0.4, 0.8], power="2", class_weights=[2.0] * 4), 7)
    1.545
    """
    own = at(p, y)
    missed = total(0.0 if k == y else shortfall(own - q, margin, power) for k, q in enumerate(p))
    return weigh(at(class_weights, y), missed) / len(p)


@loss(
    labels=SOFT_LABEL,
    preds=REAL,
    formula="1/K sum_k w_k (log(1 + exp(p_k)) - y_k p_k)",
    source="PyTorch 2.13 torch.nn.MultiLabelSoftMarginLoss",
    kin="binary_crossentropy",
)
def multilabel_soft_margin(y: Vector, p: Vector, class_weights: ClassWeights = (1.0,)) -> float:
    """Mean over the labels of a row of each one's binary cross-entropy from its logit.

    1/K sum_k w_k (log(1 + exp(p_k)) - y_k p_k), with w the class weights.

    >>> round(multilabel_soft_margin([1.0, 0.0], [0.0, 0.0], class_weights=[1.0, 1.0]), 7)
    0.6931472
    >>> round(multilabel_soft_margin([1.0, 0.0], [2.0, 2.0], class_weights=[1.0, 3.0]), 6)
    3.253856
    """
    return total(w * logistic(t, q) for t, q, w in zip(y, p, class_weights)) / len(p)


def logistic(y: float, z: float) -> float:
    """Binary cross-entropy of a soft label from a logit."""
    return weigh(y, softplus(-z)) + weigh(1.0 - y, softplus(z))


@loss(
    labels=CLASS_SLOTS,
    preds=REAL,
    formula="1/K sum_{j in T} sum_{k not in T} max(0, 1 - (p_j - p_k))",
    source="PyTorch 2.13 torch.nn.MultiLabelMarginLoss",
    accuracy=CANCELS,
    kin="hinge",
    notes=("a row's labels are class indices, padded by -1; those behind the first -1 do not count",),
)
def multilabel_margin(y: Vector, p: Vector) -> float:
    """Mean distance by which the scores of a row's classes miss a lead of 1 over those of all others.

    1/K sum_{j in T} sum_{k not in T} max(0, 1 - (p_j - p_k)), with T the classes before the first -1.

    >>> round(multilabel_margin([3.0, 0.0, -1.0, 1.0], [0.1, 0.2, 0.4, 0.8]), 7)
    0.85
    >>> multilabel_margin([-1.0, 0.0], [0.5, 0.2])
    0.0
    """
    high, low, count = 0.0, 0.0, 0
    for j in range(len(y)):
        count = count + 1 if count == j and y[j] >= 0.0 else count
    for j in range(count):
        for k in range(len(p)):
            term = 0.0 if listed(y, count, k) else maximum(1.0 - (at(p, int(y[j])) - p[k]), 0.0)
            low += rounding(high, term)
            high += term
    return (high + low) / len(p)


def listed(y: Vector, count: int, index: int) -> bool:
    """Whether a class is among the first `count` of a list."""
    found = False
    for j in range(count):
        found = found or y[j] == index
    return found


@loss(
    labels=SOFT_LABELS,
    preds=LOGITS,
    formula="-sum_k y_k log q_k + epsilon sum_k y_k (1 - q_k), q = softmax(p)",
    source="Leng et al. 2022; optax 0.2.8 optax.losses.poly_loss_cross_entropy",
    kin="categorical_crossentropy",
)
def polyloss(
    y: Vector, p: Vector, epsilon: Annotated[float, Param("weight of the first polynomial term", Interval())] = 2.0
) -> float:
    """Softmax cross-entropy with more weight on the first term of its series.

    -sum_k y_k log q_k + epsilon sum_k y_k (1 - q_k), with q the softmax of the logits.

    >>> round(polyloss([0.0, 1.0, 0.0], [1.0, 2.0, 3.0]), 7)
    2.918149
    >>> round(polyloss([0.0, 1.0], [0.0, 0.0], epsilon=0.0), 7)
    0.6931472
    """
    top = highest(p)
    above = log_mass_above(p, top)
    return total(weigh(t, polynomial(above + gap(top, z), epsilon)) for t, z in zip(y, p))


def polynomial(entropy: float, epsilon: float) -> float:
    """-log q + epsilon (1 - q), from -log q."""
    return entropy - epsilon * expm1(-entropy)


@loss(
    labels=NON_NEGATIVE,
    preds=REAL,
    formula="-sum_k y_k log softmax(p)_k",
    source="Cao et al. 2007; optax 0.2.8 optax.losses.ranking_softmax_loss",
    kin="categorical_crossentropy",
)
def ranking_softmax(y: Vector, p: Vector) -> float:
    """Cross-entropy of the relevances of a list with the softmax of its scores; nothing is normalised.

    -sum_k y_k log softmax(p)_k.

    >>> round(ranking_softmax([2.0, 0.0], [0.0, 0.0]), 7)
    1.3862944
    >>> ranking_softmax([0.0, 0.0], [1.0, 2.0])
    0.0
    """
    top = highest(p)
    above = log_mass_above(p, top)
    return total(weigh(t, above + gap(top, z)) for t, z in zip(y, p))


def threshold(p: Vector, top: float) -> float:
    """How far below the highest score those end whose positive parts above it sum to one (Michelot 1986)."""
    tau = -1.0
    for _ in range(len(p)):
        kept, high, low = 0, 0.0, 0.0
        for k in range(len(p)):
            below = p[k] - top
            inside = below > tau
            kept = kept + 1 if inside else kept
            term = below if inside else 0.0
            low += rounding(high, term)
            high += term
        tau = (high + low - 1.0) / kept
    return tau


@loss(
    labels=CLASS_INDEX,
    preds=REAL,
    formula="(1 - |s|^2) / 2 + sum_k s_k (p_k - p_y), s = projection of p onto the simplex",
    source="Martins & Astudillo 2016; optax 0.2.8 optax.losses.multiclass_sparsemax_loss",
    accuracy=CANCELS,
    kin="sparsemax",
)
def multiclass_sparsemax(y: Index, p: Vector) -> float:
    """Sparsemax loss: like softmax cross-entropy, but 0 where the label leads by 1.

    (1 - |s|^2) / 2 + sum_k s_k (p_k - p_y), with s the scores projected onto the simplex.

    >>> round(multiclass_sparsemax(1, [0.1, 0.5, 0.2]), 7)
    0.1433333
    >>> multiclass_sparsemax(0, [2.0, 0.5, 0.2])
    0.0
    """
    top, high, low = -inf, 0.0, 0.0
    for k in range(len(p)):
        top = maximum(top, p[k])
    # scores are taken from the highest on: large ones keep their digits
    tau = threshold(p, top)
    for k in range(len(p)):
        s = maximum((p[k] - top) - tau, 0.0)
        term = s * (p[k] - at(p, y) - 0.5 * s)
        low += rounding(high, term)
        high += term
    return 0.5 + (high + low)
