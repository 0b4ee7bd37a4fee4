"""Losses that were computed elsewhere: a number a row, taken as it stands."""

from __future__ import annotations

from lossctl.catalogue.domain import REAL
from lossctl.catalogue.registry import loss


@loss(
    loss=REAL,
    formula="loss",
    source="per-row tables of other tools, and of `lossctl eval --reduction none`",
    notes=("whatever weights went into the recorded numbers stay in them",),
)
def recorded_loss(loss: float) -> float:
    """A loss that another tool computed, one a row.

    The number itself, averaged over the columns of a row.

    >>> recorded_loss(0.25)
    0.25
    >>> recorded_loss(-3.0)
    -3.0
    """
    return loss
