"""Divergences and likelihoods."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from lossctl.catalogue.arithmetic import (
    Vector,
    clip,
    exp,
    expm1,
    gap,
    less_log,
    log,
    log1p,
    log_quotient,
    maximum,
    minimum,
    power,
    rounding,
    sigmoid,
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
    Depends,
    Domain,
    Interval,
    When,
)
from lossctl.catalogue.options import Epsilon, Guard
from lossctl.catalogue.registry import loss
from lossctl.catalogue.special import log_gamma, normal_cdf, normal_pdf

HALF_LOG_TAU = 0.9189385332046727
TAU = 6.283185307179586

POSITIVE = Interval(low=0.0, low_open=True)
POSITIVE_LABEL = Domain("a number > 0", POSITIVE, "label_out_of_range")
ABOVE_ZERO = Domain("a number > 0", POSITIVE, "pred_out_of_range")
VARIANCE = Domain("a variance >= 0", Interval(low=0.0))
LOG_SCALE = Domain("the logarithm of a standard deviation")
LOG_MEAN = Domain("the logarithm of a mean")
LOG_PROBABILITY = Domain("a log-probability")
MEASURE = Domain("numbers >= 0, one a class", Interval(low=0.0), "label_out_of_range")
PREDICTED_MEASURE = Domain("numbers >= 0, one a class", Interval(low=0.0), "pred_out_of_range")

LOGS_CANCEL = Accuracy(
    450.0, 5e-13, "a logarithm, of 745 at most, may cancel the other term, and then no more of its digits are left"
)
NEAR = Accuracy(8.0, why="the rounding of a logarithm counts twice near y = p, and more where p is twice or half y")
ANY_POWER = Accuracy(
    64.0, why="terms may cancel in part where p is a few times y, and 1 - power is rounded before it is an exponent"
)

TIMES = Domain("a time, or inf", Interval(), "label_out_of_range", infinite=True)
Full = Annotated[bool, Param("terms without a prediction are added")]
Floor = Annotated[float, Param("predictions are held at or above it", Interval(0.0, 1.0))]
Added = Annotated[float, Param("a small number that is added", Interval(0.0, 1.0), internal=True)]
LogTarget = Annotated[bool, Param("the labels are log-probabilities, not probabilities")]


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


def quotient(a: float, b: float) -> float:
    """a / b for b >= 0; where b is 0, an infinity of a's sign, or NaN for 0 / 0."""
    return a / b if b != 0.0 else a * math.inf


def log_ratio(y: float, mu: float, d: float) -> float:
    """log(y / mu) for y and mu >= 0, from them and d = y - mu; accurate also where they are close."""
    size = log1p(quotient(abs(d), minimum(y, mu)))
    return -size if d < 0.0 else size


def poisson_gap(y: float, mu: float, d: float) -> float:
    """y log(y / mu) - y + mu, for y and mu >= 0 and d = y - mu; 0 where they are equal."""
    return mu if y == 0.0 else excess(-log_ratio(y, mu, d), -d, y)


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
def kl_divergence(y: Vector, p: Vector, epsilon: Guard = 1e-7) -> float:
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
        return less_log(mu, y, mu, 0.0)
    return less_log(p, y, p + epsilon, rounding(p, epsilon))


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
    bare = exp(p) - y * p if log_input else less_log(p, y, p + epsilon, rounding(p, epsilon))
    return bare + constant


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
    return y * exp((1.0 - power) * p) / (power - 1.0) + exp((2.0 - power) * p) / (2.0 - power)


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
    exactly = density(low, distribution) / (scale * y)
    likely = exactly if y == upper else between(low, high, distribution)
    return -log(maximum(likely, epsilon))
