"""Divergences and likelihoods."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, Oracle, Row, each, each_of, held, log0, whole

FINE = 120  # digits, where terms of nearly equal size are told apart


def divergence(y: Row, p: Row, o: Options) -> mpf:
    pairs = [(held(t, o["epsilon"], mpf(1)), held(q, o["epsilon"], mpf(1))) for t, q in zip(y, p, strict=True)]
    return mpmath.fsum(log0(t, t / q) for t, q in pairs)


def generalized(y: Row, p: Row, o: Options) -> mpf:
    with mpmath.workdps(FINE):
        masses = [mpmath.exp(q) for q in p] if o["from_logs"] else p
        if any(q == 0 < t for t, q in zip(y, masses, strict=True)):
            return mpf("inf")
        return mpmath.fsum((log0(t, t / q) if t else 0) - t + q for t, q in zip(y, masses, strict=True))


def from_logs(y: mpf, p: mpf, o: Options) -> mpf:
    return mpmath.exp(y) * (y - p) if o["log_target"] else log0(y, y) - y * p


def poisson(y: mpf, p: mpf, o: Options) -> mpf:
    e = mpf(o["epsilon"])
    return p - log0(y, p + e) if o["guard"] == "add" else max(p, e) - log0(y, max(p, e))


def poisson_nll(y: mpf, p: mpf, o: Options) -> mpf:
    bare = mpmath.exp(p) - y * p if o["log_input"] else p - log0(y, p + mpf(o["epsilon"]))
    return bare + (log0(y, y) - y + mpmath.log(2 * mpmath.pi * y) / 2 if o["full"] and y > 1 else 0)


def deviance(y: mpf, p: mpf, order: mpf) -> mpf:
    """As scikit-learn's documentation has it."""
    if y == p:
        return mpf(0)
    with mpmath.workdps(FINE):
        if order == 0:
            return (y - p) ** 2
        if order == 1:
            return 2 * (log0(y, y / p) - y + p)
        if order == 2:
            return 2 * (mpmath.log(p / y) + y / p - 1)
        a, b = 2 - order, 1 - order
        own = max(y, mpf(0)) ** a / (a * b) if y > 0 or order < 0 else mpf(0)
        return 2 * (own - y * p**b / b + p**a / a)


def gamma_deviance(y: mpf, p: mpf, o: Options) -> mpf:
    e = mpf(o["epsilon"])
    with mpmath.workdps(FINE):
        return deviance(y + e if o["added"] == "both" else y, p + e, mpf(2))


def tweedie_nll(y: mpf, p: mpf, o: Options) -> mpf:
    mu, order = max(p, mpf(o["epsilon"])), mpf(o["power"])
    if order == 1:
        return mu - log0(y, mu)
    return -y * mu ** (1 - order) / (1 - order) + mu ** (2 - order) / (2 - order)


def gaussian(y: mpf, p: mpf, var: mpf, o: Options) -> mpf:
    v = max(var, mpf(o["epsilon"]))
    return (mpmath.log(v) + (p - y) ** 2 / v + (mpmath.log(2 * mpmath.pi) if o["full"] else 0)) / 2


def gaussian_log_scale(y: mpf, p: mpf, s: mpf, o: Options) -> mpf:
    return mpmath.log(2 * mpmath.pi) / 2 + s + mpmath.exp(-2 * s) * (p - y) ** 2 / 2


def gamma_nll(y: mpf, p: mpf, o: Options) -> mpf:
    mu = max(p, mpf(o["epsilon"]))
    return y / mu + mpmath.log(mu)


def log_tweedie(y: mpf, p: mpf, o: Options) -> mpf:
    a, b = 1 - mpf(o["power"]), 2 - mpf(o["power"])
    return -y * mpmath.exp(a * p) / a + mpmath.exp(b * p) / b


def lived(z: mpf, kind: str) -> mpf:
    if kind == "normal":
        return mpmath.ncdf(z) if abs(z) < 1e6 else mpf(z > 0)
    return 1 / (1 + mpmath.exp(-z)) if kind == "logistic" else -mpmath.expm1(-mpmath.exp(z))


def bell(z: mpf, kind: str) -> mpf:
    if kind == "normal":
        return mpmath.npdf(z)
    return mpmath.exp(-z) / (1 + mpmath.exp(-z)) ** 2 if kind == "logistic" else mpmath.exp(z - mpmath.exp(z))


def failure(y: mpf, p: mpf, upper: mpf, o: Options) -> mpf:
    kind, s = o["distribution"], mpf(o["scale"])

    def below(t: mpf) -> mpf:
        return mpf(0) if t <= 0 else lived((mpmath.log(t) - p) / s, kind)

    if y == upper:
        likely = bell((mpmath.log(y) - p) / s, kind) / (s * y) if y > 0 else mpf(0)
    else:
        likely = below(upper) - below(y)
    return -mpmath.log(max(likely, mpf(o["epsilon"])))


ORACLES: dict[str, Oracle] = {
    "kl_divergence": whole(divergence),
    "generalized_kl": whole(generalized),
    "kl_from_logs": each(from_logs),
    "row_kl_from_logs": whole(lambda y, p, o: mpmath.fsum(from_logs(t, q, o) for t, q in zip(y, p, strict=True))),
    "aft_nll": each_of(("labels", "preds", "upper"), failure),
    "poisson_nll_exact": each(
        lambda y, p, o: max(p, mpf(o["epsilon"])) - log0(y, max(p, mpf(o["epsilon"]))) + mpmath.loggamma(y + 1)
    ),
    "tweedie_nll_log": each(log_tweedie),
    "poisson": each(poisson),
    "poisson_nll": each(poisson_nll),
    "poisson_deviance": each(lambda y, p, o: deviance(y, p, mpf(1))),
    "gamma_deviance": each(gamma_deviance),
    "tweedie_deviance": each(lambda y, p, o: deviance(y + mpf(o["epsilon"]), p + mpf(o["epsilon"]), mpf(o["power"]))),
    "tweedie_nll": each(tweedie_nll),
    "gamma_nll": each(gamma_nll),
    "gaussian_nll": each_of(("labels", "preds", "var"), gaussian),
    "gaussian_nll_log_scale": each_of(("labels", "preds", "log_scale"), gaussian_log_scale),
}
