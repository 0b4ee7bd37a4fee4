"""p-values adjusted for how many there are; a p-value that is not defined (None or NaN) does not count as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from math import inf
from typing import TypeAlias

PValues: TypeAlias = Sequence[float | None]
Adjusted: TypeAlias = tuple[float | None, ...]


def holm(p_values: PValues) -> Adjusted:
    """Holm's step-down adjustment (1979): the chance of even one false finding stays below the level.

    Args:
        p_values: each in [0, 1]; None or NaN where it is not defined, which is passed through and not counted.

    Returns:
        The adjusted p-values in the order of the given, at most 1: equal where those are, and never in another order.

    >>> holm([0.01, None, 0.04, 0.03])
    (0.03, None, 0.06, 0.06)
    """
    order = _ascending(p_values)
    factors = range(len(order), 0, -1)
    return _placed(p_values, order, accumulate(_times(p_values, order, factors), max))


def benjamini_hochberg(p_values: PValues) -> Adjusted:
    """Benjamini and Hochberg's step-up adjustment (1995): of all findings, the expected false share is below the level.

    Args and result as those of `holm`.

    >>> benjamini_hochberg([0.01, None, 0.04, 0.03])
    (0.03, None, 0.04, 0.04)
    """
    order = _ascending(p_values)[::-1]
    # m / m is 1, so that the largest stays what it is
    factors = [len(order) / rank for rank in range(len(order), 0, -1)]
    return _placed(p_values, order, accumulate(_times(p_values, order, factors), min))


# as `--correction` has them
CORRECTIONS: dict[str, Callable[[PValues], Adjusted]] = {"holm": holm, "bh": benjamini_hochberg}


def _ascending(p_values: PValues) -> list[int]:
    """Places of the defined p-values, the smallest first."""
    values = [inf if p is None else p for p in p_values]
    defined = [i for i, p in enumerate(p_values) if p is not None and p == p]
    return sorted(defined, key=values.__getitem__)


def _times(p_values: PValues, order: Sequence[int], factors: Iterable[float]) -> Iterator[float]:
    """Each p-value in this order times its factor, at most 1."""
    for i, factor in zip(order, factors, strict=True):
        p = p_values[i]
        assert p is not None
        yield min(p * factor, 1.0)


def _placed(p_values: PValues, order: Sequence[int], adjusted: Iterable[float]) -> Adjusted:
    """The adjusted p-values at the places they came from."""
    result = list(p_values)
    for i, p in zip(order, adjusted, strict=True):
        result[i] = p
    return tuple(result)
