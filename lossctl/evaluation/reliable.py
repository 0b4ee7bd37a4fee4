"""Calibration and decomposition in the one pass over the rows, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lossctl.evaluation import calibrating
from lossctl.evaluation.audited import Accumulator

if TYPE_CHECKING:
    import numpy as np

    from lossctl.evaluation.partial import Partial
    from lossctl.evaluation.request import Job
    from lossctl.evaluation.work import Judged

CALIBRATION, DECOMPOSITION = "calibration", "decomposition"


class _Tallied(Accumulator):
    """A tally of whole blocks."""

    def __init__(self, name: str, tally: calibrating.CalibrationTally | calibrating.DecompositionTally) -> None:
        self.name, self.tally = name, tally

    def end(self, judged: Judged, skips: Sequence[np.ndarray | None]) -> None:
        """The block was gone through."""
        self.tally.add(judged, skips)

    def part(self) -> calibrating.Parts:
        """All that was seen."""
        return self.tally.partial()


def reliable(job: Job) -> list[Accumulator]:
    """What a unit adds up."""
    some: list[Accumulator] = []
    asked = _asked(job)
    if asked is not None:
        some.append(_Tallied(CALIBRATION, calibrating.CalibrationTally(job, asked)))
    if job.audit.decompose:
        some.append(_Tallied(DECOMPOSITION, calibrating.DecompositionTally(job)))
    return some


def refuse_unfit(job: Job) -> None:
    """Refuse what no loss of the call allows, before any row is read.

    Raises:
        UsageError: no loss of probabilities, or none that can be split.
    """
    if job.audit.calibration:
        calibrating.calibrated(job)
    if job.audit.decompose:
        calibrating.decomposed(job)


def calibration(job: Job, partial: Partial) -> dict[str, Any]:
    """The reliability table by its name in the JSON; empty where none was asked for."""
    asked, part = _asked(job), partial.parts.get(CALIBRATION)
    if asked is None or not isinstance(part, calibrating.Parts):
        return {}
    return {CALIBRATION: calibrating.calibration_document(job, asked, part)}


def decompositions(job: Job, partial: Partial) -> list[dict[str, Any] | None]:
    """How each loss splits; None for one that does not."""
    part = partial.parts.get(DECOMPOSITION)
    if not isinstance(part, calibrating.Parts):
        return [None for _ in job.losses]
    return calibrating.decomposition_documents(job, part)


def _asked(job: Job) -> calibrating.Asked | None:
    binning: Any = job.audit.calibration
    return None if binning is None else calibrating.Asked(binning, job.audit.bins)
