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

LOSSES = [loss for loss in all_losses() if loss.shortcuts and loss.elementwise]
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
    assert [loss.name for loss in all_losses() if loss.shortcuts and not loss.elementwise] == [
        "categorical_crossentropy"
    ]


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


ODD = [0.0, 1.0, 1e-300, -0.25, 1.5, math.nan, math.inf, -math.inf]
ONE_HOT = "categorical_crossentropy"


@pytest.mark.parametrize("options", ["", ":shares=as_given", ":from_logits=true", ":epsilon=0"])
@given(data=st.data())
def test_one_hot_rows_give_the_same_bits_as_among_soft_ones(options: str, data: Any) -> None:
    bound = bind(ONE_HOT, {})
    given_options = {"from_logits": True} if "logits" in options else {}
    given_options |= {"shares": "as_given"} if "shares" in options else {}
    given_options |= {"epsilon": 0.0} if "epsilon" in options else {}
    bound = bound.replace(**given_options)
    width = data.draw(st.integers(2, 5))
    value = st.one_of(st.floats(0.0, 1.0), st.sampled_from(ODD))
    p = np.array(data.draw(st.lists(st.lists(value, min_size=width, max_size=width), min_size=1, max_size=30)))
    y = np.eye(width)[data.draw(st.lists(st.integers(0, width - 1), min_size=len(p), max_size=len(p)))]
    hard = rows(bound, y, p)
    soft = np.full((1, width), 1.0 / width)
    mixed = rows(bound, np.vstack([y, soft]), np.vstack([p, soft]))
    assert bits(hard) == bits(mixed[:-1])


@pytest.mark.parametrize("labels", [(0.0, 0.0), (1.0, 1.0), (2.0, 0.0), (1.0, -1.0), (0.5, 0.5), (math.nan, 1.0)])
def test_other_rows_are_not_one_hot(labels: tuple[float, float]) -> None:
    holds = bind(ONE_HOT, {}).loss.shortcuts[0].holds
    sound = {"y": (0.0, 1.0), "p": (0.5, 0.5), "from_logits": False, "label_smoothing": 0.0, "epsilon": 1e-7}
    assert holds(**sound)
    assert not holds(**sound | {"y": labels})
    for name, value in (("label_smoothing", 0.1), ("epsilon", 0.0), ("p", (0.5, math.nan)), ("p", (math.inf, 0.0))):
        assert not holds(**sound | {name: value})
    assert holds(**sound | {"from_logits": True, "p": (math.inf, 0.0)})
