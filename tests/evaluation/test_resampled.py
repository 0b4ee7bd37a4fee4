"""Losses of the whole file in each replicate: made anew from its sums."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import lossctl
from lossctl.errors import UsageError
from lossctl.evaluation.findings import remade, replicated


def test_a_root_is_the_root_in_every_replicate() -> None:
    words = {"labels": "target", "preds": "pred", "bootstrap": 40, "seed": 3}
    found = lossctl.evaluate("samples/diabetes.csv", loss=["rmse", "mse"], **words)
    evaluation = found._evaluation
    drawn = evaluation.partial.parts["bootstrap"]
    roots, squares = evaluation.plan.job.losses
    made = remade(roots, drawn.cells[0])
    audit = evaluation.plan.job.audit
    values, method = replicated(drawn.losses[1], 0, squares, None, audit, 442)
    assert (made, method) == ([math.sqrt(value) for value in values], "percentile")
    assert len(made) == 40
    told = found["rmse"].more["bootstrap"]
    assert min(made) <= told["low"] < found["rmse"].value < told["high"] <= max(made)


@pytest.mark.parametrize("name", ["median_absolute_error", "max_error"])
def test_what_no_replicate_gives_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is one number of the whole file and has no value a row, so no --bootstrap"):
        lossctl.evaluate("samples/diabetes.csv", loss=name, labels="target", preds="pred", bootstrap=20)


def test_a_replicate_without_a_value_is_left_out(tmp_path: Path) -> None:
    # of two rows a replicate draws one alone about every fourth time, whose labels do not differ
    (tmp_path / "t.csv").write_text("y,p\n1,1\n2,3\n")
    found = lossctl.evaluate(tmp_path / "t.csv", loss="r2_score", labels="y", preds="p", bootstrap=50)
    assert 2 <= found["r2_score"].more["bootstrap"]["replicates"] < 50
