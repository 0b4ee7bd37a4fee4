"""Whether the models' labels are the same: what they are held against must be one truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lossctl.errors import DataError
from lossctl.evaluation.checks import values_of
from lossctl.evaluation.complaint import row_numbers
from lossctl.evaluation.partial import SHOWN

if TYPE_CHECKING:
    from lossctl.evaluation.partial import Partial
    from lossctl.evaluation.request import Job
    from lossctl.evaluation.work import Judged
    from lossctl.readers.block import Columns
    from lossctl.readers.source import Unit

HELP = "the rows may be joined wrongly, or -y names other columns; --baseline-labels takes the baseline's for all"


class Disagreement(NamedTuple):
    """A row whose labels differ: where it stands, and what the baseline and the model say."""

    file: int
    unit: int
    row: int
    baseline: str
    other: str


class Disagreements(NamedTuple):
    """Of each model, how many rows have another label than the baseline's, and the first few."""

    counts: tuple[int, ...]
    first: tuple[tuple[Disagreement, ...], ...]

    def merge(self, other: Disagreements) -> Disagreements:
        """Both together."""
        return Disagreements(
            tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)),
            tuple(tuple(sorted((*a, *b))[:SHOWN]) for a, b in zip(self.first, other.first, strict=True)),
        )


class Agreement:
    """Looks at a unit's labels.

    Args:
        jobs: of the models; the first is the baseline's.
        own: of each whether its labels are its own.
        translated: whether class names, where labels are such, have an order of their own for each model.
        unit: the unit.
    """

    def __init__(self, jobs: Sequence[Job], own: Sequence[bool], translated: bool, unit: Unit) -> None:
        self.jobs, self.unit = jobs, unit
        there = zip(jobs[1:], own[1:], strict=True)
        self.looked = [False, *(held and "labels" in job.columns for job, held in there)]
        self.numbers = [_numbers(jobs[0], job) if translated else None for job in jobs]
        self.counts = [0] * len(jobs)
        self.first: list[list[Disagreement]] = [[] for _ in jobs]

    def add(self, together: Sequence[Judged]) -> None:
        """A block, with the rows that count for all models alike."""
        if not any(self.looked):
            return
        rows = _counted(together[0])
        true = together[0].block.roles["labels"]
        for k, judged in enumerate(together):
            if self.looked[k]:
                self._look(k, true, judged.block.roles["labels"], rows, judged)

    def _look(self, k: int, true: Columns, said: Columns, rows: np.ndarray, judged: Judged) -> None:
        baseline, other = values_of(true, rows), values_of(said, rows)
        numbers = self.numbers[k]
        if numbers is not None:
            other = numbers[other.astype(np.int64)]
        # a number that one file holds as float32 is the other's to that precision
        narrow = {"float32", "float16"} & {true.dtype, said.dtype}
        a, b = (baseline.astype(np.float32), other.astype(np.float32)) if narrow else (baseline, other)
        differ = np.flatnonzero(((a != b) & ~(np.isnan(a) & np.isnan(b))).any(axis=1))
        self.counts[k] += len(differ)
        for i in differ[: max(SHOWN - len(self.first[k]), 0)].tolist():
            shown = _shown(self.jobs[0], baseline[i]), _shown(self.jobs[k], values_of(said, rows[i : i + 1])[0])
            place = judged.block.place(int(rows[i]))
            self.first[k].append(Disagreement(self.unit.file, self.unit.number, place, *shown))

    def part(self) -> Disagreements:
        """All that was seen."""
        return Disagreements(tuple(self.counts), tuple(map(tuple, self.first)))


def _counted(judged: Judged) -> np.ndarray:
    """The rows that neither a check nor the mask leaves out."""
    out = np.zeros(judged.block.rows, np.uint8)
    for some in (judged.skipped, judged.masked):
        if some is not None:
            out |= some
    return np.flatnonzero(out == 0)


def _numbers(baseline: Job, job: Job) -> np.ndarray | None:
    """The baseline's number of each of a model's classes, below 0 for one that it lacks; None where all are alike."""
    if job.classes == baseline.classes or job.classes is None or baseline.classes is None:
        return None
    known = {name: float(i) for i, name in enumerate(baseline.classes)}
    return np.array([known.get(name, -1.0 - i) for i, name in enumerate(job.classes)])


def _shown(job: Job, values: np.ndarray) -> str:
    if job.classes is not None and len(values) == 1 and 0 <= values[0] < len(job.classes):
        return repr(job.classes[int(values[0])])
    return ", ".join(f"{value:.15g}" for value in values.tolist())


def refuse_other_shapes(jobs: Sequence[Job], own: Sequence[bool], names: Sequence[str], translated: bool) -> None:
    """Refuse labels that cannot be held against each other.

    Raises:
        DataError: names of classes on one side and numbers on the other, or columns of another number.
    """
    for job, held, name in zip(jobs[1:], own[1:], names[1:], strict=True):
        if not held or "labels" not in job.columns:
            continue
        widths = jobs[0].widths["labels"], job.widths["labels"]
        if widths[0] != widths[1]:
            raise DataError(
                f"the labels of {names[0]} have {widths[0]} columns, those of {name} {widths[1]}; -y names others, or "
                f"--baseline-labels takes the baseline's for all"
            )
        if translated and (jobs[0].classes is None) != (job.classes is None):
            said = [
                f"{who}'s are {'numbers' if one.classes is None else 'names'}"
                for who, one in ((names[0], jobs[0]), (name, job))
            ]
            raise DataError(f"the labels cannot be compared: {' and '.join(said)}; --classes gives the names in order")


def refuse_disagreement(partial: Partial, names: Sequence[str], paths: Sequence[str]) -> None:
    """Raise if some model's labels are not the baseline's.

    Raises:
        DataError: with the count, the first rows and what both files say.
    """
    found = partial.parts.get("labels")
    if found is None:
        return
    assert isinstance(found, Disagreements)
    starts = row_numbers(partial)
    for k, (count, first) in enumerate(zip(found.counts, found.first, strict=True)):
        if count:
            shown = "; ".join(
                f"{paths[one.file]} row {starts[one.file, one.unit] + one.row}: {one.baseline} in {names[0]}, "
                f"{one.other} in {names[k]}"
                for one in first
            )
            more = f" (and {count - len(first)} more)" if count > len(first) else ""
            many = "1 row has" if count == 1 else f"{count:,} rows have"
            raise DataError(f"{many} another label in {names[k]} than in {names[0]}: {shown}{more}; {HELP}")
