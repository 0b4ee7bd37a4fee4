"""Blocks: what a kernel reads at the addresses is what the file holds, without a copy where the layout allows."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from lossctl.errors import DataError
from lossctl.readers.block import NATIVE, Columns, lay
from lossctl.readers.csv import CsvSource

NAN = float("nan")
INTEGERS = [f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)]


def seen(columns: Columns) -> np.ndarray:
    """The block (n, K) as a kernel sees it: through addresses, stride and dtype alone."""
    dtype = np.dtype(columns.dtype)
    found = np.empty((columns.rows, columns.width), dtype)
    for k, address in enumerate(columns.addresses.tolist()):
        for row in range(columns.rows):
            at = address + row * columns.stride * dtype.itemsize
            found[row, k] = np.frombuffer(ctypes.string_at(at, dtype.itemsize), dtype)[0]
    return found


def agree(columns: Columns, expected: Any) -> None:
    """The same values, and a dtype, a layout and an alignment that a kernel can load."""
    wanted = np.asarray(expected)
    found = seen(columns)
    assert found.shape == (wanted.shape if wanted.ndim == 2 else (len(wanted), 1))
    np.testing.assert_array_equal(found, wanted.reshape(found.shape))
    assert columns.dtype in NATIVE
    assert columns.layout in ("columns", "rows", "strided")
    assert columns.layout != "columns" or columns.stride == 1
    assert columns.addresses.typecode == "q"
    if columns.layout == "rows" and columns.rows:
        assert set(np.diff(columns.addresses).tolist()) <= {np.dtype(columns.dtype).itemsize}


def inside(columns: Columns, array: np.ndarray) -> bool:
    """Whether every address lies within the array's own memory."""
    low, high = np.lib.array_utils.byte_bounds(array)
    return all(low <= place < high for place in columns.addresses)


def within(columns: Columns, array: pa.Array) -> bool:
    """Whether every address lies within one of an Arrow array's buffers."""
    buffers = [buffer for buffer in array.buffers() if buffer is not None]
    return all(any(b.address <= at < b.address + b.size for b in buffers) for at in columns.addresses.tolist())


def faults(columns: Columns) -> dict[str, list[bool]]:
    assert all(rows.shape == (columns.rows,) and rows.dtype == bool for rows in columns.faults.values())
    return {reason: rows.tolist() for reason, rows in columns.faults.items()}


@pytest.mark.parametrize("dtype", [*INTEGERS, "float32", "float64"])
def test_flat_numpy_numbers_are_read_where_they_lie(dtype: str) -> None:
    one, two = np.arange(5).astype(dtype), np.arange(5, 10).astype(dtype)
    columns = lay([one, two])
    agree(columns, np.stack([one, two], axis=1))
    assert columns.addresses.tolist() == [one.ctypes.data, two.ctypes.data]
    assert (columns.dtype, columns.layout, columns.stride, columns.faults) == (dtype, "columns", 1, {})


@pytest.mark.parametrize("dtype", [*INTEGERS, "float32", "float64"])
def test_flat_arrow_numbers_are_read_where_they_lie(dtype: str) -> None:
    whole = pa.array(np.arange(20).astype(dtype))
    part = whole.slice(3, 9)
    columns = lay([part])
    agree(columns, np.arange(3, 12))
    assert columns.dtype == dtype
    assert columns.addresses.tolist() == [whole.buffers()[1].address + 3 * np.dtype(dtype).itemsize]


@pytest.mark.parametrize(
    ("view", "layout"),
    [
        (lambda a: a, "rows"),
        (lambda a: a[2:5], "rows"),
        (lambda a: a[:, 1:3], "rows"),
        (lambda a: a[::2], "rows"),
        (lambda a: a[::-1], "rows"),
        (lambda a: a[:, ::2], "strided"),
        (lambda a: a[:, ::-1], "strided"),
        (lambda a: a.T, "columns"),
        (lambda a: a.T[1:3], "columns"),
        (lambda a: a.T[::2], "strided"),
        (lambda a: a[:, 1:2], None),
        (lambda a: a[:1], "rows"),
        (lambda a: a.T[:, :1], "columns"),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_a_matrix_of_any_strides_is_read_where_it_lies(
    view: Callable[[np.ndarray], np.ndarray], layout: str | None, dtype: str
) -> None:
    base = np.arange(24).reshape(6, 4).astype(dtype)
    array = view(base)
    columns = lay([array])
    agree(columns, array)
    assert inside(columns, base)
    assert columns.addresses[0] == array.__array_interface__["data"][0]
    assert layout is None or columns.layout == layout


def test_the_block_keeps_its_memory_alive() -> None:
    columns = lay([pa.array(np.arange(50_000.0)).slice(7)])
    matrix = lay([np.arange(50_000.0).reshape(-1, 2)])
    del_me = [np.full(50_000, -1.0) for _ in range(20)]
    assert len(del_me) == 20
    assert seen(columns)[:3, 0].tolist() == [7.0, 8.0, 9.0]
    assert seen(matrix)[1].tolist() == [2.0, 3.0]


@given(
    array=npst.arrays(
        dtype=st.sampled_from([*INTEGERS, "float16", "float32", "float64", "bool", ">f8", ">f4", ">f2", ">i2", ">u8"]),
        shape=npst.array_shapes(min_dims=1, max_dims=2, min_side=1, max_side=6),
    ),
    steps=st.tuples(st.sampled_from([1, 2, -1, -2]), st.sampled_from([1, 2, -1, -2])),
    turned=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_any_numpy_array_is_read_back_as_it_is(array: np.ndarray, steps: tuple[int, int], turned: bool) -> None:
    whole = array.T if turned else array
    array = whole[tuple(slice(None, None, step) for step in steps[: array.ndim])]
    agree(lay([array]), array)


@given(
    entries=st.lists(st.none() | st.floats(), min_size=1, max_size=20),
    cut=st.tuples(st.integers(0, 19), st.integers(0, 20)),
    type=st.sampled_from(["double", "float"]),
)
@settings(max_examples=200, deadline=None)
def test_any_slice_with_nulls_reads_as_its_values(entries: list[float | None], cut: tuple[int, int], type: str) -> None:
    with np.errstate(over="ignore"):
        given_array = pa.array(entries, pa.float64())
        whole = given_array.cast(type, safe=False)
    part = whole.slice(*cut)
    columns = lay([part])
    agree(columns, np.array([NAN if x is None else x for x in part.to_pylist()], float))
    missing = [x is None for x in part.to_pylist()]
    assert faults(columns) == ({"null": missing} if any(missing) else {})


@pytest.mark.parametrize("type", [*INTEGERS, "halffloat", "float", "double", "bool", "decimal128(6, 2)"])
def test_nulls_of_every_type_are_faults_and_nan(type: str) -> None:
    kind = pa.decimal128(6, 2) if "decimal" in type else pa.type_for_alias(type)
    entries: list[Any] = [9, 1, None, 0, None, 1]
    if pa.types.is_decimal(kind):
        entries = [x if x is None else Decimal(x) for x in entries]
    if pa.types.is_boolean(kind):
        entries = [x if x is None else bool(x) for x in entries]
    if pa.types.is_float16(kind):
        entries = [x if x is None else np.float16(x) for x in entries]
    columns = lay([pa.array(entries, kind).slice(1)])
    agree(columns, [1, NAN, 0, NAN, 1])
    assert faults(columns) == {"null": [False, True, False, True, False]}


def test_a_nan_that_is_written_is_no_fault() -> None:
    columns = lay([pa.array([1.0, NAN, None])])
    agree(columns, [1.0, NAN, NAN])
    assert faults(columns) == {"null": [False, False, True]}


def test_a_row_is_at_fault_when_any_of_its_columns_is() -> None:
    columns = lay([pa.array([None, 2.0, 3.0]), pa.array([1.0, 2.0, None])])
    agree(columns, [[NAN, 1.0], [2.0, 2.0], [3.0, NAN]])
    assert faults(columns) == {"null": [True, False, True]}


def test_a_column_of_nothing_is_all_faults() -> None:
    for classes in (None, ("cat", "dog")):
        columns = lay([pa.nulls(4).slice(1)], classes)
        agree(columns, [NAN] * 3)
        assert faults(columns) == {"null": [True] * 3}


@pytest.mark.parametrize(
    ("arrays", "values"),
    [
        ([np.array([1, 2], np.int32), np.array([0.5, 1.5])], [[1, 0.5], [2, 1.5]]),
        ([np.array([1, 2], np.int8), np.array([200, 3], np.uint8)], [[1, 200], [2, 3]]),
        ([np.array([0.1, 0.2], np.float32), np.array([0.1, 0.2])], [[np.float32(0.1), 0.1], [np.float32(0.2), 0.2]]),
        ([pa.array([1, None]), pa.array([0.5, 1.5])], [[1, 0.5], [NAN, 1.5]]),
        ([pa.array([True, False]), pa.array([3, 4])], [[1, 3], [0, 4]]),
        ([pa.array([1, 2]), np.array([0.5, 1.5])], [[1, 0.5], [2, 1.5]]),
        ([np.array([1.5, 2.5], np.float16), pa.array([0.1, 0.2])], [[1.5, 0.1], [2.5, 0.2]]),
    ],
)
def test_columns_of_several_types_are_widened_to_float64(arrays: list[Any], values: Any) -> None:
    columns = lay(arrays)
    agree(columns, values)
    assert columns.dtype == "float64"


def test_columns_with_gaps_between_their_numbers_are_packed() -> None:
    records = np.array([(1, 0.5, 7), (2, 1.5, 8), (3, 2.5, 9)], [("y", "i1"), ("p", "f8"), ("q", "i4")])
    for name in ("y", "p", "q"):
        agree(lay([records[name]]), records[name])
    agree(lay([records["p"], records["p"][::-1]]), np.stack([records["p"], records["p"][::-1]], axis=1))


def test_a_matrix_in_records_is_read_whatever_its_alignment() -> None:
    for first in ("i1", "i4", "f8"):
        records = np.zeros(5, [("y", first), ("p", "f4", (3,)), ("z", "i1")])
        records["p"] = np.arange(15).reshape(5, 3)
        agree(lay([records["p"]]), records["p"])


@pytest.mark.parametrize(
    "array", [np.zeros(0), np.zeros(0, np.int8), pa.array([], pa.float32()), pa.array([], pa.bool_())]
)
def test_a_block_without_rows_has_its_column(array: Any) -> None:
    columns = lay([array])
    assert (columns.rows, columns.width, columns.faults) == (0, 1, {})


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_matrix_without_rows_keeps_its_width(order: Any) -> None:
    columns = lay([np.zeros((0, 3), order=order)])
    assert (columns.rows, columns.width) == (0, 3)


def test_fixed_lists_without_rows_keep_their_width() -> None:
    columns = lay([pa.array([], pa.list_(pa.float32(), 3))])
    assert (columns.rows, columns.width) == (0, 3)


@pytest.mark.parametrize("text", [pa.string(), pa.large_string(), pa.string_view()])
def test_class_names_become_their_places(text: pa.DataType) -> None:
    labels = pa.array(["x", "dog", "cat", None, "cow", "dog"], text).slice(1)
    columns = lay([labels], ("cat", "dog"))
    agree(columns, [1, 0, NAN, NAN, 1])
    assert faults(columns) == {
        "null": [False, False, True, False, False],
        "unknown_class": [False, False, False, True, False],
    }


def test_a_class_name_is_matched_to_the_letter() -> None:
    columns = lay([pa.array(["Cat", "cat ", "", "cat"])], ("cat",))
    agree(columns, [NAN, NAN, NAN, 0])
    assert faults(columns) == {"unknown_class": [True, True, True, False]}


@pytest.mark.parametrize("type", [*INTEGERS, "double", "float", "halffloat"])
def test_numbers_are_class_names_as_they_are_written(type: str) -> None:
    labels = pa.array(np.array([30, 10, 20, 40])).cast(type)
    columns = lay([labels], ("10", "20", "30"))
    agree(columns, [2, 0, 1, NAN])
    assert faults(columns) == {"unknown_class": [False, False, False, True]}


def test_truths_are_class_names() -> None:
    agree(lay([pa.array([True, False])], ("false", "true")), [1, 0])


@pytest.mark.parametrize("cut", [(0, 5), (1, 4), (2, 2), (5, 0)])
def test_a_dictionary_reads_as_what_it_stands_for(cut: tuple[int, int]) -> None:
    names = pa.array(["cat", "dog", None, "cow", "cat"]).dictionary_encode().slice(*cut)
    plain = [{"cat": 0, "dog": 1}.get(name, NAN) for name in names.to_pylist()]
    agree(lay([names], ("cat", "dog")), plain)
    numbers = pa.array([3, 5, None, 5, 3]).dictionary_encode().slice(*cut)
    columns = lay([numbers])
    agree(columns, [NAN if x is None else x for x in numbers.to_pylist()])
    missing = [x is None for x in numbers.to_pylist()]
    assert faults(columns) == ({"null": missing} if any(missing) else {})


def test_a_null_inside_a_dictionary_is_a_null() -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0]), pa.array([None, 2.5]))
    columns = lay([array])
    agree(columns, [NAN, 2.5, NAN])
    assert faults(columns) == {"null": [True, False, True]}


LISTS = {
    "list": lambda kind: pa.list_(kind),
    "large_list": lambda kind: pa.large_list(kind),
    "fixed_size_list": lambda kind: pa.list_(kind, 3),
}


@pytest.mark.parametrize("shape", LISTS)
@pytest.mark.parametrize("kind", [pa.float32(), pa.float64(), pa.int64(), pa.uint8()])
def test_lists_are_matrices_read_where_they_lie(shape: str, kind: pa.DataType) -> None:
    rows = np.arange(18).reshape(6, 3)
    whole = pa.array(rows.tolist(), LISTS[shape](kind))
    for cut in ((0, 6), (2, 3), (5, 1)):
        part = whole.slice(*cut)
        columns = lay([part])
        agree(columns, rows[cut[0] : cut[0] + cut[1]])
        assert columns.layout == "rows"
        assert within(columns, whole)


@pytest.mark.parametrize("shape", LISTS)
def test_half_decimal_and_boolean_lists_are_widened(shape: str) -> None:
    halves = [[np.float16(0.5), np.float16(2), np.float16(-1)]] * 2
    agree(lay([pa.array(halves, LISTS[shape](pa.float16()))]), [[0.5, 2, -1]] * 2)
    decimals = [[Decimal("0.25"), Decimal(2), Decimal(-1)]] * 2
    agree(lay([pa.array(decimals, LISTS[shape](pa.decimal128(5, 2)))]), [[0.25, 2, -1]] * 2)
    agree(lay([pa.array([[True, False, True]] * 2, LISTS[shape](pa.bool_()))]), [[1, 0, 1]] * 2)


@pytest.mark.parametrize("shape", LISTS)
@pytest.mark.parametrize("cut", [(0, 6), (1, 5), (2, 3), (1, 2)])
def test_a_null_list_or_element_makes_its_row_a_fault(shape: str, cut: tuple[int, int]) -> None:
    entries: list[Any] = [[1, 2, 3], None, [4, None, 6], [7, 8, 9], None, [10, 11, 12]]
    part = pa.array(entries, LISTS[shape](pa.float64())).slice(*cut)
    kept = entries[cut[0] : cut[0] + cut[1]]
    columns = lay([part])
    agree(columns, [[NAN] * 3 if row is None else [NAN if x is None else x for x in row] for row in kept])
    assert faults(columns) == {"null": [row is None or None in row for row in kept]}


@pytest.mark.parametrize("shape", LISTS)
def test_a_null_list_among_integers_makes_them_floats(shape: str) -> None:
    columns = lay([pa.array([[1, 2, 3], None], LISTS[shape](pa.int32()))])
    agree(columns, [[1, 2, 3], [NAN] * 3])
    assert columns.dtype == "float64"


def test_fixed_lists_that_are_all_null_keep_their_width() -> None:
    columns = lay([pa.array([None, None], pa.list_(pa.float64(), 3))])
    agree(columns, [[NAN] * 3] * 2)
    assert faults(columns) == {"null": [True, True]}


def test_lists_that_are_all_null_are_faults() -> None:
    columns = lay([pa.array([None, None], pa.list_(pa.float64()))])
    assert columns.rows == 2
    assert faults(columns) == {"null": [True, True]}


@pytest.mark.parametrize("shape", ["list", "large_list"])
@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([[1, 2], [3, 4], [5]], "lists of 2 numbers are followed by one of 1, 2 rows on"),
        ([[1], [2, 3]], "lists of 1 numbers are followed by one of 2, 1 rows on"),
        ([[], [2, 3]], "lists of 0 numbers are followed by one of 2, 1 rows on"),
        ([[1, 2], []], "lists of 2 numbers are followed by one of 0, 1 rows on"),
        ([[1, 2], None, [3, 4], [5]], "lists of 2 numbers are followed by one of 1, 3 rows on"),
        ([None, [1, 2], [5]], "lists of 2 numbers are followed by one of 1, 1 rows on"),
    ],
)
def test_ragged_lists_are_refused_by_length_and_row(shape: str, entries: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        lay([pa.array(entries, LISTS[shape](pa.float64()))])


@pytest.mark.parametrize("shape", ["list", "large_list"])
def test_ragged_lists_whose_sizes_add_up_are_refused(shape: str) -> None:
    with pytest.raises(DataError, match="lists of 2 numbers are followed by one of 1, 1 rows on"):
        lay([pa.array([[1, 2], [3], [4, 5, 6]], LISTS[shape](pa.float64()))])


def test_numbers_among_text_are_read_and_the_rest_are_faults() -> None:
    columns = lay([pa.array(["1", "2.5", "x", None, "-inf", "1e3", "nan", ""])])
    agree(columns, [1, 2.5, NAN, NAN, -np.inf, 1000, NAN, NAN])
    assert faults(columns) == {
        "null": [False, False, False, True, False, False, False, False],
        "unreadable": [False, False, True, False, False, False, False, True],
    }


@pytest.mark.parametrize(
    "token",
    [
        *("7", "007", "-3", "+3", "2.5", ".5", "5.", "1e3", "1E-3", " 4", "1e400", "9223372036854775808", "0x10"),
        *("nan", "-nan", "NaN", "inf", "-Infinity", "Inf", "+inf", "infinity", "true", "false", "True"),
        *("x", "1d", "1,5", "1 000", "1_000", "$5", "NA", "2020-01-01", "12:00:00"),
    ],
)
def test_a_value_means_the_same_beside_text_as_beside_numbers(tmp_path: Path, token: str) -> None:
    """Where a range is cut decides its type, and must not decide what a value means."""

    def first(body: str) -> tuple[str, str]:
        path = tmp_path / f"{len(body)}.csv"
        path.write_text(f"a,b\n{body}", encoding="utf-8")
        source = CsvSource(str(path))
        (chunk,) = source.read(source.units(0)[0], ["a"], 10)
        columns = lay([chunk.values["a"]])
        return repr(float(seen(columns)[0, 0])), str([reason for reason, rows in columns.faults.items() if rows[0]])

    alone, beside_numbers, beside_text = (first(f'"{token}",1\n{more}') for more in ("", "1.5,1\n", "word,1\n"))
    assert alone == beside_text
    assert beside_numbers == beside_text
