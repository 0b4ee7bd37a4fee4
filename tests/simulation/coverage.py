"""Data sets drawn from known distributions, and counts of what an interval covers and a test rejects.

Every data set has a seed of its own, so that any part of a run can be done again, in any order or process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import sqrt
from typing import NamedTuple

import numpy as np

SETS, LEVEL = 2000, 0.95
ROWS, CLUSTERS = 400, 150


class Drawn(NamedTuple):
    """One data set: (n,) losses, weights and numbers of clusters; None where rows have none."""

    losses: np.ndarray
    weights: np.ndarray | None = None
    clusters: np.ndarray | None = None


class Design(NamedTuple):
    """How data sets are drawn, and the expected w l over the expected w, which an interval is to cover."""

    name: str
    draw: Callable[[np.random.Generator], Drawn]
    mean: float


class Sliced(NamedTuple):
    """How data sets are drawn with (n,) booleans of a slice, and its expected mean less that of the rest."""

    name: str
    draw: Callable[[np.random.Generator], tuple[Drawn, np.ndarray]]
    difference: float


class Pairs(NamedTuple):
    """How (n,) losses of two models on the same rows are drawn, neither being the better."""

    name: str
    draw: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]


class Counted(NamedTuple):
    """How many of some data sets were hits: intervals that cover, or tests that reject."""

    name: str
    hits: int
    sets: int

    @property
    def share(self) -> float:
        """Hits among all."""
        return self.hits / self.sets

    @property
    def error(self) -> float:
        """Standard error of the share, by the number of sets alone."""
        return sqrt(self.share * (1.0 - self.share) / self.sets)


Interval = Callable[[np.ndarray, np.ndarray | None, np.ndarray | None, float], tuple[float, float]]
PairedTest = Callable[[np.ndarray, np.ndarray], float]


def skewed(rng: np.random.Generator) -> Drawn:
    """Independent rows with exponential losses, of mean 1."""
    return Drawn(rng.exponential(1.0, ROWS))


def weighted(rng: np.random.Generator) -> Drawn:
    """Rows of more weight have larger losses: E l = w + 1/2 with w uniform on [1/2, 3/2]."""
    weights = rng.uniform(0.5, 1.5, ROWS)
    return Drawn((weights + 0.5) * rng.gamma(2.0, 0.5, ROWS), weights)


def clustered(rng: np.random.Generator, count: int = CLUSTERS) -> Drawn:
    """Rows of a cluster share a factor of mean 1 and variance 1/4; clusters have 1 row or more, 6 on average."""
    sizes = 1 + rng.poisson(5.0, count)
    clusters = np.repeat(np.arange(count), sizes)
    shared = rng.gamma(4.0, 0.25, count)
    return Drawn(shared[clusters] * rng.gamma(2.0, 0.5, len(clusters)), None, clusters)


def clustered_weighted(rng: np.random.Generator, count: int = CLUSTERS) -> Drawn:
    """The same with weights that are larger where losses are, as in `weighted`."""
    losses, _, clusters = clustered(rng, count)
    weights = rng.uniform(0.5, 1.5, len(losses))
    return Drawn(losses * (weights + 0.5), weights, clusters)


def zero_inflated(rng: np.random.Generator) -> Drawn:
    """Seven rows in ten lose nothing, the others an exponential loss of mean 1."""
    return Drawn(np.where(rng.random(ROWS) < 0.3, rng.exponential(1.0, ROWS), 0.0))


def heavy(rng: np.random.Generator) -> Drawn:
    """Log-normal losses of mean 1 whose logarithms have variance 2.25: one row in a thousand is above 33."""
    return Drawn(rng.lognormal(-1.125, 1.5, ROWS))


def few_rows(rng: np.random.Generator) -> Drawn:
    """40 rows with exponential losses, of mean 1."""
    return Drawn(rng.exponential(1.0, 40))


# E w (w + 1/2) / E w for w uniform on [1/2, 3/2]
WEIGHTED_MEAN = 19.0 / 12.0
DESIGNS = (
    Design("skewed", skewed, 1.0),
    Design("weighted", weighted, WEIGHTED_MEAN),
    Design("clustered", clustered, 1.0),
    Design("clustered, weighted", clustered_weighted, WEIGHTED_MEAN),
    Design("zero-inflated", zero_inflated, 0.3),
)
# where the textbook's intervals are known to fall short: means are not yet normal, or clusters too few to tell; over
# 20,000 sets numpy's own linearised interval covers 94.1 % with 60 clusters, and 93.7 % with 60 clusters and weights
HARDER = (
    Design("60 clusters", partial(clustered, count=60), 1.0),
    Design("60 clusters, weighted", partial(clustered_weighted, count=60), WEIGHTED_MEAN),
    Design("12 clusters", partial(clustered, count=12), 1.0),
    Design("40 rows", few_rows, 1.0),
    Design("heavy tails", heavy, 1.0),
)


def _sliced(drawn: Drawn, inside: np.ndarray) -> tuple[Drawn, np.ndarray]:
    """Losses in the slice are half as large again."""
    return drawn._replace(losses=np.where(inside, 1.5, 1.0) * drawn.losses), inside


def sliced(rng: np.random.Generator) -> tuple[Drawn, np.ndarray]:
    """Three independent rows in ten, of losses as in `skewed`, half as large again."""
    return _sliced(skewed(rng), rng.random(ROWS) < 0.3)


def sliced_weighted(rng: np.random.Generator) -> tuple[Drawn, np.ndarray]:
    """The same of losses and weights as in `weighted`."""
    return _sliced(weighted(rng), rng.random(ROWS) < 0.3)


def sliced_clustered(rng: np.random.Generator) -> tuple[Drawn, np.ndarray]:
    """Three rows in ten of losses as in `clustered`; most clusters have rows within and without."""
    drawn = clustered(rng)
    return _sliced(drawn, rng.random(len(drawn.losses)) < 0.3)


def sliced_clustered_weighted(rng: np.random.Generator) -> tuple[Drawn, np.ndarray]:
    """The same of losses and weights as in `clustered_weighted`."""
    drawn = clustered_weighted(rng)
    return _sliced(drawn, rng.random(len(drawn.losses)) < 0.3)


def sliced_by_cluster(rng: np.random.Generator, count: int = CLUSTERS) -> tuple[Drawn, np.ndarray]:
    """Of clusters as in `clustered` three in ten are in the slice, with all their rows."""
    drawn = clustered(rng, count)
    assert drawn.clusters is not None
    return _sliced(drawn, (rng.random(count) < 0.3)[drawn.clusters])


SLICED = (
    Sliced("slice", sliced, 0.5),
    Sliced("slice, weighted", sliced_weighted, 0.5 * WEIGHTED_MEAN),
    Sliced("slice, clustered", sliced_clustered, 0.5),
    Sliced("slice, clustered, weighted", sliced_clustered_weighted, 0.5 * WEIGHTED_MEAN),
)
HARDER_SLICED = (
    Sliced("slice of 45 in 150 clusters", sliced_by_cluster, 0.5),
    Sliced("slice of 18 in 60 clusters", partial(sliced_by_cluster, count=60), 0.5),
)


def exchangeable(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are hard or easy for both models; their differences are symmetric about 0."""
    hard = rng.exponential(1.0, ROWS)
    return hard * rng.gamma(2.0, 0.5, ROWS), hard * rng.gamma(2.0, 0.5, ROWS)


def lopsided(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Equal means, but differences that are skewed: for tests of the mean, not of signs or symmetry."""
    return rng.exponential(1.0, ROWS), rng.gamma(4.0, 0.25, ROWS)


def tied(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The same, but the models agree on one row in ten."""
    one, two = exchangeable(rng)
    return one, np.where(rng.random(ROWS) < 0.1, one, two)


PAIRS = (Pairs("exchangeable", exchangeable), Pairs("tied", tied), Pairs("lopsided", lopsided))


def generators(name: str, seed: int, sets: int) -> Iterator[np.random.Generator]:
    """One a data set, each from the design's name, the seed and the data set's number."""
    words = list(name.encode())
    return (np.random.default_rng([seed, number, *words]) for number in range(sets))


def coverage(design: Design, interval: Interval, level: float = LEVEL, sets: int = SETS, seed: int = 0) -> Counted:
    """How many intervals hold the true mean; one with NaN for an end does not."""
    hits = 0
    for rng in generators(design.name, seed, sets):
        low, high = interval(*design.draw(rng), level)
        hits += bool(low <= design.mean <= high)
    return Counted(design.name, hits, sets)


def rejections(pairs: Pairs, test: PairedTest, alpha: float = 0.05, sets: int = SETS, seed: int = 0) -> Counted:
    """How many p-values are at most alpha, where the two models are equally good."""
    hits = sum(bool(test(*pairs.draw(rng)) <= alpha) for rng in generators(pairs.name, seed, sets))
    return Counted(pairs.name, hits, sets)
