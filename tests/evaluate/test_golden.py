"""What Keras itself returned, through the public interface.

Keras on JAX takes the mean over a row's outputs in float32 even where all else is float64, so its elementwise
losses are recorded with that rounding. The test then asks for the same: our float64 loss, rounded to float32
as Keras does, must be the recorded number to 1e-12; what Keras kept in float64 must agree to 1e-12 as it is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossctl.catalogue.registry import all_losses
from tests.evaluating import evaluate_arrays, rows_of

CASES = json.loads((Path(__file__).parent.parent / "golden" / "keras.json").read_text())["cases"]
OURS = {loss.name: loss for loss in all_losses()}
KNOWN = [case for case in CASES if case["call"] in OURS]
REDUCTIONS = {"sum_over_batch_size": "sum_over_batch_size", "sum": "sum", "mean_with_sample_weight": "mean"}


def arrays(case: dict[str, Any]) -> dict[str, np.ndarray]:
    names = {"y_true": "labels", "y_pred": "preds", "weight": "weights"}
    return {names[role]: np.array(values) for role, values in case["inputs"].items()}


def float32_in_keras(case: dict[str, Any]) -> bool:
    return OURS[case["call"]].elementwise


def close(ours: Any, recorded: Any, relative: float) -> None:
    np.testing.assert_allclose(ours, np.array(recorded, float), rtol=relative, atol=1e-12)


def test_every_loss_has_cases() -> None:
    assert {case["call"] for case in KNOWN} == set(OURS)


@pytest.mark.parametrize("case", KNOWN, ids=lambda case: case["id"])
def test_rows(case: dict[str, Any], tmp_path: Path) -> None:
    ours = rows_of(case["call"], case["options"], arrays(case), tmp_path)
    if not float32_in_keras(case):
        return close(ours, case["per_row"], 1e-12)
    close(ours, case["per_row"], 2e-7)
    data = arrays(case)
    if data["preds"].shape[1] == 1:
        weights = data.pop("weights", np.ones(len(ours)))
        bare = rows_of(case["call"], case["options"], data, tmp_path)
        # Keras takes the percentage after its float32 mean
        factor = 100.0 if case["call"] == "mean_absolute_percentage_error" else 1.0
        close((bare / factor).astype(np.float32).astype(float) * factor * weights, case["per_row"], 1e-12)


@pytest.mark.parametrize("case", KNOWN, ids=lambda case: case["id"])
def test_reductions(case: dict[str, Any], tmp_path: Path) -> None:
    for theirs, ours in REDUCTIONS.items():
        if theirs in case["reductions"]:
            value = evaluate_arrays(case["call"], case["options"], arrays(case), tmp_path, ours)
            close(value, case["reductions"][theirs], 2e-7 if float32_in_keras(case) else 1e-12)
