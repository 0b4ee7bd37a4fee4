"""Streams of record batches: read once, as they come, and kept only by a call that needs their rows again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pyarrow as pa
import pytest

import lossctl
from lossctl.errors import DataError, UsageError

TABLE = pa.table({"label": [0, 1, 1, 0], "prob": [0.5, 0.75, 0.25, 0.125], "id": ["a", "b", "c", "d"]})
VECTORS = [[1.0, 0.0], None, [0.0, 1.0], [0.5, 0.5]]
LISTS = pa.table({"label": VECTORS, "pred": VECTORS})


def stream(table: pa.Table = TABLE, rows: int = 1) -> pa.RecordBatchReader:
    return table.to_reader(rows)


@pytest.mark.parametrize("loss", ["bce", "brier_score", "root_mean_squared_error", "median_absolute_error", "hinge"])
def test_a_stream_gives_what_the_table_gives(loss: str) -> None:
    assert lossctl.evaluate(stream(), loss=loss).results == lossctl.evaluate(TABLE, loss=loss).results


def test_it_is_read_once_and_batch_by_batch() -> None:
    made = []

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in TABLE.to_batches(max_chunksize=1):
            made.append(batch)
            yield batch

    reader = pa.RecordBatchReader.from_batches(TABLE.schema, batches())
    assert lossctl.evaluate(reader, loss="bce").rows.read == len(made) == 4
    assert lossctl.evaluate(reader, loss="bce", on_empty="zero").rows.read == 0


def test_its_rows_are_spent_unless_the_call_keeps_them() -> None:
    with pytest.raises(UsageError, match='the stream was read to its end; reduction="none" keeps its rows'):
        _ = lossctl.evaluate(stream(), loss="mae").per_row
    kept = lossctl.evaluate(stream(), loss="mae", reduction="none", ids=["id"])
    assert kept.per_row.tolist() == [0.5, 0.25, 0.75, 0.125]
    assert kept.row_table()["id"].to_pylist() == ["a", "b", "c", "d"]


def test_its_dropped_rows_can_be_kept() -> None:
    table = TABLE.set_column(1, "prob", pa.array([0.5, None, 2.0, 0.125]))
    found = lossctl.evaluate(stream(table), loss="bce", on_bad="drop", keep_dropped=True)
    (*pieces,) = found.dropped_rows()
    assert [row for piece in pieces for row in piece["id"].to_pylist()] == ["b", "c"]
    assert found.rows.dropped == {"null_pred": 1, "probability_out_of_range": 1}


@pytest.mark.parametrize("rows", [1, 2, 4])
@pytest.mark.parametrize("table", [LISTS, LISTS[1:], LISTS[1:2], LISTS[:0]], ids=["all", "null first", "null", "none"])
def test_the_length_of_lists_is_told_by_the_rows(table: pa.Table, rows: int) -> None:
    def account(data: object) -> tuple[object, ...]:
        found = lossctl.evaluate(data, loss="mse", on_bad="drop", on_empty="zero")
        return found.results, found.rows

    assert account(stream(table, rows)) == account(table)


def test_lists_of_another_length_are_refused() -> None:
    uneven = pa.table({"label": [[1.0, 0.0], [1.0]], "pred": [[1.0, 0.0], [1.0]]})
    with pytest.raises(DataError, match="lists of 1 numbers behind lists of 2"):
        lossctl.evaluate(stream(uneven), loss="mse")


@pytest.mark.parametrize(
    "error", [ValueError("no more\nof it"), OSError("no more"), KeyError("no more"), pa.ArrowInvalid("no more")]
)
@pytest.mark.parametrize("reduction", [None, "none"])
def test_a_stream_that_breaks_is_told(error: Exception, reduction: str | None) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield from TABLE.to_batches()
        raise error

    reader = pa.RecordBatchReader.from_batches(TABLE.schema, batches())
    with pytest.raises(DataError, match=r"^data: .*no more.?$"):
        lossctl.evaluate(reader, loss="mse", reduction=reduction)


GROWTH = """
import resource, sys
import numpy as np
import pyarrow as pa
import lossctl

def batches(count, rows=50_000):
    for i in range(count):
        numbers = np.full(3 * rows, float(i))
        lists = pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * 3), pa.array(numbers))
        yield pa.record_batch({"label": lists, "pred": lists})

def most(count):
    schema = next(batches(1)).schema
    found = lossctl.evaluate(pa.RecordBatchReader.from_batches(schema, batches(count)), loss="mse")
    assert (found.value, found.rows.read) == (0.0, 50_000 * count)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

before = most(5)
print(most(100) - before)
"""


def test_a_long_stream_takes_no_more_memory_than_a_short_one() -> None:
    # it holds 240 MB
    done = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 40
