"""Arguments that hang on all rows: found by a look at the data before the losses are computed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial

import numpy as np

from lossctl.catalogue.declare import Gathered, Option, Quantile, Value
from lossctl.catalogue.spec import ENCODING
from lossctl.evaluation.checks import values_of
from lossctl.evaluation.executors import Executor, executor_for
from lossctl.evaluation.frames import Bounds, scan_rows
from lossctl.evaluation.quantile import quantile
from lossctl.evaluation.request import Job
from lossctl.evaluation.settled import Cell, Settled
from lossctl.evaluation.work import buffers, judged_blocks, laid, left_out
from lossctl.readers.block import Columns
from lossctl.readers.source import Unit


def settled(job: Job, units: Iterable[Unit], threads: int) -> Job:
    """The job with every argument that hangs on the data filled in."""
    executor = executor_for(threads)
    return job._replace(losses=tuple(_filled(job, units, executor, loss) for loss in job.losses))


def _filled(job: Job, units: Iterable[Unit], executor: Executor, loss: Settled) -> Settled:
    return loss.with_core(
        **{option.name: _found(job, units, executor, loss, option) for option in loss.core.open_options}
    )


def _found(job: Job, units: Iterable[Unit], executor: Executor, loss: Settled, option: Option) -> Value:
    if option.name == ENCODING:
        return "01" if all(executor.run(zero_or_one, job, units)) else "pm1"
    if option.param.ahead == "least label":
        return min(executor.run(least_label, job, units), default=math.inf)
    if isinstance(option.param.ahead, Gathered):
        return _gathered(job, units, executor, loss, option.param.ahead)
    assert isinstance(option.param.ahead, Quantile)
    return _quantiles(job, units, executor, loss, option.param.ahead)


def _quantiles(job: Job, units: Iterable[Unit], executor: Executor, loss: Settled, asked: Quantile) -> Value:
    """The quantile of each column, or one of them all."""
    level = loss.core.options[asked.level] if isinstance(asked.level, str) else asked.level
    assert isinstance(level, float)
    core = loss.core.part(asked.of)
    each = [(k,) for k in range(loss.width)] if loss.counts == "columns" else [tuple(range(loss.width))]
    found = tuple(quantile(partial(executor.run, job=job, units=units), loss, Cell(core, k), level) for k in each)
    return found[0] if len(found) == 1 else found


def _gathered(job: Job, units: Iterable[Unit], executor: Executor, loss: Settled, asked: Gathered) -> float:
    """What a function makes of all rows that count."""
    pieces = list(executor.run(partial(gather, loss=loss), job, units))
    names = [role.name for role in loss.core.loss.roles]
    columns = {name: np.concatenate([piece[name] for piece in pieces]).tolist() for name in names}
    weights = np.concatenate([piece["weights"] for piece in pieces]).tolist() if "weights" in job.columns else None
    return asked.of(columns, weights, loss.core.options)


def gather(job: Job, unit: Unit, loss: Settled) -> dict[str, np.ndarray]:
    """A unit's rows that count, (n, K) by role, and (n,) weights."""
    names = [role.name for role in loss.core.loss.roles]
    pieces: dict[str, list[np.ndarray]] = {name: [np.empty((0, job.widths[name]))] for name in names}
    weights = [np.empty(0)]
    for judged in judged_blocks(job, unit):
        if not judged.block.rows:
            continue
        out = [skipped for skipped in (judged.skipped, left_out(loss, judged)) if skipped is not None]
        kept = np.flatnonzero(~np.any(out, axis=0)) if out else np.arange(judged.block.rows)
        for name in names:
            pieces[name].append(values_of(judged.block.roles[name], kept))
        given = judged.weights_of(loss, None)
        weights.append(np.ones(len(kept)) if given is None else given[kept])
    return {**{name: np.concatenate(some) for name, some in pieces.items()}, "weights": np.concatenate(weights)}


def zero_or_one(job: Job, unit: Unit) -> bool:
    """Whether every label of a unit is 0 or 1, as Keras asks; rows without a label are left to the checks."""
    for columns in _labels(job, unit):
        look, _, flagged = scan_rows(columns, Bounds(0.0, 1.0, fractions=False), buffers(), "labels")
        if flagged and (look.least < 0.0 or look.most > 1.0 or _fractions(columns.owners)):
            return False
    return True


def least_label(job: Job, unit: Unit) -> float:
    """The smallest label of a unit."""
    bounds = Bounds(-math.inf, math.inf)
    return min((scan_rows(c, bounds, buffers(), "labels")[0].least for c in _labels(job, unit)), default=math.inf)


def _labels(job: Job, unit: Unit) -> list[Columns]:
    names = job.columns["labels"]
    chunks = job.sources[unit.file].read(unit, names, job.batch_rows)
    return [laid(job, "labels", chunk) for chunk in chunks if chunk.rows]


def _fractions(owners: tuple[np.ndarray, ...]) -> bool:
    return any(bool(np.any(np.isfinite(a) & (a != np.floor(a)))) for a in owners)
