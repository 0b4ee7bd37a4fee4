"""Tables of rows to a file, as Parquet or CSV by its suffix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from lossctl.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa


def write_tables(tables: Iterator[pa.Table], file: BinaryIO, path: str) -> None:
    """Write the tables one after the other; the first names the columns and their types.

    Raises:
        UsageError: the suffix is neither .parquet nor .csv.
    """
    import pyarrow.csv
    import pyarrow.parquet

    if not path.endswith((".parquet", ".pq", ".csv")):
        raise UsageError(f"{path}: rows are saved as .parquet or .csv")
    as_csv = path.endswith(".csv")
    first = next(tables)
    if as_csv:
        first = _flat(first)
    writer = (pyarrow.csv.CSVWriter if as_csv else pyarrow.parquet.ParquetWriter)(file, first.schema)
    with writer:
        writer.write_table(first)
        for table in tables:
            some = _flat(table) if as_csv else table
            writer.write_table(_as(some, first.schema))


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table in the first one's types: a CSV's ranges may differ in theirs."""
    import pyarrow as pa

    try:
        return table.cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise UsageError("columns change their type along the file; save the rows as .csv with text columns") from None


def _flat(table: pa.Table) -> pa.Table:
    """The table with each list column as its JSON text: a CSV cell holds no list."""
    import pyarrow as pa

    for i, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            text = [None if cell is None else str(cell) for cell in table.column(i).to_pylist()]
            table = table.set_column(i, field.name, pa.array(text, pa.string()))
    return table
