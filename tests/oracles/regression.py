"""Losses of a real prediction against a real label."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, Oracle, each


def msle(y: mpf, p: mpf, o: Options) -> mpf:
    a, b = max(y, mpf(o["epsilon"])), max(p, mpf(o["epsilon"]))
    return (mpmath.log(1 + b) - mpmath.log(1 + a)) ** 2


def huber(y: mpf, p: mpf, o: Options) -> mpf:
    e, d = abs(p - y), mpf(o["delta"])
    return e * e / 2 if e <= d else d * (e - d / 2)


ORACLES: dict[str, Oracle] = {
    "mean_squared_error": each(lambda y, p, o: (p - y) ** 2),
    "mean_absolute_error": each(lambda y, p, o: abs(p - y)),
    "mean_absolute_percentage_error": each(lambda y, p, o: 100 * abs(p - y) / max(abs(y), mpf(o["epsilon"]))),
    "mean_squared_logarithmic_error": each(msle),
    "huber": each(huber),
    "log_cosh": each(lambda y, p, o: mpmath.log(mpmath.cosh(p - y))),
}
