"""Samples drawn from the losses' own declarations: their shapes, and the ranges of their domains."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import numpy as np

from lossctl.catalogue.declare import Loss, Option
from lossctl.catalogue.domain import Domain
from lossctl.catalogue.registry import all_losses
from lossctl.catalogue.spec import BoundLoss, bind


def other_value(option: Option) -> str | None:
    """The text of a value that is not the default; None where there is no other."""
    if option.type is bool:
        return str(not option.default).lower()
    if option.choices:
        return next((c for c in reversed(option.choices) if c not in (option.default, "auto")), None)
    if option.param.ignores_label:
        return "3"
    tries = [0.25, 0.75, 1.5, 1.25, 2.5, 2.0, 3.0, -0.5, 0.01, 5.0]
    return next((str(option.type(x)) for x in tries if x in option.param.within and x != option.default), None)


def variants(loss: Loss) -> Iterator[BoundLoss]:
    """A loss under each choice of formula, once with its numbers' defaults and once with others."""
    fixed = [o for o in loss.options if o.structural]
    numbers = [o for o in loss.options if not (o.structural or o.param.ignores_label or o.param.ahead)]
    public, internal = ([o for o in fixed if o.param.internal is inside] for inside in (False, True))
    others = [f"{o.name}={value}" for o in numbers if (value := other_value(o)) is not None]
    for picked in product(*map(choices, public)):
        said = [f"{o.name}={value}" for o, value in zip(public, picked, strict=True)]
        yield bind(loss.name + ":" + ",".join(said), {})
        if others:
            yield bind(loss.name + ":" + ",".join([*said, *others]), {})
    # what only presets set is tried one at a time
    for option in internal:
        for value in choices(option):
            if value != str(option.default).lower():
                yield bind(f"{loss.name}:{option.name}={value}", {})


def fitted(bound: BoundLoss, width: int) -> BoundLoss:
    """The same, with as many numbers as there are columns in the lists that ask for one each."""
    lists = {o.name: (bound.options[o.name],) * width for o in bound.loss.options if o.param.each and width > 1}
    return bound.replace(**lists)  # type: ignore[arg-type]


def choices(option: Option) -> list[str]:
    """The texts of a structural option's values."""
    return [c for c in (option.choices or ("false", "true")) if c != "auto"]


ROW_LOSSES = [loss for loss in all_losses() if not loss.parts]
ALL_VARIANTS = [bound for loss in ROW_LOSSES for bound in variants(loss)]


def draw(bound: BoundLoss, rows: int, width: int, seed: int = 0) -> dict[str, np.ndarray]:
    """(n, K) arrays by role: ordinary values inside the domains."""
    rng = np.random.default_rng(seed)
    drawn = {}
    for role in bound.loss.roles:
        one = role.shape == "index" or (role.shape == "scalar" and not bound.loss.elementwise)
        # losses with a rule of their own about widths take members of as many columns as there are labels
        columns = 1 if one else width * (3 if bound.loss.fits and role.name == "preds" else 1)
        drawn[role.name] = _values(bound.domain(role.name), rng, rows, columns, width)
    if {"lower", "upper"} <= drawn.keys():
        low, high = drawn["lower"], drawn["upper"]
        drawn["lower"], drawn["upper"] = np.minimum(low, high), np.maximum(low, high)
    return drawn


EDGES = [0.0, 1e-300, 1e-17, 1e-9, 1e-3, 0.5, 1.0, 1.0 - 2.0**-53, 2.0, 10.0, 37.0, 745.0, 1e4]


def draw_extremes(bound: BoundLoss, rows: int, width: int, seed: int) -> dict[str, np.ndarray]:
    """Like `draw`, with a third of the values at and near the edges of their domains, and large ones."""
    rng = np.random.default_rng(seed)
    arrays = {name: np.array(array, float) for name, array in draw(bound, rows, width, seed).items()}
    for role in bound.loss.roles:
        domain, array = bound.domain(role.name), arrays[role.name]
        if domain.class_index or domain.interval.whole or domain.sums_to_one or domain.name == "one-hot":
            continue
        edges = np.array([x for sign in (1.0, -1.0) for x in np.array(EDGES) * sign if x in domain.interval])
        chosen = rng.random(array.shape) < 1 / 3
        array[chosen] = rng.choice(edges, array.shape)[chosen]
    if {"lower", "upper"} <= arrays.keys():
        low, high = arrays["lower"], arrays["upper"]
        arrays["lower"], arrays["upper"] = np.minimum(low, high), np.maximum(low, high)
    return arrays


def _values(domain: Domain, rng: np.random.Generator, rows: int, columns: int, classes: int) -> np.ndarray:
    if domain.class_index:
        return rng.integers(0, classes, (rows, 1))
    if domain.name == "one-hot":
        return np.eye(columns)[rng.integers(0, columns, rows)]
    if domain.sums_to_one:
        return rng.dirichlet(np.ones(columns), rows)
    if "-1" in domain.name and domain.interval.high == 1.0:
        return rng.choice([-1.0, 1.0], (rows, columns))
    within = domain.interval
    if within.whole:
        return rng.integers(int(max(within.low, -1)), int(min(within.high, columns)), (rows, columns))
    if math.isfinite(within.low) and math.isfinite(within.high):
        return rng.uniform(within.low, within.high, (rows, columns))
    reals = rng.normal(size=(rows, columns)) * 3
    return np.abs(reals) + max(within.low, 0.0) if math.isfinite(within.low) else reals
