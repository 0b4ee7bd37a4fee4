"""Margin losses."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, Oracle, Row, each, whole


def shortfall(y: mpf, p: mpf, o: Options) -> mpf:
    sign = 2 * y - 1 if o["label_encoding"] == "01" else y
    if o["label_encoding"] == "sorted":
        sign = mpf(1 if y > o["lowest"] else -1)
    return max(mpf(0), 1 - sign * p)


def class_hinge(y: Row, p: Row, o: Options) -> mpf:
    own = mpmath.fsum(t * q for t, q in zip(y, p, strict=True))
    best = max((1 - t) * q for t, q in zip(y, p, strict=True))
    return max(mpf(0), best - own + 1)


ORACLES: dict[str, Oracle] = {
    "hinge": each(shortfall),
    "squared_hinge": each(lambda y, p, o: shortfall(y, p, o) ** 2),
    "categorical_hinge": whole(class_hinge),
}
