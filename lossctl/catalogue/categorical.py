"""Losses of K probabilities or logits a row."""

from __future__ import annotations

from lossctl.catalogue.arithmetic import (
    Index,
    Vector,
    at,
    exp_difference,
    gap,
    largest,
    log,
    log1p,
    log_quotient,
    total,
    weigh,
)
from lossctl.catalogue.domain import CLASS_INDEX, SOFT_LABELS
from lossctl.catalogue.options import (
    PROBABILITIES_OR_LOGITS,
    FromLogits,
    Guard,
    IgnoreClass,
    LabelSmoothing,
)
from lossctl.catalogue.registry import loss


def log_mass_above(z: Vector, top: float) -> float:
    """log sum exp(z - top) for the largest logit `top`; accurate also where one class has nearly all."""
    ties = total(1.0 if q == top else 0.0 for q in z) - 1.0
    rest = total(0.0 if q == top else exp_difference(q, top) for q in z)
    return log1p(rest + ties)


def log_share(p: float, mass: float, lost: float, epsilon: float) -> float:
    """log of p / mass, held in [epsilon, 1 - epsilon]; `lost` is what rounding took from the mass."""
    share = p / mass
    inside = log_quotient(p, mass, lost)
    held = log(epsilon) if share < epsilon else inside
    return log1p(-epsilon) if share > 1.0 - epsilon else held


@loss(
    labels=SOFT_LABELS,
    preds=PROBABILITIES_OR_LOGITS,
    formula="-sum_k y_k log p_k",
    source="Keras 3.15 keras.losses.categorical_crossentropy",
    aliases=("cce", "categorical_cross_entropy"),
)
def categorical_crossentropy(
    y: Vector,
    p: Vector,
    from_logits: FromLogits = False,
    label_smoothing: LabelSmoothing = 0.0,
    epsilon: Guard = 1e-7,
) -> float:
    """Cross-entropy of a one-hot or soft label row with a predicted distribution.

    -sum_k y'_k log q_k, with q = p / sum(p) held in [epsilon, 1 - epsilon] and
    y' = y (1 - label_smoothing) + label_smoothing / K. From logits log q is the log-softmax, without a
    guard. The labels are not normalised.

    >>> round(categorical_crossentropy([0.0, 1.0, 0.0], [0.05, 0.95, 0.0]), 8)
    0.05129329
    >>> round(categorical_crossentropy([1.0, 2.0], [1.0, 2.0], from_logits=True), 6)
    1.939785
    """
    spread = label_smoothing / len(p)
    if from_logits:
        top = largest(p)
        above = log_mass_above(p, top)
        return total(weigh(t * (1.0 - label_smoothing) + spread, above + gap(top, z)) for t, z in zip(y, p))
    mass = total(p)
    lost = total(p, -mass)
    return -total(weigh(t * (1.0 - label_smoothing) + spread, log_share(q, mass, lost, epsilon)) for t, q in zip(y, p))


@loss(
    labels=CLASS_INDEX,
    preds=PROBABILITIES_OR_LOGITS,
    formula="-log p_y",
    source="Keras 3.15 keras.losses.sparse_categorical_crossentropy (JAX, torch and NumPy back ends)",
    aliases=("scce", "sparse_categorical_cross_entropy"),
)
def sparse_categorical_crossentropy(
    y: Index,
    p: Vector,
    from_logits: FromLogits = False,
    ignore_class: IgnoreClass = None,
    epsilon: Guard = 1e-7,
) -> float:
    """Cross-entropy of a class index with a predicted distribution.

    -log q_y, with q = p / sum(p) held in [epsilon, 1 - epsilon]. From logits it is log sum exp(z) - z_y,
    without a guard.

    >>> round(sparse_categorical_crossentropy(1, [0.2, 0.2, 0.6]), 6)
    1.609438
    >>> round(sparse_categorical_crossentropy(2, [1.0, 2.0, 7.0], from_logits=True), 7)
    0.0091745
    """
    if from_logits:
        top = largest(p)
        return log_mass_above(p, top) + gap(top, at(p, y))
    mass = total(p)
    lost = total(p, -mass)
    return -log_share(at(p, y), mass, lost, epsilon)
