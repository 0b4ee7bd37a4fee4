"""Losses of a real prediction against a real label."""

from __future__ import annotations

from typing import Annotated

from lossctl.catalogue.arithmetic import exp, expm1, log1p, maximum
from lossctl.catalogue.declare import Param
from lossctl.catalogue.domain import NON_NEGATIVE, REAL, Interval
from lossctl.catalogue.options import Epsilon
from lossctl.catalogue.registry import loss

LOG_2 = 0.6931471805599453


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
def mean_absolute_percentage_error(y: float, p: float, epsilon: Epsilon = 1e-7) -> float:
    """Absolute error in percent of the label.

    100 |p - y| / max(|y|, epsilon), averaged over the columns of a row.

    >>> mean_absolute_percentage_error(0.5, 1.0)
    100.0
    >>> mean_absolute_percentage_error(2.0, 1.0)
    50.0
    """
    return 100.0 * (abs(p - y) / maximum(abs(y), epsilon))


@loss(
    labels=NON_NEGATIVE,
    preds=NON_NEGATIVE,
    formula="(log(1 + p) - log(1 + y))^2",
    source="Keras 3.15 keras.losses.mean_squared_logarithmic_error",
    aliases=("msle",),
)
def mean_squared_logarithmic_error(y: float, p: float, epsilon: Epsilon = 1e-7) -> float:
    """Squared difference of logarithms.

    (log(1 + p') - log(1 + y'))^2, with both held at or above epsilon, averaged over the columns of a row.

    >>> round(mean_squared_logarithmic_error(0.0, 1.0), 7)
    0.4804529
    >>> mean_squared_logarithmic_error(2.0, 2.0)
    0.0
    """
    a, b = maximum(y, epsilon), maximum(p, epsilon)
    # the quotient's form keeps its digits where label and prediction are close
    ratio = log1p(abs(b - a) / (1.0 + (a if a < b else b)))
    return ratio * ratio


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


@loss(
    labels=REAL,
    preds=REAL,
    formula="log(cosh(p - y))",
    source="Keras 3.15 keras.losses.log_cosh",
    aliases=("logcosh",),
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
