"""Sums by group are those of each group's rows alone, to the bit, however rows, blocks and parts come."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl.audit import grouped
from lossctl.audit.grouped import GroupSums
from lossctl.audit.groupmoments import CHUNK, GroupMoments
from lossctl.audit.keyed import KeyedMoments
from lossctl.audit.moments import LossPartial
from lossctl.audit.sums import Sums, unweighted
from lossctl.kernels.exactsum import exact
from lossctl.kernels.window import BASE, CUT_GROUPS

# what is near the window's edges, and what is far off
EDGES = [0.0, -0.0, 5e-324, 2.3e-308, 2.0**-191, 2.0**-190, 2.0**-96, 2.0**-95, 2.0**64, 2.0**65, 2.0**130, 1e300]
anything = st.one_of(st.floats(), st.sampled_from(EDGES), st.floats(-10, 10), st.floats(1e-12, 1e12))
weight = st.one_of(st.just(0.0), st.just(1.0), st.floats(0, 1e300), st.floats(0, 10), st.sampled_from(np.abs(EDGES)))
rows = st.lists(st.tuples(anything, weight, st.integers(-1, 4), st.booleans()), max_size=60)
GROUPS = 5


def alone(losses: np.ndarray, weights: np.ndarray | None) -> LossPartial:
    """What `Sums` makes of a group's rows."""
    sums = Sums()
    sums.add(np.ascontiguousarray(losses), None if weights is None else np.ascontiguousarray(weights), None)
    partial = sums.flush()
    return partial if weights is not None else unweighted([partial])[0]


def moments(losses: np.ndarray, codes: np.ndarray, weights: np.ndarray | None = None, groups: int = 0) -> GroupMoments:
    sums, given_weights = GroupSums(), None if weights is None else np.ascontiguousarray(weights)
    sums.add(
        np.ascontiguousarray(losses), given_weights, None, np.array(codes, np.int64), groups or int(codes.max()) + 1
    )
    return sums.flush()


def every(part: GroupMoments) -> list[LossPartial]:
    return [part.moment(g) for g in range(len(part))]


@settings(deadline=None, max_examples=60)
@given(rows, st.booleans(), st.booleans(), st.integers(1, 60))
def test_a_group_is_the_sum_of_its_rows(
    drawn: list[tuple[float, float, int, bool]], weighted: bool, skipping: bool, block: int
) -> None:
    losses, weights = (np.array([row[k] for row in drawn], float) for k in (0, 1))
    codes, skipped = np.array([row[2] for row in drawn], np.int64), np.array([row[3] for row in drawn], np.uint8)
    sums = GroupSums()
    for i in range(0, len(drawn), block):
        part = slice(i, i + block)
        sums.add(losses[part], weights[part] if weighted else None, skipped[part] if skipping else None, codes[part], 5)
    if not drawn:
        return
    used = np.ones(len(codes), bool) if not skipping else skipped == 0
    got = every(sums.flush())
    wanted = [
        alone(losses[mine], weights[mine] if weighted else None) for mine in (used & (codes == g) for g in range(5))
    ]
    assert got == wanted
    # == takes 0.0 for -0.0
    assert str(got) == str(wanted)


@pytest.mark.parametrize("groups", [1, 2, 64, CUT_GROUPS, CUT_GROUPS + 1, 5000])
@pytest.mark.parametrize("scale", ["around 1", "wide", "tiny", "huge", "zeros", "one NaN", "out of the window"])
def test_many_rows_are_the_same_rows(groups: int, scale: str) -> None:
    rng = np.random.default_rng(groups)
    n = 20_011
    losses = rng.normal(size=n)
    if scale == "wide":
        losses *= 10.0 ** rng.integers(-18, 14, n)
    losses *= {"tiny": 1e-19, "huge": 1e17, "zeros": 0.0, "out of the window": 1e200}.get(scale, 1.0)
    if scale == "one NaN":
        losses[4321] = math.nan
    codes, skipped = rng.integers(-1, groups, n), (rng.random(n) < 0.1).astype(np.uint8)
    sums = GroupSums()
    sums.add(losses, None, skipped, codes, groups)
    part = sums.flush()
    for g in {0, 1 % groups, groups // 2, groups - 1, max(int(codes[4321]), 0)}:
        assert part.moment(g) == alone(losses[(codes == g) & (skipped == 0)], None)
    assert part.counts.sum() + sum(p.rows for p in part.wide.values()) == np.count_nonzero(
        (codes >= 0) & (skipped == 0)
    )


def test_what_is_left_of_small_losses_beside_large_ones_is_not_lost() -> None:
    rng = np.random.default_rng(0)
    losses = np.where(rng.random(9000) < 0.5, 1e-16, 1.0) * rng.random(9000)
    codes = rng.integers(0, 3, 9000)
    part = moments(losses, codes)
    for g in range(3):
        assert exact(part.moment(g).loss) == sum(map(Fraction, losses[codes == g].tolist()), Fraction(0))
        squares = (losses[codes == g] ** 2).tolist()
        assert exact(part.moment(g).squares) == sum(map(Fraction, squares), Fraction(0))


def test_a_code_that_is_no_group_is_in_none() -> None:
    part = moments(np.array([1.0, 2.0, 4.0]), np.array([0, 7, -9]), groups=2)
    assert [p.rows for p in every(part)] == [1, 0]


def test_groups_may_come_later() -> None:
    rng = np.random.default_rng(1)
    losses, codes = rng.normal(size=3000), np.sort(rng.integers(0, 700, 3000))
    sums = GroupSums()
    for i in range(0, 3000, 100):
        sums.add(losses[i : i + 100], None, None, codes[i : i + 100], int(codes[i : i + 100].max()) + 1)
        if i == 1500:
            sums.flush()
    assert every(sums.flush()) == every(moments(losses, codes))


def test_carries_are_added_before_they_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouped, "FLUSH_ROWS", 1000)
    losses, codes = np.full(9000, 0.1), np.arange(9000) % 3
    sums = GroupSums()
    for i in range(0, 9000, 450):
        sums.add(losses[i : i + 450], None, None, codes[i : i + 450], 3)
    assert every(sums.flush()) == every(moments(losses, codes))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scale", [1.0, 1e250])
def test_parts_add_up_in_any_order_to_one_run(weighted: bool, scale: float) -> None:
    rng = np.random.default_rng(2)
    n, groups = 6000, CHUNK + 700
    losses, codes = rng.normal(size=n) * np.where(rng.random(n) < 0.05, scale, 1.0), rng.integers(0, groups, n)
    weights = rng.random(n) * (rng.random(n) < 0.9) if weighted else None
    losses[::997] = math.inf
    whole = moments(losses, codes, weights, groups)
    pieces = [moments(losses[i::4], codes[i::4], None if weights is None else weights[i::4], groups) for i in range(4)]
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        total = GroupMoments.none()
        for i in order:
            total = total.added(pieces[i], np.arange(groups), groups)
        assert every(total) == every(whole)
        for name in ("digits", "counts", "extremes"):
            assert np.array_equal(getattr(total, name), getattr(whole, name))


def test_several_groups_may_go_to_one() -> None:
    rng = np.random.default_rng(3)
    losses, codes = rng.normal(size=30_000), rng.integers(0, 9000, 30_000)
    losses[77] = 1e200
    into = rng.integers(0, 7, 9000)
    got = GroupMoments.none(groups=3).added(moments(losses, codes, groups=9000), into, 7)
    assert every(got) == every(moments(losses, into[codes]))


def test_a_sum_that_outgrows_the_window_stays_exact() -> None:
    part = moments(np.full(4, 2.0**64), np.zeros(4, np.int64))
    for _ in range(30):
        part = part.added(part, np.zeros(1, np.int64), 1)
    assert part.wide
    moment = part.moment(0)
    assert (moment.rows, exact(moment.loss), exact(moment.squares)) == (2**32, 2**96, 2**160)
    assert part.values().tolist() == [2.0**64]


def test_taken_are_the_groups_asked_for() -> None:
    losses = np.array([1.0, 1e-300, 3.0, math.nan])
    part = moments(losses, np.arange(4))
    taken = part.taken(np.array([3, 1, 2]))
    assert repr(every(taken)) == repr([part.moment(3), part.moment(1), part.moment(2)])


def test_a_part_survives_a_pickle() -> None:
    part = KeyedMoments.of([("a",), (None,)], [moments(np.array([1.0, 1e300]), np.array([0, 1]))])
    back = pickle.loads(pickle.dumps(part))
    assert back.keys == part.keys
    assert every(back.moments[0]) == every(part.moments[0])


@pytest.mark.parametrize("odd", [1.0, 1e200])
@pytest.mark.parametrize("weighted", [False, True])
def test_values_are_rounded_once(weighted: bool, odd: float) -> None:
    rng = np.random.default_rng(4)
    losses, codes = rng.normal(size=4000), rng.integers(0, 300, 4000)
    losses[5] *= odd
    weights = rng.random(4000) * (rng.random(4000) < 0.8) if weighted else None
    part = moments(losses, codes, weights, 301)
    for kind in ("mean", "sum", "sum_over_batch_size", "batchmean", "sum_by_nonzero_weights"):
        values = part.values(kind)
        assert math.isnan(values[300]) or kind == "sum"
        for g in range(0, 300, 7):
            m = part.moment(g)
            below = {"mean": exact(m.weight), "sum": 1, "sum_by_nonzero_weights": m.nonzero}.get(kind, m.rows)
            assert values[g] == float(exact(m.loss) / below)


def test_values_of_losses_that_are_no_numbers() -> None:
    losses = np.array([math.nan, 1.0, math.inf, 2.0, -math.inf, math.inf, -math.inf, 5.0])
    values = moments(losses, np.array([0, 0, 1, 1, 2, 3, 3, 4])).values()
    assert str(values.tolist()) == "[nan, inf, -inf, nan, 5.0]"


def test_what_weights_make_of_losses_that_are_no_numbers() -> None:
    losses, weights = np.array([math.inf, -math.inf, 1e300, math.nan]), np.array([0.0, 2.0, 1e300, 1.0])
    part = moments(losses, np.zeros(4), weights)
    assert part.moment(0) == alone(losses, weights)
    assert (part.moment(0).nan, part.moment(0).positive_infinity, part.moment(0).negative_infinity) == (2, 1, 1)


def test_units_stay_small_where_all_is_in_the_window() -> None:
    part = moments(np.array([0.5, 1e-300]), np.array([0, 1]))
    assert (part.floor, moments(np.array([0.5]), np.array([0])).floor) == (0, BASE)
    assert list(part.integers("loss")) == [1 << 1073, round(Fraction(1e-300) * 2**1074)]


def keyed(seed: int) -> KeyedMoments:
    rng = np.random.default_rng(seed)
    names = [("eu", None), ("us", "b"), (None, "b"), ("eu", "a"), (3, "a")]
    keys = [names[i] for i in rng.permutation(5)[:4].tolist()]
    codes = rng.integers(0, 4, 50)
    return KeyedMoments.of(keys, [moments(rng.normal(size=50), codes, groups=4) for _ in range(2)])


def test_keys_merge_in_any_order() -> None:
    parts = [keyed(seed) for seed in range(4)]
    ahead = parts[0].merge(parts[1]).merge(parts[2]).merge(parts[3]).in_order()
    back = parts[3].merge(parts[2].merge(parts[1].merge(parts[0]))).in_order()
    assert ahead.keys == back.keys == ((3, "a"), ("eu", "a"), ("eu", None), ("us", "b"), (None, "b"))
    for k in range(2):
        assert every(ahead.moments[k]) == every(back.moments[k])
    wanted = LossPartial()
    for part in parts:
        if ("us", "b") in part.places:
            wanted = wanted.merge(part.moments[1].moment(part.places["us", "b"]))
    assert ahead.moments[1].moment(3) == wanted


def test_nothing_merges_with_anything() -> None:
    part = keyed(0)
    assert KeyedMoments.of([], []).merge(part).keys == part.merge(KeyedMoments.of([], [])).keys == part.keys
    weighted = moments(np.ones(3), np.arange(3), np.ones(3))
    assert every(GroupMoments.none().added(weighted, np.arange(3), 3)) == every(weighted)


def test_keys_of_one_kind_sort_as_they_are() -> None:
    part = KeyedMoments.of([("b",), ("a",)], [moments(np.array([1.0, 2.0]), np.arange(2))]).in_order()
    assert part.keys == (("a",), ("b",))
    assert part.moments[0].values().tolist() == [2.0, 1.0]
    assert part.places == {("a",): 0, ("b",): 1}
