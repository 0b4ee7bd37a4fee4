"""CSV: every range size gives the same rows, and every refusal says what and where."""

from __future__ import annotations

import csv
import io
import math
import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lossctl.errors import DataError
from lossctl.readers import csv as readers_csv
from lossctl.readers import csv_ranges
from lossctl.readers.csv import CsvSource, Dialect, range_bytes
from lossctl.readers.csv_stream import CsvStream

SIZES = (1, 7, 16, 64, 1 << 20)


def source(folder: Path, text: str | bytes, range_bytes: int | None = 1 << 21, **dialect: Any) -> CsvSource:
    path = folder / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return CsvSource(str(path), Dialect(**dialect), range_bytes=range_bytes)


def rows(opened: CsvSource | CsvStream, most: int = 1000) -> dict[str, list[Any]]:
    names = [column.name for column in opened.columns()]
    found: dict[str, list[Any]] = {name: [] for name in names}
    for unit in opened.units(0):
        for chunk in opened.read(unit, names, most):
            assert chunk.rows <= most
            for name in names:
                assert len(chunk.values[name]) == chunk.rows
                found[name] += chunk.values[name].to_pylist()
    return found


def types(opened: CsvSource, name: str) -> set[str]:
    chunks = [chunk for unit in opened.units(0) for chunk in opened.read(unit, [name], 1000)]
    return {str(chunk.values[name].type) for chunk in chunks}


def kinds(opened: CsvSource | CsvStream) -> list[str]:
    return [column.kind for column in opened.columns()]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3,4\n",
        "a,b\n1,2\n3,4",
        "a,b\r\n1,2\r\n3,4\r\n",
        "\ufeffa,b\n1,2\n3,4\n",
        '\ufeff"a","b"\n1,2\n3,4\n',
        "a,b\n1,2\n\n3,4\n\n",
        "a,b\r\n1,2\r\n\r\n\r\n\r\n\r\n3,4\r\n\r\n",
        "a\tb\n1\t2\n3\t4\n",
        "a;b\n1;2\n3;4\n",
        '"a","b"\n"1","2"\n"3","4"\n',
    ],
)
def test_the_same_rows_however_it_is_written_and_cut(tmp_path: Path, text: str, size: int) -> None:
    opened = source(tmp_path, text, size)
    assert rows(opened) == {"a": [1, 3], "b": [2, 4]}
    assert kinds(opened) == ["integer", "integer"]


def test_a_comma_outside_quotes_wins_over_other_delimiters(tmp_path: Path) -> None:
    assert list(rows(source(tmp_path, "a;b,c\n1,2\n"))) == ["a;b", "c"]
    assert list(rows(source(tmp_path, '"a,x";b\n1;2\n'))) == ["a,x", "b"]
    assert list(rows(source(tmp_path, "a|b\n1|2\n", delimiter="|"))) == ["a", "b"]


def test_format_follows_the_delimiter(tmp_path: Path) -> None:
    assert source(tmp_path, "a\tb\n1\t2\n").format == "tsv"
    assert source(tmp_path, "a,b\n1,2\n").format == "csv"


@pytest.mark.parametrize("size", SIZES)
def test_quoted_line_ends_cross_ranges(tmp_path: Path, size: int) -> None:
    text = "a,b\n" + '"x\ny, ""z""",1\n' * 40 + "plain,2\n"
    assert rows(source(tmp_path, text, size)) == {"a": ['x\ny, "z"'] * 40 + ["plain"], "b": [1] * 40 + [2]}


@pytest.mark.parametrize("size", SIZES)
def test_a_quote_inside_a_field_is_text(tmp_path: Path, size: int) -> None:
    text = 'a,b\n5" disk,1\n' + "x,2\n" * 20 + 'a "b" c,3\n"d\ne"f,4\n' + "y,5\n" * 20
    opened = source(tmp_path, text, size)
    assert rows(opened)["b"] == [1] + [2] * 20 + [3, 4] + [5] * 20
    assert rows(opened)["a"][0] == '5" disk'
    assert len(opened.units(0)) > 1 or size > 100


def test_a_stray_quote_does_not_undo_the_cuts(tmp_path: Path) -> None:
    opened = source(tmp_path, 'a,b\n5" disk,1\n' + "x,2\n" * 1000, 256)
    assert len(opened.units(0)) > 10


def test_units_cover_the_data_in_order(tmp_path: Path) -> None:
    opened = source(tmp_path, "a,b\n" + "1,2\n" * 100, 50)
    units = opened.units(3)
    assert [unit.number for unit in units] == list(range(len(units)))
    assert {unit.file for unit in units} == {3}
    assert units[0].start == 4
    assert units[-1].stop == 404
    assert all(a.stop == b.start for a, b in zip(units, units[1:], strict=False))
    assert all(unit.stop - unit.start <= 54 for unit in units)


def test_a_chunk_has_no_more_rows_than_asked(tmp_path: Path) -> None:
    assert rows(source(tmp_path, "a\n" + "1\n" * 25), most=10) == {"a": [1] * 25}


def test_named_columns_alone_and_in_order(tmp_path: Path) -> None:
    opened = source(tmp_path, "a,b,c\n1,x,3\n")
    (chunk,) = opened.read(opened.units(0)[0], ["c", "a"], 10)
    assert list(chunk.values) == ["c", "a"]
    assert chunk.values["c"].to_pylist() == [3]


def test_numbers_as_floats_and_infinities(tmp_path: Path) -> None:
    found = rows(source(tmp_path, "a\n1\n-1.5e3\ninf\n-inf\n-Infinity\nInf\n"))["a"]
    assert found == [1.0, -1500.0, math.inf, -math.inf, -math.inf, math.inf]
    assert all(math.isnan(x) for x in rows(source(tmp_path, "a\nnan\nNaN\n"))["a"])


def test_an_empty_field_is_null_and_na_is_text(tmp_path: Path) -> None:
    text = "a,b\nNA,1\nNone,2\nnull,\n,4\n"
    assert rows(source(tmp_path, text)) == {"a": ["NA", "None", "null", None], "b": [1, 2, None, 4]}
    assert rows(source(tmp_path, "a\nNA\n3\n", null_values=("NA",))) == {"a": [None, 3]}


def test_a_column_may_change_its_type_between_ranges(tmp_path: Path) -> None:
    text = "a,b\n" + "1,1\n" * 20 + "1.5,1\n" * 20 + ",1\n" * 20
    opened = source(tmp_path, text, 40)
    assert rows(opened)["a"] == [1] * 20 + [1.5] * 20 + [None] * 20
    assert types(opened, "a") == {"double"}
    assert types(opened, "b") == {"int64"}
    assert kinds(opened) == ["float", "integer"]


def test_a_column_that_begins_with_numbers_may_go_on_with_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lossctl.readers.csv.HEAD_BYTES", 40)
    opened = source(tmp_path, "a,b\n" + "1.5,1.5\n" * 20 + "cat,2\n" * 20 + "dog,0x1F\n" * 20, 40)
    assert kinds(opened) == ["float", "float"]
    assert rows(opened) == {"a": [1.5] * 20 + ["cat"] * 20 + ["dog"] * 20, "b": [1.5] * 20 + [2] * 20 + [31] * 20}


def test_a_wrong_line_is_told_where_numbers_are_expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossctl.readers.csv.HEAD_BYTES", 40)
    opened = source(tmp_path, "a,b\n" + "1.5,1.5\n" * 20 + "1.5\n", 40)
    with pytest.raises(DataError, match="line 22: expected 2 fields, found 1"):
        rows(opened)


def test_ranges_grow_with_the_columns(tmp_path: Path) -> None:
    assert range_bytes(1000) == range_bytes(2) == 1 << 21
    assert range_bytes(10_000) == 20_480_000
    assert range_bytes(10**6) == 1 << 25
    line = ",".join(["0.5"] * 2000) + "\n"
    opened = source(tmp_path, ",".join(f"c{i}" for i in range(2000)) + "\n" + line * 1000, None)
    assert len(opened.units(0)) == 2
    assert {kind for name in ("c0", "c1999") for kind in types(opened, name)} == {"double"}


def test_integers_beyond_int64_are_floats(tmp_path: Path) -> None:
    assert rows(source(tmp_path, "a\n1\n9223372036854775808\n1" + "0" * 23 + "\n"))["a"] == [1.0, 2.0**63, 1e23]


def test_dates_and_times_stay_text(tmp_path: Path) -> None:
    opened = source(tmp_path, "a,b,c\n2020-01-01,12:00:00,2020-01-01 00:00:00\n")
    assert rows(opened) == {"a": ["2020-01-01"], "b": ["12:00:00"], "c": ["2020-01-01 00:00:00"]}
    assert kinds(opened) == ["string"] * 3


def test_text_columns_stay_text(tmp_path: Path) -> None:
    opened = source(tmp_path, "a,b\n007,1\n,2\n")
    assert rows(opened)["a"] == [7, None]
    as_text = opened.with_text(frozenset({"a"}))
    assert rows(as_text) == {"a": ["007", None], "b": [1, 2]}
    assert rows(as_text.with_text(frozenset({"b"}))) == {"a": ["007", None], "b": ["1", "2"]}
    assert rows(opened)["a"] == [7, None]


@pytest.mark.parametrize("text", ["a,b\n", "a,b", "a,b\r\n", "\ufeffa,b\n"])
def test_a_header_alone_has_columns_and_no_rows(tmp_path: Path, text: str) -> None:
    opened = source(tmp_path, text)
    assert [column.name for column in opened.columns()] == ["a", "b"]
    assert rows(opened) == {"a": [], "b": []}


def test_without_a_header_columns_are_numbered(tmp_path: Path) -> None:
    assert rows(source(tmp_path, "1,x\n2,y\n", header=False)) == {"c0": [1, 2], "c1": ["x", "y"]}


@pytest.mark.parametrize("size", SIZES)
def test_an_empty_line_of_one_column_is_a_null(tmp_path: Path, size: int) -> None:
    assert rows(source(tmp_path, "a\n1\n\n3\n", size)) == {"a": [1, None, 3]}


def test_a_file_is_small_picklable_and_rereadable(tmp_path: Path) -> None:
    opened = source(tmp_path, "a\n1\n")
    assert pickle.loads(pickle.dumps(opened)) == opened
    assert opened.rereadable
    assert opened.rows is None
    assert rows(opened) == rows(opened)


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("a,b\n1,2\n3\n4,5\n", 3, 1),
        ("a,b\n1,2\n\n3,4,5\n", 4, 3),
        ("a,b\n" + '"x\ny",2\n' * 20 + "3\n", 42, 1),
        ("a,b\n" + "1,2\n" * 50 + "3\n" + "4,5\n" * 10, 52, 1),
        ('"a\n1",b\n1,2\n3\n', 4, 1),
        ("a,b\n1,2\nsecret\udcff\n", 3, 1),
    ],
)
@pytest.mark.parametrize("size", SIZES)
def test_a_ragged_row_is_named_by_line_without_its_text(
    tmp_path: Path, text: str, line: int, found: int, size: int, capfd: pytest.CaptureFixture[str]
) -> None:
    opened = source(tmp_path, text.encode("utf-8", "surrogateescape"), size)
    with pytest.raises(DataError, match=rf"t\.csv line {line}: expected 2 fields, found {found}$") as caught:
        rows(opened)
    assert caught.value.__cause__ is None
    assert "secret" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_ragged_row_behind_the_first_megabyte(tmp_path: Path) -> None:
    opened = source(tmp_path, "a,b\n" + "1,2\n" * 300_000 + "3\n", 1 << 16)
    with pytest.raises(DataError, match="line 300002: expected 2 fields, found 1"):
        rows(opened)


def test_text_that_is_not_utf_8_is_named_by_line_and_column(tmp_path: Path) -> None:
    text = b"a,b\n" + b"1,x\n" * 100 + b"2,secret\xff\n" + b"1,x\n" * 100
    for size in SIZES:
        with pytest.raises(
            DataError, match=r"line 102: column 'b' is not readable as UTF-8; .*--encoding cp1252"
        ) as caught:
            rows(source(tmp_path, text, size))
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,a\n1,2,3\n", "the header names column 'a' twice; --no-header"),
        (b"a,\xff\n1,2\n", "line 1: not readable as UTF-8; .*--encoding cp1252"),
        (b"sep=,\na,\xff\n1,2\n", "line 2: not readable as UTF-8"),
        (b"a,b\n1,\0\n", r"t\.csv line 2: expected CSV, found a NUL byte; .*--encoding utf-16-le"),
        ("\na,b\n1,2\n", "the first line is empty"),
        ("a,b\r1,2\r3,4\r", r"its lines end in CR alone, expected LF or CRLF; tr '\\r' '\\n'"),
        ("a,b\rc\n1,2\n", r"line 1: expected fields and a line end \(LF or CRLF\)"),
    ],
)
def test_refusals_of_a_beginning(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        source(tmp_path, text).columns()


@pytest.mark.parametrize("size", SIZES)
def test_a_quote_left_open_never_swallows_rows(tmp_path: Path, size: int) -> None:
    opened = source(tmp_path, 'a,b\n1,2\n1,"x\n3,4\n5,6\n', size)
    with pytest.raises(DataError, match="quoted field that is never closed"):
        opened.units(0)


def test_an_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_ranges, "LONGEST_LINE", 100)
    for text in ("a\n1\n" + "x" * 1000 + "\n1\n", 'a\n1\n"' + "x\n" * 500 + '"\n1\n'):
        with pytest.raises(DataError, match="a line is longer than 64 MiB"):
            source(tmp_path, text, 50).units(0)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    opened = source(tmp_path, "a\n1\n")
    unit = opened.units(0)[0]
    Path(opened.path).unlink()
    with pytest.raises(DataError, match=re.escape(f"{opened.path}: no such file or directory")):
        list(opened.read(unit, ["a"], 10))


class Trickle(io.BytesIO):
    """A stream that gives less than asked, as pipes do once the first block is read."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size if size == 1 << 20 else 70_001)


@pytest.mark.parametrize("stream", [io.BytesIO, Trickle])
def test_stdin_reads_as_a_file_does(tmp_path: Path, stream: type[io.BytesIO]) -> None:
    text = '\ufeffa,b\n"x\ny",1\n' + "z,2.5\n" * 200_000
    streamed = from_stdin(stream(text.encode()))
    assert not streamed.rereadable
    assert streamed.path == "-"
    assert rows(streamed, 5000) == rows(source(tmp_path, text))


def test_stdin_is_read_once(tmp_path: Path) -> None:
    streamed = from_stdin(io.BytesIO(b"a\n1\n"))
    assert rows(streamed) == {"a": [1]}
    with pytest.raises(DataError, match="stdin was read already"):
        rows(streamed)


def test_stdin_keeps_text(tmp_path: Path) -> None:
    assert rows(from_stdin(io.BytesIO(b"a\n007\n")).with_text(frozenset({"a"}))) == {"a": ["007"]}


def test_stdin_refusals() -> None:
    with pytest.raises(DataError, match="stdin is empty"):
        from_stdin(io.BytesIO(b"")).columns()
    far = b"a,b\n" + b"1,2\n" * 800_000 + b"3\n"
    with pytest.raises(DataError, match="stdin line 800002: expected 2 fields, found 1"):
        rows(from_stdin(io.BytesIO(far)))
    with pytest.raises(DataError, match="stdin: the last record opens a quoted field"):
        rows(from_stdin(io.BytesIO(b'a,b\n1,"2\n3,4\n')))


FIELD = st.text(st.sampled_from('ab",\n\r ;\té5'), max_size=6).filter(lambda text: text.strip() != "")
TABLE = st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=12)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(table=TABLE, size=st.integers(1, 60), end=st.sampled_from(["\n", "\r\n"]), everything=st.booleans())
def test_any_range_size_gives_what_the_csv_module_wrote(
    tmp_path: Path, table: list[tuple[str, str]], size: int, end: str, everything: bool
) -> None:
    written = io.StringIO(newline="")
    # the csv module leaves a lone carriage return unquoted, where only it can tell it from a line end
    everything |= any("\r" in field for row in table for field in row)
    writer = csv.writer(written, lineterminator=end, quoting=csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL)
    writer.writerows([("h1", "h2"), *table])
    opened = source(tmp_path, written.getvalue(), size).with_text(frozenset({"h1", "h2"}))
    found = rows(opened)
    assert list(zip(found["h1"], found["h2"], strict=True)) == table
    assert rows(replace(opened, range_bytes=1 << 20)) == found


RAW = st.lists(st.sampled_from(['"', "a", ",", "\n", '""', "5", '",', ',"', "a,b\n"]), max_size=40).map("".join)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(body=RAW, size=st.integers(1, 30))
def test_odd_quotes_give_the_same_at_any_range_size(tmp_path: Path, body: str, size: int) -> None:
    opened = source(tmp_path, "h1,h2\n" + body, size).with_text(frozenset({"h1", "h2"}))
    assert outcome(opened) == outcome(replace(opened, range_bytes=1 << 20))


def outcome(opened: CsvSource) -> dict[str, list[Any]] | str:
    try:
        return rows(opened)
    except DataError as error:
        return str(error)


def streamed(text: str | bytes, **dialect: Any) -> CsvStream:
    return from_stdin(io.BytesIO(text if isinstance(text, bytes) else text.encode()), **dialect)


def from_stdin(stream: io.BytesIO, **dialect: Any) -> CsvStream:
    return CsvStream("-", Dialect(**dialect), lambda: stream, False)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_one_column_keeps_its_empty_values(tmp_path: Path, size: int, end: str, last: bool) -> None:
    text = end.join(["a", "1", "", "", "4", '""', "6"]) + (end if last else "")
    assert rows(source(tmp_path, text, size)) == {"a": [1, None, None, 4, None, 6]}
    assert rows(streamed(text)) == {"a": [1, None, None, 4, None, 6]}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_one_column_may_begin_and_end_with_empty_values(tmp_path: Path, size: int, end: str) -> None:
    text = end.join(["a", "", "2", "", "", ""])
    assert rows(source(tmp_path, text, size)) == {"a": [None, 2, None, None]}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mark", [",", "\t", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_quoted_delimiters_and_line_ends_cross_ranges_for_every_delimiter(
    tmp_path: Path, size: int, mark: str, end: str
) -> None:
    text = end.join([f"a{mark}b"] + [f'"x{mark}{end}{mark}"{mark}{i}' for i in range(20)])
    assert rows(source(tmp_path, text, size)) == {"a": [f"x{mark}{end}{mark}"] * 20, "b": list(range(20))}


@pytest.mark.parametrize("size", SIZES)
def test_lines_of_blanks_between_ranges_are_no_rows(tmp_path: Path, size: int) -> None:
    for end in ("\n", "\r\n"):
        text = f"a,b{end}" + end * 30 + f"1,2{end}" + end * 30 + f"3,4{end}" + end * 30
        assert rows(source(tmp_path, text, size)) == {"a": [1, 3], "b": [2, 4]}


@pytest.mark.parametrize("size", SIZES)
def test_ragged_rows_behind_empty_values_of_one_column_have_their_line(tmp_path: Path, size: int) -> None:
    text = "a\n1\n\n\n1,2\n" + "5\n" * 20
    with pytest.raises(DataError, match=r"line 5: expected 1 fields?, found 2$"):
        rows(source(tmp_path, text, size))


@pytest.mark.parametrize("size", SIZES)
def test_a_ragged_row_behind_quotes_blanks_and_carriage_returns_has_its_line(tmp_path: Path, size: int) -> None:
    text = 'a,b\r\n"x\r\ny",1\r\n\r\n"p ""q"",",2\r\n1,2,3\r\n' + "1,2\r\n" * 20
    with pytest.raises(DataError, match=r"line 6: expected 2 fields, found 3$"):
        rows(source(tmp_path, text, size))


@pytest.mark.parametrize("size", SIZES)
def test_nan_and_infinity_among_integers_make_floats(tmp_path: Path, size: int) -> None:
    texts = ["1", "nan", "inf", "-Infinity", "-inf", "NaN", "Infinity", "2"]
    opened = source(tmp_path, "a,b\n" + "".join(f"{text},x\n" for text in texts), size)
    found = rows(opened)["a"]
    assert [repr(float(x)) for x in found] == [repr(float(text)) for text in texts]
    assert kinds(opened) == ["float", "string"]
    assert types(opened, "a") <= {"int64", "double"}


def test_a_column_may_turn_into_text_in_a_later_range(tmp_path: Path) -> None:
    parts = ["1,1\n" * 20, "1.5,1\n" * 20, ",1\n" * 30, "cat,1\n" * 20, "2020-01-01,1\n" * 10]
    opened = source(tmp_path, "a,b\n" + "".join(parts), 40)
    found = rows(opened)
    assert [str(x) for x in found["a"][::10]] == ["1"] * 2 + ["1.5"] * 2 + ["None"] * 3 + ["cat"] * 2 + ["2020-01-01"]
    assert found["b"] == [1] * 100
    assert types(opened, "a") == {"int64", "double", "null", "string"}
    assert kinds(opened) == ["string", "integer"]


@pytest.mark.parametrize("size", SIZES)
def test_null_values_hold_in_every_range_and_empty_is_always_one(tmp_path: Path, size: int) -> None:
    text = "a,b\n" + "1,NA\n-,x\n,NA\nNA,\n" * 5
    found = rows(source(tmp_path, text, size, null_values=("-", "NA")))
    assert found == {"a": [1, None, None, None] * 5, "b": [None, "x", None, None] * 5}
    assert rows(streamed(text, null_values=("-", "NA"))) == found


def test_integers_at_the_ends_of_int64_are_exact(tmp_path: Path) -> None:
    ends = [-(2**63), 2**63 - 1]
    opened = source(tmp_path, f"a\n{ends[0]}\n{ends[1]}\n")
    assert rows(opened) == {"a": ends}
    assert types(opened, "a") == {"int64"}


@pytest.mark.parametrize("size", SIZES)
def test_text_columns_keep_their_digits_in_every_range(tmp_path: Path, size: int) -> None:
    tokens = ["007", "1.50", "true", "2020-01-01", "1e3", " 5", "nan", "9" * 30, "", "x"]
    text = "a,b\n" + "".join(f"{token},1\n" for token in tokens)
    expected = [token or None for token in tokens]
    assert rows(source(tmp_path, text, size).with_text(frozenset({"a"})))["a"] == expected
    assert rows(streamed(text).with_text(frozenset({"a"})))["a"] == expected


@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_without_a_header_a_mark_and_quotes_are_read_too(tmp_path: Path, mark: str) -> None:
    text = f'\ufeff"1"{mark}x\r\n2{mark}y'
    for size in SIZES:
        opened = source(tmp_path, text, size, header=False)
        assert rows(opened) == {"c0": [1, 2], "c1": ["x", "y"]}
    assert rows(streamed(text, header=False)) == {"c0": [1, 2], "c1": ["x", "y"]}


def test_a_repeated_header_can_be_read_by_number(tmp_path: Path) -> None:
    assert rows(source(tmp_path, "a,a\n1,2\n", header=False)) == {"c0": ["a", "1"], "c1": ["a", "2"]}
    with pytest.raises(DataError, match="stdin: the header names column 'a' twice"):
        streamed("a,a\n1,2\n").columns()


def test_a_header_over_several_lines_is_one(tmp_path: Path) -> None:
    for size in SIZES:
        assert rows(source(tmp_path, '"a\nb","c,d"\n1,2\n', size)) == {"a\nb": [1], "c,d": [2]}


def test_a_header_longer_than_the_head_is_whole_or_refused_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers_csv, "HEAD_BYTES", 64)
    names = [f"p_{i}" for i in range(30)]
    text = ",".join(names) + "\n" + ",".join(["1"] * 30) + "\n"
    for opened in (source(tmp_path, text), streamed(text)):
        found = header_or_refusal(opened)
        assert found == names or re.search("header|first line", str(found))


def header_or_refusal(opened: CsvSource | CsvStream) -> list[str] | str:
    try:
        return [column.name for column in opened.columns()]
    except DataError as error:
        return str(error)


def test_a_header_of_thousands_of_names_is_read(tmp_path: Path) -> None:
    names = [f"p_{i}" for i in range(20_000)]
    opened = source(tmp_path, ",".join(names) + "\n")
    assert len(opened.columns()) == len(names)


@pytest.mark.parametrize("size", SIZES)
def test_bytes_that_are_not_utf_8_are_refused_at_any_range_size(tmp_path: Path, size: int) -> None:
    opened = source(tmp_path, b"a,b\n" + b"1,x\n" * 50 + b"2,\xff\n", size)
    with pytest.raises(DataError, match="line 52: column 'b' is not readable as UTF-8"):
        opened.columns()


def test_bytes_that_are_not_utf_8_behind_the_first_megabyte_are_refused(tmp_path: Path) -> None:
    text = b"a,b\n" + b"1,x\n" * 300_000 + b"2,\xff\n"
    with pytest.raises(DataError, match=r"t\.csv line 300002: column 'b' is not readable as UTF-8"):
        rows(source(tmp_path, text, 1 << 16))
    with pytest.raises(DataError, match="stdin line 300002: column 'b' is not readable as UTF-8"):
        rows(streamed(text))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), width=st.integers(1, 3), size=st.integers(1, 80), mark=st.sampled_from(",\t;"))
def test_any_table_is_the_csv_module_s_at_any_range_size_and_on_stdin(
    tmp_path: Path, data: st.DataObject, width: int, size: int, mark: str
) -> None:
    field = st.text(st.sampled_from('ab",\n\t ;é5.'), max_size=5)
    table = data.draw(st.lists(st.lists(field, min_size=width, max_size=width), max_size=10))
    end, bom, closed = data.draw(st.tuples(st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans()))
    names = [f"h{i}" for i in range(width)]
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=mark, lineterminator=end).writerows([names, *table])
    text = ("\ufeff" if bom else "") + (written.getvalue() if closed else written.getvalue().removesuffix(end))
    read = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=mark))[1:]
    expected = {name: [row[i] or None for row in read] for i, name in enumerate(names)}
    opened = source(tmp_path, text, size, delimiter=mark).with_text(frozenset(names))
    assert rows(opened) == expected
    assert rows(streamed(text, delimiter=mark).with_text(frozenset(names))) == expected


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    body=st.lists(
        st.sampled_from(["1,2", "-3,x", ",", "1.5,nan", '"a\nb",7', "", "NA,true", "1", "1,2,3"]), max_size=15
    ),
    end=st.sampled_from(["\n", "\r\n"]),
    size=st.integers(1, 40),
    head=st.integers(8, 40),
)
def test_stdin_in_pieces_says_what_a_file_in_ranges_says(
    tmp_path: Path, body: list[str], end: str, size: int, head: int
) -> None:
    text = end.join(["h1,h2", *body, ""])
    opened = source(tmp_path, text, size).with_text(frozenset({"h1", "h2"}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lossctl.readers.csv.RANGE_BYTES", size)
        patch.setattr(readers_csv, "HEAD_BYTES", head)
        stream: CsvStream = streamed(text).with_text(frozenset({"h1", "h2"}))
        try:
            found: dict[str, list[Any]] | str = rows(stream)
        except DataError as error:
            found = str(error).replace("stdin", opened.path)
    assert found == outcome(opened)
