"""Losses whose best constant prediction is a quantile or an expectile."""

from __future__ import annotations

from typing import Annotated

from lossctl.catalogue.arithmetic import maximum
from lossctl.catalogue.declare import Accuracy, Param
from lossctl.catalogue.domain import REAL, Interval
from lossctl.catalogue.registry import loss

Alpha = Annotated[float, Param("share of the weight on labels above the prediction", Interval(0.0, 1.0))]


@loss(
    labels=REAL,
    preds=REAL,
    formula="alpha d where d = y - p >= 0, else (alpha - 1) d",
    source="Koenker & Bassett 1978; scikit-learn 1.9 mean_pinball_loss",
    aliases=("quantile_loss",),
    accuracy=Accuracy(4.0, 1e-15, "what the dead zone leaves of an error has no more digits than the error"),
    notes=("at alpha = 0.5 it is half the absolute error",),
)
def pinball(
    y: float,
    p: float,
    alpha: Alpha = 0.5,
    dead_zone: Annotated[
        float, Param("what is taken off the absolute error, down to 0", Interval(low=0.0), internal=True)
    ] = 0.0,
    factor: Annotated[float, Param("what the loss is multiplied by", Interval(low=0.0), internal=True)] = 1.0,
) -> float:
    """Loss whose best constant prediction is the alpha-quantile of the labels.

    alpha (y - p) where the label is at or above the prediction, else (1 - alpha) (p - y), averaged over the columns of
    a row.

    >>> pinball(1.0, 0.0, alpha=0.75)
    0.75
    >>> pinball(0.0, 1.0, alpha=0.75)
    0.25
    """
    beyond = maximum(abs(y - p) - dead_zone, 0.0)
    return factor * ((alpha if y >= p else 1.0 - alpha) * beyond)


@loss(
    labels=REAL,
    preds=REAL,
    formula="alpha e^2 where y > p, else (1 - alpha) e^2",
    source="Newey & Powell 1987; XGBoost 3.2 expectile; CatBoost 1.2 Expectile",
)
def expectile(y: float, p: float, alpha: Alpha = 0.5) -> float:
    """Squared error that weighs the two signs differently; its best constant prediction is the alpha-expectile.

    alpha (p - y)^2 where the label is above the prediction, else (1 - alpha) (p - y)^2, averaged over the columns of a
    row.

    >>> expectile(2.0, 0.0, alpha=0.75)
    3.0
    >>> expectile(0.0, 2.0, alpha=0.75)
    1.0
    """
    e = p - y
    return (alpha if y > p else 1.0 - alpha) * (e * e)
