"""The extremes of a run of numbers, and when they are enough to know."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lossctl.evaluation.frames import Bounds, Buffers, glance, scan_rows, with_sums
from lossctl.readers.block import lay

TYPES = [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)] + ["float32", "float64"]
EVERYTHING = Bounds(-math.inf, math.inf)


@pytest.mark.parametrize("dtype", TYPES)
@given(data=st.data())
def test_it_is_the_least_and_the_greatest_number(dtype: str, data: Any) -> None:
    finite = {"allow_nan": False} if dtype.startswith("float") else {}
    elements = hnp.from_dtype(np.dtype(dtype), **finite)
    numbers = data.draw(hnp.arrays(dtype, st.integers(1, 70), elements=elements))
    look = glance(lay([numbers]), EVERYTHING)
    assert look is not None
    assert (look.least, look.most) == (float(numbers.min()), float(numbers.max()))
    assert math.copysign(1.0, look.least) > 0 or look.least != 0.0


@pytest.mark.parametrize("shape", ["columns", "rows", "reversed"])
def test_it_sees_all_that_a_scan_sees(shape: str) -> None:
    table = np.random.default_rng(1).normal(size=(257, 5))
    given_as = {"columns": np.asfortranarray(table), "rows": table, "reversed": table[::-2]}[shape]
    columns = lay([given_as])
    scanned, _, flagged = scan_rows(columns, EVERYTHING, Buffers(), "preds")
    look = glance(columns, EVERYTHING)
    assert not flagged
    if shape == "reversed":
        assert look is None
    else:
        assert look is not None
        assert (look.least, look.most) == (scanned.least, scanned.most)


@pytest.mark.parametrize("bad", [math.nan, -math.nan, math.inf, -math.inf, 1.5, -0.5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_knows_nothing_where_a_number_is_outside(bad: float, dtype: str) -> None:
    numbers = np.full(100, 0.5, dtype)
    assert glance(lay([numbers]), Bounds(0.0, 1.0)) is not None
    numbers[37] = bad
    assert glance(lay([numbers]), Bounds(0.0, 1.0)) is None


@pytest.mark.parametrize("order", ["C", "F"])
def test_sums_alone_are_those_of_a_scan(order: Literal["C", "F"]) -> None:
    shares = np.random.default_rng(2).dirichlet(np.ones(7), 300)
    shares[5] *= 1.5
    columns, bounds = lay([np.array(shares, order=order)]), Bounds(0.0, 1.0, 1e-4)
    scanned, _, flagged = scan_rows(columns, bounds, Buffers(), "preds")
    look = glance(columns, bounds)
    assert look is not None
    assert flagged == 0
    assert with_sums(look, columns, bounds, Buffers(), "preds") == scanned
    assert scanned.unnormalised == 1


def test_fractions_and_missing_numbers_take_a_scan() -> None:
    import pyarrow as pa

    whole = Bounds(0.0, 3.0, fractions=False)
    assert glance(lay([np.array([1, 2], np.int32)]), whole) is not None
    assert glance(lay([np.array([1.0, 2.0])]), whole) is None
    assert glance(lay([pa.array([1.0, None])]), EVERYTHING) is None
