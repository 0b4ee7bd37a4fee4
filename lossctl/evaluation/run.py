"""A request to its result: plan, run the units, merge, refuse or reduce."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce as fold
from typing import TYPE_CHECKING, NamedTuple

from lossctl import timing
from lossctl.audit.moments import LossPartial
from lossctl.errors import DataError, GateError, LossctlError, UsageError
from lossctl.evaluation.auditing import looked_ahead
from lossctl.evaluation.complaint import refuse_bad_rows, warnings_for
from lossctl.evaluation.evidence import Evidence
from lossctl.evaluation.executors import Executor, executor_for
from lossctl.evaluation.findings import of_call, with_findings
from lossctl.evaluation.opening import open_all
from lossctl.evaluation.partial import Partial
from lossctl.evaluation.plan import Plan, plan, with_text
from lossctl.evaluation.reduce import reduce
from lossctl.evaluation.request import Job, Request
from lossctl.evaluation.result import InputFile, LossResult, Report, RowAccount
from lossctl.evaluation.rows import LossRows, sometimes_text, with_texts
from lossctl.evaluation.work import evaluate_unit, unit_rows
from lossctl.readers.source import Source, within

if TYPE_CHECKING:
    from lossctl.readers.aligned import JoinAccount


class Evaluation(NamedTuple):
    """A finished pass over the files: what was asked, how it was planned and what was added up."""

    request: Request
    plan: Plan
    partial: Partial

    @property
    def rows_are_there(self) -> bool:
        """Whether there are files to look at again: not where partials were put together."""
        from lossctl.evaluation.recorded import Recorded

        return not any(isinstance(source, Recorded) for source in self.plan.job.sources)

    def report(self) -> Report:
        """The partial reduced to one value a loss; without values for the reduction "none".

        Raises:
            DataError: a zero denominator, where the request does not say what that gives.
        """
        job, partial = self.plan.job, self.partial
        results: tuple[LossResult, ...] = ()
        if self.request.reduction != "none":
            with no_match_said(partial):
                results = tuple(
                    reduce(settled, cells, self.request.reduction, self.request.on_empty, "weights" in job.columns)
                    for settled, cells in zip(job.losses, partial.losses, strict=True)
                )
        if self.request.across:
            from lossctl.catalogue.kinship import differences

            first = job.losses[0].core
            results = tuple(
                replace(entry, differs=(*differences(first, loss.core), *loss.asked.loss.notes))
                for entry, loss in zip(results, job.losses, strict=True)
            )
        results = with_findings(self, results)
        warned = warnings_for(job, partial, results)
        where, shapes = joined(self.request.where), self.request.shapes
        join = None if self.request.join is None else join_account(job)
        evidence = Evidence(self.request, job, partial.digest, results)
        rows, read = account(partial), inputs(job, partial)
        more = of_call(job, partial)
        return Report(read, columns(job), rows, warned, results, shapes, where, join, more, evidence=evidence)


@contextmanager
def no_match_said(partial: Partial) -> Iterator[None]:
    """An error for want of rows says that the filter let none through."""
    try:
        yield
    except DataError as error:
        if partial.read or not partial.filtered:
            raise
        raise DataError(f"0 of {partial.filtered:,} rows match --where. {error}") from None


def joined(where: Sequence[str]) -> str | None:
    """Several filters as one."""
    return " and ".join(where if len(where) < 2 else [f"({text})" for text in where]) or None


def prepare(request: Request, sources: tuple[Source, ...] | None = None) -> Plan:
    """The plan of a request, with every `auto` settled.

    Args:
        request: what was asked.
        sources: its inputs, where they are open already.

    Raises:
        DataError, UsageError: as `plan`.
    """
    made = plan(request, sources)
    if any(loss.core.open_options for loss in made.job.losses):
        from lossctl.evaluation.ahead import settled

        made = made._replace(job=settled(made.job, made.units, request.threads))
    return looked_ahead(made, request)


def run(request: Request, executor: Executor | None = None) -> Evaluation:
    """Run a request to the merged partial, with every row judged.

    Args:
        request: what was asked.
        executor: where the units run; threads where none is given.

    Raises:
        DataError: a file or a row that cannot be used.
        UsageError: names, columns or options that do not fit.
        GateError: more rows were dropped than --max-dropped allows.
    """
    return run_all([request], executor)[0]


@contextmanager
def named(name: str) -> Iterator[None]:
    """Errors begin with whose they are; an empty name says nothing."""
    try:
        yield
    except LossctlError as error:
        raise type(error)(f"{name}: {error}" if name else str(error)) from error


def run_all(
    requests: Sequence[Request], executor: Executor | None = None, names: Sequence[str] | None = None
) -> tuple[Evaluation, ...]:
    """Run requests over the same files in one pass: a block is read once for all of them.

    Args:
        requests: their files, and how these are read, are the first one's.
        executor: as in `run`.
        names: what errors call each request.

    Raises:
        DataError, UsageError, GateError: as `run`; of the first request that fails.
    """
    sources = open_all(requests)
    names = names or [""] * len(requests)
    plans = shared([_prepared(request, sources, name) for request, name in zip(requests, names, strict=True)])
    timing.ended("open")
    return _finished(requests, plans, executor, names)


def _finished(
    requests: Sequence[Request], plans: Sequence[Plan], executor: Executor | None, names: Sequence[str]
) -> tuple[Evaluation, ...]:
    jobs, units = tuple(made.job for made in plans), plans[0].units
    runner = executor or executor_for(requests[0].threads)
    nothing = tuple(map(empty, jobs))
    partials = fold(merged, runner.run(evaluate_unit, jobs, units), nothing)
    timing.ended("rows")
    return tuple(map(_judged, requests, plans, partials, names))


def _prepared(request: Request, sources: tuple[Source, ...], name: str) -> Plan:
    with named(name):
        return prepare(request, sources)


def run_batch(request: Request) -> Evaluation:
    """Run a request over some of the rows only, whose partial is to be merged with others'.

    Raises:
        DataError, UsageError: as `run`; or a loss hangs on all rows at once.
    """
    made = plan(request)
    for one in made.job.losses:
        if one.core.open_options:
            raise UsageError(f"{one} hangs on all rows at once, so that no sums by batches give it")
    return _finished([request], [made], None, [""])[0]


def shared(plans: Sequence[Plan]) -> list[Plan]:
    """The plans with one set of sources: what one reads as text, all do."""
    texts = tuple(dict.fromkeys(name for made in plans for name in made.as_text))
    sources = with_text(plans[0].job.sources, texts)
    return [made._replace(job=made.job._replace(sources=sources)) for made in plans]


def merged(some: tuple[Partial, ...], more: tuple[Partial, ...]) -> tuple[Partial, ...]:
    """The partials of several jobs, each with the other's of its job."""
    return tuple(map(Partial.merge, some, more))


def _judged(request: Request, made: Plan, partial: Partial, name: str) -> Evaluation:
    with named(name):
        if request.on_bad == "error":
            refuse_bad_rows(made.job, partial)
        check_max_dropped(request, partial)
    return Evaluation(request, made, partial)


def empty(job: Job) -> Partial:
    """What a job gives without units."""
    return Partial(losses=tuple((LossPartial(),) * settled.sums for settled in job.losses))


def check_max_dropped(request: Request, partial: Partial) -> None:
    """Raise if more rows were dropped than the request allows.

    Raises:
        GateError: with the counts.
    """
    limit = request.max_dropped
    if limit is None:
        return
    dropped = sum(partial.bad.values())
    most = limit * partial.read if isinstance(limit, float) else limit
    if dropped > most:
        allowed = f"{limit:.6g} of {partial.read} rows" if isinstance(limit, float) else f"{limit} rows"
        raise GateError(f"{dropped} rows were dropped, --max-dropped allows {allowed}")


def account(partial: Partial) -> RowAccount:
    """The row account of a partial."""
    return RowAccount(partial.read, partial.used, dict(sorted(partial.bad.items())), partial.filtered)


def inputs(job: Job, partial: Partial) -> tuple[InputFile, ...]:
    """The files with the rows that were read of each."""
    rows = [0] * len(job.sources)
    for (file, _), count in partial.unit_rows.items():
        rows[file] += count
    return tuple(InputFile(s.path, s.format, n) for s, n in zip(job.sources, rows, strict=True))


def columns(job: Job) -> dict[str, tuple[str, ...] | None]:
    """Role to columns; None for weights that there are none of."""
    chosen = {role: names for role, names in job.columns.items() if role != "pair"}
    return {**chosen, "weights": job.columns.get("weights")}


def join_account(job: Job) -> JoinAccount | None:
    """What the join of labels from elsewhere came to; None where there was none."""
    from lossctl.readers.aligned import WithLabels

    joined = within(job.sources[0], WithLabels)
    return None if joined is None else joined.account


def evaluate_rows(request: Request, made: Plan) -> Iterator[LossRows]:
    """A request's unreduced losses, in file order; rows that a check stopped are left out unless they are kept."""
    first: dict[int, int] = {}
    texts = [name for name in request.ids if sometimes_text(made.job.sources, name)]
    for unit in made.units:
        start = first.get(unit.file, 1)
        for covered, losses in unit_rows(made.job, unit, start, request.ids):
            first[unit.file] = first.get(unit.file, 1) + covered
            if losses is not None:
                yield with_texts(losses, texts)
