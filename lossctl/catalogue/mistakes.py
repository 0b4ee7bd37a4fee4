"""Whether a prediction is wrong."""

from __future__ import annotations

import math
from typing import Annotated

from lossctl.catalogue.declare import Param
from lossctl.catalogue.domain import REAL, SOFT_LABEL, Interval
from lossctl.catalogue.registry import loss


@loss(
    labels=REAL,
    preds=REAL,
    formula="1 where |e| > greater_than, else 0",
    source="CatBoost 1.2 NumErrors",
)
def num_errors(
    y: float,
    p: float,
    greater_than: Annotated[float, Param("largest error that is let pass", Interval(low=0.0))] = 0.0,
) -> float:
    """Whether the error is larger than a bound.

    1 where |p - y| > greater_than, else 0, averaged over the columns of a row.

    >>> num_errors(1.0, 2.0, greater_than=1.0)
    0.0
    >>> num_errors(1.0, 2.5, greater_than=1.0)
    1.0
    """
    e = abs(p - y)
    return 1.0 if e > greater_than else (0.0 if e <= greater_than else math.nan)


@loss(
    labels=REAL,
    preds=REAL,
    formula="1 where y != p, else 0",
    source="scikit-learn 1.9 zero_one_loss",
    aliases=("zero_one_loss",),
)
def zero_one(y: float, p: float) -> float:
    """Whether the prediction differs from the label.

    1 where y != p, else 0, averaged over the columns of a row. Both are class numbers, or any other numbers.

    >>> zero_one(2.0, 1.0)
    1.0
    >>> zero_one(2.0, 2.0)
    0.0
    """
    return 1.0 if y > p or y < p else (0.0 if y == p else math.nan)


@loss(
    labels=SOFT_LABEL,
    preds=REAL,
    formula="1 - y where p > threshold, else y",
    source="XGBoost 3.2 error@t",
)
def binary_error(
    y: float,
    p: float,
    threshold: Annotated[float, Param("predictions above it are for label 1")] = 0.5,
) -> float:
    """Share of the label that a yes/no decision misses.

    1 - y where p > threshold, else y, averaged over the columns of a row; for a label 0 or 1 that is whether the
    decision is wrong.

    >>> binary_error(0.25, 0.75)
    0.75
    >>> binary_error(1.0, 0.5)
    1.0
    """
    return 1.0 - y if p > threshold else (y if p <= threshold else math.nan)
