"""Calibration and decomposition in the one pass over the rows, and what they come to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lossctl.audit.error import standard_error
from lossctl.audit.rows import LossColumn
from lossctl.evaluation import calibrating
from lossctl.evaluation.audited import Accumulator
from lossctl.evaluation.probabilities import bias_rows, view_of
from lossctl.evaluation.slice_order import presented
from lossctl.inference.interval import t_interval
from lossctl.kernels.exactsum import as_float, ratio

if TYPE_CHECKING:
    import numpy as np

    from lossctl.evaluation.partial import Partial
    from lossctl.evaluation.request import Job
    from lossctl.evaluation.slices import Bias
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
    document = calibrating.calibration_document(job, asked, part)
    if job.slices:
        document["slices"] = list(_biases(job, partial))
    return {CALIBRATION: document}


def bias_of(job: Job) -> Bias:
    """What gives each row's prediction less its label, of the loss that calibration looks at."""
    place = calibrating.calibrated(job)
    settled = job.losses[place]
    view = view_of(job, settled)
    assert view is not None

    def bias(judged: Judged, skips: Sequence[np.ndarray | None]) -> LossColumn:
        return LossColumn(bias_rows(view, settled, judged), judged.weights_of(settled, None), skips[place])

    return bias


def _biases(job: Job, partial: Partial) -> Iterator[dict[str, Any]]:
    """The bias of each slice, with its interval."""
    parts: Any = partial.parts.get("slices")
    for by, part in zip(job.slices, parts.each if parts else (), strict=False):
        places = {key: place for place, key in enumerate(part.keys)}
        for key, shown in presented(by, part.keys):
            rows = part.sums[-1][0].moment(places[key])
            bias = ratio(rows.loss, rows.weight) if rows.weight and rows.special is None else None
            error = standard_error(rows, "mean")
            found: dict[str, Any] = {"bias": bias, "stderr": None, "low": None, "high": None}
            if bias is not None and error is not None:
                low, high = t_interval(bias, *error, job.audit.level)
                found |= {"stderr": error.stderr, "low": low, "high": high}
            yield {"by": shown, "slicing": str(by), **found, "count": rows.rows, "weight_sum": as_float(rows.weight)}


def decompositions(job: Job, partial: Partial) -> list[dict[str, Any] | None]:
    """How each loss splits; None for one that does not."""
    part = partial.parts.get(DECOMPOSITION)
    if not isinstance(part, calibrating.Parts):
        return [None for _ in job.losses]
    return calibrating.decomposition_documents(job, part)


def _asked(job: Job) -> calibrating.Asked | None:
    binning: Any = job.audit.calibration
    return None if binning is None else calibrating.Asked(binning, job.audit.bins)
