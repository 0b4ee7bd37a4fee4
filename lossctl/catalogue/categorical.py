"""Losses of K probabilities or logits a row."""

from __future__ import annotations

from typing import Annotated

from lossctl.catalogue.arithmetic import (
    Index,
    Vector,
    at,
    exp_difference,
    expm1,
    gap,
    largest,
    log,
    log1p,
    log_quotient,
    power,
    total,
    weigh,
)
from lossctl.catalogue.declare import PRODUCT, Param
from lossctl.catalogue.domain import CLASS_INDEX, PROBABILITIES, SOFT_LABELS, Interval
from lossctl.catalogue.options import (
    PROBABILITIES_OR_LOGITS,
    FromLogits,
    Gamma,
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


def focus(part: float, mass: float, lost: float, epsilon: float, gamma: float) -> float:
    """(1 - part / mass)^gamma, with the share held in [epsilon, 1 - epsilon]."""
    away = ((mass - part) + lost) / mass
    held = epsilon if away < epsilon else away
    return power(1.0 - epsilon if held > 1.0 - epsilon else held, gamma)


def held_logit(share: float, log_of_share: float, epsilon: float) -> float:
    """The logarithm of a share from logits, with the share held in [epsilon, 1 - epsilon]."""
    low = log(epsilon) if share < epsilon else log_of_share
    return log1p(-epsilon) if share > 1.0 - epsilon else low


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


@loss(
    labels=SOFT_LABELS,
    preds=PROBABILITIES_OR_LOGITS,
    formula="-alpha sum_k (1 - p_k)^gamma y_k log p_k",
    source="Lin et al. 2017; Keras 3.15 keras.losses.categorical_focal_crossentropy",
    aliases=("categorical_focal",),
    accuracy=PRODUCT,
)
def categorical_focal_crossentropy(
    y: Vector,
    p: Vector,
    alpha: Annotated[float, Param("a factor of every row", Interval(low=0.0))] = 0.25,
    gamma: Gamma = 2.0,
    from_logits: FromLogits = False,
    label_smoothing: LabelSmoothing = 0.0,
    epsilon: Guard = 1e-7,
) -> float:
    """Categorical cross-entropy in which rows that are already right count less.

    -alpha sum_k (1 - q_k)^gamma y'_k log q_k, with q = p / sum(p), or the softmax of logits, held in
    [epsilon, 1 - epsilon] and y' = y (1 - label_smoothing) + label_smoothing / K.

    >>> round(categorical_focal_crossentropy([0.0, 1.0, 0.0], [0.05, 0.95, 0.0]) * 1e5, 5)
    3.20583
    >>> round(categorical_focal_crossentropy([0.0, 1.0], [0.5, 0.5], alpha=1.0, gamma=0.0), 7)
    0.6931472
    """
    spread = label_smoothing / len(p)
    if from_logits:
        top = largest(p)
        mass = total(exp_difference(z, top) for z in p)
        lost = total((exp_difference(z, top) for z in p), -mass)
        above = log_mass_above(p, top)
        return -alpha * total(
            weigh(
                t * (1.0 - label_smoothing) + spread,
                focus(exp_difference(z, top), mass, lost, epsilon, gamma)
                * held_logit(exp_difference(z, top) / mass, -(above + gap(top, z)), epsilon),
            )
            for t, z in zip(y, p)
        )
    mass = total(p)
    lost = total(p, -mass)
    return -alpha * total(
        weigh(
            t * (1.0 - label_smoothing) + spread,
            focus(q, mass, lost, epsilon, gamma) * log_share(q, mass, lost, epsilon),
        )
        for t, q in zip(y, p)
    )


@loss(
    labels=CLASS_INDEX,
    preds=PROBABILITIES,
    formula="(1 - p_y^q) / q",
    source="Zhang & Sabuncu 2018; Keras 3.15 keras.losses.categorical_generalized_cross_entropy",
    aliases=("gce",),
)
def categorical_generalized_cross_entropy(
    y: Index,
    p: Vector,
    q: Annotated[
        float, Param("between cross-entropy (0) and absolute error (1)", Interval(0.0, 1.0, True, True))
    ] = 0.5,
) -> float:
    """Cross-entropy that forgives labels which may be wrong.

    (1 - p_y^q) / q, without normalisation and without a guard.

    >>> round(categorical_generalized_cross_entropy(0, [0.8, 0.2]), 7)
    0.2111456
    >>> categorical_generalized_cross_entropy(0, [0.0, 1.0])
    2.0
    """
    return -expm1(q * log(at(p, y))) / q
