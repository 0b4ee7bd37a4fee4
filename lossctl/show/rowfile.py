"""Rows as Parquet and NPY, whose heads or feet need what is known only at the end."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from lossctl.errors import DataError
from lossctl.evaluation.rows import LossRows
from lossctl.show.machine import encodable
from lossctl.show.rowcolumns import Names, columns_of

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS = 1 << 17


def write_parquet(rows: Iterator[LossRows], target: BinaryIO, names: Names) -> None:
    """Row groups of at least GROUP_ROWS, so that small chunks make no small groups."""
    import pyarrow.parquet as pq

    tables = (_table(chunk, names) for chunk in rows)
    first = next(tables, None)
    schema = _schema(first, names)
    with pq.ParquetWriter(target, schema) as writer:
        for table in _gathered(_alike(first, tables, schema)):
            writer.write_table(table, row_group_size=8 * GROUP_ROWS)


def _table(chunk: LossRows, names: Names) -> pa.Table:
    import numpy as np
    import pyarrow as pa

    # chunks are kept until a group is full, and theirs may be buffers that the next chunk overwrites
    kept = LossRows(chunk.file, np.array(chunk.row), {n: np.array(v) for n, v in chunk.losses.items()}, chunk.ids)
    path = names.path(chunk)
    columns = columns_of(kept, names)
    if path is None:
        return pa.table(columns)
    return pa.table({"file": pa.repeat(encodable(path), len(chunk.row)), **columns})


def _schema(first: pa.Table | None, names: Names) -> pa.Schema:
    """The first chunk's, text for an id column that tells no type."""
    import pyarrow as pa

    known = {"file": pa.string(), "row": pa.int64(), **dict.fromkeys(names.losses, pa.float64())}
    seen = {} if first is None else dict(zip(first.schema.names, first.schema.types, strict=True))
    types = {name: known.get(name) or seen.get(name, pa.string()) for name in names.columns}
    return pa.schema([(name, pa.string() if pa.types.is_null(t) else t) for name, t in types.items()])


def _alike(first: pa.Table | None, rest: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    import pyarrow as pa

    if first is not None:
        yield first.cast(schema)
    for table in rest:
        try:
            yield table.cast(schema)
        except pa.ArrowException as error:
            raise DataError(
                "an id column changes its type between inputs, which Parquet cannot hold; write csv or jsonl"
            ) from error


def _gathered(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    import pyarrow as pa

    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= GROUP_ROWS:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def write_npy(rows: Iterator[LossRows], target: BinaryIO, losses: tuple[str, ...]) -> None:
    """Float64, the number of rows patched into the head at the end."""
    import shutil
    import tempfile

    if _patchable(target):
        _write_patched(rows, target, losses)
        return
    with tempfile.TemporaryFile() as spool:
        _write_patched(rows, spool, losses)
        spool.seek(0)
        shutil.copyfileobj(spool, target, 1 << 20)


def _patchable(target: BinaryIO) -> bool:
    import fcntl
    import os

    if not target.seekable():
        return False
    try:
        # a file opened to append (`>> file`) writes at its end wherever one seeks
        return not fcntl.fcntl(target.fileno(), fcntl.F_GETFL) & os.O_APPEND
    except io.UnsupportedOperation:
        return True


def _write_patched(rows: Iterator[LossRows], target: BinaryIO, losses: tuple[str, ...]) -> None:
    import numpy as np

    start, count = target.tell(), 0
    target.write(_npy_head(0, len(losses)))
    for chunk in rows:
        values = np.stack([chunk.losses[name] for name in losses], axis=1).astype("<f8")
        target.write(values.tobytes())
        count += len(values)
    end = target.tell()
    target.seek(start)
    target.write(_npy_head(count, len(losses)))
    target.seek(end)


def _npy_head(rows: int, losses: int) -> bytes:
    """Of 128 bytes for any number of rows."""
    import numpy as np

    head = io.BytesIO()
    shape = (rows,) if losses == 1 else (rows, losses)
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return head.getvalue()
