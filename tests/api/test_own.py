"""Losses that a session declares, through the API."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import lossctl
from lossctl.errors import UsageError
from tests.api.conftest import declared

LABELS, PREDS = np.array([1.0, 2.0, 4.0]), np.array([2.0, 2.0, 1.0])
pytestmark = pytest.mark.usefixtures("_kernels_go")


@pytest.mark.parametrize("name", ["base", "n", "t", "r", "tile", "width", "out", "options", "frame", "number"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_an_option_may_be_called_as_anything(name: str, outputs: int) -> None:
    own = declared("scaled", f"{name} * abs(y - p)", f"y, p, {name}=2.0")
    labels, preds = (np.stack([values] * outputs, axis=1) for values in (LABELS, PREDS))
    assert lossctl.evaluate(labels=labels, preds=preds, loss=own).per_row.tolist() == [2.0, 0.0, 6.0]
    assert lossctl.metric(own, **{name: 0.5})(labels, preds) == pytest.approx(2 / 3)


def test_the_function_stays_a_function_and_is_a_loss() -> None:
    own = declared("gap_of_session", "abs(y - p) + (y > 3)")
    assert own(1.0, 3.0) == 2.0
    by_name, by_itself = (lossctl.evaluate(labels=LABELS, preds=PREDS, loss=one) for one in ("gap_of_session", own))
    assert by_name.results == by_itself.results
    assert by_itself.per_row.tolist() == [own(y, p) for y, p in zip(LABELS, PREDS, strict=True)]
    assert [loss.name for loss in lossctl.losses("gap_of_session")] == ["gap_of_session"]
    assert "gap_of_session" in [loss.name for loss in lossctl.losses()]


def test_a_cell_that_is_run_again_takes_the_first_one_s_place() -> None:
    metric = lossctl.metric(declared("of_a_cell", "y * p"))
    assert metric(LABELS, PREDS) == pytest.approx(10 / 3)
    again = declared("of_a_cell", "y * p")
    assert lossctl.metric(again) == metric


def test_its_metric_and_sums_pickle_by_name() -> None:
    metric = lossctl.metric(declared("pickled_gap", "abs(y - p)"))
    grown = pickle.loads(pickle.dumps(metric.accumulator().update(LABELS, PREDS)))
    assert grown.value() == pickle.loads(pickle.dumps(metric))(LABELS, PREDS) == pytest.approx(4 / 3)


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(UsageError, match="lossctl has a loss 'huber' already"):
        declared("huber", "abs(y - p)")
