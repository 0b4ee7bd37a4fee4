"""Places: the format is told by content, then by suffix; what cannot be read is refused in a sentence."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lossctl.errors import DataError, UsageError
from lossctl.readers.csv import CsvSource
from lossctl.readers.csv_stream import CsvStream
from lossctl.readers.npy import ArraysSource, NpzSource
from lossctl.readers.parquet import ParquetSource
from lossctl.readers.places import ReadSettings, open_arrays, open_source
from lossctl.readers.source import Source


def opened(path: Path | str, **settings: Any) -> Source:
    return open_source(str(path), ReadSettings(**settings))


@pytest.fixture
def parquet(tmp_path: Path) -> bytes:
    pq.write_table(pa.table({"x": [1]}), tmp_path / "made.parquet")
    return (tmp_path / "made.parquet").read_bytes()


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t"])
def test_content_tells_the_format(tmp_path: Path, parquet: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(parquet)
    assert isinstance(opened(path), ParquetSource)
    np.save(tmp_path / "x.npy", np.arange(3))
    path.write_bytes((tmp_path / "x.npy").read_bytes())
    assert isinstance(opened(path), ArraysSource)
    np.savez(tmp_path / "x.npz", y=np.arange(3))
    path.write_bytes((tmp_path / "x.npz").read_bytes())
    assert isinstance(opened(path), NpzSource)


@pytest.mark.parametrize(
    ("name", "kind", "format"),
    [("t.csv", CsvSource, "csv"), ("t.TSV", CsvSource, "tsv"), ("t.txt", CsvSource, "csv"), ("t", CsvSource, "csv")],
)
def test_suffix_tells_it_for_text(tmp_path: Path, name: str, kind: type, format: str) -> None:
    (tmp_path / name).write_text("a,b\n1,2\n")
    source = opened(tmp_path / name)
    assert isinstance(source, kind)
    assert source.format == format
    assert source.rereadable


@pytest.mark.parametrize("name", ["t.parquet", "t.pq", "t.npy", "t.npz"])
def test_text_under_a_binary_suffix_is_refused_when_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="not a whole"):
        opened(tmp_path / name).columns()


def test_settings_reach_the_reader(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("1|NA\n2|x\n")
    source = opened(tmp_path / "t", delimiter="|", header=False, null_values=("NA",), format="csv")
    (chunk,) = source.read(source.units(0)[0], ["c0", "c1"], 9)
    assert {name: values.to_pylist() for name, values in chunk.values.items()} == {
        "c0": [1, 2],
        "c1": [None, "x"],
    }
    assert opened(tmp_path / "t", delimiter="\\t").format == "tsv"


def test_missing_directory_empty_and_odd_paths(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    for path, message in (
        (tmp_path / "none.csv", r"none\.csv: no such file or directory"),
        (tmp_path, "is a directory; name the files in it"),
        (tmp_path / "empty.csv", r"empty\.csv is empty"),
        ("a\0b", "embedded null"),
    ):
        with pytest.raises(DataError, match=message):
            opened(path)


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")

    def denied(*args: object, **more: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(DataError, match=r"t\.csv: permission denied"):
        opened(tmp_path / "t.csv")


def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    said: list[str] = []

    def work() -> None:
        try:
            opened(tmp_path / "pipe")
        except DataError as error:
            said.append(str(error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(5)
    assert said == [f"{tmp_path / 'pipe'} is no regular file; pipe it in and name it -"]


def test_a_column_named_like_bzip2_is_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("BZh9,b\n1,2\n")
    assert [column.name for column in opened(tmp_path / "t.csv").columns()] == ["BZh9", "b"]


def test_wrong_words(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    known = "csv, tsv, jsonl, parquet, arrow, orc, npy, npz, safetensors, xlsx"
    with pytest.raises(UsageError, match=f"--input-format must be one of {known}, got 'xls'"):
        opened(tmp_path / "t.csv", format="xls")
    for delimiter in (",,", '"', "\n", "é"):
        with pytest.raises(UsageError, match="--delimiter takes one character"):
            opened(tmp_path / "t.csv", delimiter=delimiter)


def test_arrays_are_opened_side_by_side(tmp_path: Path) -> None:
    paths = (str(tmp_path / "y.npy"), str(tmp_path / "p.npy"))
    np.save(paths[0], np.arange(2))
    with pytest.raises(DataError, match=r"p\.npy: no such file"):
        open_arrays(paths)
    np.save(paths[1], np.ones(2))
    assert [column.name for column in open_arrays(paths).columns()] == list(paths)


class Stdin:
    """Standard input that holds some bytes."""

    def __init__(self, data: bytes, terminal: bool = False) -> None:
        self.buffer, self.terminal = io.BytesIO(data), terminal

    def isatty(self) -> bool:
        return self.terminal


def test_stdin_is_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"a\tb\n1\t2\n"))
    source = opened("-")
    assert isinstance(source, CsvStream)
    assert (source.path, source.format, source.rereadable) == ("-", "tsv", False)
    ((chunk,),) = (source.read(unit, ["b"], 9) for unit in source.units(0))
    assert chunk.values["b"].to_pylist() == [2]


def test_stdin_must_hold_text(monkeypatch: pytest.MonkeyPatch, parquet: bytes) -> None:
    for data, message in (
        (parquet, "stdin holds parquet, which is not read as it comes; save it in a file and name that"),
        (b"\x93NUMPY\x01\0", "stdin holds npy, which is not read as it comes"),
        (b"\x1f\x8b\x08\0", "stdin: cannot be unpacked as gzip: truncated compressed stream"),
        (b"", "stdin is empty"),
    ):
        monkeypatch.setattr(sys, "stdin", Stdin(data))
        with pytest.raises(DataError, match=message):
            opened("-").columns()


def test_stdin_must_be_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"", terminal=True))
    with pytest.raises(UsageError, match="stdin is a terminal; name a file, or pipe one in"):
        opened("-")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="stdin is closed; name a file, or pipe one in"):
        opened("-")


def test_stdin_of_another_format(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"a\n1\n"))
    with pytest.raises(DataError, match="stdin holds parquet, which is not read as it comes"):
        opened("-", format="parquet")


def test_a_named_format_wins_over_content_and_suffix(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("a,b\n1,2\n")
    assert isinstance(opened(tmp_path / "t.parquet", format="csv"), CsvSource)
    assert opened(tmp_path / "t.parquet", format="tsv").format == "tsv"
    assert isinstance(opened(tmp_path / "t.parquet", format="npz"), NpzSource)


@pytest.mark.parametrize("text", ["a", "1", "a\n", "\ufeffa\n1\n"])
def test_the_shortest_texts_are_csv(tmp_path: Path, text: str) -> None:
    (tmp_path / "t").write_text(text, encoding="utf-8")
    assert [column.name for column in opened(tmp_path / "t").columns()] == [text.strip("\ufeff\n").split("\n")[0]]


def test_an_archive_without_members_is_told_by_content(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz")
    (tmp_path / "t.csv").write_bytes((tmp_path / "x.npz").read_bytes())
    assert isinstance(opened(tmp_path / "t.csv"), NpzSource)


@pytest.mark.parametrize("delimiter", ["\t", "\\t", "tab"])
def test_a_tab_may_be_spelled(tmp_path: Path, delimiter: str) -> None:
    (tmp_path / "t.csv").write_text("a,x\tb\n1\t2\n")
    source = opened(tmp_path / "t.csv", delimiter=delimiter)
    assert [column.name for column in source.columns()] == ["a,x", "b"]


def test_a_given_delimiter_wins_over_the_suffix(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("a;b\n1;2\n")
    assert [column.name for column in opened(tmp_path / "t.tsv", delimiter=";").columns()] == ["a", "b"]


def test_devices_and_broken_links_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="/dev/null is no regular file; pipe it in and name it -"):
        opened("/dev/null")
    (tmp_path / "link.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(DataError, match=r"link\.csv: no such file or directory"):
        opened(tmp_path / "link.csv")
    (tmp_path / "gone.csv").write_text("a\n1\n")
    assert isinstance(opened(tmp_path / "link.csv"), CsvSource)


def test_arrays_that_are_empty_or_packed_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"")
    (tmp_path / "b.npy").write_bytes(b"\x1f\x8b\x08" + b"x" * 20)
    for name, message in (
        ("a.npy", "is empty"),
        ("b.npy", "is packed with gzip; unpack it: arrays"),
    ):
        with pytest.raises(DataError, match=message):
            open_arrays((str(tmp_path / name),))
