"""The facts that kernels and their callers share: sizes, frames, names. Light: imports no numba."""

from __future__ import annotations

import math

from lossctl.catalogue.spec import BoundLoss

# the most rows that a tile has, and so the length of a kernel's stack arrays
TILE = 128
# a loss kernel's frame: this many fields, then as many again for each role (see `tiles`)
HEAD, ROLE = 5, 5
# a scan's lanes, each with the number that it starts from (see `scan`)
LANES = {
    "least": math.inf,
    "most": -math.inf,
    "flagged": 0.0,
    "least_sum": math.inf,
    "most_sum": -math.inf,
    "off": 0.0,
}


def numbers(bound: BoundLoss) -> list[float]:
    """The option values that the kernel reads from its frame, in order."""
    pairs = zip(bound.loss.options, bound.values, strict=True)
    return [float(v) for o, v in pairs if not o.structural and not o.param.ignores_label and v is not None]


def variant(bound: BoundLoss, single: bool) -> str:
    """What tells this kernel from the loss's others: its structural options and whether it is of one column."""
    pairs = zip(bound.loss.options, bound.values, strict=True)
    fixed = [f"{o.name}={v}" for o, v in pairs if o.structural]
    return " ".join(["loss", bound.loss.name, *fixed, *(["single"] if single and bound.loss.elementwise else [])])
