"""Losses of one probability or logit a label."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, Oracle, each, held, log0


def guarded(x: mpf, epsilon: float, guard: str) -> mpf:
    if guard == "log":
        return mpf(-100) if x == 0 else max(mpmath.log(x), mpf(-100))
    return mpmath.log(max(x, mpf(epsilon)) if guard == "floor" else x + mpf(epsilon))


def binary(y: mpf, p: mpf, o: Options) -> mpf:
    label = mpf(y > 0) if o["by_sign"] else y
    a, positive = mpf(o["label_smoothing"]), mpf(o["pos_weight"])
    soft, other = label * (1 - a) + a / 2, (1 - label) * (1 - a) + a / 2
    if o["from_logits"]:
        return positive * soft * mpmath.log1p(mpmath.exp(-p)) + other * mpmath.log1p(mpmath.exp(p))
    # the float64 nearest to 1 - epsilon, as the frameworks hold p
    highest = mpf(1.0 - float(o["below_one"] or o["epsilon"]))
    q = held(p, o["epsilon"], highest) if o["guard"] in ("clip", "clip_add") else p
    if o["guard"] == "clip":
        return -log0(positive * soft, q) - log0(other, 1 - q)
    rest = 1 - q
    logs = guarded(q, o["epsilon"], o["guard"]), guarded(rest, o["epsilon"], o["guard"])
    if q < 1e-30 and o["guard"] != "add":
        logs = logs[0], -q
    return -positive * soft * logs[0] - other * logs[1]


def focal(y: mpf, p: mpf, o: Options) -> mpf:
    a = mpf(o["label_smoothing"])
    soft = y * (1 - a) + a / 2
    q = 1 / (1 + mpmath.exp(-p)) if o["from_logits"] else p
    entropy = binary(
        y, q, {**o, "from_logits": False, "pos_weight": 1, "below_one": 0, "guard": "clip", "by_sign": False}
    )
    weight = soft * mpf(o["alpha"]) + (1 - soft) * (1 - mpf(o["alpha"])) if o["apply_class_balancing"] else 1
    return weight * (soft * (1 - q) + (1 - soft) * q) ** mpf(o["gamma"]) * entropy


ORACLES: dict[str, Oracle] = {
    "binary_crossentropy": each(binary),
    "binary_kl_divergence": each(
        lambda y, p, o: (
            log0(y, y)
            + log0(1 - y, 1 - y)
            - log0(y, max(p, mpf(o["epsilon"])))
            - log0(1 - y, max(1 - p, mpf(o["epsilon"])))
        )
    ),
    "binary_brier_score": each(lambda y, p, o: mpf(o["factor"]) * (p - mpf(y > 0)) ** 2),
    "binary_focal_crossentropy": each(focal),
}
