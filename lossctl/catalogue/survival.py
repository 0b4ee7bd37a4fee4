"""Likelihoods of times that may be censored."""

from __future__ import annotations

from typing import Annotated, Literal

from lossctl.catalogue.arithmetic import (
    exp,
    expm1,
    gap,
    log,
    maximum,
    sigmoid,
)
from lossctl.catalogue.declare import Accuracy, Param
from lossctl.catalogue.domain import (
    REAL,
    Domain,
    Interval,
)
from lossctl.catalogue.registry import loss
from lossctl.catalogue.special import normal_cdf, normal_pdf

TIMES = Domain("a time, or inf", Interval(), "label_out_of_range", infinite=True)


def between(low: float, high: float, distribution: str) -> float:
    """Probability that a standardised log time lies between two."""
    if distribution == "extreme":
        a, b = exp(low), exp(high)
        return -exp(-a) * expm1(-maximum(gap(b, a), 0.0))
    # where both are above, the upper tails are taken: their difference keeps its digits
    one, other = (-low, -high) if low > 0.0 else (high, low)
    if distribution == "normal":
        return normal_cdf(one) - normal_cdf(other)
    return sigmoid(one) - sigmoid(other)


def density(z: float, distribution: str) -> float:
    """Density of a standardised log time."""
    if distribution == "normal":
        return normal_pdf(z)
    if distribution == "logistic":
        return sigmoid(z) * sigmoid(-z)
    return exp(z - exp(z))


@loss(
    labels=TIMES,
    preds=REAL,
    upper=TIMES,
    formula="-log f(z) / (s t) for an event at t, else -log(F(z_upper) - F(z_lower)), z = (log t - p) / s",
    source="Barnwal et al. 2022; XGBoost 3.2 aft-nloglik",
    accuracy=Accuracy(4000.0, 5e-13, "a tail of a tail magnifies the rounding of the standardised time"),
    notes=("labels are the lower bounds of the times: <= 0 is left-censored; an upper bound of inf is right-censored",),
)
def aft_nll(
    y: float,
    p: float,
    upper: float,
    distribution: Annotated[
        Literal["normal", "logistic", "extreme"], Param("of the logarithm of time; extreme: smallest of many")
    ] = "normal",
    scale: Annotated[float, Param("scale of the logarithm of time", Interval(low=0.0, low_open=True))] = 1.0,
    epsilon: Annotated[float, Param("likelihoods are held at or above it", Interval(0.0, 1.0))] = 1e-12,
) -> float:
    """Negative log-likelihood of an accelerated failure time, which may be censored, under a predicted log time.

    With z = (log t - p) / s: -log(f(z) / (s t)) where both bounds are t, else -log(F(z_upper) - F(z_lower)), each
    likelihood held at or above epsilon.

    >>> round(aft_nll(1.0, 0.0, 1.0), 7)
    0.9189385
    >>> round(aft_nll(1.0, 0.0, float("inf")), 7)
    0.6931472
    """
    low, high = (log(maximum(y, 0.0)) - p) / scale, (log(maximum(upper, 0.0)) - p) / scale
    exactly = density(low, distribution) / (scale * y) if y > 0.0 else 0.0
    likely = exactly if y == upper else between(low, high, distribution)
    return -log(maximum(likely, epsilon))
