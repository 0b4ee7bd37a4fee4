"""A result's digest is of the rows that were read, whatever form they come in; its signature says so in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import lossctl
from tests.written import predictions, write

LOSS = "sparse_categorical_crossentropy"
TABLE = predictions()
WHOLE = {"loss": LOSS, "weights": "weight"}


def digest(data: Any, **more: Any) -> str:
    return lossctl.evaluate(data, **{**WHOLE, **more}).signature.data


@pytest.fixture(scope="module")
def expected() -> str:
    return digest(TABLE)


@pytest.mark.parametrize("name", ["csv", "excel.csv", "jsonl.gz", "groups.parquet", "arrows", "orc", "npz", "hive"])
def test_formats_do_not_matter(name: str, expected: str, tmp_path: Path) -> None:
    assert digest(write(name, TABLE, tmp_path).words[0]) == expected


@pytest.mark.parametrize("name", ["lists.parquet", "tensors.arrow", "struct.jsonl"])
def test_lists_are_the_columns_that_they_hold(name: str, expected: str, tmp_path: Path) -> None:
    preds = "outputs.probs" if "struct" in name else "probs"
    assert digest(write(name, TABLE, tmp_path).words[0], preds=preds) == expected


@pytest.mark.parametrize("more", [{"threads": 1}, {"threads": 3, "batch_size": 7}, {"batch_size": 1}])
def test_threads_and_batches_do_not_matter(more: dict[str, int], expected: str) -> None:
    assert digest(TABLE, **more) == expected


def test_order_splits_and_row_numbers_do_not_matter(expected: str, tmp_path: Path) -> None:
    shuffled = TABLE.take(np.random.default_rng(0).permutation(TABLE.num_rows))
    assert digest(shuffled) == expected
    paths = [tmp_path / f"{i}" for i in range(3)]
    for path, (start, stop) in zip(paths, [(200, 300), (0, 1), (1, 200)], strict=True):
        path.mkdir()
        write("csv", TABLE.slice(start, stop - start), path)
    assert digest([str(path / "made.csv") for path in paths]) == expected


def test_what_a_loss_does_not_read_is_not_in_it(expected: str) -> None:
    assert digest(TABLE.append_column("more", pa.array(range(300)))) == expected
    assert digest(TABLE, weights=None) != expected


def test_any_one_value_changes_it(expected: str) -> None:
    for name in ("label", "p_1", "weight"):
        values = TABLE[name].to_numpy().copy()
        values[17] = (values[17] + 1) % 3 if name == "label" else values[17] / 2
        changed = TABLE.set_column(TABLE.column_names.index(name), name, pa.array(values))
        assert digest(changed) != expected


def test_dropped_rows_count_and_filtered_ones_do_not() -> None:
    rows = pa.table({"label": [0.0, 1.0, None, 1.0], "pred": [0.5, 0.5, 0.5, 7.0], "split": ["a", "a", "b", "b"]})
    call: dict[str, Any] = {"loss": "bce", "weights": None, "on_bad": "drop"}
    whole = digest(rows, **call)
    assert whole.startswith("4:")
    # a missing label is a NaN; which of the dropped rows holds what is told apart
    other = rows.set_column(1, "pred", pa.array([0.5, 0.5, 0.5, 8.0]))
    assert digest(other, **call) != whole
    assert digest(rows, **call, where="split == 'a'") == digest(rows.slice(0, 2), **call)
    assert digest(rows, **{**call, "on_bad": "keep"}) == whole


def test_joined_labels_are_in_it() -> None:
    preds, labels = pa.table({"id": [1, 2], "pred": [0.5, 1.0]}), pa.table({"id": [2, 1], "label": [3.0, 4.0]})
    beside = pa.table({"label": [4.0, 3.0], "pred": [0.5, 1.0]})
    call: dict[str, Any] = {"loss": "mae", "weights": None}
    assert digest(preds, **call, labels_from=labels, on="id") == digest(beside, **call)


def test_names_of_classes_are_their_numbers() -> None:
    preds = {"p_cat": [0.25, 0.5], "p_dog": [0.75, 0.5]}
    call: dict[str, Any] = {"loss": "scce", "weights": None}
    named = digest(pa.table({"label": ["dog", "cat"], **preds}), **call)
    assert named == digest(pa.table({"label": [1, 0], **preds}), **call)


def test_the_signature_says_what_was_done() -> None:
    rows = {"label": [1.0, 0.0], "pred": [0.5, 0.25]}
    found = lossctl.evaluate(rows, loss=["huber:delta=2", "bce"], on_bad="drop")
    sign = found.signature
    rows_read, _, bits = sign.data.partition(":")
    assert (rows_read, len(bits), sign.version, len(sign.recipe)) == ("2", 32, lossctl.__version__, 16)
    head, *parts = sign.text.split("|")
    assert head == f"lossctl {lossctl.__version__}"
    assert parts[0].startswith("huber:delta=2.0+binary_crossentropy:from_logits=False,")
    assert parts[1:] == ["mean", "on_bad:drop", "guard:1e-07", "rows:2", f"data:{bits}"]
    assert found.to_dict()["signature"] == sign._asdict()
    assert lossctl.evaluate(rows, loss="mae").signature.recipe != sign.recipe


def test_an_accumulator_has_the_digest_of_all_batches() -> None:
    one = lossctl.metric("mse").accumulator()
    one.update([1.0, 2.0], [1.0, 4.0]).update([0.0], [5.0])
    whole = lossctl.evaluate(labels=[0.0, 1.0, 2.0], preds=[5.0, 1.0, 4.0], loss="mse")
    assert one.report().to_dict()["signature"]["data"] == whole.signature.data
