"""CSV as other programs write it: the same table in any encoding, delimiter and decimal mark."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lossctl.errors import DataError, UsageError
from lossctl.readers import decoded
from lossctl.readers.block import lay_chunk
from lossctl.readers.csv import CsvSource
from lossctl.readers.csv_stream import CsvStream
from lossctl.readers.decoded import Decoded
from lossctl.readers.places import ReadSettings, open_source
from lossctl.readers.source import Chunk

SIZES = (1, 7, 64, 1 << 20)


def opened(folder: Path, text: str | bytes, size: int = 1 << 20, **said: Any) -> CsvSource | CsvStream:
    path = folder / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    source = open_source(str(path), ReadSettings(**said))
    assert isinstance(source, CsvSource | CsvStream)
    return replace(source, range_bytes=size) if isinstance(source, CsvSource) else source


def names(source: CsvSource | CsvStream) -> list[str]:
    return [column.name for column in source.columns()]


def chunks(source: CsvSource | CsvStream) -> Iterator[Chunk]:
    return (chunk for unit in source.units(0) for chunk in source.read(unit, names(source), 1000))


def rows(source: CsvSource | CsvStream) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {name: [] for name in names(source)}
    for chunk in chunks(source):
        for name, values in chunk.values.items():
            found[name] += values.to_pylist()
    return found


def numbers(source: CsvSource | CsvStream, name: str) -> list[float | None]:
    """A column as the kernels get it, with None where a text is no number."""
    found: list[float | None] = []
    for chunk in chunks(source):
        columns = lay_chunk(chunk, [name])
        bad = columns.faults.get("unreadable", [False] * chunk.rows)
        found += [None if no else float(x) for x, no in zip(columns.owners[0], bad, strict=True)]
    return found


TABLE = "a,b\n1,x\n2,é\n"
MARKED = {"a": [1, 2], "b": ["x", "é"]}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_marked_text_is_read_without_a_word(tmp_path: Path, encoding: str, pack: Any) -> None:
    for mark in (",", "\t", ";", "|"):
        assert rows(opened(tmp_path, pack(TABLE.replace(",", mark).encode(encoding)))) == MARKED


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_either_byte_order_with_a_mark_or_with_a_name(tmp_path: Path, encoding: str) -> None:
    assert rows(opened(tmp_path, ("\ufeff" + TABLE).encode(encoding))) == MARKED
    for text in (TABLE, "\ufeff" + TABLE):
        assert rows(opened(tmp_path, text.encode(encoding), encoding=encoding)) == MARKED


@pytest.mark.parametrize("name", ["cp1252", "latin-1", "ISO-8859-15", "windows-1250", "cp437", "shift_jis", "utf-7"])
def test_an_encoding_may_be_named(tmp_path: Path, name: str) -> None:
    text = TABLE.replace("é", "ж" if name == "shift_jis" else "é").encode(name)
    found = rows(opened(tmp_path, text, encoding=name))
    assert found == {"a": [1, 2], "b": ["x", text.decode(name).split(",")[-1].strip()]}


def test_utf_8_by_name_is_read_where_it_lies_and_a_mark_wins_over_a_name(tmp_path: Path) -> None:
    for name in ("utf-8", "UTF8", "utf-8-sig"):
        assert isinstance(opened(tmp_path, TABLE, encoding=name), CsvSource)
    assert isinstance(opened(tmp_path, "\ufeff" + TABLE, encoding="cp1252"), CsvSource)
    assert rows(opened(tmp_path, TABLE.encode("utf-16"), encoding="cp1252")) == MARKED


@pytest.mark.parametrize("name", ["utf8x", "base64", "rot13", "idna", "unicode_escape", "", "a\0b", "\udcff", 5])
def test_what_is_no_encoding_of_files_is_refused(tmp_path: Path, name: Any) -> None:
    with pytest.raises(UsageError, match=r"^--encoding .* is none that is known.*; such are cp1252, latin-1, utf-16,"):
        opened(tmp_path, TABLE, encoding=name)
    with pytest.raises(UsageError, match="did you mean cp1252"):
        opened(tmp_path, TABLE, encoding="cp1525")


@pytest.mark.parametrize(
    ("text", "said", "message"),
    [
        ("a\n1\n".encode("utf-16") + b"\x00\xd8a\0", {}, r"t\.csv line 3: not readable as utf-16; --encoding"),
        (b"\xfe\xff" + "a\n1\n".encode("utf-16-be") + b"\xd8\x00\0a", {}, r"t\.csv line 3: not readable as utf-16;"),
        ("a\n1\n".encode("utf-16") + b"2", {}, "line 3: not readable as utf-16;"),
        (b"a\n1\n\x81\n", {"encoding": "cp1252"}, "line 3: not readable as cp1252;"),
        (b"a\n1\n\xe9\n", {"encoding": "ascii"}, "line 3: not readable as ascii;"),
        (b"a\n1\n", {"encoding": "utf-16"}, r"byte-order mark; say --encoding utf-16-le or utf-16-be$"),
        (b"a\n1\n+2AA-\n", {"encoding": "utf-7"}, "is not readable as utf-7$"),
        (b"PAR1" + b"x" * 50, {"encoding": "utf-16", "format": "csv"}, "holds parquet, not csv as --input-format says"),
        ("a\n".encode("utf-16-le"), {}, "line 1: expected CSV, found a NUL byte; .*--encoding utf-16-le"),
        (b"\xff\xfe", {}, "t.csv is empty, expected CSV"),
    ],
)
def test_a_broken_sequence_is_refused_with_its_line(
    tmp_path: Path, text: bytes, said: dict[str, Any], message: str
) -> None:
    with pytest.raises((DataError, UsageError), match=message):
        rows(opened(tmp_path, text, **said))


def test_a_broken_sequence_far_behind_has_its_line(tmp_path: Path) -> None:
    text = ("a\tb\r\n" + "1\tx\r\n" * 400_000).encode("utf-16") + b"\x00\xd8"
    with pytest.raises(DataError, match="line 400002: not readable as utf-16;"):
        rows(opened(tmp_path, text))
    with pytest.raises(DataError, match=r"line 400002: expected 2 fields, found 1$"):
        rows(opened(tmp_path, text[:-2] + "3\r\n".encode("utf-16-le")))


@given(text=st.text(max_size=300), sizes=st.lists(st.integers(1, 50), min_size=1), step=st.integers(1, 40))
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-be", "gb18030"])
def test_decoded_text_is_the_text_however_it_is_asked_for(
    encoding: str, text: str, sizes: list[int], step: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoded, "STEP", step)
        stream = Decoded(io.BytesIO(text.encode(encoding)), encoding, "t")
        expected, found = text.encode(), []
        while len(b"".join(found)) < len(expected):
            size = sizes[len(found) % len(sizes)]
            found.append(stream.read(size))
            assert len(found[-1]) == min(size, len(expected) - len(b"".join(found[:-1])))
        assert b"".join(found) == expected
        assert stream.read(1) == b""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_a_decimal_comma_is_told_by_the_first_lines(tmp_path: Path, mark: str, size: int) -> None:
    text = "n;p;note\n1;0,25;a,b\n2;-1,5e-3;\n3;,5;c\n4;2;1.2.3\n".replace(";", mark)
    source = opened(tmp_path, text, size)
    assert source.decimal_comma
    assert rows(source)["p"] == [0.25, -1.5e-3, 0.5, 2.0]
    assert rows(source)["n"] == [1, 2, 3, 4]
    assert rows(source)["note"] == ["a,b", None, "c", "1.2.3"]


@pytest.mark.parametrize(
    "text",
    [
        'p,q\n"0,25",1\n',  # where commas part the fields it is never assumed
        "p;q\n0,25;1.5\n",  # both marks in one file
        "p;q\n0,25;1.5\n0,5;x\n",  # a point among texts
        "p;q\n0.5;1\n0,5;1\n",  # both in one column
        "p;q\n1,234;1\n-12,345;2\n",  # may be thousands
        "p;q\n1.234,5;1\n",  # thousands and a comma
        "p;q\n1,2,3;1\n",  # a list
        "p;q\nx,y;1\n",
        "p;q\n0.25;1\n",
        "p;q\n",
    ],
)
def test_a_decimal_comma_is_not_assumed(tmp_path: Path, text: str) -> None:
    source = opened(tmp_path, text)
    assert not source.decimal_comma
    assert all(not chunk.commas for chunk in chunks(source))


def test_thousands_beside_a_sure_decimal_comma(tmp_path: Path) -> None:
    assert rows(opened(tmp_path, "p;q\n1,234;0,5\n"))["p"] == [1.234]
    assert rows(opened(tmp_path, "p\tq\n0,234\t1\n"))["p"] == [0.234]


@pytest.mark.parametrize("size", SIZES)
def test_a_column_that_turns_to_text_keeps_its_decimal_mark(tmp_path: Path, size: int) -> None:
    fields = ("0,25", "1.5", "1.234,5", "-1,5e3", "1,2,3", "cat", "1e2", "007", "5,", "inf", "5.", "0x1.8", "0x10")
    text = "p;q\n" + "".join(f"{field};1\n" for field in fields)
    expected = [0.25, None, None, -1500.0, None, None, 100.0, 7.0, 5.0, math.inf, None, None, 16.0]
    assert numbers(opened(tmp_path, text, size, decimal=","), "p") == expected
    by_point = [None, 1.5, None, None, None, None, 100.0, 7.0, None, math.inf, 5.0, None, 16.0]
    assert numbers(opened(tmp_path, text, size, decimal="."), "p") == by_point


def test_the_decision_of_the_first_megabyte_holds_for_all(tmp_path: Path) -> None:
    text = "p;q\n" + "0,25;1\n" * 200_000 + "1.5;1\n0,5;1\n"
    source = opened(tmp_path, text, 1 << 16)
    assert numbers(source, "p") == [0.25] * 200_000 + [None, 0.5]


def test_a_decimal_mark_that_is_said_is_not_told(tmp_path: Path) -> None:
    source = opened(tmp_path, 'p,q\n"0,25",1\n', decimal=",")
    assert rows(source) == {"p": [0.25], "q": [1]}
    assert not source.decimal_comma
    assert not opened(tmp_path, "p;q\n0,25;1\n", decimal=".").decimal_comma
    with pytest.raises(UsageError, match=r"--decimal takes \. or , got ';'"):
        opened(tmp_path, TABLE, decimal=";")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("first", ["sep=;\n", "sep=;\r\n", '"sep=;"\r\n', "SEP=;\n"])
def test_excels_first_line_names_the_delimiter(tmp_path: Path, first: str, size: int) -> None:
    for start in ("", "\ufeff"):
        source = opened(tmp_path, start + first + "a,x;b\n1;2\n3;4\n", size)
        assert rows(source) == {"a,x": [1, 3], "b": [2, 4]}
    assert rows(opened(tmp_path, first + "1;2\n", header=False)) == {"c0": [1], "c1": [2]}
    assert rows(opened(tmp_path, first + "a,b\n1,2\n", delimiter=",")) == {"a": [1], "b": [2]}
    with pytest.raises(DataError, match=r"line 4: expected 2 fields, found 1$"):
        rows(opened(tmp_path, first + "a;b\n1;2\n3\n", size))
    with pytest.raises(DataError, match=r"line 4: expected 2 fields, found 1$"):
        rows(opened(tmp_path, (first + "a;b\n1;2\n3\n").encode("utf-16"), size))


def test_a_column_may_be_called_like_that_line(tmp_path: Path) -> None:
    assert names(opened(tmp_path, "sep=;x\n1;2\n")) == ["sep=", "x"]
    with pytest.raises(DataError, match="the first line is empty"):
        opened(tmp_path, "sep=;\n").columns()


@pytest.mark.parametrize(
    ("text", "header", "expected"),
    [
        ("a|b\n1|2\n", True, ["a", "b"]),
        ("a|b\n", True, ["a", "b"]),
        ("p(y|x)\n0.5\n", True, ["p(y|x)"]),
        ("p(y|x),z\n0.5,1\n", True, ["p(y|x)", "z"]),
        ("a,x|b\n1|2\n", True, ["a,x", "b"]),
        ("Preis, EUR;p\n0,5;1\n1;2\n", True, ["Preis, EUR", "p"]),
        ("a;b,c\n1,2\n", True, ["a;b", "c"]),
        ("a;b,c\n", True, ["a;b", "c"]),
        ("0,5;1\n0,25;2\n", False, ["c0", "c1"]),
        ("0,5\t1,5\n", False, ["c0", "c1"]),
        ("0,5|1\n7|2\n", False, ["c0", "c1"]),
        ("0,5;1;x\n", False, ["c0", "c1", "c2"]),
        ("0.5,1;x,3\n", False, ["c0", "c1", "c2"]),
        ("a b\n1 2\n", True, ["a b"]),
    ],
)
def test_the_delimiter_is_the_one_that_all_lines_have(
    tmp_path: Path, text: str, header: bool, expected: list[str]
) -> None:
    source = opened(tmp_path, text, header=header)
    assert names(source) == expected
    rows(source)


def test_a_headerless_file_with_decimal_commas(tmp_path: Path) -> None:
    text = "0,5;1\n0,25;2\n"
    assert rows(opened(tmp_path, text, header=False)) == {"c0": [0.5, 0.25], "c1": [1, 2]}
    assert names(opened(tmp_path, text, header=False, decimal=".")) == ["c0", "c1"]
    assert rows(opened(tmp_path, text, header=False, decimal="."))["c1"] == ["5;1", "25;2"]


def test_a_lone_column_with_a_decimal_comma_that_is_said(tmp_path: Path) -> None:
    assert rows(opened(tmp_path, "p\n0,5\n1,25\n", decimal=",")) == {"p": [0.5, 1.25]}
    with pytest.raises(DataError, match="line 2: expected 1 fields, found 2"):
        opened(tmp_path, "p\n0,5\n").columns()


@pytest.mark.parametrize("size", SIZES)
def test_a_delimiter_behind_every_line_makes_a_column_called_by_its_number(tmp_path: Path, size: int) -> None:
    found = rows(opened(tmp_path, "a;b;\r\n1;2;\r\n3;4;\r\n\r\n", size))
    assert found == {"a": [1, 3], "b": [2, 4], "c2": [None, None]}
    assert names(opened(tmp_path, ",a,,\n0,1,,\n", size)) == ["c0", "a", "c2", "c3"]


FIELD = st.text(st.sampled_from("aéüß,;\t|\n\" 5.'"), max_size=6).filter(lambda text: text.strip() != "")
NUMBER = st.floats(allow_nan=False) | st.floats(-2, 2) | st.integers(0, 3000).map(lambda n: n / 1000)
DIALECT = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|"),
        "decimal": st.sampled_from(".,"),
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252", "latin-1"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        "end": st.sampled_from(["\n", "\r\n"]),
    }
)


def written(table: list[tuple[float, str]], dialect: dict[str, Any]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=dialect["delimiter"], quoting=dialect["quoting"], lineterminator=dialect["end"])
    writer.writerow(["x", "näme"])
    writer.writerows([(repr(number).replace(".", dialect["decimal"]), note) for number, note in table])
    return text.getvalue().encode(dialect["encoding"])


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    table=st.lists(st.tuples(NUMBER, FIELD), min_size=1, max_size=12),
    dialect=DIALECT,
    said=st.booleans(),
    size=st.integers(1, 60),
)
def test_any_table_in_any_dialect_is_read_or_refused_never_misread(
    tmp_path: Path, table: list[tuple[float, str]], dialect: dict[str, Any], said: bool, size: int
) -> None:
    words: dict[str, Any] = {"encoding": dialect["encoding"]}
    if said:
        words |= {"decimal": dialect["decimal"], "delimiter": dialect["delimiter"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lossctl.readers.csv.RANGE_BYTES", size)
        source = opened(tmp_path, written(table, dialect), size, **words).with_text(frozenset({"näme"}))
        found = numbers(source, "x")
        assert rows(source)["näme"] == [note for _, note in table]
    pairs = list(zip(found, [number for number, _ in table], strict=True))
    assert all(repr(x) == repr(y) for x, y in pairs if x is not None)
    assert all(x is not None for x, _ in pairs) or not (said or dialect["decimal"] == ".")
