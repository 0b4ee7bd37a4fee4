"""Keys of slices: the same from any type and file, exact bins, one order."""

from __future__ import annotations

import datetime
import json
import math
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossctl.errors import DataError
from lossctl.evaluation.bins import Edges, Widths
from lossctl.evaluation.by import By, as_text, needed, parse
from lossctl.evaluation.plan import with_text
from lossctl.evaluation.slice_column import BadValueError
from lossctl.evaluation.slice_edges import settle
from lossctl.evaluation.slice_order import presented
from lossctl.evaluation.slicing import Slicer, refusal
from lossctl.readers.filtered import filtered
from lossctl.readers.memory import TableSource
from lossctl.readers.npy import MemorySource
from lossctl.readers.parquet import ParquetSource
from lossctl.readers.places import ReadSettings, open_source
from lossctl.readers.source import Chunk, with_codes
from lossctl.readers.where import parse as where


def sliced(spec: str | By, *columns, comma=()):
    """Each row's key, of chunks that follow on each other."""
    by = parse(spec) if isinstance(spec, str) else spec
    slicer, found = Slicer(by), []
    for values in columns:
        every = values if isinstance(values, tuple) else (values,)
        chunk = Chunk(len(every[0]), dict(zip(by.columns, every, strict=True)), commas=frozenset(comma))
        codes, groups = slicer.codes(chunk)
        assert codes.dtype == np.int64
        keys = slicer.keys
        assert groups == len(keys) == len(set(keys))
        assert ((codes >= 0) & (codes < groups)).all()
        found += [keys[code] for code in codes.tolist()]
    return [key[0] for key in found] if len(by.parts) == 1 else found


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array(["eu", None, "", "uk", "eu"]), ["eu", None, "", "uk", "eu"]),
        (pa.array(["eu", None, "uk"], pa.large_string()), ["eu", None, "uk"]),
        (pa.array(["eu", None, "uk"], pa.string_view()), ["eu", None, "uk"]),
        (pa.array(["eu", None, "uk", "eu"]).dictionary_encode(), ["eu", None, "uk", "eu"]),
        (pa.array(["a", "b", None, "c"]).dictionary_encode().slice(1), ["b", None, "c"]),
        (pa.array(["a", "b", None, "c"]).slice(1, 2), ["b", None]),
        (pa.array([None, None], pa.string()), [None, None]),
        (pa.array([None, None]), [None, None]),
        (pa.array([3, -1, None], pa.int8()), ["3", "-1", None]),
        (pa.array([2**64 - 1, None, 0], pa.uint64()), [str(2**64 - 1), None, "0"]),
        (pa.array([3, None, 3], pa.int32()).dictionary_encode(), ["3", None, "3"]),
        (np.array([-(2**63), 2**63 - 1, 0]), [str(-(2**63)), str(2**63 - 1), "0"]),
        (np.array([300, 3], ">i2"), ["300", "3"]),
        (pa.array([3.0, -0.0, None]), ["3", "0", None]),
        (pa.array([3.0, 0.1, -0.0, math.nan, math.inf, None]), ["3", "0.1", "0", "nan", "inf", None]),
        (np.array([1e15, 1e16, 0.0]), ["1000000000000000", "1e+16", "0"]),
        (np.array([0.1, 1e-07, 3.0], np.float32), ["0.1", "1e-07", "3"]),
        (np.array([0.1, 3.0], np.float16), ["0.1", "3"]),
        (np.array([True, False]), ["true", "false"]),
        (pa.array([True, None]), ["true", None]),
        (pa.array([Decimal("3.50"), Decimal("-3.00"), None]), ["3.50", "-3.00", None]),
        (pa.array([datetime.date(2024, 5, 1), None]), ["2024-05-01", None]),
        (pa.array([datetime.date(2024, 5, 1), None], pa.date64()), ["2024-05-01", None]),
        (pa.array([0, 1_500_000], pa.timestamp("us")), ["1970-01-01", "1970-01-01T00:00:01.5"]),
        (pa.array([0], pa.timestamp("ns", "Asia/Tokyo")), ["1970-01-01T00:00:00Z"]),
        (np.array(["2024-05-01", "NaT"], "datetime64[D]"), ["2024-05-01", None]),
        (pa.array([-719528], pa.date32()), ["0000-01-01"]),
    ],
)
def test_keys_of_every_type(values, expected):
    assert sliced("x", values) == expected
    assert sliced("x", values, values[:1]) == [*expected, expected[0]]
    assert sliced("x", values[:0]) == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        *(("3.0", "3"), ("-3.0", "-3"), ("-0.0", "0"), ("True", "true"), ("FALSE", "false"), ("NaN", "nan")),
        *((same, same) for same in ("007", "3.00", "1e5", "+3", "1.10", "007.0", "Trueish", "-", "2024-13-01", "3.0 ")),
        *(("2024-05-01 00:00:00", "2024-05-01"), ("2024-05-01T12:00", "2024-05-01T12:00:00")),
        *(("2024-05-01 00:00:00+00:00", "2024-05-01T00:00:00Z"), ("2024-05-01T01:00:00+02:00", "2024-04-30T23:00:00Z")),
        ("2024-05-01 12:00:00.250", "2024-05-01T12:00:00.25"),
    ],
)
def test_keys_of_texts(text, key):
    assert sliced("x", pa.array([text])) == [key]


def test_texts_of_one_meaning_share_a_slice():
    assert sliced("x", pa.array(["3", "3.0"]), np.array([3]), pa.array([3.0])) == ["3"] * 4


def test_a_decimal_comma_where_the_file_has_one():
    texts = pa.array(["3,0", "3,5", "eu, us", None])
    assert sliced("x", texts, comma={"x"}) == ["3", "3.5", "eu, us", None]
    assert sliced("x:width=1", pa.array(["3,5"]), comma={"x"}) == ["[3, 4)"]
    assert sliced("x", texts) == ["3,0", "3,5", "eu, us", None]


def test_crosses_hold_the_pairs_that_occur():
    a, b = pa.array(["x", "y", None, "x"]), np.array([1, 2, 1, 1])
    assert sliced("a*b", (a, b)) == [("x", "1"), ("y", "2"), (None, "1"), ("x", "1")]
    c = np.array([0.5, 12.0, math.nan, 11.0])
    expected = [("x", "1", "[0, 10)"), ("y", "2", "[10, 20)"), (None, "1", "nan"), ("x", "1", "[10, 20)")]
    assert sliced("a*b*c:width=10", (a, b, c)) == expected


def test_crosses_grow_with_their_columns():
    draw = np.random.default_rng(0)
    for spread in (1, 10**9):
        chunks = [(draw.integers(0, 5 * 3**i, 500) * spread, draw.integers(0, 3**i, 500)) for i in range(7)]
        assert sliced("a*b", *chunks) == [(str(a), str(b)) for chunk in chunks for a, b in zip(*chunk, strict=True)]


@pytest.mark.parametrize("spread", [1, 10**6, 10**12])
def test_many_keys_near_and_far(spread):
    draw = np.random.default_rng(1)
    chunks = [draw.integers(-(10**5), 10**5, 20_000) * spread for _ in range(3)]
    expected = [str(value) for chunk in chunks for value in chunk.tolist()]
    assert sliced("x", *chunks) == expected
    assert sliced("x", *(pa.array(map(str, chunk.tolist())) for chunk in chunks)) == expected
    assert sliced("x", *(chunk / 2**40 for chunk in chunks))[:3] == [
        repr(value / 2**40).removesuffix(".0") for value in chunks[0][:3].tolist()
    ]


def test_entries_of_a_dictionary_that_no_row_has_are_no_slices():
    slicer = Slicer(parse("x"))
    dictionary = pa.DictionaryArray.from_arrays(pa.array([1, 1], pa.int8()), pa.array(["a", "b", "c"]))
    assert slicer.codes(Chunk(2, {"x": dictionary}))[1] == 1
    assert slicer.keys == (("b",),)


def test_dictionaries_that_change_between_chunks():
    def encoded(texts, indices):
        return pa.DictionaryArray.from_arrays(pa.array(indices, pa.int8()), pa.array(texts))

    chunks = [encoded(["a", "b"], [0, 1]), encoded(["b", "a"], [0, 1]), encoded(["b", None], [1, 0])]
    assert sliced("x", *chunks) == ["a", "b", "b", "a", None, "b"]
    # more than are compared one by one
    many = pa.array([f"k{i}" for i in range(5000)]).dictionary_encode()
    other = pa.array([f"k{i}" for i in reversed(range(5000))]).dictionary_encode()
    assert sliced("x", many, many[7:], other) == [
        *(f"k{i}" for i in (*range(5000), *range(7, 5000))),
        *other.to_pylist(),
    ]


# bins


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint8, np.float16, np.float32, np.float64])
def test_edges_belong_to_the_bin_that_they_begin(dtype):
    values = np.array([17, 18, 29, 30, 65, 100], dtype)
    expected = ["(-inf, 18)", "[18, 30)", "[18, 30)", "[30, 65)", "[65, inf)", "[65, inf)"]
    assert sliced("x:edges=18,30.0,65", values) == expected
    assert sliced("x:edges=18,30.0,65", pa.array([str(v) for v in values.tolist()])) == expected
    assert sliced("x:edges=18,30.0,65", pa.array(values).dictionary_encode()) == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_widths_cut_where_they_say_in_decimals(dtype):
    tenths = np.array([k / 10 for k in range(-30, 30)], dtype)
    found = sliced("x:width=0.1", tenths)
    assert found == [f"[{_tenth(k)}, {_tenth(k + 1)})" for k in range(-30, 30)]
    assert sliced("x:width=0.1", pa.array([_tenth(k) for k in range(-30, 30)])) == found


def _tenth(k):
    return "0" if k == 0 else f"{Decimal(k) / 10:f}".removesuffix(".0")


def test_what_is_not_finite_has_slices_of_its_own():
    values = pa.array([math.nan, math.inf, -math.inf, None, 1.0])
    assert sliced("x:width=2", values) == ["nan", "inf", "-inf", None, "[0, 2)"]
    assert sliced("x:edges=0,1", values) == ["nan", "[1, inf)", "(-inf, 0)", None, "[1, inf)"]
    assert sliced("x:width=2", pa.array(["nan", "inf", "-inf", None, "1"])) == sliced("x:width=2", values)


def test_bins_of_booleans_and_decimals():
    assert sliced("x:width=1", np.array([True, False])) == ["[1, 2)", "[0, 1)"]
    assert sliced("x:width=0.25", pa.array([Decimal("0.25"), Decimal("-0.01"), None])) == [
        "[0.25, 0.5)",
        "[-0.25, 0)",
        None,
    ]


def test_edges_beyond_a_type():
    assert sliced("x:edges=-1000,1000", np.array([-128, 127], np.int8)) == ["[-1000, 1000)"] * 2
    assert sliced("x:edges=-1e300,1e300", np.array([-3e38, 3e38], np.float32)) == ["[-1e+300, 1e+300)"] * 2
    assert sliced("x:edges=9223372036854775807", np.array([2**63 - 2, 2**63 - 1])) == [
        "(-inf, 9223372036854775807)",
        "[9223372036854775807, inf)",
    ]


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1),
    st.sampled_from(["0.1", "0.3", "7", "1e-3", "2.5", "1e5"]),
    st.sampled_from([np.float32, np.float64]),
)
def test_a_bin_holds_the_shortest_decimals_between_its_edges(values, width, dtype):
    some = np.array(values, dtype)
    for value, label in zip(some, sliced(f"x:width={width}", some), strict=True):
        low, high = map(Fraction, label[1:-1].split(", "))
        assert low <= Fraction(str(value)) < high
        assert high - low == Fraction(width)


@given(st.lists(st.integers(-(2**60), 2**60), min_size=1), st.sampled_from(["7", "1e3", "0.5", "2.5", "1e18"]))
def test_whole_numbers_are_binned_exactly(values, width):
    for value, label in zip(values, sliced(f"x:width={width}", np.array(values)), strict=True):
        low, high = map(Fraction, label[1:-1].split(", "))
        assert low <= value < high


@given(
    st.lists(st.floats(allow_nan=False), min_size=1),
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30, unique=True),
)
def test_many_edges_are_searched_as_few_are(values, cuts):
    edges = Edges(tuple(map(repr, sorted({cut + 0.0 for cut in cuts}))), closed=False)
    expected = [sum(cut <= value for cut in {cut + 0.0 for cut in cuts}) for value in values]
    assert edges.places(np.array(values)).tolist() == expected


@pytest.mark.parametrize("values", [np.array([1.0, 1e300]), np.array([1, 2**62])])
def test_a_width_too_narrow_for_a_value_is_refused(values):
    with pytest.raises(BadValueError, match="expected a number that bins so narrow can hold") as error:
        sliced("x:width=1e-9", values)
    assert error.value.row == 1


def test_decimals_of_fewer_digits_than_the_width():
    # 131072.625 is the nearest float32 to 131072.62
    assert sliced("x:width=1e-3", np.array([131072.625, 1.0], np.float32)) == ["[131072.62, 131072.621)", "[1, 1.001)"]


def test_bins_wide_apart():
    draw = np.random.default_rng(2)
    values = draw.random(5000) * 1e9
    widths = Widths("0.5")
    assert widths.places(values).tolist() == [math.floor(Fraction(v) * 2) for v in values.tolist()]


# dates


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("hour", ["2024-05-01T13", "2021-01-03T23", "1969-12-31T23", None]),
        ("day", ["2024-05-01", "2021-01-03", "1969-12-31", None]),
        ("week", ["2024-W18", "2020-W53", "1970-W01", None]),
        ("month", ["2024-05", "2021-01", "1969-12", None]),
        ("quarter", ["2024-Q2", "2021-Q1", "1969-Q4", None]),
        ("year", ["2024", "2021", "1969", None]),
    ],
)
def test_periods_of_times(how, expected):
    texts = ["2024-05-01 13:30:00", "2021-01-03T23:59:59.999", "1969-12-31 23:00", None]
    times = [t and datetime.datetime.fromisoformat(t) for t in texts]
    assert sliced(f"t:{how}", pa.array(texts)) == expected
    for unit in ("ms", "us", "ns"):
        assert sliced(f"t:{how}", pa.array(times, pa.timestamp(unit))) == expected
    assert sliced(f"t:{how}", pa.array([t and t.replace(microsecond=0) for t in times], pa.timestamp("s"))) == expected
    if how != "hour":
        assert sliced(f"t:{how}", pa.array([t and t.date() for t in times], pa.date32())) == expected


def test_times_with_a_zone_are_in_utc():
    at = datetime.datetime.fromisoformat("2024-01-01T00:30:00+02:00")
    typed = pa.array([at], pa.timestamp("us", "Europe/Helsinki"))
    assert sliced("t:day", typed) == sliced("t:day", pa.array(["2024-01-01T00:30:00+02:00"])) == ["2023-12-31"]


@given(st.dates())
def test_weeks_are_those_of_the_calendar(day):
    year, week, _ = day.isocalendar()
    assert sliced("d:week", pa.array([day])) == [f"{year:04d}-W{week:02d}"]


# refusals


@pytest.mark.parametrize(
    ("spec", "texts", "said"),
    [
        ("x:width=1", ["1", None, "old"], "row 3 column x: found 'old', expected a number (--by x:width=1)"),
        ("x:edges=1", ["1", "1_0"], "row 2 column x: found '1_0', expected a number (--by x:edges=1)"),
        ("x:day", ["May 1", "2024-05-01"], "row 1 column x: found 'May 1', expected a date such as 2024-05-01"),
        ("x:day", ["2024-05-01", "2024-02-30"], "row 2 column x: found '2024-02-30', expected a date"),
    ],
)
def test_unreadable_texts_are_told_with_their_row(spec, texts, said, tmp_path):
    path = str(tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": texts}), path)
    for source in (ParquetSource(path), ParquetSource(path).with_codes(frozenset({"x"}))):
        (unit,) = source.units(0)
        (chunk,) = source.read(unit, ["x"], 100)
        with pytest.raises(BadValueError) as error:
            Slicer(parse(spec)).codes(chunk)
        assert f"{path} {said}" in str(refusal(error.value, source, unit, error.value.row))


def test_codes_are_read_where_the_file_has_few_texts(tmp_path):
    path, n = str(tmp_path / "a.parquet"), 60_000
    many = pa.array([f"user number {i}" for i in range(n)])
    few = pa.array(["eu", "us", None] * (n // 3))
    table = pa.table({"few": few, "many": many, "n": np.arange(n)})
    pq.write_table(table, path, row_group_size=n // 2)
    source = ParquetSource(path).with_codes(frozenset(table.column_names))
    assert source.codes == {"few"}
    (chunk, *_) = source.read(source.units(0)[0], ["few", "many"], n)
    assert pa.types.is_dictionary(chunk.values["few"].type)
    assert pa.types.is_string(chunk.values["many"].type)


def test_the_row_of_a_later_unit(tmp_path):
    source = MemorySource({"x": np.arange(600_000)})
    units = source.units(0)
    assert len(units) > 1
    error = BadValueError(parse("x:width=1").parts[0], 5, "old", "a number")
    assert f"row {units[1].start + 6} column x" in str(refusal(error, source, units[1], 5))


# files


def table():
    draw = np.random.default_rng(3)
    n = 400
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(int(k)) for k in draw.integers(0, 100, n)]
    gone = draw.random(n) < 0.1
    return pa.table(
        {
            "region": pa.array(np.where(gone, None, draw.choice(["eu", "uk", "north america"], n)).tolist()),
            "whole": draw.integers(-3, 4, n),
            "gaps": pa.array(draw.integers(0, 4, n).astype(float), mask=draw.random(n) < 0.2),
            "score": (draw.integers(0, 40, n) / 10),
            "single": pa.array((draw.integers(0, 40, n) / 10).astype(np.float32)),
            "yes": draw.random(n) < 0.5,
            "day": pa.array(days),
            "at": pa.array(
                [
                    datetime.datetime(2024, 1, 1) + datetime.timedelta(minutes=30 * int(k))
                    for k in draw.integers(0, 99, n)
                ]
            ),
            "code": pa.array([f"{k:03d}" for k in draw.integers(0, 12, n)]),
        }
    )


def _csv(t, path):
    # as pandas writes: None is empty, True and 3.0 as Python has them
    t.to_pandas().to_csv(path, index=False)


def _lines(t, path):
    rows = [{k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in row.items()} for row in t.to_pylist()]
    singles = t["single"].to_numpy()
    for row, one in zip(rows, singles, strict=True):
        row["single"] = float(str(one))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _arrow(t, path):
    with ipc.new_file(path, t.schema) as out:
        out.write_table(t, max_chunksize=64)


def _encoded(t):
    for name in ("region", "code", "whole", "day"):
        t = t.set_column(t.column_names.index(name), name, t[name].dictionary_encode())
    return t


WRITERS = {
    "a.parquet": lambda t, p: pq.write_table(t, p, row_group_size=150),
    "plain.parquet": lambda t, p: pq.write_table(t, p, use_dictionary=False),
    "encoded.parquet": lambda t, p: pq.write_table(_encoded(t), p),
    "a.csv": _csv,
    "a.jsonl": _lines,
    "a.arrow": _arrow,
    "encoded.arrow": lambda t, p: _arrow(_encoded(t).combine_chunks(), p),
}
SPECS = (
    *("region", "whole", "gaps", "score", "single", "yes", "day", "at", "code", "region*yes*gaps"),
    *("whole:width=2", "score:width=0.1", "score:edges=0.3,1.7", "single:width=0.1", "single:edges=0.7,0.70001,2.1"),
    *("day:week", "at:hour", "at:day", "day:month*region", "score:quantile=4", "whole:quantile=3", "gaps:quantile=2"),
)


def exactly(run):
    """Quantiles by sorting all in memory: the mean of both neighbours where a level is met exactly."""

    def quantiles(pairs, levels):
        values = sorted(v for some in run(pairs) for v in some)
        if not values:
            return [math.nan] * len(levels)
        found = []
        for level in levels:
            rank = level * len(values)
            low = values[max(math.ceil(rank) - 1, 0)]
            found.append((low + values[min(math.floor(rank), len(values) - 1)]) / 2)
        return found

    return quantiles


class Job:
    """What the look ahead asks of a job."""

    batch_rows = 90

    def __init__(self, sources):
        self.sources = sources


def settled(by, sources):
    def run(pairs):
        job = Job(sources)
        for file, source in enumerate(sources):
            for unit in source.units(file):
                yield [value for values, weights in pairs(job, unit) for value in values.tolist()]

    return settle([by], sources, exactly(run))[0]


def counts(spec, sources, codes=False):
    by = parse(spec)
    sources = with_text(tuple(sources), as_text([by], ()))
    by = settled(by, sources)
    sources = [with_codes(source, frozenset(needed([by]))) for source in sources] if codes else sources
    found = Counter()
    for file, source in enumerate(sources):
        for unit in source.units(file):
            slicer = Slicer(by)
            for chunk in source.read(unit, needed([by]), 90):
                if chunk.rows:
                    rows = np.bincount(slicer.codes(chunk)[0], minlength=len(slicer.keys))
                    found += dict(zip(slicer.keys, rows.tolist(), strict=True))
    return [(name, found[key]) for key, name in presented(by, found)]


def opened(*paths):
    return [open_source(str(path), ReadSettings()) for path in paths]


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_slices_from_every_format(name, tmp_path):
    expected = TableSource(table())
    WRITERS[name](table(), tmp_path / name)
    sources = opened(tmp_path / name)
    for spec in SPECS:
        there = counts(spec, [expected])
        assert sum(rows for _, rows in there) == 400
        assert counts(spec, sources) == there, spec
        assert counts(spec, sources, codes=True) == there, spec


def test_the_same_slices_from_arrays_and_from_several_files(tmp_path):
    t = table()
    arrays = {name: t[name].to_numpy() for name in ("whole", "score", "single", "yes", "day", "at")}
    arrays["code"] = np.array(t["code"].to_pylist())
    np.savez(tmp_path / "a.npz", **arrays)
    pq.write_table(t.slice(0, 100), tmp_path / "b.parquet")
    _csv(t.slice(100, 200), tmp_path / "c.csv")
    _lines(t.slice(300), tmp_path / "d.jsonl")
    parts = opened(tmp_path / "d.jsonl", tmp_path / "b.parquet", tmp_path / "c.csv")
    for spec in SPECS:
        there = counts(spec, parts)
        if not {"region", "gaps"} & set(parse(spec).columns):
            assert counts(spec, opened(tmp_path / "a.npz")) == there, spec


def test_filtered_rows_have_their_own_keys(tmp_path):
    pq.write_table(table(), tmp_path / "a.parquet")
    source = filtered(ParquetSource(str(tmp_path / "a.parquet")), where("whole > 0"))
    names = [name["whole"] for name, _ in counts("whole", [source], codes=True)]
    assert names == [1, 2, 3]
    assert counts("region", [source]) == counts("region", [source], codes=True)


# order


@pytest.mark.parametrize(
    ("spec", "keys", "names"),
    [
        ("x", ["10", "9", None, "-1"], [-1, 9, 10, None]),
        ("x", ["10", "9", "a", None], ["10", "9", "a", None]),
        ("x", ["007", "10"], ["007", "10"]),
        ("x", ["é", "z", "Z", ""], ["", "Z", "z", "é"]),
        ("x", [None], [None]),
        (
            "x:width=5",
            ["[5, 10)", "[-5, 0)", "[10, 15)", None, "nan", "inf", "-inf"],
            ["-inf", "[-5, 0)", "[5, 10)", "[10, 15)", "inf", "nan", None],
        ),
        ("x:edges=2,10", ["[10, inf)", "(-inf, 2)", "[2, 10)"], ["(-inf, 2)", "[2, 10)", "[10, inf)"]),
        ("x:year", ["2024", "-0001", "10000", None], ["-0001", "2024", "10000", None]),
        ("x:week", ["2024-W02", "2023-W52", "2024-W10"], ["2023-W52", "2024-W02", "2024-W10"]),
    ],
)
def test_one_order(spec, keys, names):
    for some in (keys, keys[::-1]):
        assert [name for _, name in presented(parse(spec), [(key,) for key in some])] == [{"x": name} for name in names]


def test_crosses_are_ordered_column_by_column():
    keys = [("b", "10"), ("a", "9"), (None, "1"), ("a", None), ("a", "10")]
    names = [name for _, name in presented(parse("x*n"), keys)]
    assert names == [{"x": x, "n": n} for x, n in (("a", 9), ("a", 10), ("a", None), ("b", 10), (None, 1))]


# quantiles


def quantile_bins(values, count):
    source = MemorySource({"x": values}) if isinstance(values, np.ndarray) else TableSource(pa.table({"x": values}))
    by = settled(parse(f"x:quantile={count}"), [source])
    return by.parts[0].edges, Counter(sliced(by, values))


def test_quantile_bins_of_different_values_are_of_one_size():
    for n, count in ((10, 2), (12, 3), (7, 7), (1000, 10)):
        _, found = quantile_bins(np.random.default_rng(n).permutation(n), count)
        assert sorted(found.values()) == [n // count] * count


def test_the_last_quantile_bin_holds_the_greatest():
    edges, found = quantile_bins(np.array([1, 2, 3, 4]), 2)
    assert edges == ("1", "2.5", "4")
    assert found == {"[1, 2.5)": 2, "[2.5, 4]": 2}


def test_equal_edges_are_one():
    _, found = quantile_bins(np.array([0] * 8 + [1, 2]), 5)
    assert found == {"[0, 0.5)": 8, "[0.5, 2]": 2}
    assert quantile_bins(np.array([7.5, 7.5]), 4) == (("7.5", "7.5"), {"[7.5, 7.5]": 2})
    # what is both the last edge and the greatest value is a bin of its own
    assert quantile_bins(np.array([0] * 5 + [1] * 5), 4)[1] == {"[0, 0.5)": 5, "[1, 1]": 5}
    assert quantile_bins(np.array([0] * 4 + [1] * 6), 5)[1] == {"[0, 0.5)": 4, "[1, 1]": 6}
    assert quantile_bins(np.array([0] * 3 + [1] * 7), 5)[1] == {"[0, 1)": 3, "[1, 1]": 7}


def test_quantile_bins_beside_what_is_not_finite():
    values = pa.array([1.0, 2.0, math.nan, None, math.inf])
    assert quantile_bins(values, 2)[1] == {"[1, 1.5)": 1, "[1.5, 2]": 1, "nan": 1, None: 1, "inf": 1}


def test_quantiles_of_float32_have_its_decimals():
    assert quantile_bins(np.array([0.1, 0.2, 0.3], np.float32), 3)[0][0] == "0.1"


def test_no_number_to_cut_by_is_refused():
    with pytest.raises(DataError, match="--by x:quantile=2: data column x holds no finite number to cut by"):
        quantile_bins(pa.array([None, math.nan]), 2)


def test_an_unreadable_text_is_told_before(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\nold\n")
    sources = opened(tmp_path / "a.csv")
    with pytest.raises(DataError, match=r"a\.csv row 2 column x: found 'old', expected a number"):
        settled(parse("x:quantile=2"), sources)
