"""What the audit makes of a merged partial: intervals and the rest, by their names in the JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lossctl.catalogue.reductions import meaning
from lossctl.evaluation.clip import ClipPart, can_clip
from lossctl.evaluation.reduce import reduce, summarised
from lossctl.inference.interval import percentile_interval, t_interval

if TYPE_CHECKING:
    from lossctl.audit.asked import Audit
    from lossctl.audit.error import Error
    from lossctl.audit.moments import LossPartial
    from lossctl.audit.replicates import Replicates
    from lossctl.audit.spread import SpreadPart
    from lossctl.evaluation.partial import Partial
    from lossctl.evaluation.request import Job
    from lossctl.evaluation.result import LossResult
    from lossctl.evaluation.run import Evaluation
    from lossctl.evaluation.settled import Settled

# of the rows, whose share of the loss is told
WORST = 0.01


def with_findings(evaluation: Evaluation, results: tuple[LossResult, ...]) -> tuple[LossResult, ...]:
    """The results with what else was asked of them."""
    found = tuple(_found(evaluation, i, entry) for i, entry in enumerate(results))
    if not evaluation.plan.job.audit.decompose:
        return found
    from lossctl.evaluation.reliable import decompositions

    split = decompositions(evaluation.plan.job, evaluation.partial)
    return tuple(
        replace(entry, more={**entry.more, "decomposition": one}) for entry, one in zip(found, split, strict=True)
    )


def of_call(job: Job, partial: Partial) -> dict[str, Any]:
    """What was found of the call as a whole."""
    if not job.audit.calibration:
        return {}
    from lossctl.evaluation.reliable import calibration

    return calibration(job, partial)


def _found(evaluation: Evaluation, loss: int, entry: LossResult) -> LossResult:
    job, partial = evaluation.plan.job, evaluation.partial
    settled, audit = job.losses[loss], job.audit

    drawn: Any = partial.parts.get("bootstrap")
    spread: Any = partial.parts.get("distribution")
    clusters: Any = partial.parts.get("clusters")
    if clusters is not None and not settled.core.loss.parts:
        entry = with_error(entry, clusters.error(loss, *reduced_by(settled, evaluation.request.reduction)))
    found: dict[str, Any] = {}
    if drawn is not None and drawn.losses[loss] is not None:
        rows = partial.losses[loss][-1].rows
        values, method = replicated(drawn.losses[loss], 0, settled, evaluation.request.reduction, audit, rows)
        found["bootstrap"] = bootstrap(values, audit, method)
    if drawn is not None and drawn.cells and drawn.cells[loss]:
        found["bootstrap"] = bootstrap(remade(settled, drawn.cells[loss]), audit)
    if spread is not None and spread.losses[loss] is not None:
        found |= distribution(spread.losses[loss].of(0), partial.losses[loss][-1], audit)
    clips: Any = partial.parts.get("clips")
    if clips is not None and can_clip(settled):
        found["clip"] = clip(evaluation, loss, clips.losses[loss])
    slices: Sequence[Mapping[str, Any]] = ()
    if job.slices:
        from lossctl.evaluation.slice_findings import slices_of

        slices = slices_of(evaluation, loss)
    if audit.worst or audit.best:
        found |= _extremes(evaluation, loss)
    if audit.exact_quantiles and audit.levels and not settled.core.loss.parts and evaluation.rows_are_there:
        from lossctl.evaluation.exact import exactly

        told = dict(zip(map(repr, audit.levels), exactly(evaluation, loss), strict=True))
        found["quantiles"] = {"method": "exact", "values": told}
    return replace(entry, ci=interval(entry, audit.level), more=found, slices=slices)


def clip(evaluation: Evaluation, loss: int, part: ClipPart) -> dict[str, Any]:
    """What the guard did, and the values at others."""
    settled, cells = evaluation.plan.job.losses[loss], evaluation.partial.losses[loss]
    weighted = "weights" in evaluation.plan.job.columns

    def value(own: LossPartial) -> float:
        return reduce(settled, (own, *cells[1:]), evaluation.request.reduction, "nan", weighted).value

    return part.to_dict(settled, cells[0], value)


def interval(entry: LossResult, level: float) -> Mapping[str, Any] | None:
    """The confidence interval of a value with a standard error; None without one."""
    if entry.stderr is None or entry.df is None:
        return None
    low, high = t_interval(entry.value, entry.stderr, entry.df, level)
    found = {"level": level, "low": low, "high": high, "method": interval_words(entry.denominator_name, entry.clusters)}
    return found if entry.clusters is None else {**found, "clusters": entry.clusters}


def interval_words(denominator: str, clusters: object) -> str:
    """How an interval is made, by what the loss is divided by; `clusters` is None where rows stand alone."""
    how = "t, linearised" if denominator.startswith("sum of") else "t"
    return how if clusters is None else f"{how}, by cluster"


def with_error(entry: LossResult, error: Error | None) -> LossResult:
    """The same with the standard error of clusters."""
    if error is None:
        return replace(entry, stderr=None, df=None)
    return replace(entry, stderr=error.stderr, df=error.df, clusters=int(error.df) + 1)


def reduced_by(settled: Settled, reduction: str | None) -> tuple[str, int]:
    """The reduction as ours, and by how much a sum over rows falls short of the sum over a row's outputs."""
    return meaning(settled.asked, reduction)[1], settled.width if settled.elements else 1


def replicated(
    drawn: Replicates, code: int, settled: Settled, reduction: str | None, audit: Audit, rows: int
) -> tuple[list[float], str]:
    """A loss's value in each replicate that has a denominator, and what the interval is called."""
    ours, outputs = reduced_by(settled, reduction)
    many = outputs if ours in ("sum", "batchmean") else 1
    if ours == "sum" and not audit.cluster:
        # a replicate draws about as many rows; the sum is of as many as there are
        ours, many = "sum_over_batch_size", many * rows
    # how many clusters a replicate draws is not known, and makes its sum vary more than that of so many clusters
    method = "percentile, the number of clusters varies" if ours == "sum" else "percentile"
    return [many * value for value in drawn.values(ours, code)], method


def remade(settled: Settled, cells: Sequence[Replicates]) -> list[float]:
    """A loss of the whole file made anew from the sums of each replicate, where these give it a value."""
    every = zip(*(drawn.moments() for drawn in cells), strict=True)
    values = (summarised(settled, sums, "nan").value for sums in every)
    return [value for value in values if not math.isnan(value)]


def bootstrap(values: Sequence[float], audit: Audit, method: str = "percentile") -> dict[str, Any]:
    """The interval and standard error of replicates; null where there are too few."""
    said = {"replicates": len(values), "seed": audit.seed, "level": audit.level, "method": method}
    if len(values) < 2:
        return {**said, "stderr": None, "low": None, "high": None}
    low, high = percentile_interval(values, audit.level)
    return {**said, "stderr": deviation(values), "low": low, "high": high}


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of replicates, in the same bits in any order of them."""
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def distribution(spread: SpreadPart, rows: LossPartial, audit: Audit) -> dict[str, Any]:
    """Quantiles, the share of the worst rows and the histogram, so far as they were asked for."""
    from lossctl.audit.spread import histogram, quantiles, worst_share
    from lossctl.kernels.exactsum import as_float

    found: dict[str, Any] = {}
    if audit.levels:
        values = quantiles(spread, audit.levels, rows.least, rows.most)
        told = dict(zip(map(repr, audit.levels), values, strict=True))
        found["quantiles"] = {"method": "sketch, 0.1 % relative error", "values": told}
    if audit.spread:
        found["worst_share"] = {"rows": WORST, "share": worst_share(spread, WORST, as_float(rows.loss))}
    if audit.histogram:
        shown = histogram(spread, rows.least, rows.most)
        found["histogram"] = None if shown is None else shown.to_dict()
    return found


def _extremes(evaluation: Evaluation, loss: int) -> dict[str, Any]:
    """The rows of the highest and lowest loss, as JSON has them."""
    from lossctl.evaluation.extremes import ADDED, extreme_rows
    from lossctl.evaluation.jsonable import jsonable

    found: dict[str, Any] = {}
    for table in extreme_rows(evaluation, {}, loss):
        own = table.column_names[len(ADDED) :]
        for row in table.to_pylist():
            _, side, rank, value, file, number = (row[one] for one in ADDED)
            columns = {one: jsonable(row[one]) for one in own}
            entry = {"rank": rank, "value": value, "file": file, "row": number, "columns": columns}
            found.setdefault(side, []).append(entry)
    return found
