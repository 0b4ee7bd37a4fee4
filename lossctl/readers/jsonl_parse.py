"""Whole lines of JSON objects to a table; what cannot be read is told by its line, never by its content."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lossctl.readers.arrow import column, paths_of
from lossctl.readers.csv_parse import BadLineError

if TYPE_CHECKING:
    import pyarrow as pa

HINT = "expected one JSON object a line, as jq -c . writes them"
# objects and lists in each other beyond this are no table, and would overrun the parser's stack
DEEPEST = 64


class Parsing(NamedTuple):
    """How lines become a table: the types of the first megabyte, and columns that become text."""

    schema: pa.Schema
    text: frozenset[str] = frozenset()


def parse(data: bytes, parsing: Parsing, names: Sequence[str]) -> pa.Table:
    """Some whole lines as a table of the named columns; a key that no line has is null.

    Raises:
        BadLineError: no object, or several, a key of another kind than before, or text that is not UTF-8.
    """
    import pyarrow as pa

    _refuse_bytes(data)
    wanted = pa.schema(_pruned(parsing.schema, frozenset(names)))
    try:
        batch = _only(_parsed(data, wanted), data)
    except pa.ArrowInvalid:
        # a type that the first megabyte does not have, or a line that is wrong
        batch = _only(inferred(data), data)
    here, before = paths_of(batch.schema), paths_of(wanted)
    found = {}
    for name in dict.fromkeys(names):
        kind = _field(wanted, before[name]).type if name in before else None
        found[name] = (
            _column(batch, name, kind, parsing, data) if name in here else pa.nulls(batch.num_rows, pa.float64())
        )
    return pa.table(found)


def inferred(data: bytes) -> pa.Table:
    """All keys of some whole lines, with dates as the texts that they are.

    Raises:
        BadLineError: as `parse`.
    """
    import pyarrow as pa

    _refuse_bytes(data)
    _refuse_depth(data)
    try:
        table = _parsed(data, None)
        texts = [_with_texts(field) for field in table.schema]
        dated = [field for field, seen in zip(texts, table.schema, strict=True) if not field.equals(seen)]
        return _parsed(data, pa.schema(dated), "infer").select(table.column_names) if dated else table
    except pa.ArrowInvalid as error:
        raise _told(data, str(error)) from None


def _parsed(data: bytes, schema: pa.Schema | None, others: str = "ignore") -> pa.Table:
    import pyarrow as pa
    import pyarrow.json as pj

    # one block, so that a column has one type
    read = pj.ReadOptions(use_threads=False, block_size=max(len(data) + 1, 1024))
    options = {} if schema is None else {"explicit_schema": schema, "unexpected_field_behavior": others}
    return pj.read_json(pa.BufferReader(data), read, pj.ParseOptions(**options))


def _pruned(fields: Iterable[pa.Field], names: frozenset[str], prefix: str = "") -> list[pa.Field]:
    """The fields with all of those in structs left away that were not asked for."""
    import pyarrow as pa

    kept = []
    for field in fields:
        name = prefix + field.name
        if name in names:
            kept.append(field)
        elif pa.types.is_struct(field.type) and (inner := _pruned(field.type, names, f"{name}.")):
            kept.append(field.with_type(pa.struct(inner)))
    return kept


def _with_texts(field: pa.Field) -> pa.Field:
    """A field with the dates in it as texts."""
    import pyarrow as pa

    kind = field.type
    if pa.types.is_timestamp(kind):
        return field.with_type(pa.string())
    if pa.types.is_struct(kind):
        return field.with_type(pa.struct([_with_texts(inner) for inner in kind]))
    return field.with_type(pa.list_(_with_texts(kind.value_field))) if pa.types.is_list(kind) else field


def _only(table: pa.Table, data: bytes) -> pa.RecordBatch:
    """The table as one batch, in which each line is a row."""
    import pyarrow as pa

    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if table.num_rows != lines and table.num_rows != sum(1 for _ in filled(data)):
        raise _first_bad(data) or BadLineError(1, HINT)
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.record_batch([pa.array([], f.type) for f in table.schema], table.schema)


def _column(batch: pa.RecordBatch, name: str, before: pa.DataType | None, parsing: Parsing, data: bytes) -> pa.Array:
    """A column that has to be alike what it was `before`, if it was there."""
    values = column(batch, name)
    if before is not None and not _alike(before, values.type):
        raise BadLineError(1, f"from here on key {name!r} is {kind_of(values.type)}, and {kind_of(before)} before")
    return _as_text(values, name, data) if name in parsing.text else values


def _field(schema: pa.Schema, path: list[int]) -> pa.Field:
    field = schema.field(path[0])
    for i in path[1:]:
        field = field.type.field(i)
    return field


def kind_of(kind: pa.DataType) -> str:
    """What JSON calls a type."""
    import pyarrow as pa

    types = pa.types
    if types.is_null(kind):
        return "null"
    if types.is_boolean(kind):
        return "boolean"
    if types.is_list(kind):
        return "array"
    if types.is_struct(kind):
        return "object"
    return "string" if types.is_string(kind) else "number"


def _alike(one: pa.DataType, other: pa.DataType) -> bool:
    kinds = kind_of(one), kind_of(other)
    if kinds == ("array", "array"):
        return _alike(one.value_type, other.value_type)
    return "null" in kinds or kinds[0] == kinds[1]


def _as_text(values: pa.Array, name: str, data: bytes) -> pa.Array:
    """Values as the texts that stand in the file, as CSV has them."""
    import pyarrow as pa

    if pa.types.is_integer(values.type) or pa.types.is_boolean(values.type):
        return values.cast(pa.string())
    if not pa.types.is_floating(values.type):
        return values
    # a number's own digits are lost in a double
    keep: dict[str, Any] = dict.fromkeys(("parse_float", "parse_int", "parse_constant"), str)
    return pa.array([_reached(json.loads(line, **keep), name) for _, line in filled(data)], pa.string())


def _reached(entry: Any, name: str) -> Any:
    """The value that a dotted name leads to."""
    if not isinstance(entry, dict):
        return None
    if name in entry:
        return entry[name]
    ways = (key for key in entry if name.startswith(f"{key}."))
    found = (_reached(entry[key], name[len(key) + 1 :]) for key in ways)
    return next((value for value in found if value is not None), None)


def filled(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, counted from 1."""
    return ((i, line) for i, line in enumerate(data.split(b"\n"), 1) if line.strip())


def _refuse_bytes(data: bytes) -> None:
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise BadLineError(line, "not readable as UTF-8; convert the file, for example with iconv") from None
    if b"\0" in data:
        raise BadLineError(data.count(b"\n", 0, data.index(b"\0")) + 1, "a NUL byte, expected text")


def _refuse_depth(data: bytes) -> None:
    """Refuse what is nested beyond reading; brackets within texts are looked at only where they could be too many."""
    place = _too_deep(data)
    if place is not None:
        bare = re.sub(rb'"(?:[^"\\\n]|\\.)*+"', lambda text: b" " * len(text[0]), data)
        place = _too_deep(bare)
    if place is not None:
        raise BadLineError(data.count(b"\n", 0, place) + 1, f"nested deeper than {DEEPEST} levels")


def _too_deep(data: bytes) -> int | None:
    import numpy as np

    array = np.frombuffer(data, np.uint8)
    steps = ((array == 0x7B) | (array == 0x5B)).astype(np.int8) - ((array == 0x7D) | (array == 0x5D))
    deep = np.flatnonzero(np.cumsum(steps, dtype=np.int32) > DEEPEST)
    return int(deep[0]) if len(deep) else None


def _told(data: bytes, said: str) -> BadLineError:
    """Arrow's own words may quote a value, so only those known not to are passed on."""
    row = re.search(r" in row (\d+)$", said)
    line = next((i for n, (i, _) in enumerate(filled(data)) if row and n == int(row[1])), None)
    if line is None:
        return _first_bad(data) or BadLineError(1, f"from here on not readable as JSON; {HINT}")
    changed = re.search(r"Column\((.*)\) changed from (\w+) to (\w+) in row", said, re.DOTALL)
    if changed and not changed[1]:
        return BadLineError(line, f"found JSON of type {changed[3]}; {HINT}")
    if changed:
        return BadLineError(line, f"key {_key(changed[1])} is {changed[3]}, and {changed[2]} before")
    twice = re.search(r"Column\((.*)\) was specified twice in row", said, re.DOTALL)
    if twice:
        return BadLineError(line, f"key {_key(twice[1])} is there twice, expected distinct ones")
    return BadLineError(line, f"not readable as JSON; {HINT}")


def _key(path: str) -> str:
    """Arrow writes /a/b/[] for the items of b in a."""
    return repr(path.removeprefix("/").replace("/[]", "").replace("/", "."))


def _first_bad(data: bytes) -> BadLineError | None:
    """The first line that is not one object."""
    for i, line in filled(data):
        try:
            if isinstance(json.loads(line), dict):
                continue
        except (ValueError, RecursionError):
            pass
        return BadLineError(i, f"no JSON object of its own; {HINT}")
    return None
