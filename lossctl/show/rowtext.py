"""Rows as CSV or JSON lines, built by columns in Arrow: no Python object a row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lossctl.errors import DataError
from lossctl.show.machine import encodable, json_text

if TYPE_CHECKING:
    import pyarrow as pa

# texts of so many rows stay far below the two gigabytes of an Arrow text array
PIECE = 1 << 16


def csv_header(names: list[str], delimiter: str) -> bytes:
    """The first line."""
    return (_csv_text(names, delimiter) + "\n").encode()


def csv_lines(path: str | None, columns: dict[str, pa.Array], delimiter: str) -> Iterator[memoryview]:
    """The lines of some rows, in pieces; `path` is the first cell of each, if there is one."""
    opening = "" if path is None else _csv_text([path], delimiter) + delimiter
    glue = [opening, *[delimiter] * (len(columns) - 1), "\n"]
    for piece in _pieces(columns):
        yield _joined(glue, [_csv_cells(values, delimiter) for values in piece.values()])


def json_lines(path: str | None, columns: dict[str, pa.Array]) -> Iterator[memoryview]:
    """The same as JSON, an object a line."""
    first = "" if path is None else f'"file": {json_text(path)}, '
    keys = [f"{json_text(name)}: " for name in columns]
    glue = ["{" + first + keys[0], *(f", {key}" for key in keys[1:]), "}\n"]
    for piece in _pieces(columns):
        yield _joined(glue, [_json_cells(values) for values in piece.values()])


def _csv_text(cells: list[str], delimiter: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="").writerow(cells)
    return encodable(text.getvalue())


def _pieces(columns: dict[str, pa.Array]) -> Iterator[dict[str, pa.Array]]:
    rows = len(next(iter(columns.values())))
    for start in range(0, rows, PIECE):
        yield {name: values.slice(start, PIECE) for name, values in columns.items()}


def _joined(glue: list[str], cells: list[pa.Array]) -> memoryview:
    """Glue, cell, glue, cell, glue: the bytes of all lines after one another."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    between: list[Any] = [pa.scalar(text) for text in glue]
    parts = [part for pair in zip(between, cells, strict=False) for part in pair]
    lines = pc.binary_join_element_wise(*parts, between[-1], pa.scalar(""))
    _, offsets, text = lines.buffers()
    ends = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(text)[ends[0] : ends[-1]]


def _csv_cells(values: pa.Array, delimiter: str) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = _texts(values)
    if _bare(values.type):
        return pc.fill_null(text, "")
    # an empty text is quoted, so that it differs from a missing one
    special = pc.match_substring_regex(text, f'^$|["\r\n{delimiter}]')
    if pc.any(special).as_py():
        quote = pa.scalar('"')
        doubled = pc.replace_substring(text, '"', '""')
        text = pc.if_else(special, pc.binary_join_element_wise(quote, doubled, quote, pa.scalar("")), text)
    return pc.fill_null(text, "")


def _json_cells(values: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    text = _texts(values)
    if pa.types.is_floating(values.type):
        finite = pc.is_finite(values)
        text = text if pc.all(finite).as_py() else pc.if_else(finite, text, _quoted(text))
    elif not _bare(values.type):
        text = _quoted(text)
    return pc.fill_null(text, "null")


def _quoted(text: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pc.any(pc.match_substring_regex(text, r'[\x00-\x1f"\\]')).as_py():
        escaped = [None if t is None else json.dumps(t, ensure_ascii=False) for t in text.to_pylist()]
        return pa.array(escaped, pa.string())
    quote = pa.scalar('"')
    return pc.binary_join_element_wise(quote, text, quote, pa.scalar(""))


def _bare(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _texts(values: pa.Array) -> pa.Array:
    import pyarrow as pa

    try:
        text = values.cast(pa.string())
    except pa.ArrowException as error:
        raise DataError(f"an id column of type {values.type} has no text; choose a flat column") from error
    return _with_point(text, values) if pa.types.is_floating(values.type) else text


def _with_point(text: pa.Array, values: pa.Array) -> pa.Array:
    """Arrow writes 2.0 as 2 and -0.0 as -0, which a reader would take for integers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.any(pc.equal(values, pc.trunc(values))).as_py():
        return text
    whole = pc.match_substring_regex(text, r"^-?[0-9]+$")
    pointed = pc.binary_join_element_wise(text, pa.scalar(".0"), pa.scalar(""))
    return pc.if_else(whole, pointed, text)
