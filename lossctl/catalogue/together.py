"""Losses in which every row meets every other: the rows that count are held in memory together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from lossctl.catalogue.arithmetic import Vector, exp, log, rounding, softplus, total
from lossctl.catalogue.declare import Gathered, Param
from lossctl.catalogue.domain import REAL, Domain, Interval, When
from lossctl.catalogue.registry import summary

HELD = "all rows that count are held in memory: 8 bytes a number"
TIME = Domain("a time, negative where it is censored", Interval(), "label_out_of_range")
CLASS = Domain("a class, told by a whole number", Interval(whole=True), "label_out_of_range")
HAZARD = Domain("a hazard ratio > 0", Interval(low=0.0, low_open=True), "pred_out_of_range")
FromLogs = Annotated[bool, Param("the preds are logarithms of hazard ratios")]
Gathering = Mapping[str, Sequence[Sequence[float]]]


def partial_likelihood(columns: Gathering, weights: Sequence[float] | None, options: Mapping[str, Any]) -> float:
    """Negative log partial likelihood of all events: the sum over them of log(sum of hazards at risk) - log hazard.

    Rows of equal time are at risk together (Breslow 1974). Weights have no part in it.
    """
    times = [row[0] for row in columns["labels"]]
    logs = [row[0] if options["from_logs"] else log(row[0]) for row in columns["preds"]]
    top = max(logs, default=0.0)
    # from the latest on, so that the risk set grows; the order among equal times hangs on values alone
    order = sorted(range(len(times)), key=lambda i: (-abs(times[i]), logs[i], times[i]))
    high, low, i, terms = 0.0, 0.0, 0, []
    while i < len(order):
        same = order[i : i + _run(order, times, i)]
        for j in same:
            hazard = exp(logs[j] - top)
            low += rounding(high, hazard)
            high += hazard
        risk = top + log(high + low)
        terms += [risk - logs[j] for j in same if times[j] > 0.0]
        i += len(same)
    return math.fsum(terms)


def _run(order: Sequence[int], times: Sequence[float], start: int) -> int:
    """How many rows from a place on have the same time."""
    stop = start
    while stop < len(order) and abs(times[order[stop]]) == abs(times[order[start]]):
        stop += 1
    return stop - start


def event(y: float, p: float) -> float:
    """1 for a time that is no censoring."""
    return 1.0 if y > 0.0 else 0.0


PartialLikelihood = Annotated[
    float, Param("negative log partial likelihood", internal=True, ahead=Gathered(partial_likelihood))
]


@summary(
    event,
    labels=TIME,
    preds=When("from_logs", REAL, HAZARD),
    formula="1/events sum over events of (log sum of p over the rows at risk - log p)",
    source="Cox 1972; XGBoost 3.2 cox-nloglik",
    aliases=("cox",),
    notes=(HELD, "a label's sign tells: positive for an event, negative or 0 for censoring at |y|", "no weights"),
)
def cox_nll(event: float, from_logs: FromLogs = False, likelihood: PartialLikelihood = 0.0) -> float:
    """Negative log partial likelihood of Cox's model, a mean over the events.

    1/events sum over events i of (log sum_{j at risk} p_j - log p_i), with p hazard ratios and j at risk where
    |y_j| >= |y_i|.

    >>> cox_nll(2.0, likelihood=3.0)
    1.5
    >>> cox_nll(1.0)
    0.0
    """
    return likelihood / float(event)


@summary(
    event,
    labels=TIME,
    preds=When("from_logs", REAL, HAZARD),
    formula="sum over events of (log p - log sum of p over the rows at risk)",
    source="Cox 1972; CatBoost 1.2 Cox",
    kin="cox_nll",
    notes=(HELD, "a likelihood: larger is better", "no weights"),
)
def cox_log_likelihood(from_logs: FromLogs = True, likelihood: PartialLikelihood = 0.0) -> float:
    """Log partial likelihood of Cox's model, a sum over the events.

    sum over events i of (log p_i - log sum_{j at risk} p_j).

    >>> cox_log_likelihood(likelihood=3.0)
    -3.0
    >>> cox_log_likelihood()
    0.0
    """
    return 0.0 - likelihood


def circles(columns: Gathering, weights: Sequence[float] | None, options: Mapping[str, Any]) -> float:
    """Mean circle loss of the anchors whose loss is not 0; each row is an anchor, all others its references."""
    import numpy as np

    labels = np.array([row[0] for row in columns["labels"]])
    rows = np.array(columns["preds"])
    given = [1.0] * len(labels) if weights is None else weights
    found = [(_anchor(rows, labels, i, options), w) for i, w in enumerate(given)]
    kept = [loss * w for loss, w in found if loss > 0.0]
    return math.fsum(kept) / len(kept) if kept else 0.0


def _anchor(rows: Any, labels: Any, i: int, options: Mapping[str, Any]) -> float:
    """One row's loss against all others."""
    import numpy as np

    gamma, margin = options["gamma"], options["margin"]
    product = np.zeros(len(rows))
    # column by column: a matrix product would add up in an order of its own
    for k in range(rows.shape[1]):
        product += rows[:, k] * rows[i, k]
    gap = np.maximum(1.0 - product, 0.0)
    same = labels == labels[i]
    others = np.arange(len(labels)) != i
    near = gamma * (margin + gap) * (gap - margin)
    far = gamma * np.maximum(1.0 + margin - gap, 0.0) * ((1.0 - margin) - gap)
    z = _log_sum(near[same & others].tolist()) + _log_sum(far[~same].tolist())
    return 0.0 if z == -math.inf else softplus(z)


def _log_sum(values: Sequence[float]) -> float:
    """log sum exp; -inf of nothing."""
    if not values:
        return -math.inf
    top = max(values)
    return top + log(math.fsum(exp(value - top) for value in values))


def anchor(y: float, p: Vector) -> float:
    """1 for every row that has numbers."""
    return 1.0 + 0.0 * total(p)


Circles = Annotated[float, Param("mean over the anchors", internal=True, ahead=Gathered(circles))]


@summary(
    anchor,
    labels=CLASS,
    preds=REAL,
    formula="mean of log(1 + sum_n exp(gamma a_n (1 - m - d_n)) sum_p exp(gamma a_p (d_p - m))), d = 1 - cosine",
    source="Sun et al. 2020; Keras 3.15 keras.losses.circle",
    notes=(
        HELD + ", and each row meets every other",
        "rows should be unit vectors; anchors without a row of their own class, or without another, do not count",
    ),
)
def circle(
    gamma: Annotated[float, Param("how sharply near and far pairs are told apart", Interval(low=0.0))] = 80.0,
    margin: Annotated[float, Param("how near a pair of one class should be", Interval(0.0, 1.0))] = 0.4,
    loss: Circles = 0.0,
) -> float:
    """Circle loss of embeddings: rows of one class should be near each other, and those of others far.

    The mean over anchors of log(1 + sum_n exp(gamma a_n (1 - m - d_n)) sum_p exp(gamma a_p (d_p - m))), with
    d = max(0, 1 - x_i x_j), p the other rows of the anchor's class, n those of other classes, m the margin,
    a_p = m + d_p and a_n = max(0, 1 + m - d_n).

    >>> circle(loss=0.5)
    0.5
    >>> circle()
    0.0
    """
    return loss
