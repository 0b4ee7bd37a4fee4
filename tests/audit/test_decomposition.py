"""Decompositions against model-diagnostics and scikit-learn's isotonic regression; merging in any order."""

from __future__ import annotations

import math
import pickle
import random
from fractions import Fraction
from functools import reduce

import numpy as np
import pytest
from model_diagnostics.scoring import LogLoss, SquaredError, decompose
from scipy.special import xlogy
from sklearn.isotonic import IsotonicRegression

from lossctl.audit import decomposition as split
from lossctl.audit.distinct import Distinct, DistinctTally
from lossctl.errors import DataError

Rows = tuple[np.ndarray, np.ndarray, np.ndarray | None]


def log_score(preds: np.ndarray, label: int) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return -np.log(preds) if label else -np.log1p(-preds)


def part(rows: Rows, size: int = 400, order: int = 0) -> Distinct:
    preds, labels, weights = rows
    parts = []
    for at in range(0, len(preds), size):
        tally = DistinctTally()
        some = slice(at, at + size)
        tally.add(preds[some], labels[some], None if weights is None else weights[some])
        parts.append(pickle.loads(pickle.dumps(tally.partial())))
    random.Random(order).shuffle(parts)
    return reduce(Distinct.merge, parts, Distinct())


def drawn(labels: str, weighted: bool, ties: bool) -> Rows:
    draw = np.random.default_rng(5)
    preds = draw.uniform(0.01, 0.99, 1500)
    preds = preds.round(2) if ties else preds
    given = {
        "hard": (draw.random(1500) < preds).astype(float),
        "soft": draw.beta(1 + preds, 1),
        "real": 1000 + preds + draw.normal(size=1500),
    }
    return preds, given[labels], draw.exponential(size=1500) if weighted else None


def answers(part: Distinct, labels: str) -> list[split.Decomposition]:
    found = split.recalibrated(part)
    squared = split.squared(found).rounded()
    return [squared] if labels == "real" else [squared, split.logarithmic(found, log_score, log_score).rounded()]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("labels", ["hard", "soft", "real"])
def test_agrees_with_model_diagnostics(labels: str, weighted: bool, ties: bool) -> None:
    rows = drawn(labels, weighted, ties)
    preds, y, w = rows
    for found, function in zip(answers(part(rows), labels), (SquaredError(), LogLoss()), strict=False):
        (theirs,) = decompose(y, preds, w, scoring_function=function).rows()
        # theirs is 0 at best: a soft label's own entropy is taken away
        own = np.average(xlogy(y, y) + xlogy(1 - y, 1 - y), weights=w) if isinstance(function, LogLoss) else 0.0
        given = found._replace(uncertainty=found.uncertainty + own, value=found.value + own)
        assert tuple(given) == pytest.approx(theirs, rel=1e-10, abs=1e-10)
        assert found.value == pytest.approx(
            found.miscalibration - found.discrimination + found.uncertainty, rel=1e-13, abs=1e-15
        )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("labels", ["hard", "real"])
def test_the_recalibration_is_isotonic_regression(labels: str, weighted: bool) -> None:
    preds, y, w = rows = drawn(labels, weighted, ties=True)
    pools = split.pooled(part(rows).whole())
    theirs = IsotonicRegression().fit(preds, y, sample_weight=w).predict(pools.keys)
    assert pools.recalibrated(slice(None)) == pytest.approx(theirs, rel=1e-12, abs=1e-12)
    assert np.all(np.diff(pools.rates) > 0)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("labels", ["hard", "soft", "real"])
def test_no_order_and_no_cut_reaches_the_bits(labels: str, weighted: bool) -> None:
    preds, y, w = rows = drawn(labels, weighted, ties=True)
    mixed = np.random.default_rng(0).permutation(len(preds))
    shuffled = preds[mixed], y[mixed], None if w is None else w[mixed]
    expected = answers(part(rows, 5000), labels)
    for size, order in ((3, 1), (100, 2), (777, 3)):
        assert answers(part(shuffled, size, order), labels) == expected


def test_means_are_compared_exactly() -> None:
    # 1/3 against 333333333333333/10^15: they differ in the 16th digit alone
    counts = [(3, 1), (10**15, 333333333333333)]
    labels, weights = (np.array([entry[k] for entry in counts], float) for k in (1, 0))
    tally = DistinctTally()
    tally.add(np.array([0.1, 0.2]), labels / labels, labels)
    tally.add(np.array([0.1, 0.2]), labels * 0, weights - labels)
    pools = split.pooled(tally.partial().whole())
    assert pools.rates.tolist() == [float(Fraction(333333333333334, 10**15 + 3))]


def test_labels_of_one_kind_leave_nothing_to_tell() -> None:
    found = answers(part((np.array([0.2, 0.7, 0.9]), np.ones(3), None)), "hard")
    for one in found:
        assert (one.discrimination, one.uncertainty) == (0.0, 0.0)
        assert one.value == one.miscalibration > 0.0


def test_a_contradicted_certainty_is_infinite_and_recalibrated_it_is_not() -> None:
    preds, labels = np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.0, 1.0])
    squared, logarithmic = answers(part((preds, labels, None)), "hard")
    assert logarithmic.miscalibration == logarithmic.value == math.inf
    assert math.isfinite(logarithmic.discrimination)
    assert squared.value == pytest.approx(1.25 / 3)


@pytest.mark.parametrize("preds", [[0.5, math.nan], [0.5, math.inf]])
def test_what_is_no_number_gives_none(preds: list[float]) -> None:
    found = answers(part((np.array(preds), np.array([0.0, 1.0]), None)), "real")
    assert all(math.isnan(one) for one in found[0])


def test_without_weight_there_is_nothing_to_split() -> None:
    for rows in ((np.empty(0), np.empty(0), None), (np.array([0.5]), np.ones(1), np.zeros(1))):
        assert all(math.isnan(piece) for one in answers(part(rows), "hard") for piece in one)


def test_rows_of_no_weight_change_nothing() -> None:
    preds, y, w = drawn("hard", True, ties=False)
    more = np.concatenate([preds, preds[:50] + 0.001]), np.concatenate([y, y[:50]]), np.concatenate([w, np.zeros(50)])
    assert answers(part(more), "hard") == answers(part((preds, y, w)), "hard")


def test_infinite_logits_are_predictions_like_others() -> None:
    preds = np.array([-math.inf, -math.inf, 0.0, math.inf, math.inf])
    found = part((preds, np.array([0.0, 0.0, 1.0, 1.0, 1.0]), None), size=2)
    assert found.whole().keys.tolist() == [-math.inf, 0.0, math.inf]
    pools = split.recalibrated(found)
    assert pools is not None
    assert pools.pools.rates.tolist() == [0.0, 1.0]


def test_labels_whose_squares_are_no_numbers_give_none() -> None:
    assert all(map(math.isnan, answers(part((np.array([1.0, 2.0]), np.array([1e200, 1.0]), None)), "real")[0]))
    assert answers(part((np.array([1e200, 2.0]), np.array([0.0, 1.0]), None)), "real")[0].miscalibration == math.inf


def test_large_offsets_cost_no_digits() -> None:
    preds, y, _ = drawn("real", False, ties=False)
    near = answers(part((preds, y - 1000, None)), "real")[0]
    far = answers(part((preds + 2.0**20, (y - 1000) + 2.0**20, None)), "real")[0]
    assert tuple(far) == pytest.approx(tuple(near), rel=1e-7)


def test_too_many_predictions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossctl.readers.npy.half_of_memory", lambda: 30_000)
    tally = DistinctTally()
    tally.add(np.arange(1000.0), np.zeros(1000), None)
    with pytest.raises(DataError, match=r"^1,000 distinct predictions take .* bytes.*half of this machine's memory; "):
        tally.partial()
