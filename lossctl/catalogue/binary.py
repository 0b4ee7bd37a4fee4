"""Losses of one probability or logit a label."""

from __future__ import annotations

from lossctl.catalogue.arithmetic import clip, exp, log, log1p, weigh
from lossctl.catalogue.domain import SOFT_LABEL
from lossctl.catalogue.options import PROBABILITY_OR_LOGIT, FromLogits, Guard, LabelSmoothing
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
