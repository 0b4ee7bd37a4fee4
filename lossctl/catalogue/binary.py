"""Losses of one probability or logit a label."""

from __future__ import annotations

from typing import Annotated, Literal

from lossctl.catalogue.arithmetic import (
    clip,
    exp,
    log,
    log1p,
    log_either,
    log_held,
    maximum,
    sigmoid,
    to_gamma,
    weigh,
)
from lossctl.catalogue.declare import CANCELS, PRODUCT, Param, Shortcut
from lossctl.catalogue.domain import BINARY_LABEL, PROBABILITY, SOFT_LABEL, Interval, When
from lossctl.catalogue.options import (
    PROBABILITY_OR_LOGIT,
    BelowOne,
    BrierFactor,
    BySign,
    FromLogits,
    Gamma,
    Guard,
    LabelSmoothing,
    PosWeight,
)
from lossctl.catalogue.registry import loss

Guarding = Annotated[
    Literal["clip", "add", "clip_add", "floor", "log"],
    Param(
        "how epsilon bounds the logarithms: p is held away from 0 and 1, or epsilon is added inside both, or "
        "both, or each argument is held above epsilon, or each logarithm above -100",
        internal=True,
    ),
]


def smooth(y: float, amount: float) -> float:
    """A label that has given a share of its mass to both classes alike."""
    return y * (1.0 - amount) + 0.5 * amount


def log_sum(x: float, rest: float, epsilon: float) -> float:
    """log(x + epsilon), where `rest` is 1 - x: accurate near 1 too."""
    return log(x + epsilon) if x < 0.5 else log1p(epsilon - rest)


def guarded_log(x: float, rest: float, epsilon: float, guard: str) -> float:
    """log x, where `rest` is 1 - x, under a guard that does not clip."""
    if guard == "log":
        return maximum(log(x) if x < 0.5 else log1p(-rest), -100.0)
    if guard == "floor":
        return log(maximum(x, epsilon)) if x < 0.5 else log1p(-rest)
    return log_sum(x, rest, epsilon)


def is_guarded(epsilon: float, below_one: float) -> bool:
    """Whether a pred held in [epsilon, 1 - below_one] is a normal number that is neither 0 nor 1."""
    return (epsilon > 1e-300) & (1.0 - below_one < 1.0)


def is_hard(
    y: float,
    p: float,
    from_logits: bool,
    label_smoothing: float,
    pos_weight: float,
    epsilon: float,
    guard: str,
    below_one: float,
    by_sign: bool,
) -> bool:
    """Whether a label has all its mass in one class, which makes one logarithm of the two, of a guarded pred."""
    if from_logits or by_sign or guard != "clip":
        return False
    guarded = is_guarded(epsilon, below_one if below_one > 0.0 else epsilon)
    return ((y == 0.0) | (y == 1.0)) & (p == p) & (label_smoothing == 0.0) & (pos_weight == 1.0) & guarded


def hard_crossentropy(y: float, p: float, epsilon: float, below_one: float) -> float:
    """binary_crossentropy of such a label."""
    return -log_either(y == 1.0, clip(p, epsilon, 1.0 - (below_one if below_one > 0.0 else epsilon)))


@loss(
    labels=When("by_sign", BINARY_LABEL, SOFT_LABEL),
    preds=PROBABILITY_OR_LOGIT,
    formula="-(y log p + (1 - y) log(1 - p))",
    source="Keras 3.15 keras.losses.binary_crossentropy",
    aliases=("bce", "binary_cross_entropy"),
    shortcuts=(Shortcut(is_hard, hard_crossentropy),),
)
def binary_crossentropy(
    y: float,
    p: float,
    from_logits: FromLogits = False,
    label_smoothing: LabelSmoothing = 0.0,
    pos_weight: PosWeight = 1.0,
    epsilon: Guard = 1e-7,
    guard: Guarding = "clip",
    below_one: BelowOne = 0.0,
    by_sign: BySign = False,
) -> float:
    """Negative log-likelihood of a 0/1 label under a predicted probability.

    -(pos_weight y' log p + (1 - y') log(1 - p)), with p held in [epsilon, 1 - epsilon] and
    y' = y (1 - label_smoothing) + label_smoothing / 2. From logits z it is
    max(z, 0) - z y' + log(1 + exp(-|z|)) for a pos_weight of 1, without a guard.

    >>> round(binary_crossentropy(1.0, 0.9), 7)
    0.1053605
    >>> round(binary_crossentropy(1.0, 0.5, from_logits=True, pos_weight=3.0), 6)
    1.422231
    """
    label = (1.0 if y > 0.0 else 0.0) if by_sign else y
    # both labels are smoothed on their own: 1 - soft would lose digits where soft is near 1
    soft = smooth(label, label_smoothing) * pos_weight
    other = smooth(1.0 - label, label_smoothing)
    if from_logits:
        spread = log1p(exp(-abs(p)))
        return weigh(soft, spread + (0.0 if p > 0.0 else -p)) + weigh(other, spread + (p if p > 0.0 else 0.0))
    clipped = guard == "clip" or guard == "clip_add"
    q = clip(p, epsilon, 1.0 - (below_one if below_one > 0.0 else epsilon)) if clipped else p
    if guard == "clip":
        return -weigh(soft, log(q)) - weigh(other, log1p(-q))
    return -weigh(soft, guarded_log(q, 1.0 - q, epsilon, guard)) - weigh(other, guarded_log(1.0 - q, q, epsilon, guard))


@loss(
    labels=BINARY_LABEL,
    preds=PROBABILITY,
    formula="(p - y)^2",
    source="Brier 1950; scikit-learn 1.9 brier_score_loss",
)
def binary_brier_score(
    y: float,
    p: float,
    factor: BrierFactor = 1.0,
) -> float:
    """Squared distance of a probability from its 0/1 label.

    (p - y)^2; a label of -1 counts as 0.

    >>> round(binary_brier_score(1.0, 0.9), 3)
    0.01
    >>> binary_brier_score(-1.0, 0.5)
    0.25
    """
    e = p - (1.0 if y > 0.0 else 0.0)
    return factor * (e * e)


def is_hard_probability(y: float, from_logits: bool, label_smoothing: float, epsilon: float) -> bool:
    """Whether a label has all its mass in one class, and the pred is a probability, guarded on both sides."""
    return (not from_logits) & ((y == 0.0) | (y == 1.0)) & (label_smoothing == 0.0) & is_guarded(epsilon, epsilon)


def hard_focal(y: float, p: float, apply_class_balancing: bool, alpha: float, gamma: float, epsilon: float) -> float:
    """binary_focal_crossentropy of such a label."""
    hit = y == 1.0
    share, rest = (p if hit else 1.0 - p), (1.0 - p if hit else p)
    left = 1.0 - (1.0 - epsilon)
    # log_held, with one logarithm a row: those of the bounds are the same for all rows
    inside = log_either(share < 0.5, share if share < 0.5 else rest)
    above = (log(epsilon) if hit else log(left)) if share < (epsilon if hit else left) else inside
    entropy = -((log1p(-left) if hit else log1p(-epsilon)) if rest < (left if hit else epsilon) else above)
    weight = (alpha if hit else 1.0 - alpha) if apply_class_balancing else 1.0
    return weight * to_gamma(rest, gamma) * entropy


def is_hard_and_squared(y: float, from_logits: bool, label_smoothing: float, epsilon: float, gamma: float) -> bool:
    """The same, for the gamma that needs no power."""
    return is_hard_probability(y, from_logits, label_smoothing, epsilon) & (gamma == 2.0)


def hard_focal_squared(y: float, p: float, apply_class_balancing: bool, alpha: float, epsilon: float) -> float:
    """hard_focal for a gamma of 2."""
    return hard_focal(y, p, apply_class_balancing, alpha, 2.0, epsilon)


@loss(
    labels=SOFT_LABEL,
    preds=PROBABILITY_OR_LOGIT,
    formula="(1 - p_t)^gamma (-log p_t), p_t = p if y = 1 else 1 - p",
    source="Lin et al. 2017; Keras 3.15 keras.losses.binary_focal_crossentropy",
    aliases=("binary_focal",),
    accuracy=PRODUCT,
    shortcuts=(Shortcut(is_hard_and_squared, hard_focal_squared), Shortcut(is_hard_probability, hard_focal)),
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
    soft = smooth(y, label_smoothing)
    other = smooth(1.0 - y, label_smoothing)
    q = sigmoid(p) if from_logits else p
    rest = sigmoid(-p) if from_logits else 1.0 - p
    # what is left of 1 above the float64 nearest to 1 - epsilon
    left = 1.0 - (1.0 - epsilon)
    entropy = -weigh(soft, log_held(q, rest, epsilon, left)) - weigh(other, log_held(rest, q, left, epsilon))
    weight = soft * alpha + other * (1.0 - alpha) if apply_class_balancing else 1.0
    return weight * to_gamma(soft * rest + other * q, gamma) * entropy


@loss(
    labels=SOFT_LABEL,
    preds=PROBABILITY,
    formula="y log(y / p) + (1 - y) log((1 - y) / (1 - p))",
    source="Kullback & Leibler 1951; LightGBM 4.7 kullback_leibler",
    accuracy=CANCELS,
    kin="kl_divergence",
)
def binary_kl_divergence(y: float, p: float, epsilon: Guard = 1e-12) -> float:
    """Kullback-Leibler divergence of a predicted probability from a soft label.

    y log(y / p) + (1 - y) log((1 - y) / (1 - p)), with p and 1 - p held at or above epsilon.

    >>> binary_kl_divergence(0.25, 0.25)
    0.0
    >>> round(binary_kl_divergence(1.0, 0.5), 7)
    0.6931472
    """
    one = weigh(y, log(y)) - weigh(y, guarded_log(p, 1.0 - p, epsilon, "floor"))
    return one + (weigh(1.0 - y, log1p(-y)) - weigh(1.0 - y, guarded_log(1.0 - p, p, epsilon, "floor")))
