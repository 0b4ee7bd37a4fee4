"""Packed CSV reads as the same text unpacked, from a file and from stdin, and a broken one is refused."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossctl.errors import DataError, UsageError
from lossctl.evaluation.executors import Executor, Serial, Threads
from lossctl.readers import csv_stream
from lossctl.readers.csv_stream import CsvStream
from lossctl.readers.packed import bare, packing
from lossctl.readers.places import ReadSettings, open_source
from lossctl.readers.source import Unit
from tests.conftest import program
from tests.written import by_arrow

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": by_arrow("zstd"),
    "lz4": by_arrow("lz4"),
}
SUFFIX = {"gzip": ".gz", "bz2": ".bz2", "xz": ".xz", "zstd": ".zst", "lz4": ".lz4"}
TEXT = b"y,p,note\n" + b"".join(b'%d,0.%03d,"a\nb"\n' % (i % 2, i % 997 + 1) for i in range(20_000))


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossctl.readers.csv.RANGE_BYTES", 5000)
    monkeypatch.setattr(csv_stream, "HEAD_BYTES", 4000)


def opened(path: Path, **settings: Any) -> CsvStream:
    source = open_source(str(path), ReadSettings(**settings))
    assert isinstance(source, CsvStream)
    return source


def rows(source: CsvStream) -> list[Any]:
    chunks = [chunk for unit in source.units(0) for chunk in source.read(unit, ["y", "p"], 1000)]
    return [pair for c in chunks for pair in zip(c.values["y"].to_pylist(), c.values["p"].to_pylist(), strict=True)]


@pytest.mark.parametrize("name", PACKERS)
def test_a_packing_is_told_by_its_start(name: str) -> None:
    assert packing(PACKERS[name](TEXT)[:10]) == name
    assert packing(PACKERS[name](b"")[:10]) == name
    assert packing(TEXT[:10]) is None
    assert bare(f"a.tsv{SUFFIX[name]}") == "a.tsv"


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("name", PACKERS)
def test_a_packed_file_reads_as_its_text(tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(PACKERS[name](TEXT))
    source = opened(path)
    expected = [(i % 2, float(f"0.{i % 997 + 1:03d}")) for i in range(20_000)]
    assert source.rereadable
    assert source.format == "csv"
    assert rows(source) == expected
    assert rows(source) == expected


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("name", PACKERS)
def test_several_packed_one_behind_the_other_are_one(tmp_path: Path, name: str) -> None:
    (tmp_path / "t.csv").write_bytes(PACKERS[name](TEXT[:5005]) + PACKERS[name](TEXT[5005:]))
    assert len(rows(opened(tmp_path / "t.csv"))) == 20_000


@pytest.mark.parametrize("name", PACKERS)
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, name: str) -> None:
    packed = PACKERS[name](TEXT)
    for end in (len(packed) - 1, len(packed) - 9, len(packed) // 2, 12):
        (tmp_path / "t.csv").write_bytes(packed[:end])
        with pytest.raises(DataError, match=rf"t\.csv: cannot be unpacked as {name}: "):
            rows(opened(tmp_path / "t.csv"))


@pytest.mark.parametrize("name", ["gzip", "bz2", "xz"])
@given(place=st.floats(0.0, 1.0, exclude_max=True), bit=st.integers(0, 7))
def test_no_flipped_bit_of_a_checked_packing_changes_a_row(
    tmp_path_factory: pytest.TempPathFactory, name: str, place: float, bit: int
) -> None:
    packed = bytearray(PACKERS[name](TEXT[:2000]))
    packed[int(place * len(packed))] ^= 1 << bit
    path = tmp_path_factory.mktemp("flipped") / "t.csv"
    path.write_bytes(packed)
    try:
        found = rows(open_source(str(path), ReadSettings()))  # type: ignore[arg-type]
    except (DataError, KeyError, AttributeError, TypeError):
        return
    whole = path.with_name("whole.csv")
    whole.write_bytes(PACKERS[name](TEXT[:2000]))
    assert found == rows(opened(whole))


def test_what_follows_the_last_part_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(TEXT) + b"more")
    with pytest.raises(DataError, match=r"t\.csv\.gz: cannot be unpacked as gzip"):
        rows(opened(tmp_path / "t.csv.gz"))


def test_the_name_below_the_packing_tells_the_delimiter(tmp_path: Path) -> None:
    (tmp_path / "t.tsv.gz").write_bytes(gzip.compress(b"y\tp\n1\t0.5\n"))
    source = opened(tmp_path / "t.tsv.gz")
    assert (source.format, rows(source)) == ("tsv", [(1, 0.5)])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PAR1" + b"x" * 50, "t.gz holds parquet, expected CSV or JSON Lines; unpack it"),
        (gzip.compress(b"a\n1\n", mtime=0), "t.gz is packed twice, the second time with gzip; unpack it once"),
        (b"", "t.gz is empty, expected CSV or JSON Lines"),
    ],
)
def test_other_contents_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "t.gz").write_bytes(gzip.compress(content))
    with pytest.raises(DataError, match=said.replace(".", r"\.")):
        opened(tmp_path / "t.gz").columns()


def test_other_formats_are_not_read_packed(tmp_path: Path) -> None:
    (tmp_path / "t.parquet.gz").write_bytes(gzip.compress(b"PAR1"))
    with pytest.raises(
        DataError, match="is parquet packed with gzip; unpack it: only CSV and JSON Lines are read packed"
    ):
        opened(tmp_path / "t.parquet.gz")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a\n1\n"))
    with pytest.raises(UsageError, match="--input-format must be one of"):
        opened(tmp_path / "t.csv.gz", format="gzip")


@pytest.mark.usefixtures("small_pieces")
def test_a_bad_line_is_told_by_its_place_in_the_whole_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(TEXT + b"1,0.5\n"))
    with pytest.raises(DataError, match=r"t\.csv\.gz line 40002: expected 3 fields, found 2"):
        rows(opened(tmp_path / "t.csv.gz"))


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("executor", [Serial(), Threads(1), Threads(2), Threads(7)], ids=["serial", "1", "2", "7"])
def test_threads_take_the_pieces_in_turns(tmp_path: Path, executor: Executor) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(TEXT))
    source = opened(tmp_path / "t.csv.gz")

    def lines(opened: CsvStream, unit: Unit) -> tuple[int, int, int]:
        (chunk,) = opened.read(unit, ["y"], 1 << 20)
        return unit.number, unit.start, chunk.rows

    found = list(executor.run(lines, source, source.units(0)))
    assert [number for number, _, _ in found] == list(range(len(found)))
    assert sum(count for _, _, count in found) == 20_000
    assert [start for _, start, _ in found] == [1 + 2 * sum(n for _, _, n in found[:i]) for i in range(len(found))]


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("executor", [Serial(), Threads(2), Threads(7)], ids=["serial", "2", "7"])
def test_a_stream_that_breaks_gives_what_came_before(tmp_path: Path, executor: Executor) -> None:
    packed = gzip.compress(TEXT)
    (tmp_path / "t.csv.gz").write_bytes(packed[:-4])
    source = opened(tmp_path / "t.csv.gz")
    numbers: list[int] = []
    answers = executor.run(lambda job, unit: unit.number, source, source.units(0))
    with pytest.raises(DataError, match="truncated compressed stream"):
        numbers.extend(iter(lambda: next(answers), None))
    assert len(numbers) > 10
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("name", PACKERS)
def test_the_program_gives_the_same_bits(tmp_path: Path, name: str) -> None:
    plain, packed = tmp_path / "t.csv", tmp_path / f"t.csv{SUFFIX[name]}"
    plain.write_bytes(TEXT)
    packed.write_bytes(PACKERS[name](TEXT))
    call = ("--loss", "binary_crossentropy", "-p", "p", "--value-only", "-q")
    expected = program("eval", str(plain), *call).stdout
    assert program("eval", str(packed), *call).stdout == expected
    with packed.open("rb") as stream:
        assert program("eval", "-", *call, stdin=stream).stdout == expected


def test_dropped_rows_of_a_packed_file_are_saved(tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(TEXT + b"1,7.5,odd\n"))
    call = ("--loss", "bce", "-p", "p", "--on-bad", "drop", "--dropped", str(tmp_path / "out.csv"), "--value-only")
    done = program("eval", str(tmp_path / "t.csv.gz"), *call)
    assert done.returncode == 0
    assert "20,001 rows read, 20,000 used, 1 dropped" in done.stderr
    _, saved = (tmp_path / "out.csv").read_text().splitlines()
    place = tmp_path / "t.csv.gz"
    assert saved == f'1,7.5,"odd","probability_out_of_range","{place}",20001'
