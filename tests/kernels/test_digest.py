"""The digest is what its definition says: free of order, of layout and of type, and changed by any one number."""

from __future__ import annotations

import math
import struct
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl.audit.digest import WORD, Digest
from lossctl.evaluation.frames import Buffers, digest_rows
from lossctl.kernels.store import fingerprint
from lossctl.readers.block import Block, lay

START = 0x9E3779B97F4A7C15
FIRST, ONE, OTHER = 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 0xBF58476D1CE4E5B9


def digest(**roles: object) -> Digest:
    columns = {role: lay([np.asarray(values)]) for role, values in roles.items()}
    return digest_rows(Block(0, next(iter(columns.values())).rows, columns), Buffers())


def scattered(hash: int, factor: int, shift: int) -> int:
    mixed = hash * factor & WORD
    return mixed ^ (mixed >> shift)


def by_definition(**roles: list[list[float]]) -> Digest:
    one = other = 0
    rows = len(next(iter(roles.values())))
    for r in range(rows):
        hash = START
        for role in sorted(roles):
            factor = int(fingerprint([role])[:15], 16) * 2 + 1
            for x in roles[role][r]:
                bits = struct.unpack("<Q", struct.pack("<d", math.nan if x != x else x + 0.0))[0]
                hash = scattered(hash ^ bits, factor, 32)
        hash = scattered(hash, FIRST, 33)
        one, other = one + scattered(hash, ONE, 33), other + scattered(hash, OTHER, 30)
    return Digest(rows, one & WORD, other & WORD)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(), st.floats(), st.floats()), min_size=1, max_size=300))
def test_it_is_what_its_definition_says(rows: list[tuple[float, float, float]]) -> None:
    table = np.array(rows)
    assert digest(labels=table[:, :1], preds=table[:, 1:]) == by_definition(
        labels=table[:, :1].tolist(), preds=table[:, 1:].tolist()
    )


def test_order_and_splits_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    y, p = rng.integers(0, 3, 1000), rng.random((1000, 4))
    whole = digest(labels=y, preds=p)
    order = rng.permutation(1000)
    assert digest(labels=y[order], preds=p[order]) == whole
    cuts = [(0, 1), (1, 130), (130, 131), (131, 1000)]
    assert reduce(Digest.merge, [digest(labels=y[a:b], preds=p[a:b]) for a, b in cuts]) == whole
    assert whole.merge(Digest()) == whole


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "float32", "float64", ">i4"])
def test_types_and_layouts_do_not_matter(dtype: str) -> None:
    numbers = np.random.default_rng(2).integers(0, 100, (500, 9))
    plain = digest(preds=numbers.astype(float))
    assert digest(preds=numbers.astype(dtype)) == plain
    assert digest(preds=np.asfortranarray(numbers.astype(dtype))) == plain
    wide = np.zeros((500, 20), dtype)
    wide[:, 1::2][:, :9] = numbers
    assert digest(preds=wide[:, 1::2][:, :9]) == plain


def test_any_one_number_changes_it() -> None:
    rng = np.random.default_rng(3)
    y, p = rng.integers(0, 2, 200).astype(float), rng.random((200, 3))
    found = {digest(labels=y, preds=p)}
    for _ in range(300):
        other = p.copy()
        i, k = rng.integers(200), rng.integers(3)
        other[i, k] = np.nextafter(other[i, k], 2.0) if rng.random() < 0.5 else -other[i, k]
        found.add(digest(labels=y, preds=other))
        flipped = y.copy()
        flipped[i] = 1.0 - y[i]
        assert digest(labels=flipped, preds=p) not in found
    assert len(found) > 250


def test_columns_and_roles_have_their_own_places() -> None:
    a, b = np.array([1.0, 2.0, 3.0]), np.array([3.0, 1.0, 2.0])
    both = np.column_stack([a, b])
    found = [
        digest(labels=a, preds=b),
        digest(labels=b, preds=a),
        digest(labels=a, weights=b),
        digest(preds=both),
        digest(preds=both[:, ::-1]),
        digest(labels=a),
        digest(preds=a),
    ]
    assert len(set(found)) == len(found)


def test_labels_that_two_rows_exchange_change_it() -> None:
    p = np.random.default_rng(4).random(100)
    y = np.arange(100) % 2.0
    plain = digest(labels=y, preds=p)
    for i in range(0, 98, 2):
        other = y.copy()
        other[i], other[i + 1] = y[i + 1], y[i]
        assert digest(labels=other, preds=p) != plain


def test_zeros_and_nans_have_one_spelling() -> None:
    odd = np.frombuffer(struct.pack("<4Q", 0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001, 1 << 63))
    assert digest(preds=odd) == digest(preds=[math.nan, math.nan, math.nan, 0.0])
    assert digest(preds=[math.inf]) != digest(preds=[-math.inf]) != digest(preds=[math.nan])


def test_rows_are_counted() -> None:
    assert str(digest(preds=np.ones(7))).startswith("7:")
    assert digest(preds=np.ones(7)) != digest(preds=np.ones(8))
