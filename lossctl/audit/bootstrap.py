"""Many resamples of the rows in one pass: which rows each of them draws hangs on the rows' keys and the seed alone.

The Poisson bootstrap (Hanley & MacGibbon 2006; Chamandy et al. 2012) draws each row a number of times that follows
Poisson's distribution of mean 1; a sign test flips each row's sign, or not. Neither hangs on the order of the rows,
on how they are split, or on how many replicates there are. Rows of one key are drawn together: a cluster's key for
each of its rows resamples clusters.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lossctl.audit.hashes import mixed
from lossctl.audit.replicates import ODD, Replicates
from lossctl.audit.wide import Wide, carry, compact
from lossctl.kernels import draws
from lossctl.kernels.exactsum import UNIT_EXPONENT
from lossctl.kernels.frame import address, called
from lossctl.kernels.machine import resample_kernel

if TYPE_CHECKING:
    from lossctl.audit.hashes import Hashes
    from lossctl.audit.sums import Bytes, Floats

SEED_SALT = np.uint64(0x2545F4914F6CDD1D)
MOST = (1 << 64) - 1
# a row adds less than 2**35 to a limb
CARRY_ROWS = 1 << 27
# of a group's replicate: some seven limbs of 8 bytes for losses between 2**-60 and 2**10, as many for
# weights, counts, and the like again while parts merge
BYTES = 256
POISSON = draws.poisson()
# by kind: how the losses are drawn; how rows and weights are counted; and how rows of +inf or -inf are (see `_add_odd`)
TABLES = {"poisson": (POISSON, POISSON, POISSON, None), "sign": (draws.SIGN, draws.ONCE, draws.PLUS, draws.MINUS)}


def bytes_needed(groups: int, replicates: int) -> int:
    """About how much memory so many groups of replicates take, parts that merge included."""
    return groups * _lanes(replicates) * BYTES


def _lanes(replicates: int) -> int:
    return -(-replicates // draws.LANES) * draws.LANES


class _Rows(NamedTuple):
    """Rows in the order of their groups: (n,) int64 their places in a block, and where the runs of a group end."""

    picked: np.ndarray | None
    ends: np.ndarray
    codes: np.ndarray

    def of(self, numbers: np.ndarray) -> np.ndarray:
        """Their numbers, side by side."""
        return np.ascontiguousarray(numbers if self.picked is None else numbers[self.picked])

    def some(self, chosen: np.ndarray) -> _Rows:
        """Those that a (n,) mask chooses, of rows that were picked already."""
        codes = np.repeat(self.codes, np.diff(self.ends, prepend=0))
        return _runs(np.flatnonzero(chosen), codes[chosen])


def _rows(count: int, skipped: Bytes | None, codes: np.ndarray | None, groups: int) -> _Rows:
    """The rows of a block that are neither skipped nor in no group.

    Raises:
        ValueError: a code is beyond the groups.
    """
    used = None if skipped is None else skipped == 0
    if codes is None:
        picked = None if used is None or used.all() else np.flatnonzero(used)
        return _Rows(picked, np.array([count if picked is None else len(picked)]), np.zeros(1, np.int64))
    picked = np.flatnonzero(codes >= 0 if used is None else used & (codes >= 0))
    # numpy sorts small integers several times as fast
    own = codes[picked].astype(np.uint16 if groups <= 1 << 16 else np.int64)
    order = np.argsort(own, kind="stable")
    found = _runs(picked[order], own[order].astype(np.int64))
    if len(found.codes) and found.codes[-1] >= groups:
        raise ValueError(f"a row is in group {found.codes[-1]} of {groups}")
    return found


def _runs(picked: np.ndarray, codes: np.ndarray) -> _Rows:
    """Rows whose (n,) codes are sorted."""
    last = np.flatnonzero(np.append(codes[1:] != codes[:-1], np.ones(min(len(codes), 1), bool)))
    return _Rows(picked, last + 1, codes[last])


class _Window:
    """Sums of groups and lanes as int64 limbs, as many as the values reach over."""

    def __init__(self, groups: int, lanes: int) -> None:
        self.first = 0
        self.limbs = np.zeros((groups, 0, lanes), np.int64)

    def reach(self, values: Floats) -> None:
        """Make room for sums of some finite values, whatever comes later."""
        sizes = np.abs(values)
        most = float(sizes.max(initial=0.0))
        if most == 0.0:
            return
        least = float(sizes.min(where=sizes > 0.0, initial=most))
        # what is left of a value may be its last bit, held as a float64's highest; and 2**64 rows may add up
        low = max(math.frexp(least)[1] - 106 + UNIT_EXPONENT, 0) // 32
        high = max(math.frexp(most)[1] + 64 + UNIT_EXPONENT, 0) // 32 + 1
        width = self.limbs.shape[1]
        if width:
            low, high = min(low, self.first), max(high, self.first + width)
        if high - low > width:
            limbs = np.zeros((self.limbs.shape[0], high - low, self.limbs.shape[2]), np.int64)
            limbs[:, self.first - low if width else 0 :][:, :width] = self.limbs
            self.first, self.limbs = low, limbs

    def wide(self, groups: int, replicates: int) -> Wide:
        """The sums so far."""
        carry(self.limbs)
        return compact(self.first, self.limbs[:groups, :, :replicates].copy())


def _grown(numbers: np.ndarray, groups: int) -> np.ndarray:
    return np.concatenate([numbers, np.zeros((groups - len(numbers), *numbers.shape[1:]), np.int64)])


class Resampler:
    """Sums of one loss over many resamples, as its rows come in. For one thread.

    Args:
        replicates: how many resamples.
        seed: any whole number; another draws other rows.
        kind: "poisson" or "sign".
        groups: how many there are, where it is known.
    """

    def __init__(self, replicates: int, seed: int, kind: str = "poisson", groups: int = 1) -> None:
        self.replicates, self.seed, self.kind, self.groups = replicates, seed, kind, groups
        lanes = self.lanes = _lanes(replicates)
        start = mixed(np.array([seed & MOST], np.uint64))
        words = mixed(start ^ mixed(np.arange(lanes, dtype=np.uint64)))
        self.lows, self.highs = words.astype(np.uint32), (words >> np.uint64(32)).astype(np.uint32)
        self.row_salt = mixed(start ^ SEED_SALT)
        self.scratch = np.empty(draws.SCRATCH)
        self.loss, self.weight = _Window(groups, lanes), _Window(groups, lanes)
        # (groups, lanes) by what is counted
        self.counts = {"rows": np.zeros((groups, lanes), np.int64)}
        self.rows = self.pending = 0
        self.weighted = False

    def add(
        self,
        losses: Floats,
        weights: Floats | None,
        skipped: Bytes | None,
        keys: Hashes,
        codes: np.ndarray | None = None,
        groups: int = 1,
    ) -> None:
        """Add a block's rows, save those that are skipped or in no group.

        Args:
            losses: (n,) a row's own.
            weights: (n,) or None for all 1.
            skipped: (n,) bytes, 1 for a row that does not count; None where none is.
            keys: (n,) of the rows, or of their clusters.
            codes: (n,) int64 of the rows' groups, -1 for none; None where all are in group 0.
            groups: how many groups there are so far.

        Raises:
            ValueError: a code is beyond them.
        """
        self._grow(groups)
        rows = _rows(len(losses), skipped, codes, self.groups)
        self._count_down(int(rows.ends[-1]) if len(rows.ends) else 0)
        words = mixed(rows.of(keys) ^ self.row_salt)
        losses = rows.of(losses)
        draw, once, *_ = TABLES[self.kind]
        if weights is not None:
            self.weighted = True
            weights = _finite(rows.of(weights))
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):
                losses = losses * weights
            self._run(rows, words, once, weights, self.weight, "nonzero", zeros=False)
        if not np.isfinite(losses).all():
            self._add_odd(rows, words, losses)
            losses = _finite(losses)
        self._run(rows, words, draw, losses, self.loss, "rows" if draw == once else None)
        if draw != once:
            self._run(rows, words, once, None, None, "rows")

    def flush(self) -> Replicates:
        """All that was added so far."""
        groups, replicates = self.groups, self.replicates
        loss, weight = self.loss.wide(groups, replicates), self.weight.wide(groups, replicates)
        counts = {name: counted[:groups, :replicates].copy() for name, counted in self.counts.items()}
        odd = [counts[name] for name in ODD if name in counts]
        return Replicates(
            kind=self.kind,
            seed=self.seed,
            rows=self.rows,
            weighted=self.weighted,
            counts=counts["rows"],
            nonzero=counts.get("nonzero", np.zeros((groups, 0), np.int64)),
            odd=np.stack(odd, axis=1) if odd else np.zeros((groups, 0, replicates), np.int64),
            loss_first=loss.first,
            loss=loss.limbs,
            weight_first=weight.first,
            weight=weight.limbs,
        )

    def _grow(self, groups: int) -> None:
        self.groups = max(self.groups, groups)
        if self.groups > len(self.loss.limbs):
            # a quarter more, so that groups found one by one are not copied each time
            room = max(self.groups, len(self.loss.limbs) * 5 // 4)
            for window in (self.loss, self.weight):
                window.limbs = _grown(window.limbs, room)
            self.counts = {name: _grown(counted, room) for name, counted in self.counts.items()}

    def _count_down(self, rows: int) -> None:
        """Carry before limbs could overflow."""
        self.rows += rows
        self.pending += rows
        if self.pending > CARRY_ROWS:
            self.pending = rows
            carry(self.loss.limbs)
            carry(self.weight.limbs)

    def _add_odd(self, rows: _Rows, words: Hashes, losses: Floats) -> None:
        """Count the rows whose loss is no finite number. A sign turns an infinite one into the other where it is -1."""
        _, once, plus, minus = TABLES[self.kind]
        found = {"nan": np.isnan(losses), "positive_infinity": losses == np.inf, "negative_infinity": losses == -np.inf}
        opposite = {"positive_infinity": "negative_infinity", "negative_infinity": "positive_infinity"}
        for name in ODD:
            self.counts.setdefault(name, np.zeros_like(self.counts["rows"]))
        for name, chosen in found.items():
            some = rows.some(chosen)
            self._run(some, words[chosen], once if name == "nan" else plus, None, None, name)
            if minus is not None and name in opposite:
                self._run(some, words[chosen], minus, None, None, opposite[name])

    def _run(
        self,
        rows: _Rows,
        words: Hashes,
        table: tuple[int, ...],
        values: Floats | None,
        window: _Window | None,
        counted: str | None,
        zeros: bool = True,
    ) -> None:
        """Add the values of rows to a window, and the rows to what is counted; `zeros` says whether those of 0 are."""
        if values is None or window is None:
            values, window = np.zeros(len(words)), _Window(0, self.lanes)
        window.reach(values)
        if counted is not None and counted not in self.counts:
            self.counts[counted] = np.zeros_like(self.counts["rows"])
        numbers = np.array(table, np.int64)
        fields = (
            *(len(rows.ends), address(rows.ends), address(rows.codes), address(values), address(words), self.lanes),
            *(address(self.lows), address(self.highs), address(numbers)),
            *(address(window.limbs), window.limbs.shape[1], window.first),
            *(0 if counted is None else address(self.counts[counted]), int(zeros), address(self.scratch)),
        )
        called(resample_kernel(), fields)


def _finite(values: Floats) -> Floats:
    """The same with 0 for what is no finite number."""
    finite = np.isfinite(values)
    return values if finite.all() else np.where(finite, values, 0.0)
