"""A loss of one's own, as the README has it."""

import math
from typing import Annotated

import lossctl
from lossctl import Interval, Param


@lossctl.loss(labels=Interval(0, 1), preds=Interval(0, 1))
def focal(
    y,
    p,
    gamma: Annotated[float, Param("how strongly easy rows count less", Interval(low=0))] = 2.0,
    alpha: Annotated[float, Param("weight of label 1", Interval(0, 1))] = 0.25,
):
    """Binary focal loss (Lin et al. 2017)."""
    p = min(max(p, 1e-7), 1 - 1e-7)
    p_t = p if y == 1 else 1 - p
    alpha_t = alpha if y == 1 else 1 - alpha
    return -alpha_t * (1 - p_t) ** gamma * math.log(p_t)
