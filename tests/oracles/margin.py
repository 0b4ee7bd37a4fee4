"""Margin losses."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, Oracle, Row, each, each_of, softmax_log, whole


def shortfall(y: mpf, p: mpf, o: Options) -> mpf:
    sign = 2 * y - 1 if o["label_encoding"] == "01" else y
    if o["label_encoding"] == "sorted":
        sign = mpf(1 if y > o["lowest"] else -1)
    return max(mpf(0), 1 - sign * p)


def class_hinge(y: Row, p: Row, o: Options) -> mpf:
    own = mpmath.fsum(t * q for t, q in zip(y, p, strict=True))
    best = max((1 - t) * q for t, q in zip(y, p, strict=True))
    return max(mpf(0), best - own + 1)


def weights_of(p: Row, o: Options) -> list[mpf]:
    given = o["class_weights"]
    return [mpf(w) for w in (given if isinstance(given, tuple) else [given] * len(p))]


def others(y: Row, p: Row) -> list[mpf]:
    return [q for k, q in enumerate(p) if k != y[0]]


def pairwise(y: Row, p: Row, o: Options) -> mpf:
    own = p[int(y[0])]
    missed = [max(mpf(0), mpf(o["margin"]) - own + q) ** int(o["power"]) for q in others(y, p)]
    return weights_of(p, o)[int(y[0])] * mpmath.fsum(missed) / len(p)


def slots(y: Row, p: Row, o: Options) -> mpf:
    listed = y[: next((i for i, label in enumerate(y) if label < 0), len(y))]
    if any(label >= len(p) for label in listed) and any(mpf(k) not in listed for k in range(len(p))):
        return mpf("nan")
    return mpmath.fsum(
        max(mpf(0), 1 - (p[int(j)] - p[k])) for j in listed for k in range(len(p)) if mpf(k) not in listed
    ) / len(p)


def soft_labels(y: Row, p: Row, o: Options) -> mpf:
    terms = zip(y, p, weights_of(p, o), strict=True)
    return mpmath.fsum(w * (mpmath.log1p(mpmath.exp(z)) - t * z) for t, z, w in terms) / len(p)


def poly(y: Row, p: Row, o: Options) -> mpf:
    return mpmath.fsum(
        t * (-x + mpf(o["epsilon"]) * (1 - mpmath.exp(x))) for t, x in zip(y, softmax_log(p), strict=True)
    )


def projected(y: Row, p: Row, o: Options) -> mpf:
    ordered = sorted(p, reverse=True)
    tau = max((mpmath.fsum(ordered[:k]) - 1) / k for k in range(1, len(p) + 1))
    s = [max(mpf(0), z - tau) for z in p]
    return (1 - mpmath.fsum(x * x for x in s)) / 2 + mpmath.fsum(
        x * (z - p[int(y[0])]) for x, z in zip(s, p, strict=True)
    )


def parabola(y: mpf, p: mpf, o: Options) -> mpf:
    z = p if y > 0 else -p
    return -z if z <= -1 else (mpf(0) if z >= 1 else (1 - z) ** 2 / 4)


ORACLES: dict[str, Oracle] = {
    "hinge": each(shortfall),
    "squared_hinge": each(lambda y, p, o: shortfall(y, p, o) ** 2),
    "categorical_hinge": whole(class_hinge),
    "soft_margin": each(lambda y, p, o: mpmath.log1p(mpmath.exp(-y * p))),
    "hinge_embedding": each(lambda y, p, o: p * (y != -1) + max(mpf(0), mpf(o["margin"]) - p) * (y != 1)),
    "margin_ranking": each_of(("labels", "x1", "x2"), lambda y, a, b, o: max(mpf(0), -y * (a - b) + mpf(o["margin"]))),
    "perceptron": each(lambda y, p, o: max(mpf(0), -y * p)),
    "sparsemax": each(parabola),
    "multiclass_hinge": whole(lambda y, p, o: max(mpf(0), 1 - p[int(y[0])] + max(others(y, p)))),
    "multiclass_perceptron": whole(lambda y, p, o: max(p) - p[int(y[0])]),
    "multi_margin": whole(pairwise),
    "multilabel_soft_margin": whole(soft_labels),
    "multilabel_margin": whole(slots),
    "polyloss": whole(poly),
    "ranking_softmax": whole(lambda y, p, o: -mpmath.fsum(t * x for t, x in zip(y, softmax_log(p), strict=True))),
    "multiclass_sparsemax": whole(projected),
}
