"""What no program means to write: a right answer or one sentence, in every format; soon, and in bounded memory."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.malformed.variants import damaged, mutated, odd_tables
from tests.written import WRITERS, Written, predictions, write
from tests.zygote import Zygote

LOSS = ("--loss", "scce", "--json")
# packed by Excel's own library, or files of a fixed layout of columns
HOLDS_NO_ODD_TABLE = ("hive", "datasets", "npy")
BEYOND_XLSX = ("10,000 columns", "NUL in a text", "zero columns")
# one of each reader: the others have the same file packed or written in another way
READERS = frozenset({"csv", "csv.gz", "jsonl", "parquet", "arrow", "arrows", "orc", "npz", "safetensors"})
WIDE = "10,000 columns"
# what `inspect` looks at too, which reads as `eval` does
INSPECTED = frozenset({"cut at 5/16", "cut at 15/16", "a hole of NUL", "more behind"})


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote(everything=True) as made:
        yield made


def complaints(zygote: Zygote, written: Written, name: str, inspected: bool = True) -> list[str]:
    """What is wrong with evaluating a file, and with inspecting it."""
    place = str(written.path)
    wrong = [zygote.run("eval", *written.words, *LOSS).complaint(place)]
    if inspected and len(written.words) == 1:
        wrong.append(zygote.run("inspect", *written.words, "--json").complaint(place))
    return [f"{name}: {complaint}" for complaint in wrong if complaint]


@pytest.mark.parametrize("format", WRITERS)
def test_damaged_files(zygote: Zygote, format: str, tmp_path: Path) -> None:
    written = write(format, predictions(60), tmp_path)
    data = written.path.read_bytes()
    found: list[str] = []
    for name, some in damaged(data):
        written.path.write_bytes(some)
        found += complaints(zygote, written, name, name in INSPECTED)
    assert not found


@pytest.mark.parametrize("format", WRITERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(seed=st.integers(0, 10**9))
def test_mutated_files(zygote: Zygote, format: str, tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    written = write(format, predictions(60), tmp_path_factory.mktemp("mutated"))
    written.path.write_bytes(mutated(written.path.read_bytes(), Random(seed)))
    assert not complaints(zygote, written, f"seed {seed}", format in READERS)


@pytest.mark.parametrize("format", [name for name in WRITERS if name not in HOLDS_NO_ODD_TABLE])
def test_odd_tables(zygote: Zygote, format: str, tmp_path: Path) -> None:
    found: list[str] = []
    for i, (name, table) in enumerate(odd_tables().items()):
        if (format == "xlsx" and name in BEYOND_XLSX) or (name == WIDE and format not in READERS):
            continue
        (tmp_path / str(i)).mkdir()
        try:
            written = write(format, table, tmp_path / str(i))
        except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError):
            continue  # the format cannot hold it
        found += complaints(zygote, written, name, format in READERS)
    assert not found


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_line_of_a_gigabyte(zygote: Zygote, suffix: str, packed: bool, tmp_path: Path) -> None:
    path = tmp_path / (f"long.{suffix}" + (".gz" if packed else ""))
    start = b"label,prob\n0,0.5\n1," if suffix == "csv" else b'{"label": 0, "prob": 0.5}\n{"label": "'
    # what is packed in pieces is unpacked as one
    pack = gzip.compress if packed else bytes
    start, more = pack(start), pack(b"a" * (1 << 20))
    with path.open("wb") as file:
        file.write(start)
        for _ in range(1024):
            file.write(more)
    outcome = zygote.run("eval", path, "--loss", "bce", "--json")
    path.unlink()
    assert outcome.code == 2
    assert outcome.complaint(str(path)) is None
    assert "longer than 64 MiB" in outcome.stderr


def test_the_harness_hears_what_is_wrong(zygote: Zygote, tmp_path: Path) -> None:
    path = write("csv", predictions(60), tmp_path).path
    sound = zygote.run("eval", path, *LOSS)
    assert sound.complaint(str(path)) is None
    assert json.loads(sound.stdout)["rows"]["used"] == 60
    refused = zygote.run("eval", tmp_path / "missing.csv", *LOSS)
    assert refused.code == 2
    assert refused.complaint("missing.csv") is None
    assert refused.complaint("another.csv") is not None
    for change in ({"seconds": 11.0}, {"megabytes": 1e4}, {"code": -11}, {"stdout": ""}, {"stderr": "Traceback"}):
        assert sound._replace(**change).complaint(str(path)) is not None  # type: ignore[arg-type]
