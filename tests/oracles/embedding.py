"""Losses of similarity between vectors."""

from __future__ import annotations

from collections.abc import Mapping

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, Oracle, Row, whole


def norm(x: Row, o: Options) -> mpf:
    square = mpmath.fsum(a * a for a in x)
    if o["floor"] == "square":
        return mpmath.sqrt(max(square, mpf(o["epsilon"])))
    return max(mpmath.sqrt(square), mpf(o["epsilon"]))


def inner(x: Row, y: Row) -> mpf:
    return mpmath.fsum(a * b for a, b in zip(x, y, strict=True))


def length(x: Row, o: Options) -> mpf:
    """A norm whose square is held at or above epsilon; squares below the smallest float64 are 0."""
    square = max(inner(x, x), mpf(o["epsilon"]))
    return mpmath.sqrt(square) if square > 1e-320 else mpf(0)


def quotient(a: mpf, b: mpf) -> mpf:
    """a / b as IEEE 754 has it."""
    if b:
        return a / b
    return mpf("nan") if abs(a) < 1e-320 else mpf("inf" if a > 0 else "-inf")


def embedding(rows: Mapping[str, Row], o: Options) -> mpf:
    a, b, e = rows["x1"], rows["x2"], mpf(o["epsilon"])
    cosine = inner(a, b) / mpmath.sqrt((inner(a, a) + e) * (inner(b, b) + e))
    apart = max(mpf(0), cosine - mpf(o["margin"])) if rows["labels"][0] == -1 else mpf(0)
    return 1 - cosine if rows["labels"][0] == 1 else apart


def triplet(rows: Mapping[str, Row], o: Options) -> mpf:
    def distance(x: str, y: str) -> mpf:
        p = mpf(o["p"])
        terms = [abs(a - b + mpf(o["epsilon"])) ** p for a, b in zip(rows[x], rows[y], strict=True)]
        return mpmath.fsum(terms) ** (1 / p)

    far = distance("anchor", "negative")
    far = min(far, distance("positive", "negative")) if o["swap"] else far
    return max(mpf(0), distance("anchor", "positive") - far + mpf(o["margin"]))


ORACLES: dict[str, Oracle] = {
    "cosine_similarity": whole(lambda y, p, o: -inner(y, p) / (norm(y, o) * norm(p, o))),
    "cosine_distance": whole(lambda y, p, o: 1 - inner(y, p)),
    "cosine_gap": whole(lambda y, p, o: 1 - quotient(inner(y, p), length(y, o) * length(p, o))),
    "cosine_embedding": embedding,
    "triplet_margin": triplet,
}
