"""The intervals and p-values that lossctl gives for a data set, by the names of their methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import lossctl
from tests.simulation.coverage import LEVEL, Drawn

REPLICATES = 1000
TESTS = ("t", "sign", "permutation", "bootstrap")
Interval = tuple[float, float]


def evaluated(drawn: Drawn, **asked: Any) -> Mapping[str, Any]:
    """The result of one loss, whose rows' losses are those that were drawn."""
    data = {"y": np.zeros(len(drawn.losses)), "p": drawn.losses}
    if drawn.weights is not None:
        data["w"], asked["weights"] = drawn.weights, "w"
    if drawn.clusters is not None:
        data["c"], asked["cluster"] = drawn.clusters, "c"
    if "slices" in asked:
        data["s"], asked["by"] = asked.pop("slices").astype(np.int64), "s"
    found = lossctl.evaluate(data, loss="mean_absolute_error", labels="y", preds="p", threads=1, **asked)
    entry: Mapping[str, Any] = found.to_dict()["results"][0]
    return entry


def intervals(drawn: Drawn, seed: int, level: float = LEVEL, replicates: int = REPLICATES) -> dict[str, Interval]:
    """Of the mean."""
    entry = evaluated(drawn, ci=level, bootstrap=replicates, seed=seed)
    told = {"analytic": entry["ci"], "bootstrap": entry["bootstrap"]}
    return {method: (found["low"], found["high"]) for method, found in told.items()}


def of_slice(drawn: Drawn, inside: np.ndarray, level: float = LEVEL) -> dict[str, Interval]:
    """Of the slice's mean less that of the rest."""
    slices = evaluated(drawn, slices=inside, ci=level)["slices"]
    found = next(one["difference"] for one in slices if str(one["by"]["s"]) == "1")
    return {"analytic": (found["low"], found["high"])}


def paired(one: np.ndarray, two: np.ndarray, seed: int, replicates: int = REPLICATES - 1) -> dict[str, float]:
    """The p-values of paired tests."""
    models = {name: {"y": np.zeros(len(losses)), "p": losses} for name, losses in (("one", one), ("two", two))}
    found = lossctl.compare(
        models,
        loss="mean_absolute_error",
        labels="y",
        preds="p",
        by_position=True,
        tests=TESTS,
        replicates=replicates,
        seed=seed,
        threads=1,
    )
    return {test: found["two"].found["tests"][test]["p"] for test in TESTS}
