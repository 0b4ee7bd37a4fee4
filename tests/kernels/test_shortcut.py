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

from lossctl.catalogue.declare import Shortcut
from lossctl.catalogue.registry import all_losses
from lossctl.catalogue.spec import BoundLoss, bind
from lossctl.evaluation.frames import Buffers, loss_rows
from lossctl.kernels.layout import TILE
from lossctl.readers.block import Block, lay

LOSSES = [loss for loss in all_losses() if loss.shortcuts]
EDGES = [0.0, -0.0, 1.0, 0.5, 1e-17, 5e-324, 1e-300, 1 - 2**-53, 0.29289321, 0.7071067811865476, math.nan]
PROBABILITIES = st.one_of(st.sampled_from(EDGES), st.floats(0.0, 1.0), st.floats(0.0, 1e-6), st.floats(0.99999, 1.0))


# each shortcut by a call that takes it, and a row that none of its loss's shortcuts takes
CASES = {
    ("binary_crossentropy", 0): (0.5, 0.5),
    ("binary_focal_crossentropy", 0): (0.5, 0.5),
    ("binary_focal_crossentropy:gamma=1.5", 1): (0.5, 0.5),
    ("log_cosh", 0): (0.0, 20.0),
}


def bound_of(call: str, epsilon: float) -> BoundLoss:
    bound = bind(call, {})
    return bound.replace(epsilon=epsilon) if "epsilon" in bound.options else bound


def shortcut_of(call: str, place: int) -> Shortcut:
    return bind(call, {}).loss.shortcuts[place]


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


def test_every_shortcut_has_a_case() -> None:
    assert {(loss.name, i) for loss in LOSSES for i in range(len(loss.shortcuts))} == {
        (bind(call, {}).loss.name, place) for call, place in CASES
    }


@pytest.mark.parametrize(("call", "place"), CASES)
@pytest.mark.parametrize("epsilon", [1e-7, 0.0])
@given(data=st.data())
def test_a_tile_that_takes_it_gives_the_same_bits_as_one_that_does_not(
    call: str, place: int, epsilon: float, data: Any
) -> None:
    bound = bound_of(call, epsilon)
    p = np.array(data.draw(st.lists(PROBABILITIES, min_size=1, max_size=TILE - 1)))
    y = np.array(data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=len(p), max_size=len(p))))
    hard = rows(bound, y, p)
    # one row sends its whole tile the long way
    far, off = CASES[call, place]
    assert not any(called(shortcut.holds, far, off, call) for shortcut in bound.loss.shortcuts)
    mixed = rows(bound, np.append(y, far), np.append(p, off))
    assert bits(hard) == bits(mixed[:-1])


@pytest.mark.parametrize(("call", "place"), CASES)
@given(y=st.sampled_from([0.0, 1.0]), p=PROBABILITIES)
def test_its_plain_form_is_the_losss_own(call: str, place: int, y: float, p: float) -> None:
    shortcut = shortcut_of(call, place)
    assert called(shortcut.holds, y, p, call) or math.isnan(p)
    assert not any(called(other.holds, y, p, call) for other in bind(call, {}).loss.shortcuts[:place])
    short, long = (called(function, y, p, call) for function in (shortcut.formula, bind(call, {}).loss.function))
    assert bits(np.array([short])) == bits(np.array([long]))


def test_soft_labels_and_other_options_do_not_take_it() -> None:
    name = "binary_crossentropy"
    holds = shortcut_of(name, 0).holds
    assert called(holds, 1.0, 0.5, name)
    for y, call in ((0.5, name), (1.0, f"{name}:label_smoothing=0.1"), (1.0, f"{name}:pos_weight=2")):
        assert not called(holds, y, 0.5, call)
    for call in (f"{name}:from_logits=true", f"{name}:epsilon=0", f"{name}:epsilon=1e-17"):
        assert not called(holds, 1.0, 0.5, call)
