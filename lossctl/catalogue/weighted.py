"""Cross-entropies from logits or log-probabilities, with a weight for each class."""

from __future__ import annotations

from lossctl.catalogue.arithmetic import (
    Index,
    Vector,
    at,
    gap,
    highest,
    total,
    weigh,
)
from lossctl.catalogue.categorical import log_mass_above
from lossctl.catalogue.domain import (
    CLASS_INDEX,
    LOG_PROBABILITIES,
    LOGITS,
    SOFT_LABELS,
)
from lossctl.catalogue.options import (
    ClassWeights,
    IgnoreIndex,
    LabelSmoothing,
)
from lossctl.catalogue.registry import loss


def picked_weight(y: Index, p: Vector, class_weights: ClassWeights = (1.0,)) -> float:
    """The weight of the label's class."""
    return at(class_weights, y)


@loss(
    labels=CLASS_INDEX,
    preds=LOGITS,
    formula="-w_y log softmax(z)_y",
    source="PyTorch 2.13 torch.nn.CrossEntropyLoss (class indices)",
    normaliser=picked_weight,
    notes=("its mean divides by the sum of the labels' class weights, as PyTorch does",),
    kin="categorical_crossentropy",
)
def cross_entropy(
    y: Index,
    p: Vector,
    class_weights: ClassWeights = (1.0,),
    ignore_index: IgnoreIndex = -100,
    label_smoothing: LabelSmoothing = 0.0,
) -> float:
    """Cross-entropy of a class index with the softmax of logits, each class weighted.

    -(1 - a) w_y log q_y - a / K sum_k w_k log q_k, with q the softmax of the logits, w the class weights and
    a the label smoothing.

    >>> round(cross_entropy(1, [1.0, 2.0, 3.0], class_weights=[1.0, 2.0, 4.0]), 6)
    2.815212
    >>> round(cross_entropy(0, [3.0, 1.0, 0.0], class_weights=[1.0, 1.0, 1.0], label_smoothing=0.1), 7)
    0.3365127
    """
    spread = label_smoothing / len(p)
    top = highest(p)
    above = log_mass_above(p, top)
    return total(
        weigh(w * ((1.0 - label_smoothing if k == y else 0.0) + spread), above + gap(top, z))
        for k, (z, w) in enumerate(zip(p, class_weights))
    )


@loss(
    labels=SOFT_LABELS,
    preds=LOGITS,
    formula="-sum_k w_k y_k log softmax(z)_k",
    source="PyTorch 2.13 torch.nn.CrossEntropyLoss (class probabilities)",
    kin="categorical_crossentropy",
)
def soft_cross_entropy(
    y: Vector, p: Vector, class_weights: ClassWeights = (1.0,), label_smoothing: LabelSmoothing = 0.0
) -> float:
    """Cross-entropy of a label distribution with the softmax of logits, each class weighted.

    -sum_k w_k y'_k log q_k, with q the softmax of the logits, w the class weights and
    y' = y (1 - label_smoothing) + label_smoothing / K. The labels are not normalised.

    >>> round(soft_cross_entropy([1.0, 1.0, 0.0], [1.0, 2.0, 3.0], class_weights=[1.0, 1.0, 1.0]), 6)
    3.815212
    >>> round(soft_cross_entropy([0.0, 1.0], [0.0, 0.0], class_weights=[1.0, 3.0]), 6)
    2.079442
    """
    spread = label_smoothing / len(p)
    top = highest(p)
    above = log_mass_above(p, top)
    return total(
        weigh(w * (t * (1.0 - label_smoothing) + spread), above + gap(top, z)) for t, z, w in zip(y, p, class_weights)
    )


@loss(
    labels=CLASS_INDEX,
    preds=LOG_PROBABILITIES,
    formula="-w_y p_y, p a log-probability",
    source="PyTorch 2.13 torch.nn.NLLLoss",
    aliases=("negative_log_likelihood",),
    normaliser=picked_weight,
    notes=("its mean divides by the sum of the labels' class weights, as PyTorch does",),
    kin="categorical_crossentropy",
)
def nll(y: Index, p: Vector, class_weights: ClassWeights = (1.0,), ignore_index: IgnoreIndex = -100) -> float:
    """Negative log-likelihood of a class index under predicted log-probabilities.

    -w_y p_y, with w the class weights; nothing is normalised.

    >>> nll(1, [-0.5, -2.0], class_weights=[1.0, 1.0])
    2.0
    >>> nll(0, [-0.5, -2.0], class_weights=[3.0, 1.0])
    1.5
    """
    return weigh(at(class_weights, y), -at(p, y))
