"""JSON Lines: what CSV gives, whatever the cuts; a wrong line is told by its number and never by its content."""

from __future__ import annotations

import gzip
import io
import json
import math
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lossctl
from lossctl.errors import DataError
from lossctl.readers import csv_stream, jsonl
from lossctl.readers.jsonl import JsonlSource, JsonlStream
from lossctl.readers.places import ReadSettings, open_source

Opened = JsonlSource | JsonlStream


def saved(folder: Path, text: str | bytes, name: str = "t.jsonl") -> str:
    data = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(data)
    return str(folder / name)


def rows(source: Any, *names: str, most: int = 1000) -> list[list[Any]]:
    found: list[list[Any]] = [[] for _ in names]
    for unit in source.units(0):
        for chunk in source.read(unit, names, most):
            for values, name in zip(found, names, strict=True):
                values += chunk.values[name].to_pylist()
    return found


def streamed(text: str | bytes) -> JsonlStream:
    data = text if isinstance(text, bytes) else text.encode()
    return JsonlStream("-", lambda: io.BytesIO(data), False)


def test_keys_are_columns_with_their_types(tmp_path: Path) -> None:
    text = (
        '{"a": 1, "b": 0.5, "c": "x", "d": true, "e": [1, 2.5], "f": {"g": {"h": 1}, "i": [1]}, "k": null}\n'
        '\n  \n{"a": 2, "l": "2020-01-01", "f": {"g": {"j": "2020-01-01"}}}'
    )
    for source in (JsonlSource(saved(tmp_path, text)), JsonlSource(saved(tmp_path, b"\xef\xbb\xbf" + text.encode()))):
        infos = {info.name: (info.kind, info.width) for info in source.columns()}
        assert infos == {
            "a": ("integer", 1),
            "b": ("float", 1),
            "c": ("string", 1),
            "d": ("boolean", 1),
            "e": ("list", 2),
            "f.g.h": ("integer", 1),
            "f.g.j": ("string", 1),
            "f.i": ("list", 1),
            "k": ("float", 1),
            "l": ("string", 1),
        }
        found = dict(zip(infos, rows(source, *infos), strict=True))
        assert found == {
            "a": [1, 2],
            "b": [0.5, None],
            "c": ["x", None],
            "d": [True, None],
            "e": [[1.0, 2.5], None],
            "f.g.h": [1, None],
            "f.g.j": [None, "2020-01-01"],
            "f.i": [[1], None],
            "k": [None, None],
            "l": [None, "2020-01-01"],
        }
    assert pickle.loads(pickle.dumps(source)) == source


NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(2**63), 2**63 - 1) | st.none()


@given(st.lists(st.tuples(NUMBERS, st.text() | st.none()), min_size=1, max_size=40), st.integers(1, 200))
def test_every_number_and_text_comes_back_whatever_the_cuts(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[Any, Any]], step: int
) -> None:
    text = "".join(json.dumps({"x": x, "t": t}, ensure_ascii=i % 2 == 0) + "\n" for i, (x, t) in enumerate(table))
    path = saved(tmp_path_factory.mktemp("cut"), text.encode("utf-8", "surrogatepass"))
    source = JsonlSource(path, range_bytes=step)
    try:
        numbers, texts = rows(source, "x", "t", most=7)
    except DataError as error:
        assert "surrogate" in ascii(text) or "\\ud" in ascii(text) or "UTF-8" in str(error)  # noqa: PT017
        return
    assert texts == [t for _, t in table]
    for found, (x, _) in zip(numbers, table, strict=True):
        assert (found is None and x is None) or found == (float(x) if isinstance(found, float) else x) or math.isnan(x)


def many(bad: str, at: int = 900, count: int = 1000) -> str:
    lines = [f'{{"p": {i / 7}, "y": {i}}}' for i in range(count)]
    return "\n".join([*lines[:at], bad, *lines[at:]]) + "\n"


WRONG = {
    '{"p": 1.5, "y": 2': "not readable as JSON; expected one JSON object a line, as jq -c . writes them",
    '{"p": 1.5 "y": 2}': "not readable as JSON",
    "[1, 2]": "found JSON of type array; expected one JSON object a line",
    "secret": "not readable as JSON",
    '{"p": "secret", "y": 2}': "key 'p' is string, and number before",
    '{"p": {"q": 1}, "y": 2}': "key 'p' is object, and number before",
    '{"p": 1, "p": 2}': "key 'p' is there twice, expected distinct ones",
    '{"p": 1}{"p": 2}': "no JSON object of its own; expected one JSON object a line",
    '{"p": 1, "y": "\x00"}': "a NUL byte, expected text",
    '{"p": 1, "y": 1e999}': "not readable as JSON",
    '{"p": 1, "y": "\udcff"}': "not readable as UTF-8; convert the file, for example with iconv",
}


@pytest.mark.parametrize("bad", WRONG)
@pytest.mark.parametrize("step", [1 << 21, 300])
def test_a_wrong_line_is_told_by_its_number(tmp_path: Path, bad: str, step: int) -> None:
    data = many(bad).encode("utf-8", "surrogateescape")
    for source in (JsonlSource(saved(tmp_path, data), range_bytes=step), streamed(data)):
        with pytest.raises(DataError) as caught:
            rows(source, "p", "y")
        said = str(caught.value)
        assert "line 901: " in said
        assert WRONG[bad] in said
        assert "secret" not in said


def test_wrong_lines_behind_the_head_are_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (jsonl, csv_stream):
        monkeypatch.setattr(module, "HEAD_BYTES", 2000)
    monkeypatch.setattr("lossctl.readers.csv.RANGE_BYTES", 500)
    for bad, what in WRONG.items():
        data = many(bad).encode("utf-8", "surrogateescape")
        for source in (JsonlSource(saved(tmp_path, data), range_bytes=500), streamed(data)):
            with pytest.raises(DataError) as caught:
                rows(source, "p", "y")
            assert "line 901: " in str(caught.value)
            assert what in str(caught.value)


def test_a_key_of_another_kind_in_a_whole_unit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "HEAD_BYTES", 40)
    text = '{"p": 1.5}\n' * 5 + '{"p": "x"}\n' * 5
    with pytest.raises(DataError, match="line 6: from here on key 'p' is string, and number before"):
        rows(JsonlSource(saved(tmp_path, text), range_bytes=50), "p")


def test_later_units_may_lack_keys_have_more_and_need_wider_types(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jsonl, "HEAD_BYTES", 60)
    text = '{"p": 1, "q": null, "r": [1]}\n' * 2 + '{"z": 7}\n' * 4 + '{"p": 2.5, "q": 3, "r": [0.5]}\n' * 2
    source = JsonlSource(saved(tmp_path, text), range_bytes=40)
    assert [info.name for info in source.columns()] == ["p", "q", "r"]
    p, q, r = rows(source, "p", "q", "r")
    assert p == [1, 1, None, None, None, None, 2.5, 2.5]
    assert q == [None] * 6 + [3, 3]
    assert r == [[1], [1], None, None, None, None, [0.5], [0.5]]


DOCUMENTS = {
    '[{"p": 1}, {"p": 2}]': r"holds a JSON array, expected one object a line; convert it with jq -c '\.\[\]'",
    '[\n {"p": 1}\n]\n': "holds a JSON array",
    '{\n  "p": 1\n}\n': "the first JSON object does not end in its line; expected one JSON object a line",
    '{"p": 1,\n  "y": 2}\n{"p": 1, "y": 3}\n': "the first JSON object does not end in its line",
    "\n \n": "holds no JSON object",
    "{}\n{}\n": "objects without keys, expected columns",
    "\ufeff": "holds no JSON object",
    '{"p": ' + "[" * 200_000 + "]" * 200_000 + "}\n": "line 1: nested deeper than 64 levels",
    '{"a": 1}\n' + '{"a":' * 90_000 + "1" + "}" * 90_000: "line 2: nested deeper than 64 levels",
    '{"a": {"b": 1}, "a.b": 2}\n': "has more than one column 'a.b'",
}


@pytest.mark.parametrize("text", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_other_documents_are_refused_with_a_hint(tmp_path: Path, text: str) -> None:
    for name in ("t.json", "t.jsonl"):
        with pytest.raises(DataError, match=DOCUMENTS[text]):
            open_source(saved(tmp_path, text, name), ReadSettings()).columns()


def test_brackets_in_texts_are_no_levels(tmp_path: Path) -> None:
    text = json.dumps({"t": "[{" * 500 + '"\\', "x": 1.5}) + "\n"
    assert rows(JsonlSource(saved(tmp_path, text)), "x") == [[1.5]]


def test_a_first_line_without_an_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the first line does not end within 1,048,576 bytes"):
        JsonlSource(saved(tmp_path, '{"p": "' + "x" * (1 << 21))).columns()


def test_numbers_that_are_no_numbers(tmp_path: Path) -> None:
    source = JsonlSource(saved(tmp_path, '{"p": NaN}\n{"p": Infinity}\n{"p": -Infinity}\n{"p": -0.0}\n'))
    ((nan, most, least, zero),) = rows(source, "p")
    assert math.isnan(nan)
    assert (most, least, math.copysign(1.0, zero)) == (math.inf, -math.inf, -1.0)


def test_columns_that_stay_text_hold_what_a_csv_would(tmp_path: Path) -> None:
    written = ["7.50", "12", "1e3", "NaN", "null", "123456789012345678901"]
    for values in (written, ["7", "-12", "null"], ["true", "false"]):
        text = "".join(f'{{"a": {{"id": {value}}}, "p": 1.0}}\n' for value in values)
        expected = [[None if value == "null" else value for value in values]]
        for source in (JsonlSource(saved(tmp_path, text)), streamed(text)):
            assert rows(source.with_text(frozenset({"a.id"})), "a.id") == expected


def test_class_names_as_numbers_are_the_same_as_in_csv(tmp_path: Path) -> None:
    table = [("3", 0.9, 0.1), ("7", 0.25, 0.75)]
    saved(tmp_path, "y,p_3,p_7\n" + "".join(f"{y},{a},{b}\n" for y, a, b in table), "t.csv")
    saved(tmp_path, "".join(f'{{"y": {y}, "p_3": {a}, "p_7": {b}}}\n' for y, a, b in table))
    found = [
        lossctl.evaluate(tmp_path / name, loss="scce", classes=["3", "7"], reduction="none", ids=["y"]).row_table()
        for name in ("t.csv", "t.jsonl")
    ]
    assert found[0].equals(found[1])


def test_a_packed_stream_is_cut_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossctl.readers.csv.RANGE_BYTES", 500)
    text = many('{"p": 5, "y": -1}')
    source = open_source(saved(tmp_path, gzip.compress(text.encode()), "t.gz"), ReadSettings())
    assert isinstance(source, JsonlStream)
    first, second = rows(source, "p", "y"), rows(source, "p", "y")
    assert first == second == rows(JsonlSource(saved(tmp_path, text)), "p", "y")
    assert len(list(source.units(0))) > 20


def test_stdin_is_spent_once() -> None:
    source = streamed('{"p": 1}\n')
    assert rows(source, "p") == [[1]]
    with pytest.raises(DataError, match="stdin was read already and cannot be read again"):
        rows(source, "p")


def test_an_object_over_two_lines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 901: no JSON object of its own; expected one JSON object a line"):
        rows(JsonlSource(saved(tmp_path, many('{"p":\n 1}'))), "p")
