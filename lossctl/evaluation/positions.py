"""The number of each unit's first row over all inputs, where rows are known by their number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lossctl.evaluation.executors import executor_for
from lossctl.readers.source import whole

if TYPE_CHECKING:
    from lossctl.evaluation.request import Job
    from lossctl.readers.source import Unit


def starts(job: Job, units: Iterable[Unit], threads: int) -> dict[tuple[int, int], int]:
    """(file, unit) to the number of its first row, from 0 over all files in their order; reads what it has to."""
    found: dict[tuple[int, int], int] = {}
    at = 0
    for file, number, rows in executor_for(threads).run(_counted, job, units):
        found[file, number] = at
        at += rows
    return found


def _counted(job: Job, unit: Unit) -> tuple[int, int, int]:
    source = whole(job.sources[unit.file])
    if hasattr(source, "rows_of"):
        return unit.file, unit.number, source.rows_of(unit)
    first = [column.name for column in source.columns()[:1]]
    return unit.file, unit.number, sum(chunk.covered for chunk in source.read(unit, first, job.batch_rows))
