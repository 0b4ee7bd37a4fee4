"""The labels and predictions of a loss's rows, class by class, as calibration looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from lossctl.catalogue.domain import BINARY_LABEL, LOG_PROBABILITIES, LOGITS, REAL, Domain
from lossctl.evaluation.checks import values_of
from lossctl.evaluation.frames import exponentials, logarithms
from lossctl.evaluation.request import Job
from lossctl.evaluation.settled import Settled

if TYPE_CHECKING:
    from lossctl.evaluation.work import Judged

Kind = Literal["binary", "multiclass", "multilabel", "real"]
Scale = Literal["probability", "logit", "softmax", "log_probability", "real"]


class View(NamedTuple):
    """What a loss's predictions are.

    Attributes:
        kind: one probability, one of K classes, several labels a row, or a number.
        scale: what the file holds: probabilities, logits of one class each or of K together, their logarithms.
        signed: labels above 0 are class 1, all others class 0.
        ignored_label, reweighted: as the loss has them; with them go the rows and weights that count.
    """

    kind: Kind
    scale: Scale
    signed: bool = False
    ignored_label: int | None = None
    reweighted: bool = False

    @property
    def probable(self) -> bool:
        """Whether it is of probabilities."""
        return self.kind != "real"


class Column(NamedTuple):
    """The rows that count for a class or output: (n,) predictions, labels, and weights or None."""

    preds: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None


def view_of(job: Job, settled: Settled) -> View | None:
    """How a loss's rows are looked at; None where it takes neither probabilities nor one number a label."""
    core = settled.core
    roles = {role.name: role for role in core.loss.roles}
    if not roles.keys() >= {"labels", "preds"}:
        return None
    preds, labels = core.domain("preds"), core.domain("labels")
    several = roles["preds"].shape == "vector"
    scale = _scale(preds, several, core.loss.name)
    if scale is None or (scale != "real" and not (labels.class_index or _within(labels, -1.0))):
        return None
    kind: Kind = "multiclass" if several else "binary" if job.widths["preds"] == 1 else "multilabel"
    signed = labels == BINARY_LABEL
    return View("real" if scale == "real" else kind, scale, signed, core.ignored_label, settled.reweighted)


def _scale(domain: Domain, several: bool, name: str) -> Scale | None:
    if _within(domain, 0.0):
        return "probability"
    if domain == LOGITS:
        return "softmax" if several and name != "one_vs_all" else "logit"
    if domain == LOG_PROBABILITIES and several:
        return "log_probability"
    return "real" if domain == REAL and not several else None


def _within(domain: Domain, low: float) -> bool:
    return low <= domain.interval.low and domain.interval.high <= 1.0


def outcomes(view: View, settled: Settled, judged: Judged, kept: np.ndarray | None, sortable: bool) -> Iterator[Column]:
    """Each class's or output's rows.

    Args:
        kept: the rows that count; None for all.
        sortable: predictions may be in any unit whose order is that of the probabilities and that holds the whole
            range: logits stay logits. Else they are probabilities.
    """
    rows = np.arange(judged.block.rows) if kept is None else kept
    preds = _predicted(view, values_of(judged.block.roles["preds"], rows), sortable)
    labels = values_of(judged.block.roles["labels"], rows)
    for k in range(preds.shape[1]):
        weights = judged.weights_of(settled, k)
        label = _label(view, labels, k, preds.shape[1])
        yield Column(np.ascontiguousarray(preds[:, k]), label, None if weights is None else weights[rows])


def top_label(view: View, settled: Settled, judged: Judged, kept: np.ndarray | None) -> Column:
    """The largest probability of each row, the lowest class's where several are, and whether its class is the label."""
    rows = np.arange(judged.block.rows) if kept is None else kept
    preds = _predicted(view, values_of(judged.block.roles["preds"], rows), False)
    labels, top = values_of(judged.block.roles["labels"], rows), np.argmax(preds, axis=1)
    every = np.arange(len(rows))
    right = (labels[:, 0] == top).astype(np.float64) if labels.shape[1] == 1 else labels[every, top]
    weights = judged.weights_of(settled, None)
    return Column(preds[every, top], right, None if weights is None else weights[rows])


def bias_rows(view: View, settled: Settled, judged: Judged) -> np.ndarray:
    """(n,) prediction minus label of a block's rows; of K classes, the largest probability minus whether it is right.

    Rows that do not count are there too, as they are for a loss.
    """
    if view.kind == "multiclass":
        column = top_label(view, settled, judged, None)
        return np.asarray(column.preds - column.labels)
    columns = list(outcomes(view, settled, judged, None, False))
    with np.errstate(over="ignore", invalid="ignore"):
        found = columns[0].preds - columns[0].labels
        for column in columns[1:]:
            found = found + (column.preds - column.labels)
        return np.asarray(found / float(len(columns)))


def _predicted(view: View, preds: np.ndarray, sortable: bool) -> np.ndarray:
    if view.scale == "softmax":
        return log_odds(preds) if sortable else softmax(preds)
    if view.scale == "logit" and not sortable:
        return sigmoid(preds)
    return exponentials(preds) if view.scale == "log_probability" else preds


def _label(view: View, labels: np.ndarray, k: int, classes: int) -> np.ndarray:
    if view.kind == "multiclass" and labels.shape[1] == 1:
        return np.asarray(labels[:, 0] == k, np.float64)
    label = np.ascontiguousarray(labels[:, min(k, labels.shape[1] - 1)])
    signed: np.ndarray = np.where(np.isnan(label), np.nan, label > 0.0)
    return signed if view.signed else label


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)), the same bits on every machine."""
    small = exponentials(-np.abs(logits))
    return np.asarray(np.where(logits >= 0.0, 1.0, small) / (1.0 + small))


def softmax(logits: np.ndarray) -> np.ndarray:
    """exp(z_k) / sum_j exp(z_j) of (n, K) logits, the same bits on every machine."""
    powers, whole, _ = _powers(logits)
    return np.asarray(powers / whole[:, None])


def log_odds(logits: np.ndarray) -> np.ndarray:
    """log(q_k / (1 - q_k)) of q, the softmax of (n, K) logits: it tells apart what rounds to 0 or 1."""
    powers, whole, top = _powers(logits)
    rest = whole[:, None] - powers
    # the largest would lose its digits in the difference
    largest = np.argmax(powers, axis=1)
    others = np.zeros(len(logits))
    for k in range(logits.shape[1]):
        others = others + np.where(largest == k, 0.0, powers[:, k])
    rest[np.arange(len(logits)), largest] = others
    with np.errstate(invalid="ignore"):
        found: np.ndarray = (logits - top[:, None]) - logarithms(rest)
    return found


def _powers(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """exp(z - top), its sums by row, column after column, and the rows' largest."""
    top = np.max(logits, axis=1)
    with np.errstate(invalid="ignore"):
        powers = exponentials(logits - top[:, None])
    whole = np.zeros(len(logits))
    for k in range(logits.shape[1]):
        whole = whole + powers[:, k]
    return powers, whole, top
