"""Losses of a real prediction against a real label."""

from __future__ import annotations

import math
from typing import Annotated

from lossctl.catalogue.arithmetic import exp, expm1, log1p, maximum, minimum, power, quotient, rounding
from lossctl.catalogue.declare import PRODUCT, Accuracy, Param, Shortcut
from lossctl.catalogue.domain import NON_NEGATIVE, REAL, Domain, Interval, When
from lossctl.catalogue.likelihood import excess
from lossctl.catalogue.options import Epsilon
from lossctl.catalogue.registry import loss

ABOVE_MINUS_ONE = Domain("a number above minus 1", Interval(low=-1.0, low_open=True), "value_out_of_range")
ABOVE_MINUS_ONE_UNLESS_CLAMPED = When("clamped", NON_NEGATIVE, ABOVE_MINUS_ONE)
POSITIVE = Interval(low=0.0, low_open=True)
Percent = Annotated[float, Param("what the relative error is multiplied by", POSITIVE, internal=True)]
LOG_2 = 0.6931471805599453


def held_at_or_above(x: float, epsilon: float, clamped: bool) -> float:
    """The larger of x and epsilon, where that is asked for."""
    return maximum(x, epsilon) if clamped else x


@loss(
    labels=REAL,
    preds=REAL,
    formula="(p - y)^2",
    source="Keras 3.15 keras.losses.mean_squared_error",
    aliases=("mse", "l2"),
)
def mean_squared_error(y: float, p: float) -> float:
    """Squared error.

    (p - y)^2, averaged over the columns of a row.

    >>> mean_squared_error(1.0, 3.0)
    4.0
    >>> mean_squared_error(2.0, 2.0)
    0.0
    """
    e = p - y
    return e * e


@loss(
    labels=REAL,
    preds=REAL,
    formula="|p - y|",
    source="Keras 3.15 keras.losses.mean_absolute_error",
    aliases=("mae", "l1"),
)
def mean_absolute_error(y: float, p: float) -> float:
    """Absolute error.

    |p - y|, averaged over the columns of a row.

    >>> mean_absolute_error(1.0, 3.0)
    2.0
    >>> mean_absolute_error(2.0, 2.0)
    0.0
    """
    return abs(p - y)


@loss(
    labels=REAL,
    preds=REAL,
    formula="100 |p - y| / max(|y|, epsilon)",
    source="Keras 3.15 keras.losses.mean_absolute_percentage_error",
    aliases=("mape",),
)
def mean_absolute_percentage_error(y: float, p: float, epsilon: Epsilon = 1e-7, percent: Percent = 100.0) -> float:
    """Absolute error in percent of the label.

    100 |p - y| / max(|y|, epsilon), averaged over the columns of a row. With epsilon 0 a label 0 gives infinity, or
    NaN where the prediction is 0 too.

    >>> mean_absolute_percentage_error(0.5, 1.0)
    100.0
    >>> mean_absolute_percentage_error(2.0, 1.0)
    50.0
    """
    return percent * quotient(abs(p - y), maximum(abs(y), epsilon))


@loss(
    labels=REAL,
    preds=REAL,
    formula="100 |p - y| / ((|y| + |p|) / 2)",
    source="CatBoost 1.2 SMAPE",
    aliases=("smape",),
    kin="mean_absolute_percentage_error",
)
def symmetric_mean_absolute_percentage_error(y: float, p: float) -> float:
    """Absolute error in percent of the mean size of label and prediction.

    100 |p - y| / ((|y| + |p|) / 2), from 0 to 200, and 0 where both are 0; averaged over the columns of a row.

    >>> symmetric_mean_absolute_percentage_error(1.0, 3.0)
    100.0
    >>> symmetric_mean_absolute_percentage_error(0.0, 0.0)
    0.0
    """
    size = abs(y) + abs(p)
    return 0.0 if size == 0.0 else 200.0 * (abs(p - y) / size)


@loss(
    labels=ABOVE_MINUS_ONE_UNLESS_CLAMPED,
    preds=ABOVE_MINUS_ONE_UNLESS_CLAMPED,
    formula="(log(1 + p) - log(1 + y))^2",
    source="Keras 3.15 keras.losses.mean_squared_logarithmic_error; scikit-learn 1.9 where not clamped",
    aliases=("msle",),
    accuracy=PRODUCT,
)
def mean_squared_logarithmic_error(
    y: float,
    p: float,
    epsilon: Epsilon = 1e-7,
    clamped: Annotated[bool, Param("label and prediction are held at or above epsilon", internal=True)] = True,
) -> float:
    """Squared difference of logarithms.

    (log(1 + p') - log(1 + y'))^2, with both held at or above epsilon, averaged over the columns of a row. Where they
    are not clamped, epsilon has no effect, and a number below -1 gives NaN.

    >>> round(mean_squared_logarithmic_error(0.0, 1.0), 7)
    0.4804529
    >>> mean_squared_logarithmic_error(2.0, 2.0)
    0.0
    """
    a, b = held_at_or_above(y, epsilon, clamped), held_at_or_above(p, epsilon, clamped)
    # the quotient's form keeps its digits where label and prediction are close
    low = 1.0 + minimum(a, b)
    ratio = log1p(quotient(abs(b - a), low))
    return ratio * ratio if low >= 0.0 else math.nan


@loss(
    labels=REAL,
    preds=REAL,
    formula="e^2 / 2 while |e| <= delta, else delta (|e| - delta / 2)",
    source="Huber 1964; Keras 3.15 keras.losses.huber",
    aliases=("huber_loss",),
)
def huber(
    y: float,
    p: float,
    delta: Annotated[float, Param("error at which the curve turns straight", Interval(low=0.0, low_open=True))] = 1.0,
) -> float:
    """Quadratic near zero, straight in the tails.

    0.5 e^2 while |e| <= delta, then delta (|e| - 0.5 delta), with e = p - y, averaged over the columns of a
    row.

    >>> huber(0.0, 1.0)
    0.5
    >>> huber(0.0, 3.0, delta=2.0)
    4.0
    """
    e = abs(p - y)
    return 0.5 * e * e if e <= delta else delta * (e - 0.5 * delta)


def is_near(y: float, p: float) -> bool:
    """Whether the error is far from where the hyperbolic cosine overflows."""
    return abs(p - y) < 10.0


def near_log_cosh(y: float, p: float) -> float:
    """log_cosh of such an error."""
    t = expm1(abs(p - y))
    return log1p(0.5 * t * (t / (1.0 + t)))


@loss(
    labels=REAL,
    preds=REAL,
    formula="log(cosh(p - y))",
    source="Keras 3.15 keras.losses.log_cosh",
    aliases=("logcosh",),
    shortcuts=(Shortcut(is_near, near_log_cosh),),
)
def log_cosh(y: float, p: float) -> float:
    """Logarithm of the hyperbolic cosine of the error: quadratic near zero, straight in the tails.

    log(cosh(p - y)), averaged over the columns of a row.

    >>> round(log_cosh(0.0, 100.0), 7)
    99.3068528
    >>> log_cosh(0.0, 1e-4) == 5e-9 * (1 - 1e-8 / 6)
    True
    """
    e = abs(p - y)
    t = expm1(e if e < 10.0 else 10.0)
    near = log1p(0.5 * t * (t / (1.0 + t)))
    return near if e < 10.0 else e + log1p(exp(-2.0 * e)) - LOG_2


@loss(
    labels=REAL,
    preds=REAL,
    formula="e^2 / 2",
    source="Optax 0.2 l2_loss",
    aliases=("l2_loss",),
    kin="mean_squared_error",
)
def half_squared_error(y: float, p: float) -> float:
    """Half the squared error.

    (p - y)^2 / 2, averaged over the columns of a row.

    >>> half_squared_error(1.0, 3.0)
    2.0
    >>> half_squared_error(2.0, 2.0)
    0.0
    """
    e = p - y
    return 0.5 * e * e


@loss(
    labels=REAL,
    preds=REAL,
    formula="e^2 / (2 beta) while |e| < beta, else |e| - beta / 2",
    source="PyTorch 2.13 torch.nn.SmoothL1Loss",
    notes=("it is the Huber loss of delta = beta, divided by beta",),
    kin="huber",
)
def smooth_l1(
    y: float,
    p: float,
    beta: Annotated[float, Param("error at which the curve turns straight", Interval(low=0.0))] = 1.0,
) -> float:
    """Absolute error, made quadratic near zero.

    0.5 e^2 / beta while |e| < beta, then |e| - 0.5 beta, with e = p - y; the absolute error where beta is 0. Averaged
    over the columns of a row.

    >>> smooth_l1(0.0, 3.0, beta=2.0)
    2.0
    >>> smooth_l1(0.0, 1.0, beta=2.0)
    0.25
    """
    e = abs(p - y)
    return 0.5 * e * (e / beta) if e < beta else e - 0.5 * beta


@loss(
    labels=REAL,
    preds=REAL,
    formula="delta^2 (sqrt(1 + (e / delta)^2) - 1)",
    source="Charbonnier et al. 1997; XGBoost 3.2 mphe (huber_slope)",
    aliases=("charbonnier",),
    accuracy=PRODUCT,
    kin="huber",
)
def pseudo_huber(
    y: float, p: float, delta: Annotated[float, Param("slope of the straight tails", POSITIVE)] = 1.0
) -> float:
    """Smooth form of the Huber loss.

    delta^2 (sqrt(1 + (e / delta)^2) - 1), with e = p - y, computed as e^2 / (1 + sqrt(1 + (e / delta)^2)). Averaged
    over the columns of a row.

    >>> pseudo_huber(0.0, 0.75)
    0.25
    >>> round(pseudo_huber(0.0, 3.0, delta=2.0), 7)
    3.2111026
    """
    e = abs(p - y)
    r = e / delta
    # the square of r may overflow; by then the root is r
    return e * (e / (1.0 + math.sqrt(1.0 + r * r))) if r < 1e150 else delta * e


@loss(
    labels=REAL,
    preds=REAL,
    formula="c^2 (|e| / c - log(1 + |e| / c))",
    source="Fair 1974; LightGBM 4.7 fair (fair_c); CatBoost 1.2 FairLoss (smoothness)",
    accuracy=Accuracy(8.0, why="the rounding of a logarithm counts twice near zero, and more at errors about c"),
)
def fair(
    y: float, p: float, c: Annotated[float, Param("error at which the curve begins to turn straight", POSITIVE)] = 1.0
) -> float:
    """Quadratic near zero, and not quite straight in the tails.

    c^2 (|e| / c - log(1 + |e| / c)), with e = p - y, averaged over the columns of a row.

    >>> round(fair(0.0, 3.0), 7)
    1.6137056
    >>> fair(2.0, 2.0)
    0.0
    """
    e = abs(p - y)
    return excess(log1p(e / c), c * e, c * c)


@loss(
    labels=REAL,
    preds=REAL,
    formula="|e|^q",
    source="CatBoost 1.2 Lq",
)
def lq(y: float, p: float, q: Annotated[float, Param("power of the error", Interval(low=1.0))] = 2.0) -> float:
    """Power of the absolute error.

    |p - y|^q, averaged over the columns of a row.

    >>> round(lq(0.0, 2.0, q=3.0), 12)
    8.0
    >>> lq(2.0, 2.0)
    0.0
    """
    e = p - y
    near = power(abs(e), q)
    # what rounding lost of e, q times over
    better = near + near * (q * (rounding(p, -y) / (1.0 if e == 0.0 else e)))
    return better if better == better else near


@loss(
    labels=REAL,
    preds=REAL,
    formula="e^2 / 6 (3 - 3 u + u^2) with u = (e / c)^2 while |e| <= c, else c^2 / 6",
    source="Beaton & Tukey 1974",
    aliases=("biweight",),
    accuracy=PRODUCT,
)
def tukey_biweight(
    y: float, p: float, c: Annotated[float, Param("error beyond which the loss no longer grows", POSITIVE)] = 4.685
) -> float:
    """Quadratic near zero, constant for outliers.

    c^2 / 6 (1 - (1 - (e / c)^2)^3) while |e| <= c, then c^2 / 6, with e = p - y; averaged over the columns of a row.

    >>> tukey_biweight(0.0, 9.0, c=3.0)
    1.5
    >>> tukey_biweight(0.0, 1.0, c=2.0) == 37 / 96
    True
    """
    e = abs(p - y)
    u = (e / c) * (e / c)
    # (1 - (1 - u)^3) / u, which cannot cancel
    inside = e * e * (3.0 - u * (3.0 - u))
    return (c * c if e > c else inside) / 6.0
