"""What `eval` would refuse or warn of: the same checks over the same rows, for several losses in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

from lossctl.evaluation.complaint import REMEDY, hint, row_numbers, warnings_for
from lossctl.evaluation.executors import executor_for
from lossctl.evaluation.gather import Progress
from lossctl.evaluation.partial import SHOWN, Partial
from lossctl.evaluation.plan import Plan, with_text
from lossctl.evaluation.request import Job
from lossctl.evaluation.work import Judged, judged_together
from lossctl.readers.source import Unit


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that `eval` refuses, or warns of.

    Attributes:
        refused: rows, or files, that it does not take; else it only warns.
        count: rows, or files where the problem is theirs.
        file, row: the first place: the file's path, the 1-based row; None where that is not known.
        help: what helps, as a sentence; empty where nothing does.
    """

    code: str
    count: int
    message: str
    help: str = ""
    refused: bool = True
    file: str | None = None
    row: int | None = None
    column: str | None = None


class Examined(NamedTuple):
    """What the checks of one plan found, and of each reason the first place: file, unit, row in it."""

    partial: Partial = Partial()
    first: dict[str, tuple[int, int, int]] = {}  # noqa: RUF012

    def merge(self, other: Examined) -> Examined:
        """Both together; the order does not matter."""
        first = dict(self.first)
        for code, place in other.first.items():
            first[code] = min(place, first.get(code, place))
        return Examined(self.partial.merge(other.partial), first)


def examined(plans: Sequence[Plan], threads: int, progress: Progress | None = None) -> tuple[Examined, ...]:
    """Run the checks of some plans of the same files.

    Raises:
        DataError: a file that cannot be read.
    """
    texts = tuple(dict.fromkeys(name for made in plans for name in made.as_text))
    sources = with_text(plans[0].job.sources, texts)
    jobs = tuple(made.job._replace(sources=sources) for made in plans)
    found = tuple(Examined() for _ in jobs)
    total = plans[0].units.known if progress is not None else None
    for done, answers in enumerate(executor_for(threads).run(examine_unit, jobs, plans[0].units), 1):
        found = tuple(one.merge(other) for one, other in zip(found, answers, strict=True))
        if progress is not None:
            progress(done, total)
    return found


def examine_unit(jobs: tuple[Job, ...], unit: Unit) -> tuple[Examined, ...]:
    """What the checks find in one unit, for each job."""
    found: list[list[Examined]] = [[] for _ in jobs]
    rows = 0
    for together in judged_together(jobs, unit):
        rows += together[0].chunk.covered
        for blocks, judged in zip(found, together, strict=True):
            blocks.append(_block(unit, judged))
    read = {(unit.file, unit.number): rows}
    merged = [reduce(Examined.merge, blocks, Examined()) for blocks in found]
    return tuple(one._replace(partial=one.partial._replace(unit_rows=read)) for one in merged)


def _block(unit: Unit, judged: Judged) -> Examined:
    block, reasons = judged.block, judged.verdict.reasons
    bad = {code: len(rows) for code, rows in reasons.items()}
    partial = Partial(
        {(unit.file, unit.number): judged.chunk.covered},
        block.rows - sum(bad.values()),
        (),
        bad,
        judged.verdict.offences[:SHOWN],
        judged.verdict.looks,
    )
    first = {code: (unit.file, unit.number, block.place(int(rows[0]))) for code, rows in reasons.items() if len(rows)}
    return Examined(partial, first)


def problems_of(made: Plan, found: Examined, places_known: bool) -> list[Problem]:
    """What a plan's checks found, in the words of `eval`."""
    job, partial = made.job, found.partial
    starts = row_numbers(partial)
    problems = [_refusal(job, found, code, starts, places_known) for code in sorted(partial.bad)]
    warned = warnings_for(job, partial, ()) if partial.used else ()
    return [*problems, *(Problem(w.code, w.count, w.message, refused=False) for w in warned)]


def _refusal(job: Job, found: Examined, code: str, starts: dict[tuple[int, int], int], places_known: bool) -> Problem:
    count = found.partial.bad[code]
    file, unit, row = found.first[code]
    number = starts[file, unit] + row if places_known or unit == 0 else None
    path = job.sources[file].path
    seen = next(
        (o for o in found.partial.offences if (o.file, o.unit, o.row, o.reason) == (file, unit, row, code)), None
    )
    where = f"{path} row {number}" if number is not None else path
    what = f" column {seen.column}: {seen.value}, expected {seen.expected}" if seen else ""
    message = f"{count:,} {'row' if count == 1 else 'rows'} {code}, the first is {where}{what}"
    told = hint(job, found.partial._replace(bad={code: count}))
    return Problem(code, count, message, told + REMEDY, True, path, number, seen.column if seen else None)
