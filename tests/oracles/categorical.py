"""Losses of K probabilities or logits a row."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, Oracle, Row, held, softmax_log, whole


def logs_of(p: Row, o: Options) -> list[mpf]:
    """log of each class's probability, as the options make it."""
    epsilon, below = o["epsilon"], o.get("below_one", 0.0)
    highest = 1 - mpf(below or epsilon)
    match o.get("shares", "normalised"):
        case "floored":
            return [mpmath.log(max(q, mpf(epsilon))) for q in p]
        case "as_given":
            return [mpmath.log(held(q, epsilon, highest)) for q in p]
        case "held_first":
            kept = [held(q, epsilon, highest) for q in p]
            return [mpmath.log(q / mpmath.fsum(kept)) for q in kept]
    mass = mpmath.fsum(p)
    return [mpmath.log(held(q / mass, epsilon, highest)) for q in p]


def categorical(y: Row, p: Row, o: Options) -> mpf:
    a = mpf(o.get("label_smoothing", 0.0))
    logs = softmax_log(p) if o["from_logits"] else logs_of(p, o)
    return -mpmath.fsum((t * (1 - a) + a / len(p)) * x for t, x in zip(y, logs, strict=True))


def sparse(y: Row, p: Row, o: Options) -> mpf:
    return categorical([mpf(k == y[0]) for k in range(len(p))], p, o)


def weights_of(p: Row, o: Options) -> list[mpf]:
    given = o["class_weights"]
    return [mpf(w) for w in (given if isinstance(given, tuple) else [given] * len(p))]


def soft(y: Row, p: Row, o: Options) -> mpf:
    a = mpf(o["label_smoothing"])
    terms = zip(y, weights_of(p, o), softmax_log(p), strict=True)
    return -mpmath.fsum(w * (t * (1 - a) + a / len(p)) * x for t, w, x in terms)


def indexed(y: Row, p: Row, o: Options) -> mpf:
    return soft([mpf(k == y[0]) for k in range(len(p))], p, o)


def against_all(y: Row, p: Row, o: Options) -> mpf:
    return mpmath.fsum(mpmath.log1p(mpmath.exp(-z if k == y[0] else z)) for k, z in enumerate(p)) / len(p)


def categorical_focal(y: Row, p: Row, o: Options) -> mpf:
    a, e = mpf(o["label_smoothing"]), o["epsilon"]
    shares = [mpmath.exp(x) for x in softmax_log(p)] if o["from_logits"] else p
    mass = mpmath.fsum(shares)
    held_shares = [held(q / mass, e, 1 - mpf(e)) for q in shares]
    return -mpf(o["alpha"]) * mpmath.fsum(
        (t * (1 - a) + a / len(p)) * (1 - q) ** mpf(o["gamma"]) * mpmath.log(q)
        for t, q in zip(y, held_shares, strict=True)
    )


def missed(y: Row, p: Row, o: Options) -> mpf:
    own = p[int(y[0])]
    others = [(q, k) for k, q in enumerate(p) if k != y[0]]
    higher = sum(q > own or (q == own and (o["ties"] == "against" or k < y[0])) for q, k in others)
    return mpf(higher >= o["top_k"])


ORACLES: dict[str, Oracle] = {
    "cross_entropy": whole(indexed),
    "soft_cross_entropy": whole(soft),
    "multi_error": whole(missed),
    "nll": whole(lambda y, p, o: -weights_of(p, o)[int(y[0])] * p[int(y[0])]),
    "multiclass_brier_score": whole(
        lambda y, p, o: mpf(o["factor"]) * mpmath.fsum((q - t) ** 2 for t, q in zip(y, p, strict=True))
    ),
    "one_vs_all": whole(against_all),
    "categorical_crossentropy": whole(categorical),
    "sparse_categorical_crossentropy": whole(sparse),
    "categorical_focal_crossentropy": whole(categorical_focal),
    "categorical_generalized_cross_entropy": whole(lambda y, p, o: (1 - p[int(y[0])] ** mpf(o["q"])) / mpf(o["q"])),
}
