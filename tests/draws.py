"""Samples drawn from the losses' own declarations: their shapes, and the ranges of their domains."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from lossctl.catalogue.declare import Loss
from lossctl.catalogue.domain import Domain
from lossctl.catalogue.registry import all_losses
from lossctl.catalogue.spec import BoundLoss, bind

FLOATS = {
    "label_smoothing": ("0.0", "0.1"),
    "delta": ("0.3", "1.0", "2.5"),
    "epsilon": ("1e-07", "0.001"),
    "gamma": ("0.0", "1.5"),
    "q": ("0.3",),
}


def variants(loss: Loss) -> Iterator[BoundLoss]:
    """A loss under several options: each value of those with few, some of each number."""
    choices = []
    for option in loss.options:
        if option.type is bool:
            choices.append([f"{option.name}={v}" for v in ("false", "true")])
        elif option.choices:
            choices.append([f"{option.name}={v}" for v in option.choices if v != "auto"])
        elif option.name in FLOATS:
            choices.append([f"{option.name}={v}" for v in FLOATS[option.name]])
    for picked in itertools.product(*choices):
        yield bind(loss.name + ":" + ",".join(picked), {})


ALL_VARIANTS = [bound for loss in all_losses() for bound in variants(loss)]


def draw(bound: BoundLoss, rows: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and preds of some rows: ordinary values inside the domains."""
    rng = np.random.default_rng(seed)
    drawn = []
    for role in bound.loss.roles:
        columns = 1 if role.shape == "index" else width
        drawn.append(_values(bound.domain(role.name), rng, rows, columns, width))
    return drawn[0], drawn[1]


def _values(domain: Domain, rng: np.random.Generator, rows: int, columns: int, classes: int) -> np.ndarray:
    if domain.class_index:
        return rng.integers(0, classes, (rows, 1))
    if domain.name == "one-hot":
        return np.eye(columns)[rng.integers(0, columns, rows)]
    if domain.sums_to_one:
        return rng.dirichlet(np.ones(columns), rows)
    if domain.name.startswith("0/1 or -1"):
        return rng.choice([-1.0, 1.0], (rows, columns))
    low, high = domain.interval.low, domain.interval.high
    if np.isfinite(low) and np.isfinite(high):
        return rng.uniform(low, high, (rows, columns))
    return np.abs(rng.normal(size=(rows, columns)) * 3) if np.isfinite(low) else rng.normal(size=(rows, columns)) * 3
