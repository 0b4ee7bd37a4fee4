"""A loss as a function of arrays: by itself, under scikit-learn, in other processes."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, make_scorer, mean_squared_error
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import lossctl
from lossctl.errors import DataError, UsageError

PROBABILITIES = {"greater_is_better": False, "response_method": "predict_proba"}
CLASSIFIER = make_pipeline(StandardScaler(), LogisticRegression())


def test_it_is_what_evaluate_gives() -> None:
    rng = np.random.default_rng(0)
    y, p, w = rng.normal(size=100), rng.normal(size=100), rng.exponential(size=100)
    huber = lossctl.metric("huber", delta=0.5)
    for weights in (None, w):
        found = lossctl.evaluate(labels=y, preds=p, weights=weights, loss="huber:delta=0.5")
        assert huber(y, p, weights) == huber(y, p, sample_weight=weights) == found.value
    assert list(inspect.signature(huber).parameters) == ["y_true", "y_pred", "sample_weight"]
    assert isinstance(huber(y, p), float)


def test_it_behaves_as_a_function() -> None:
    huber = lossctl.metric("huber", delta=2)
    assert (huber.__name__, huber.spec) == ("huber", "huber:delta=2.0")
    for twin in (pickle.loads(pickle.dumps(huber)), copy.deepcopy(huber), lossctl.metric("huber:delta=2")):
        assert twin == huber
        assert hash(twin) == hash(huber)
    assert lossctl.metric("huber") != huber
    assert functools.wraps(huber)(lambda: 0).__name__ == "huber"
    assert functools.partial(huber, [1.0, 2.0])([1.0, 4.0]) == 1.0
    assert functools.cache(huber)((1.0, 2.0), (1.0, 4.0)) == 1.0


def test_it_takes_the_words_of_evaluate() -> None:
    assert lossctl.metric("mse", reduction="sum")([1.0, 2.0], [2.0, 4.0]) == 5.0
    assert lossctl.metric("mse", on_bad="drop")([1.0, np.nan], [2.0, 4.0]) == 1.0
    assert np.isnan(lossctl.metric("mse", on_empty="nan")([], []))
    labels, preds = [0, 1, 1], [[0.5, 0.5], [0.25, 0.75], [0.5, 0.5]]
    weighed = lossctl.metric("scce", class_weights=np.array([1.0, 3.0]))
    assert weighed == lossctl.metric("scce", class_weights=(1, 3))
    assert weighed(labels, preds) == lossctl.metric("scce")(labels, preds, [1.0, 3.0, 3.0])
    assert lossctl.metric("scce", ignore_index=0)(labels, preds) == lossctl.metric("scce")(labels[1:], preds[1:])


@pytest.mark.parametrize("names", [["a", "b"], [3, 7]])
def test_classes_may_have_names(names: list[Any]) -> None:
    classes, labels = np.array(names), np.array([0, 1, 1])
    preds = np.array([[0.5, 0.5], [0.25, 0.75], [0.5, 0.5]])
    named = lossctl.metric("scce", classes=classes)
    assert named(classes[labels], preds) == lossctl.metric("scce")(labels, preds)
    assert pickle.loads(pickle.dumps(named)) == named
    binary = lossctl.metric("bce", classes=classes)
    assert binary(classes[labels], preds[:, 1]) == lossctl.metric("bce")(labels, preds[:, 1])


@pytest.mark.parametrize(
    ("loss", "words", "told"),
    [
        ("hubr", {}, "did you mean huber"),
        ("huber", {"dleta": 1}, "did you mean delta"),
        ("huber", {"delta": 0}, "delta must be > 0"),
        ("huber", {"on_bad": "dorp"}, "did you mean drop"),
        ("huber", {"reduction": "maen"}, "did you mean mean"),
        ("huber", {"reduction": "none"}, "a metric is one number"),
        ("huber", {"class_weight": [1, 2]}, "did you mean class_weights"),
        ("huber", {"classes": "ab"}, "classes takes a list"),
        (["mse", "mae"], {}, "a metric is one number"),
    ],
)
def test_what_it_cannot_mean_is_told_when_it_is_made(loss: Any, words: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        lossctl.metric(loss, **words)


def test_what_it_cannot_use_is_told_when_it_is_called() -> None:
    with pytest.raises(DataError, match="row 1 column preds: nan"):
        lossctl.metric("mse")([1.0], [np.nan])
    with pytest.raises(UsageError, match="rows are never broadcast"):
        lossctl.metric("mse")([1.0, 2.0], [[1.0, 2.0], [1.0, 2.0]])
    with pytest.raises(DataError, match="different lengths: labels 2, preds 2, weights 1 rows"):
        lossctl.metric("mse")([1.0, 2.0], [1.0, 2.0], [1.0])


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer], ids=["three classes", "two"])
@pytest.mark.parametrize("loss", ["sklearn.log_loss", "log loss of our own"])
def test_a_scorer_of_probabilities(load: Any, loss: str) -> None:
    x, y = load(return_X_y=True)
    ours = {True: "bce:epsilon=0", False: "scce:epsilon=0"}[len(set(y)) == 2] if loss != "sklearn.log_loss" else loss
    scorer = make_scorer(lossctl.metric(ours), **PROBABILITIES)
    found = cross_val_score(CLASSIFIER, x, y, scoring=scorer)
    assert found == pytest.approx(cross_val_score(CLASSIFIER, x, y, scoring="neg_log_loss"), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer], ids=["three classes", "two"])
def test_a_scorer_of_named_classes(load: Any) -> None:
    data = load()
    y = data.target_names[data.target]
    # scikit-learn scores the class that sorts last
    classes = sorted(data.target_names)
    scorer = make_scorer(lossctl.metric("sklearn.log_loss", classes=classes), **PROBABILITIES)
    found = cross_val_score(CLASSIFIER, data.data, y, scoring=scorer)
    assert found == pytest.approx(
        cross_val_score(CLASSIFIER, data.data, y, scoring="neg_log_loss"), rel=1e-12, abs=1e-12
    )


def test_a_scorer_of_numbers() -> None:
    x, y = load_diabetes(return_X_y=True)
    squares = make_scorer(lossctl.metric("mse"), greater_is_better=False)
    found = cross_val_score(Ridge(), x, y, scoring=squares)
    assert found == pytest.approx(cross_val_score(Ridge(), x, y, scoring="neg_mean_squared_error"), rel=1e-12)
    huber = make_scorer(lossctl.metric("huber", delta=50), greater_is_better=False)

    def by_hand(y_true: np.ndarray, y_pred: np.ndarray) -> float:
        error = np.abs(y_true - y_pred)
        return float(np.mean(np.where(error <= 50, error**2 / 2, 50 * (error - 25))))

    expected = cross_val_score(Ridge(), x, y, scoring=make_scorer(by_hand, greater_is_better=False))
    assert cross_val_score(Ridge(), x, y, scoring=huber) == pytest.approx(expected, rel=1e-12)


def test_a_scorer_with_weights() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    x, weights = StandardScaler().fit_transform(x), np.random.default_rng(0).exponential(size=len(y))

    def scores(loss: Any) -> np.ndarray:
        scorer = make_scorer(loss, **PROBABILITIES).set_score_request(sample_weight=True)
        model = LogisticRegression().set_fit_request(sample_weight=False)
        return np.asarray(cross_val_score(model, x, y, scoring=scorer, params={"sample_weight": weights}))

    with sklearn.config_context(enable_metadata_routing=True):
        assert scores(lossctl.metric("sklearn.log_loss")) == pytest.approx(scores(log_loss), rel=1e-12)
    p = np.random.default_rng(1).dirichlet([1, 1], len(y))
    ours = lossctl.metric("sklearn.log_loss")(y, p[:, 1], sample_weight=weights)
    assert ours == pytest.approx(log_loss(y, p[:, 1], sample_weight=weights), rel=1e-12)
    ours = lossctl.metric("mse")(y, p[:, 1], sample_weight=weights)
    assert ours == pytest.approx(mean_squared_error(y, p[:, 1], sample_weight=weights), rel=1e-12)


def test_a_scorer_in_other_processes() -> None:
    x, y = load_diabetes(return_X_y=True)
    scorer = make_scorer(lossctl.metric("huber", delta=50), greater_is_better=False)
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 10.0]}, scoring=scorer, n_jobs=2).fit(x, y)
    alone = GridSearchCV(Ridge(), {"alpha": [0.1, 10.0]}, scoring=scorer).fit(x, y)
    assert search.cv_results_["mean_test_score"].tolist() == alone.cv_results_["mean_test_score"].tolist()
