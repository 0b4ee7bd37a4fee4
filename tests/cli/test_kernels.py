"""`lossctl warm` and `lossctl cache`."""

from __future__ import annotations

import json
import random
from pathlib import Path

from lossctl.catalogue.registry import all_losses, named_losses
from lossctl.catalogue.spec import bind
from lossctl.evaluation.warm import kernels_of
from lossctl.kernels.store import KEY, Store
from tests.conftest import SAMPLES, program, started

OWN = "import lossctl\n\n\n@lossctl.loss\ndef warmed(y, p):\n    return abs(y - p) + {salt}\n"


def test_a_warmed_loss_is_not_compiled_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    # a number that no earlier run has left a kernel of
    path.write_text(OWN.format(salt=random.random()))
    done = program("warm", "warmed", "--functions", path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.endswith("kernels are ready\n")
    done = program("eval", SAMPLES / "breast_cancer.csv", "-p", "prob", "--functions", path, "--loss", "warmed")
    assert done.returncode == 0
    assert "compiling" not in done.stderr


def test_every_loss_has_kernels_to_warm() -> None:
    for loss in [*all_losses(), *named_losses()]:
        assert kernels_of([bind(loss.name, {})]), loss.name


def test_options_that_pick_a_formula_are_warmed_in_all_their_values_or_as_said() -> None:
    both = kernels_of([bind("binary_crossentropy", {})])
    one = kernels_of([bind("binary_crossentropy:from_logits=true", {})])
    assert len(one) < len(both)
    assert any("from_logits=true" in name for name in both)
    assert all("from_logits=true" in name for name in one)


def test_bad_calls_are_told() -> None:
    done = program("warm", "hubr")
    assert (done.returncode, "did you mean huber" in done.stderr) == (2, True)
    done = program("warm", "huber", "--all")
    assert (done.returncode, done.stderr) == (2, "lossctl: --all takes every loss; name none beside it\n")


def test_the_cache_says_where_it_is_and_how_large() -> None:
    program("warm")
    done = program("cache", "--json")
    folders = json.loads(done.stdout)["folders"]
    assert sum(entry["kernels"] for entry in folders) > 10
    assert sum(entry["bytes"] for entry in folders) > 10_000
    assert folders[0]["folder"] in program("cache").stdout


def test_clearing_touches_nothing_but_kernels(tmp_path: Path) -> None:
    store = Store([tmp_path])
    store.save("0" * KEY, b"code")
    (tmp_path / ".new-left").write_bytes(b"half")
    (tmp_path / "mine.o").write_bytes(b"mine")
    (_, count, size), *_ = store.contents()
    assert (count, size > 4) == (2, True)
    store.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.o"]


def test_timings_say_where_the_time_went() -> None:
    done = started("eval", SAMPLES / "digits.parquet", "--loss", "scce", "--quiet", "--timings", "--value-only")
    told = {line.split()[0]: float(line.split()[1]) for line in done.stderr.splitlines()}
    assert list(told) == ["start", "imports", "open", "rows", "render", "decode", "check", "kernel", "sum", "digest"]
    assert all(0.0 < seconds < 60.0 for seconds in told.values())
    assert float(done.stdout) > 0
