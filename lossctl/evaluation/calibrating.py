"""Calibration and score decomposition of a call: what a unit adds up, and the words of the document made of it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lossctl.audit import decomposition as split
from lossctl.audit.asked import Audit
from lossctl.audit.calibration import Binned, Binning, BinTally, Reliability, equal_mass, reliability, width_edges
from lossctl.audit.distinct import Distinct, DistinctTally
from lossctl.catalogue.spec import BoundLoss, bind
from lossctl.errors import UsageError
from lossctl.evaluation.frames import Buffers, loss_rows
from lossctl.evaluation.probabilities import View, outcomes, top_label, view_of
from lossctl.evaluation.request import Job
from lossctl.evaluation.settled import Settled
from lossctl.readers.block import Block, lay

if TYPE_CHECKING:
    from lossctl.evaluation.work import Judged

SQUARED = {
    "binary_brier_score": "brier",
    "multiclass_brier_score": "brier",
    "mean_squared_error": "squared_error",
    "half_squared_error": "squared_error",
}
LOGARITHMIC = (
    *("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"),
    *("cross_entropy", "soft_cross_entropy", "nll"),
)
# what a log loss that is split may not have: the rows' scores would be no log loss then
PLAIN = {"label_smoothing": 0.0, "pos_weight": 1.0, "class_weights": 1.0}


class Asked(NamedTuple):
    """How bins are made, and how many."""

    binning: Binning
    bins: int = Audit().bins


class Parts(NamedTuple):
    """The part of either: one for each class or output that is looked at."""

    parts: tuple[Binned | Distinct, ...]

    def merge(self, other: Parts) -> Parts:
        """Both together."""
        return Parts(tuple(a.merge(b) for a, b in zip(self.parts, other.parts, strict=True)))  # type: ignore[arg-type]


def calibrated(job: Job) -> int:
    """The place of the first loss that takes probabilities or logits, which calibration looks at.

    Raises:
        UsageError: there is none.
    """
    for i, settled in enumerate(job.losses):
        view = view_of(job, settled)
        if view is not None and view.probable:
            return i
    names = ", ".join(map(str, job.losses))
    raise UsageError(
        f"--calibration needs a loss of probabilities or logits, such as binary_crossentropy; there is {names}"
    )


def decomposed(job: Job) -> tuple[View | None, ...]:
    """How each loss that can be split is looked at; None for one that cannot be.

    Raises:
        UsageError: there is none that can.
    """
    found = tuple(view_of(job, settled) if _splits(settled) else None for settled in job.losses)
    if not any(found):
        names = ", ".join(map(str, job.losses))
        raise UsageError(
            "--decompose splits the Brier score, the squared error and the log loss (without label smoothing and "
            f"weights of classes); there is {names}"
        )
    return found


def _splits(settled: Settled) -> bool:
    core = settled.core
    options = core.options
    plain = all(_is_plain(options[name], value) for name, value in PLAIN.items() if name in options)
    return core.loss.name in SQUARED or (core.loss.name in LOGARITHMIC and plain)


def _is_plain(value: object, plain: float) -> bool:
    return all(one == plain for one in value) if isinstance(value, tuple) else value == plain


class CalibrationTally:
    """What a unit adds up for the reliability tables."""

    def __init__(self, job: Job, asked: Asked) -> None:
        self.place = calibrated(job)
        self.settled = job.losses[self.place]
        view = view_of(job, self.settled)
        assert view is not None
        self.view = view
        count = job.widths["preds"] + (view.kind == "multiclass")
        width = asked.binning == "equal-width"
        self.tallies = [BinTally(width_edges(asked.bins)) if width else DistinctTally(True) for _ in range(count)]

    def add(self, judged: Judged, skips: Sequence[np.ndarray | None]) -> None:
        """A block; `skips` has a byte a row for each loss, 1 where it leaves the row out, or None."""
        kept = _kept(skips[self.place])
        tallies = list(self.tallies)
        if self.view.kind == "multiclass":
            tallies.pop(0).add(*top_label(self.view, self.settled, judged, kept))
        for tally, column in zip(tallies, outcomes(self.view, self.settled, judged, kept, False), strict=True):
            tally.add(*column)

    def partial(self) -> Parts:
        """All of the unit."""
        return Parts(tuple(tally.partial() for tally in self.tallies))


class DecompositionTally:
    """What a unit adds up for the decompositions: once for all losses that look at the same predictions."""

    def __init__(self, job: Job) -> None:
        self.job, self.places = job, looked_at(job)
        self.tallies = {view: [DistinctTally() for _ in range(job.widths["preds"])] for view in self.places}

    def add(self, judged: Judged, skips: Sequence[np.ndarray | None]) -> None:
        """A block; `skips` as in `CalibrationTally`."""
        for view, place in self.places.items():
            found = outcomes(view, self.job.losses[place], judged, _kept(skips[place]), True)
            for tally, column in zip(self.tallies[view], found, strict=True):
                tally.add(*column)

    def partial(self) -> Parts:
        """All of the unit."""
        return Parts(tuple(tally.partial() for tallies in self.tallies.values() for tally in tallies))


def looked_at(job: Job) -> dict[View, int]:
    """The views of losses that are split, each with the place of the first loss that has it."""
    found: dict[View, int] = {}
    for place, view in enumerate(_unified(job)):
        if view is not None:
            found.setdefault(view, place)
    return found


def _unified(job: Job) -> tuple[View | None, ...]:
    """The views, with labels read by their sign as they stand where another loss's checks let no -1 through."""
    views = decomposed(job)

    def unified(view: View | None) -> View | None:
        as_given = None if view is None else view._replace(signed=False)
        return as_given if job.on_bad != "keep" and as_given in views else view

    return tuple(map(unified, views))


def _kept(skipped: np.ndarray | None) -> np.ndarray | None:
    return None if skipped is None else np.flatnonzero(skipped == 0)


def calibration_document(job: Job, asked: Asked, part: Parts) -> dict[str, Any]:
    """What the JSON says: the table of the one probability, or of the top label; and a table for each class."""
    settled = job.losses[calibrated(job)]
    view = view_of(job, settled)
    assert view is not None
    head = {"loss": str(settled), "kind": view.kind, "binning": asked.binning, "bins_asked": asked.bins}
    plain = f"{asked.binning}, {asked.bins} bins, L1, plug-in"
    if view.kind == "binary":
        return {**head, **_table(asked, part.parts[0], plain).to_dict()}
    top, classes = part.parts[:1], part.parts[1:]
    if view.kind == "multilabel":
        top, classes = (), part.parts
    tables = [_table(asked, one, plain) for one in classes]
    mean = sum(table.ece for table in tables) / len(tables)
    names = job.classes if job.classes and view.kind == "multiclass" else range(len(tables))
    each = [{"class": name, **table.to_dict()} for name, table in zip(names, tables, strict=True)]
    found = {**head, **(_table(asked, top[0], f"top-label, {plain}").to_dict() if top else {})}
    what = "classwise" if top else "labelwise"
    return {**found, what: {"estimator": f"mean of {what} ECE, {plain}", "ece": mean, "classes": each}}


def _table(asked: Asked, part: Binned | Distinct, estimator: str) -> Reliability:
    if isinstance(part, Distinct):
        return equal_mass(part, asked.bins, estimator)
    return reliability(part, width_edges(asked.bins), estimator)


def decomposition_documents(job: Job, part: Parts) -> list[dict[str, Any] | None]:
    """What the JSON says of each loss; None for one that cannot be split."""
    width = job.widths["preds"]
    found: list[dict[str, Any] | None] = [None] * len(job.losses)
    for i, view in enumerate(looked_at(job)):
        parts = [
            split.recalibrated(one) for one in part.parts[i * width : (i + 1) * width] if isinstance(one, Distinct)
        ]
        for place, own in enumerate(_unified(job)):
            if own == view:
                found[place] = _split(job.losses[place], view, parts)
    return found


def _split(settled: Settled, view: View, parts: Sequence[split.Recalibrated | None]) -> dict[str, Any]:
    core = settled.core
    name = SQUARED.get(core.loss.name, "log_loss")
    if name == "log_loss":
        score, own = _Scores(bind("binary_crossentropy:epsilon=0", {})), _Scores(_own(core, view))
        found = [split.logarithmic(one, score, own) for one in parts]
    else:
        found = [split.squared(one) for one in parts]
    factor = core.options.get("factor", 0.5 if core.loss.name == "half_squared_error" else 1.0)
    assert isinstance(factor, float)
    share = Fraction(factor) / (1 if view.kind == "multiclass" else len(parts))
    answer = split.times(split.together(found), share).rounded()._asdict()
    over = "sum over classes, one versus rest" if view.kind == "multiclass" else "mean over outputs"
    return {"score": name, **({"over": over} if len(parts) > 1 else {}), **answer}


def _own(core: BoundLoss, view: View) -> BoundLoss:
    """The log loss of one class with a loss's own guard."""
    if core.loss.name == "binary_crossentropy":
        return core
    logits, epsilon = view.scale == "softmax", core.options.get("epsilon", 0.0)
    below_one = core.options.get("below_one", 0.0)
    return bind("binary_crossentropy", {}).replace(from_logits=logits, epsilon=epsilon, below_one=below_one)


class _Scores:
    """A loss of one prediction and label as a function of arrays, by its own kernel."""

    def __init__(self, bound: BoundLoss) -> None:
        self.bound, self.buffers = bound, Buffers()

    def __call__(self, preds: np.ndarray, label: int) -> np.ndarray:
        """(n,) scores of predictions for one label; the array is used again at the next call."""
        roles = {"labels": lay([np.full(len(preds), float(label))]), "preds": lay([np.ascontiguousarray(preds)])}
        return loss_rows(self.bound, Block(0, len(preds), roles), False, self.buffers, "losses")
