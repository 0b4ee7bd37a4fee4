"""What other guards would give is what a run with them gives, to the bit, for any cut into blocks."""

from __future__ import annotations

import math
import pickle
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossctl.audit.moments import LossPartial
from lossctl.audit.sums import Sums
from lossctl.catalogue.spec import bind
from lossctl.evaluation.clip import GUARDS, ClipPart, ClipTally, can_clip
from lossctl.evaluation.partial import Look
from lossctl.evaluation.run import prepare, run
from lossctl.evaluation.settled import Settled
from lossctl.evaluation.work import buffers, judged_blocks
from lossctl.kernels.exactsum import ratio
from tests.evaluating import request_for

EVERY = (0.0, *GUARDS)
EDGES = np.array([0.0, 1e-300, 1e-16, 3e-15, 1e-12, 2e-10, 1e-8, 1e-7, 3e-6, 1e-5, 2e-4, 1e-3, 2e-3, 0.3, 0.5])
BINARY = (
    *("binary_crossentropy", "binary_crossentropy:epsilon=1e-5,label_smoothing=0.1", "binary_kl_divergence"),
    *("keras.binary_crossentropy", "binary_focal_crossentropy", "tf1.log_loss", "lightgbm.cross_entropy"),
)
VECTORS = ("categorical_crossentropy", "categorical_focal_crossentropy", "kl_divergence")
INDICES = ("sparse_categorical_crossentropy", "sklearn.log_loss", "keras.sparse_categorical_crossentropy")


def preds(rng: np.random.Generator, rows: int) -> np.ndarray:
    near = rng.choice(EDGES, rows)
    edge = np.where(rng.random(rows) < 0.5, near, 1.0 - near)
    return np.where(rng.random(rows) < 0.5, edge, rng.uniform(size=rows))


def arrays_for(call: str, rows: int = 700) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(len(call))
    if call in BINARY:
        return {"labels": rng.integers(0, 2, rows).astype(float), "preds": preds(rng, rows)}
    shares = rng.dirichlet(np.ones(3) * 0.05, rows)
    shares[rng.random(rows) < 0.2] = np.eye(3)[0]
    shares[:9] *= 0.5
    labels = rng.integers(0, 3, rows) if call in INDICES else np.eye(3)[rng.integers(0, 3, rows)]
    return {"labels": labels, "preds": shares}


def tallied(call: str, arrays: dict[str, np.ndarray], folder: Path, guards: Any, batch: int) -> tuple[Any, ...]:
    """The loss, its sums, and what its guard did, block by block."""
    made = prepare(request_for(call, {}, arrays, folder, batch_rows=batch))
    job, settled = made.job, made.job.losses[0]
    parts, sums = [], Sums()
    from lossctl.evaluation.frames import loss_rows

    for unit in made.units:
        tally = ClipTally(settled, job.one_hot, buffers(), guards)
        for judged in judged_blocks(job, unit):
            cell = settled.cells[0]
            for column in (None,) if cell.columns is None else cell.columns:
                losses = loss_rows(cell.core, judged.block, job.one_hot, buffers(), "losses", column)
                weights = judged.weights_of(settled, column)
                sums.add(losses, weights, judged.skipped)
                look = judged.verdict.looks["preds"]
                tally.add(judged.block, look, judged.skipped, losses, weights, column)
        parts.append(tally.flush())
    return settled, sums.flush(), reduce(ClipPart.merge, parts)


def mean(sums: LossPartial) -> float:
    if sums.nan or (sums.positive_infinity and sums.negative_infinity):
        return math.nan
    if sums.positive_infinity or sums.negative_infinity:
        return math.inf if sums.positive_infinity else -math.inf
    return ratio(sums.loss, sums.weight) if sums.weight else ratio(sums.loss, sums.rows << 1074)


def with_guard(settled: Settled, guard: float) -> str:
    core = settled.core
    sides = {"below_one": 0.0} if "below_one" in core.options else {}
    return core.replace(**{core.guard.name: guard, **sides})  # type: ignore[union-attr, return-value]


@pytest.mark.parametrize(("batch", "dtype"), [(700, "float64"), (64, "float64"), (700, "float32")])
@pytest.mark.parametrize("call", [*BINARY, *VECTORS, *INDICES])
def test_other_guards_give_what_a_run_with_them_gives(call: str, batch: int, dtype: str, tmp_path: Path) -> None:
    from lossctl.evaluation.frames import loss_rows

    arrays = arrays_for(call)
    arrays["preds"] = arrays["preds"].astype(dtype)
    settled, own, part = tallied(call, arrays, tmp_path, GUARDS, batch)
    made = prepare(request_for(call, {}, arrays, tmp_path))
    told = part.to_dict(settled, own, mean)
    assert {entry["guard"] for entry in told["at"]} >= set(EVERY)
    for entry in told["at"]:
        sums = Sums()
        guard = entry["guard"]
        core = settled.core if guard == settled.core.options["epsilon"] else with_guard(settled, guard)
        for unit in made.units:
            for judged in judged_blocks(made.job, unit):
                sums.add(loss_rows(core, judged.block, made.job.one_hot, buffers(), "x"), None, None)
        assert mean(sums.flush()) == entry["value"], guard
    assert told["at"] == sorted(told["at"], key=lambda entry: entry["guard"])
    assert len({entry["value"] for entry in told["at"]}) > 3
    assert pickle.loads(pickle.dumps(part)) == part


@pytest.mark.parametrize("call", ["binary_crossentropy", "tf1.log_loss", "categorical_crossentropy", "kl_divergence"])
def test_blocks_leave_no_trace(call: str, tmp_path: Path) -> None:
    arrays = arrays_for(call)
    arrays["weights"] = np.random.default_rng(0).choice([0.0, 0.3, 1e10], 700)
    _, own, whole = tallied(call, arrays, tmp_path, GUARDS, 700)
    for batch in (1, 33):
        assert tallied(call, arrays, tmp_path, GUARDS, batch)[1:] == (own, whole)
        # what is counted in every run is the same
        assert tallied(call, arrays, tmp_path, (), batch)[2] == whole._replace(changes=())
    guarded = run(request_for(call, {}, arrays, tmp_path, batch_rows=33)).partial.losses[0][0]
    assert (guarded.guarded, guarded.guarded_loss) == (whole.guarded, whole.guarded_loss)
    assert whole.guarded > 0


def test_several_outputs_count_one_by_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    arrays = {"labels": rng.integers(0, 2, (400, 3)).astype(float), "preds": preds(rng, 1200).reshape(400, 3)}
    settled, own, part = tallied("keras.binary_crossentropy", arrays, tmp_path, GUARDS, 50)
    flat = {name: array.reshape(-1) for name, array in arrays.items()}
    (tmp_path / "flat").mkdir()
    alone, sums, other = tallied("keras.binary_crossentropy", flat, tmp_path / "flat", GUARDS, 700)
    if settled.cells[0].columns is not None:
        assert (own, part) == (sums, other)
        assert part.to_dict(settled, own, mean) == other.to_dict(alone, sums, mean)
    else:
        values = [entry["value"] for entry in part.to_dict(settled, own, mean)["at"]]
        flat_values = [entry["value"] for entry in other.to_dict(alone, sums, mean)["at"]]
        assert values == pytest.approx(flat_values, rel=1e-12)


def test_a_pred_of_0_makes_the_bare_loss_infinite_and_others_finite(tmp_path: Path) -> None:
    arrays = {"labels": np.array([1.0, 0.0, 1.0]), "preds": np.array([0.0, 0.5, 1.0])}
    settled, own, part = tallied("bce", arrays, tmp_path, GUARDS, 700)
    told = part.to_dict(settled, own, mean)
    values = {entry["guard"]: entry["value"] for entry in told["at"]}
    assert values[0.0] == math.inf
    assert values[1e-7] == mean(own)
    assert list(values.values()) == sorted(values.values(), reverse=True)
    assert told["guarded"] == 1
    assert told["share"] == pytest.approx(-math.log(1e-7) / (math.log(2) - math.log(1e-7)), rel=1e-6)


def test_preds_that_stay_clear_cost_no_second_look(tmp_path: Path, monkeypatch: Any) -> None:
    from lossctl.evaluation import clip

    def refused(*_: Any) -> None:
        raise AssertionError("evaluated although no row is near")

    arrays = {"labels": np.array([1.0, 0.0]), "preds": np.array([0.2, 0.7])}
    settled, own, part = tallied("bce", arrays, tmp_path, GUARDS, 700)
    monkeypatch.setattr(clip, "loss_rows", refused)
    assert tallied("bce", arrays, tmp_path, GUARDS, 700)[2] == part
    assert {entry["value"] for entry in part.to_dict(settled, own, mean)["at"]} == {mean(own)}


def test_what_has_no_guard_cannot_clip() -> None:
    def answer(call: str, **more: Any) -> bool:
        core = bind(call, more)
        return can_clip(Settled(core, core, 1))

    assert answer("bce")
    assert not answer("bce", from_logits=True)
    assert not answer("bce:from_logits=true")
    assert not answer("mse")
    assert not answer("r2_score")


def test_a_look_decides_by_every_guard() -> None:
    core = bind("bce", {})
    for guards, clear in (((), True), (GUARDS, False)):
        tally = ClipTally(Settled(core, core, 1), False, buffers(), guards)
        assert tally._comes_near(Look(1e-4, 0.9)) is not clear
        assert tally._comes_near(Look(1e-8, 0.9))
        assert tally._comes_near(Look(0.1, 1.0))
        assert not tally._comes_near(Look(0.1, 0.9))
