"""The intervals and p-values that lossctl gives for a data set, by the names of their methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import lossctl
from lossctl.audit.bootstrap import Resampler
from lossctl.audit.error import standard_error
from lossctl.audit.rowkeys import row_keys
from lossctl.audit.sums import Sums, unweighted
from lossctl.inference.binomial import sign_test_p
from lossctl.inference.interval import bootstrap_p, permutation_p
from lossctl.inference.student import two_sided
from lossctl.kernels.exactsum import UNIT_EXPONENT, ratio
from tests.simulation.coverage import LEVEL, Drawn

REPLICATES = 1000
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
    d = np.ascontiguousarray(one - two)
    sums = Sums()
    sums.add(d, None, None)
    (rows,) = unweighted([sums.flush()])
    mean, error = ratio(rows.loss, rows.rows << UNIT_EXPONENT), standard_error(rows, "mean")
    assert error is not None
    keys = row_keys([np.arange(len(d))])
    drawn = {}
    for kind in ("sign", "poisson"):
        sampler = Resampler(replicates, seed, kind)
        sampler.add(d, None, None, keys)
        drawn[kind] = sampler.flush().values("mean")
    return {
        "t": two_sided(mean / error.stderr, error.df),
        "sign": sign_test_p(int(np.count_nonzero(d < 0.0)), int(np.count_nonzero(d > 0.0))),
        "permutation": permutation_p(mean, drawn["sign"]),
        "bootstrap": bootstrap_p(drawn["poisson"]),
    }
