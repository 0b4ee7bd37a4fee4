"""Replicates are the exact sums of the rows that they draw, in any order and however the rows are split."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl.audit import bootstrap
from lossctl.audit.bootstrap import Resampler, bytes_needed
from lossctl.audit.hashes import mixed
from lossctl.audit.replicates import Replicates
from lossctl.audit.rowkeys import position_keys, row_keys
from tests.drawing import draws_of

R = 5
REDUCTIONS = ("mean", "sum", "sum_over_batch_size", "sum_by_nonzero_weights")
several = settings(max_examples=30, deadline=None)
numbers = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.floats(-10, 10), st.sampled_from([0.0, 1.0]))
weights = st.one_of(st.floats(0, 1e5), st.sampled_from([0.0, 1.0, 5e-324]))


def same(one: Replicates, other: Replicates) -> bool:
    """Whether they have the same bits."""
    return pickle.dumps(one) == pickle.dumps(other)


def added(
    losses: np.ndarray,
    weights: np.ndarray | None,
    keys: np.ndarray,
    codes: np.ndarray | None = None,
    groups: int = 1,
    kind: str = "poisson",
    replicates: int = R,
) -> Replicates:
    resampler = Resampler(replicates, 7, kind)
    resampler.add(losses, weights, None, keys, codes, groups)
    return resampler.flush()


def plain(losses: np.ndarray, weights: np.ndarray | None, keys: np.ndarray, kind: str) -> dict[str, list[Fraction]]:
    """Sums of finite losses by numpy's draws and Python's fractions."""
    k = draws_of(Resampler(R, 7, kind), keys)[:, :R].tolist()
    counted = k if kind == "poisson" else [[1] * R for _ in k]
    w = np.ones(len(losses)) if weights is None else weights
    numerators = [
        sum((Fraction(x) * d[r] for x, d in zip((losses * w).tolist(), k, strict=True)), Fraction(0)) for r in range(R)
    ]
    values = {
        "mean": [
            sum((Fraction(x) * d[r] for x, d in zip(w.tolist(), counted, strict=True)), Fraction(0)) for r in range(R)
        ],
        "sum_over_batch_size": [Fraction(sum(d[r] for d in counted)) for r in range(R)],
        "sum_by_nonzero_weights": [
            Fraction(sum(d[r] for x, d in zip(w.tolist(), counted, strict=True) if x)) for r in range(R)
        ],
        "sum": [Fraction(1)] * R,
    }
    return {name: [a / b for a, b in zip(numerators, below, strict=True) if b] for name, below in values.items()}


def rounded(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.copysign(math.inf, number)


@several
@given(st.lists(st.tuples(numbers, weights), max_size=30), st.booleans(), st.sampled_from(["poisson", "sign"]))
def test_values_are_those_of_the_drawn_rows(rows: list[tuple[float, float]], weighted: bool, kind: str) -> None:
    losses = np.array([min(max(x, -1e300), 1e300) for x, _ in rows], float)
    w = np.array([w for _, w in rows], float) if weighted else None
    part, keys = added(losses, w, position_keys(0, len(rows)), kind=kind), position_keys(0, len(rows))
    for reduction, expected in plain(losses, w, keys, kind).items():
        assert part.values(reduction) == tuple(map(rounded, expected)), reduction
        assert part.left_out(reduction) == R - len(expected)


@several
@given(
    st.lists(st.tuples(numbers, weights, st.integers(-1, 3), st.booleans()), max_size=30),
    st.integers(0, 30),
    st.randoms(use_true_random=False),
    st.booleans(),
    st.sampled_from(["poisson", "sign"]),
)
def test_order_and_splits_do_not_matter(
    rows: list[tuple[float, float, int, bool]], cut: int, order: object, weighted: bool, kind: str
) -> None:
    def fed(resampler: Resampler, some: list[int]) -> None:
        losses, w, codes, skipped = (np.array([rows[i][c] for i in some]) for c in range(4))
        keys = position_keys(0, len(rows))[some]
        flags = skipped.astype(np.uint8) if order.random() < 0.9 or any(skipped) else None
        resampler.add(losses.astype(float), w.astype(float) if weighted else None, flags, keys, codes.astype(int), 4)

    places = list(range(len(rows)))
    one, first, second = (Resampler(R, 7, kind, 4) for _ in range(3))
    fed(one, places)
    order.shuffle(places)
    fed(first, places[:cut])
    for i in places[cut:]:
        fed(second, [i])
    whole = one.flush()
    assert same(first.flush().merge(second.flush()), whole)
    assert same(second.flush().merge(first.flush()), whole)


def normal(n: int, spread: float) -> np.ndarray:
    rng = np.random.default_rng(int(spread))
    return rng.normal(size=n) * 10.0 ** rng.uniform(-spread, spread, n)


@pytest.mark.parametrize("spread", [0, 8, 40, 290])
@pytest.mark.parametrize("replicates", [1, 33, 300])
def test_many_rows_add_up_to_the_same_as_few(spread: float, replicates: int) -> None:
    n = 3000
    losses, keys = normal(n, spread), position_keys(0, n)
    whole = added(losses, None, keys, replicates=replicates)
    pieces = [added(losses[i : i + 700], None, keys[i : i + 700], replicates=replicates) for i in range(0, n, 700)]
    merged = pieces[3].merge(pieces[0]).merge(pieces[4].merge(pieces[2])).merge(pieces[1])
    assert same(merged, whole)
    k = draws_of(Resampler(replicates, 7), keys)
    for r in {0, replicates - 1}:
        exact = sum((Fraction(x) * d for x, d in zip(losses.tolist(), k[:, r].tolist(), strict=True)), Fraction(0))
        assert whole.values("sum")[r] == float(exact)


def test_a_replicate_does_not_hang_on_how_many_there_are() -> None:
    losses, keys = normal(100, 1), position_keys(0, 100)
    assert added(losses, None, keys, replicates=300).values()[:40] == added(losses, None, keys, replicates=40).values()


def test_the_largest_and_the_smallest_numbers_meet() -> None:
    losses = np.array([5e-324, 1.7976931348623157e308, -1.7976931348623157e308, 1.0])
    keys = position_keys(0, 1)[[0, 0, 0, 0]]
    part = added(losses, None, keys, replicates=64)
    k = draws_of(Resampler(64, 7), keys)[0]
    assert part.values("sum") == tuple(float(Fraction(5e-324) + 1) * d for d in k.tolist())
    assert added(losses[:2], None, keys[:2], replicates=64).values("sum")[int(k.argmax())] == math.inf


@pytest.mark.parametrize("weighted", [False, True])
def test_groups_are_as_if_each_were_alone(weighted: bool) -> None:
    n, rng = 5000, np.random.default_rng(0)
    losses, keys, codes = normal(n, 3), position_keys(0, n), rng.integers(-1, 7, n)
    w = rng.random(n) if weighted else None
    part = added(losses, w, keys, codes, 7)
    assert part.groups == 7
    for g in range(7):
        some = codes == g
        alone = added(losses[some], None if w is None else w[some], keys[some])
        for reduction in REDUCTIONS:
            assert part.values(reduction, g) == alone.values(reduction)


def test_groups_found_in_another_order_come_together() -> None:
    n, rng = 2000, np.random.default_rng(1)
    losses, keys, codes = normal(n, 3), position_keys(0, n), rng.integers(0, 5, n)
    losses[codes == 4] = 0.0
    whole = added(losses, None, keys, codes, 5)
    half = np.arange(n) < n // 2
    one = added(losses[half], None, keys[half], codes[half], 5)
    # the second half numbers the groups backwards, after one that it alone has
    other = added(losses[~half], None, keys[~half], 5 - codes[~half], 6)
    both = one.added(other, [5, 4, 3, 2, 1, 0], 6)
    for g in range(5):
        assert both.values("mean", g) == whole.values("mean", g)
    assert both.left_out("mean", 5) == R


def test_groups_may_come_one_by_one() -> None:
    losses, keys = normal(60, 2), position_keys(0, 60)
    codes = np.arange(60) // 3
    one = Resampler(R, 7)
    for i in range(60):
        one.add(losses[i : i + 1], None, None, keys[i : i + 1], codes[i : i + 1], int(codes[i]) + 1)
    assert same(one.flush(), added(losses, None, keys, codes, 20))


@pytest.mark.parametrize(("odd", "value"), [([math.nan], math.nan), ([math.inf], math.inf), ([-math.inf], -math.inf)])
@pytest.mark.parametrize("codes", [None, np.zeros(6, int)])
def test_what_is_not_finite_shows_where_it_is_drawn(odd: list[float], value: float, codes: np.ndarray | None) -> None:
    losses, keys = np.array([1.0, 2.0, *odd, 3.0, 4.0, 5.0]), position_keys(0, 6)
    values = added(losses, None, keys, codes, replicates=64).values("sum")
    finite = added(np.where(np.isfinite(losses), losses, 0.0), None, keys, replicates=64).values("sum")
    drawn = draws_of(Resampler(64, 7), keys)[2] > 0
    for found, plain_value, hit in zip(values, finite, drawn, strict=True):
        assert found == plain_value if not hit else (found == value or (math.isnan(value) and math.isnan(found)))
    assert drawn.any()
    assert not drawn.all()


def test_both_infinities_are_no_number() -> None:
    losses, keys = np.array([math.inf, -math.inf]), position_keys(0, 2)
    values = added(losses, None, keys, replicates=64).values("sum")
    for found, (up, down) in zip(values, draws_of(Resampler(64, 7), keys).T.tolist(), strict=True):
        assert str(found) == ("nan" if up and down else "inf" if up else "-inf" if down else "0.0")


def test_a_sign_turns_an_infinite_loss_over() -> None:
    keys = position_keys(0, 1)
    values = added(np.array([math.inf]), None, keys, kind="sign", replicates=64).values("mean")
    assert values == tuple(math.inf * s for s in draws_of(Resampler(64, 7, "sign"), keys)[0].tolist())


def test_weights_that_overflow_are_infinite() -> None:
    part = added(np.array([1e300]), np.array([1e300]), position_keys(0, 1), replicates=64)
    assert set(part.values("mean")) == {math.inf}


def test_rows_of_one_key_are_drawn_together() -> None:
    clusters = row_keys([np.repeat(np.arange(20), 5)])
    part = added(np.ones(100), None, clusters, replicates=64)
    assert (part.counts % 5 == 0).all()


def test_limbs_are_carried_before_they_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    losses, keys = normal(1000, 20), position_keys(0, 1000)
    whole = added(losses, losses**2, keys)
    monkeypatch.setattr(bootstrap, "CARRY_ROWS", 10)
    one = Resampler(R, 7)
    for i in range(0, 1000, 50):
        one.add(losses[i : i + 50], losses[i : i + 50] ** 2, None, keys[i : i + 50])
    assert same(one.flush(), whole)


def test_nothing_at_all() -> None:
    empty = Resampler(R, 7).flush()
    assert (empty.values("mean"), empty.left_out("mean"), empty.values("sum")) == ((), R, (0.0,) * R)
    part = added(normal(10, 1), np.ones(10), position_keys(0, 10))
    assert same(empty.merge(part), part)
    assert same(part.merge(empty), part)
    assert same(added(np.empty(0), None, position_keys(0, 0), np.empty(0, int)), empty)


def test_others_do_not_add_up() -> None:
    part = Resampler(R, 7).flush()
    for other in (Resampler(R, 8), Resampler(R + 1, 7), Resampler(R, 7, "sign")):
        with pytest.raises(ValueError, match="kind, seed or number"):
            part.merge(other.flush())
    one, keys = np.ones(1), position_keys(0, 1)
    with pytest.raises(ValueError, match="with weights and without"):
        added(one, None, keys).merge(added(one, one, keys))


def test_a_code_beyond_the_groups_is_refused() -> None:
    with pytest.raises(ValueError, match="in group 3 of 3"):
        added(np.ones(2), None, position_keys(0, 2), np.array([0, 3]), 3)


def test_the_spread_is_the_standard_error() -> None:
    n = 5000
    losses = np.random.default_rng(0).exponential(size=n)
    values = added(losses, None, mixed(np.arange(n, dtype=np.uint64)), replicates=800).values()
    assert np.std(values) / (losses.std() / math.sqrt(n)) == pytest.approx(1.0, abs=0.08)
    assert np.mean(values) == pytest.approx(losses.mean(), abs=3 * losses.std() / math.sqrt(n * 800))
    signs = added(losses, None, position_keys(0, n), kind="sign", replicates=800).values()
    assert np.std(signs) / math.sqrt(np.mean(losses**2) / n) == pytest.approx(1.0, abs=0.08)


def test_the_memory_told_covers_what_is_taken() -> None:
    n, groups = 4000, 40
    rng = np.random.default_rng(0)
    one = Resampler(200, 0, "poisson", groups)
    one.add(rng.exponential(size=n), rng.random(n), None, position_keys(0, n), rng.integers(0, groups, n), groups)
    part = one.flush()
    state = sum(x.nbytes for x in (one.loss.limbs, one.weight.limbs, *one.counts.values()))
    assert state + sum(x.nbytes for x in part if isinstance(x, np.ndarray)) < bytes_needed(groups, 200)
