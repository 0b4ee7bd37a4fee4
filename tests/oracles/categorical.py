"""Losses of K probabilities or logits a row."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, Oracle, Row, held, share_log, softmax_log, whole


def categorical(y: Row, p: Row, o: Options) -> mpf:
    a = mpf(o.get("label_smoothing", 0.0))
    logs = softmax_log(p) if o["from_logits"] else share_log(p, o["epsilon"])
    return -mpmath.fsum((t * (1 - a) + a / len(p)) * x for t, x in zip(y, logs, strict=True))


def sparse(y: Row, p: Row, o: Options) -> mpf:
    if o["ignore_class"] is not None and y[0] == o["ignore_class"]:
        return mpf(0)
    return categorical([mpf(k == y[0]) for k in range(len(p))], p, o)


def categorical_focal(y: Row, p: Row, o: Options) -> mpf:
    a, e = mpf(o["label_smoothing"]), o["epsilon"]
    shares = [mpmath.exp(x) for x in softmax_log(p)] if o["from_logits"] else p
    mass = mpmath.fsum(shares)
    held_shares = [held(q / mass, e, 1 - mpf(e)) for q in shares]
    return -mpf(o["alpha"]) * mpmath.fsum(
        (t * (1 - a) + a / len(p)) * (1 - q) ** mpf(o["gamma"]) * mpmath.log(q)
        for t, q in zip(y, held_shares, strict=True)
    )


ORACLES: dict[str, Oracle] = {
    "categorical_crossentropy": whole(categorical),
    "sparse_categorical_crossentropy": whole(sparse),
    "categorical_focal_crossentropy": whole(categorical_focal),
    "categorical_generalized_cross_entropy": whole(lambda y, p, o: (1 - p[int(y[0])] ** mpf(o["q"])) / mpf(o["q"])),
}
