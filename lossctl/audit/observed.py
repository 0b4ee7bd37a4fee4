"""What each row adds to the sums of labels and weights, from which rates and their errors are exact."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from lossctl.audit.limbs import Limbs, added

# a sum that is not kept is that other one: without weights, or where labels are 0 or 1
SAME = {"weight": "rows", "weight_squares": "weight", "cross": "label", "squares": "label"}
GroupSums = Mapping[str, Limbs]
SPLITTER = 134217729.0


def row_sums(labels: np.ndarray, weights: np.ndarray | None, spread: bool) -> dict[str, list[np.ndarray]]:
    """What (n,) rows add to each sum: of 1, w, w y, and with `spread` also w^2, w (w y) and (w y)^2.

    Args:
        labels: finite.
        weights: finite; None where all are 1.
        spread: whether errors of rates are asked for.
    """
    found = {"rows": [np.ones(len(labels))]}
    if weights is None:
        found["label"] = [labels]
        hard = bool(np.all((labels == 0.0) | (labels == 1.0)))
        return found if hard or not spread else {**found, "squares": [labels * labels]}
    weighted, lost = product(weights, labels)
    found |= {"weight": [weights], "label": [weighted, lost]}
    if spread:
        found |= {"weight_squares": [weights * weights], "cross": [weights * weighted]}
        found["squares"] = [weighted * weighted]
    return found


def product(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """a b as the rounded products and their errors, exactly where nothing over- or underflows (Dekker)."""
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = a * b
        (a_high, a_low), (b_high, b_low) = split(a), split(b)
        lost = ((a_high * b_high - rounded) + a_high * b_low + a_low * b_high) + a_low * b_low
    return rounded, np.where(np.isfinite(lost), lost, 0.0)


def split(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers as two of at most 26 bits (Veltkamp)."""
    large = SPLITTER * a
    high = large - (large - a)
    return high, a - high


def kept(sums: GroupSums, name: str) -> Limbs:
    """A sum of that name, or the one that is the same."""
    while name not in sums:
        name = SAME[name]
    return sums[name]


def together(one: GroupSums, other: GroupSums) -> dict[str, Limbs]:
    """Both sums of the same groups."""
    return {name: added(kept(one, name), kept(other, name)) for name in sorted({*one, *other})}


def summed(rows: Mapping[str, list[np.ndarray]], add: Callable[[np.ndarray], Limbs]) -> dict[str, Limbs]:
    """The limbs of each sum, as `add` makes them of values."""
    found = {}
    for name, terms in rows.items():
        limbs: Limbs = {}
        for term in terms:
            limbs = added(limbs, add(term))
        found[name] = limbs
    return found
