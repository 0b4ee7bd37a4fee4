"""A shortcut gives the very bits of the formula that it stands for."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossctl.catalogue.registry import all_losses
from lossctl.catalogue.spec import BoundLoss, bind
from lossctl.evaluation.frames import Buffers, loss_rows
from lossctl.kernels.layout import TILE
from lossctl.readers.block import Block, lay

LOSSES = [loss for loss in all_losses() if loss.shortcut is not None]
EDGES = [0.0, -0.0, 1.0, 0.5, 1e-17, 5e-324, 1e-300, 1 - 2**-53, 0.29289321, 0.7071067811865476, math.nan]
PROBABILITIES = st.one_of(st.sampled_from(EDGES), st.floats(0.0, 1.0), st.floats(0.0, 1e-6), st.floats(0.99999, 1.0))


# a row that its loss's shortcut does not take
LONG = {"binary_crossentropy": (0.5, 0.5), "binary_focal_crossentropy": (0.5, 0.5), "log_cosh": (0.0, 20.0)}


def bound_of(loss: Any, epsilon: float) -> BoundLoss:
    return bind(loss.name, {"epsilon": epsilon} if loss.option("epsilon") else {})


def rows(bound: BoundLoss, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    block = Block(0, len(y), {"labels": lay([y]), "preds": lay([p])})
    return loss_rows(bound, block, False, Buffers(), "losses").copy()


def called(function: Callable[..., Any], y: float, p: float, call: str) -> Any:
    """What one of its functions gives, which take by name what they need."""
    given = {"y": y, "p": p, **bind(call, {}).options}
    return function(**{name: given[name] for name in inspect.signature(function).parameters})


def bits(numbers: np.ndarray) -> list[int]:
    held: list[int] = np.where(np.isnan(numbers), math.nan, numbers).view(np.int64).tolist()
    return held


def test_some_loss_has_one() -> None:
    assert {loss.name for loss in LOSSES} == set(LONG)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("epsilon", [1e-7, 0.0])
@given(data=st.data())
def test_a_tile_that_takes_it_gives_the_same_bits_as_one_that_does_not(loss: Any, epsilon: float, data: Any) -> None:
    bound = bound_of(loss, epsilon)
    p = np.array(data.draw(st.lists(PROBABILITIES, min_size=1, max_size=TILE - 1)))
    y = np.array(data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=len(p), max_size=len(p))))
    hard = rows(bound, y, p)
    # one row sends its whole tile the long way
    far, off = LONG[loss.name]
    assert not called(loss.shortcut.holds, far, off, loss.name)
    mixed = rows(bound, np.append(y, far), np.append(p, off))
    assert bits(hard) == bits(mixed[:-1])


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@given(y=st.sampled_from([0.0, 1.0]), p=PROBABILITIES)
def test_its_plain_form_is_the_losss_own(loss: Any, y: float, p: float) -> None:
    assert called(loss.shortcut.holds, y, p, loss.name) or math.isnan(p)
    short, long = (called(function, y, p, loss.name) for function in (loss.shortcut.formula, loss.function))
    assert bits(np.array([short])) == bits(np.array([long]))


def test_soft_labels_and_other_options_do_not_take_it() -> None:
    (loss,) = [loss for loss in LOSSES if loss.name == "binary_crossentropy"]
    assert called(loss.shortcut.holds, 1.0, 0.5, loss.name)
    for y, call in ((0.5, loss.name), (1.0, f"{loss.name}:label_smoothing=0.1"), (1.0, f"{loss.name}:pos_weight=2")):
        assert not called(loss.shortcut.holds, y, 0.5, call)
    assert not called(loss.shortcut.holds, 1.0, 0.5, f"{loss.name}:from_logits=true")
