"""The facts that kernels and their callers share: sizes, frames, names. Light: imports no numba."""

from __future__ import annotations

import math

from lossctl.catalogue.declare import Option, Value
from lossctl.catalogue.spec import BoundLoss
from lossctl.errors import UsageError

# the most rows that a tile has, and so the length of a kernel's stack arrays
TILE = 128
# a loss kernel's frame: this many fields, then as many again for each role (see `tiles`)
HEAD, ROLE = 5, 5
# likewise of the digest's frame (see `digest`)
DIGEST_HEAD, DIGEST_ROLE = 4, 6
# a scan's lanes, each with the number that it starts from (see `scan`)
LANES = {
    "least": math.inf,
    "most": -math.inf,
    "flagged": 0.0,
    "least_sum": math.inf,
    "most_sum": -math.inf,
    "off": 0.0,
}


def option_values(bound: BoundLoss, width: int, column: int | None) -> list[float]:
    """What the kernel reads from its frame: the numbers, then each list as `width` numbers.

    Args:
        column: of a kernel of one column, the place of its number in each list.

    Raises:
        UsageError: a list of another length than there are classes or columns.
    """
    pairs = list(zip(bound.loss.options, bound.values, strict=True))
    found = [_number(value) for option, value in pairs if option.number]
    for option, value in pairs:
        if option.param.many:
            found += _spread(option, value, width, column)
    return found or [0.0]


def _number(value: Value) -> float:
    assert isinstance(value, int | float)
    return float(value)


def _spread(option: Option, value: Value, width: int, column: int | None) -> list[float]:
    numbers = value if isinstance(value, tuple) else (_number(value),)
    if len(numbers) == 1:
        return list(numbers) * width
    if column is not None and column < len(numbers):
        return [numbers[column]]
    if len(numbers) != width:
        raise UsageError(f"{option.flag} has {len(numbers)} numbers, there are {width} classes or columns")
    return list(numbers)


def variant(bound: BoundLoss, single: bool) -> str:
    """What tells this kernel from the loss's others: its structural options and whether it is of one column."""
    pairs = zip(bound.loss.options, bound.values, strict=True)
    fixed = [f"{o.name}={v}" for o, v in pairs if o.structural]
    own = [_own(bound)] if bound.loss.home else []
    one = ["single"] if single and bound.loss.elementwise else []
    return " ".join(["loss", bound.loss.name, *own, *fixed, *one])


def _own(bound: BoundLoss) -> str:
    """What tells a user's loss from an earlier one of its name."""
    from lossctl.kernels.reach import fingerprint

    return fingerprint(bound.loss.function)
