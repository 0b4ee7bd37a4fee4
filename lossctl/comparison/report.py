"""A finished comparison as a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lossctl.comparison.evidence import Evidence
from lossctl.comparison.findings import findings, unpaired
from lossctl.comparison.result import ComparisonReport, ModelColumns, ModelFile, ModelResult
from lossctl.comparison.run import Compared
from lossctl.evaluation.complaint import warnings_for
from lossctl.evaluation.findings import with_findings
from lossctl.evaluation.reduce import reduce
from lossctl.evaluation.result import LossResult, Warned
from lossctl.evaluation.run import Evaluation, account, columns, inputs, joined, no_match_said


def report(compared: Compared) -> ComparisonReport:
    """The report.

    Raises:
        DataError: a zero denominator, where the request does not say what that gives.
    """
    evaluations, asked = compared.evaluations, compared.asked
    with no_match_said(evaluations[0].partial):
        each = [_reduced(one) for one in evaluations]
    results = []
    for i, baseline in enumerate(each[0]):
        for k, name in enumerate(asked.names):
            found = _found(compared, k, i, each[k][i].value, baseline.value) if k else {}
            results.append(ModelResult(each[k][i], name, asked.names[0], baseline.value, found))
    return ComparisonReport(
        tuple(_files(compared)),
        tuple(ModelColumns(name, columns(one.plan.job)) for name, one in zip(asked.names, evaluations, strict=True)),
        account(evaluations[0].partial),
        compared.opened.joins,
        tuple(_warnings(compared, each)),
        tuple(results),
        asked.higher_is_better,
        joined(asked.request.where),
        asked.request.shapes,
        evidence=Evidence(compared, each[0]),
    )


def _found(compared: Compared, k: int, i: int, value: float, baseline_value: float) -> Mapping[str, Any]:
    if compared.contest.paired[i]:
        return findings(compared, k, i)
    return unpaired(value, baseline_value, compared.asked.request.audit.level)


def _reduced(evaluation: Evaluation) -> tuple[LossResult, ...]:
    job, request = evaluation.plan.job, evaluation.request
    found = (
        reduce(settled, cells, request.reduction, request.on_empty, "weights" in job.columns)
        for settled, cells in zip(job.losses, evaluation.partial.losses, strict=True)
    )
    return with_findings(evaluation, tuple(found))


def _files(compared: Compared) -> Iterator[ModelFile]:
    names, first = compared.asked.names, compared.evaluations[0]
    for one in inputs(first.plan.job, first.partial):
        yield ModelFile(*one, names[0])
    for name, own, join in zip(names[1:], compared.opened.each[1:], compared.opened.joins, strict=True):
        for source in own:
            yield ModelFile(source.path, source.format, join.rows if len(own) == 1 else source.rows, name)


def _warnings(compared: Compared, results: list[tuple[LossResult, ...]]) -> Iterator[Warned]:
    """Of every model; what is of the files alone is said once."""
    told = set()
    for name, one, found in zip(compared.asked.names, compared.evaluations, results, strict=True):
        for warned in warnings_for(one.plan.job, one.partial, found):
            alone = warned.code == "decimal_comma"
            said = warned if alone else replace(warned, message=f"{name}: {warned.message}")
            if said not in told:
                told.add(said)
                yield said
