"""The draws of resamples, in plain numpy."""

from __future__ import annotations

import numpy as np

from lossctl.audit.bootstrap import TABLES, Resampler
from lossctl.audit.hashes import mixed
from lossctl.kernels.draws import BASE, STEP, THRESHOLDS

U = np.uint32


def draws_of(resampler: Resampler, keys: np.ndarray) -> np.ndarray:
    """(n, lanes) how often each replicate draws each of (n,) rows, or with which sign."""
    words = mixed(keys ^ resampler.row_salt)
    x = (words.astype(U)[:, None] ^ resampler.lows) * U(0x7FEB352D)
    x ^= x >> U(15)
    x = (x + ((words >> np.uint64(32)).astype(U)[:, None] ^ resampler.highs)) * U(0x846CA68B)
    x ^= x >> U(16)
    x *= U(0x9E3779B1)
    x ^= x >> U(15)
    table = TABLES[resampler.kind][0]
    return table[BASE] + table[STEP] * np.searchsorted(np.array(table[:THRESHOLDS], U), x, side="left")
