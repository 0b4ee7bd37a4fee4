"""The audit's numbers on the samples against pandas, numpy, scipy and scikit-learn, and against each other."""

from __future__ import annotations

from functools import cache
from itertools import accumulate
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import r2_score

import lossctl
from tests.conftest import SAMPLES

# sample, loss, --by, and how pandas groups by it
CASES = (
    ("digits", "sparse_categorical_crossentropy", "ink", lambda f: f["ink"]),
    ("digits", "sparse_categorical_crossentropy", "label", lambda f: f["label"].astype(str)),
    ("breast_cancer", "binary_crossentropy", "size", lambda f: f["size"]),
    ("breast_cancer", "brier_score", "size*label", lambda f: f["size"] + "*" + f["label"].astype(str)),
    ("diabetes", "mean_absolute_error", "sex", lambda f: f["sex"]),
    ("diabetes", "huber:delta=50", "pred:width=40", lambda f: _bins(f["pred"], np.arange(0.0, 400.0, 40.0))),
    ("counts", "poisson", "count:edges=1,2,5", lambda f: _bins(f["count"], [-np.inf, 1.0, 2.0, 5.0, np.inf])),
)
NAMES = [f"{name} by {by}" for name, _, by, _ in CASES]
COLUMNS = {"counts": {"labels": "count", "preds": "mean"}, "breast_cancer": {"labels": "label", "preds": "prob"}}
LEVELS = (0.0, 0.01, 0.25, 0.5, 0.9, 0.999, 1.0)


def _bins(values: Any, edges: Any) -> Any:
    """As lossctl writes them."""

    def told(edge: float) -> str:
        return str(edge).removesuffix(".0")

    codes = np.searchsorted(edges, values, side="right") - 1
    return pd.Series([f"{'(' if np.isinf(edges[k]) else '['}{told(edges[k])}, {told(edges[k + 1])})" for k in codes])


@cache
def frame(name: str) -> pd.DataFrame:
    """A sample with the loss of each row, some weights and clusters, and the slices."""
    found = pd.read_csv(SAMPLES / f"{name}.csv")
    draw = np.random.default_rng(len(name))
    found["weight"] = draw.choice([0.0, 0.5, 1.0, 3.0], len(found))
    found["cluster"] = draw.integers(0, 40, len(found))
    return found


def losses_of(name: str, loss: str) -> np.ndarray:
    """Each row's own."""
    rows = lossctl.evaluate(frame(name), loss=loss, reduction="none", **COLUMNS.get(name, {})).row_table()
    return np.asarray(rows.columns[-1].to_numpy())


def result(name: str, loss: Any, **asked: Any) -> dict[str, Any]:
    """The document's only result."""
    found: dict[str, Any] = lossctl.evaluate(frame(name), loss=loss, **COLUMNS.get(name, {}), **asked).to_dict()
    return dict(found["results"][0])


def named(entry: dict[str, Any]) -> str:
    return "*".join(map(str, entry["by"].values()))


def near(value: float, rel: float = 1e-10) -> Any:
    return pytest.approx(value, rel=rel, abs=0.0)


def linearised(losses: np.ndarray, w: np.ndarray, clusters: np.ndarray | None = None) -> tuple[float, float]:
    """A ratio mean with its standard error."""
    mean = float(w @ losses / w.sum())
    parts = (w * (losses - mean))[w > 0]
    if clusters is not None:
        parts = np.array([part.sum() for _, part in pd.Series(w * (losses - mean)).groupby(clusters)])
    n = len(parts)
    return mean, float(np.sqrt(n / (n - 1) * (parts @ parts)) / w.sum())


@pytest.mark.parametrize(("name", "loss", "by", "grouped"), CASES, ids=NAMES)
def test_slices_are_those_of_pandas(name: str, loss: str, by: str, grouped: Any) -> None:
    rows = pd.DataFrame({"loss": losses_of(name, loss), "slice": grouped(frame(name))})
    groups = rows.groupby("slice")["loss"]
    told = {named(entry): entry for entry in result(name, loss, by=by, ci=0.9)["slices"]}
    expected = groups.agg(["mean", "sum", "count", "sem", "min", "max"])
    assert set(told) == set(expected.index)
    for key, row in expected.iterrows():
        entry = told[str(key)]
        assert entry["count"] == entry["weight_sum"] == entry["denominator"] == row["count"]
        assert (entry["min"], entry["max"]) == (row["min"], row["max"])
        assert (entry["value"], entry["sum"]) == (near(row["mean"]), near(row["sum"]))
        if row["count"] == 1:
            assert entry["stderr"] is entry["ci"] is None
            continue
        assert entry["stderr"] == near(row["sem"])
        low, high = stats.t.interval(0.9, row["count"] - 1, row["mean"], row["sem"])
        assert (entry["ci"]["low"], entry["ci"]["high"]) == (near(low, 1e-9), near(high, 1e-9))


@pytest.mark.parametrize("correction", ["holm", "bh"])
@pytest.mark.parametrize(("name", "loss", "by", "grouped"), CASES, ids=NAMES)
def test_differences_are_welchs_tests(name: str, loss: str, by: str, grouped: Any, correction: str) -> None:
    losses, slices = losses_of(name, loss), grouped(frame(name)).to_numpy()
    differences = {
        named(entry): entry["difference"] for entry in result(name, loss, by=by, correction=correction)["slices"]
    }
    for key, told in differences.items():
        own, rest = losses[slices == key], losses[slices != key]
        if len(own) == 1:
            assert told["p"] is told["p_adjusted"] is told["stderr"] is None
            continue
        true = stats.ttest_ind(own, rest, equal_var=False)
        low, high = true.confidence_interval(0.95)
        assert told["value"] == pytest.approx(own.mean() - rest.mean(), rel=1e-9, abs=1e-13)
        assert abs(told["value"] / told["stderr"] - true.statistic) < 1e-10
        assert abs(told["p"] - true.pvalue) < 1e-10
        assert told["p"] == near(true.pvalue, 1e-8)
        assert (told["low"], told["high"]) == pytest.approx((low, high), rel=1e-9, abs=1e-12)
        assert told["correction"] == correction
    p = [told["p"] for told in differences.values() if told["p"] is not None]
    adjusted = [told["p_adjusted"] for told in differences.values() if told["p"] is not None]
    assert adjusted == pytest.approx(holm(p) if correction == "holm" else stats.false_discovery_control(p), rel=1e-12)


def holm(p: list[float]) -> list[float]:
    """The textbook's."""
    order = sorted(range(len(p)), key=p.__getitem__)
    steps = accumulate(((len(p) - k) * p[i] for k, i in enumerate(order)), max)
    found = dict(zip(order, (min(step, 1.0) for step in steps), strict=True))
    return [found[i] for i in range(len(p))]


@pytest.mark.parametrize(("name", "loss", "by", "grouped"), CASES, ids=NAMES)
@pytest.mark.parametrize("clustered", [False, True])
def test_weights_and_clusters_are_linearised(name: str, loss: str, by: str, grouped: Any, clustered: bool) -> None:
    losses, slices, f = losses_of(name, loss), grouped(frame(name)).to_numpy(), frame(name)
    w, clusters = f["weight"].to_numpy(), f["cluster"].to_numpy() if clustered else None
    found = result(name, loss, by=by, weights="weight", cluster="cluster" if clustered else ())
    assert (found["value"], found["stderr"]) == tuple(map(near, linearised(losses, w, clusters)))
    for entry in found["slices"]:
        inside = slices == named(entry)
        if np.count_nonzero(w[inside]) < 2:
            continue
        own = linearised(losses[inside], w[inside], None if clusters is None else clusters[inside])
        assert entry["weight_sum"] == w[inside].sum()
        assert (entry["value"], entry["stderr"]) == (near(own[0]), near(own[1]))
        difference = entry["difference"]["value"], entry["difference"]["stderr"]
        assert difference == pytest.approx(_apart(losses, w, inside, clusters), rel=1e-9)


def _apart(losses: np.ndarray, w: np.ndarray, inside: np.ndarray, clusters: np.ndarray | None) -> tuple[float, float]:
    """A slice's mean less that of the rest, and its standard error, clusters in both taken together."""
    (own, error), (rest, other) = (linearised(losses[some], w[some]) for some in (inside, ~inside))
    if clusters is None:
        return own - rest, float(np.hypot(error, other))
    parts = np.where(inside, w * (losses - own) / w[inside].sum(), -w * (losses - rest) / w[~inside].sum())
    sums = np.bincount(clusters, parts)
    groups = len(np.unique(clusters))
    return own - rest, float(np.sqrt(groups / (groups - 1) * (sums @ sums)))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "loss", "by", "grouped"), CASES, ids=NAMES)
def test_quantiles_and_shares_are_those_of_numpy(name: str, loss: str, by: str, grouped: Any, weighted: bool) -> None:
    losses, slices = losses_of(name, loss), grouped(frame(name)).to_numpy()
    w = frame(name)["weight"].to_numpy(float) if weighted else np.ones(len(losses))
    asked: dict[str, Any] = {"weights": "weight"} if weighted else {}
    found = result(name, loss, by=by, quantiles=LEVELS, spread=True, histogram=True, **asked)
    exact = result(name, loss, quantiles=LEVELS, exact_quantiles=True, **asked)["quantiles"]
    assert exact["method"] == "exact"
    assert list(exact["values"].values()) == quantiles(losses, w).tolist()
    everything = [(found, np.ones(len(losses), bool)), *((one, slices == named(one)) for one in found["slices"])]
    for entry, inside in everything:
        own, mass = losses[inside], w[inside]
        assert np.histogram(own, entry["histogram"]["edges"])[0].tolist() == entry["histogram"]["counts"]
        if mass.any():
            np.testing.assert_allclose(list(entry["quantiles"]["values"].values()), quantiles(own, mass), rtol=1e-3)
            share = worst_share(own, mass)
            assert entry["worst_share"]["share"] == (share if share is None else pytest.approx(share, rel=1e-3))


def quantiles(losses: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The least loss with the share of the weight at or below it."""
    losses, w = losses[w > 0], w[w > 0]
    found: np.ndarray = np.quantile(losses, LEVELS, weights=w, method="inverted_cdf")
    return found


def worst_share(losses: np.ndarray, w: np.ndarray) -> float | None:
    """What the worst 1 % of the weight carry, where the last row counts in part; None of a sum that is not above 0."""
    if w @ losses <= 0.0:
        return None
    order = np.argsort(-losses, kind="stable")
    losses, w = losses[order], w[order]
    left = np.clip(0.01 * w.sum() - np.concatenate([[0.0], np.cumsum(w)[:-1]]), 0.0, w)
    return float(left @ losses / (w @ losses))


def test_a_loss_of_the_whole_file_by_slice() -> None:
    f = frame("diabetes")
    found = lossctl.evaluate(f, loss=["mse", "r2"], by=["sex", "pred:width=40"], spread=True, bootstrap=20, worst=1)
    _, whole = found.to_dict()["results"]
    assert whole["value"] == near(r2_score(f["target"], f["pred"]))
    told = {one["by"]["sex"]: one for one in whole["slices"] if "sex" in one["by"]}
    for key, rows in f.groupby("sex"):
        assert told[key]["value"] == near(r2_score(rows["target"], rows["pred"]))
        assert told[key]["stderr"] is told[key]["ci"] is None
        assert not {"bootstrap", "quantiles", "worst_share"} & told[key].keys()


# the audit against itself

ROWS = 600
WHOLE = ("value", "sum", "count", "weight_sum", "denominator", "stderr", "min", "max", "ci", "bootstrap", "quantiles")
WHOLE += ("worst_share", "histogram")


@cache
def outputs() -> dict[str, Any]:
    """Rows of two outputs."""
    draw = np.random.default_rng(4)
    user = draw.integers(0, 50, ROWS)
    y = draw.normal(size=(ROWS, 2)) + draw.normal(size=50)[user][:, None]
    columns = {"id": np.arange(ROWS), "user": user, "weight": draw.choice([0.0, 0.5, 2.0], ROWS), "all": ["x"] * ROWS}
    columns |= {f"y{k}": y[:, k] for k in (0, 1)} | {f"p{k}": draw.normal(size=ROWS) for k in (0, 1)}
    return {**columns, "class": draw.integers(0, 2, ROWS), "region": draw.choice(["eu", "uk", "us"], ROWS).tolist()}


CALLS = {
    "rows": {"loss": "keras.MeanAbsoluteError", "labels": "y0", "preds": "p0"},
    "outputs": {"loss": "torch.MSELoss", "labels": ["y0", "y1"], "preds": ["p0", "p1"]},
    "class weights": {
        "loss": "torch.CrossEntropyLoss",
        "labels": "class",
        "preds": ["p0", "p1"],
        "class_weights": [0.3, 2.0],
    },
}
REDUCTIONS = (None, "sum", "sum_over_batch_size", "sum_by_nonzero_weights", "batchmean")


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("call", CALLS)
def test_a_slice_has_what_its_rows_alone_have(
    call: str, reduction: str | None, weighted: bool, clustered: bool
) -> None:
    asked: dict[str, Any] = {**CALLS[call], "reduction": reduction, "ids": ["id"], "spread": True, "histogram": True}
    asked |= {"weights": "weight"} if weighted else {}
    asked |= {"cluster": "user"} if clustered else {}

    def found(**more: Any) -> dict[str, Any]:
        return dict(lossctl.evaluate(outputs(), bootstrap=200, **asked, **more).to_dict()["results"][0])

    whole = found(by=["all", "region"])
    alone = {"x": whole, "eu": found(where="region == 'eu'")}
    slices = {named(one): one for one in whole["slices"]}
    # a sum's clusters have no say in a slice: how many there are is not known
    left = {"stderr", "ci"} if reduction == "sum" and clustered else set()
    for key, expected in alone.items():
        assert {k: slices[key][k] for k in WHOLE if k not in left} == {k: expected[k] for k in WHOLE if k not in left}
    method = "percentile, the number of clusters varies" if left else "percentile"
    assert {one["bootstrap"]["method"] for one in (whole, *whole["slices"])} == {method}
    if not left:
        assert 0.8 < whole["bootstrap"]["stderr"] / whole["stderr"] < 1.25
