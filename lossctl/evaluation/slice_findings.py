"""Slices as the JSON has them: each with the statistics of a loss, and how it differs from the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lossctl.audit.error import Error
from lossctl.evaluation.findings import reduced_by, with_error
from lossctl.evaluation.reduce import reduce
from lossctl.evaluation.slice_order import presented
from lossctl.inference.interval import t_interval, welch_df
from lossctl.inference.multiplicity import benjamini_hochberg, holm
from lossctl.inference.student import two_sided

if TYPE_CHECKING:
    from lossctl.audit.clusters import SliceError
    from lossctl.audit.moments import LossPartial
    from lossctl.evaluation.by import By
    from lossctl.evaluation.result import LossResult
    from lossctl.evaluation.run import Evaluation
    from lossctl.evaluation.slices import SlicePart

CORRECTIONS = {"holm": holm, "bh": benjamini_hochberg}
FIELDS = ("value", "sum", "count", "weight_sum", "denominator", "stderr", "min", "max")
Statistics = Callable[["LossResult", "LossPartial", Any, Any, int], dict[str, Any]]


class Difference(NamedTuple):
    """A slice's value less that of the rest."""

    value: float
    stderr: float | None
    df: float | None


def slices_of(evaluation: Evaluation, loss: int, statistics: Statistics) -> list[dict[str, Any]]:
    """A loss's slices, those of each --by in the order of their keys.

    Args:
        evaluation: a finished pass.
        loss: which of the call's.
        statistics: gives what else was asked for, of a value with its rows' sums, spread and replicates by code.
    """
    job, parts = evaluation.plan.job, evaluation.partial.parts["slices"]
    return [
        entry
        for by, part in zip(job.slices, parts.each, strict=True)  # type: ignore[attr-defined]
        for entry in _slices(evaluation, loss, by, part, statistics)
    ]


def _slices(evaluation: Evaluation, loss: int, by: By, part: SlicePart, statistics: Statistics) -> list[dict[str, Any]]:
    job, total = evaluation.plan.job, evaluation.partial.losses[loss]
    errors = _cluster_errors(evaluation, loss, by)
    entries, differences = [], []
    places = {key: place for place, key in enumerate(part.keys)}
    for key, shown in presented(by, part.keys):
        place = places[key]
        cells = tuple(sums.moment(place) for sums in part.sums[loss])
        rest = tuple(whole.minus(own) for whole, own in zip(total, cells, strict=True))
        entry, other = (_reduced(evaluation, loss, some) for some in (cells, rest))
        error = errors.get(key) if errors is not None else None
        if errors is not None:
            entry = with_error(entry, _own(error))
        more = statistics(entry, cells[-1], part.spreads[loss], part.replicates[loss], place)
        entries.append({"by": shown, "slicing": str(by), **{name: getattr(entry, name) for name in FIELDS}, **more})
        differences.append(difference(entry, other) if errors is None else _of_clusters(entry, other, error))
    return _with_differences(entries, differences, job.audit.level, job.audit.correction)


def _cluster_errors(evaluation: Evaluation, loss: int, by: By) -> dict[Any, SliceError] | None:
    """How sure each slice is by its clusters; None where the rows stand alone."""
    clusters: Any = evaluation.partial.parts.get("clusters")
    job = evaluation.plan.job
    if clusters is None or job.losses[loss].core.loss.parts:
        return None
    ours, outputs = reduced_by(job.losses[loss], evaluation.request.reduction)
    found: dict[Any, SliceError] = clusters.slices(job.slices.index(by), loss, ours, outputs, len(by.parts))
    return found


def _own(error: SliceError | None) -> Error | None:
    if error is None or error.stderr is None:
        return None
    return Error(error.stderr, error.clusters - 1)


def _of_clusters(entry: LossResult, rest: LossResult, error: SliceError | None) -> Difference | None:
    """How a slice differs from the rest where clusters may have rows in both."""
    if not rest.count:
        return None
    value = entry.value - rest.value
    if error is None or error.difference_stderr is None:
        return Difference(value, None, None)
    return Difference(value, error.difference_stderr, error.difference_clusters - 1)


def _reduced(evaluation: Evaluation, loss: int, cells: tuple[LossPartial, ...]) -> LossResult:
    job = evaluation.plan.job
    return reduce(job.losses[loss], cells, evaluation.request.reduction, "nan", "weights" in job.columns)


def difference(entry: LossResult, rest: LossResult) -> Difference | None:
    """How a slice differs from the rest, whose rows are others; None where there is no rest."""
    if not rest.count:
        return None
    value = entry.value - rest.value
    if entry.stderr is None or rest.stderr is None or entry.df is None or rest.df is None:
        return Difference(value, None, None)
    stderr = (entry.stderr**2 + rest.stderr**2) ** 0.5
    return Difference(value, stderr, welch_df(entry.stderr, entry.df, rest.stderr, rest.df))


def _with_differences(
    entries: list[dict[str, Any]], differences: Sequence[Difference | None], level: float, correction: str
) -> list[dict[str, Any]]:
    """The slices with their differences, whose p-values are corrected for how many there are."""
    p = [_p(one) for one in differences]
    for entry, one, alone, among in zip(entries, differences, p, CORRECTIONS[correction](p), strict=True):
        if one is None:
            entry["difference"] = None
            continue
        bounds: tuple[float | None, float | None] = (None, None)
        if one.stderr is not None and one.df is not None:
            bounds = t_interval(one.value, one.stderr, one.df, level)
        said = {"value": one.value, "stderr": one.stderr, "low": bounds[0], "high": bounds[1]}
        entry["difference"] = {**said, "p": alone, "p_adjusted": among, "correction": correction}
    return entries


def _p(one: Difference | None) -> float | None:
    """Welch's test; None where there is no spread to hold a difference against."""
    if one is None or not one.stderr or one.df is None or not one.df > 0:
        return None
    return two_sided(one.value / one.stderr, one.df)
