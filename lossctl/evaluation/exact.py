"""Quantiles of the rows' losses to the bit: further looks at the files, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lossctl.evaluation.executors import executor_for
from lossctl.evaluation.frames import loss_rows
from lossctl.evaluation.pooled import pooled_rows
from lossctl.evaluation.quantile import exact_quantiles
from lossctl.evaluation.work import buffers, judged_blocks, left_out

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
    for judged in judged_blocks(job, unit):
        if not judged.block.rows:
            continue
        if settled.pooled:
            values, weights, _ = pooled_rows(settled, judged, job.one_hot, None)
        else:
            values = loss_rows(settled.core, judged.block, job.one_hot, buffers(), "values")
            weights = judged.weights_of(settled, None)
        out = [one for one in (judged.skipped, left_out(settled, judged)) if one is not None]
        if out:
            kept = np.flatnonzero(~np.any(out, axis=0))
            values, weights = values[kept], None if weights is None else weights[kept]
        yield values, weights
