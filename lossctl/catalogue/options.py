"""Options that several losses share, so that each is described once."""

from __future__ import annotations

from typing import Annotated

from lossctl.catalogue.declare import Param
from lossctl.catalogue.domain import LOGITS, PROBABILITIES, PROBABILITY, Interval, When

FromLogits = Annotated[bool, Param("the preds are logits, not probabilities")]
LabelSmoothing = Annotated[float, Param("share of the label's mass that is spread evenly", Interval(0.0, 1.0))]
Guard = Annotated[
    float,
    Param("probabilities are held this far from 0 and 1", Interval(0.0, 0.5, high_open=True), guard=True),
]
Epsilon = Annotated[float, Param("a small number that keeps the formula finite", Interval(0.0, 1.0))]
IgnoreClass = Annotated[
    int | None, Param("rows with this label are left out", Interval(whole=True), ignores_label=True)
]

Gamma = Annotated[float, Param("how strongly rows that are already right count less", Interval(low=0.0))]

PROBABILITY_OR_LOGIT = When("from_logits", LOGITS, PROBABILITY)
PROBABILITIES_OR_LOGITS = When("from_logits", LOGITS, PROBABILITIES)
