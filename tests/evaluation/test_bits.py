"""The same bits for any threads, batches, row groups, splits, file order and format."""

from __future__ import annotations

import pickle
import random
from functools import reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from lossctl.audit.moments import LossPartial
from lossctl.catalogue.registry import all_losses
from lossctl.catalogue.spec import bind
from lossctl.evaluation.partial import Partial
from lossctl.evaluation.request import Request
from lossctl.evaluation.result import LossResult
from lossctl.evaluation.run import prepare, run
from lossctl.evaluation.work import evaluate_unit

ROWS = 5000
LOSSES = tuple(bind(name, {}) for name in ("cce", "kld", "categorical_hinge", "cosine_similarity", "bce", "poisson"))


@pytest.fixture(scope="module")
def table() -> pa.Table:
    rng = np.random.default_rng(8)
    preds, labels = rng.dirichlet(np.ones(5), ROWS), rng.dirichlet(np.ones(5), ROWS)
    preds = np.round(preds, 12)
    columns = {f"y{k}": labels[:, k] for k in range(5)} | {f"p{k}": preds[:, k] for k in range(5)}
    return pa.table({**columns, "w": rng.exponential(size=ROWS) * 10.0 ** rng.integers(-9, 9, ROWS)})


def results(files: list[Path], **more: object) -> tuple[LossResult, ...]:
    roles = {"labels": "y?", "preds": "p?", "weights": "w"}
    request = Request(tuple(map(str, files)), LOSSES, roles, **more)
    return run(request).report().results


@pytest.fixture(scope="module")
def whole(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bits") / "whole.parquet"
    pq.write_table(table, path, row_group_size=700)
    return path


@pytest.fixture(scope="module")
def expected(whole: Path) -> tuple[LossResult, ...]:
    return results([whole], threads=1)


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize("batch", [1, 13, 1000, 100_000])
def test_threads_and_batches(whole: Path, expected: object, threads: int, batch: int) -> None:
    if batch == 1 and threads > 1:
        batch = 2
    assert results([whole], threads=threads, batch_rows=batch) == expected


@pytest.mark.parametrize("size", [1, 100, ROWS])
def test_row_groups(table: pa.Table, expected: object, tmp_path: Path, size: int) -> None:
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=size)
    assert results([tmp_path / "t.parquet"]) == expected


def test_files_in_any_order(table: pa.Table, expected: object, tmp_path: Path) -> None:
    paths = []
    for i, (start, stop) in enumerate([(0, 10), (10, 3001), (3001, ROWS)]):
        paths.append(tmp_path / f"{i}.parquet")
        pq.write_table(table.slice(start, stop - start), paths[-1])
    assert results(paths) == expected
    assert results(paths[::-1], threads=2) == expected


def test_formats(table: pa.Table, expected: object, tmp_path: Path) -> None:
    pa.csv.write_csv(table, tmp_path / "t.csv")
    assert results([tmp_path / "t.csv"]) == expected
    np.savez(tmp_path / "t.npz", **{name: table[name].to_numpy() for name in table.column_names})
    assert results([tmp_path / "t.npz"]) == expected
    roles = {}
    for role, names in (("labels", "y"), ("preds", "p")):
        roles[role] = str(tmp_path / f"{names}.npy")
        np.save(roles[role], np.column_stack([table[f"{names}{k}"].to_numpy() for k in range(5)]))
    np.save(tmp_path / "w.npy", table["w"].to_numpy())
    roles["weights"] = str(tmp_path / "w.npy")
    assert run(Request((), LOSSES, roles)).report().results == expected


def test_partials_pickle_and_merge_in_any_order(whole: Path) -> None:
    request = Request((str(whole),), LOSSES, {"labels": "y?", "preds": "p?", "weights": "w"}, batch_rows=100)
    made = prepare(request)
    job = pickle.loads(pickle.dumps(made.job))
    partials = [pickle.loads(pickle.dumps(evaluate_unit((job,), unit)[0])) for unit in made.units]
    orders = [partials, partials[::-1], random.Random(0).sample(partials, len(partials))]
    merged = [reduce(Partial.merge, order) for order in orders]
    assert all(m.losses == merged[0].losses for m in merged)
    empty = Partial(losses=tuple(LossPartial() for _ in LOSSES))
    assert empty.merge(merged[0]) == merged[0] == merged[0].merge(empty)


def test_the_plain_names_cover_the_catalogue() -> None:
    assert len(all_losses()) >= 15
