"""`eval --save` and `lossctl merge` with all that an audit adds up, and gates on what is merged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import lossctl
from lossctl.errors import UsageError
from tests.conftest import called, program
from tests.written import WRITERS


def saved(path: str, folder: Path, *flags: str) -> str:
    out = str(folder / f"{Path(path).name}.lossctl")
    called("eval", path, *flags, "--save", out, "-q")
    return out


PEOPLE = (70, 1, 60, 29)
SHARDED = ("0.parquet", "1.csv", "2.parquet", "3.csv")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Rows with slices, clusters and ids, in files of two formats."""
    folder, rng, rows = tmp_path_factory.mktemp("people"), np.random.default_rng(8), sum(PEOPLE)
    labels = rng.integers(0, 2, rows)
    found = {"id": np.arange(rows), "label": labels, "w": rng.uniform(0.5, 2, rows), "fold": rng.integers(0, 9, rows)}
    found |= {"prob": np.clip(0.3 + 0.4 * labels + rng.normal(0, 0.2, rows), 0, 1)}
    found |= {"region": rng.choice(["eu", "us"], rows), "age": rng.integers(18, 90, rows)}
    table = pa.table({**found, "day": np.datetime64("2024-01-01") + rng.integers(0, 60, rows)})
    paths, start = [], 0
    for name, count in zip(SHARDED, PEOPLE, strict=True):
        paths.append(str(folder / name))
        WRITERS[name.partition(".")[2]](table.slice(start, count), Path(paths[-1]))
        start += count
    return paths


LOSSES = ("-l", "bce", "-l", "brier_score", "-l", "huber:delta=2")
AUDITS: list[tuple[str, ...]] = [
    ("--by", "region", "--by", "age:edges=30,60", "--by", "age:width=10", "--correction", "bh"),
    ("--by", "day:month", "--by", "region*day:week", "-w", "w"),
    ("--cluster", "fold", "--by", "region", "--ci", "0.9"),
    ("--bootstrap", "12", "--id", "id", "--by", "region", "--seed", "3"),
    ("--bootstrap", "12", "--cluster", "fold"),
    ("--spread", "--hist", "--quantiles", "0.1,0.9", "--by", "region"),
    ("--calibration", "equal-mass", "--by", "region"),
    ("--calibration", "equal-width", "--bins", "4", "-w", "w"),
    ("--decompose", "--where", "age > 25"),
    (
        *("--by", "region*age:edges=40", "--cluster", "fold", "--bootstrap", "12", "--spread", "--hist"),
        *("--calibration", "equal-mass", "--decompose", "-w", "w"),
    ),
]


@pytest.mark.parametrize("flags", AUDITS)
def test_every_audit_of_sums_merges_to_the_document_of_one_run(
    people: list[str], flags: tuple[str, ...], tmp_path: Path
) -> None:
    partials = [saved(path, tmp_path, *LOSSES, *flags) for path in people]
    whole = called("eval", *people, *LOSSES, *flags, "--json", "-q")
    assert called("merge", *partials, "--json", "-q") == whole
    halves = [str(tmp_path / "a"), str(tmp_path / "b")]
    called("merge", *partials[:2], "--save", halves[0], "-q")
    called("merge", *partials[2:], "--save", halves[1], "-q")
    assert called("merge", *halves, "--json", "-q") == whole
    assert lossctl.verify(json.loads(whole))


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--worst", "2"), "--save keeps sums and no rows, which --worst looks at again; leave it out"),
        (("--best", "2"), "--save keeps sums and no rows, which --best looks at again; leave it out"),
        (("--quantiles", "0.5", "--exact-quantiles"), "which --exact-quantiles looks at again"),
        (("--by", "age:quantile=3"), "give them, as :edges=18,30,65 or :width=10"),
        (("--bootstrap", "10"), "draws rows by their number, which a shard does not know; name them by --id COLUMN"),
    ],
)
def test_audits_that_hang_on_all_rows_cannot_be_saved(
    people: list[str], flags: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        saved(people[0], tmp_path, *LOSSES, *flags)
    assert told in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def sliced(people: list[str], tmp_path: Path) -> list[str]:
    return [saved(path, tmp_path, *LOSSES, "--by", "region") for path in people]


@pytest.mark.parametrize(
    ("gate", "more", "code", "said"),
    [
        ("bce.mean > 0.1", (), 1, "gate failed: bce.mean > 0.1 (bce.mean 0."),
        ("bce.slice(region).worst > 9 or dropped > 0", (), 0, "gate passed: "),
        ("brier_score.mean > 0.14", ("--gate-on", "ci"), 3, "gate is inconclusive: "),
        ("bce.mean > 0.1", ("--exit-zero",), 0, "gate failed: "),
        ("mae.mean > 0.1", (), 2, "mae.mean: the call has no mae; there are binary_crossentropy, brier_score, `huber"),
        ("bce.mean >", (), 2, "--fail-if 'bce.mean >'"),
    ],
)
def test_gates_of_what_is_merged(
    sliced: list[str], gate: str, more: tuple[str, ...], code: int, said: str, tmp_path: Path
) -> None:
    done = program("merge", *sliced, "--fail-if", gate, *more, "--json", "-o", tmp_path / "m.json")
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    if code != 2:
        assert lossctl.verify(tmp_path / "m.json")


def test_verdicts_go_to_junit_also_where_nothing_can_be_merged(sliced: list[str], tmp_path: Path) -> None:
    gates = ("--fail-if", "bce.mean > 0.1", "--junit", tmp_path / "g.xml", "-q")
    assert program("merge", *sliced, *gates).returncode == 1
    assert 'failures="1" errors="0"' in (tmp_path / "g.xml").read_text()
    assert program("merge", sliced[0], sliced[0], *gates).returncode == 2
    assert 'failures="0" errors="1"' in (tmp_path / "g.xml").read_text()
    done = program("merge", *sliced, "--gate-on", "ci")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--gate-on goes with a gate" in done.stderr


def test_slices_are_shown_as_eval_shows_them(people: list[str], sliced: list[str]) -> None:
    for flags in (
        ("--sort=-value", "--top", "1"),
        ("--min-count", "200"),
        ("--format", "csv"),
        ("--format", "markdown"),
    ):
        call = ("eval", *people, *LOSSES, "--by", "region", *flags, "-q")
        assert called("merge", *sliced, *flags, "-q") == called(*call)
    done = program("merge", *sliced, "--sort", "size")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--sort size is none of key, value" in done.stderr
