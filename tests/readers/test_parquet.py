"""Parquet: every type told and read, units joined and cut, broken files named."""

from __future__ import annotations

import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lossctl.errors import DataError
from lossctl.readers import parquet
from lossctl.readers.block import lay
from lossctl.readers.parquet import UNIT_ROWS, ParquetSource

N = 6
STRUCT = {"a": 1, "b": {"c": 2}}
CASES: dict[str, tuple[Any, str, int | None]] = {
    "dotted.name": (pa.array(range(N), pa.uint64()), "integer", 1),
    "int8": (pa.array([1] * N, pa.int8()), "integer", 1),
    "half": (pa.array(np.arange(N, dtype=np.float16)), "float", 1),
    "single": (pa.array([1.5] * N, pa.float32()), "float", 1),
    "decimal": (pa.array([Decimal("1.25")] * N), "float", 1),
    "boolean": (pa.array([True, None] * 3), "boolean", 1),
    "text": (pa.array(["x"] * N), "string", 1),
    "large text": (pa.array(["x"] * N, pa.large_string()), "string", 1),
    "text view": (pa.array(["x"] * N, pa.string_view()), "string", 1),
    "dictionary": (pa.array(["q"] * N).dictionary_encode(), "string", 1),
    "list.of": (pa.array([[1.0, 2.0]] * N), "list", None),
    "large list": (pa.array([[1, 2]] * N, pa.large_list(pa.int8())), "list", None),
    "fixed": (pa.FixedSizeListArray.from_arrays(pa.array(range(2 * N)), 2), "list", 2),
    "texts": (pa.array([["a"]] * N), "other", 1),
    "structs": (pa.array([[STRUCT]] * N), "other", 1),
    "map": (pa.array([[("k", 1)]] * N, pa.map_(pa.string(), pa.int64())), "other", 1),
    "time": (pa.array([0] * N, pa.timestamp("us")), "other", 1),
    "nothing": (pa.nulls(N), "other", 1),
    "last": (pa.array(range(N)), "integer", 1),
}


def written(folder: Path, table: pa.Table, **options: Any) -> ParquetSource:
    path = folder / "t.parquet"
    pq.write_table(table, path, **options)
    return ParquetSource(str(path))


def values(source: ParquetSource, name: str, rows: int = 4) -> list[Any]:
    found: list[Any] = []
    for unit in source.units(0):
        for chunk in source.read(unit, [name], rows):
            assert chunk.rows == len(chunk.values[name]) <= rows
            assert list(chunk.values) == [name]
            found += chunk.values[name].to_pylist()
    return found


@pytest.fixture
def everything(tmp_path: Path) -> ParquetSource:
    return written(tmp_path, pa.table({name: case[0] for name, case in CASES.items()}), row_group_size=2)


@pytest.mark.parametrize("name", CASES)
def test_a_column_of_every_type_is_told_and_read_alone(everything: ParquetSource, name: str) -> None:
    array, kind, width = CASES[name]
    (column,) = [column for column in everything.columns() if column.name == name]
    assert (column.kind, column.width) == (kind, width)
    assert values(everything, name) == array.to_pylist()


def test_a_tensor_is_read_as_its_storage(tmp_path: Path) -> None:
    tensor = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(24, dtype=np.float32).reshape(6, 2, 2))
    source = written(tmp_path, pa.table({"t": tensor}))
    assert (source.columns()[0].kind, source.columns()[0].width) == ("list", 4)
    (chunk,) = source.read(source.units(0)[0], ["t"], 10)
    assert chunk.values["t"].type.list_size == 4
    assert chunk.values["t"][5].as_py() == [20, 21, 22, 23]


def test_a_dotted_name_is_not_a_path(tmp_path: Path) -> None:
    source = written(tmp_path, pa.table({"a.b": [1], "a": [{"c": 2}]}))
    assert values(source, "a.b") == [1]
    assert values(source, "a.c") == [2]


def test_chunks_outlive_their_reader(tmp_path: Path) -> None:
    plain = np.random.default_rng(0).random(5000)
    table = pa.table([pa.array(plain)], schema=pa.schema([pa.field("x", pa.float64(), nullable=False)]))
    source = written(tmp_path, table, compression="none", use_dictionary=False)
    chunks = list(source.read(source.units(0)[0], ["x"], 1000))
    assert np.array_equal(np.concatenate([chunk.values["x"].to_numpy() for chunk in chunks]), plain)


def test_small_row_groups_are_joined_and_large_ones_are_not(tmp_path: Path) -> None:
    rows = 3 * UNIT_ROWS
    table = pa.table({"x": np.zeros(rows, np.int8)})
    source = written(tmp_path, table, row_group_size=UNIT_ROWS // 4)
    assert [(unit.start, unit.stop) for unit in source.units(2)] == [(0, 4), (4, 8), (8, 12)]
    assert {unit.file for unit in source.units(2)} == {2}
    (whole,) = written(tmp_path, table, row_group_size=rows).units(0)
    assert (whole.start, whole.stop) == (0, 1)
    assert source.rows == rows


def test_a_file_without_rows(tmp_path: Path) -> None:
    source = written(tmp_path, pa.table({"x": pa.array([], pa.float64())}))
    assert source.rows == 0
    assert values(source, "x") == []
    assert source.columns()[0].kind == "float"


def test_it_is_small_picklable_and_rereadable(everything: ParquetSource) -> None:
    assert pickle.loads(pickle.dumps(everything)) == everything
    assert everything.rereadable
    assert everything.format == "parquet"
    assert values(everything, "last") == values(everything, "last") == list(range(N))


def test_a_file_written_anew_is_seen_anew(tmp_path: Path) -> None:
    assert values(written(tmp_path, pa.table({"x": [1]})), "x") == [1]
    assert values(written(tmp_path, pa.table({"x": [1, 2, 3]})), "x") == [1, 2, 3]


def test_names_twice_are_refused(tmp_path: Path) -> None:
    source = written(tmp_path, pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]))
    with pytest.raises(DataError, match="more than one column 'a'"):
        source.columns()


def test_a_file_cut_short_is_refused(everything: ParquetSource) -> None:
    path = Path(everything.path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"t\.parquet: not a whole Parquet file: Parquet magic bytes not found"):
        everything.columns()


def test_text_named_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="not a whole Parquet file"):
        ParquetSource(str(tmp_path / "t.parquet")).units(0)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t\.parquet: no such file or directory"):
        ParquetSource(str(tmp_path / "t.parquet")).columns()


@pytest.mark.parametrize("group", [0, 3])
def test_a_corrupt_page_is_named_by_its_row_group(tmp_path: Path, group: int) -> None:
    source = written(tmp_path, pa.table({"x": np.random.default_rng(1).random(50_000)}), row_group_size=10_000)
    overwrite(source, group, 0, b"\xff" * 40)
    with pytest.raises(DataError, match=rf"t\.parquet: row group {group} cannot be decoded: ") as caught:
        values(source, "x", 30_000)
    assert str(caught.value).isprintable()


def test_a_changed_value_is_caught_where_the_file_has_checksums(tmp_path: Path) -> None:
    options = {"compression": "none", "use_dictionary": False, "write_page_checksum": True}
    source = written(tmp_path, pa.table({"x": np.ones(2000)}), row_group_size=500, **options)
    overwrite(source, 2, 500, b"\x01")
    with pytest.raises(DataError, match=r"row group 2 cannot be decoded: .*(CRC|crc|checksum)"):
        values(source, "x")


def test_a_schema_that_is_not_utf_8(tmp_path: Path) -> None:
    source = written(tmp_path, pa.table({"needle": [1]}), store_schema=False)
    path = Path(source.path)
    path.write_bytes(path.read_bytes().replace(b"needle", b"need\xffe"))
    with pytest.raises(DataError, match=r"t\.parquet: not a whole Parquet file: "):
        source.columns()


def overwrite(source: ParquetSource, group: int, at: int, data: bytes) -> None:
    offset = pq.read_metadata(source.path).row_group(group).column(0)
    start = offset.dictionary_page_offset or offset.data_page_offset
    with open(source.path, "r+b") as file:
        file.seek(start + at)
        file.write(data)


FLAT = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
FLAT += [pa.float16(), pa.float32(), pa.float64(), pa.bool_(), pa.decimal128(9, 3), pa.decimal256(40, 3)]


@pytest.mark.parametrize("kind", FLAT, ids=str)
@pytest.mark.parametrize("nulls", [False, True])
def test_every_number_survives_the_file_and_the_block(tmp_path: Path, kind: pa.DataType, nulls: bool) -> None:
    listed: list[Any] = [0, 1, 1, 0, 1, 0, 0, 1, 1]
    if nulls:
        listed[4] = None
    array = pa.array([None if x is None else Decimal(x) for x in listed], pa.decimal128(9, 3))
    array = array.cast(pa.int8()).cast(pa.float32()).cast(kind) if pa.types.is_float16(kind) else array.cast(pa.int8())
    array = array if pa.types.is_float16(kind) else array.cast(kind)
    source = written(tmp_path, pa.table({"x": array}), row_group_size=4)
    wanted = "boolean" if pa.types.is_boolean(kind) else "integer" if pa.types.is_integer(kind) else "float"
    (column,) = source.columns()
    assert (column.kind, column.width) == (wanted, 1)
    assert values(source, "x") == array.to_pylist()
    for unit in source.units(0):
        for chunk in source.read(unit, ["x"], 5):
            assert lay([chunk.values["x"]]).rows == chunk.rows


@pytest.mark.parametrize("inner", [pa.float16(), pa.float32(), pa.int32(), pa.bool_(), pa.decimal128(5, 1)], ids=str)
@pytest.mark.parametrize("shape", ["list", "large_list", "fixed"])
def test_lists_of_every_number_are_lists(tmp_path: Path, inner: pa.DataType, shape: str) -> None:
    flat = pa.array([0, 1] * N, pa.int8())
    flat = (flat.cast(pa.float32()) if pa.types.is_float16(inner) else flat).cast(inner)
    whole = pa.FixedSizeListArray.from_arrays(flat, 2)
    kind = {"list": pa.list_(inner), "large_list": pa.large_list(inner), "fixed": whole.type}[shape]
    source = written(tmp_path, pa.table({"a.b": whole.cast(kind), "a": pa.array(range(N))}))
    assert [(c.name, c.kind, c.width) for c in source.columns()] == [
        ("a.b", "list", 2 if shape == "fixed" else None),
        ("a", "integer", 1),
    ]
    assert values(source, "a.b") == whole.to_pylist()
    assert values(source, "a") == list(range(N))


def test_lists_of_lists_and_of_text_are_other(tmp_path: Path) -> None:
    table = pa.table({"ll": pa.array([[[1.0]]]), "ft": pa.array([["a"]], pa.list_(pa.string(), 1))})
    assert [column.kind for column in written(tmp_path, table).columns()] == ["other", "other"]


def test_dictionaries_are_told_by_what_they_hold(tmp_path: Path) -> None:
    table = pa.table(
        {
            "text": pa.array(["b", None, "a"]).dictionary_encode(),
            "large": pa.array(["b", None, "a"], pa.large_string()).dictionary_encode(),
            "number": pa.array([5, None, 3]).dictionary_encode(),
        }
    )
    source = written(tmp_path, table)
    assert [column.kind for column in source.columns()] == ["string", "string", "integer"]
    assert values(source, "text") == values(source, "large") == ["b", None, "a"]
    assert values(source, "number") == [5, None, 3]


@pytest.mark.parametrize("shape", [(3,), (2, 2), (1,), (2, 1, 3)])
def test_tensors_of_any_shape_are_flat_lists(tmp_path: Path, shape: tuple[int, ...]) -> None:
    array = np.arange(N * int(np.prod(shape)), dtype=np.float32).reshape(N, *shape)
    table = pa.table({"x": pa.array(range(N)), "t": pa.FixedShapeTensorArray.from_numpy_ndarray(array)})
    source = written(tmp_path, table, row_group_size=4)
    assert (source.columns()[1].kind, source.columns()[1].width) == ("list", int(np.prod(shape)))
    assert values(source, "t") == array.reshape(N, -1).tolist()


def test_names_with_dots_beside_structs_are_told_apart(tmp_path: Path) -> None:
    inner = {"e": 2, "b.f": 3, "c": {"g": 4}, "b": {"d": 7}}
    table = pa.table({"a.b": [1], "a": [inner], "a.b.c": [[5.0]], "a.c.d": ["x"], "a.b.list.element": [6]})
    source = written(tmp_path, table)
    expected = {"a.b": 1, "a.e": 2, "a.b.f": 3, "a.c.g": 4, "a.b.d": 7, "a.b.c": [5.0], "a.c.d": "x"}
    assert [column.name for column in source.columns()] == [*expected, "a.b.list.element"]
    for name, value in expected.items():
        assert values(source, name) == [value]


def test_a_column_called_like_a_field_of_a_struct_is_refused(tmp_path: Path) -> None:
    source = written(tmp_path, pa.table({"a.b": [1], "a": [{"b": 2}]}))
    with pytest.raises(DataError, match=r"t\.parquet has more than one column 'a\.b'; write it with distinct names"):
        source.columns()


def test_columns_come_by_name_whatever_the_order_asked(tmp_path: Path) -> None:
    source = written(tmp_path, pa.table({"a": [1], "b": [2.5], "c": ["x"]}))
    (chunk,) = source.read(source.units(0)[0], ["c", "a"], 9)
    assert list(chunk.values) == ["c", "a"]
    assert [chunk.values[name].to_pylist() for name in ("c", "a")] == [["x"], [1]]  # type: ignore[union-attr]


def test_empty_row_groups_between_others_are_passed_over(tmp_path: Path) -> None:
    table = pa.table({"x": [1, 2]})
    path = tmp_path / "t.parquet"
    with pq.ParquetWriter(path, table.schema) as writer:
        for part in (table.slice(0, 0), table, table.slice(0, 0), table, table.slice(0, 0)):
            writer.write_table(part)
    assert values(ParquetSource(str(path)), "x") == [1, 2, 1, 2]


def test_many_row_groups_of_one_row_are_one_unit(tmp_path: Path) -> None:
    source = written(tmp_path, pa.table({"x": range(300)}), row_group_size=1)
    assert len(source.units(0)) == 1
    assert values(source, "x", 7) == list(range(300))


@pytest.mark.parametrize("groups", [0, 1])
def test_no_rows_with_or_without_a_row_group(tmp_path: Path, groups: int) -> None:
    schema = pa.schema(
        [("x", pa.float32()), ("l", pa.list_(pa.float32(), 3)), ("s", pa.dictionary(pa.int32(), pa.string()))]
    )
    path = tmp_path / "t.parquet"
    with pq.ParquetWriter(path, schema) as writer:
        for _ in range(groups):
            writer.write_table(schema.empty_table())
    source = ParquetSource(str(path))
    assert source.rows == 0
    assert [(c.kind, c.width) for c in source.columns()] == [("float", 1), ("list", 3), ("string", 1)]
    assert [values(source, name) for name in ("x", "l", "s")] == [[], [], []]


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = Path(written(tmp_path, pa.table({"x": range(500), "y": ["a", "b"] * 250})).path).read_bytes()
    for left in sorted({*range(12), *range(0, len(whole), 97), *range(len(whole) - 12, len(whole))}):
        path = tmp_path / f"cut{left}.parquet"
        path.write_bytes(whole[:left])
        with pytest.raises(DataError, match=rf"cut{left}\.parquet: not a whole Parquet file: "):
            ParquetSource(str(path)).columns()


@pytest.mark.parametrize("junk", [b"\0", b"\xff"])
def test_a_corrupt_footer_is_refused_in_a_sentence(tmp_path: Path, junk: bytes) -> None:
    whole = Path(written(tmp_path, pa.table({"x": range(500)})).path).read_bytes()
    size = int.from_bytes(whole[-8:-4], "little")
    for name, data in {
        "body": whole[: -8 - size] + junk * size + whole[-8:],
        "length": whole[:-8] + b"\xff\xff\xff\x7f" + whole[-4:],
    }.items():
        path = tmp_path / f"{name}.parquet"
        path.write_bytes(data)
        with pytest.raises(DataError, match=rf"{name}\.parquet: not a whole Parquet file: ") as caught:
            ParquetSource(str(path)).columns()
        assert str(caught.value).isprintable()


def test_units_of_a_stretch_share_a_mapping_that_nobody_keeps(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"x": np.arange(400_000)}), path, row_group_size=1 << 17)
    source = ParquetSource(str(path))
    readers = [source.read(unit, ["x"], 1000) for unit in source.units(0)]
    assert [next(reader).rows for reader in readers] == [1000] * len(readers)
    assert len(readers) > 1
    assert len(parquet._mappings) == 1
    del readers
    assert not parquet._mappings
