"""Errors by cluster against numpy's plain formulas, and against what is known without clusters."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossctl.audit.clusters import cluster_error, numbered, root, slice_errors
from lossctl.audit.grouped import GroupSums
from lossctl.audit.groupmoments import GroupMoments

REDUCTIONS = ["mean", "sum_over_batch_size", "sum_by_nonzero_weights", "batchmean"]


class Data:
    """Rows in clusters and slices that cut across them, with a shock that a cluster's rows share."""

    def __init__(self, weighted: bool, clusters: int = 40, slices: int = 3, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        n = 600
        self.cluster, self.slice = rng.integers(0, clusters, n), rng.integers(0, slices, n)
        self.losses = rng.exponential(size=n) + rng.exponential(size=clusters)[self.cluster]
        self.weights = rng.random(n) * (rng.random(n) < 0.8) if weighted else None
        self.slices = slices

    def moments(self, codes: np.ndarray) -> GroupMoments:
        sums = GroupSums()
        sums.add(self.losses, self.weights, None, codes, int(codes.max()) + 1)
        return sums.flush()

    def scores(self, reduction: str, mine: np.ndarray) -> np.ndarray:
        """(G,) u_c of the rows in `mine`, by plain sums."""
        w = np.ones(len(self.losses)) if self.weights is None else self.weights
        b = {"mean": w, "sum_by_nonzero_weights": (w != 0) * 1.0}.get(reduction, np.ones(len(w)))
        a_c, b_c = (np.bincount(self.cluster, v * mine) for v in (w * self.losses, b))
        return (a_c - a_c.sum() / b_c.sum() * b_c) / b_c.sum()


def plain_error(u: np.ndarray, clusters: int) -> float:
    return math.sqrt(clusters / (clusters - 1) * (u**2).sum())


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_error_by_cluster(weighted: bool, reduction: str) -> None:
    data = Data(weighted)
    stderr, clusters = cluster_error(data.moments(data.cluster), reduction)
    assert clusters == 40
    assert stderr == pytest.approx(plain_error(data.scores(reduction, np.ones(600)), 40), rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_error_of_a_sum_is_that_of_a_total(weighted: bool) -> None:
    data = Data(weighted)
    w = 1.0 if data.weights is None else data.weights
    totals = np.bincount(data.cluster, w * data.losses)
    stderr, _ = cluster_error(data.moments(data.cluster), "sum")
    assert stderr == pytest.approx(math.sqrt(40) * totals.std(ddof=1), rel=1e-12)


def test_clusters_of_one_row_are_rows() -> None:
    losses = np.random.default_rng(0).normal(size=500)
    sums = GroupSums()
    sums.add(losses, None, None, np.arange(500), 500)
    stderr, clusters = cluster_error(sums.flush())
    assert clusters == 500
    assert stderr == pytest.approx(losses.std(ddof=1) / math.sqrt(500), rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("clusters", [6, 400])
def test_slices_and_what_they_differ_by(weighted: bool, reduction: str, clusters: int) -> None:
    data = Data(weighted, clusters)
    found = slice_errors(data.moments(data.slice * clusters + data.cluster), *pairs(data, clusters), reduction)
    counts = data.weights != 0 if reduction == "sum_by_nonzero_weights" and weighted else np.ones(600, bool)
    everywhere = len(np.unique(data.cluster[counts]))
    for s in range(data.slices):
        mine = data.slice == s
        u1, u0 = data.scores(reduction, mine), data.scores(reduction, ~mine)
        within = len(np.unique(data.cluster[mine & counts]))
        assert (found[s].clusters, found[s].difference_clusters) == (within, everywhere)
        assert found[s].stderr == pytest.approx(plain_error(u1, within), rel=1e-12)
        assert found[s].difference_stderr == pytest.approx(plain_error(u1 - u0, everywhere), rel=1e-12)


def pairs(data: Data, clusters: int) -> tuple[np.ndarray, np.ndarray]:
    cells = np.arange(int((data.slice * clusters + data.cluster).max()) + 1)
    return cells // clusters, cells % clusters


def test_slices_along_clusters_vary_on_their_own() -> None:
    data = Data(False, clusters=30)
    data.slice = data.cluster % 3
    found = slice_errors(data.moments(data.cluster), np.arange(30) % 3, np.arange(30))
    rest = plain_error(data.scores("mean", data.slice != 0), 20) * math.sqrt(19 / 20)
    alone = found[0].stderr * math.sqrt(9 / 10)
    assert found[0].difference_stderr == pytest.approx(math.hypot(alone, rest) * math.sqrt(30 / 29), rel=1e-12)


def test_where_there_is_no_error() -> None:
    def error(losses: list[float], codes: list[int], weights: list[float] | None = None) -> tuple[float | None, int]:
        sums = GroupSums()
        given_weights = None if weights is None else np.array(weights)
        sums.add(np.array(losses), given_weights, None, np.array(codes), 3)
        return cluster_error(sums.flush())

    assert error([1.0, 2.0], [0, 0]) == (None, 1)
    assert error([1.0, math.inf, 2.0], [0, 1, 2]) == (None, 3)
    assert error([1.0, 2.0], [0, 1], [0.0, 0.0]) == (None, 2)
    assert error([1.0, 1.0, 1.0], [0, 1, 2]) == (0.0, 3)


def test_a_slice_of_one_cluster_or_without_a_rest_has_no_difference() -> None:
    sums = GroupSums()
    sums.add(np.array([1.0, 2.0, 4.0, 5.0]), None, None, np.arange(4), 4)
    part = sums.flush()
    lone = slice_errors(part, np.array([0, 1, 1, 1]), np.array([0, 1, 2, 3]))
    assert (lone[0].stderr, lone[0].difference_stderr, lone[1].difference_stderr) == (None, None, None)
    assert lone[1].stderr is not None
    only = slice_errors(part, np.zeros(4, int), np.arange(4))
    assert only[0].stderr is not None
    assert only[0].difference_stderr is None


def test_a_loss_that_is_no_number_spoils_its_slice_and_all_differences() -> None:
    losses = np.random.default_rng(5).normal(size=40)
    losses[3] = math.nan
    sums = GroupSums()
    sums.add(losses, None, None, np.arange(40), 40)
    found = slice_errors(sums.flush(), np.arange(40) % 2, np.arange(40) // 2)
    assert found[1].stderr is None
    assert found[0].stderr is not None
    assert found[0].difference_stderr is found[1].difference_stderr is None


def test_order_and_range_do_not_matter() -> None:
    data = Data(True)
    order = np.random.default_rng(1).permutation(600)
    there = cluster_error(data.moments(data.cluster))
    data.losses, data.weights, data.cluster = data.losses[order], data.weights[order], data.cluster[order]
    assert cluster_error(data.moments(data.cluster)) == there
    scaled = data.losses * 2.0**300
    data.losses = scaled
    stderr, _ = cluster_error(data.moments(data.cluster))
    assert stderr == there[0] * 2.0**300


def test_keys_come_apart_into_slices_and_clusters() -> None:
    keys = [("eu", None, 7), ("us", 1, 7), ("eu", None, "x")]
    assert numbered(keys) == ([("eu", None), ("us", 1)], [0, 1, 0], [0, 0, 1])


@given(st.integers(0, 10**60), st.integers(1, 10**60))
def test_a_root_is_rounded_once(p: int, q: int) -> None:
    got = root(p, q)
    if p == 0:
        assert got == 0.0
        return
    true = Fraction(p, q)
    # the neighbours' midpoints lie on either side of the true root
    for other in (math.nextafter(got, 0.0), math.nextafter(got, math.inf)):
        middle = (Fraction(got) + Fraction(other)) / 2
        assert (middle**2 <= true) if other < got else (middle**2 >= true)
