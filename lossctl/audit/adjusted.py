"""The corrections of `inference.multiplicity` for many p-values at once, in the same bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    Floats: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float64]]"


def adjusted(p_values: Floats, correction: str) -> Floats:
    """(n,) p-values adjusted for how many there are; NaN stays NaN and does not count.

    Args:
        p_values: (n,) in [0, 1].
        correction: "holm" or "bh".
    """
    found = p_values.copy()
    order = np.argsort(p_values, kind="stable")
    # NaN is sorted behind all numbers
    order = order[: len(order) - np.count_nonzero(np.isnan(p_values))]
    count, ascending = len(order), p_values[order]
    if correction == "holm":
        factors = np.arange(count, 0, -1, dtype=np.float64)
        found[order] = np.maximum.accumulate(np.minimum(ascending * factors, 1.0))
    else:
        factors = count / np.arange(1, count + 1, dtype=np.float64)
        found[order] = np.minimum.accumulate(np.minimum(ascending * factors, 1.0)[::-1])[::-1]
    return found
