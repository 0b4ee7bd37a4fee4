"""A table written in every format, layout and packing that lossctl reads."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.orc as orc
import pyarrow.parquet as pq

CLASSES = 3
PREDS = tuple(f"p_{k}" for k in range(CLASSES))


def predictions(rows: int = 300, seed: int = 6) -> pa.Table:
    """Labels, probabilities of three classes, weights and ids."""
    draw = np.random.default_rng(seed)
    # Excel's own library writes 16 digits
    probs = draw.dirichlet(np.ones(CLASSES), rows).round(12)
    columns = {
        "label": draw.integers(0, CLASSES, rows),
        **{name: probs[:, k] for k, name in enumerate(PREDS)},
        "weight": draw.random(rows).round(12),
        "id": [f"row {i}" for i in range(rows)],
    }
    return pa.table(columns)


class Written(NamedTuple):
    """A table on disk: the words that name it on the command line, and one of its files."""

    words: tuple[str, ...]
    path: Path


def _alone(path: Path) -> Written:
    return Written((str(path),), path)


def _bytes(path: Path, data: bytes) -> Written:
    path.write_bytes(data)
    return _alone(path)


def text(table: pa.Table, delimiter: str = ",", decimal: str = ".", end: str = "\n") -> str:
    """The table as delimited text."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    writer.writerow(table.column_names)
    for row in zip(*(table[name].to_pylist() for name in table.column_names), strict=True):
        writer.writerow(
            [
                "" if v is None else repr(v).replace(".", decimal) if isinstance(v, float) and decimal != "." else v
                for v in row
            ]
        )
    return out.getvalue()


def lines(table: pa.Table) -> bytes:
    """The table as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in table.to_pylist()).encode()


def with_lists(table: pa.Table, fixed: bool) -> pa.Table:
    """The preds as one column of lists."""
    matrix = np.column_stack([table[name].to_numpy() for name in PREDS])
    flat = pa.array(matrix.reshape(-1))
    starts = pa.array(np.arange(0, len(flat) + 1, CLASSES), pa.int32())
    lists = pa.FixedSizeListArray.from_arrays(flat, CLASSES) if fixed else pa.ListArray.from_arrays(starts, flat)
    return table.drop_columns(PREDS).append_column("probs", lists)


def with_tensors(table: pa.Table) -> pa.Table:
    """The preds as one column of fixed-shape tensors."""
    matrix = np.column_stack([table[name].to_numpy() for name in PREDS])
    return table.drop_columns(PREDS).append_column("probs", pa.FixedShapeTensorArray.from_numpy_ndarray(matrix))


def with_struct(table: pa.Table) -> pa.Table:
    """The preds inside a struct."""
    lists = with_lists(table, fixed=True)
    inner = pa.StructArray.from_arrays([lists["probs"].combine_chunks()], ["probs"])
    return table.drop_columns(PREDS).append_column("outputs", inner)


def _parquet(table: pa.Table, path: Path, **how: object) -> Written:
    pq.write_table(table, path, **how)
    return _alone(path)


def _arrow(table: pa.Table, path: Path, stream: bool, packing: str | None = None, rows: int = 50) -> Written:
    make = ipc.new_stream if stream else ipc.new_file
    with (
        pa.OSFile(str(path), "wb") as file,
        make(file, table.schema, options=ipc.IpcWriteOptions(compression=packing)) as out,
    ):
        out.write_table(table, max_chunksize=rows)
    return _alone(path)


def _orc(table: pa.Table, path: Path) -> Written:
    orc.write_table(table, str(path), stripe_size=4096)
    return _alone(path)


def _npz(table: pa.Table, path: Path) -> Written:
    columns = {name: np.asarray(table[name].to_pylist()) for name in table.column_names}
    np.savez(path, **columns)
    return _alone(path)


def _npy(table: pa.Table, path: Path) -> Written:
    labels = path.with_name("y.npy")
    np.save(labels, table["label"].to_numpy())
    np.save(path, np.column_stack([table[name].to_numpy() for name in PREDS]))
    return Written(("-y", str(labels), "-p", str(path)), path)


def _safetensors(table: pa.Table, path: Path) -> Written:
    names = {"int64": "I64", "double": "F64"}
    header, data = {}, b""
    for name in table.column_names:
        kind = names.get(str(table.schema.field(name).type))
        if kind is None:
            continue
        raw = table[name].to_numpy().tobytes()
        header[name] = {"dtype": kind, "shape": [table.num_rows], "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    told = json.dumps(header).encode()
    told += b" " * (-len(told) % 8)
    return _bytes(path, len(told).to_bytes(8, "little") + told + data)


def _xlsx(table: pa.Table, path: Path) -> Written:
    table.to_pandas().to_excel(path, index=False)
    return _alone(path)


def _hive(table: pa.Table, path: Path) -> Written:
    third = -(-table.num_rows // 3)
    for i, key in enumerate(("a", "b", "c")):
        (path / f"part={key}").mkdir(parents=True)
        pq.write_table(table.slice(i * third, third), path / f"part={key}" / "part-0.parquet", row_group_size=40)
    return Written((str(path),), path / "part=b" / "part-0.parquet")


def _datasets(table: pa.Table, path: Path) -> Written:
    """As Hugging Face's datasets save it."""
    half = -(-table.num_rows // 2)
    path.mkdir()
    names = [f"data-0000{i}-of-00002.arrow" for i in range(2)]
    for i, name in enumerate(names):
        _arrow(table.slice(i * half, half), path / name, stream=True)
    (path / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (path / "dataset_info.json").write_text("{}")
    return Written((str(path),), path / names[0])


def by_arrow(codec: str) -> Callable[[bytes], bytes]:
    """What packs some bytes with a codec of Arrow's."""

    def pack(data: bytes) -> bytes:
        out = pa.BufferOutputStream()
        with pa.CompressedOutputStream(out, codec) as stream:
            stream.write(data)
        return bytes(out.getvalue())

    return pack


PACKERS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": by_arrow("zstd"),
    "lz4": by_arrow("lz4"),
}


Writer = Callable[[pa.Table, Path], Written]
# by a name that is the file's own suffix up to the first point
WRITERS: dict[str, Writer] = {
    "csv": lambda t, p: _bytes(p, text(t).encode()),
    "tsv": lambda t, p: _bytes(p, text(t, "\t").encode()),
    "semicolon.csv": lambda t, p: _bytes(p, text(t, ";").encode()),
    "excel.csv": lambda t, p: _bytes(p, b"\xef\xbb\xbf" + text(t, ";", ",", "\r\n").encode()),
    "unicode.txt": lambda t, p: _bytes(p, text(t, "\t", end="\r\n").encode("utf-16")),
    "jsonl": lambda t, p: _bytes(p, lines(t)),
    "lists.jsonl": lambda t, p: _bytes(p, lines(with_lists(t, fixed=False))),
    "struct.jsonl": lambda t, p: _bytes(p, lines(with_struct(t))),
    **{f"csv.{s}": lambda t, p, s=s: _bytes(p, PACKERS[s](text(t).encode())) for s in PACKERS},  # type: ignore[misc]
    **{f"jsonl.{s}": lambda t, p, s=s: _bytes(p, PACKERS[s](lines(t))) for s in PACKERS},  # type: ignore[misc]
    "parquet": lambda t, p: _parquet(t, p),
    "groups.parquet": lambda t, p: _parquet(t, p, row_group_size=37, compression="zstd", use_dictionary=False),
    "fixed.parquet": lambda t, p: _parquet(with_lists(t, fixed=True), p),
    "lists.parquet": lambda t, p: _parquet(with_lists(t, fixed=False), p),
    "tensors.parquet": lambda t, p: _parquet(with_tensors(t), p),
    "struct.parquet": lambda t, p: _parquet(with_struct(t), p, row_group_size=80),
    "arrow": lambda t, p: _arrow(t, p, stream=False),
    "lz4.arrow": lambda t, p: _arrow(t, p, stream=False, packing="lz4"),
    "lists.feather": lambda t, p: _arrow(with_lists(t, fixed=False), p, stream=False),
    "tensors.arrow": lambda t, p: _arrow(with_tensors(t), p, stream=False),
    "struct.arrow": lambda t, p: _arrow(with_struct(t), p, stream=False),
    "arrows": lambda t, p: _arrow(t, p, stream=True),
    "zstd.arrows": lambda t, p: _arrow(t, p, stream=True, packing="zstd"),
    "orc": _orc,
    "npy": _npy,
    "npz": _npz,
    "safetensors": _safetensors,
    "xlsx": _xlsx,
    "hive": _hive,
    "datasets": _datasets,
}


def write(name: str, table: pa.Table, folder: Path) -> Written:
    """The table in the format of a name, in a file within the folder."""
    return WRITERS[name](table, folder / (f"made.{name}" if name not in ("hive", "datasets") else name))
