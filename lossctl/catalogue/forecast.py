"""Proper scoring rules of forecasts: smaller is better."""

from __future__ import annotations

from math import nan, sqrt
from typing import Annotated

from lossctl.catalogue.arithmetic import Index, Vector, exp, log, log1p, maximum, rounding, square, total
from lossctl.catalogue.declare import CANCELS, Accuracy, Param
from lossctl.catalogue.domain import CLASS_INDEX, PROBABILITIES, REAL, Domain, Interval
from lossctl.catalogue.registry import loss
from lossctl.catalogue.special import HALF_LOG_2PI, beta_ratio, normal_cdf, normal_pdf, student_t_cdf, student_t_pdf

INVERSE_SQRT_PI = 0.5641895835477563
INVERSE_SQRT_2 = 0.7071067811865476
SCALE = Domain("a scale > 0", Interval(low=0.0, low_open=True), "scale_out_of_range")
# beyond these the mean of the distribution is no float64
LOG_MEAN = Domain("the mean of a logarithm, in [-300, 300]", Interval(-300.0, 300.0), "pred_out_of_range")
LOG_SCALE = Domain("a logarithm's scale in (0, 20]", Interval(0.0, 20.0, True), "scale_out_of_range")
VARIANCE = Domain("a variance > 0", Interval(low=0.0, low_open=True), "variance_out_of_range")
RATE = Domain("a rate > 0", Interval(low=0.0, low_open=True), "pred_out_of_range")
Level = Annotated[float, Param("share of the outcomes that the interval should miss", Interval(0.0, 1.0, True, True))]
Levels = Annotated[Vector, Param("level of each quantile column", Interval(0.0, 1.0, True, True), many=True, each=True)]


@loss(
    labels=REAL,
    preds=REAL,
    scale=SCALE,
    formula="s (z (2 Phi(z) - 1) + 2 phi(z) - 1/sqrt(pi)), z = (y - p) / s",
    source="Gneiting et al. 2005; scoringrules 0.10 crps_normal",
    accuracy=CANCELS,
    kin="crps",
)
def crps_normal(y: float, p: float, scale: float) -> float:
    """Continuous ranked probability score of a normal distribution of mean p.

    s (z (2 Phi(z) - 1) + 2 phi(z) - 1/sqrt(pi)), with z = (y - p) / s and s the scale.

    >>> round(crps_normal(3.0, 2.0, 1.5), 7)
    0.6070746
    >>> round(crps_normal(0.0, 0.0, 1.0), 7)
    0.233695
    """
    z = (y - p) / scale
    # the first term is not scale * z: z may overflow
    return (y - p) * (2.0 * normal_cdf(z) - 1.0) + scale * (2.0 * normal_pdf(z) - INVERSE_SQRT_PI)


@loss(
    labels=REAL,
    preds=REAL,
    scale=SCALE,
    formula="b (|z| + exp(-|z|) - 3/4), z = (y - p) / b",
    source="Jordan et al. 2019; scoringrules 0.10 crps_laplace",
    accuracy=CANCELS,
    kin="crps",
)
def crps_laplace(y: float, p: float, scale: float) -> float:
    """Continuous ranked probability score of a Laplace distribution of median p.

    b (|z| + exp(-|z|) - 3/4), with z = (y - p) / b and b the scale.

    >>> crps_laplace(0.0, 0.0, 2.0)
    0.5
    >>> round(crps_laplace(3.0, 2.0, 1.5), 7)
    0.6451257
    """
    z = abs(y - p) / scale
    return abs(y - p) + scale * (exp(-z) - 0.75)


@loss(
    labels=REAL,
    preds=REAL,
    scale=SCALE,
    formula="s (|z| + 2 log(1 + exp(-|z|)) - 1), z = (y - p) / s",
    source="Jordan et al. 2019; scoringrules 0.10 crps_logistic",
    accuracy=CANCELS,
    kin="crps",
)
def crps_logistic(y: float, p: float, scale: float) -> float:
    """Continuous ranked probability score of a logistic distribution of mean p.

    s (|z| + 2 log(1 + exp(-|z|)) - 1), with z = (y - p) / s and s the scale.

    >>> round(crps_logistic(0.0, 0.0, 1.0), 7)
    0.3862944
    >>> round(crps_logistic(3.0, 2.0, 0.5), 7)
    0.626928
    """
    z = abs(y - p) / scale
    return abs(y - p) + scale * (2.0 * log1p(exp(-z)) - 1.0)


@loss(
    labels=REAL,
    preds=LOG_MEAN,
    scale=LOG_SCALE,
    formula="y (2 F - 1) - 2 exp(p + s^2/2) (Phi(z - s) + Phi(s / sqrt 2) - 1), z = (log y - p) / s, F = Phi(z)",
    source="Baran & Lerch 2015; scoringrules 0.10 crps_lognormal",
    accuracy=Accuracy(4000.0, 1e-12, "terms as large as the distribution's mean cancel"),
    kin="crps",
)
def crps_lognormal(y: float, p: float, scale: float) -> float:
    """Continuous ranked probability score of a lognormal distribution; p and s describe the logarithm.

    y (2 F - 1) - 2 exp(p + s^2/2) (Phi(z - s) + Phi(s / sqrt 2) - 1), with z = (log y - p) / s and F = Phi(z);
    F is 0 for y <= 0.

    >>> round(crps_lognormal(1.0, 0.0, 1.0), 7)
    0.2674055
    >>> round(crps_lognormal(-1.0, 0.0, 1.0), 5)
    1.79056
    """
    z = (log(y) - p) / scale if y > 0.0 else -1e300
    mean = 2.0 * exp(p + 0.5 * scale * scale)
    return y * (2.0 * normal_cdf(z) - 1.0) - mean * (normal_cdf(z - scale) - normal_cdf(-scale * INVERSE_SQRT_2))


@loss(
    labels=REAL,
    preds=RATE,
    formula="|y| - 2 F(y) / p + 1 / (2 p), F(y) = 1 - exp(-p y) for y > 0, else 0",
    source="Jordan et al. 2019; scoringrules 0.10 crps_exponential",
    accuracy=CANCELS,
    kin="crps",
)
def crps_exponential(y: float, p: float) -> float:
    """Continuous ranked probability score of an exponential distribution of rate p.

    |y| - 2 F(y) / p + 1 / (2 p), with F(y) = 1 - exp(-p y) for y > 0, else 0.

    >>> crps_exponential(0.0, 2.0)
    0.25
    >>> round(crps_exponential(1.0, 1.0), 7)
    0.2357589
    """
    below = 1.0 - exp(-p * maximum(y, 0.0))
    return abs(y) - 2.0 * below / p + 0.5 / p


@loss(
    labels=REAL,
    lower=REAL,
    upper=REAL,
    formula="(b - a) (|u - c| + c^2 - c + 1/3), u = (y - a) / (b - a), c = u held in [0, 1]",
    source="Jordan et al. 2019; scoringrules 0.10 crps_uniform",
    accuracy=CANCELS,
    kin="crps",
    notes=("NaN where lower is not below upper",),
)
def crps_uniform(y: float, lower: float, upper: float) -> float:
    """Continuous ranked probability score of a uniform distribution between lower and upper.

    (b - a) (|u - c| + c^2 - c + 1/3), with u = (y - a) / (b - a) and c = u held in [0, 1].

    >>> round(crps_uniform(0.5, 0.0, 1.0), 7)
    0.0833333
    >>> round(crps_uniform(2.0, 0.0, 1.0), 7)
    1.3333333
    """
    width = upper - lower
    u = (y - lower) / width
    c = 0.0 if u < 0.0 else (1.0 if u > 1.0 else u)
    score = width * (abs(u - c) + (c * c - c) + 1.0 / 3.0)
    return score if width > 0.0 else nan


@loss(
    labels=REAL,
    preds=REAL,
    scale=SCALE,
    formula="s (z (2 F - 1) + 2 f (v + z^2) / (v - 1) - 2 sqrt(v) / (v - 1) B(1/2, v - 1/2) / B(1/2, v/2)^2)",
    source="Jordan et al. 2019; scoringrules 0.10 crps_t",
    accuracy=Accuracy(4000.0, 2e-12, "terms cancel, and the distribution function is known to some 1e-12"),
    kin="crps",
)
def crps_student_t(
    y: float,
    p: float,
    scale: float,
    df: Annotated[float, Param("degrees of freedom", Interval(low=1.0, low_open=True))] = 5.0,
) -> float:
    """Continuous ranked probability score of Student's t distribution of location p.

    s (z (2 F - 1) + 2 f (v + z^2) / (v - 1) - 2 sqrt(v) / (v - 1) B(1/2, v - 1/2) / B(1/2, v/2)^2), with
    z = (y - p) / s, v the degrees of freedom and F, f the distribution function and density at z.

    >>> round(crps_student_t(0.0, 0.0, 1.0), 6)
    0.257025
    >>> round(crps_student_t(3.0, 2.0, 1.5, df=1e6), 5)
    0.60707
    """
    z = (y - p) / scale
    near = student_t_pdf(z, df) * (df + z * z) if abs(z) < 1e150 else 0.0
    tail = 2.0 * near - 2.0 * sqrt(df) * beta_ratio(df)
    return (y - p) * (2.0 * student_t_cdf(z, df) - 1.0) + scale * (tail / (df - 1.0))


def missed(y: float, q: float, level: float) -> float:
    """Pinball loss of a quantile."""
    return level * (y - q) if y >= q else (1.0 - level) * (q - y)


@loss(
    labels=REAL,
    preds=REAL,
    formula="2 mean_k (pinball of p_k at level k)",
    source="Laio & Tamea 2007; scoringrules 0.10 crps_quantile",
    kin="crps",
    notes=("the preds are quantiles, a column for each of the levels",),
)
def crps_quantile(y: float, p: Vector, levels: Levels = (0.5,)) -> float:
    """Continuous ranked probability score of a distribution that is told by quantiles.

    2 mean_k of a_k (y - p_k) where y >= p_k, else (1 - a_k) (p_k - y), with a the levels.

    >>> round(crps_quantile(3.0, [1.0, 2.0, 4.0], levels=[0.25, 0.5, 0.75]), 7)
    0.8333333
    >>> crps_quantile(3.0, [1.0], levels=[0.5])
    2.0
    """
    return 2.0 * total(missed(y, q, level) for q, level in zip(p, levels)) / len(p)


@loss(
    labels=REAL,
    preds=REAL,
    formula="sum_k (pinball of p_k at level k)",
    source="CatBoost 1.2 MultiQuantile",
    aliases=("quantile_score",),
    kin="pinball",
)
def multi_quantile(
    y: float,
    p: Vector,
    levels: Levels = (0.5,),
    average: Annotated[bool, Param("the mean over the levels, not the sum")] = False,
) -> float:
    """Pinball losses of several quantiles together.

    sum_k of a_k (y - p_k) where y >= p_k, else (1 - a_k) (p_k - y), with a the levels.

    >>> multi_quantile(3.0, [1.0, 4.0], levels=[0.25, 0.75])
    0.75
    >>> multi_quantile(3.0, [1.0, 4.0], levels=[0.25, 0.75], average=True)
    0.375
    """
    score = total(missed(y, q, level) for q, level in zip(p, levels))
    return score / len(p) if average else score


def winkler(y: float, lower: float, upper: float, alpha: float) -> float:
    """Interval score; NaN where lower is above upper."""
    score = (upper - lower) + (2.0 / alpha) * (maximum(lower - y, 0.0) + maximum(y - upper, 0.0))
    return score if lower <= upper else nan


@loss(
    labels=REAL,
    lower=REAL,
    upper=REAL,
    formula="(u - l) + 2/a max(l - y, 0) + 2/a max(y - u, 0)",
    source="Winkler 1972; Gneiting & Raftery 2007; scoringrules 0.10 interval_score",
    accuracy=CANCELS,
    notes=("NaN where lower is above upper, which scoringrules takes for a negative width",),
)
def interval_score(y: float, lower: float, upper: float, alpha: Level = 0.1) -> float:
    """Width of a prediction interval, and 2/a times what the outcome lies outside.

    (u - l) + 2/a max(l - y, 0) + 2/a max(y - u, 0), for the central interval that should miss a share a.

    >>> interval_score(0.5, 0.0, 1.0), interval_score(2.0, 0.0, 1.0)
    (1.0, 21.0)
    >>> interval_score(-0.5, 0.0, 1.0)
    11.0
    """
    return winkler(y, lower, upper, alpha)


@loss(
    labels=REAL,
    median=REAL,
    lower=REAL,
    upper=REAL,
    formula="(|y - m| / 2 + sum_k a_k/2 IS_k) / (K + 1/2)",
    source="Bracher et al. 2021; scoringrules 0.10 weighted_interval_score",
    accuracy=CANCELS,
    notes=("scoringrules 0.10 adds m in place of |y - m| on its NumPy path; this is the published score",),
)
def weighted_interval_score(
    y: float,
    median: float,
    lower: Vector,
    upper: Vector,
    alphas: Annotated[
        Vector, Param("share that each interval should miss", Interval(0.0, 1.0, True, True), many=True, each=True)
    ] = (0.1,),
) -> float:
    """Interval scores of several intervals and the median's error, weighted to approach the CRPS.

    (|y - m| / 2 + sum_k a_k/2 IS_k) / (K + 1/2), with IS_k the interval score of the interval that should miss a
    share a_k.

    >>> round(weighted_interval_score(2.0, 0.5, [0.0, 0.2], [1.0, 0.8], alphas=[0.1, 0.5]), 7)
    1.26
    >>> weighted_interval_score(1.0, 0.0, [1.0], [1.0], alphas=[0.5])
    0.3333333333333333
    """
    scores = total(0.5 * alpha * winkler(y, a, b, alpha) for a, b, alpha in zip(lower, upper, alphas))
    return (0.5 * abs(y - median) + scores) / (len(lower) + 0.5)


@loss(
    labels=REAL,
    preds=REAL,
    var=VARIANCE,
    formula="(y - p)^2 / v + log v",
    source="Dawid & Sebastiani 1999",
    accuracy=CANCELS,
    kin="dawid_sebastiani",
)
def dawid_sebastiani(y: float, p: float, var: float) -> float:
    """Dawid-Sebastiani score of a mean and a variance.

    (y - p)^2 / v + log v.

    >>> dawid_sebastiani(3.0, 1.0, 1.0)
    4.0
    >>> round(dawid_sebastiani(0.0, 0.0, 2.0), 7)
    0.6931472
    """
    return square(y - p) / var + log(var)


@loss(
    labels=REAL,
    preds=REAL,
    scale=SCALE,
    formula="z^2 / 2 + log s + log(2 pi) / 2, z = (y - p) / s",
    source="Good 1952; scoringrules 0.10 logs_normal",
    accuracy=CANCELS,
    kin="gaussian_nll",
)
def log_score_normal(y: float, p: float, scale: float) -> float:
    """Logarithmic score of a normal distribution of mean p.

    z^2 / 2 + log s + log(2 pi) / 2, with z = (y - p) / s and s the scale.

    >>> round(log_score_normal(3.0, 2.0, 1.5), 7)
    1.5466259
    >>> round(log_score_normal(0.0, 0.0, 1.0), 7)
    0.9189385
    """
    z = (y - p) / scale
    return 0.5 * z * z + log(scale) + HALF_LOG_2PI


@loss(
    labels=CLASS_INDEX,
    preds=PROBABILITIES,
    formula="sum_k (F_k - [y <= k])^2, F_k = p_0 + ... + p_k",
    source="Epstein 1969; scoringrules 0.10 rps_score",
    accuracy=CANCELS,
    aliases=("rps",),
    notes=("classes are counted from 0; scoringrules counts categories from 1",),
)
def ranked_probability_score(
    y: Index,
    p: Vector,
    normalised: Annotated[bool, Param("divide by one less than the number of classes")] = False,
) -> float:
    """Ranked probability score of ordered classes.

    sum_k (F_k - [y <= k])^2, with F_k = p_0 + ... + p_k.

    >>> round(ranked_probability_score(2, [0.2, 0.3, 0.5]), 7)
    0.29
    >>> ranked_probability_score(0, [1.0, 0.0])
    0.0
    """
    mass, mass_low, high, low = 0.0, 0.0, 0.0, 0.0
    for k in range(len(p)):
        mass_low += rounding(mass, p[k])
        mass += p[k]
        term = square(mass + mass_low - (1.0 if y <= k else 0.0))
        low += rounding(high, term)
        high += term
    score = high + low if 0 <= y < len(p) else nan
    return score / (len(p) - 1.0) if normalised else score
