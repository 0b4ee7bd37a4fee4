"""Reliability tables against a plain computation: bins, ties, weights, soft labels, order."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from functools import reduce

import numpy as np
import pytest

from lossctl.audit.calibration import Binned, BinTally, Reliability, equal_mass, reliability, width_edges
from lossctl.audit.distinct import Distinct, DistinctTally

ROWS = 3000


def drawn(labels: str, weighted: bool, ties: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    draw = np.random.default_rng(3)
    preds = draw.beta(0.5, 0.7, ROWS)
    preds = preds.round(2) if ties else preds
    y = draw.random(ROWS) if labels == "soft" else (draw.random(ROWS) < preds**2).astype(float)
    return preds, y, draw.exponential(size=ROWS) * 10.0 ** draw.integers(-3, 3, ROWS) if weighted else None


def table(binning: str, bins: int, blocks: list[tuple], order: int = 0) -> Reliability:
    """The table of blocks that are parts of their own, merged in some order."""
    parts: list[Binned] | list[Distinct] = []
    for block in blocks:
        tally = BinTally(width_edges(bins)) if binning == "equal-width" else DistinctTally(True)
        tally.add(*block)
        parts.append(tally.partial())
    random.Random(order).shuffle(parts)
    whole = reduce(lambda a, b: a.merge(b), parts)
    return equal_mass(whole, bins, "x") if binning == "equal-mass" else reliability(whole, width_edges(bins), "x")


def cut(rows: tuple, size: int) -> list[tuple]:
    preds, labels, weights = rows
    cuts = [slice(at, at + size) for at in range(0, len(preds), size)]
    return [(preds[some], labels[some], None if weights is None else weights[some]) for some in cuts]


def inner_edges(binning: str, bins: int, preds: np.ndarray, weights: np.ndarray) -> np.ndarray:
    if binning == "equal-width":
        return np.array([k / bins for k in range(1, bins)])
    order = np.argsort(preds, kind="stable")
    running = np.cumsum(np.array(list(map(Fraction, weights[order].tolist())), object))
    found = []
    for k in range(1, bins):
        enough = [reached >= Fraction(k, bins) * running[-1] for reached in running]
        found.append(preds[order][enough.index(True)])
    return np.array(found)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("labels", ["hard", "soft"])
@pytest.mark.parametrize("binning", ["equal-width", "equal-mass"])
def test_against_a_plain_computation(binning: str, labels: str, weighted: bool, ties: bool) -> None:
    rows = drawn(labels, weighted, ties)
    preds, y, weights = rows
    w = np.ones(ROWS) if weights is None else weights
    found = table(binning, 10, cut(rows, 700))
    codes = np.searchsorted(np.unique(inner_edges(binning, 10, preds, w)), preds, side="left")
    gaps, shares = [], []
    assert len(found.bins) == len(set(codes.tolist()))
    for entry, code in zip(found.bins, sorted(set(codes.tolist())), strict=True):
        inside = codes == code
        n, mass = inside.sum(), w[inside].sum()
        predicted, observed = np.average(preds[inside], weights=w[inside]), np.average(y[inside], weights=w[inside])
        error = math.sqrt(n / (n - 1) * (w[inside] ** 2 * (y[inside] - observed) ** 2).sum()) / mass
        assert entry.count == n
        assert entry.lower <= preds[inside].min()
        assert entry.upper >= preds[inside].max()
        expected = (mass, predicted, observed, error)
        got = (entry.weight, entry.predicted, entry.observed, entry.stderr)
        assert got == pytest.approx(expected, rel=1e-11, abs=1e-13)
        gaps.append(abs(predicted - observed))
        shares.append(mass / w.sum())
    assert found.ece == pytest.approx(np.dot(shares, gaps), rel=1e-10)
    assert found.mce == pytest.approx(max(gaps), rel=1e-10)
    assert found.rms == pytest.approx(math.sqrt(np.dot(shares, np.square(gaps))), rel=1e-10)
    assert found.bias == pytest.approx(np.average(preds - y, weights=w), rel=1e-9, abs=1e-13)
    assert found.count == ROWS


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("binning", ["equal-width", "equal-mass"])
def test_no_order_and_no_cut_reaches_the_bits(binning: str, weighted: bool) -> None:
    rows = drawn("soft", weighted, ties=True)
    shuffled = np.random.default_rng(0).permutation(ROWS)
    mixed = tuple(None if some is None else some[shuffled] for some in rows)
    expected = table(binning, 15, [rows])
    for size, order in ((29, 1), (100, 2), (999, 3)):
        assert table(binning, 15, cut(mixed, size), order) == expected


def test_bins_include_their_upper_ends_and_the_first_its_lower() -> None:
    preds = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    found = table("equal-width", 4, [(preds, np.ones(5), None)])
    assert [entry.count for entry in found.bins] == [2, 1, 1, 1]
    assert [(entry.lower, entry.upper) for entry in found.bins] == [(0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0)]


def test_equal_predictions_share_a_bin_of_equal_mass() -> None:
    preds = np.array([0.1] * 8 + [0.2, 0.9])
    found = table("equal-mass", 5, [(preds, np.zeros(10), None)])
    assert [(entry.lower, entry.upper, entry.count) for entry in found.bins] == [(0.1, 0.1, 8), (0.1, 0.9, 2)]
    alone = table("equal-mass", 5, [(np.full(4, 0.3), np.array([0.0, 1.0, 1.0, 1.0]), None)])
    assert [(entry.count, entry.observed) for entry in alone.bins] == [(4, 0.75)]


@pytest.mark.parametrize("binning", ["equal-width", "equal-mass"])
def test_rows_of_no_number_are_counted_and_in_no_bin(binning: str) -> None:
    preds, labels = np.array([0.2, math.nan, 0.4, 0.6]), np.array([0.0, 1.0, math.nan, 1.0])
    found = table(binning, 2, [(preds, labels, None)])
    assert (found.count, found.unusable) == (2, 2)
    assert found.to_dict()["unusable"] == 2
    assert sum(entry.count for entry in found.bins) == 2
    assert "unusable" not in table(binning, 2, [(preds[:1], labels[:1], None)]).to_dict()


@pytest.mark.parametrize("binning", ["equal-width", "equal-mass"])
def test_without_weight_there_is_no_error(binning: str) -> None:
    found = table(binning, 3, [(np.array([0.2, 0.9]), np.array([0.0, 1.0]), np.zeros(2))])
    assert found.bins == ()
    assert found.count == 2
    assert math.isnan(found.ece)
    empty = table(binning, 3, [(np.empty(0), np.empty(0), None)])
    assert math.isnan(empty.mce)
    assert empty.count == 0


def test_a_bin_of_one_row_has_no_standard_error() -> None:
    found = table("equal-width", 1, [(np.array([0.2]), np.array([0.0]), None)])
    assert found.bins[0].stderr is None
