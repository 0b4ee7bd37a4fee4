"""Losses of K probabilities or logits a row."""

from __future__ import annotations

from math import inf
from typing import Annotated, Literal

from lossctl.catalogue.arithmetic import (
    Index,
    Vector,
    at,
    clip,
    count,
    exp_difference,
    expm1,
    gap,
    highest,
    log,
    log1p,
    log_quotient,
    maximum,
    softplus,
    square,
    to_gamma,
    total,
    total_error,
    weigh,
)
from lossctl.catalogue.declare import PRODUCT, Param, Shortcut
from lossctl.catalogue.domain import (
    CLASS_INDEX,
    LOGITS,
    ONE_HOT,
    PROBABILITIES,
    REAL,
    SOFT_LABELS,
    Interval,
)
from lossctl.catalogue.options import (
    PROBABILITIES_OR_LOGITS,
    BelowOne,
    BrierFactor,
    FromLogits,
    Gamma,
    Guard,
    IgnoreClass,
    LabelSmoothing,
)
from lossctl.catalogue.registry import loss


def log_mass_above(z: Vector, top: float) -> float:
    """log sum exp(z - top) for the largest logit `top`; accurate also where one class has nearly all."""
    return log1p(total((exp_difference(q, top) for q in z), -1.0))


def held_log(share: float, inside: float, epsilon: float, below_one: float) -> float:
    """The logarithm `inside` of a share that is held in [epsilon, 1 - below_one]; 0 there means epsilon too."""
    margin = below_one if below_one > 0.0 else epsilon
    low = log(epsilon) if share < epsilon else inside
    return log1p(-margin) if share > 1.0 - margin else low


def log_share(p: float, mass: float, lost: float, epsilon: float, below_one: float) -> float:
    """log of p / mass, held in [epsilon, 1 - below_one]; `lost` is what rounding took from the mass."""
    return held_log(p / mass, log_quotient(p, mass, lost), epsilon, below_one)


def held(p: float, epsilon: float, below_one: float) -> float:
    """A probability held in [epsilon, 1 - below_one]; 0 there means epsilon too."""
    return clip(p, epsilon, 1.0 - (below_one if below_one > 0.0 else epsilon))


def focus(part: float, mass: float, lost: float, epsilon: float, gamma: float) -> float:
    """(1 - part / mass)^gamma, with the share held in [epsilon, 1 - epsilon]."""
    away = ((mass - part) + lost) / mass
    held = epsilon if away < epsilon else away
    return to_gamma(1.0 - epsilon if held > 1.0 - epsilon else held, gamma)


def is_one_hot(y: Vector, p: Vector, from_logits: bool, label_smoothing: float, epsilon: float) -> bool:
    """Whether a row's labels name one class, and no other class can spoil the sum: a log there is a number."""
    mass = 1.0
    if not from_logits:
        mass = total(p)
    most = highest(y)
    named = count(t != 0.0 for t in y)
    return (most == 1.0) & (named == 1.0) & (label_smoothing == 0.0) & (epsilon > 0.0) & (mass > 0.0) & (mass < inf)


def one_hot_crossentropy(
    y: Vector, p: Vector, from_logits: bool, epsilon: float, below_one: float, shares: str
) -> float:
    """categorical_crossentropy of such a row, with one logarithm."""
    own = highest(q if t == 1.0 else -inf for t, q in zip(y, p))
    if from_logits:
        top = highest(p)
        return log_mass_above(p, top) + gap(top, own)
    if shares == "as_given":
        return -log(held(own, epsilon, below_one))
    return -log_share(own, total(p), total_error(p), epsilon, below_one)


PlainShares = Annotated[
    Literal["normalised", "as_given"],
    Param(
        "how preds become probabilities, before they are held away from 0 and 1: divided by their sum, or not",
        internal=True,
    ),
]
Shares = Annotated[
    Literal["normalised", "held_first", "as_given", "floored"],
    Param(
        "how preds become probabilities: divided by their sum, then held away from 0 and 1; held, then divided; "
        "held, not divided; or held above epsilon alone",
        internal=True,
    ),
]


@loss(
    labels=SOFT_LABELS,
    preds=PROBABILITIES_OR_LOGITS,
    formula="-sum_k y_k log p_k",
    source="Keras 3.15 keras.losses.categorical_crossentropy",
    aliases=("cce", "categorical_cross_entropy"),
    shortcuts=(Shortcut(is_one_hot, one_hot_crossentropy),),
)
def categorical_crossentropy(
    y: Vector,
    p: Vector,
    from_logits: FromLogits = False,
    label_smoothing: LabelSmoothing = 0.0,
    epsilon: Guard = 1e-7,
    below_one: BelowOne = 0.0,
    shares: PlainShares = "normalised",
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
        top = highest(p)
        above = log_mass_above(p, top)
        return total(weigh(t * (1.0 - label_smoothing) + spread, above + gap(top, z)) for t, z in zip(y, p))
    if shares == "as_given":
        return -total(
            weigh(t * (1.0 - label_smoothing) + spread, log(held(q, epsilon, below_one))) for t, q in zip(y, p)
        )
    mass = total(p)
    lost = total_error(p)
    return -total(
        weigh(t * (1.0 - label_smoothing) + spread, log_share(q, mass, lost, epsilon, below_one)) for t, q in zip(y, p)
    )


@loss(
    labels=CLASS_INDEX,
    preds=PROBABILITIES_OR_LOGITS,
    formula="-log p_y",
    source="Keras 3.15 keras.losses.sparse_categorical_crossentropy (JAX, torch and NumPy back ends)",
    aliases=("scce", "sparse_categorical_cross_entropy"),
    kin="categorical_crossentropy",
)
def sparse_categorical_crossentropy(
    y: Index,
    p: Vector,
    from_logits: FromLogits = False,
    ignore_class: IgnoreClass = None,
    epsilon: Guard = 1e-7,
    below_one: BelowOne = 0.0,
    shares: Shares = "normalised",
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
        top = highest(p)
        return log_mass_above(p, top) + gap(top, at(p, y))
    if shares == "floored":
        return -log(maximum(at(p, y), epsilon))
    if shares == "as_given":
        return -log(held(at(p, y), epsilon, below_one))
    if shares == "held_first":
        kept = total(held(q, epsilon, below_one) for q in p)
        rest = total_error(held(q, epsilon, below_one) for q in p)
        return -log_quotient(held(at(p, y), epsilon, below_one), kept, rest)
    mass = total(p)
    lost = total_error(p)
    return -log_share(at(p, y), mass, lost, epsilon, below_one)


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
    below_one: BelowOne = 0.0,
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
        top = highest(p)
        mass = total(exp_difference(z, top) for z in p)
        lost = total_error(exp_difference(z, top) for z in p)
        above = log_mass_above(p, top)
        return -alpha * total(
            weigh(
                t * (1.0 - label_smoothing) + spread,
                focus(exp_difference(z, top), mass, lost, epsilon, gamma)
                * held_log(exp_difference(z, top) / mass, -(above + gap(top, z)), epsilon, below_one),
            )
            for t, z in zip(y, p)
        )
    mass = total(p)
    lost = total_error(p)
    return -alpha * total(
        weigh(
            t * (1.0 - label_smoothing) + spread,
            focus(q, mass, lost, epsilon, gamma) * log_share(q, mass, lost, epsilon, below_one),
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


@loss(
    labels=ONE_HOT,
    preds=PROBABILITIES,
    formula="sum_k (p_k - y_k)^2",
    source="Brier 1950; scikit-learn 1.9 brier_score_loss",
)
def multiclass_brier_score(y: Vector, p: Vector, factor: BrierFactor = 1.0) -> float:
    """Squared distance of a predicted distribution from the one-hot label: 0 to 2.

    sum_k (p_k - y_k)^2.

    >>> round(multiclass_brier_score([1.0, 0.0, 0.0], [0.8, 0.1, 0.1]), 6)
    0.06
    >>> multiclass_brier_score([1.0, 0.0], [0.0, 1.0])
    2.0
    """
    return factor * total(square(q - t) for t, q in zip(y, p))


@loss(
    labels=CLASS_INDEX,
    preds=LOGITS,
    formula="mean_k (log(1 + exp(z_k)) - [k = y] z_k)",
    source="CatBoost 1.2 MultiClassOneVsAll",
)
def one_vs_all(y: Index, p: Vector) -> float:
    """Mean over the classes of each one's binary cross-entropy against all others, from logits.

    1/K sum_k (log(1 + exp(z_k)) - [k = y] z_k).

    >>> round(one_vs_all(0, [0.0, 0.0]), 7)
    0.6931472
    >>> round(one_vs_all(1, [-1.0, 2.0]), 7)
    0.2200948
    """
    return total(softplus(-z if k == y else z) for k, z in enumerate(p)) / len(p)


def ahead(q: float, own: float, earlier: bool, ties: str) -> float:
    """1 where another class's score counts as higher than the label's."""
    if ties == "first":
        return 1.0 if q > own or (q == own and earlier) else 0.0
    return 1.0 if q >= own else 0.0


@loss(
    labels=CLASS_INDEX,
    preds=REAL,
    formula="1 if the label is not among the top_k highest preds, else 0",
    source="LightGBM 4.7 multi_error; XGBoost 3.2 merror",
    aliases=("top_k_error",),
    kin="zero_one",
)
def multi_error(
    y: Index,
    p: Vector,
    top_k: Annotated[float, Param("how many of the highest preds may hold the label", Interval(1.0, whole=True))] = 1.0,
    ties: Annotated[
        Literal["against", "first"],
        Param("an equal pred of another class counts against the label; or does so if its class comes first"),
    ] = "against",
) -> float:
    """Whether the label is missed by the classes with the highest predictions.

    1 if at least top_k other classes have predictions as high as the label's, else 0.

    >>> multi_error(1, [0.2, 0.5, 0.3])
    0.0
    >>> multi_error(2, [0.4, 0.2, 0.4]), multi_error(0, [0.4, 0.2, 0.4], ties="first")
    (1.0, 0.0)
    """
    own = at(p, y)
    higher = total(0.0 if k == y else ahead(q, own, k < y, ties) for k, q in enumerate(p))
    return 1.0 if higher >= top_k else 0.0
