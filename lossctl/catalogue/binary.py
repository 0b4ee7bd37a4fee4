"""Losses of one probability or logit a label."""

from __future__ import annotations

from typing import Annotated

from lossctl.catalogue.arithmetic import clip, exp, log, log1p, log_held, power, sigmoid, weigh
from lossctl.catalogue.declare import PRODUCT, Param
from lossctl.catalogue.domain import SOFT_LABEL, Interval
from lossctl.catalogue.options import PROBABILITY_OR_LOGIT, FromLogits, Gamma, Guard, LabelSmoothing
from lossctl.catalogue.registry import loss


@loss(
    labels=SOFT_LABEL,
    preds=PROBABILITY_OR_LOGIT,
    formula="-(y log p + (1 - y) log(1 - p))",
    source="Keras 3.15 keras.losses.binary_crossentropy",
    aliases=("bce", "binary_cross_entropy"),
)
def binary_crossentropy(
    y: float,
    p: float,
    from_logits: FromLogits = False,
    label_smoothing: LabelSmoothing = 0.0,
    epsilon: Guard = 1e-7,
) -> float:
    """Negative log-likelihood of a 0/1 label under a predicted probability.

    -(y' log p + (1 - y') log(1 - p)), with p held in [epsilon, 1 - epsilon] and
    y' = y (1 - label_smoothing) + label_smoothing / 2. From logits z it is
    max(z, 0) - z y' + log(1 + exp(-|z|)), without a guard.

    >>> round(binary_crossentropy(1.0, 0.9), 7)
    0.1053605
    >>> round(binary_crossentropy(1.0, 1.0, from_logits=True), 7)
    0.3132617
    """
    # both labels are smoothed on their own: 1 - soft would lose digits where soft is near 1
    soft = y * (1.0 - label_smoothing) + 0.5 * label_smoothing
    other = (1.0 - y) * (1.0 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        return log1p(exp(-abs(p))) + (weigh(other, p) if p > 0.0 else -weigh(soft, p))
    q = clip(p, epsilon, 1.0 - epsilon)
    return -weigh(soft, log(q)) - weigh(other, log1p(-q))


@loss(
    labels=SOFT_LABEL,
    preds=PROBABILITY_OR_LOGIT,
    formula="(1 - p_t)^gamma (-log p_t), p_t = p if y = 1 else 1 - p",
    source="Lin et al. 2017; Keras 3.15 keras.losses.binary_focal_crossentropy",
    aliases=("binary_focal",),
    accuracy=PRODUCT,
)
def binary_focal_crossentropy(
    y: float,
    p: float,
    apply_class_balancing: Annotated[bool, Param("weigh label 1 by alpha and label 0 by 1 - alpha")] = False,
    alpha: Annotated[float, Param("weight of label 1, if classes are balanced", Interval(0.0, 1.0))] = 0.25,
    gamma: Gamma = 2.0,
    from_logits: FromLogits = False,
    label_smoothing: LabelSmoothing = 0.0,
    epsilon: Guard = 1e-7,
) -> float:
    """Binary cross-entropy in which rows that are already right count less.

    (y' (1 - p) + (1 - y') p)^gamma times the binary cross-entropy, with p held in [epsilon, 1 - epsilon] in
    the latter alone and y' = y (1 - label_smoothing) + label_smoothing / 2. Logits become probabilities
    first. alpha has no effect without apply_class_balancing.

    >>> round(binary_focal_crossentropy(1.0, 0.5, from_logits=True), 7)
    0.0675735
    >>> round(binary_focal_crossentropy(1.0, 0.6), 7)
    0.0817321
    """
    soft = y * (1.0 - label_smoothing) + 0.5 * label_smoothing
    other = (1.0 - y) * (1.0 - label_smoothing) + 0.5 * label_smoothing
    q = sigmoid(p) if from_logits else p
    rest = sigmoid(-p) if from_logits else 1.0 - p
    entropy = -weigh(soft, log_held(q, rest, epsilon)) - weigh(other, log_held(rest, q, epsilon))
    weight = soft * alpha + other * (1.0 - alpha) if apply_class_balancing else 1.0
    return weight * power(soft * rest + other * q, gamma) * entropy
