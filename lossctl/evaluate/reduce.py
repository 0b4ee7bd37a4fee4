"""A merged partial and a reduction to a value with its denominator: rounded once."""

from __future__ import annotations

import math
from fractions import Fraction

from lossctl.catalogue.spec import BoundLoss
from lossctl.errors import DataError
from lossctl.evaluate.partial import LossPartial
from lossctl.evaluate.request import OnEmpty
from lossctl.evaluate.result import LossResult
from lossctl.kernels.exactsum import UNIT_EXPONENT, as_float, exact, ratio

DENOMINATORS = {
    "mean": "sum of weights",
    "sum_over_batch_size": "rows",
    "sum_by_nonzero_weights": "rows with weight != 0",
}


def reduce(bound: BoundLoss, partial: LossPartial, reduction: str, on_empty: OnEmpty, weighted: bool) -> LossResult:
    """The result of one loss.

    Raises:
        DataError: the denominator is 0 and `on_empty` is "error".
    """
    units = _denominator(partial, reduction)
    name = "none" if units is None else ("rows" if not weighted else DENOMINATORS[reduction])
    guarded = None
    if partial.guarded:
        share = ratio(partial.guarded_loss, partial.loss) if partial.loss else math.nan
        guarded = {"count": partial.guarded, "share": share}
    return LossResult(
        loss=bound.loss.name,
        spec=str(bound),
        options=bound.options,
        reduction=reduction,
        value=_value(bound, partial, units, on_empty, name),
        sum=_special(partial) or as_float(partial.loss),
        count=partial.rows,
        weight_sum=as_float(partial.weight),
        denominator=None if units is None else as_float(units),
        denominator_name=name,
        stderr=_standard_error(partial, reduction),
        min=partial.least if partial.least <= partial.most else None,
        max=partial.most if partial.least <= partial.most else None,
        guarded=guarded,
    )


def _denominator(partial: LossPartial, reduction: str) -> int | None:
    return {
        "mean": partial.weight,
        "sum_over_batch_size": partial.rows << UNIT_EXPONENT,
        "sum_by_nonzero_weights": partial.nonzero << UNIT_EXPONENT,
        "sum": None,
    }[reduction]


def _special(partial: LossPartial) -> float | None:
    """NaN or infinity where a row was, else None."""
    if partial.nan or (partial.positive_infinity and partial.negative_infinity):
        return math.nan
    if partial.positive_infinity or partial.negative_infinity:
        return math.inf if partial.positive_infinity else -math.inf
    return None


def _value(bound: BoundLoss, partial: LossPartial, units: int | None, on_empty: OnEmpty, name: str) -> float:
    if units == 0:
        if on_empty == "error":
            raise DataError(
                f"{bound}: the denominator ({name}) is 0, {partial.rows} rows were used; "
                "--on-empty nan or zero gives a value all the same"
            )
        return 0.0 if on_empty == "zero" else math.nan
    special = _special(partial)
    if special is not None:
        return special
    return as_float(partial.loss) if units is None else ratio(partial.loss, units)


def _standard_error(partial: LossPartial, reduction: str) -> float | None:
    """Of the mean, linearised for a ratio: sqrt(n/(n-1) sum (w (l - m))^2) / W; None where it has no meaning."""
    n = partial.rows if reduction != "sum_by_nonzero_weights" else partial.nonzero
    if n < 2 or reduction == "sum" or _special(partial) is not None or partial.weight == 0:
        return None
    loss, squares = exact(partial.loss), exact(partial.squares)
    if reduction == "mean":
        whole = exact(partial.weight)
        mean = loss / whole
        spread = squares - 2 * mean * exact(partial.cross) + mean * mean * exact(partial.weight_squares)
    else:
        whole = Fraction(n)
        spread = squares - loss * loss / n
    variance = max(spread, Fraction(0)) * n / (n - 1) / (whole * whole)
    try:
        return math.sqrt(variance)
    except OverflowError:
        return None
