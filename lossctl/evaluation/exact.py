"""Quantiles of the rows' losses to the bit: further looks at the files, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from lossctl.evaluation.executors import executor_for
from lossctl.evaluation.pooled import pooled_rows
from lossctl.evaluation.quantile import exact_quantiles, kept_rows, losses_of
from lossctl.evaluation.work import judged_blocks, left_out

if TYPE_CHECKING:
    from lossctl.audit.rows import Floats
    from lossctl.evaluation.request import Job
    from lossctl.evaluation.run import Evaluation
    from lossctl.readers.source import Unit


def exactly(evaluation: Evaluation, loss: int) -> tuple[float, ...]:
    """The quantiles that a call asks for, of one of its losses: each the least value with at least that much of the
    weight at or below it."""
    made = evaluation.plan
    run = partial(executor_for(evaluation.request.threads).run, job=made.job, units=made.units)
    return exact_quantiles(run, partial(_rows, loss=loss), made.job.audit.levels)


def _rows(job: Job, unit: Unit, loss: int) -> Iterator[tuple[Floats, Floats | None]]:
    """A unit's rows that count: their losses and weights."""
    settled = job.losses[loss]
    if not settled.pooled:
        yield from losses_of(job, unit, settled, settled.cells[0])
        return
    for judged in judged_blocks(job, unit):
        if judged.block.rows:
            values, weights, _ = pooled_rows(settled, judged, job.one_hot, None)
            kept = kept_rows((judged.skipped, left_out(settled, judged)))
            yield values[kept], None if weights is None else weights[kept]
