"""Every declared loss: documented, with two examples that hold, printable and parseable."""

from __future__ import annotations

import doctest
import importlib
import math

import pytest

from lossctl.catalogue.declare import Loss
from lossctl.catalogue.domain import Interval
from lossctl.catalogue.registry import FAMILIES, all_losses, find, named_losses, names
from lossctl.catalogue.spec import bind, bind_all
from lossctl.errors import UsageError
from tests.draws import other_value

LOSSES = all_losses()


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_a_loss_is_documented_with_examples(loss: Loss) -> None:
    examples = doctest.DocTestFinder().find(loss.function, loss.name, globs={})[0].examples
    assert len(examples) >= 2
    assert loss.formula
    assert loss.source
    assert loss.summary.endswith((".", "."))


@pytest.mark.parametrize("family", [*FAMILIES, "arithmetic", "domain"])
def test_the_examples_hold(family: str) -> None:
    assert doctest.testmod(importlib.import_module(f"lossctl.catalogue.{family}")).failed == 0


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_a_spec_prints_back_as_itself(loss: Loss) -> None:
    plain = bind(loss.name, {})
    assert str(plain) == loss.name
    for option in (o for o in loss.options if not o.param.ahead):
        other = other_value(option)
        assert other is not None
        bound = bind(f"{loss.name}:{option.name}={other}", {})
        assert bind(str(bound), {}) == bound
        assert bound != plain


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_an_option_outside_its_range_is_refused(loss: Loss) -> None:
    for option in loss.options:
        within = option.param.within
        wrong = [within.low - 1, within.high + 1]
        for value in (v for v in wrong if math.isfinite(v)):
            with pytest.raises(UsageError, match="must be"):
                bind(f"{loss.name}:{option.name}={value}", {})


def test_aliases_resolve() -> None:
    short = {
        "mse": "mean_squared_error",
        "mae": "mean_absolute_error",
        "mape": "mean_absolute_percentage_error",
    }
    short |= {"msle": "mean_squared_logarithmic_error", "kld": "kl_divergence", "bce": "binary_crossentropy"}
    short |= {"cce": "categorical_crossentropy", "scce": "sparse_categorical_crossentropy"}
    assert {alias: find(alias).name for alias in short} == short
    spoken = [name for loss in [*LOSSES, *named_losses()] for name in (loss.name, *loss.aliases)]
    assert set(names()) == set(spoken)
    assert len(set(spoken)) == len(spoken)
    assert find("torch.nn.functional.huber_loss") is find("torch.HuberLoss") is find("TORCH.huberloss")
    assert find("tf.keras.losses.MSE").name == "keras.MeanSquaredError"
    assert find("tf.compat.v1.losses.log_loss").name == "tf1.log_loss"
    assert find("sklearn.metrics.log_loss").name == "sklearn.log_loss"


def test_the_name_wins_over_the_flag() -> None:
    assert bind("huber:delta=2", {"delta": 3.0}).options == {"delta": 2.0}
    assert bind("huber", {"delta": 3.0}).options == {"delta": 3.0}


def test_what_is_wrong_is_said_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="did you mean huber"):
        find("hubr")
    with pytest.raises(UsageError, match="did you mean delta"):
        bind("huber:dleta=2", {})
    with pytest.raises(UsageError, match="none of the chosen losses has it; it belongs to huber"):
        bind_all(["mse"], {"delta": 2.0})
    with pytest.raises(UsageError, match="twice"):
        bind_all(["mse", "mean_squared_error"], {})


def test_intervals_know_their_ends() -> None:
    assert 0.0 in Interval(0.0, 1.0)
    assert 0.0 not in Interval(0.0, 1.0, low_open=True)
    assert math.nan not in Interval()
    assert math.inf not in Interval()
    assert 1.5 not in Interval(whole=True)
