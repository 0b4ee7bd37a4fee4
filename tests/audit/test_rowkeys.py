"""A value has one key, in whatever type it is written; another value has another."""

from __future__ import annotations

import datetime
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl.audit.hashes import text_hashes
from lossctl.audit.rowkeys import ROWS, position_keys, row_keys
from lossctl.errors import DataError

several = settings(max_examples=50, deadline=None)


def keys(*columns: np.ndarray | pa.Array) -> list[int]:
    return row_keys(columns).tolist()


@several
@given(st.lists(st.integers(-(2**63), 2**64 - 1), min_size=1))
def test_whole_numbers_are_one_value_as_text_and_as_numbers(numbers: list[int]) -> None:
    found = keys(pa.array([str(x) for x in numbers]))
    for x, key in zip(numbers, found, strict=True):
        kind = np.int64 if x < 2**63 else np.uint64
        assert keys(np.array([x], kind)) == [key]
        assert keys(pa.array([Decimal(x)], pa.decimal128(38, 2))) == [key]
        if float(x) < 2.0**64 and int(float(x)) == x:
            assert keys(np.array([float(x)])) == [key]
    assert len(set(found)) == len(set(numbers))


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", ">i4", ">f8"])
def test_small_numbers_are_one_value_in_every_type(dtype: str) -> None:
    numbers = np.array([0, 1, 17, 100], dtype)
    assert keys(numbers) == keys(pa.array(["0", "1", "17", "100"]))
    if numbers.dtype.isnative:
        assert keys(pa.array(numbers)) == keys(numbers)


@several
@given(st.lists(st.floats(), min_size=1))
def test_floats_by_their_value(numbers: list[float]) -> None:
    values = np.array(numbers)
    different = {("nan" if x != x else x + 0.0) for x in numbers}
    assert len(set(keys(values))) == len(different)
    assert keys(pa.array(numbers, pa.float64())) == keys(values)


def test_zeros_and_nans_are_one_each() -> None:
    assert len(set(keys(np.array([0.0, -0.0])))) == 1
    nans = np.array([0x7FF8000000000000, 0xFFF8000000000001], np.uint64).view(np.float64)
    assert len(set(keys(nans))) == 1


@pytest.mark.parametrize(
    "text",
    ["007", "1.0", "-0", "+1", "", "-", "--1", "1-", " 1", "1 ", "1\n", "1e3", "1_0", "0x1", "a", "٣", "é1", "1" * 21],
)
def test_other_texts_stay_texts(text: str) -> None:
    texts = pa.array(["8", text, "9"])
    assert keys(texts)[1] == keys(pa.array([text], pa.large_string()))[0]
    wholes = keys(np.array([*range(-20, 2000), 1000]))
    assert keys(texts)[1] not in wholes


def test_numbers_just_beyond_64_bits_stay_texts() -> None:
    edge = [2**64 - 1, 2**64, 2**64 + 1, -(2**63), -(2**63) - 1, 10**19, 2 * 10**19, 10**20 - 1, -(10**19), 2**65]
    found = keys(pa.array([str(x) for x in edge]))
    assert len(set(found)) == len(edge)
    assert found[1] not in keys(np.array([0], np.int64))


@several
@given(st.lists(st.one_of(st.text(max_size=30), st.from_regex(r"-?[0-9]{1,21}", fullmatch=True)), min_size=1))
def test_texts_are_apart_as_their_bytes_are(texts: list[str]) -> None:
    array = pa.array(texts)
    found = keys(array)
    assert len(set(found)) == len(set(texts))
    padded = pa.array(["x", *texts, "y"]).slice(1, len(texts))
    for same in (padded, array.cast(pa.large_string()), array.cast(pa.string_view()), array.dictionary_encode()):
        assert keys(same) == found
    assert [keys(pa.array([text]))[0] for text in texts] == found


def test_long_texts_go_by_all_of_their_bytes() -> None:
    texts = ["a" * n for n in (511, 512, 513, 520, 521, 3000)]
    texts += ["a" * 2999 + "b", "a" * 600 + "b" + "a" * 2399, "a" * 608 + "b" + "a" * 2391, "b" + "a" * 2999]
    assert len(set(keys(pa.array(texts)))) == len(texts)
    assert text_hashes(pa.array(texts[5:6])).tolist() == text_hashes(pa.array(texts))[5:6].tolist()


def test_booleans_are_their_texts() -> None:
    expected = keys(pa.array(["true", "false", "true"]))
    assert keys(np.array([True, False, True])) == keys(pa.array([True, False, True])) == expected


def test_a_null_is_a_value_of_its_own_in_every_type() -> None:
    columns = [
        pa.array([None, 1, 0]),
        pa.array([None, 1.5]),
        pa.array([None, "1", ""]),
        pa.array([None, True]),
        pa.array([None, "a"]).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([1, 0], pa.int8()), pa.array(["a", None])),
        pa.DictionaryArray.from_arrays(pa.array([None], pa.int8()), pa.array([], pa.string())),
        pa.array([None, datetime.date(2024, 1, 2)]),
        pa.array([None], pa.null()),
    ]
    assert len({keys(column)[0] for column in columns}) == 1
    assert keys(columns[0])[0] not in [key for column in columns[:-1] for key in keys(column)[1:]]


def test_dates_and_times_are_their_iso_texts() -> None:
    day = [datetime.date(2024, 2, 29), datetime.date(1969, 12, 31)]
    texts = keys(pa.array([d.isoformat() for d in day]))
    for column in (pa.array(day), pa.array(day, pa.date64()), np.array(day, "M8[D]")):
        assert keys(column) == texts
    moments = [datetime.datetime(2024, 2, 29, 12, 30, 1), datetime.datetime(1969, 12, 31, 23, 59, 59, 250000)]
    texts = keys(pa.array(["2024-02-29T12:30:01", "1969-12-31T23:59:59.25"]))
    for unit in ("ms", "us", "ns"):
        assert keys(pa.array(moments, pa.timestamp(unit))) == texts
        assert keys(np.array(moments, f"M8[{unit}]")) == texts
    assert keys(pa.array(moments[:1], pa.timestamp("s"))) == texts[:1]
    assert keys(pa.array([datetime.time(12, 30, 1)], pa.time64("us"))) == keys(pa.array(["12:30:01"]))


def test_an_instant_with_a_zone_is_told_in_utc() -> None:
    moment = datetime.datetime(2024, 2, 29, 12, 30, 1)
    for zone in ("UTC", "Europe/Berlin"):
        column = pa.array([moment], pa.timestamp("us")).cast(pa.int64()).cast(pa.timestamp("us", zone))
        assert keys(column) == keys(pa.array(["2024-02-29T12:30:01Z"]))


def test_decimals_with_a_fraction_are_floats() -> None:
    column = pa.array([Decimal("2.50"), Decimal("3.00"), None], pa.decimal128(5, 2))
    assert keys(column)[:2] == keys(np.array([2.5, 3.0]))


def test_columns_count_in_order() -> None:
    a, b = np.array([1, 2]), np.array([2, 1])
    assert keys(a, b) != keys(b, a)
    assert keys(a, b) == keys(pa.array(["1", "2"]), b.astype(float))
    assert len({*keys(a, b), *keys(a), *keys(a, a)}) == 6
    assert row_keys([a], 1).tolist() != keys(a)


def test_many_rows_have_the_keys_of_few() -> None:
    n = ROWS + 5
    numbers = np.arange(n)
    whole = row_keys([numbers, pa.array(numbers).cast(pa.string())])
    assert whole[-3:].tolist() == keys(numbers[-3:], numbers[-3:])
    assert len(np.unique(whole)) == n


def test_positions_go_on_where_a_part_ends() -> None:
    assert position_keys(0, 10)[4:].tolist() == position_keys(4, 6).tolist()
    assert len(np.unique(position_keys(2**40, 1000))) == 1000


@pytest.mark.parametrize(
    "column", [np.zeros((2, 2)), np.array([1j]), pa.array([[1]]), pa.array([b"x"]), pa.array([1], pa.duration("s"))]
)
def test_what_names_no_rows_is_refused(column: np.ndarray | pa.Array) -> None:
    with pytest.raises(DataError, match=r"values of type .* name no rows; name a column of numbers, texts, booleans"):
        row_keys([column])


def test_no_key_takes_pandas() -> None:
    code = """
import sys, numpy as np, pyarrow as pa
from lossctl.audit.rowkeys import row_keys
numbers = pa.Array.from_buffers(pa.int64(), 3, [None, pa.py_buffer(np.arange(3))])
columns = [numbers.cast(kind) for kind in (pa.int8(), pa.string(), pa.bool_(), pa.timestamp("us"), pa.float32())]
row_keys([*columns, numbers.cast(pa.timestamp("ms", "UTC")), np.arange(3).astype("M8[D]"), np.arange(3) > 1])
assert not {"pandas", "numba"} & set(sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).stderr == b""
