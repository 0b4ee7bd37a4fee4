"""The distinct predictions of some rows, sorted, each with exact sums over the rows that have it.

Memory goes with the number of distinct predictions: 24 bytes each where labels are 0 or 1 and there are no weights, a
few times that else; merging takes as much again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lossctl.audit import limbs as exact
from lossctl.audit.observed import GroupSums, kept, product, row_sums, summed
from lossctl.audit.sums import Sums
from lossctl.errors import DataError
from lossctl.kernels.frame import address, called
from lossctl.kernels.machine import isotonic_kernel

# rows that are sorted at a time
PENDING = 1 << 19


class Run(NamedTuple):
    """Sorted distinct predictions with their sums by name."""

    keys: np.ndarray
    sums: GroupSums

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return self.keys.nbytes + sum(map(exact.size, self.sums.values()))

    def merge(self, other: Run) -> Run:
        """Both together."""
        keys, here, there = _merged(self.keys, other.keys)
        names = sorted({*self.sums, *other.sums})
        pairs = {name: (kept(self.sums, name), kept(other.sums, name)) for name in names}
        return Run(keys, {name: exact.united(a, here, b, there, len(keys)) for name, (a, b) in pairs.items()})


class Distinct(NamedTuple):
    """The part: several runs, the largest first, that make up one; merged only when they are of like size.

    Attributes:
        runs: at most a few dozen.
        unusable: rows whose prediction, label or weight is no number, or whose label has no finite square.
        square: exact sum of w y^2, in units of 2**-1074.
    """

    runs: tuple[Run, ...] = ()
    unusable: int = 0
    square: int = 0

    def merge(self, other: Distinct) -> Distinct:
        """Both together.

        Raises:
            DataError: they would take more than half of this machine's memory.
        """
        runs = _settled([*self.runs, *other.runs])
        return Distinct(runs, self.unusable + other.unusable, self.square + other.square)

    def whole(self) -> Run:
        """All in one run."""
        runs = list(self.runs)
        while len(runs) > 1:
            runs.append(runs.pop().merge(runs.pop()))
        return runs[0] if runs else Run(np.empty(0), {"rows": {}, "label": {}})


class DistinctTally:
    """Rows added up by their prediction.

    Args:
        spread: whether errors of rates are asked for, which takes more room.
    """

    def __init__(self, spread: bool = False) -> None:
        self.spread, self.part = spread, Distinct()
        self.squares = Sums()
        self.unusable, self.waiting = 0, 0
        self.pending: list[tuple[np.ndarray, np.ndarray, np.ndarray | None]] = []

    def add(self, preds: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> None:
        """Rows (n,) that count; those without a number are only counted."""
        if not len(preds):
            return
        with np.errstate(over="ignore", invalid="ignore"):
            squares = labels * labels
            usable = np.isfinite(squares if weights is None else squares * weights) & ~np.isnan(preds)
        if not usable.all():
            self.unusable += int(len(usable) - usable.sum())
            preds, labels = preds[usable], labels[usable]
            weights = None if weights is None else weights[usable]
        self._add_squares(labels, weights)
        # + 0.0 makes one zero of the two, and a copy where the block's memory is used again
        self.pending.append((preds + 0.0, labels.copy(), None if weights is None else weights.copy()))
        self.waiting += len(preds)
        if self.waiting >= PENDING:
            self._sort()

    def _add_squares(self, labels: np.ndarray, weights: np.ndarray | None) -> None:
        for term in product(labels, labels):
            if len(term) and term.any():
                self.squares.add(np.ascontiguousarray(term), weights, None)

    def _sort(self) -> None:
        if not self.waiting:
            return
        preds, labels = (np.concatenate([entry[k] for entry in self.pending]) for k in (0, 1))
        given = [entry[2] for entry in self.pending if entry[2] is not None]
        weights = np.concatenate(given) if given else None
        self.pending, self.waiting = [], 0
        hard = weights is None and bool(np.all((labels == 0.0) | (labels == 1.0)))
        runs = _hard_runs(preds, labels) if hard else (_run(preds, row_sums(labels, weights, self.spread)),)
        self.part = self.part.merge(Distinct(runs))

    def partial(self) -> Distinct:
        """All that was added."""
        self._sort()
        return self.part._replace(unusable=self.unusable, square=self.squares.flush().loss)


def _run(preds: np.ndarray, rows: dict[str, list[np.ndarray]]) -> Run:
    order = np.argsort(preds)
    keys, starts = _starts(preds[order])
    return Run(keys, summed(rows, lambda values: exact.ranges(starts, values[order])))


def _hard_runs(preds: np.ndarray, labels: np.ndarray) -> tuple[Run, ...]:
    """The run of each label, 0 and 1, where there are no weights: sorting bare numbers takes a fifth of the time."""
    runs = []
    for label in (0.0, 1.0):
        keys, starts = _starts(some := np.sort(preds[labels == label]))
        counts = {0: np.diff(starts, append=len(some))}
        runs.append(Run(keys, {"rows": counts, "label": counts if label else {}}))
    return tuple(run for run in runs if len(run.keys))


def _starts(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct numbers of sorted ones, and where each starts."""
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(ordered)), bool), ordered[1:] != ordered[:-1]]))
    return ordered[starts], starts


def _settled(runs: list[Run]) -> tuple[Run, ...]:
    """The runs with those merged that are of like size, so that each row is moved a few times only."""
    held: list[Run] = []
    for run in sorted(runs, key=lambda one: -len(one.keys)):
        held.append(run)
        while len(held) > 1 and len(held[-2].keys) < 2 * len(held[-1].keys):
            _refuse_large(held)
            held.append(held.pop().merge(held.pop()))
    _refuse_large(held)
    return tuple(held)


def _refuse_large(runs: list[Run]) -> None:
    from lossctl.readers.npy import half_of_memory

    taken = sum(run.size for run in runs)
    # a merge holds them twice
    if 2 * taken > half_of_memory():
        raise DataError(
            f"{sum(len(run.keys) for run in runs):,} distinct predictions take {taken:,} bytes, and as much again to "
            "merge: more than half of this machine's memory; round the predictions, or leave out --decompose and "
            "--calibration equal-mass"
        )


def _merged(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct keys of both, and where each of the one and of the other went."""
    one, other = np.ascontiguousarray(one), np.ascontiguousarray(other)
    keys, found = np.empty(len(one) + len(other)), np.zeros(1, np.int64)
    here, there = np.empty(len(one), np.int64), np.empty(len(other), np.int64)
    fields = (len(one), address(one), len(other), address(other), *map(address, (keys, here, there, found)))
    called(isotonic_kernel(False), fields)
    return keys[: found[0]].copy(), here, there
