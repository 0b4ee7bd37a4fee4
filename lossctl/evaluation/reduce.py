"""A merged partial and a reduction to a value with its denominator: rounded once."""

from __future__ import annotations

import inspect
import math
from typing import TYPE_CHECKING, Any

from lossctl.audit.error import standard_error
from lossctl.audit.moments import LossPartial
from lossctl.catalogue.reductions import meaning
from lossctl.errors import DataError
from lossctl.evaluation.result import LossResult
from lossctl.evaluation.settled import Settled, class_argument
from lossctl.kernels.exactsum import UNIT_EXPONENT, as_float, exact, ratio

if TYPE_CHECKING:
    from fractions import Fraction

    from lossctl.catalogue.naming import OnEmpty

DENOMINATORS = {
    "mean": "sum of weights",
    "sum_over_batch_size": "rows",
    "sum_by_nonzero_weights": "rows with weight != 0",
    "batchmean": "rows",
}


def reduce(
    settled: Settled,
    cells: tuple[LossPartial, ...],
    reduction: str | None,
    on_empty: OnEmpty | None,
    weighted: bool,
) -> LossResult:
    """The result of one loss.

    Raises:
        DataError: the denominator is 0 and nothing says what that gives.
    """
    name, ours = meaning(settled.asked, reduction)
    if settled.core.loss.parts:
        return summarised(settled, cells, on_empty)
    own, rows = cells[: len(settled.cells)], cells[-1]
    partial, whole = own[0], settled.width if settled.elements else 1
    units = _denominator(own, ours, whole)
    unit = unit_of(settled, ours, weighted)
    error = standard_error(rows, ours, whole)
    guarded = None
    if partial.guarded:
        share = ratio(partial.guarded_loss, partial.loss) if partial.loss else math.nan
        guarded = {"count": partial.guarded, "share": share}
    return LossResult(
        loss=settled.asked.loss.name,
        spec=str(settled),
        options=settled.asked.said,
        reduction=name,
        value=_value(settled, partial, units, on_empty, unit),
        sum=_special(partial) or as_float(partial.loss),
        count=partial.rows,
        weight_sum=as_float(partial.weight),
        denominator=None if units is None else as_float(units),
        denominator_name=unit,
        stderr=None if error is None else error.stderr,
        min=partial.least if partial.least <= partial.most else None,
        max=partial.most if partial.least <= partial.most else None,
        guarded=guarded,
        df=None if error is None else error.df,
    )


def _denominator(cells: tuple[LossPartial, ...], reduction: str, outputs: int) -> int | None:
    partial = cells[0]
    return {
        "mean": partial.weight if len(cells) == 1 else cells[1].loss,
        "sum_over_batch_size": partial.rows << UNIT_EXPONENT,
        "sum_by_nonzero_weights": partial.nonzero << UNIT_EXPONENT,
        "batchmean": (partial.rows // outputs) << UNIT_EXPONENT,
        "sum": None,
    }[reduction]


def unit_of(settled: Settled, reduction: str, weighted: bool) -> str:
    """What the denominator counts, in words.

    Args:
        settled: a loss.
        reduction: as one of ours.
        weighted: whether rows have weights, besides those of their classes.
    """
    if reduction == "sum":
        return "none"
    if len(settled.cells) > 1 and reduction == "mean":
        return "sum of class weights"
    words = DENOMINATORS[reduction] if weighted or settled.reweighted else "rows"
    counts_elements = settled.elements and settled.width > 1 and reduction != "batchmean"
    return words.replace("rows", "elements") if counts_elements else words


def summarised(settled: Settled, cells: tuple[LossPartial, ...], on_empty: OnEmpty | None) -> LossResult:
    """The result of a loss of the whole file: its function of the exact sums, averaged over columns told apart.

    Raises:
        DataError: the sums leave it without a value, and nothing says what that gives.
    """
    columns = settled.width if settled.counts == "columns" else 1
    size = len(cells) // columns
    try:
        if not cells[0].rows:
            raise ZeroDivisionError
        values = [_finished(settled, cells[k * size : (k + 1) * size], k) for k in range(columns)]
    except ZeroDivisionError:
        values = [_empty(settled, cells[0], on_empty, "what it divides by")]
    return LossResult(
        loss=settled.asked.loss.name,
        spec=str(settled),
        options=settled.asked.said,
        reduction="whole",
        value=math.fsum(values) / len(values),
        sum=as_float(cells[0].loss),
        count=cells[0].rows,
        weight_sum=as_float(cells[0].weight),
        denominator=None,
        denominator_name="none",
        stderr=None,
        min=None,
        max=None,
    )


def _finished(settled: Settled, group: tuple[LossPartial, ...], column: int) -> float:
    core, loss = settled.core, settled.core.loss
    given: dict[str, Any] = {"weight": exact(group[0].weight)}
    left = list(group)
    for part in loss.parts:
        taken = [left.pop(0) for _ in range(1 if class_argument(part) is None else settled.classes)]
        sums = tuple(map(_exactly, taken))
        given[part.name] = sums[0] if class_argument(part) is None else sums
        given[f"largest_{part.name}"] = taken[0].most
    wanted = inspect.signature(loss.function).parameters
    own = {name: value[column] if isinstance(value, tuple) else value for name, value in core.options.items()}
    options = {name: value for name, value in own.items() if name in wanted}
    return float(loss.function(**{name: value for name, value in given.items() if name in wanted}, **options))


def _exactly(partial: LossPartial) -> Fraction | float:
    special = _special(partial)
    return exact(partial.loss) if special is None else special


def _special(partial: LossPartial) -> float | None:
    """NaN or infinity where a row was, else None."""
    return partial.special


def _value(settled: Settled, partial: LossPartial, units: int | None, on_empty: OnEmpty | None, unit: str) -> float:
    if units == 0:
        return _empty(settled, partial, on_empty, f"the denominator ({unit})")
    special = _special(partial)
    if special is not None:
        return special
    return as_float(partial.loss) if units is None else ratio(partial.loss, units)


def _empty(settled: Settled, partial: LossPartial, on_empty: OnEmpty | None, what: str) -> float:
    framework = settled.asked.loss.framework
    policy = on_empty or (framework.on_empty if framework else "error")
    if policy == "error":
        raise DataError(
            f"{settled}: {what} is 0, {partial.rows} rows were used; --on-empty nan or zero gives a value all the same"
        )
    return 0.0 if policy == "zero" else math.nan
