"""Settling `label_encoding=auto` by one look at the labels: 0/1 if every one is 0 or 1, as Keras has it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lossctl.catalogue.spec import BoundLoss
from lossctl.evaluate.executors import executor_for
from lossctl.evaluate.request import Job
from lossctl.evaluate.work import buffers
from lossctl.readers.block import lay
from lossctl.readers.source import Unit

OPTION = "label_encoding"


def settled(job: Job, units: tuple[Unit, ...], threads: int) -> Job:
    """The job with `auto` replaced by what the labels are."""
    if not any(needs_look(settled.core) for settled in job.losses):
        return job
    answers = executor_for(threads, len(units)).run(zero_or_one, job, units)
    encoding = "01" if all(answers) else "pm1"
    losses = tuple(s.with_core(**{OPTION: encoding}) if needs_look(s.core) else s for s in job.losses)
    return replace(job, losses=losses)


def needs_look(bound: BoundLoss) -> bool:
    """Whether a loss's meaning hangs on all labels of the files."""
    return bound.options.get(OPTION) == "auto"


def zero_or_one(job: Job, unit: Unit) -> bool:
    """Whether every label of a unit is 0 or 1; rows without a label are left to the checks."""
    from lossctl.evaluate.frames import Bounds, scan_rows

    names = job.columns["labels"]
    for chunk in job.sources[unit.file].read(unit, names, job.batch_rows):
        if not chunk.rows:
            continue
        columns = lay([chunk.values[name] for name in names], job.classes)
        look, _, flagged = scan_rows(columns, Bounds(0.0, 1.0, fractions=False), buffers(), "labels")
        if flagged and (look.least < 0.0 or look.most > 1.0 or _fractions(columns.owners)):
            return False
    return True


def _fractions(owners: tuple[np.ndarray, ...]) -> bool:
    return any(bool(np.any(np.isfinite(a) & (a != np.floor(a)))) for a in owners)
