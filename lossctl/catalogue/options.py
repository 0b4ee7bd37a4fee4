"""Options that several losses share, so that each is described once."""

from __future__ import annotations

from typing import Annotated

from lossctl.catalogue.arithmetic import Vector
from lossctl.catalogue.declare import Param
from lossctl.catalogue.domain import LOGITS, PROBABILITIES, PROBABILITY, Interval, When

FromLogits = Annotated[bool, Param("the preds are logits, not probabilities")]
LabelSmoothing = Annotated[float, Param("share of the label's mass that is spread evenly", Interval(0.0, 1.0))]
_GUARD = Param("probabilities are held this far from 0 and 1", Interval(0.0, 0.5, high_open=True), guard=True)
Guard = Annotated[float, _GUARD]
# of a formula that holds its labels too
GuardOfBoth = Annotated[float, _GUARD._replace(everywhere=True)]
Epsilon = Annotated[float, Param("a small number that keeps the formula finite", Interval(0.0, 1.0))]
IgnoreClass = Annotated[
    int | None, Param("rows with this label are left out", Interval(whole=True), ignores_label=True)
]

IgnoreIndex = Annotated[int, Param("rows with this label are left out", Interval(whole=True), ignores_label=True)]
BrierFactor = Annotated[float, Param("what the squared distance is multiplied by", Interval(low=0.0), internal=True)]
PosWeight = Annotated[float, Param("how much label 1 counts; a list gives one a column", Interval(low=0.0), many=True)]
ClassWeights = Annotated[Vector, Param("how much each class counts", Interval(low=0.0), many=True)]
BelowOne = Annotated[
    float,
    Param("how far below 1 probabilities are held, where that is not epsilon", Interval(0.0, 0.5), internal=True),
]
BySign = Annotated[bool, Param("labels above 0 are class 1, all others class 0", internal=True)]
Gamma = Annotated[float, Param("how strongly rows that are already right count less", Interval(low=0.0))]

PROBABILITY_OR_LOGIT = When("from_logits", LOGITS, PROBABILITY)
PROBABILITIES_OR_LOGITS = When("from_logits", LOGITS, PROBABILITIES)
