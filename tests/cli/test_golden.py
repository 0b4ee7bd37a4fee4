"""What the frameworks themselves returned, asked of the program by the frameworks' own names.

Keras on JAX takes the mean over a row's outputs in float32 even where all else is float64, so its elementwise
losses are recorded with that rounding; there our float64 loss, rounded as Keras does, must be the recorded one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossctl.catalogue.registry import find
from tests.conftest import called

GOLDEN = Path(__file__).parent.parent / "golden"
FLAGS = {"y_true": "-y", "y_pred": "-p", "weight": "-w"}
Case = dict[str, Any]


def cases(framework: str) -> Iterator[Any]:
    for case in json.loads((GOLDEN / f"{framework}.json").read_text())["cases"]:
        yield pytest.param(framework, case, id=f"{framework}-{case['id']}")


EVERY = [case for name in ("keras", "torch", "tensorflow", "sklearn") for case in cases(name)]


def name_of(framework: str, case: Case) -> str:
    if framework == "tensorflow":
        home, _, name = case["call"].partition(".")
        return {"losses": "tf1", "nn": "tf.nn"}[home] + "." + name
    return f"{framework}.{case['call']}"


def written(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def arguments(framework: str, case: Case, folder: Path) -> list[str]:
    """The words of the call: arrays saved, options in the name as the framework calls them."""
    inputs, options = dict(case["inputs"]), dict(case["options"])
    if case["call"] == "BCEWithLogitsLoss" and "weight" in options:
        inputs["weight"] = options.pop("weight")
    words = []
    for role, values in inputs.items():
        path = folder / f"{role}.npy"
        np.save(path, np.array(values, np.int64 if integers(values) else np.float64))
        words += [FLAGS[role], str(path)] if role in FLAGS else ["--role", f"{role}={path}"]
    said = ",".join(f"{name}={written(value)}" for name, value in options.items())
    return [
        "eval",
        *words,
        "--loss",
        name_of(framework, case) + (f":{said}" if said else ""),
        "--quiet",
        "--on-bad",
        "keep",
    ]


def integers(values: Any) -> bool:
    flat = np.array(values).ravel().tolist()
    return all(isinstance(value, int) for value in flat)


def tolerance(framework: str, case: Case) -> dict[str, float]:
    if framework == "tensorflow" and case["call"].startswith("losses."):
        return {"rtol": 2e-6, "atol": 2e-6}
    if framework == "keras" and (find(name_of(framework, case)).forms[0].loss.elementwise or case["per_row"] is None):
        return {"rtol": 2e-7, "atol": 1e-12}
    return {"rtol": 1e-12, "atol": 1e-12}


@pytest.mark.parametrize(("framework", "case"), EVERY)
def test_a_recorded_number(framework: str, case: Case, tmp_path: Path) -> None:
    words = arguments(framework, case, tmp_path)
    expected = dict(case.get("reductions") or {})
    if "value" in expected:
        assert_close(framework, case, number(called(*words, "--json")), expected.pop("value"))
    for reduction, value in expected.items():
        assert_close(framework, case, number(called(*words, "--json", "-r", reduction)), value)
    if case.get("per_row") is not None:
        assert_close(framework, case, rows(called(*words, "-r", "none", "-f", "csv")), case["per_row"])
    if rounded_by_keras(framework, case):
        assert_rounded(case, words)


def rounded_by_keras(framework: str, case: Case) -> bool:
    """Whether each row is one value that Keras rounded to float32."""
    if framework != "keras" or tolerance(framework, case)["rtol"] <= 1e-12:
        return False
    return np.ndim(case["inputs"]["y_pred"]) == 2 and len(case["inputs"]["y_pred"][0]) == 1


def assert_rounded(case: Case, words: list[str]) -> None:
    """Our rows, rounded as Keras rounds them, are the recorded ones to 1e-12."""
    weights = np.array(case["inputs"].get("weight", 1.0))
    bare = [word for i, word in enumerate(words) if word != "-w" and words[i - 1] != "-w"]
    ours = rows(called(*bare, "-r", "none", "-f", "csv"))[:, 0]
    # Keras takes the percentage after its float32 mean
    factor = 100.0 if case["call"] == "mean_absolute_percentage_error" else 1.0
    again = (ours / factor).astype(np.float32).astype(float) * factor * weights
    np.testing.assert_allclose(again, np.array(case["per_row"], float), rtol=1e-12, atol=1e-12)


def number(text: str) -> float:
    return float(json.loads(text)["results"][0]["value"])


def rows(text: str) -> np.ndarray:
    """The losses of a CSV of rows: what follows the columns that say where a row stands."""
    head, *lines = text.splitlines()
    places = sum(name in ("file", "row") for name in head.split(","))
    return np.array([[float(cell) for cell in line.split(",")[places:]] for line in lines])


def assert_close(framework: str, case: Case, ours: Any, theirs: Any) -> None:
    recorded = np.array(theirs, float)
    np.testing.assert_allclose(np.reshape(ours, recorded.shape), recorded, **tolerance(framework, case))
