"""How many different values there are: exactly while they are few, else from the smallest of their hashes.

Of all hashes, spread evenly over 64 bits, the smallest are kept; how far up they reach tells how many there are
(Bar-Yossef et al. 2002). What is kept hangs on the set of values alone, so it is the same for any order or split.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lossctl.audit.hashes import Hashes

# exact up to this many; beyond, off by 3% or so
EXACT = 1024
NOTHING = np.empty(0, np.uint64)


def smallest(kept: Hashes, more: Hashes) -> Hashes:
    """The smallest of both, each once, in order."""
    if len(kept) > EXACT:
        more = more[more < kept[-1]]
    if not len(more):
        return kept
    # numpy's own `unique` goes by a hash table, which is slower here
    every = np.sort(np.concatenate([kept, more]) if len(kept) else more)
    once: Hashes = every[np.concatenate([[True], every[1:] != every[:-1]])]
    return once[: EXACT + 1]


def distinct(kept: Hashes) -> tuple[int, bool]:
    """How many different values, and whether that is exact."""
    if len(kept) <= EXACT:
        return len(kept), True
    return round(EXACT / (int(kept[-1]) / 2.0**64)), False
