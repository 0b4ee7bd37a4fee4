"""Which row of the labels belongs to each row of the preds: by a merge of sorted keys, or by hash, part by part."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from lossctl.readers.block import raw
from lossctl.readers.keys import Keys, partitions, present
from lossctl.readers.scratch import Scratch

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

# rows of the longer side that fit into memory as they are
FEW_ROWS = 1 << 21
# rows that one part should hold otherwise: with their hash table they fit into the caches
PART_ROWS = 1 << 17
MOST_PARTS = 250
# rows that are parted at once, so that a part's file is written to in pieces that are worth it
HELD_ROWS = 1 << 20
SHOWN = 3
# what stands in a match for a row without a label, and for one whose key is not alone
UNMATCHED, DUPLICATE = 0, -1


class UnsortedError(Exception):
    """A key is smaller than the one before it."""


class Found(NamedTuple):
    """What did not match one to one: how many, and the first rows.

    Rows of one side whose key the other lacks, and keys that a side has more than once.
    """

    unmatched_preds: int = 0
    unmatched_labels: int = 0
    duplicate_preds: int = 0
    duplicate_labels: int = 0
    first: tuple[tuple[int, ...], ...] = ((), (), (), ())

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """The four counts."""
        return self[:4]

    def merge(self, other: Found) -> Found:
        """Both together."""
        first = tuple(
            tuple(sorted({*mine, *theirs})[:SHOWN]) for mine, theirs in zip(self.first, other.first, strict=True)
        )
        added = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        return Found(added[0], added[1], added[2], added[3], first)


class Match:
    """A number a row of the preds, on disk: 1 and more is a row of the labels, counted from 1; 0 and -1 have none."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self.path = scratch.file("match")
        self._view: np.ndarray | None = None
        with open(self.path, "wb"):
            pass

    def put(self, rows: np.ndarray, found: np.ndarray) -> None:
        """Set the numbers of some rows."""
        import numpy as np

        if not len(rows):
            return
        needed = int(rows.max()) + 1
        if self._view is None or len(self._view) < needed:
            self._view = None
            # what is never written to takes no room
            os.truncate(self.path, 8 * max(2 * needed, 1 << 16))
            self._view = np.memmap(self.path, np.int64, "r+")
        self._view[rows] = found

    def end(self, rows: int) -> None:
        """No more is set; there are so many rows."""
        self._view = None
        os.truncate(self.path, 8 * max(rows, 1))

    def at(self, start: int, stop: int) -> np.ndarray:
        """The numbers of some consecutive rows."""
        import numpy as np

        if self._view is None:
            self._view = np.memmap(self.path, np.int64, "r")
        return self._view[start:stop]

    def __getstate__(self) -> dict[str, Any]:
        return {"scratch": self.scratch, "path": self.path, "_view": None}


def settle(preds: Keys, labels: Keys, match: Match) -> Found:
    """Match some rows of both sides; a key that is here has all its rows here.

    Null keys, which equal nothing, are not among them.
    """
    import numpy as np
    import pyarrow as pa

    held = [side.keys for side in (labels, preds) if len(side.rows)]
    if not held:
        return Found()
    both = pa.concat_arrays(held).dictionary_encode()
    codes = np.frombuffer(both.indices.buffers()[1], np.int32, len(both))
    of_labels, of_preds = codes[: len(labels.rows)], codes[len(labels.rows) :]
    count = len(both.dictionary)
    in_labels, in_preds = np.bincount(of_labels, minlength=count), np.bincount(of_preds, minlength=count)
    row = np.zeros(count, np.int64)
    row[of_labels] = labels.rows + 1
    alone = (in_labels <= 1) & (in_preds <= 1)
    row[~alone & (row > 0)] = DUPLICATE
    found = row[of_preds]
    match.put(preds.rows, found)
    return _found(preds, labels, found == UNMATCHED, (in_preds == 0)[of_labels], in_preds, in_labels, codes)


def _found(
    preds: Keys,
    labels: Keys,
    without_label: np.ndarray,
    without_pred: np.ndarray,
    in_preds: np.ndarray,
    in_labels: np.ndarray,
    codes: np.ndarray,
) -> Found:
    many_preds, many_labels = in_preds > 1, in_labels > 1
    of_labels, of_preds = codes[: len(labels.rows)], codes[len(labels.rows) :]
    rows = (
        preds.rows[without_label] if without_label.any() else preds.rows[:0],
        labels.rows[without_pred] if without_pred.any() else labels.rows[:0],
        preds.rows[many_preds[of_preds]] if many_preds.any() else preds.rows[:0],
        labels.rows[many_labels[of_labels]] if many_labels.any() else labels.rows[:0],
    )
    keys = int(many_preds.sum()), int(many_labels.sum())
    return Found(len(rows[0]), len(rows[1]), *keys, tuple(map(_least, rows)))


def _least(rows: np.ndarray) -> tuple[int, ...]:
    """The first few, in order."""
    import numpy as np

    some = np.partition(rows, SHOWN)[:SHOWN] if len(rows) > SHOWN else rows
    return tuple(sorted(some.tolist()))


def _with_keys(batches: Iterable[Keys], note: Callable[[np.ndarray], None]) -> Iterator[Keys]:
    """The batches without null keys, of which the rows are noted."""
    import numpy as np

    for keys, rows in batches:
        if keys.null_count:
            there = present(keys).astype(bool)
            note(rows[~there])
            yield Keys(keys.drop_null(), rows[np.flatnonzero(there)])
        else:
            yield Keys(keys, rows)


class _Nulls:
    """The rows of null keys: these match nothing."""

    def __init__(self) -> None:
        self.found = Found()

    def preds(self, rows: np.ndarray) -> None:
        self.found = self.found.merge(Found(len(rows), 0, 0, 0, (_least(rows), (), (), ())))

    def labels(self, rows: np.ndarray) -> None:
        self.found = self.found.merge(Found(0, len(rows), 0, 0, ((), _least(rows), (), ())))


def hashed(preds: Iterable[Keys], labels: Iterable[Keys], match: Match, parts: int) -> Found:
    """Match rows in any order: both sides are parted by a hash, on disk where there are several parts."""
    nulls = _Nulls()
    sides = [_Parts(match.scratch, name, parts) for name in ("preds", "labels")]
    for side, batches, note in zip(sides, (preds, labels), (nulls.preds, nulls.labels), strict=True):
        for batch in _with_keys(batches, note):
            side.add(batch)
        side.close()
    found = nulls.found
    for part in range(parts):
        found = found.merge(settle(sides[0].take(part), sides[1].take(part), match))
    return found


class _Parts:
    """One side's keys by partition: in memory where there is one, else each in a file."""

    def __init__(self, scratch: Scratch, name: str, count: int) -> None:
        self.paths = [scratch.file(f"{name}-{part}") for part in range(count)]
        self.held: list[Keys] = []
        self.held_rows = 0
        self.writers: list[Any] = []

    def add(self, batch: Keys) -> None:
        """Put each key into its partition."""
        self.held.append(batch)
        self.held_rows += len(batch.rows)
        if len(self.paths) > 1 and self.held_rows >= HELD_ROWS:
            self._spill()

    def _spill(self) -> None:
        """Write what is held to the partitions' files."""
        import numpy as np
        import pyarrow as pa

        batch, self.held, self.held_rows = _joined(self.held), [], 0
        part = partitions(batch.keys, len(self.paths))
        order = np.argsort(part, kind="stable")
        ends = np.cumsum(np.bincount(part, minlength=len(self.paths)))
        keys, rows = batch.keys.take(indices(order)), indices(batch.rows[order])
        together = pa.RecordBatch.from_arrays([keys, rows], ["key", "row"])
        if not self.writers:
            self.writers = [pa.ipc.new_stream(pa.OSFile(path, "wb"), together.schema) for path in self.paths]
        for writer, start, stop in zip(self.writers, [0, *ends[:-1]], ends, strict=True):
            if stop > start:
                writer.write_batch(together.slice(start, stop - start))

    def close(self) -> None:
        """No more keys."""
        if len(self.paths) > 1 and self.held:
            self._spill()
        for writer in self.writers:
            writer.close()

    def take(self, part: int) -> Keys:
        """The keys of a partition, whose file is no more needed."""
        import pyarrow as pa

        if len(self.paths) == 1:
            held, self.held = self.held, []
            return _joined(held)
        if not self.writers:
            return _joined([])
        with pa.ipc.open_stream(pa.OSFile(self.paths[part])) as stream:
            held = [Keys(batch.column(0), raw(batch.column(1))) for batch in stream]
        os.remove(self.paths[part])
        return _joined(held)


def _joined(held: list[Keys]) -> Keys:
    import numpy as np
    import pyarrow as pa

    if not held:
        return Keys(pa.array([], pa.null()), np.empty(0, np.int64))
    return Keys(pa.concat_arrays([keys for keys, _ in held]), np.concatenate([rows for _, rows in held]))


def indices(rows: np.ndarray) -> pa.Array:
    """int64 numbers as Arrow has them; pyarrow's own way would import pandas."""
    import numpy as np
    import pyarrow as pa

    plain = np.ascontiguousarray(rows, np.int64)
    return pa.Array.from_buffers(pa.int64(), len(plain), [None, pa.py_buffer(plain)])


def merged(preds: Iterable[Keys], labels: Iterable[Keys], match: Match) -> Found:
    """Match rows whose keys ascend on both sides: stretch by stretch, in the memory of a few batches.

    Raises:
        UnsortedError: they do not.
    """
    nulls = _Nulls()
    ahead = _Sorted(_with_keys(preds, nulls.preds)), _Sorted(_with_keys(labels, nulls.labels))
    found = Found()
    while True:
        for side in ahead:
            side.fill()
        ends = [side.complete for side in ahead if not side.ended]
        bound = min(ends) if ends else None
        found = found.merge(settle(ahead[0].take(bound), ahead[1].take(bound), match))
        if bound is None:
            return found.merge(nulls.found)


class _Sorted:
    """Ascending keys, of which as much is held as is needed to know all rows of one key."""

    def __init__(self, batches: Iterator[Keys]) -> None:
        import numpy as np

        self.batches = batches
        self.keys = self.rows = np.empty(0, np.int64)
        self.ended = False

    @property
    def complete(self) -> int:
        """The greatest key that no row to come has."""
        import numpy as np

        return int(self.keys[np.searchsorted(self.keys, self.keys[-1]) - 1])

    def fill(self) -> None:
        """Read on until two keys are held, or all is read."""
        import numpy as np

        while not self.ended and (not len(self.keys) or self.keys[0] == self.keys[-1]):
            batch = next(self.batches, None)
            if batch is None:
                self.ended = True
                return
            keys = np.concatenate([self.keys, _ascending(batch.keys)])
            if np.any(keys[1:] < keys[:-1]):
                raise UnsortedError
            self.keys, self.rows = keys, np.concatenate([self.rows, batch.rows])

    def take(self, bound: int | None) -> Keys:
        """What is held of keys up to the bound, which is then held no more; all of it for None."""
        import numpy as np

        stop = len(self.keys) if bound is None else int(np.searchsorted(self.keys, bound, "right"))
        taken = Keys(indices(self.keys[:stop]), self.rows[:stop])
        self.keys, self.rows = self.keys[stop:], self.rows[stop:]
        return taken


def _ascending(keys: pa.Array) -> np.ndarray:
    """Numbers; texts are not merged, since numpy compares them slowly."""
    import pyarrow as pa

    if not pa.types.is_int64(keys.type):
        raise UnsortedError
    return raw(keys)
