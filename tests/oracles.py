"""Every loss by other hands: mpmath forms of the formulas, and the compiled losses called on arrays.

An oracle takes one row (labels, preds, options) as exact numbers and returns the loss to 60 digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf

from lossctl.catalogue.spec import BoundLoss, bind
from lossctl.evaluate.request import Request
from lossctl.evaluate.run import evaluate_rows, run

mpmath.mp.dps = 60

Row = Sequence[mpf]
Oracle = Callable[[Row, Row, dict[str, Any]], mpf]
NAMES = {"labels": "y", "preds": "p", "weights": "w"}


def request_for(
    call: str, options: dict[str, Any], arrays: dict[str, np.ndarray], folder: Path, **more: Any
) -> Request:
    """A request over arrays, saved as .npy files."""
    roles = {}
    for role, array in arrays.items():
        path = folder / f"{NAMES.get(role, role)}.npy"
        np.save(path, array)
        roles[role] = str(path)
    return Request(files=(), losses=(bind(call, options),), roles=roles, on_bad="keep", **more)


def evaluate_arrays(
    call: str, options: dict[str, Any], arrays: dict[str, np.ndarray], folder: Path, reduction: str
) -> float:
    """The reduced loss of arrays."""
    return run(request_for(call, options, arrays, folder, reduction=reduction)).result().results[0].value


def rows_of(call: str, options: dict[str, Any], arrays: dict[str, np.ndarray], folder: Path) -> np.ndarray:
    """The unreduced losses of arrays."""
    request = request_for(call, options, arrays, folder, reduction="none")
    pieces = [next(iter(rows.losses.values())) for rows in evaluate_rows(request, run(request).plan)]
    return np.concatenate(pieces)


def mean(values: Sequence[mpf]) -> mpf:
    return mpmath.fsum(values) / len(values)


def each(term: Callable[[mpf, mpf, dict[str, Any]], mpf]) -> Oracle:
    """An elementwise loss: the mean of a term over the columns."""
    return lambda y, p, o: mean([term(a, b, o) for a, b in zip(y, p, strict=True)])


def held(x: mpf, low: float, high: mpf) -> mpf:
    return min(max(x, mpf(low)), high)


def log0(a: mpf, x: mpf) -> mpf:
    """a log x, 0 where a is 0."""
    return mpf(0) if a == 0 else a * mpmath.log(x)


def softmax_log(z: Row) -> list[mpf]:
    mass = mpmath.fsum(mpmath.exp(x) for x in z)
    return [x - mpmath.log(mass) for x in z]


def share_log(p: Row, epsilon: float) -> list[mpf]:
    mass = mpmath.fsum(p)
    return [mpmath.log(held(q / mass, epsilon, 1 - mpf(epsilon))) for q in p]


def binary(y: mpf, p: mpf, o: dict[str, Any]) -> mpf:
    soft = y * (1 - mpf(o["label_smoothing"])) + mpf(o["label_smoothing"]) / 2
    if o["from_logits"]:
        return mpmath.log1p(mpmath.exp(-abs(p))) + max(p, mpf(0)) - p * soft
    q = held(p, o["epsilon"], 1 - mpf(o["epsilon"]))
    return -log0(soft, q) - log0(1 - soft, 1 - q)


def categorical(y: Row, p: Row, o: dict[str, Any]) -> mpf:
    a = mpf(o.get("label_smoothing", 0.0))
    logs = softmax_log(p) if o["from_logits"] else share_log(p, o["epsilon"])
    return -mpmath.fsum((t * (1 - a) + a / len(p)) * x for t, x in zip(y, logs, strict=True))


def sparse(y: Row, p: Row, o: dict[str, Any]) -> mpf:
    if o["ignore_class"] is not None and y[0] == o["ignore_class"]:
        return mpf(0)
    return categorical([mpf(k == y[0]) for k in range(len(p))], p, o)


def divergence(y: Row, p: Row, o: dict[str, Any]) -> mpf:
    pairs = [(held(t, o["epsilon"], mpf(1)), held(q, o["epsilon"], mpf(1))) for t, q in zip(y, p, strict=True)]
    return mpmath.fsum(t * mpmath.log(t / q) for t, q in pairs)


def msle(y: mpf, p: mpf, o: dict[str, Any]) -> mpf:
    a, b = max(y, mpf(o["epsilon"])), max(p, mpf(o["epsilon"]))
    return (mpmath.log(1 + b) - mpmath.log(1 + a)) ** 2


def huber(y: mpf, p: mpf, o: dict[str, Any]) -> mpf:
    e, d = abs(p - y), mpf(o["delta"])
    return e * e / 2 if e <= d else d * (e - d / 2)


def shortfall(y: mpf, p: mpf, o: dict[str, Any]) -> mpf:
    sign = 2 * y - 1 if o["label_encoding"] == "01" else y
    return max(mpf(0), 1 - sign * p)


def cosine(y: Row, p: Row, o: dict[str, Any]) -> mpf:
    def norm(x: Row) -> mpf:
        return max(mpmath.sqrt(mpmath.fsum(a * a for a in x)), mpf(o["epsilon"]))

    return -mpmath.fsum(a * b for a, b in zip(y, p, strict=True)) / (norm(y) * norm(p))


def class_hinge(y: Row, p: Row, o: dict[str, Any]) -> mpf:
    own = mpmath.fsum(t * q for t, q in zip(y, p, strict=True))
    best = max((1 - t) * q for t, q in zip(y, p, strict=True))
    return max(mpf(0), best - own + 1)


def focal(y: mpf, p: mpf, o: dict[str, Any]) -> mpf:
    a = mpf(o["label_smoothing"])
    soft = y * (1 - a) + a / 2
    q = 1 / (1 + mpmath.exp(-p)) if o["from_logits"] else p
    entropy = binary(y, q, {**o, "from_logits": False})
    weight = soft * mpf(o["alpha"]) + (1 - soft) * (1 - mpf(o["alpha"])) if o["apply_class_balancing"] else 1
    return weight * (soft * (1 - q) + (1 - soft) * q) ** mpf(o["gamma"]) * entropy


def categorical_focal(y: Row, p: Row, o: dict[str, Any]) -> mpf:
    a, e = mpf(o["label_smoothing"]), o["epsilon"]
    shares = [mpmath.exp(x) for x in softmax_log(p)] if o["from_logits"] else p
    mass = mpmath.fsum(shares)
    held_shares = [held(q / mass, e, 1 - mpf(e)) for q in shares]
    return -mpf(o["alpha"]) * mpmath.fsum(
        (t * (1 - a) + a / len(p)) * (1 - q) ** mpf(o["gamma"]) * mpmath.log(q)
        for t, q in zip(y, held_shares, strict=True)
    )


ORACLES: dict[str, Oracle] = {
    "binary_crossentropy": each(binary),
    "categorical_crossentropy": categorical,
    "sparse_categorical_crossentropy": sparse,
    "binary_focal_crossentropy": each(focal),
    "categorical_focal_crossentropy": categorical_focal,
    "categorical_generalized_cross_entropy": lambda y, p, o: (1 - p[int(y[0])] ** mpf(o["q"])) / mpf(o["q"]),
    "kl_divergence": divergence,
    "poisson": each(lambda y, p, o: p - log0(y, p + mpf(o["epsilon"]))),
    "mean_squared_error": each(lambda y, p, o: (p - y) ** 2),
    "mean_absolute_error": each(lambda y, p, o: abs(p - y)),
    "mean_absolute_percentage_error": each(lambda y, p, o: 100 * abs(p - y) / max(abs(y), mpf(o["epsilon"]))),
    "mean_squared_logarithmic_error": each(msle),
    "huber": each(huber),
    "log_cosh": each(lambda y, p, o: mpmath.log(mpmath.cosh(p - y))),
    "cosine_similarity": cosine,
    "hinge": each(shortfall),
    "squared_hinge": each(lambda y, p, o: shortfall(y, p, o) ** 2),
    "categorical_hinge": class_hinge,
}


def oracle(bound: BoundLoss, labels: np.ndarray, preds: np.ndarray) -> list[mpf]:
    """The true losses of some rows."""
    exact = [[list(map(mpf, map(float, row))) for row in array.reshape(len(array), -1)] for array in (labels, preds)]
    return [ORACLES[bound.loss.name](y, p, bound.options) for y, p in zip(*exact, strict=True)]
