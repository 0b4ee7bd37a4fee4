"""Deviances and likelihoods of the exponential family: Poisson, gamma and those between."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from lossctl.catalogue.arithmetic import exp, less_log, maximum, power, quotient, weigh
from lossctl.catalogue.declare import CANCELS, Accuracy, Param
from lossctl.catalogue.domain import (
    COUNT,
    POSITIVE_PRED,
    REAL,
    Depends,
    Domain,
    Interval,
)
from lossctl.catalogue.likelihood import LOGS_CANCEL, Floor, excess, log_ratio, poisson_gap
from lossctl.catalogue.registry import loss

POSITIVE = Interval(low=0.0, low_open=True)
POSITIVE_LABEL = Domain("a number > 0", POSITIVE, "label_out_of_range")
ABOVE_ZERO = Domain("a number > 0", POSITIVE, "pred_out_of_range")
NEAR = Accuracy(8.0, why="the rounding of a logarithm counts twice near y = p, and more where p is twice or half y")
ANY_POWER = Accuracy(
    64.0, why="terms may cancel in part where p is a few times y, and 1 - power is rounded before it is an exponent"
)

Added = Annotated[float, Param("a small number that is added", Interval(0.0, 1.0), internal=True)]


class OutsideUnit(Interval):
    """The real numbers but those between 0 and 1."""

    def __contains__(self, value: float) -> bool:
        """Whether a number is neither infinite nor between 0 and 1."""
        return math.isfinite(value) and not 0.0 < value < 1.0

    def __str__(self) -> str:
        """As people write it."""
        return "<= 0 or >= 1"


def floored(options: Mapping[str, Any]) -> Domain:
    """The domain of a predicted mean that is held at or above epsilon."""
    return POSITIVE_PRED if options["epsilon"] > 0.0 else ABOVE_ZERO


def shifted(options: Mapping[str, Any]) -> Domain:
    """The domain of a gamma label, to which epsilon may be added."""
    return COUNT if options["epsilon"] > 0.0 and options.get("added", "both") == "both" else POSITIVE_LABEL


def tweedie_label(options: Mapping[str, Any]) -> Domain:
    """The domain of a Tweedie label: real up to power 0, >= 0 below power 2, then > 0."""
    if options["power"] <= 0.0:
        return REAL
    return COUNT if options["power"] < 2.0 else shifted(options)


def tweedie_pred(options: Mapping[str, Any]) -> Domain:
    """The domain of a Tweedie mean: real for power 0, else > 0."""
    return REAL if options["power"] == 0.0 else floored(options)


FLOORED = Depends("a number > 0; 0 too where epsilon is not 0", floored)
SHIFTED = Depends("a number > 0", shifted)


def gamma_gap(y: float, mu: float, d: float) -> float:
    """y / mu - 1 - log(y / mu), for y and mu > 0 and d = y - mu; 0 where they are equal."""
    return excess(log_ratio(y, mu, d), quotient(d, mu), 1.0)


def tweedie_gap(y: float, mu: float, d: float, order: float) -> float:
    """Half the Tweedie deviance of a power `order` <= 0 or >= 1, for y and mu > 0 and d = y - mu.

    It is w (expm1(m x) / m + expm1(-x)) / (1 + m): below power 1.5 with m = 1 - order, x = log(y / mu) and
    w = y mu^m; else with m = order - 2, x = log(mu / y) and w = mu^-m. So m >= -1/2, and it may be 0.
    """
    lower = order < 1.5
    m = 1.0 - order if lower else order - 2.0
    x = log_ratio(y, mu, d) if lower else -log_ratio(y, mu, d)
    u, k = power(mu, m if lower else -m), y if lower else 1.0
    e = k * (power(y, m if lower else -m) - u)
    curved = excess(m * x, e, k * u) / m if m != 0.0 else 0.0
    rest = -u * d if lower else u * quotient(d, mu)
    straight = e / m if abs(m * x) >= 1.0 else curved + k * u * x
    return (curved + excess(-x, rest, k * u) if abs(x) < 1.0 else straight + rest) / (1.0 + m)


def tweedie_edge(y: float, mu: float, order: float) -> float:
    """Half the Tweedie deviance for y <= 0, where the power of y counts as 0."""
    a, b = 2.0 - order, 1.0 - order
    below = y / b if order < 0.0 else 0.0
    return power(mu, b) * (mu / a - below) if order < 2.0 else mu * math.inf


@loss(
    labels=COUNT,
    preds=ABOVE_ZERO,
    formula="2 (y log(y / p) - y + p)",
    source="scikit-learn 1.9 mean_poisson_deviance",
    accuracy=NEAR,
    kin="poisson",
)
def poisson_deviance(y: float, p: float) -> float:
    """Twice the Poisson log-likelihood that a predicted mean loses against the label itself.

    2 (y log(y / p) - y + p), and 2 p where y is 0; averaged over the columns of a row. It is never negative.

    >>> poisson_deviance(0.0, 1.0)
    2.0
    >>> round(poisson_deviance(2.0, 1.0), 7)
    0.7725887
    """
    return 2.0 * poisson_gap(y, p, y - p)


@loss(
    labels=SHIFTED,
    preds=FLOORED,
    formula="2 (y / p - 1 - log(y / p))",
    source="scikit-learn 1.9 mean_gamma_deviance; XGBoost 3.2 gamma-deviance; LightGBM 4.7 gamma_deviance",
    accuracy=NEAR,
)
def gamma_deviance(
    y: float,
    p: float,
    epsilon: Added = 0.0,
    added: Annotated[
        Literal["both", "pred"], Param("what epsilon is added to: label and prediction, or the latter", internal=True)
    ] = "both",
) -> float:
    """Twice the gamma log-likelihood, of shape 1, that a predicted mean loses against the label itself.

    2 (y / p - 1 - log(y / p)), averaged over the columns of a row. It is never negative.

    >>> round(gamma_deviance(2.0, 1.0), 7)
    0.6137056
    >>> gamma_deviance(3.0, 3.0)
    0.0
    """
    if added == "pred":
        return 2.0 * gamma_gap(y, p + epsilon, (y - p) - epsilon)
    return 2.0 * gamma_gap(y + epsilon, p + epsilon, y - p)


@loss(
    labels=Depends("real for power <= 0, >= 0 below power 2, else > 0", tweedie_label),
    preds=Depends("a number > 0; any for power 0", tweedie_pred),
    formula="2 (y^(2-q) / ((1-q) (2-q)) - y p^(1-q) / (1-q) + p^(2-q) / (2-q)), q = power",
    source="Jorgensen 1987; scikit-learn 1.9 mean_tweedie_deviance",
    accuracy=ANY_POWER,
    notes=("power 0 is the squared error, 1 the Poisson deviance, 2 the gamma deviance",),
)
def tweedie_deviance(
    y: float,
    p: float,
    power: Annotated[float, Param("power of the mean that the variance grows with", OutsideUnit())] = 1.5,
    epsilon: Added = 0.0,
) -> float:
    """Twice the log-likelihood that a predicted mean loses against the label itself, in Tweedie's families.

    2 (max(y, 0)^(2-q) / ((1-q) (2-q)) - y p^(1-q) / (1-q) + p^(2-q) / (2-q)) for power q, and its limits at q = 1 and
    q = 2; averaged over the columns of a row. It is never negative.

    >>> round(tweedie_deviance(0.0, 2.0), 7)
    5.6568542
    >>> tweedie_deviance(2.0, 2.0)
    0.0
    """
    a, b, d = y + epsilon, p + epsilon, y - p
    half = tweedie_edge(a, b, power) if a <= 0.0 else tweedie_gap(a, b, d, power)
    return d * d if power == 0.0 else 2.0 * half


@loss(
    labels=COUNT,
    preds=FLOORED,
    formula="y p^(1-q) / (q-1) + p^(2-q) / (2-q), q = power",
    source="XGBoost 3.2 tweedie-nloglik; LightGBM 4.7 tweedie; CatBoost 1.2 Tweedie",
    accuracy=CANCELS,
    notes=(
        "it lacks the deviance's terms without a prediction, so it is not 0 where y = p",
        "at power 1, where its first term has no limit, it is p - y log p: the limit but for a constant",
    ),
)
def tweedie_nll(
    y: float,
    p: float,
    power: Annotated[
        float, Param("power of the mean that the variance grows with", Interval(1.0, 2.0, high_open=True))
    ] = 1.5,
    epsilon: Floor = 0.0,
) -> float:
    """Tweedie negative log-likelihood of a predicted mean, without the terms in y alone.

    y p^(1-q) / (q-1) + p^(2-q) / (2-q) for power q, with p held at or above epsilon; at q = 1 it is p - y log p.
    Averaged over the columns of a row.

    >>> round(tweedie_nll(1.0, 4.0), 12)
    5.0
    >>> round(tweedie_nll(3.0, 1.6487212707, power=1.0), 6)
    0.148721
    """
    return tweedie_terms(y, maximum(p, epsilon), power)


def tweedie_terms(y: float, mu: float, order: float) -> float:
    """y mu^(1-order) / (order-1) + mu^(2-order) / (2-order); for order 1, mu - y log mu."""
    s = power(mu, 1.0 - order)
    return less_log(mu, y, mu, 0.0) if order == 1.0 else s * (y / (order - 1.0) + mu / (2.0 - order))


@loss(
    labels=COUNT,
    preds=FLOORED,
    formula="y / p + log p",
    source="XGBoost 3.2 gamma-nloglik; LightGBM 4.7 gamma",
    accuracy=LOGS_CANCEL,
)
def gamma_nll(y: float, p: float, epsilon: Floor = 0.0) -> float:
    """Gamma negative log-likelihood, of shape 1, of a predicted mean.

    y / p + log p, with p held at or above epsilon; averaged over the columns of a row. It may be negative.

    >>> gamma_nll(2.0, 1.0)
    2.0
    >>> round(gamma_nll(1.0, 3.0), 7)
    1.4319456
    """
    mu = maximum(p, epsilon)
    return less_log(quotient(y, mu), -1.0, mu, 0.0)


@loss(
    labels=COUNT,
    preds=REAL,
    formula="y exp((1-q) p) / (q-1) + exp((2-q) p) / (2-q), q = power",
    source="Jorgensen 1987; CatBoost 1.2 Tweedie",
    accuracy=CANCELS,
    kin="tweedie_nll",
)
def tweedie_nll_log(
    y: float,
    p: float,
    power: Annotated[
        float, Param("power of the mean that the variance grows with", Interval(1.0, 2.0, True, True))
    ] = 1.5,
) -> float:
    """Tweedie negative log-likelihood of the logarithm of a mean, without the terms in y alone.

    y exp((1-q) p) / (q-1) + exp((2-q) p) / (2-q) for power q, averaged over the columns of a row.

    >>> tweedie_nll_log(1.0, 0.0)
    4.0
    >>> round(tweedie_nll_log(2.0, 0.5), 6)
    5.683254
    """
    return weigh(y, exp((1.0 - power) * p)) / (power - 1.0) + exp((2.0 - power) * p) / (2.0 - power)
