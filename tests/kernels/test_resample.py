"""Draws follow their distribution, whatever the keys, and replicates do not know of each other."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lossctl.audit.bootstrap import Resampler
from lossctl.kernels import draws
from tests.drawing import draws_of

N, R = 20_000, 256
# nothing here is drawn at random: these z-scores are what they are for this seed
TOO_FAR = 4.0


def keys_of(kind: str) -> np.ndarray:
    numbers = np.arange(N, dtype=np.uint64)
    return {"in a row": numbers, "far apart": numbers << np.uint64(40), "even": numbers * np.uint64(2)}[kind]


@pytest.fixture(scope="module", params=["in a row", "far apart", "even"])
def drawn(request: pytest.FixtureRequest) -> np.ndarray:
    return draws_of(Resampler(R, 0), keys_of(request.param))


def test_the_thresholds_are_poissons() -> None:
    edges = [-1, *draws.poisson()[: draws.THRESHOLDS], 2**32 - 1]
    for k, (below, upto) in enumerate(zip(edges, edges[1:], strict=False)):
        assert abs((upto - below) / 2**32 - math.exp(-1) / math.factorial(k)) < 2**-32
    assert draws.poisson()[draws.BASE :] == (0, 1)


def test_mean_and_variance_are_one(drawn: np.ndarray) -> None:
    assert abs(drawn.mean() - 1) * math.sqrt(drawn.size) < TOO_FAR
    # the fourth central moment of Poisson's distribution of mean 1 is 4
    assert abs(drawn.var() - 1) * math.sqrt(drawn.size / 3) < TOO_FAR


def test_the_sums_of_replicates_and_of_rows_spread_as_they_should(drawn: np.ndarray) -> None:
    for axis in (0, 1):
        sums = (drawn.sum(axis) - drawn.shape[axis]) / math.sqrt(drawn.shape[axis])
        assert abs(sums.var() - 1) * math.sqrt(len(sums) / 2) < TOO_FAR


@pytest.mark.parametrize("axis", [0, 1])
def test_how_often_each_number_is_drawn(drawn: np.ndarray, axis: int) -> None:
    some = drawn if axis == 0 else drawn[:2000]
    shares = [math.exp(-1) / math.factorial(k) for k in range(5)]
    shares = np.array([*shares, 1 - sum(shares)])
    counts = np.stack([np.sum(np.minimum(some, 5) == k, axis) for k in range(6)], -1)
    expected = some.shape[axis] * shares
    chi_squares = ((counts - expected) ** 2 / expected).sum(-1)
    # of 5 degrees of freedom each: mean 5, variance 10
    assert abs(chi_squares.mean() - 5) * math.sqrt(len(chi_squares) / 10) < TOO_FAR
    assert chi_squares.max() < 45


def test_replicates_are_independent(drawn: np.ndarray) -> None:
    z = np.corrcoef(drawn.T.astype(float)) * math.sqrt(N)
    z = z[np.triu_indices(R, 1)]
    assert np.abs(z).max() < 5.5
    assert abs(np.mean(z**2) - 1) < 0.05


@pytest.mark.parametrize("distance", [1, 2, 64])
def test_neighbours_are_independent(drawn: np.ndarray, distance: int) -> None:
    off = (drawn - 1).astype(float)
    for one, other in ((off[:-distance], off[distance:]), (off[:, :-distance], off[:, distance:])):
        assert abs((one * other).sum()) / math.sqrt(one.size) < TOO_FAR


def test_seeds_draw_other_rows() -> None:
    one, other = (draws_of(Resampler(R, seed), keys_of("in a row")) - 1.0 for seed in (0, 1))
    assert abs((one * other).sum()) / math.sqrt(one.size) < TOO_FAR


def test_signs_are_fair() -> None:
    signs = draws_of(Resampler(R, 0, "sign"), keys_of("in a row"))
    assert set(np.unique(signs)) == {-1, 1}
    assert abs(signs.mean()) * math.sqrt(signs.size) < TOO_FAR


def test_the_kernel_draws_the_same() -> None:
    resampler = Resampler(70, 3)
    for i in range(300):
        before = resampler.counts["rows"].copy()
        key = np.array([i], np.uint64)
        resampler.add(np.ones(1), None, None, key)
        assert ((resampler.counts["rows"] - before)[0] == draws_of(resampler, key)[0]).all()
