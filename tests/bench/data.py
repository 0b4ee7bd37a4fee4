"""Make the files that the tasks read, each in one step: 1.4 GB at full scale.

Run as a process of its own: what it holds in memory would otherwise count in the peaks of the processes measured.

    python -m tests.bench.data FOLDER SCALE FILE...
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Writer: TypeAlias = Callable[[Path], None]

CLASSES = 10
MANY_CLASSES = 100
LARGE_GROUP, GROUP = 1_000_000, 100_000
ROWS = {
    "tiny.csv": 1_000,
    "bin.csv": 5_000_000,
    "bin.parquet": 20_000_000,
    "wide10.csv": 500_000,
    "wide10.parquet": 3_000_000,
    "onehot10.parquet": 3_000_000,
    "fsl100.parquet": 1_000_000,
    "l100_z.npy": 1_000_000,
    "l100_y.npy": 1_000_000,
}


class OtherFileError(Exception):
    """A file of that name is there, and is another one."""


def main(folder: Path, scale: float, names: list[str]) -> None:
    """Make those of the files that are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {name for name in map(original, names) if not is_made(folder / name, scaled(name, scale))}
    for make in (binary, ten_classes, hundred_classes):
        for name, write in make(wanted, scale):
            if name in wanted:
                print(f"making {name}", file=sys.stderr)
                in_one_step(folder / name, write)
    for name in names:
        if original(name) != name:
            again(folder / original(name), folder / name)


def original(name: str) -> str:
    """The file whose copy a name in a subfolder is: bin10x/3.parquet is bin.parquet again."""
    return name if "/" not in name else "bin.parquet"


def scaled(name: str, scale: float) -> int:
    """A file's rows; the small one stays as it is."""
    return ROWS[name] if name == "tiny.csv" else max(1, round(ROWS[name] * scale))


def is_made(path: Path, rows: int) -> bool:
    """Whether the file is there, with the rows that it should have."""
    if not path.exists():
        return False
    if (found := rows_of(path)) != rows:
        raise OtherFileError(f"{path} has {found:,} rows, not {rows:,}: give another --data or --scale")
    return True


def rows_of(path: Path) -> int:
    """How many rows a file has, without reading its numbers."""
    if path.suffix == ".parquet":
        return int(pq.read_metadata(path).num_rows)
    if path.suffix == ".npy":
        return len(np.load(path, mmap_mode="r"))
    with path.open("rb") as file:
        return sum(part.count(b"\n") for part in iter(partial(file.read, 1 << 20), b"")) - 1


def in_one_step(path: Path, write: Writer) -> None:
    """A file appears whole, or not at all."""
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        write(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def again(source: Path, path: Path) -> None:
    """The same file by another name."""
    if path.exists() and path.samefile(source):
        return
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.hardlink_to(source)


def binary(wanted: set[str], scale: float) -> Iterator[tuple[str, Writer]]:
    """0/1 labels and probabilities; the CSV files are its first rows."""
    names = ("bin.parquet", "bin.csv", "tiny.csv")
    if wanted.isdisjoint(names):
        return
    rng = np.random.default_rng(1)
    # the CSV's rows do not hang on which files are wanted
    rows = max(scaled(name, scale) for name in names)
    labels = (rng.random(rows) < 0.3).astype(np.int8)
    table = pa.table({"y": labels, "p": rng.beta(2, 3, rows).astype(np.float32)})
    yield "bin.parquet", parquet(table.slice(0, scaled("bin.parquet", scale)), LARGE_GROUP)
    for name in names[1:]:
        yield name, csv(table.slice(0, scaled(name, scale)))


def ten_classes(wanted: set[str], scale: float) -> Iterator[tuple[str, Writer]]:
    """Probabilities of ten classes in a column each, with the label as an index and as ten columns."""
    names = ("wide10.parquet", "wide10.csv", "onehot10.parquet")
    if wanted.isdisjoint(names):
        return
    rng = np.random.default_rng(2)
    rows = scaled("wide10.parquet", scale)
    probs = softmax(rng.standard_normal((rows, CLASSES), np.float32))
    labels = rng.integers(0, CLASSES, rows)
    columns = numbered("p", probs)
    table = pa.table({"label": labels, **columns})
    yield "wide10.parquet", parquet(table, GROUP)
    yield "wide10.csv", csv(table.slice(0, scaled("wide10.csv", scale)))
    hot = numbered("y", labels[:, None] == np.arange(CLASSES))
    yield "onehot10.parquet", parquet(pa.table({**hot, **columns}), GROUP)


def hundred_classes(wanted: set[str], scale: float) -> Iterator[tuple[str, Writer]]:
    """Logits of a hundred classes, as one column of lists and as an array."""
    names = ("fsl100.parquet", "l100_z.npy", "l100_y.npy")
    if wanted.isdisjoint(names):
        return
    rng = np.random.default_rng(3)
    rows = scaled("fsl100.parquet", scale)
    logits = rng.standard_normal((rows, MANY_CLASSES), np.float32)
    labels = rng.integers(0, MANY_CLASSES, rows, np.int32)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(logits.reshape(-1)), MANY_CLASSES)
    yield "fsl100.parquet", parquet(pa.table({"label": labels, "logits": lists}), GROUP)
    yield "l100_z.npy", lambda path: np.save(path, logits)
    yield "l100_y.npy", lambda path: np.save(path, labels)


def softmax(logits: Array) -> Array:
    """Rows of probabilities."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs: Array = powers / powers.sum(axis=1, keepdims=True)
    return probs


def numbered(prefix: str, matrix: Array) -> dict[str, Array]:
    """A matrix's columns by name; flags become int8."""
    plain = matrix.astype(np.int8) if matrix.dtype == bool else matrix
    return {f"{prefix}{k}": np.ascontiguousarray(plain[:, k]) for k in range(plain.shape[1])}


def parquet(table: pa.Table, group: int) -> Writer:
    """How a table becomes Parquet."""
    return lambda path: pq.write_table(table, path, row_group_size=group)


def csv(table: pa.Table) -> Writer:
    """How a table becomes CSV."""
    return lambda path: pa.csv.write_csv(table, path)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
    except (OtherFileError, OSError) as error:
        sys.exit(f"bench: {error}")
