"""Losses that take the outputs of a row together."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, Oracle, Row, mean, whole


def pairs(y: Row, p: Row, o: Options) -> mpf:
    d = [q - t for t, q in zip(y, p, strict=True)]
    between = [(a - b) ** 2 for i, a in enumerate(d) for b in d[:i]]
    return mpmath.fsum(between) / len(between)


ORACLES: dict[str, Oracle] = {
    "subset_error": whole(lambda y, p, o: mpf(any(t != q for t, q in zip(y, p, strict=True)))),
    "mean_pairwise_squared_error": whole(pairs),
    "half_square": lambda rows, o: mean([x * x / 2 for x in rows["preds"]]),
}
