"""Losses of a real prediction against a real label."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, Oracle, each


def msle(y: mpf, p: mpf, o: Options) -> mpf:
    a, b = (max(y, mpf(o["epsilon"])), max(p, mpf(o["epsilon"]))) if o["clamped"] else (y, p)
    return (mpmath.log(1 + b) - mpmath.log(1 + a)) ** 2


def huber(y: mpf, p: mpf, o: Options) -> mpf:
    e, d = abs(p - y), mpf(o["delta"])
    return e * e / 2 if e <= d else d * (e - d / 2)


def smooth_l1(y: mpf, p: mpf, o: Options) -> mpf:
    e, b = abs(p - y), mpf(o["beta"])
    return e * e / 2 / b if e < b else e - b / 2


def pseudo_huber(y: mpf, p: mpf, o: Options) -> mpf:
    d = mpf(o["delta"])
    with mpmath.workdps(120):
        return d**2 * (mpmath.sqrt(1 + ((p - y) / d) ** 2) - 1)


def fair(y: mpf, p: mpf, o: Options) -> mpf:
    c = mpf(o["c"])
    with mpmath.workdps(120):
        x = abs(p - y) / c
        return c**2 * (x - mpmath.log1p(x) if x > 1e-30 else x * x / 2)


def pinball(y: mpf, p: mpf, o: Options) -> mpf:
    d, a = y - p, mpf(o["alpha"])
    beyond = max(abs(d) - mpf(o["dead_zone"]), mpf(0))
    return mpf(o["factor"]) * (a * beyond if d >= 0 else (1 - a) * beyond)


def tukey(y: mpf, p: mpf, o: Options) -> mpf:
    c = mpf(o["c"])
    return c**2 / 6 * (1 - max(1 - ((p - y) / c) ** 2, mpf(0)) ** 3)


ORACLES: dict[str, Oracle] = {
    "mean_squared_error": each(lambda y, p, o: (p - y) ** 2),
    "mean_absolute_error": each(lambda y, p, o: abs(p - y)),
    "mean_absolute_percentage_error": each(
        lambda y, p, o: mpf(o["percent"]) * abs(p - y) / max(abs(y), mpf(o["epsilon"]))
    ),
    "symmetric_mean_absolute_percentage_error": each(
        lambda y, p, o: 200 * abs(p - y) / (abs(p) + abs(y)) if p or y else mpf(0)
    ),
    "mean_squared_logarithmic_error": each(msle),
    "huber": each(huber),
    "log_cosh": each(lambda y, p, o: mpmath.log(mpmath.cosh(p - y))),
    "half_squared_error": each(lambda y, p, o: (p - y) ** 2 / 2),
    "smooth_l1": each(smooth_l1),
    "pseudo_huber": each(pseudo_huber),
    "fair": each(fair),
    "lq": each(lambda y, p, o: abs(p - y) ** mpf(o["q"])),
    "pinball": each(pinball),
    "expectile": each(lambda y, p, o: abs(mpf(o["alpha"]) - (1 if y <= p else 0)) * (p - y) ** 2),
    "tukey_biweight": each(tukey),
    "num_errors": each(lambda y, p, o: mpf(abs(p - y) > mpf(o["greater_than"]))),
    "zero_one": each(lambda y, p, o: mpf(y != p)),
    "binary_error": each(lambda y, p, o: 1 - y if p > mpf(o["threshold"]) else y),
}
