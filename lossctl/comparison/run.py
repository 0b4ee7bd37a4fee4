"""A comparison to its report: files opened and joined, one job a model, one pass, merged, refused or reduced."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce as fold
from typing import TYPE_CHECKING, NamedTuple

from lossctl import timing
from lossctl.comparison.agreement import refuse_disagreement, refuse_other_shapes
from lossctl.comparison.asked import Comparison, ending
from lossctl.comparison.opening import Opened, open_models
from lossctl.comparison.roles import Cast, casts
from lossctl.comparison.work import Contest, compare_unit
from lossctl.errors import UsageError
from lossctl.evaluation.complaint import refuse_bad_rows
from lossctl.evaluation.executors import Executor, executor_for
from lossctl.evaluation.partial import Partial
from lossctl.evaluation.plan import Plan
from lossctl.evaluation.positions import starts
from lossctl.evaluation.request import Request
from lossctl.evaluation.run import Evaluation, check_max_dropped, empty, merged, named, prepare, shared

if TYPE_CHECKING:
    from lossctl.evaluation.by import By


class Compared(NamedTuple):
    """A finished comparison: what was asked, the files, and each model's evaluation over the rows that all have.

    The baseline's partial holds what the pairs gave.
    """

    contest: Contest
    opened: Opened
    evaluations: tuple[Evaluation, ...]
    casts: tuple[Cast, ...]

    @property
    def asked(self) -> Comparison:
        """What was asked."""
        return self.contest.asked


def compare(asked: Comparison, executor: Executor | None = None) -> Compared:
    """Run a comparison.

    Args:
        asked: what.
        executor: where the units run; threads where none is given.

    Raises:
        DataError: a file or a row that cannot be used, rows that do not match, or labels that differ.
        UsageError: names, columns or options that do not fit.
        GateError: more rows were dropped than allowed.
    """
    opened = open_models(asked)
    found = casts(asked, opened.each, opened.sources[0].columns())
    plans, slices = _planned(asked, opened, found)
    own = tuple(cast.own_labels for cast in found)
    contest = Contest(asked, tuple(made.job for made in plans), own, slices)
    refuse_other_shapes(contest.jobs, own, asked.names, contest.translated)
    timing.ended("open")
    runner = executor or executor_for(asked.request.threads)
    nothing = tuple(map(empty, contest.jobs))
    partials = fold(merged, runner.run(compare_unit, contest, plans[0].units), nothing)
    timing.ended("rows")
    _refuse(asked, plans[0], partials[0])
    evaluations = tuple(
        Evaluation(_of_model(asked, k, found[k]), made, partial)
        for k, (made, partial) in enumerate(zip(plans, partials, strict=True))
    )
    return Compared(contest, opened, evaluations, tuple(found))


def _of_model(asked: Comparison, k: int, cast: Cast) -> Request:
    """What is asked of one model."""
    request = asked.request
    audit = request.audit if k == 0 else request.audit._replace(by=())
    return request._replace(roles=cast.roles, behind=ending(asked.names[k]) if k else "", audit=audit)


def _planned(asked: Comparison, opened: Opened, found: Sequence[Cast]) -> tuple[list[Plan], tuple[By, ...]]:
    """A plan for each model, and what the differences are sliced by."""
    plans = []
    for k, cast in enumerate(found):
        with named(asked.names[k]):
            plans.append(prepare(_of_model(asked, k, cast), opened.sources))
    plans = shared(plans)
    if asked.request.on_bad == "drop":
        _refuse_looks_ahead(plans)
    job, slices = plans[0].job._replace(slices=()), plans[0].job.slices
    if Contest(asked, (job,), ()).draws and not (job.audit.cluster or job.ids):
        job = job._replace(starts=starts(job, plans[0].units, asked.request.threads))
    return [plans[0]._replace(job=job), *plans[1:]], slices


def _refuse_looks_ahead(plans: Sequence[Plan]) -> None:
    for settled in plans[0].job.losses:
        if any(option.param.ahead for option in settled.core.loss.options):
            raise UsageError(
                f"{settled} hangs on all rows at once, and with --on-bad drop it is known too late which rows are left "
                f"out for all models; clean the files first"
            )


def _refuse(asked: Comparison, made: Plan, partial: Partial) -> None:
    """Raise for rows that cannot be used, and for labels that differ."""
    if asked.request.on_bad == "error":
        refuse_bad_rows(made.job, partial)
    refuse_disagreement(partial, asked.names, [source.path for source in made.job.sources])
    check_max_dropped(asked.request, partial)
