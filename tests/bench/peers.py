"""What users would write instead of lossctl, and `arrow`, which only decodes: one tool, one task, one process.

python -m tests.bench.peers FOLDER TOOL TASK    prints the loss; arrow prints the rows
python -m tests.bench.peers --versions TOOL     prints the versions of what it imports, as JSON
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.tasks import TASKS

SMALL = 1e-7
CLASSES = range(10)
PROBS = [f"p{k}" for k in CLASSES]
HOT = [f"y{k}" for k in CLASSES]
IMPORTS = {
    "arrow": ("pyarrow", "numpy"),
    "polars": ("polars",),
    "duckdb": ("duckdb",),
    "torch": ("torch", "pyarrow", "numpy"),
    "sklearn": ("sklearn", "pandas", "pyarrow"),
}


def arrow(shape: str, paths: list[str]) -> int:
    """The rows, all decoded (or, of an array, all added up), with no loss computed."""
    if shape == "arrays":
        import numpy as np

        logits = np.load(paths[0], mmap_mode="r")
        logits.sum()
        return len(logits)
    if paths[0].endswith(".parquet"):
        return _decoded(paths)
    from pyarrow import csv

    return sum(csv.read_csv(path).num_rows for path in paths)


def _decoded(paths: list[str]) -> int:
    from concurrent.futures import ThreadPoolExecutor

    import pyarrow.parquet as pq

    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    footers = {path: pq.read_metadata(path) for path in paths}
    groups = [(path, k) for path, footer in footers.items() for k in range(footer.num_row_groups)]

    def share(first: int) -> int:
        open_files: dict[str, Any] = {}
        rows = 0
        for path, k in groups[first::threads]:
            if path not in open_files:
                open_files[path] = pq.ParquetFile(path, memory_map=True, pre_buffer=False, metadata=footers[path])
            batches = open_files[path].iter_batches(batch_size=1 << 14, row_groups=[k], use_threads=False)
            rows += sum(batch.num_rows for batch in batches)
        return rows

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(share, range(threads)))


def polars(shape: str, paths: list[str]) -> float:
    """A lazy query."""
    import polars as pl

    frame = pl.scan_parquet(paths) if paths[0].endswith(".parquet") else pl.scan_csv(paths)
    if shape == "binary":
        y, p = pl.col("y"), pl.col("p").clip(SMALL, 1 - SMALL)
        rows = -(y * p.log() + (1 - y) * (1 - p).log())
    elif shape == "index":
        picked = pl.coalesce(pl.when(pl.col("label") == k).then(PROBS[k]) for k in CLASSES)
        rows = -picked.clip(SMALL, 1).log()
    elif shape == "onehot":
        rows = -pl.sum_horizontal(pl.col(HOT[k]) * pl.col(PROBS[k]).clip(SMALL, 1).log() for k in CLASSES)
    else:
        logits = pl.col("logits").cast(pl.List(pl.Float32))
        mass = logits.list.eval((pl.element() - pl.element().max()).exp().sum()).list.first()
        rows = logits.list.max() + mass.log() - logits.list.get(pl.col("label"))
    return float(frame.select(rows.mean()).collect().item())


def duckdb(shape: str, paths: list[str]) -> float:
    """A query over the files."""
    import duckdb as db

    reader = "read_parquet" if paths[0].endswith(".parquet") else "read_csv"
    source = f"{reader}({paths})"
    if shape == "binary":
        rows = f"-(y * ln(greatest(p, {SMALL})) + (1 - y) * ln(greatest(1 - p, {SMALL})))"
    elif shape == "index":
        picked = " ".join(f"when {k} then p{k}" for k in CLASSES)
        rows = f"-ln(greatest(case label {picked} end, {SMALL}))"
    elif shape == "onehot":
        rows = "-(" + " + ".join(f"y{k} * ln(greatest(p{k}, {SMALL}))" for k in CLASSES) + ")"
    else:
        rows = "top + ln(list_sum(list_transform(z, lambda v: exp(v - top)))) - z[label + 1]"
        source = f"(select label, logits::float[] z, list_max(logits::float[]) top from {source})"
    return float(db.execute(f"select avg({rows}) from {source}").fetchall()[0][0])


def torch(shape: str, paths: list[str]) -> float:
    """Tensors of whole columns, and the functional losses; float64 where there is one column, as one would."""
    from torch.nn import functional

    y, p = _tensors(shape, paths)
    if shape == "binary":
        return float(functional.binary_cross_entropy(p.double(), y.double()))
    if shape == "index":
        return float(functional.nll_loss(p.clamp(SMALL, 1).log(), y.long()))
    if shape == "onehot":
        return float(-(y * p.clamp(SMALL, 1).log()).sum(1).mean())
    return float(functional.cross_entropy(p, y.long()))


def _tensors(shape: str, paths: list[str]) -> tuple[Any, Any]:
    """Labels and preds."""
    import numpy as np
    from torch import from_numpy

    if shape == "arrays":
        return from_numpy(np.load(paths[1])), from_numpy(np.load(paths[0], mmap_mode="c"))
    table = _table(paths[0])
    if shape == "logits":
        lists = table["logits"].combine_chunks()
        logits = lists.values.to_numpy().reshape(len(lists), -1)
        return from_numpy(table["label"].to_numpy().copy()), from_numpy(logits.copy())

    def side_by_side(names: list[str]) -> Any:
        columns = [table[name].to_numpy() for name in names]
        return from_numpy(np.stack(columns, axis=1) if len(columns) > 1 else columns[0].copy())

    labels = {"binary": ["y"], "index": ["label"], "onehot": HOT}[shape]
    return side_by_side(labels), side_by_side(["p"] if shape == "binary" else PROBS)


def _table(path: str) -> Any:
    if path.endswith(".parquet"):
        import pyarrow.parquet as pq

        return pq.read_table(path)
    from pyarrow import csv

    return csv.read_csv(path)


def sklearn(shape: str, paths: list[str]) -> float:
    """A data frame and `log_loss`."""
    import pandas as pd
    from sklearn.metrics import log_loss

    frame = pd.read_parquet(paths[0]) if paths[0].endswith(".parquet") else pd.read_csv(paths[0])
    if shape == "binary":
        return float(log_loss(frame["y"], frame["p"]))
    labels = frame["label"] if shape == "index" else frame[HOT].to_numpy().argmax(axis=1)
    return float(log_loss(labels, frame[PROBS]))


def versions(tool: str) -> dict[str, str]:
    """What a tool imports, imported: a library that is there but broken counts as not there."""
    from importlib import import_module

    return {name: str(import_module(name).__version__) for name in IMPORTS[tool]}


RUN: dict[str, Callable[[str, list[str]], float]] = {
    "arrow": arrow,
    "polars": polars,
    "duckdb": duckdb,
    "torch": torch,
    "sklearn": sklearn,
}


def main(words: list[str]) -> None:
    """Print what one tool says."""
    if words[0] == "--versions":
        import json

        print(json.dumps(versions(words[1])))
        return
    folder, tool, name = words
    task = TASKS[name]
    print(repr(RUN[tool](task.shape, task.paths(Path(folder)))))


if __name__ == "__main__":
    main(sys.argv[1:])
