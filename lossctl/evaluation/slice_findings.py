"""Slices with the statistics of a loss, and how each differs from the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lossctl.audit import student
from lossctl.audit.adjusted import adjusted
from lossctl.evaluation.findings import interval_words, reduced_by
from lossctl.evaluation.reduce import reduce, unit_of
from lossctl.evaluation.slice_numbers import Numbers, Reduced, numbers
from lossctl.evaluation.slice_order import ordered
from lossctl.evaluation.sliced import Differences, Extras, SliceTable, SliceTables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lossctl.audit.clusters import SliceError
    from lossctl.evaluation.by import By
    from lossctl.evaluation.result import LossResult
    from lossctl.evaluation.run import Evaluation
    from lossctl.evaluation.slices import SlicePart
    from lossctl.evaluation.slicing import Key

    Floats: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float64]]"


def slices_of(evaluation: Evaluation, loss: int) -> SliceTables:
    """A loss's slices, those of each --by in the order of their keys.

    Args:
        evaluation: a finished pass.
        loss: which of the call's.
    """
    parts: Any = evaluation.partial.parts["slices"]
    bys = evaluation.plan.job.slices
    return SliceTables([_table(evaluation, loss, by, part) for by, part in zip(bys, parts.each, strict=True)])


def _table(evaluation: Evaluation, loss: int, by: By, part: SlicePart) -> SliceTable:
    job, request = evaluation.plan.job, evaluation.request
    settled, audit, keys = job.losses[loss], job.audit, part.keys
    order = ordered(by, keys)
    found = _numbers(evaluation, loss, part, order.places)
    errors = _cluster_errors(evaluation, loss, by)
    if errors is None:
        clusters, sure = None, _of_rows(found)
    else:
        own = [errors.get(keys[place]) for place in order.places]
        found, clusters = _by_cluster(found, own)
        sure = _of_clusters(own)
    bounds = student.t_intervals(found.own.value, found.own.stderr, found.own.df, audit.level)
    ours, _ = reduced_by(settled, request.reduction)
    ci = {"level": audit.level, "method": interval_words(unit_of(settled, ours, _weighted(evaluation)), clusters)}
    spread, drawn = part.spreads[loss], part.replicates[loss]
    wanted = spread is not None or drawn is not None
    extras = Extras(settled, request.reduction, audit, part.sums[loss][-1], spread, drawn) if wanted else None
    differences = _differences(found, *sure, audit.level, audit.correction)
    return SliceTable(str(by), order, keys, found, ci, bounds, clusters, differences, audit.correction, extras)


def _weighted(evaluation: Evaluation) -> bool:
    return "weights" in evaluation.plan.job.columns


def _numbers(evaluation: Evaluation, loss: int, part: SlicePart, places: Sequence[int]) -> Numbers:
    settled, total = evaluation.plan.job.losses[loss], evaluation.partial.losses[loss]
    if not settled.core.loss.parts:
        ours, _ = reduced_by(settled, evaluation.request.reduction)
        return numbers(settled, ours, part.sums[loss], total, places)
    pairs = []
    for place in places:
        cells = tuple(sums.moment(place) for sums in part.sums[loss])
        rest = tuple(whole.minus(own) for whole, own in zip(total, cells, strict=True))
        weighted = _weighted(evaluation)
        pairs.append([reduce(settled, some, evaluation.request.reduction, "nan", weighted) for some in (cells, rest)])
    own, others = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    nothing = np.full(len(own), np.nan)
    total_of, weight_of = (np.array([getattr(one, name) for one in own]) for name in ("sum", "weight_sum"))
    return Numbers(_reduced(own), _reduced(others), total_of, weight_of, None, nothing, nothing)


def _reduced(results: Sequence[LossResult]) -> Reduced:
    """Of losses of the whole file, which have no standard error."""
    nothing = np.full(len(results), np.nan)
    count = np.array([one.count for one in results], np.int64)
    return Reduced(np.array([one.value for one in results]), count, nothing, nothing)


def _cluster_errors(evaluation: Evaluation, loss: int, by: By) -> dict[Key, SliceError] | None:
    """How sure each slice is by its clusters; None where the rows stand alone."""
    clusters: Any = evaluation.partial.parts.get("clusters")
    job = evaluation.plan.job
    if clusters is None or job.losses[loss].core.loss.parts:
        return None
    ours, outputs = reduced_by(job.losses[loss], evaluation.request.reduction)
    found: dict[Key, SliceError] = clusters.slices(job.slices.index(by), loss, ours, outputs, len(by.parts))
    return found


def _by_cluster(found: Numbers, errors: Sequence[SliceError | None]) -> tuple[Numbers, np.ndarray]:
    """The numbers with the errors of clusters, and how many of these each slice has."""
    stderr = np.array([np.nan if one is None or one.stderr is None else one.stderr for one in errors])
    clusters = np.array([0 if one is None else one.clusters for one in errors], np.int64)
    df = np.where(np.isnan(stderr), np.nan, clusters - 1.0)
    return found._replace(own=found.own._replace(stderr=stderr, df=df)), clusters


def _of_clusters(errors: Sequence[SliceError | None]) -> tuple[Floats, Floats]:
    """The errors of differences and their df, where clusters may have rows in a slice and in the rest."""
    sure = [None if one is None or one.difference_stderr is None else one for one in errors]
    stderr = [np.nan if one is None or one.difference_stderr is None else one.difference_stderr for one in sure]
    df = [np.nan if one is None else one.difference_clusters - 1.0 for one in sure]
    return np.array(stderr), np.array(df)


def _of_rows(found: Numbers) -> tuple[Floats, Floats]:
    """The errors of differences and their df, where a slice's rows and the rest are apart (Welch)."""
    own, rest = found.own, found.rest
    # in units of a power of 2, so that no square is out of the floats
    unit = np.frexp(np.fmax(own.stderr, rest.stderr))[1]
    a, b = np.ldexp(own.stderr, -unit), np.ldexp(rest.stderr, -unit)
    stderr = np.ldexp(np.sqrt(a * a + b * b), unit)
    return stderr, student.welch_dfs(own.stderr, own.df, rest.stderr, rest.df)


def _differences(found: Numbers, stderr: Floats, df: Floats, level: float, correction: str) -> Differences:
    """How slices differ from the rest, with p-values that are corrected for how many there are."""
    there = found.rest.rows > 0
    with np.errstate(invalid="ignore"):
        value = found.own.value - found.rest.value
    stderr = np.where(there, stderr, np.nan)
    low, high = student.t_intervals(value, stderr, df, level)
    # without a spread there is nothing to hold a difference against
    tested = (stderr > 0.0) & (df > 0.0)
    p = np.full(len(value), np.nan)
    with np.errstate(over="ignore"):
        p[tested] = student.two_sided(value[tested] / stderr[tested], df[tested])
    return Differences(there, value, stderr, low, high, tested, p, adjusted(p, correction))
