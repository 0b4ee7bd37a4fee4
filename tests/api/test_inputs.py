"""One data set in every dress that Python has for it: the same bits, and no copy where the layout allows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lossctl
from lossctl.api.inputs import inputs
from lossctl.errors import DataError, UsageError
from lossctl.evaluation.result import LossResult
from lossctl.readers.block import lay

ROWS, NAMES = 999, ("cat", "dog", "emu")
LOSSES = ("scce", "cce:label_smoothing=0.1")
_rng = np.random.default_rng(3)
LABELS = _rng.integers(0, 3, ROWS)
# sixteenths, which float16 holds too
PREDS = _rng.multinomial(14, [0.5, 0.3, 0.2], ROWS) / 16 + np.array([1, 1, 0]) / 16
WEIGHTS = _rng.integers(0, 40, ROWS) / 8
TEXTS = np.array(NAMES)[LABELS]
COLUMNS = {f"p_{name}": PREDS[:, k] for k, name in enumerate(NAMES)}
TABLE = pa.table({"label": LABELS, **COLUMNS, "w": WEIGHTS})
NAMED = TABLE.set_column(0, "label", pa.array(TEXTS.tolist()))
LISTS = pa.table({"label": LABELS, "p": pa.array(PREDS.tolist()), "w": WEIGHTS})
FIXED = pa.table({"label": LABELS, "p": pa.FixedSizeListArray.from_arrays(pa.array(PREDS.ravel()), 3), "w": WEIGHTS})
TENSOR = pa.table({"label": LABELS, "p": pa.FixedShapeTensorArray.from_numpy_ndarray(PREDS), "w": WEIGHTS})


def bits(*args: Any, **more: Any) -> tuple[LossResult, ...]:
    return lossctl.evaluate(*args, loss=LOSSES, **more).results


EXPECTED = bits(labels=LABELS, preds=PREDS, weights=WEIGHTS, threads=1)


def in_chunks(table: pa.Table) -> pa.Table:
    """Every column cut at rows of its own."""
    columns = {}
    for i, name in enumerate(table.column_names):
        cuts = [0, 1 + i, 100 + 7 * i, 100 + 7 * i, 500 + 31 * i, ROWS]
        flat = table[name].combine_chunks()
        columns[name] = pa.chunked_array([flat[a:b] for a, b in zip(cuts, cuts[1:], strict=False)])
    return pa.table(columns)


class Capsule:
    """Nothing but the Arrow PyCapsule interface."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


class OneBatch:
    """The same of a single batch."""

    def __init__(self, table: pa.Table) -> None:
        (self.batch,) = table.combine_chunks().to_batches()

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return self.batch.__arrow_c_array__(requested_schema)


def test_the_expected_number_is_right() -> None:
    mass = PREDS[np.arange(ROWS), LABELS] / PREDS.sum(axis=1)
    with np.errstate(divide="ignore"):
        losses = -np.log(np.maximum(mass, 1e-7))
    assert EXPECTED[0].value == pytest.approx(np.average(losses, weights=WEIGHTS), rel=1e-6)


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", ">f8", ">f4", "g", "O"])
def test_arrays_of_every_floating_type(dtype: str) -> None:
    assert bits(labels=LABELS, preds=PREDS.astype(dtype), weights=WEIGHTS.astype(dtype)) == EXPECTED


@pytest.mark.parametrize("dtype", ["i1", "u8", ">i4", "f4", "f2", "U", "S", "O"])
def test_labels_of_every_type(dtype: str) -> None:
    assert bits(labels=LABELS.astype(dtype), preds=PREDS, weights=WEIGHTS) == EXPECTED


def test_booleans_are_labels() -> None:
    assert bits(labels=LABELS == 1, preds=PREDS) == bits(labels=(LABELS == 1).astype(int), preds=PREDS)


def misaligned(array: np.ndarray) -> np.ndarray:
    """The same numbers at odd addresses."""
    room = np.empty(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    room[...] = array
    return room


def field(array: np.ndarray) -> Any:
    """The same numbers at strides that are no multiple of their size."""
    records = np.zeros(len(array), [("numbers", array.dtype, array.shape[1:]), ("more", "u1")])
    records["numbers"] = array
    return records["numbers"]


LAYOUTS: dict[str, Callable[[np.ndarray], Any]] = {
    "fortran": np.asfortranarray,
    "every other row": lambda a: np.repeat(a, 2, axis=0)[::2],
    "every other number": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim == 2 else np.repeat(a, 2)[::2],
    "backwards": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "misaligned": misaligned,
    "field of a record": field,
    "column vector": lambda a: a[:, None] if a.ndim == 1 else a,
    "list": lambda a: a.tolist(),
    "tuple": lambda a: tuple(map(tuple, a.tolist())) if a.ndim == 2 else tuple(a.tolist()),
    "memoryview": memoryview,
    "unmasked": np.ma.array,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_of_every_layout(layout: str) -> None:
    change = LAYOUTS[layout]
    assert bits(labels=change(LABELS), preds=change(PREDS), weights=change(WEIGHTS)) == EXPECTED


TABLES: dict[str, Callable[[pa.Table], Any]] = {
    "pandas": lambda t: t.to_pandas(),
    "pandas of nullable types": lambda t: t.to_pandas().convert_dtypes(dtype_backend="numpy_nullable"),
    "pandas of arrow types": lambda t: t.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas with an index of its own": lambda t: t.to_pandas().set_index(np.arange(ROWS)[::-1]),
    "pandas, sliced": lambda t: t.to_pandas().loc[lambda frame: frame.index.repeat(2)].iloc[::2],
    "polars": pl.from_arrow,
    "polars in chunks": lambda t: pl.concat([pl.from_arrow(t[:333]), pl.from_arrow(t[333:])], rechunk=False),
    "a table": lambda t: t,
    "a table in chunks": in_chunks,
    "a slice": lambda t: pa.concat_tables([t[:5], t]).combine_chunks()[5:],
    "a batch": lambda t: t.combine_chunks().to_batches()[0],
    "a reader": lambda t: t.to_reader(77),
    "a capsule": Capsule,
    "a capsule of a stream": lambda t: Capsule(t.to_reader(13)),
    "a capsule of a batch": OneBatch,
    "a dict of arrow columns": lambda t: {name: in_chunks(t)[name] for name in t.column_names},
    "a dict of polars series": lambda t: pl.from_arrow(t).to_dict(),
    "a dict of pandas series": lambda t: dict(t.to_pandas().items()),
    "a dict of lists": lambda t: t.to_pydict(),
}


@pytest.mark.parametrize("batch_size", [0, 10])
@pytest.mark.parametrize("dress", TABLES)
@pytest.mark.parametrize("table", [TABLE, NAMED, LISTS, FIXED], ids=["indices", "names", "lists", "fixed"])
def test_frames_and_tables(dress: str, table: pa.Table, batch_size: int) -> None:
    assert bits(TABLES[dress](table), weights="w", batch_size=batch_size) == EXPECTED


def test_a_dict_of_arrays_and_a_tensor_column() -> None:
    assert bits({"label": LABELS, "p": PREDS, "w": WEIGHTS}, weights="w") == EXPECTED
    assert bits({"label": LABELS, **COLUMNS, "w": WEIGHTS}, weights="w") == EXPECTED
    assert bits(TENSOR, weights="w") == EXPECTED
    assert bits({"label": TENSOR["label"], "p": TENSOR["p"], "w": WEIGHTS}, weights="w", batch_size=10) == EXPECTED


@pytest.mark.parametrize("dtype", ["object", "string", "category", "string[pyarrow]", "str"])
def test_names_in_pandas(dtype: str) -> None:
    frame = NAMED.to_pandas().astype({"label": dtype})
    assert bits(frame, weights="w") == EXPECTED
    assert bits(labels=frame["label"], preds=PREDS, weights=frame["w"], classes=NAMES) == EXPECTED


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["emu", "cat", "dog"])])
def test_names_in_polars(dtype: Any) -> None:
    frame = pl.from_arrow(NAMED).with_columns(pl.col("label").cast(dtype))  # type: ignore[union-attr]
    assert bits(frame, weights="w") == EXPECTED
    assert bits(labels=frame["label"], preds=PREDS, weights=frame["w"], classes=NAMES) == EXPECTED


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())], ids=str)
def test_names_in_arrow(kind: pa.DataType) -> None:
    labels = NAMED["label"].cast(kind)
    assert bits(NAMED.set_column(0, "label", labels), weights="w") == EXPECTED
    assert bits(labels=labels, preds=PREDS, weights=WEIGHTS, classes=NAMES) == EXPECTED


@pytest.mark.parametrize("texts", [TEXTS, TEXTS.astype("S"), TEXTS.astype(object), TEXTS.tolist()])
def test_names_in_arrays(texts: Any) -> None:
    assert bits(labels=texts, preds=PREDS, weights=WEIGHTS, classes=NAMES) == EXPECTED
    shuffled = [2, 0, 1]
    found = bits(labels=texts, preds=PREDS[:, shuffled], weights=WEIGHTS, classes=np.array(NAMES)[shuffled])
    assert found[0] == EXPECTED[0]


def test_numbers_may_name_classes() -> None:
    assert bits(labels=LABELS + 5, preds=PREDS, weights=WEIGHTS, classes=np.array([5, 6, 7])) == EXPECTED


FRAME = TABLE.to_pandas()
SHARED = {
    "pandas": (FRAME["label"], FRAME[list(COLUMNS)], FRAME["w"]),
    "polars": (lambda f: (f["label"], f.select(COLUMNS.keys()), f["w"]))(pl.from_arrow(TABLE)),
    "arrow": (TABLE["label"].combine_chunks(), FIXED["p"].combine_chunks(), TABLE["w"].combine_chunks()),
    "chunks": (in_chunks(TABLE)["label"], in_chunks(LISTS)["p"], in_chunks(TABLE)["w"]),
    "series of lists": (pd.Series(LABELS), pd.Series(PREDS.tolist()), pl.Series(WEIGHTS)),
    "series of arrays": (LABELS, pl.Series(PREDS, dtype=pl.Array(pl.Float64, 3)), WEIGHTS.tolist()),
    "all kinds": (pl.Series(LABELS), PREDS, pa.chunked_array([WEIGHTS[:500], WEIGHTS[500:]])),
}


@pytest.mark.parametrize("batch_size", [0, 10])
@pytest.mark.parametrize("kind", SHARED)
def test_series_and_columns_as_roles(kind: str, batch_size: int) -> None:
    labels, preds, weights = SHARED[kind]
    assert bits(labels=labels, preds=preds, weights=weights, batch_size=batch_size) == EXPECTED


def test_paths(tmp_path: Path) -> None:
    whole, first, rest = (tmp_path / f"{name}.parquet" for name in ("whole", "first", "rest"))
    pq.write_table(TABLE, whole, row_group_size=100)
    pq.write_table(TABLE[:300], first)
    pq.write_table(TABLE[300:], rest)
    arrays = {"labels": LABELS, "preds": PREDS, "weights": WEIGHTS}
    for role, array in arrays.items():
        np.save(tmp_path / f"{role}.npy", array)
    for data in (whole, str(whole), [whole], (first, str(rest)), [rest, first]):
        assert bits(data, weights="w") == EXPECTED
    assert bits(**{role: tmp_path / f"{role}.npy" for role in arrays}) == EXPECTED
    with pytest.raises(UsageError, match=r"labels: '.*labels.npy' is a name, but others are values"):
        bits(labels=tmp_path / "labels.npy", preds=PREDS)


@pytest.mark.parametrize("what", ["data", "labels"])
def test_a_lazy_frame_is_to_be_collected(what: str) -> None:
    lazy = pl.from_arrow(TABLE).lazy()  # type: ignore[union-attr]
    given = {"data": lazy} if what == "data" else {"labels": lazy, "preds": PREDS}
    with pytest.raises((UsageError, DataError), match=r"LazyFrame.*; call \.collect\(\) on it first$"):
        bits(**given)


def addresses(values: Any, width: int = 1) -> list[int]:
    """Where the blocks of one input read their numbers."""
    (source,), _ = inputs(None, {"preds": values}, again=False)
    assert not isinstance(source, str)
    chunks = [chunk for unit in source.units(0) for chunk in source.read(unit, ["preds"], 1 << 20)]
    blocks = [lay([chunk.values["preds"]]) for chunk in chunks]
    assert {block.width for block in blocks} == {width}
    return [place for block in blocks for place in block.addresses.tolist()]


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "u1"])
@pytest.mark.parametrize("layout", ["flat", "rows", "columns", "strided"])
def test_arrays_are_read_where_they_lie(dtype: str, layout: str) -> None:
    array = {
        "flat": np.ones(50, dtype),
        "rows": np.ones((50, 3), dtype),
        "columns": np.ones((50, 3), dtype, order="F"),
        "strided": np.ones((100, 6), dtype)[::2, ::2],
    }[layout]
    width = 1 if array.ndim == 1 else 3
    assert addresses(array, width) == [
        array[..., k : k + 1].ctypes.data if width > 1 else array.ctypes.data for k in range(width)
    ]


def test_columns_of_arrow_are_read_where_they_lie() -> None:
    numbers = np.arange(60.0)
    flat = pa.array(numbers)
    size = numbers.itemsize
    chunked = pa.chunked_array([flat[:7], flat[7:]])
    assert addresses(flat) == [numbers.ctypes.data]
    for series in (pd.Series(numbers), pl.Series(numbers)):
        assert addresses(series) == [series.to_numpy().ctypes.data]
    assert addresses(chunked) == [numbers.ctypes.data, numbers.ctypes.data + 7 * size]
    lists = pa.FixedSizeListArray.from_arrays(flat, 3)[2:]
    assert addresses(lists, 3) == [numbers.ctypes.data + (6 + k) * size for k in range(3)]
    mixed, _ = inputs({"label": numbers, "pred": chunked}, {}, again=False)
    assert not isinstance(mixed[0], str)
    (unit,) = mixed[0].units(0)
    (first, *_) = mixed[0].read(unit, ["pred"], 7)
    assert lay([first.values["pred"]]).addresses.tolist() == [numbers.ctypes.data]


GROWTH = """
import resource
import numpy as np
import lossctl

def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

lossctl.evaluate(labels=np.ones(100_000), preds=np.ones(100_000), loss="mse", threads=2)
labels, preds = np.ones(5_000_000), np.full(5_000_000, 3.0)
before = most()
assert lossctl.evaluate(labels=labels, preds=preds, loss="mse", threads=2).value == 4.0
assert lossctl.evaluate({"label": labels, "pred": preds}, loss="mse", threads=2).value == 4.0
print((most() - before) / (labels.nbytes + preds.nbytes))
"""


def test_a_large_array_is_not_copied() -> None:
    done = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.2
