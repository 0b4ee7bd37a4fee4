"""Losses of similarity between vectors."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, Oracle, Row, whole


def cosine(y: Row, p: Row, o: Options) -> mpf:
    def norm(x: Row) -> mpf:
        return max(mpmath.sqrt(mpmath.fsum(a * a for a in x)), mpf(o["epsilon"]))

    return -mpmath.fsum(a * b for a, b in zip(y, p, strict=True)) / (norm(y) * norm(p))


ORACLES: dict[str, Oracle] = {
    "cosine_similarity": whole(cosine),
}
