"""The rows' own losses, where a loss adds up something else: the outputs of a row each, or terms with a normaliser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lossctl.audit.rows import LossColumn
from lossctl.evaluation.frames import loss_rows

if TYPE_CHECKING:
    from lossctl.evaluation.settled import Settled
    from lossctl.evaluation.work import Judged


def pooled_rows(settled: Settled, judged: Judged, one_hot: bool, skipped: np.ndarray | None) -> LossColumn:
    """Each row's mean over its outputs, or its terms by its normaliser; with what it weighs.

    The sum of w l is the loss's own sum, but for a whole factor of the outputs; each row's l is rounded.
    """
    from lossctl.evaluation.work import buffers

    rooms, block = buffers(), judged.block
    if settled.elements:
        weights = judged.weights
        if weights is None or weights.ndim == 1:
            losses = loss_rows(settled.core, block, one_hot, rooms, "rows", None)
            return LossColumn(losses, judged.weights_of(settled, None), skipped)
        return _over_outputs(settled, judged, one_hot, skipped)
    terms = loss_rows(settled.core, block, one_hot, rooms, "rows")
    normal = loss_rows(settled.cells[1].core, block, one_hot, rooms, "normaliser")
    weights = judged.weights_of(settled, None)
    return _divided(terms, normal, normal if weights is None else weights * normal, skipped)


def _over_outputs(settled: Settled, judged: Judged, one_hot: bool, skipped: np.ndarray | None) -> LossColumn:
    """A weight for each output: the weighted mean of a row, its outputs added in their order."""
    from lossctl.evaluation.work import buffers

    total, whole = np.zeros(judged.block.rows), np.zeros(judged.block.rows)
    for column in range(settled.width):
        weights = judged.weights_of(settled, column)
        assert weights is not None
        losses = loss_rows(settled.core, judged.block, one_hot, buffers(), "rows", column)
        total += np.where(weights != 0.0, weights * losses, 0.0)
        whole += weights
    return _divided(total, whole, whole, skipped)


def _divided(terms: np.ndarray, by: np.ndarray, weights: np.ndarray, skipped: np.ndarray | None) -> LossColumn:
    with np.errstate(divide="ignore", invalid="ignore"):
        losses = np.where(by != 0.0, terms / by, 0.0)
    return LossColumn(losses, weights, skipped)
