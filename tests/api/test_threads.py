"""Called from several threads at once: every call gives the bits that it gives alone."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lossctl
from tests.api.conftest import declared

AT_ONCE = 8
_rng = np.random.default_rng(5)
LABELS, PREDS = _rng.integers(0, 3, 20_000), _rng.dirichlet(np.ones(3), 20_000)
NUMBERS = {"labels": PREDS[:, 0], "preds": PREDS[:, 1]}
CLASSES = {"labels": LABELS, "preds": PREDS}


def at_once(work: Callable[[int], Any], count: int = AT_ONCE) -> list[Any]:
    """What a function gives for 0, 1, ... in threads that start together."""
    found: list[Any] = [None] * count
    start = threading.Barrier(count)

    def run(k: int) -> None:
        start.wait()
        try:
            found[k] = work(k)
        except BaseException as error:
            found[k] = error

    threads = [threading.Thread(target=run, args=(k,)) for k in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


CALLS = [
    *({**CLASSES, "loss": loss} for loss in ("scce", "cce", "brier_score", "sklearn.log_loss")),
    *({**NUMBERS, "loss": loss} for loss in ("mse", "huber:delta=0.1", "median_absolute_error", "rmse")),
]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_and_other_losses(threads: int) -> None:
    def work(k: int) -> list[Any]:
        order = random.Random(k).sample(CALLS, len(CALLS)) + [CALLS[0]] * 3
        return sorted(repr(lossctl.evaluate(**call, threads=threads, batch_size=1000 + k).results) for call in order)

    assert at_once(work) == [work(0)] * AT_ONCE


def test_a_metric_and_a_result_may_be_shared() -> None:
    metric = lossctl.metric("huber", delta=0.1)
    expected = metric(NUMBERS["labels"], NUMBERS["preds"])
    assert at_once(lambda k: metric(NUMBERS["labels"], NUMBERS["preds"])) == [expected] * AT_ONCE
    found = lossctl.evaluate(**NUMBERS, loss="mae")
    rows = np.abs(NUMBERS["labels"] - NUMBERS["preds"])
    assert all(np.array_equal(one, rows) for one in at_once(lambda k: found.per_row))


@pytest.mark.usefixtures("_kernels_go")
def test_losses_are_declared_and_compiled_while_others_run() -> None:
    once = random.random()

    def work(k: int) -> tuple[float, str]:
        own = declared(f"own_of_thread_{k}", f"{once} * abs(y - p) + {k}")
        value = lossctl.evaluate(**NUMBERS, loss=own).value
        return value, repr(lossctl.evaluate(**CALLS[k]).results)

    found = at_once(work)
    errors = np.abs(NUMBERS["labels"] - NUMBERS["preds"])
    for k, (value, others) in enumerate(found):
        assert value == pytest.approx(float(np.mean(once * errors + k)), rel=1e-12)
        assert value == lossctl.evaluate(**NUMBERS, loss=f"own_of_thread_{k}", threads=1).value
        assert others == repr(lossctl.evaluate(**CALLS[k]).results)


@pytest.mark.usefixtures("_kernels_go")
def test_one_new_loss_is_compiled_once_for_all() -> None:
    own = declared("own_of_all", f"{random.random()} + y * p")
    values = at_once(lambda k: lossctl.evaluate(**NUMBERS, loss=own).value)
    assert values == [lossctl.evaluate(**NUMBERS, loss=own, threads=1).value] * AT_ONCE
