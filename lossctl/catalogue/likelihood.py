"""Divergences and likelihoods."""

from __future__ import annotations

import math
from math import inf
from typing import Annotated, Literal

from lossctl.catalogue.arithmetic import (
    Vector,
    clip,
    exp,
    gap,
    less_log,
    log,
    log1p,
    log_quotient,
    maximum,
    minimum,
    quotient,
    rounding,
    total,
    weigh,
)
from lossctl.catalogue.declare import CANCELS, Accuracy, Param
from lossctl.catalogue.domain import (
    COUNT,
    LOG_PROBABILITIES,
    NON_NEGATIVE,
    POSITIVE_PRED,
    PROBABILITIES,
    REAL,
    SOFT_LABELS,
    Domain,
    Interval,
    When,
)
from lossctl.catalogue.options import Epsilon, GuardOfBoth
from lossctl.catalogue.registry import loss
from lossctl.catalogue.special import log_gamma

HALF_LOG_TAU = 0.9189385332046727
TAU = 6.283185307179586

VARIANCE = Domain("a variance >= 0", Interval(low=0.0))
LOG_SCALE = Domain("the logarithm of a standard deviation")
LOG_MEAN = Domain("the logarithm of a mean")
LOG_PROBABILITY = LOG_PROBABILITIES._replace(name="a log-probability")
MEASURE = Domain("numbers >= 0, one a class", Interval(low=0.0), "label_out_of_range")
PREDICTED_MEASURE = Domain("numbers >= 0, one a class", Interval(low=0.0), "pred_out_of_range")

LOGS_CANCEL = Accuracy(
    450.0, 5e-13, "a logarithm, of 745 at most, may cancel the other term, and then no more of its digits are left"
)
Full = Annotated[bool, Param("terms without a prediction are added")]
Floor = Annotated[float, Param("predictions are held at or above it", Interval(0.0, 1.0))]
LogTarget = Annotated[bool, Param("the labels are log-probabilities, not probabilities")]


def excess(x: float, e: float, w: float) -> float:
    """w (exp(x) - 1 - x), where `e` is w (exp(x) - 1); accurate also near x = 0."""
    z = x * x
    # 1 / x - 1 / (exp(x) - 1), by the series of the hyperbolic cotangent
    high = 2.08767569878681e-08 + z * (
        -5.284190138687493e-10
        + z
        * (
            1.3382536530684679e-11
            + z * (-3.3896802963225827e-13 + z * (8.586062056277845e-15 - z * 2.174868698558062e-16))
        )
    )
    low = 1.0 / 12.0 + z * (-1.0 / 720.0 + z * (1.0 / 30240.0 + z * (-1.0 / 1209600.0 + z * high)))
    u = 0.5 - x * low
    near = w * (z * (u / (1.0 - x * u)))
    # beyond 710, exp(x) is all
    return near if abs(x) < 1.0 else (e if x >= 710.0 else e - w * x)


def log_ratio(y: float, mu: float, d: float) -> float:
    """log(y / mu) for y and mu >= 0, from them and d = y - mu; accurate also where they are close."""
    size = log1p(quotient(abs(d), minimum(y, mu)))
    return -size if d < 0.0 else size


def poisson_gap(y: float, mu: float, d: float) -> float:
    """y log(y / mu) - y + mu, for y and mu >= 0 and d = y - mu; 0 where they are equal."""
    return mu if y == 0.0 else excess(-log_ratio(y, mu, d), -d, y)


def stirling(y: float) -> float:
    """The logarithm of y!, by Stirling's formula, for y > 1; else 0."""
    return 0.5 * log(TAU * y) - less_log(y, y, y, 0.0) if y > 1.0 else 0.0


def divergence(t: float, q: float, epsilon: float) -> float:
    """t log(t / q), both held in [epsilon, 1]; 0 where t is 0."""
    low, held = clip(t, epsilon, 1.0), clip(q, epsilon, 1.0)
    return weigh(low, log_quotient(low, held, 0.0) if held != 0.0 else math.inf)


def measure_gap(t: float, q: float, from_logs: bool) -> float:
    """t log(t / q) - t + q, with q or its logarithm told."""
    if from_logs:
        mass = exp(q)
        return mass if t == 0.0 else excess(q - log(t), mass - t, t)
    return poisson_gap(t, q, t - q)


@loss(
    labels=SOFT_LABELS,
    preds=PROBABILITIES,
    formula="sum_k y_k log(y_k / p_k)",
    source="Kullback & Leibler 1951; Keras 3.15 keras.losses.kl_divergence",
    aliases=("kld", "kullback_leibler_divergence"),
    accuracy=CANCELS,
)
def kl_divergence(y: Vector, p: Vector, epsilon: GuardOfBoth = 1e-7) -> float:
    """Kullback-Leibler divergence of the predicted distribution from the label's.

    sum_k y_k log(y_k / p_k), with y and p held in [epsilon, 1]; nothing is normalised. With epsilon 0 a class of label
    0 adds nothing, and one that is predicted impossible and is not makes it infinite.

    >>> round(kl_divergence([0.5, 0.5], [0.25, 0.75]), 7)
    0.143841
    >>> kl_divergence([0.25, 0.75], [0.25, 0.75])
    0.0
    """
    return total(divergence(t, q, epsilon) for t, q in zip(y, p))


@loss(
    labels=MEASURE,
    preds=When("from_logs", LOG_PROBABILITIES, PREDICTED_MEASURE),
    formula="sum_k (y_k log(y_k / p_k) - y_k + p_k)",
    source="Csiszar 1991; Optax 0.2 generalized_kl_divergence",
    accuracy=CANCELS,
    notes=("it is Optax's with from_logs; there the older name is convex_kl_divergence",),
    kin="kl_divergence",
)
def generalized_kl(
    y: Vector, p: Vector, from_logs: Annotated[bool, Param("the preds are logarithms")] = False
) -> float:
    """Kullback-Leibler divergence of measures that need not sum to 1.

    sum_k (y_k log(y_k / p_k) - y_k + p_k), where 0 log 0 is 0; with from_logs, p_k is exp of what is predicted. It is
    never negative.

    >>> generalized_kl([0.0, 0.5], [0.25, 0.5])
    0.25
    >>> round(generalized_kl([1.0], [2.0]), 7)
    0.3068528
    """
    return total(measure_gap(t, q, from_logs) for t, q in zip(y, p))


@loss(
    labels=When("log_target", LOG_PROBABILITY, NON_NEGATIVE),
    preds=LOG_PROBABILITY,
    formula="y (log y - p)",
    source="PyTorch 2.13 torch.nn.KLDivLoss",
    accuracy=CANCELS,
    notes=(
        "the mean over a row's classes divides by their number; the divergence is the sum",
        "where PyTorch has NaN, a label 0 against a log-probability -inf, it is 0",
    ),
    kin="kl_divergence",
)
def kl_from_logs(y: float, p: float, log_target: LogTarget = False) -> float:
    """One class's term of the Kullback-Leibler divergence, from a predicted log-probability.

    y (log y - p), and 0 where y is 0; with log_target exp(y) (y - p). Averaged over the columns of a row; a term may
    be negative.

    >>> kl_from_logs(1.0, -0.5)
    0.5
    >>> kl_from_logs(0.0, -0.25, log_target=True)
    0.25
    """
    if log_target:
        return weigh(exp(y), gap(y, p))
    return weigh(y, gap(log(y), p))


def beyond(mean: float, value: float) -> float:
    """A value that grows with a mean; infinite with it, though its terms be infinities of either sign."""
    return mean if mean == inf else value


@loss(
    labels=COUNT,
    preds=POSITIVE_PRED,
    formula="p - y log(p + epsilon)",
    source="Keras 3.15 keras.losses.poisson; LightGBM 4.7 poisson, with the guard floor",
    aliases=("poisson_loss",),
    accuracy=CANCELS,
)
def poisson(
    y: float,
    p: float,
    epsilon: Epsilon = 1e-7,
    guard: Annotated[
        Literal["add", "floor"], Param("epsilon is added under the logarithm, or p is held above it", internal=True)
    ] = "add",
) -> float:
    """Poisson negative log-likelihood of a count under a predicted mean, without its constant.

    p - y log(p + epsilon). It may be negative. With the guard floor it is p' - y log p', where p' is the larger of p
    and epsilon.

    >>> round(poisson(3.0, 1.6487212707), 6)
    0.148721
    >>> poisson(0.0, 2.0)
    2.0
    """
    if guard == "floor":
        mu = maximum(p, epsilon)
        return beyond(p, less_log(mu, y, mu, 0.0))
    return beyond(p, less_log(p, y, p + epsilon, rounding(p, epsilon)))


@loss(
    labels=COUNT,
    preds=When("log_input", LOG_MEAN, POSITIVE_PRED),
    formula="exp(p) - y p, or p - y log(p + epsilon) without log_input",
    source="PyTorch 2.13 torch.nn.PoissonNLLLoss; TensorFlow tf.nn.log_poisson_loss",
    accuracy=LOGS_CANCEL,
    notes=("Stirling's terms are left out for y <= 1, as in PyTorch",),
    kin="poisson",
)
def poisson_nll(
    y: float,
    p: float,
    log_input: Annotated[bool, Param("the preds are logarithms of means")] = True,
    full: Full = False,
    epsilon: Epsilon = 1e-8,
) -> float:
    """Poisson negative log-likelihood of a count under the logarithm of a mean.

    exp(p) - y p; without log_input, p - y log(p + epsilon). With full, Stirling's y log y - y + 0.5 log(2 pi y) is
    added where y > 1. It may be negative. Averaged over the columns of a row.

    >>> round(poisson_nll(3.0, 0.5), 7)
    0.1487213
    >>> round(poisson_nll(3.0, 0.5, full=True), 6)
    1.912803
    """
    constant = stirling(y) if full else 0.0
    mean = exp(p) if log_input else p
    bare = mean - weigh(y, p) if log_input else less_log(p, y, p + epsilon, rounding(p, epsilon))
    return beyond(mean, bare) + constant


@loss(
    labels=REAL,
    preds=REAL,
    var=VARIANCE,
    formula="0.5 (log v + (p - y)^2 / v), v = max(var, epsilon)",
    source="PyTorch 2.13 torch.nn.GaussianNLLLoss",
    accuracy=LOGS_CANCEL,
)
def gaussian_nll(y: float, p: float, var: float, full: Full = False, epsilon: Floor = 1e-6) -> float:
    """Normal negative log-likelihood of a label under a predicted mean and variance.

    0.5 (log v + (p - y)^2 / v), with v the larger of the variance and epsilon; with full, 0.5 log(2 pi) is added. It
    may be negative. Averaged over the columns of a row.

    >>> round(gaussian_nll(1.0, 2.0, 4.0), 7)
    0.8181472
    >>> round(gaussian_nll(1.0, 2.0, 4.0, full=True), 7)
    1.7370857
    """
    v, e = maximum(var, epsilon), p - y
    bare = 0.5 * less_log(quotient(e * e, v), -1.0, v, 0.0)
    return bare + HALF_LOG_TAU if full else bare


@loss(
    labels=REAL,
    preds=REAL,
    log_scale=LOG_SCALE,
    formula="0.5 log(2 pi) + s + 0.5 exp(-2 s) (p - y)^2, s = log_scale",
    source="CatBoost 1.2 RMSEWithUncertainty",
    accuracy=CANCELS,
    kin="gaussian_nll",
)
def gaussian_nll_log_scale(y: float, p: float, log_scale: float) -> float:
    """Normal negative log-likelihood of a label under a predicted mean and logarithm of the standard deviation.

    0.5 log(2 pi) + s + 0.5 exp(-2 s) (p - y)^2, with s the logarithm; averaged over the columns of a row. It may be
    negative.

    >>> round(gaussian_nll_log_scale(1.0, 1.0, 0.0), 7)
    0.9189385
    >>> round(gaussian_nll_log_scale(1.0, 2.0, 0.5), 7)
    1.6028783
    """
    e = weigh(p - y, exp(-log_scale))
    return HALF_LOG_TAU + log_scale + 0.5 * e * e


@loss(
    labels=When("log_target", LOG_PROBABILITY, NON_NEGATIVE),
    preds=LOG_PROBABILITY,
    formula="sum_k y_k (log y_k - p_k), p a log-probability",
    source="optax 0.2.8 optax.losses.kl_divergence",
    accuracy=CANCELS,
    kin="kl_divergence",
)
def row_kl_from_logs(y: Vector, p: Vector, log_target: LogTarget = False) -> float:
    """Kullback-Leibler divergence of predicted log-probabilities from the label's distribution.

    sum_k y_k (log y_k - p_k), and 0 where y_k is 0; with log_target sum_k exp(y_k) (y_k - p_k).

    >>> row_kl_from_logs([1.0, 0.0], [-0.5, -0.25])
    0.5
    >>> row_kl_from_logs([-0.5, -0.5], [-0.5, -0.5], log_target=True)
    0.0
    """
    return total(kl_from_logs(t, q, log_target) for t, q in zip(y, p))


@loss(
    labels=COUNT,
    preds=POSITIVE_PRED,
    formula="p - y log p + log(y!)",
    source="XGBoost 3.2 poisson-nloglik",
    accuracy=LOGS_CANCEL,
    kin="poisson",
)
def poisson_nll_exact(y: float, p: float, epsilon: Floor = 1e-16) -> float:
    """Poisson negative log-likelihood of a count under a predicted mean, with its constant.

    p - y log p + log(y!), with p held at or above epsilon; averaged over the columns of a row.

    >>> round(poisson_nll_exact(3.0, 1.6487212707), 6)
    1.940481
    >>> round(poisson_nll_exact(0.0, 2.0), 12)
    2.0
    """
    mu = maximum(p, epsilon)
    return less_log(mu, y, mu, 0.0) + log_gamma(y + 1.0)
