"""Counts by bucket: within 0.1 % of numpy's quantiles, exact as histograms, the same for any order and split."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossctl.audit import counting
from lossctl.audit.spread import Spread, SpreadPart, histogram, quantiles, worst_share
from lossctl.kernels.buckets import border, bucket, middle

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
finite = st.floats(allow_nan=False, allow_infinity=False)
wild = st.lists(finite, min_size=1, max_size=60)
weighed = st.lists(st.tuples(finite, st.floats(0, 1e300)), min_size=1, max_size=60)


def spread(
    values: Any, weights: Any = None, skipped: Any = None, codes: Any = None, groups: int = 1, cuts: int = 1
) -> SpreadPart:
    made = Spread()
    for piece in np.array_split(np.arange(len(values)), cuts):
        made.add(
            np.array(values, float)[piece],
            None if weights is None else np.array(weights, float)[piece],
            None if skipped is None else np.array(skipped, np.uint8)[piece],
            None if codes is None else np.array(codes, np.int64)[piece],
            groups,
        )
    return made.flush()


def told(part: SpreadPart) -> tuple[Any, ...]:
    """All of a part, for a comparison to the bit."""
    counted = part.counted
    limbs = (counted.limbs.shape, counted.limbs.tolist(), counted.first)
    return counted.places.tolist(), counted.rows.tolist(), limbs, part.weighted, part.groups


def assert_near(got: float, true: float) -> None:
    assert abs(got - true) <= 0.001 * abs(true) + 2.2e-311, (got, true)


@given(st.floats(allow_nan=False))
def test_buckets_are_in_order_and_hold_their_lower_border(x: float) -> None:
    number = bucket(x)
    assert int(spread([x]).buckets[0]) == number
    if math.isfinite(x):
        assert border(number) <= x < border(number + 1) or x < -1.79e308
        assert bucket(border(number)) == number
        assert bucket(math.nextafter(border(number), -math.inf)) == number - 1 or number == bucket(-1.797e308)
        assert_near(middle(number), x)
    else:
        assert middle(number) == x


@given(wild, st.integers(1, 4))
def test_quantiles_are_within_a_thousandth_of_those_of_numpy(values: list[float], cuts: int) -> None:
    got = quantiles(spread(values, cuts=cuts), LEVELS, min(values), max(values))
    for value, level in zip(got, LEVELS, strict=True):
        assert_near(value, float(np.quantile(values, level, method="inverted_cdf")))


def test_many_quantiles_over_many_magnitudes() -> None:
    rng = np.random.default_rng(0)
    values = rng.choice([-1.0, 1.0], 50_000) * 10.0 ** rng.uniform(-307, 307, 50_000)
    levels = [k / 64 for k in range(65)]
    got = quantiles(spread(values, cuts=7), levels, values.min(), values.max())
    true = np.quantile(values, levels, method="inverted_cdf")
    assert float(np.max(np.abs(np.array(got) / true - 1))) < 0.000977


@given(weighed, st.integers(1, 4), st.sampled_from([0.1, 0.5, 0.9]))
def test_with_weights_they_are_of_the_weight(rows: list[tuple[float, float]], cuts: int, level: float) -> None:
    values, weights = zip(*rows, strict=True)
    (got,) = quantiles(spread(values, weights, cuts=cuts), (level,), min(values), max(values))
    whole, reached = sum(map(Fraction, weights)), Fraction(0)
    if not whole:
        assert math.isnan(got)
        return
    for value, weight in sorted(rows):
        reached += Fraction(weight)
        if reached and reached >= Fraction(repr(level)) * whole:
            assert_near(got, value)
            break


@given(weighed, st.randoms(), st.integers(1, 5))
def test_order_and_splits_leave_no_trace(rows: list[tuple[float, float]], order: Any, cuts: int) -> None:
    shuffled = list(rows)
    order.shuffle(shuffled)
    values, weights = zip(*rows, strict=True)
    again, heavy = zip(*shuffled, strict=True)
    codes = [int(abs(x) * 7) % 5 - 1 if abs(x) < 1e15 else -1 for x in values]
    theirs = [int(abs(x) * 7) % 5 - 1 if abs(x) < 1e15 else -1 for x in again]
    for mine, other in (
        ((values, None, None, codes, 4), (again, None, None, theirs, 4)),
        ((values, weights, None, codes, 4), (again, heavy, None, theirs, 4)),
        ((values, weights), (again, heavy)),
        ((values,), (again,)),
    ):
        whole = spread(*mine)
        assert told(spread(*other, cuts=cuts)) == told(whole)
        half = len(values) // 2
        one = spread(*(part[:half] if isinstance(part, list | tuple) else part for part in other))
        rest = spread(*(part[half:] if isinstance(part, list | tuple) else part for part in other))
        assert told(one.merge(rest)) == told(rest.merge(one))
        assert told(one.merge(rest))[:3] == told(whole)[:3]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("groups", [3, 500])
def test_a_group_is_as_if_it_were_alone(monkeypatch: Any, weighted: bool, groups: int) -> None:
    # small tables overflow more often
    monkeypatch.setattr(counting, "SMALL_TABLE", 4)
    monkeypatch.setattr(counting, "MOST_BYTES", 1 << 14)
    rng = np.random.default_rng(groups)
    values, codes = rng.normal(size=4000) ** 3, rng.integers(-1, groups, 4000)
    weights = rng.uniform(0, 3, 4000) if weighted else None
    skipped = rng.random(4000) < 0.2
    part = spread(values, weights, skipped, codes, groups, cuts=5)
    assert part.groups == groups
    for code in (0, 1, groups - 1):
        mine = (codes == code) & ~skipped
        alone = spread(values[mine], None if weights is None else weights[mine])
        assert told(part.of(code)) == told(alone)
        assert int(alone.counted.rows.sum()) == mine.sum()


def test_parts_whose_groups_differ_merge_by_name() -> None:
    rng = np.random.default_rng(2)
    values, codes = rng.normal(size=900), rng.integers(0, 3, 900)
    theirs = np.array([2, 0, 5])
    one = spread(values[:400], codes=codes[:400], groups=3)
    other = spread(values[400:], codes=theirs[codes[400:]], groups=6)
    into = np.array([1, -1, 0, -1, -1, 2])
    assert told(one.added(other, into, 3)) == told(spread(values, codes=codes, groups=3))
    assert told(SpreadPart().added(other, into, 3)) == told(spread(values[400:], codes=codes[400:], groups=3))


def test_parts_pickle_and_empty_ones_merge() -> None:
    part = spread([1.0, 2.0], [3.0, 4.0])
    assert told(pickle.loads(pickle.dumps(part))) == told(part)
    assert told(SpreadPart().merge(part)) == told(part) == told(part.merge(Spread().flush()))
    assert math.isnan(quantiles(SpreadPart(), [0.5], 0.0, 0.0)[0])
    assert worst_share(SpreadPart(), 0.01, 1.0) is None
    assert histogram(SpreadPart(), 0.0, 0.0) is None
    with pytest.raises(ValueError, match="with weights"):
        part.merge(spread([1.0]))


def test_what_is_no_number_is_counted_and_says_so() -> None:
    part = spread([math.nan, 1.0, math.inf, -math.inf, -0.0, 0.0, -2.0])
    assert part.counted.rows.tolist() == [1, 1, 2, 1, 1, 1]
    assert math.isnan(quantiles(part, [0.5], -math.inf, math.inf)[0])
    ends = quantiles(spread([math.inf, 1.0, -math.inf]), [0.1, 0.5, 1.0], -math.inf, math.inf)
    assert ends == (-math.inf, middle(bucket(1.0)), math.inf)
    assert quantiles(spread([0.0, -0.0]), [0.5], 0.0, 0.0) == (0.0,)
    shown = histogram(part, -math.inf, math.inf)
    assert shown is not None
    assert (shown.outside, sum(shown.counts)) == (3, 4)
    assert worst_share(part, 0.01, 3.0) is None


def test_rows_of_weight_zero_have_no_part_in_quantiles() -> None:
    part = spread([1.0, 2.0, 4.0], [1.0, 0.0, 0.0])
    assert quantiles(part, [0.0, 1.0], 1.0, 4.0) == pytest.approx([1.0, 1.0], rel=0.001)
    assert part.counted.rows.tolist() == [1, 1, 1]


@pytest.mark.parametrize("weighted", [False, True])
def test_the_share_of_the_worst_counts_the_last_row_in_part(weighted: bool) -> None:
    rng = np.random.default_rng(3)
    values = rng.exponential(size=1234)
    weights = rng.uniform(0, 2, 1234) if weighted else np.ones(1234)
    left, carried = 0.01 * weights.sum(), 0.0
    for place in np.argsort(-values):
        taken = min(left, weights[place])
        carried, left = carried + taken * values[place], left - taken
    total = float(weights @ values)
    got = worst_share(spread(values, weights if weighted else None), 0.01, total)
    assert got == pytest.approx(carried / total, rel=0.001)


def test_the_share_of_the_worst_has_bounds() -> None:
    assert worst_share(spread([0.3] * 200), 0.01, 60.0) == pytest.approx(0.01, rel=0.001)
    assert worst_share(spread([0.0] * 199 + [5.1]), 0.01, 5.1) == pytest.approx(1.0, rel=0.001)
    assert worst_share(spread([0.0] * 199 + [1.0]), 0.01, 1.0) == 1.0
    assert worst_share(spread([1.0, -1.0]), 0.01, 0.0) is None
    assert worst_share(spread([1.0, -2.0]), 0.01, -1.0) is None


@pytest.mark.parametrize("draw", ["exponential", "normal", "lognormal", "hinge", "same", "huge", "far", "hits"])
def test_a_histogram_counts_as_numpy_does(draw: str) -> None:
    rng = np.random.default_rng(4)
    values = {
        "exponential": rng.exponential(size=3000),
        "normal": rng.normal(size=3000) * 100,
        "lognormal": rng.lognormal(sigma=3, size=3000),
        "hinge": np.maximum(rng.lognormal(sigma=4, size=3000) - 1, 0),
        "same": np.full(10, 0.3),
        "huge": rng.choice([-1.79e308, 0.0, 1.79e308], 100),
        "far": 1000 + rng.uniform(size=3000),
        # on the edges
        "hits": rng.integers(-9, 9, 3000) / 8,
    }[draw]
    shown = histogram(spread(values, cuts=3), values.min(), values.max())
    assert shown is not None
    assert list(shown.counts) == np.histogram(values, shown.edges)[0].tolist()
    assert sum(shown.counts) == len(values)
    assert shown.edges == tuple(sorted(set(shown.edges))) or draw == "same"
    assert (shown.edges[0], shown.edges[-1]) == (values.min(), values.max())
    assert len(shown.counts) <= 22
    assert len(shown.counts) >= {"same": 1, "huge": 2, "far": 1}.get(draw, 9)
    assert shown.scale == ("log" if draw in ("lognormal", "hinge") else "linear")
    assert shown.to_dict()["edges"] == list(shown.edges)
