"""The standard error of a reduced loss, from exact sums: linearised where the denominator varies with the rows."""

from __future__ import annotations

import math
from typing import NamedTuple

from lossctl.audit.moments import LossPartial
from lossctl.kernels.exactsum import UNIT_EXPONENT


class Error(NamedTuple):
    """A standard error and its degrees of freedom."""

    stderr: float
    df: float


def standard_error(rows: LossPartial, reduction: str, outputs: int = 1) -> Error | None:
    """Of a loss over independent rows; None where it has no meaning.

    For the mean sqrt(n/(n-1) sum (w (l - m))^2) / W, which is the ratio linearised (Cochran 1977, 6.4); for a
    denominator that counts rows sqrt(n/(n-1) sum (w l - a)^2) / n, with a the mean of w l; for the sum n times that.

    Args:
        rows: the sums of the rows' own losses.
        reduction: one of ours.
        outputs: by how much the sum over rows falls short of the sum over a row's outputs, where these count.
    """
    counted = reduction in ("mean", "sum_by_nonzero_weights")
    n = rows.nonzero if counted else rows.rows
    if n < 2 or rows.nan or rows.positive_infinity or rows.negative_infinity or not rows.weight:
        return None
    loss, squares, unit = rows.loss, rows.squares, 1 << UNIT_EXPONENT
    if reduction == "mean":
        whole = rows.weight
        spread = squares * whole * whole - 2 * loss * rows.cross * whole + loss * loss * rows.weight_squares
        variance = max(spread, 0) * unit * n, whole**4 * (n - 1)
    else:
        spread = max(squares * unit * n - loss * loss, 0)
        # of the sum n^2 times as much, and the outputs are those of each row
        size = n if reduction == "sum" else 1
        many = outputs if reduction in ("sum", "batchmean") else 1
        variance = spread * (size * many) ** 2, (unit * n) ** 2 * (n - 1)
    try:
        return Error(math.sqrt(variance[0] / variance[1]), n - 1)
    except OverflowError:
        return None
