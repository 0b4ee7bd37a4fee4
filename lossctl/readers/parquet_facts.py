"""What a Parquet file's own statistics say of its row groups, and which of them a filter cannot match."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from lossctl.readers.where import Tree, columns_of
from lossctl.readers.where_reach import EMPTY, UNKNOWN, Facts, outcomes
from lossctl.readers.where_types import SECOND

UNITS = {"milliseconds": 10**6, "microseconds": 10**3, "nanoseconds": 1}


def matching(metadata: Any, leaves: Sequence[str], tree: Tree) -> tuple[bool, ...]:
    """Whether the filter may match some row, by row group.

    Args:
        metadata: the file's.
        leaves: the column that each of the file's leaf columns is part of.
        tree: fitted to the columns.
    """
    places = {name: leaves.index(name) for name in columns_of(tree) if leaves.count(name) == 1}
    return tuple(
        outcomes(tree, {name: _facts(metadata, group, place) for name, place in places.items()}).true
        for group in range(metadata.num_row_groups)
    )


def runs(groups: range, matches: Sequence[bool]) -> Iterator[tuple[bool, range]]:
    """The row groups of a unit cut where matching and other ones meet."""
    for matched, run in groupby(groups, key=matches.__getitem__):
        some = list(run)
        yield matched, range(some[0], some[-1] + 1)


def _facts(metadata: Any, group: int, place: int) -> Facts:
    column = metadata.schema.column(place)
    if column.max_repetition_level:
        return UNKNOWN
    said = metadata.row_group(group).column(place).statistics
    if said is None:
        return UNKNOWN
    nulls = said.null_count if said.has_null_count else None
    if nulls == metadata.row_group(group).num_rows:
        return EMPTY
    least, most = _bounds(said, column) if said.has_min_max else (None, None)
    floating = column.physical_type not in ("BOOLEAN", "INT32", "INT64", "BYTE_ARRAY")
    return Facts(least, most, nulls != 0, floating, True)


def _bounds(said: Any, column: Any) -> tuple[Any, Any]:
    """The least and the most as a filter's literals are; None where they say nothing sure. A NaN is no bound."""
    try:
        least, most = _comparable(said, column)
    except (ValueError, TypeError, NotImplementedError, OverflowError):
        # such as texts that were cut within a letter
        return None, None
    if any(isinstance(bound, float) and math.isnan(bound) for bound in (least, most)):
        return None, None
    return (least, most) if least is not None and least <= most else (None, None)


def _comparable(said: Any, column: Any) -> tuple[Any, Any]:
    kind, physical = column.logical_type.type, column.physical_type
    if kind == "DATE":
        return said.min_raw * 86400 * SECOND, said.max_raw * 86400 * SECOND
    if kind == "TIMESTAMP":
        scale = _scale(column)
        return said.min_raw * scale, said.max_raw * scale
    plain = kind in ("INT", "NONE") and physical in ("BOOLEAN", "INT32", "INT64", "FLOAT", "DOUBLE")
    text = kind == "STRING" and physical == "BYTE_ARRAY"
    return (said.min, said.max) if plain or text else (None, None)


def _scale(column: Any) -> int:
    """Nanoseconds in a timestamp's unit."""
    import json

    return UNITS[json.loads(column.logical_type.to_json())["timeUnit"]]
