"""How far a loss may be off when rows that belong together, a cluster, go astray together.

A loss is a ratio R = A / B of sums over clusters c: A = sum a_c of w l, and B = sum b_c of what the reduction divides
by. Its variance is linearised, with clusters as the independent draws (Cochran 1977, sections 9A.3 and 6.4; Cameron &
Miller 2015, with their correction G / (G - 1) for G clusters; t with G - 1 degrees of freedom):

    V(R) = G / (G - 1) sum_c u_c^2       u_c = (a_c - R b_c) / B

A slice's is the same over the clusters that have rows in it, with the sums of these rows alone. The difference of a
slice, 1, to the rest, 0, has clusters in both, whose parts go together; so their u_c are taken off each other before
they are squared, over the G clusters of all rows (Cochran 1977, section 6.19, for the covariance of two ratios):

    V(R1 - R0) = G / (G - 1) sum_c (u1_c - u0_c)^2

which is V1 + V0 - 2 Cov. The loss that is a plain sum has B = 1 and b_c = 1 / G: the variance of a total. All sums are
integers and the root is rounded once, so the order of rows, clusters and merges has no say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isqrt
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from lossctl.audit.groupmoments import GroupMoments, counted
from lossctl.audit.keyed import Key
from lossctl.kernels.exactsum import UNIT_EXPONENT, ratio

if TYPE_CHECKING:
    import numpy as np

    Whole: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"

# bits of a root before it is rounded: more than a float64 has, and one that tells whether there are others
ROOT_BITS = 64


class SliceError(NamedTuple):
    """How sure a slice's loss is.

    Attributes:
        stderr: of its loss; None with fewer than two clusters, or where a loss is no finite number.
        clusters: that have rows in it, so it has clusters - 1 degrees of freedom.
        difference_stderr: of its loss minus that of the rest; None likewise, of the slice or of the rest.
        difference_clusters: of all rows.
    """

    stderr: float | None
    clusters: int
    difference_stderr: float | None
    difference_clusters: int

    def times(self, many: int) -> SliceError:
        """Of a loss so many times as large."""
        own, apart = (None if one is None else many * one for one in (self.stderr, self.difference_stderr))
        return self._replace(stderr=own, difference_stderr=apart)


class Crossed(NamedTuple):
    """Sums over the clusters of one slice: of a and b, their products, and those with the clusters' totals t and s.

    `only` are the clusters that have rows in this slice alone.
    """

    clusters: int = 0
    only: int = 0
    a: int = 0
    b: int = 0
    aa: int = 0
    ab: int = 0
    bb: int = 0
    at: int = 0
    as_: int = 0
    bt: int = 0
    bs: int = 0

    def with_one(self, a: int, b: int, t: int, s: int, only: bool) -> Crossed:
        """And one cluster more."""
        return Crossed(
            self.clusters + 1,
            self.only + only,
            self.a + a,
            self.b + b,
            self.aa + a * a,
            self.ab + a * b,
            self.bb + b * b,
            self.at + a * t,
            self.as_ + a * s,
            self.bt + b * t,
            self.bs + b * s,
        )


def cluster_error(moments: GroupMoments, reduction: str = "mean") -> tuple[float | None, int]:
    """A loss's standard error from its sums by cluster, and the number of clusters G, for G - 1 degrees of freedom.

    Args:
        moments: a group for each cluster.
        reduction: one of ours: mean, sum_over_batch_size, sum_by_nonzero_weights, batchmean (of a loss a row) or sum.

    Returns:
        None as the error with fewer than two clusters, no weight at all, or a loss that is no finite number.
    """
    every = Crossed()
    for a, b, counts in _pairs(moments, reduction):
        if counts:
            every = every.with_one(a, b, 0, 0, True)
    if moments.special():
        return None, every.clusters
    if reduction == "sum":
        return _total_error(every, 1 << (UNIT_EXPONENT - moments.floor)), every.clusters
    return _error(_spread(every), every.b**4, every.clusters), every.clusters


def slice_errors(
    moments: GroupMoments, slices: Whole, clusters: Whole, reduction: str = "mean"
) -> dict[int, SliceError]:
    """Each slice's standard error, and that of its difference to the rest, from the sums by slice and cluster.

    Args:
        moments: (G,) groups, each of one slice and one cluster; together they are all rows.
        slices: (G,) the number of each one's slice.
        clusters: (G,) the number of each one's cluster.
        reduction: as for `cluster_error`, save sum, which has no slice apart from its size.
    """
    assert reduction != "sum"
    pairs = list(_pairs(moments, reduction))
    owners, belongs = slices.tolist(), clusters.tolist()
    totals: dict[int, tuple[int, int, int]] = {}
    for (a, b, counts), c in zip(pairs, belongs, strict=True):
        if counts:
            t, s, known = totals.get(c, (0, 0, 0))
            totals[c] = t + a, s + b, known + counts
    found: dict[int, Crossed] = {}
    for (a, b, counts), owner, c in zip(pairs, owners, belongs, strict=True):
        one = found.get(owner, Crossed())
        t, s, rows = totals.get(c, (0, 0, 0))
        found[owner] = one.with_one(a, b, t, s, counts == rows) if counts else one
    every = Crossed()
    for t, s, _ in totals.values():
        every = every.with_one(t, s, t, s, True)
    odd = {owners[group] for group in moments.special()}
    return {owner: _slice_error(one, every, owner in odd, bool(odd)) for owner, one in found.items()}


def numbered(keys: Iterable[Key], words: int = 1) -> tuple[list[Key], list[int], list[int]]:
    """Keys whose last words are the cluster's: the slices' keys, and of each the slice and the cluster by number."""
    slices: dict[Key, int] = {}
    clusters: dict[Key, int] = {}
    pairs = [(key[:-words], key[-words:]) for key in keys]
    owners = [slices.setdefault(one, len(slices)) for one, _ in pairs]
    belongs = [clusters.setdefault(one, len(clusters)) for _, one in pairs]
    return list(slices), owners, belongs


def _pairs(moments: GroupMoments, reduction: str) -> Iterator[tuple[int, int, int]]:
    """Each group's a and b in one unit, and how many rows speak for it."""
    counts = moments.integers(counted(reduction))
    return zip(moments.integers("loss"), moments.denominators(reduction), counts, strict=True)


def _slice_error(one: Crossed, every: Crossed, odd: bool, any_odd: bool) -> SliceError:
    alone = None if odd else _error(_spread(one), one.b**4, one.clusters)
    apart = None if any_odd else _difference_error(one, every)
    return SliceError(alone, one.clusters, apart, every.clusters)


def _spread(one: Crossed) -> int:
    """Sum over clusters of (a_c B - A b_c)^2."""
    return one.aa * one.b**2 - 2 * one.a * one.b * one.ab + one.a**2 * one.bb


def _difference_error(one: Crossed, every: Crossed) -> float | None:
    """With p = a1 B1 - A1 b1 in the slice and q = a0 B0 - A0 b0 in the rest: from sums of (p B0^2 - q B1^2)^2."""
    rest = Crossed(
        every.clusters - one.only,
        0,
        every.a - one.a,
        every.b - one.b,
        every.aa - 2 * one.at + one.aa,
        # the cross terms of (t - a) (s - b)
        every.ab - one.as_ - one.bt + one.ab,
        every.bb - 2 * one.bs + one.bb,
    )
    both = (
        (one.at - one.aa) * one.b * rest.b
        - (one.as_ - one.ab) * one.b * rest.a
        - (one.bt - one.ab) * one.a * rest.b
        + (one.bs - one.bb) * one.a * rest.a
    )
    # of one cluster alone nobody knows how it varies
    if min(one.clusters, rest.clusters) < 2:
        return None
    mine, its = rest.b**2, one.b**2
    spread = _spread(one) * mine**2 - 2 * both * mine * its + _spread(rest) * its**2
    return _error(spread, (one.b * rest.b) ** 4, every.clusters)


def _total_error(every: Crossed, unit: int) -> float | None:
    """Of a plain sum: the root of G sum (a_c - A / G)^2 / (G - 1)."""
    groups = every.clusters
    return root(groups * every.aa - every.a**2, unit**2 * (groups - 1)) if groups > 1 else None


def _error(spread: int, scale: int, clusters: int) -> float | None:
    if clusters < 2 or scale == 0:
        return None
    return root(spread * clusters, scale * (clusters - 1))


def root(numerator: int, denominator: int) -> float:
    """The float64 nearest to the square root of a quotient of integers, which are not negative: rounded once."""
    if not numerator:
        return 0.0
    up = max(ROOT_BITS - (numerator.bit_length() - denominator.bit_length()) // 2, 0)
    square, left = divmod(numerator << (2 * up), denominator)
    bits = isqrt(square)
    # a last bit that stands for all that were cut off
    cut = left != 0 or bits * bits != square
    return ratio(2 * bits + cut, 1 << (up + 1))
