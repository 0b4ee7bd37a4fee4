"""One table of predictions in every format, layout and place: each one command, and all the same bits."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import called, program
from tests.written import WRITERS, Written, predictions, write

LOSSES = ("--loss", "scce", "--loss", "brier_score", "--json")
# a folder or two files cannot be piped in
PIPED = [name for name in WRITERS if name not in ("hive", "datasets", "npy")]
BESIDES = ("label", "weight", "id")


def results(text: str) -> Any:
    """The numbers of a document, whatever the columns are called."""
    document = json.loads(text)
    return document["rows"], document["results"]


@cache
def expected() -> Any:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return results(called("eval", *write("parquet", predictions(), Path(folder)).words, *LOSSES))


@pytest.fixture
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Written:
    return write(request.param, predictions(), tmp_path)


@pytest.mark.parametrize("written", WRITERS, indirect=True)
def test_every_format(written: Written) -> None:
    assert results(called("eval", *written.words, *LOSSES)) == expected()


@pytest.mark.parametrize("written", PIPED, indirect=True)
def test_every_format_through_a_pipe(written: Written) -> None:
    command = [sys.executable, "-m", "lossctl", "eval", "-", *LOSSES]
    with subprocess.Popen(["cat", str(written.path)], stdout=subprocess.PIPE) as cat:
        done = subprocess.run(command, stdin=cat.stdout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert results(done.stdout) == expected()


@pytest.mark.parametrize("split", [1, 2, 7])
@pytest.mark.parametrize("format", ["csv", "jsonl.gz", "parquet", "lz4.arrow", "arrows", "orc", "npz"])
def test_every_split(format: str, split: int, tmp_path: Path) -> None:
    table = predictions()
    cuts = [table.num_rows * i // split for i in range(split + 1)]
    for i in range(split):
        (tmp_path / str(i)).mkdir()
        write(format, table.slice(cuts[i], cuts[i + 1] - cuts[i]), tmp_path / str(i))
    assert results(called("eval", tmp_path / "*" / "made.*", *LOSSES)) == expected()
    assert results(called("eval", *sorted(tmp_path.glob("*/made.*"), reverse=True), *LOSSES)) == expected()


def test_formats_may_be_mixed(tmp_path: Path) -> None:
    table, formats = predictions(), ["csv", "jsonl", "parquet", "orc", "arrow", "xlsx"]
    step = table.num_rows // len(formats)
    parts = [write(name, table.slice(step * i, step), tmp_path).path for i, name in enumerate(formats)]
    assert results(called("eval", *parts, *LOSSES)) == expected()


@pytest.mark.parametrize("labels", ["csv", "jsonl.zst", "parquet", "arrows", "orc"])
@pytest.mark.parametrize("preds", ["csv.gz", "parquet", "npz"])
def test_labels_from_another_file(preds: str, labels: str, tmp_path: Path) -> None:
    table = predictions()
    turned = table.select(["label", "id"]).take(list(range(table.num_rows))[::-1])
    there = write(labels, turned, tmp_path).path
    (tmp_path / "preds").mkdir()
    here = write(preds, table.drop_columns("label"), tmp_path / "preds")
    document = called("eval", *here.words, "--labels-from", there, "--on", "id", *LOSSES)
    assert results(document) == expected()


def test_file_uris(tmp_path: Path) -> None:
    made = write("parquet", predictions(), tmp_path)
    assert results(called("eval", made.path.as_uri(), *LOSSES)) == expected()


def test_long_format(tmp_path: Path) -> None:
    import pandas as pd

    wide = predictions().to_pandas()
    rows = pd.melt(wide, id_vars=list(BESIDES), var_name="class", value_name="prob")
    rows["class"] = rows["class"].str.removeprefix("p_")
    rows.sample(frac=1, random_state=1).to_csv(tmp_path / "long.csv", index=False)
    done = program("eval", tmp_path / "long.csv", "--long", "id,class,prob", *LOSSES)
    assert done.returncode == 0, done.stderr
    assert results(done.stdout) == expected()
