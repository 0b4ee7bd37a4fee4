"""The losses of single rows, streamed to a file: a chunk at a time, whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

from lossctl.errors import UsageError, nearest
from lossctl.evaluation.rows import LossRows
from lossctl.show import rowtext
from lossctl.show.rowcolumns import Names, columns_of
from lossctl.show.rowfile import write_npy, write_parquet

FORMATS = ("table", "csv", "tsv", "jsonl", "parquet", "npy")


def _checked(kind: str, names: Names) -> None:
    if kind == "json":
        raise UsageError("--format json holds one document, not a stream of rows; ask for jsonl")
    if kind not in FORMATS:
        raise UsageError(f"--format {kind} has no rows; choose one of {', '.join(FORMATS)}{nearest(kind, FORMATS)}")
    columns = names.columns
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice and kind != "npy":
        raise UsageError(f"the output would have two columns {twice[0]}; rename the --id column {twice[0]}")


def write_rows(
    rows: Iterator[LossRows],
    target: BinaryIO,
    format: str,
    files: Sequence[str],
    losses: Sequence[str],
    ids: Sequence[str] = (),
) -> None:
    """Write rows as they come; a valid file with its header even without any.

    NPY holds the losses alone: float64, (n,) of one loss or (n, m) of several.

    Args:
        rows: chunks; each is written before the next is asked for.
        target: where to; NPY is put together in a temporary file if it cannot seek.
        format: one of FORMATS; `table` is CSV.
        files: every input's path; more than one gives a column `file`.
        losses: the spec of each loss.
        ids: the id columns.

    Raises:
        UsageError: the format is none of FORMATS, or two columns would have one name.
        BrokenPipeError: the reader of a pipe has left.
    """
    names = Names(tuple(files), tuple(losses), tuple(ids))
    _checked(format, names)
    writers: dict[str, Callable[[], None]] = {
        "table": lambda: _write_csv(rows, target, names, ","),
        "csv": lambda: _write_csv(rows, target, names, ","),
        "tsv": lambda: _write_csv(rows, target, names, "\t"),
        "jsonl": lambda: _write_jsonl(rows, target, names),
        "parquet": lambda: write_parquet(rows, target, names),
        "npy": lambda: write_npy(rows, target, names.losses),
    }
    writers[format]()
    target.flush()


def _write_csv(rows: Iterator[LossRows], target: BinaryIO, names: Names, delimiter: str) -> None:
    target.write(rowtext.csv_header(names.columns, delimiter))
    for chunk in rows:
        for lines in rowtext.csv_lines(names.path(chunk), columns_of(chunk, names), delimiter):
            target.write(lines)
        target.flush()


def _write_jsonl(rows: Iterator[LossRows], target: BinaryIO, names: Names) -> None:
    for chunk in rows:
        for lines in rowtext.json_lines(names.path(chunk), columns_of(chunk, names)):
            target.write(lines)
        target.flush()
