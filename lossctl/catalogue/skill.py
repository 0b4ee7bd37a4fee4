"""Skill scores: the share of a reference forecast's loss that the predictions save; 1 is best."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from lossctl.catalogue.arithmetic import Index, Vector, at, log, product_error, total, weigh
from lossctl.catalogue.arithmetic import power as to_power
from lossctl.catalogue.binary import binary_brier_score, binary_crossentropy
from lossctl.catalogue.categorical import held
from lossctl.catalogue.declare import Param, Quantile, read_function
from lossctl.catalogue.deviance import OutsideUnit, tweedie_deviance, tweedie_label, tweedie_pred
from lossctl.catalogue.domain import (
    BINARY_LABEL,
    CLASS_INDEX,
    PROBABILITIES,
    PROBABILITY,
    REAL,
    Depends,
    Domain,
    Interval,
)
from lossctl.catalogue.quantile import pinball
from lossctl.catalogue.registry import summary
from lossctl.catalogue.whole import TWICE, label, squared

ForceFinite = Annotated[bool, Param("a constant label gives 1 for a perfect prediction and 0 for any other")]
TweediePower = Annotated[float, Param("power of the mean that the variance grows with", OutsideUnit())]
LogGuard = Annotated[float, Param("probabilities are held this far from 0 and 1", Interval(0.0, 0.5))]


def of_power(choose: Callable[[Mapping[str, Any]], Domain]) -> Callable[[Mapping[str, Any]], Domain]:
    """A domain's choice by the power alone."""
    return lambda options: choose({"epsilon": 0.0, **options})


def error(y: float, p: float) -> float:
    """y - p."""
    return y - p


def squared_rest(y: float, p: float) -> float:
    """What rounding took from (y - p)^2."""
    return product_error(y - p, y - p)


def label_square(y: float) -> float:
    """y^2, rounded."""
    return y * y


def label_square_rest(y: float) -> float:
    """What rounding took from y^2."""
    return product_error(y, y)


def positive(y: float) -> float:
    """1 for a label above 0."""
    return 1.0 if y > 0.0 else 0.0


LABEL = read_function(label, {})


def _skill(loss: float, reference: float, force_finite: bool) -> float:
    """1 - loss / reference; a reference of 0 gives 1 or 0 if finite numbers are asked for, else NaN or -inf."""
    if reference != 0:
        return 1.0 - float(loss / reference)
    if force_finite:
        return 1.0 if loss == 0 else 0.0
    return math.nan if loss == 0 else -math.inf


@summary(
    squared,
    label,
    label_square,
    label_square_rest,
    labels=REAL,
    preds=REAL,
    counts="columns",
    formula="1 - sum w (y - p)^2 / sum w (y - mean y)^2",
    source="scikit-learn 1.9 r2_score",
    aliases=("r2",),
)
def r2_score(
    squared: float,
    label: float,
    label_square: float,
    label_square_rest: float,
    weight: float,
    force_finite: ForceFinite = True,
) -> float:
    """Share of the labels' variance that the predictions explain: 1 is best, and it may be negative.

    1 - sum w (y - p)^2 / sum w (y - mean y)^2, averaged over the columns.

    >>> r2_score(0.5, 6.0, 14.0, 0.0, 3.0)
    0.75
    >>> r2_score(0.0, 6.0, 12.0, 0.0, 3.0)
    1.0
    """
    return _skill(squared, label_square + label_square_rest - label * label / weight, force_finite)


@summary(
    error,
    squared,
    squared_rest,
    label,
    label_square,
    label_square_rest,
    labels=REAL,
    preds=REAL,
    counts="columns",
    formula="1 - var(y - p) / var(y)",
    source="scikit-learn 1.9 explained_variance_score",
)
def explained_variance(
    error: float,
    squared: float,
    squared_rest: float,
    label: float,
    label_square: float,
    label_square_rest: float,
    weight: float,
    force_finite: ForceFinite = True,
) -> float:
    """Share of the labels' variance that is left when that of the errors is taken away.

    1 - var(y - p) / var(y), averaged over the columns; unlike r2_score a constant bias costs nothing.

    >>> explained_variance(3.0, 3.0, 0.0, 6.0, 14.0, 0.0, 3.0)
    1.0
    >>> explained_variance(0.0, 0.5, 0.0, 6.0, 14.0, 0.0, 3.0)
    0.75
    """
    residual = squared + squared_rest - error * error / weight
    return _skill(residual, label_square + label_square_rest - label * label / weight, force_finite)


def deviance(y: float, p: float, power: TweediePower = 0.0) -> float:
    """Tweedie deviance."""
    return tweedie_deviance(y, p, power)


def label_term(y: float, power: TweediePower = 0.0) -> float:
    """What a label alone adds to its deviance."""
    if power == 0.0:
        return y * y
    if power == 1.0:
        return weigh(y, log(y))
    if power == 2.0:
        return log(y)
    return to_power(y if y > 0.0 else 0.0, 2.0 - power)


@summary(
    deviance,
    label,
    label_term,
    labels=Depends("real for power <= 0, >= 0 below power 2, else > 0", of_power(tweedie_label)),
    preds=Depends("a number > 0; any for power 0", of_power(tweedie_pred)),
    formula="1 - sum w d(y, p) / sum w d(y, mean y)",
    source="scikit-learn 1.9 d2_tweedie_score",
)
def d2_tweedie(deviance: float, label: float, label_term: float, weight: float, power: TweediePower = 0.0) -> float:
    """Share of the Tweedie deviance of the constant prediction `mean y` that the predictions save.

    1 - sum w d(y, p) / sum w d(y, mean y), with d the deviance of that power.

    >>> d2_tweedie(0.0, 6.0, 14.0, 3.0)
    1.0
    >>> d2_tweedie(1.0, 6.0, 14.0, 3.0)
    0.5
    """
    return 1.0 - float(deviance) / _deviance_from_mean(label, label_term, weight, power)


def _deviance_from_mean(label: float, label_term: float, weight: float, power: float) -> float:
    """sum w d(y, mean y), from the sums of y and of what each label alone adds."""
    if power == 0.0:
        return float(label_term - label * label / weight)
    mean, whole, term = float(label / weight), float(weight), float(label_term)
    if power == 1.0:
        return 2.0 * (term - float(label) * math.log(mean))
    if power == 2.0:
        return 2.0 * (whole * math.log(mean) - term)
    constant: float = whole * mean ** (2.0 - power) / (2.0 - power) - float(label) * mean ** (1.0 - power) / (
        1.0 - power
    )
    return 2.0 * (term / ((1.0 - power) * (2.0 - power)) + constant)


Alpha = Annotated[float, Param("the quantile that is predicted", Interval(0.0, 1.0))]
Reference = Annotated[float, Param("the labels' quantile", internal=True, many=True, ahead=Quantile(LABEL, "alpha"))]


def pinball_loss(y: float, p: float, alpha: Alpha = 0.5) -> float:
    """Pinball loss."""
    return pinball(y, p, alpha)


def pinball_of_quantile(y: float, alpha: Alpha = 0.5, reference: Reference = 0.0) -> float:
    """Pinball loss of the labels' own quantile."""
    return pinball(y, reference, alpha)


@summary(
    pinball_loss,
    pinball_of_quantile,
    labels=REAL,
    preds=REAL,
    counts="columns",
    formula="1 - sum w l(y, p) / sum w l(y, quantile of y)",
    source="scikit-learn 1.9 d2_pinball_score",
    notes=(TWICE,),
)
def d2_pinball(
    pinball_loss: float, pinball_of_quantile: float, alpha: Alpha = 0.5, reference: Reference = 0.0
) -> float:
    """Share of the pinball loss of the constant prediction, the labels' quantile, that the predictions save.

    1 - sum w l(y, p) / sum w l(y, q), with l the pinball loss at alpha and q the weighted alpha-quantile of the
    labels.

    >>> d2_pinball(0.0, 3.0)
    1.0
    >>> d2_pinball(1.5, 3.0)
    0.5
    """
    return _skill(pinball_loss, pinball_of_quantile, True)


def brier(y: float, p: float) -> float:
    """Squared distance of a probability from a label told by its sign."""
    return binary_brier_score(y, p)


@summary(
    brier,
    positive,
    labels=BINARY_LABEL,
    preds=PROBABILITY,
    formula="1 - sum w (p - y)^2 / sum w (mean y - y)^2",
    source="scikit-learn 1.9 d2_brier_score (two classes)",
)
def d2_brier(brier: float, positive: float, weight: float) -> float:
    """Share of the Brier score of the constant prediction `mean y` that the predictions save.

    1 - sum w (p - y)^2 / sum w (mean y - y)^2.

    >>> d2_brier(0.0, 1.0, 2.0)
    1.0
    >>> d2_brier(0.5, 1.0, 2.0)
    0.0
    """
    return _skill(brier, positive - positive * positive / weight, False)


def log_loss(y: float, p: float, epsilon: LogGuard = 2.0**-52) -> float:
    """Binary cross-entropy of a label told by its sign."""
    return binary_crossentropy(y, p, False, 0.0, 1.0, epsilon, "clip", 0.0, True)


@summary(
    log_loss,
    positive,
    labels=BINARY_LABEL,
    preds=PROBABILITY,
    formula="1 - log loss of p / log loss of mean y",
    source="scikit-learn 1.9 d2_log_loss_score (two classes)",
)
def d2_log_loss(log_loss: float, positive: float, weight: float, epsilon: LogGuard = 2.0**-52) -> float:
    """Share of the log loss of the constant prediction `mean y` that the predictions save.

    1 - sum w l(y, p) / sum w l(y, mean y), with l the log loss.

    >>> round(d2_log_loss(2 * 0.6931471805599453, 1.0, 2.0), 12)
    0.0
    >>> d2_log_loss(0.0, 1.0, 2.0)
    1.0
    """
    share = min(max(float(positive / weight), epsilon), 1.0 - epsilon)
    reference = -float(positive) * math.log(share) - float(weight - positive) * math.log1p(-share)
    return _skill(float(log_loss), reference, False)


ClassIndex = Annotated[float, Param("the class that is counted", Interval(low=0.0), internal=True, each_class=True)]


def in_class(y: float, index: ClassIndex = 0.0) -> float:
    """1 for a label of that class."""
    return 1.0 if y == index else 0.0


def classes_log_loss(y: Index, p: Vector, epsilon: LogGuard = 2.0**-52) -> float:
    """-log p_y, with p held away from 0 and 1."""
    return -log(held(at(p, y), epsilon, 0.0))


def classes_brier(y: Index, p: Vector) -> float:
    """sum_k (p_k - [k = y])^2."""
    return total(squared(1.0 if k == y else 0.0, q) for k, q in enumerate(p))


@summary(
    classes_log_loss,
    in_class,
    labels=CLASS_INDEX,
    preds=PROBABILITIES,
    formula="1 - log loss of p / log loss of the labels' frequencies",
    source="scikit-learn 1.9 d2_log_loss_score (several classes)",
    kin="d2_log_loss",
)
def d2_multiclass_log_loss(
    classes_log_loss: float, in_class: tuple[float, ...], weight: float, epsilon: LogGuard = 2.0**-52
) -> float:
    """Share of the log loss of the classes' frequencies that the predictions save.

    1 - sum w l(y, p) / sum w l(y, f), with l the log loss and f the weighted frequencies of the classes.

    >>> d2_multiclass_log_loss(0.0, (1.0, 1.0, 2.0), 4.0)
    1.0
    >>> round(d2_multiclass_log_loss(2.0, (1.0, 1.0), 2.0), 7)
    -0.442695
    """
    shares = [min(max(float(count / weight), epsilon), 1.0 - epsilon) for count in in_class]
    reference = -math.fsum(float(count) * math.log(share) for count, share in zip(in_class, shares))
    return _skill(float(classes_log_loss), reference, False)


@summary(
    classes_brier,
    in_class,
    labels=CLASS_INDEX,
    preds=PROBABILITIES,
    formula="1 - Brier score of p / Brier score of the labels' frequencies",
    source="scikit-learn 1.9 d2_brier_score (several classes)",
    kin="d2_brier",
)
def d2_multiclass_brier(classes_brier: float, in_class: tuple[float, ...], weight: float) -> float:
    """Share of the Brier score of the classes' frequencies that the predictions save.

    1 - sum w l(y, p) / sum w l(y, f), with l the Brier score and f the weighted frequencies of the classes.

    >>> d2_multiclass_brier(0.0, (1.0, 1.0), 2.0)
    1.0
    >>> d2_multiclass_brier(0.5, (1.0, 1.0), 2.0)
    0.5
    """
    squares = sum(count * count for count in in_class)
    return _skill(classes_brier, weight - squares / weight, False)
