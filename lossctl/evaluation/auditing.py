"""What an audit needs before the pass over the rows: what is refused, what is read as text, what a look ahead tells."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING

from lossctl.audit.asked import Audit
from lossctl.errors import UsageError, said_of
from lossctl.evaluation.executors import executor_for
from lossctl.readers.roles import select

if TYPE_CHECKING:
    from fractions import Fraction

    from lossctl.evaluation.plan import Plan
    from lossctl.evaluation.request import Request
    from lossctl.evaluation.settled import Settled
    from lossctl.evaluation.slice_edges import Pairs
    from lossctl.readers.source import Source


def check_columns(request: Request, sources: Sequence[Source]) -> None:
    """Refuse columns that are not there, or have no slices.

    Raises:
        UsageError: naming the file, the flag and the column.
    """
    for source in sources:
        columns = source.columns()
        for flag, names in (("--id", request.ids), ("--cluster", request.audit.cluster)):
            for name in names:
                with said_of(source.path):
                    select(name, columns, flag)
        if request.audit.by:
            from lossctl.evaluation.by import check, parse_all

            check(parse_all(request.audit.by), columns, source.path)


def as_text(request: Request, taken: Collection[str]) -> tuple[str, ...]:
    """The columns that are names, whatever they look like; those that are `taken` are read as numbers anyway."""
    names = (*request.ids, *request.audit.cluster)
    if not request.audit.by:
        return names
    from lossctl.evaluation import by

    return (*names, *by.as_text(by.parse_all(request.audit.by), taken))


def refuse_unfit(losses: Sequence[Settled], request: Request) -> None:
    """Refuse an audit of what has no rows, or no one value.

    Raises:
        UsageError: naming what does not go together.
    """
    audit = request.audit
    if request.reduction == "none" and audit._replace(level=0.0) != Audit(level=0.0):
        raise UsageError("--reduction none writes a loss a row; intervals, slices and the like go with one value")
    whole = [settled for settled in losses if settled.core.loss.parts]
    drawn = audit.bootstrap and not _resamples(whole)
    rows = {"--worst": audit.worst, "--best": audit.best, "--bootstrap": drawn, "--hist": audit.histogram}
    said = next((flag for flag, wanted in rows.items() if wanted), None)
    if said is not None and len(whole) == len(losses):
        raise UsageError(f"{whole[0]} is one number of the whole file and has no value a row, so no {said}")


def _resamples(whole: Sequence[Settled]) -> bool:
    """Whether any loss of the whole file can be made anew in each replicate."""
    from lossctl.evaluation.resampled import resamples

    return any(map(resamples, whole))


def looked_ahead(made: Plan, request: Request) -> Plan:
    """The plan with what hangs on all rows: the edges of bins, and where units begin.

    Raises:
        UsageError: a calibration or decomposition that no loss of the call allows.
        DataError: a column that holds no numbers to cut by.
    """
    audit = request.audit
    if audit.calibration or audit.decompose:
        from lossctl.evaluation import reliable

        reliable.refuse_unfit(made.job)
    if audit.by:
        made = _sliced(made, request)
    if audit.bootstrap and not (audit.cluster or request.ids):
        from lossctl.evaluation.positions import starts

        made = made._replace(job=made.job._replace(starts=starts(made.job, made.units, request.threads)))
    return made


def _sliced(made: Plan, request: Request) -> Plan:
    from lossctl.evaluation.by import parse_all

    bys = parse_all(request.audit.by)
    if not any(by.open for by in bys):
        return made._replace(job=made.job._replace(slices=bys))
    from lossctl.evaluation.quantile import middle_quantiles
    from lossctl.evaluation.slice_edges import settle

    run = partial(executor_for(request.threads).run, job=made.job, units=made.units)

    def quantiles(pairs: Pairs, levels: Sequence[Fraction]) -> Sequence[float]:
        return middle_quantiles(run, pairs, levels)

    bys = settle(bys, made.job.sources, quantiles)
    return made._replace(job=made.job._replace(slices=bys))
