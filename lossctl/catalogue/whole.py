"""Losses and scores of a whole file: a number made from exact sums over all rows, which no row has by itself."""

from __future__ import annotations

from math import sqrt
from typing import Annotated

from lossctl.catalogue.arithmetic import Vector, log1p, total
from lossctl.catalogue.declare import Param, Quantile, read_function
from lossctl.catalogue.domain import (
    NON_NEGATIVE,
    PROBABILITY,
    REAL,
    SOFT_LABEL,
    Interval,
)
from lossctl.catalogue.options import Epsilon
from lossctl.catalogue.registry import summary

Share = Annotated[float, Param("how much it counts", Interval(low=0.0))]


def squared(y: float, p: float) -> float:
    """(p - y)^2."""
    return (p - y) * (p - y)


def squared_log(y: float, p: float) -> float:
    """(log(1 + p) - log(1 + y))^2."""
    e = log1p(p) - log1p(y)
    return e * e


def distance(y: float, p: float) -> float:
    """|p - y|."""
    return abs(p - y)


def label(y: float) -> float:
    """y."""
    return y


def overlap(y: float, p: float) -> float:
    """y p."""
    return y * p


def pred(p: float) -> float:
    """p."""
    return p


def false_positive(y: float, p: float) -> float:
    """(1 - y) p."""
    return (1.0 - y) * p


def false_negative(y: float, p: float) -> float:
    """y (1 - p)."""
    return y * (1.0 - p)


DISTANCE = read_function(distance, {})


@summary(
    squared,
    labels=REAL,
    preds=REAL,
    counts="elements",
    formula="sqrt(sum w (p - y)^2 / sum w)",
    source="XGBoost 3.2 rmse; keras.metrics.RootMeanSquaredError",
    aliases=("rmse",),
)
def root_mean_squared_error(squared: float, weight: float) -> float:
    """Square root of the mean squared error over all rows and outputs.

    sqrt(sum w (p - y)^2 / sum w): the root comes last, so it is no mean of roots.

    >>> root_mean_squared_error(30.0, 4.0) == 7.5**0.5
    True
    >>> root_mean_squared_error(0.0, 2.0)
    0.0
    """
    return sqrt(squared / weight)


def squared_distance(y: Vector, p: Vector) -> float:
    """sum_k (p_k - y_k)^2."""
    return total(squared(t, q) for t, q in zip(y, p))


@summary(
    squared_distance,
    labels=REAL,
    preds=REAL,
    formula="sqrt(sum w sum_k (p_k - y_k)^2 / sum w)",
    source="CatBoost 1.2 MultiRMSE",
    aliases=("multi_rmse",),
)
def root_mean_squared_distance(squared_distance: float, weight: float) -> float:
    """Square root of the mean squared Euclidean distance between labels and predictions.

    sqrt(sum w sum_k (p_k - y_k)^2 / sum w): the squares of a row are added up, not averaged.

    >>> root_mean_squared_distance(30.0, 2.0) == 15.0**0.5
    True
    >>> root_mean_squared_distance(0.0, 2.0)
    0.0
    """
    return sqrt(squared_distance / weight)


@summary(
    squared_log,
    labels=NON_NEGATIVE,
    preds=NON_NEGATIVE,
    counts="elements",
    formula="sqrt(sum w (log(1 + p) - log(1 + y))^2 / sum w)",
    source="XGBoost 3.2 rmsle; scikit-learn 1.9 root_mean_squared_log_error",
    aliases=("rmsle",),
)
def root_mean_squared_logarithmic_error(squared_log: float, weight: float) -> float:
    """Square root of the mean squared difference of logarithms.

    sqrt(sum w (log(1 + p) - log(1 + y))^2 / sum w).

    >>> root_mean_squared_logarithmic_error(1.0, 4.0)
    0.5
    >>> root_mean_squared_logarithmic_error(0.0, 4.0)
    0.0
    """
    return sqrt(squared_log / weight)


@summary(
    distance,
    labels=REAL,
    preds=REAL,
    counts="elements",
    formula="max |p - y|",
    source="scikit-learn 1.9 max_error",
)
def max_error(largest_distance: float) -> float:
    """Largest absolute error.

    max |p - y| over all rows; weights have no part in it.

    >>> max_error(3.0)
    3.0
    >>> max_error(0.0)
    0.0
    """
    return largest_distance


Median = Annotated[float, Param("the median", internal=True, many=True, ahead=Quantile(DISTANCE, 0.5))]
TWICE = "exact in bounded memory: the files are read once to place it and once more to find it"


@summary(
    distance,
    labels=REAL,
    preds=REAL,
    counts="columns",
    formula="median |p - y|",
    source="scikit-learn 1.9 median_absolute_error",
    notes=(TWICE,),
)
def median_absolute_error(distance_median: Median = 0.0) -> float:
    """Median absolute error: with weights, the value that half of the weight lies below.

    The least |p - y| with at least half of the weight at or below it; where that is exactly half, the mean of it
    and the next. Columns are averaged.

    >>> median_absolute_error(1.5)
    1.5
    >>> median_absolute_error(0.0)
    0.0
    """
    return distance_median


@summary(
    overlap,
    label,
    pred,
    labels=SOFT_LABEL,
    preds=PROBABILITY,
    counts="elements",
    formula="1 - 2 sum(y p) / (sum y + sum p + epsilon)",
    source="Dice 1945; Keras 3.15 keras.losses.dice",
    notes=("no label and no prediction give 1, the worst value: epsilon is in the denominator alone",),
)
def dice(overlap: float, label: float, pred: float, epsilon: Epsilon = 1e-7) -> float:
    """One less the overlap of labels and predictions, over all rows and outputs.

    1 - 2 sum(y p) / (sum y + sum p + epsilon).

    >>> round(dice(2.4, 3.0, 2.5), 7)
    0.1272727
    >>> dice(0.0, 0.0, 0.0)
    1.0
    """
    return 1.0 - float(2 * overlap / (label + pred + _exact(epsilon, label)))


@summary(
    overlap,
    false_positive,
    false_negative,
    labels=SOFT_LABEL,
    preds=PROBABILITY,
    counts="elements",
    formula="1 - TP / (TP + alpha FP + beta FN + epsilon)",
    source="Tversky 1977; Salehi et al. 2017; Keras keras.losses.tversky, as fixed after 3.15.1",
)
def tversky(
    overlap: float,
    false_positive: float,
    false_negative: float,
    alpha: Share = 0.5,
    beta: Share = 0.5,
    epsilon: Epsilon = 1e-7,
) -> float:
    """One less the Tversky index of labels and predictions, over all rows and outputs.

    1 - TP / (TP + alpha FP + beta FN + epsilon), with TP = sum(y p), FP = sum((1 - y) p) and
    FN = sum(y (1 - p)).

    >>> round(tversky(2.4, 0.1, 0.6, alpha=0.3, beta=0.7), 7)
    0.1578948
    >>> tversky(0.0, 0.0, 0.0)
    1.0
    """
    whole = overlap + _exact(alpha, overlap) * false_positive + _exact(beta, overlap) * false_negative
    return 1.0 - float(overlap / (whole + _exact(epsilon, overlap)))


def _exact(number: float, like: float) -> float:
    """An option as a number of the sums' kind, which may be exact fractions."""
    return number if isinstance(like, float) else type(like)(number)
