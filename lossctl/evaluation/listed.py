"""Preds that list classes: ids and scores of the likeliest, made into a number for every class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from lossctl.evaluation.checks import TOLERANCE, values_of
from lossctl.evaluation.shape import Listed
from lossctl.readers.block import Faults, lay

if TYPE_CHECKING:
    from lossctl.readers.source import Values

Scores: TypeAlias = Callable[[np.ndarray, Faults], np.ndarray]


class Entries(NamedTuple):
    """What the rows of a block list: (n,) how many entries each has, (m,) all entries in order; `null` are rows."""

    counts: np.ndarray
    flat: np.ndarray
    null: np.ndarray


class Placed(NamedTuple):
    """Entries (m,) that can be placed: in the order of their row, and in a row of their class."""

    rows: np.ndarray
    classes: np.ndarray
    scores: np.ndarray


def dense(listed: Listed, scores: Sequence[Values], ids: Sequence[Values], made: Scores) -> tuple[np.ndarray, Faults]:
    """A number for every class, (n, K), and the faults of rows.

    Args:
        listed: how many classes there are, and what those get that are not listed.
        scores: a column of lists, or a column an entry.
        ids: the classes' ids or names, likewise.
        made: makes the scores (m, 1) into probabilities, and names the faults of entries.
    """
    score, ident = _entries(scores, None), _entries(ids, listed.names)
    faults: Faults = {"null": score.null | ident.null}
    faults["pred_lists_differ"] = (score.counts != ident.counts) & ~faults["null"]
    usable = ~(faults["null"] | faults["pred_lists_differ"])
    counts = np.where(usable, score.counts, 0)
    rows = np.repeat(np.arange(len(counts)), counts)
    flat = score.flat[np.repeat(usable, score.counts)]
    classes = ident.flat[np.repeat(usable, ident.counts)]
    entry_faults: Faults = {}
    numbers = made(flat.reshape(-1, 1), entry_faults)[:, 0]
    for reason, some in entry_faults.items():
        faults[reason] = _rows_of(rows[some], len(counts))
    known = (classes >= 0) & (classes < listed.classes) & (classes == np.floor(classes))
    faults["pred_id_out_of_range"] = _rows_of(rows[~known], len(counts))
    placed = _ordered(Placed(rows[known], classes[known].astype(np.int64), numbers[known]), listed.classes)
    faults["duplicate_pred_id"] = _twice(placed, len(counts))
    table = _table(listed, placed, len(counts), faults)
    return table, {reason: some for reason, some in faults.items() if some.any()}


def _table(listed: Listed, placed: Placed, n: int, faults: Faults) -> np.ndarray:
    table = np.zeros((n, listed.classes))
    if listed.rest == "spread":
        # added up in the order of the classes, so that the order of the entries does not matter
        left = 1.0 - np.bincount(placed.rows, placed.scores, minlength=n)
        others = listed.classes - np.bincount(placed.rows, minlength=n)
        faults["pred_sum_above_one"] = left < -TOLERANCE
        shared = (others > 0) & (left > 0.0)
        table[shared] = (left[shared] / others[shared])[:, None]
    table[placed.rows, placed.classes] = placed.scores
    return table


def _ordered(entries: Placed, classes: int) -> Placed:
    order = np.argsort(entries.rows * classes + entries.classes, kind="stable")
    return Placed(entries.rows[order], entries.classes[order], entries.scores[order])


def _twice(placed: Placed, n: int) -> np.ndarray:
    """Rows that list a class more than once."""
    again = (placed.rows[1:] == placed.rows[:-1]) & (placed.classes[1:] == placed.classes[:-1])
    return _rows_of(placed.rows[1:][again], n)


def _rows_of(rows: np.ndarray, n: int) -> np.ndarray:
    found = np.zeros(n, bool)
    found[rows] = True
    return found


def _entries(values: Sequence[Values], names: tuple[str, ...] | None) -> Entries:
    if len(values) > 1 or not _is_lists(values[0]):
        each = [_entries_of(entry, names) for entry in values]
        flat = np.stack([numbers for numbers, _ in each], axis=1)
        n = len(flat)
        missing = np.asarray(np.any([null for _, null in each], axis=0))
        return Entries(np.full(n, len(each)), flat.reshape(-1), missing)
    lists = values[0]
    if isinstance(lists, np.ndarray):
        flat, null = _entries_of(lists.reshape(-1), names)
        return Entries(np.full(len(lists), lists.shape[1]), flat, np.asarray(null.reshape(lists.shape).any(axis=1)))
    import pyarrow as pa
    import pyarrow.compute as pc

    missing = lists.is_null().to_numpy(zero_copy_only=False)
    counts = pc.list_value_length(lists).fill_null(0).cast(pa.int64()).to_numpy(zero_copy_only=False)
    flat, null = _entries_of(lists.flatten(), names)
    return Entries(counts, flat, missing | _rows_of(np.repeat(np.arange(len(counts)), counts)[null], len(counts)))


def _is_lists(values: Values) -> bool:
    if isinstance(values, np.ndarray):
        return values.ndim == 2
    import pyarrow as pa

    kind = values.type
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _entries_of(values: Values, names: tuple[str, ...] | None) -> tuple[np.ndarray, np.ndarray]:
    """(m,) numbers, and where there is none."""
    columns = lay([values], names if names is not None and _named(values, names) else None)
    null = columns.faults.get("null", np.zeros(columns.rows, bool))
    return values_of(columns, np.arange(columns.rows))[:, 0], null


def _named(values: Values, names: tuple[str, ...]) -> bool:
    """Whether ids are names: texts are, and numbers where the classes are called by numbers."""
    if all(name.isdecimal() for name in names):
        return True
    if isinstance(values, np.ndarray):
        return values.dtype.kind in "US"
    import pyarrow as pa

    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
