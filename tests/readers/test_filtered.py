"""Rows that a filter lets through: against a plain three-valued oracle, with their places, and what is never read."""

from __future__ import annotations

import datetime as dt
import math
import operator
import pickle
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl.errors import DataError
from lossctl.readers.connectives import And, Not, Or
from lossctl.readers.csv import CsvSource
from lossctl.readers.filtered import Filtered, Unmatched, filtered
from lossctl.readers.memory import TableSource
from lossctl.readers.npy import MemorySource, NpzSource
from lossctl.readers.parquet import ParquetSource
from lossctl.readers.source import Chunk, ColumnInfo, Source, Unit, whole
from lossctl.readers.where import Column, Comparison, In, IsNull, Literal, Tree, Truth, parse

OPS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
INTS, FLOATS, TEXTS = [-2, 0, 1, 3], [-2.0, -0.0, 0.5, 1.0, 3.25, math.nan], ["a", "b", "b'c", "é", "10"]
KINDS = {"i": pa.int16(), "j": pa.int64(), "f": pa.float32(), "s": pa.string(), "b": pa.bool_()}
Row = dict[str, Any]


def truth(tree: Tree, row: Row) -> bool | None:
    """What a filter is for a row, told apart from the code under test: None where it is unknown."""
    match tree:
        case And(parts) | Or(parts):
            each = [truth(part, row) for part in parts]
            decided = isinstance(tree, Or)
            return decided if decided in each else (None if None in each else not decided)
        case Not(part):
            inner = truth(part, row)
            return None if inner is None else not inner
        case IsNull(column):
            return row[column.name] is None
        case Truth(column):
            return row[column.name]  # type: ignore[no-any-return]
        case In(column, values):
            value = row[column.name]
            return None if value is None else any(value == literal.value for literal in values)
        case Comparison(op, left, right):
            sides = [row[side.name] if isinstance(side, Column) else side.value for side in (left, right)]
            return None if None in sides else bool(OPS[op](*sides))


def written(tree: Tree) -> str:
    """A filter as text."""
    match tree:
        case And(parts) | Or(parts):
            word = " and " if isinstance(tree, And) else " OR "
            return word.join(f"({written(part)})" for part in parts)
        case Not(part):
            return f"not ({written(part)})"
        case IsNull(column):
            return f"{column.name} is null"
        case Truth(column):
            return column.name
        case In(column, values):
            return f"{column.name} in ({', '.join(map(said, values))})"
        case Comparison(op, left, right):
            return f"{said(left)} {op} {said(right)}"


def said(side: Column | Literal) -> str:
    if isinstance(side, Column):
        return f"`{side.name}`"
    value = side.value
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


numbers = st.sampled_from([*INTS, -1.5, 0.0, 0.5, 3.25, 10**30, -(10**30), 1e300, 40000]).map(Literal)
texts = st.sampled_from([*TEXTS, "", "zz"]).map(Literal)
columns = st.sampled_from(["i", "j", "f"]).map(Column)
ops = st.sampled_from(list(OPS))
leaves = st.one_of(
    st.builds(Comparison, ops, columns, numbers),
    st.builds(Comparison, ops, numbers, columns),
    st.builds(Comparison, ops, columns, columns),
    st.builds(Comparison, ops, st.just(Column("s")), texts),
    st.builds(In, columns, st.lists(numbers, min_size=1, max_size=3).map(tuple)),
    st.builds(In, st.just(Column("s")), st.lists(texts, min_size=1, max_size=3).map(tuple)),
    st.builds(IsNull, st.sampled_from(list(KINDS)).map(Column)),
    st.just(Truth(Column("b"))),
    st.builds(Comparison, st.sampled_from(["=", "!="]), st.just(Column("b")), st.booleans().map(Literal)),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=2, max_size=3).map(tuple).map(And),
        st.lists(inner, min_size=2, max_size=3).map(tuple).map(Or),
    ),
    max_leaves=5,
)
POOLS = {"i": INTS, "j": INTS, "f": FLOATS, "s": TEXTS, "b": [True, False]}


def rows_of(nulls: bool) -> st.SearchStrategy[list[Row]]:
    pools = {name: st.sampled_from([*pool, *([None] if nulls else [])]) for name, pool in POOLS.items()}
    return st.lists(st.fixed_dictionaries(pools), min_size=1, max_size=14)


def table_of(rows: Sequence[Row]) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in KINDS.items()})


def selected(source: Filtered, batch: int) -> tuple[list[int], int]:
    """The places among all rows of those that come, whose `j` has to be theirs, and how many rows were stood for."""
    first, found = 0, []
    for unit in source.units(0):
        for chunk in source.read(unit, ["j", "row"], batch):
            places = np.arange(chunk.rows) if chunk.places is None else chunk.places
            assert len(places) == chunk.rows
            if chunk.rows:
                assert [int(x) for x in chunk.values["row"].tolist()] == (places + first).tolist()
            found += (places + first).tolist()
            first += chunk.covered
    return found, first


def numbered(table: pa.Table) -> pa.Table:
    return table.append_column("row", pa.array(range(len(table))))


def sources_of(table: pa.Table, folder: Path) -> Iterator[Source]:
    pq.write_table(table, folder / "t.parquet", row_group_size=3)
    yield ParquetSource(str(folder / "t.parquet"))
    pq.write_table(table, folder / "bare.parquet", row_group_size=3, write_statistics=False)
    yield ParquetSource(str(folder / "bare.parquet"))
    coded = table.set_column(table.schema.get_field_index("s"), "s", table["s"].dictionary_encode())
    yield TableSource(coded)
    pa.csv.write_csv(table, folder / "t.csv")
    yield CsvSource(str(folder / "t.csv"), range_bytes=40)


@settings(max_examples=150)
@given(rows=rows_of(nulls=True), tree=trees, batch=st.sampled_from([1, 2, 5, 100]))
def test_the_rows_are_the_oracles(
    rows: list[Row], tree: Tree, batch: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = [at for at, row in enumerate(rows) if truth(tree, row) is True]
    for source in sources_of(numbered(table_of(rows)), tmp_path_factory.mktemp("where")):
        found = filtered(source, parse(written(tree)))
        assert selected(found, batch) == (expected, len(rows)), (source.format, written(tree))


@settings(max_examples=60)
@given(rows=rows_of(nulls=False), tree=trees, batch=st.sampled_from([1, 5, 100]))
def test_the_rows_of_arrays_are_the_oracles(
    rows: list[Row], tree: Tree, batch: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = [at for at, row in enumerate(rows) if truth(tree, row) is True]
    path = tmp_path_factory.mktemp("where") / "t.npz"
    table = numbered(table_of(rows))
    big_endian = table["j"].to_numpy().astype(">i8")
    np.savez(path, **{name: np.array(table[name].to_pylist()) for name in ("i", "f", "s", "b", "row")}, j=big_endian)
    assert selected(filtered(NpzSource(str(path)), parse(written(tree))), batch) == (expected, len(rows))


MOMENTS = [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, 12, 30, 0, 1), None, dt.datetime(1969, 12, 31, 23, 59, 59)]


@pytest.mark.parametrize(
    "kind",
    [
        *(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")),
        *(pa.timestamp(unit, "Europe/Zurich") for unit in ("s", "ns")),
        pa.date32(),
        pa.date64(),
    ],
    ids=str,
)
@pytest.mark.parametrize("kept", ["parquet", "memory"])
def test_dates_and_times_in_every_unit(kind: pa.DataType, kept: str, tmp_path: Path) -> None:
    # what the type cuts off is cut off before
    column = pa.array(MOMENTS, pa.timestamp("us")).cast(kind, safe=False)
    values = column.cast(pa.timestamp("us")).to_pylist()
    values = [value and value.replace(tzinfo=None) for value in values]
    table = pa.table({"t": column, "j": range(4), "row": range(4)})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=1)
    source = TableSource(table) if kept == "memory" else ParquetSource(str(tmp_path / "t.parquet"))
    for text in (
        "2024-01-01",
        "2024-01-01 12:30:00.000001",
        "2024-01-01T12:30:00.5",
        "1969-12-31",
        "1969-12-31 23:59:59",
    ):
        moment = dt.datetime.fromisoformat(text)
        for op, compare in OPS.items():
            expected = [at for at, value in enumerate(values) if value is not None and compare(value, moment)]
            assert selected(filtered(source, parse(f"t {op} '{text}'")), 100)[0] == expected, (op, text)
        among = [at for at, value in enumerate(values) if value == moment]
        assert selected(filtered(source, parse(f"t in ('{text}', '1900-01-01')")), 100)[0] == among


def test_numpys_dates_and_their_missing_ones() -> None:
    days = np.array(["2024-01-01", "NaT", "2024-03-01"], "M8[D]")
    for kind in ("D", "s", "ns", "M"):
        arrays = {"t": days.astype(f"M8[{kind}]"), "j": np.arange(3), "row": np.arange(3)}
        assert selected(filtered(MemorySource(arrays), parse("t >= '2024-02-01'")), 9)[0] == [2]
        assert selected(filtered(MemorySource(arrays), parse("t is null")), 9)[0] == [1]


def one_column(values: pa.Array, text: str, **more: pa.Array) -> list[int]:
    rows = range(len(values))
    return selected(filtered(TableSource(pa.table({"x": values, "j": rows, "row": rows, **more})), parse(text)), 99)[0]


def test_numbers_are_compared_without_rounding() -> None:
    large = pa.array([2**53, 2**53 + 1, 2**63 - 1], pa.int64())
    assert one_column(large, f"x = {2**53 + 1}") == [1]
    assert one_column(large, "x > 9007199254740992.0") == [1, 2]
    assert one_column(large, f"x < {2**63}") == [0, 1, 2]
    assert one_column(large, f"x in ({2**63}, {2**53})") == [0]
    assert one_column(pa.array([2.0**53]), f"x < {2**53 + 1}") == [0]
    assert one_column(pa.array([2.0**53]), f"x = {2**53 + 1}") == []
    assert one_column(pa.array([1, 2**64 - 1], pa.uint64()), "x > -1") == [0, 1]
    assert one_column(pa.array([1, 2**64 - 1], pa.uint64()), f"x = {2**64 - 1}") == [1]
    signed = pa.array([1, -1], pa.int64())
    assert one_column(pa.array([1, 2**64 - 1], pa.uint64()), "x = y", y=signed) == [0]
    # a float32 is what it holds: 0.1 in it is a little more
    assert one_column(pa.array([0.1], pa.float32()), "x > 0.1") == [0]
    assert one_column(pa.array([Decimal("1.25"), None]), "x = 1.25") == [0]
    assert one_column(pa.array(np.array([0.5, 2], np.float16)), "x >= 1") == [1]
    assert one_column(pa.array([-0.0, 0.0, math.nan]), "x in (0)") == [0, 1]
    assert one_column(pa.array([None, None]), "x = 1 or x is null") == [0, 1]
    assert one_column(pa.array(["b", "a"], pa.string_view()), "x = 'a'") == [1]
    assert one_column(pa.array(["b", "a"], pa.large_string()), "x < y and x in ('a', 'q')", y=pa.array(["c", "d"])) == [
        1
    ]


def test_dates_of_two_columns_in_different_units() -> None:
    day, time = pa.array([19723, 19724], pa.date32()), pa.array([1704067200, 1704067200], pa.timestamp("s"))
    assert one_column(day, "x = y", y=time) == [0]
    assert one_column(day, "x > y", y=time.cast(pa.timestamp("ns"))) == [1]
    with pytest.raises(DataError, match="data: column 'x' holds dates beyond the range of the other's unit"):
        one_column(pa.array([10**8], pa.date32()), "x > y", y=pa.array([0], pa.timestamp("ns")))


def test_a_range_of_a_csv_may_hold_another_type(tmp_path: Path) -> None:
    lines = [
        "n,b,row,j",
        *(f"{n},{b},{i},{i}" for i, (n, b) in enumerate([(1, "true"), (2.5, ""), ("", "0"), ("3e0", "1")])),
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    source = CsvSource(str(tmp_path / "t.csv"), range_bytes=5)
    assert selected(filtered(source, parse("n > 1.5")), 9)[0] == [1, 3]
    assert selected(filtered(source, parse("not b or b")), 9)[0] == [0, 2, 3]
    # told as text by another role, it is still compared as numbers
    assert selected(filtered(source, parse("n > 1.5")).with_text(frozenset({"n"})), 9)[0] == [1, 3]


def everything(source: Filtered) -> list[Chunk]:
    return [chunk for unit in source.units(0) for chunk in source.read(unit, ["j"], 1000)]


def test_a_text_among_numbers_is_refused_with_a_remedy(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i}\n" for i in range(200_000))
    (tmp_path / "t.csv").write_text(f"n,j\n{rows}oops,1\n")
    found = filtered(CsvSource(str(tmp_path / "t.csv")), parse("n >= 0"))
    with pytest.raises(DataError, match=r"t\.csv: column 'n' holds 'oops', expected numbers.*--null-value 'oops'"):
        everything(found)
    (tmp_path / "b.csv").write_text("b,j\n" + "true,1\n" * 300_000 + "7,1\n" * 600_000)
    found = filtered(CsvSource(str(tmp_path / "b.csv")), parse("b"))
    with pytest.raises(DataError, match=r"b\.csv: column 'b' holds numbers beside the true and false of --where"):
        everything(found)


class Gapped:
    """A source whose chunks stand for more rows than they hold, as a join's do."""

    path, format, rows, rereadable = "joined", "parquet", None, True

    def whole(self) -> str:
        return "everything"

    def columns(self) -> list[ColumnInfo]:
        return [ColumnInfo("x", "integer", "int64")]

    def units(self, file: int) -> list[Unit]:
        return [Unit(file, 0, 0, 1)]

    def read(self, unit: Unit, names: Sequence[str], rows: int) -> Iterator[Chunk]:
        left = {"unmatched_id": np.array([0, 4])}
        yield Chunk(3, {"x": np.array([1, 2, 3])}, 6, np.array([1, 3, 5]), left)
        yield Chunk(2, {"x": np.array([9, 9])})
        yield Chunk(1, {"x": np.array([0])}, 4, np.array([2]), left)
        yield Chunk(0, {}, 7, np.empty(0, np.int64), left)


def test_places_within_places() -> None:
    source: Any = Gapped()
    found = filtered(source, parse("x >= 2"))
    assert whole(found) == "everything"
    chunks = list(found.read(Unit(0, 0, 0, 1), [], 10))
    assert [(chunk.rows, chunk.covered) for chunk in chunks] == [(2, 6), (2, 2), (0, 4), (0, 7)]
    assert chunks[0].places is not None
    assert chunks[0].places.tolist() == [3, 5]
    assert chunks[1].places is None
    assert [sorted(chunk.left) for chunk in chunks] == [["unmatched_id"], [], ["unmatched_id"], ["unmatched_id"]]


def test_a_chunk_that_matches_whole_is_passed_on_as_it_is() -> None:
    arrays = {"x": np.arange(6.0), "m": np.arange(12.0).reshape(6, 2), "u": np.arange(6.0)}
    found = filtered(MemorySource(arrays), parse("x >= 3"))
    none, every = found.read(found.units(0)[0], ["m"], 3)  # type: ignore[index]
    assert np.shares_memory(every.values["m"], arrays["m"])
    assert (none.rows, none.covered, every.places) == (0, 3, None)
    (some,) = filtered(MemorySource(arrays), parse("x > 3")).read(Unit(0, 0, 0, 6), ["m"], 6)
    assert some.values["m"].tolist() == [[8.0, 9.0], [10.0, 11.0]]
    # only what was asked for, and what the filter reads
    assert list(some.values) == ["m"]
    assert set(every.values) == {"m", "x"}


def test_it_pickles_and_knows_what_its_inner_source_knows(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "t.parquet")
    inner = ParquetSource(str(tmp_path / "t.parquet"))
    found = pickle.loads(pickle.dumps(filtered(inner, parse("a > 1"))))
    assert (found.path, found.format, found.rows, found.rereadable) == (inner.path, "parquet", None, True)
    assert found.columns() == inner.columns()
    assert whole(found) == inner


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The row groups that were asked for, call by call."""
    seen: list[list[int]] = []
    plain = pq.ParquetFile.iter_batches

    def counted(self: Any, *args: Any, **more: Any) -> Any:
        seen.append(list(more["row_groups"]))
        return plain(self, *args, **more)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", counted)
    return seen


NANS = [[0.0, 1.0], [math.nan, 2.0], [5.0, 6.0], [math.nan, math.nan], [None, 7.0], [None, None]]


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("f > 5", [[2, 3, 4]]),
        ("f = 2", [[1], [3]]),
        ("not f < 1.5", [[0, 1, 2, 3, 4]]),
        ("not f < 6.5 and s < 'g2'", [[0, 1]]),
        ("f != 2", [[0, 1, 2, 3, 4]]),
        ("f is null", [[4, 5]]),
        ("f is not null", [[0, 1, 2, 3, 4]]),
        ("f between 5 and 6 and s = 'g2'", [[2]]),
        ("s in ('g0', 'g4', 'zz')", [[0], [4]]),
        ("s = 'nowhere'", []),
        ("u > 9223372036854775812", [[5]]),
        ("day >= '2024-01-06'", [[5]]),
        ("at < '2024-01-01T00:00:00.000001'", [[0]]),
        ("flag", [[0], [2], [4]]),
        ("s = 'g1' or v is null", [[0, 1, 2, 3, 4, 5]]),
        ("f < u", [[0, 1, 2, 3, 4]]),
        ("`out.x` = 4", [[4]]),
    ],
)
def test_row_groups_that_cannot_match_are_not_read(
    text: str, groups: list[list[int]], asked: list[list[int]], tmp_path: Path
) -> None:
    base = dt.datetime(2024, 1, 1)
    table = pa.table(
        {
            "f": pa.array([value for pair in NANS for value in pair], pa.float64()),
            "s": [f"g{i // 2}" for i in range(12)],
            "u": pa.array([2**63 + i // 2 for i in range(12)], pa.uint64()),
            "day": [(base + dt.timedelta(i // 2)).date() for i in range(12)],
            "at": pa.array([base + dt.timedelta(0, i // 2) for i in range(12)], pa.timestamp("us")),
            "flag": [i // 2 % 2 == 0 for i in range(12)],
            "v": [[1.0, 2.0]] * 12,
            "out.x": [i // 2 for i in range(12)],
            "j": range(12),
            "row": range(12),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=2)
    pq.write_table(table, tmp_path / "bare.parquet", row_group_size=2, write_statistics=False)
    found = selected(filtered(ParquetSource(str(tmp_path / "t.parquet")), parse(text)), 100)
    assert asked == groups
    asked.clear()
    assert selected(filtered(ParquetSource(str(tmp_path / "bare.parquet")), parse(text)), 100) == found
    assert asked == [[0, 1, 2, 3, 4, 5]]
    assert selected(filtered(TableSource(table), parse(text)), 100) == found


def test_what_is_pruned_is_found_once_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lossctl.readers import parquet_facts

    calls = []
    plain = parquet_facts.matching
    monkeypatch.setattr(parquet_facts, "matching", lambda *args: calls.append(1) or plain(*args))
    table = pa.table({"x": np.arange(400_000), "j": np.arange(400_000), "row": np.arange(400_000)})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=1 << 17)
    found = filtered(ParquetSource(str(tmp_path / "t.parquet")), parse("x = 399999"))
    assert len(list(found.units(0))) == 4
    assert selected(found, 1 << 16) == ([399_999], 400_000)
    assert calls == [1]


def test_a_broken_row_group_that_the_filter_leaves_out_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    table = pa.table({"x": range(30), "j": range(30), "row": range(30)})
    pq.write_table(table, path, row_group_size=10, write_page_checksum=True, compression=None, use_dictionary=False)
    column = pq.read_metadata(path).row_group(1).column(0)
    data = bytearray(path.read_bytes())
    data[column.data_page_offset + column.total_compressed_size - 3] ^= 0xFF
    path.write_bytes(bytes(data))
    source = ParquetSource(str(path))
    for text, expected in (("x >= 20", range(20, 30)), ("x < 10", range(10)), ("x not between 10 and 19", None)):
        rows = list(expected) if expected is not None else [*range(10), *range(20, 30)]
        assert selected(filtered(source, parse(text)), 7) == (rows, 30)
    with pytest.raises(DataError, match="row group 1 cannot be decoded"):
        selected(filtered(source, parse("x > 15")), 7)


def test_a_source_of_which_nothing_matches_is_only_counted(tmp_path: Path, asked: list[list[int]]) -> None:
    table = pa.table({"x": range(30), "j": range(30)})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=10)
    pa.csv.write_csv(table, tmp_path / "t.csv")
    parquet, text = ParquetSource(str(tmp_path / "t.parquet")), CsvSource(str(tmp_path / "t.csv"), range_bytes=20)
    for source in (parquet, text):
        chunks = [chunk for unit in source.units(0) for chunk in Unmatched(source).read(unit, ["j"], 4)]
        assert sum(chunk.covered for chunk in chunks) == 30
        assert sum(chunk.rows for chunk in chunks) == 0
    assert asked == []
