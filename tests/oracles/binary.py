"""Losses of one probability or logit a label."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, Oracle, each, held, log0


def binary(y: mpf, p: mpf, o: Options) -> mpf:
    soft = y * (1 - mpf(o["label_smoothing"])) + mpf(o["label_smoothing"]) / 2
    if o["from_logits"]:
        return mpmath.log1p(mpmath.exp(-abs(p))) + max(p, mpf(0)) - p * soft
    q = held(p, o["epsilon"], 1 - mpf(o["epsilon"]))
    return -log0(soft, q) - log0(1 - soft, 1 - q)


def focal(y: mpf, p: mpf, o: Options) -> mpf:
    a = mpf(o["label_smoothing"])
    soft = y * (1 - a) + a / 2
    q = 1 / (1 + mpmath.exp(-p)) if o["from_logits"] else p
    entropy = binary(y, q, {**o, "from_logits": False})
    weight = soft * mpf(o["alpha"]) + (1 - soft) * (1 - mpf(o["alpha"])) if o["apply_class_balancing"] else 1
    return weight * (soft * (1 - q) + (1 - soft) * q) ** mpf(o["gamma"]) * entropy


ORACLES: dict[str, Oracle] = {
    "binary_crossentropy": each(binary),
    "binary_focal_crossentropy": each(focal),
}
