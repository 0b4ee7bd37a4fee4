"""Proper scoring rules of forecasts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, Oracle, Row, each, each_of

Rows = Mapping[str, Row]


def listed(value: object, count: int) -> list[mpf]:
    return [mpf(x) for x in (value if isinstance(value, tuple) else [value] * count)]


def split(rows: Rows) -> tuple[Row, list[Row]]:
    y, p = rows["labels"], rows["preds"]
    return y, [p[i : i + len(y)] for i in range(0, len(p), len(y))]


def norm(a: Row, b: Row) -> mpf:
    return mpmath.sqrt(mpmath.fsum((s - t) ** 2 for s, t in zip(a, b, strict=True)))


def spread(y: Row, members: list[Row], o: Options) -> mpf:
    m = len(members)
    pairs = m * (m - 1) if o["estimator"] in ("fair", "pwm") else m * m
    near = mpmath.fsum(norm(x, y) for x in members) / m
    if not pairs:
        return mpf("nan")
    # each pair once: a norm is 0 from a member to itself, and the same both ways
    return near - mpmath.fsum(norm(a, b) for a, b in combinations(members, 2)) / pairs


def ensemble(rows: Rows, o: Options) -> mpf:
    return spread(rows["labels"], [[x] for x in rows["preds"]], o)


def scaled(score: Callable[[mpf], mpf]) -> Oracle:
    return each_of(("labels", "preds", "scale"), lambda y, p, s, o: s * score((y - p) / s))


def cdf(z: mpf) -> mpf:
    """Of the normal distribution; mpmath gives up far out."""
    return mpf(z > 0) if abs(z) > 1e6 else mpmath.ncdf(z)


def normal(z: mpf) -> mpf:
    if abs(z) > 1e6:
        return abs(z) - 1 / mpmath.sqrt(mpmath.pi)
    return z * (2 * mpmath.ncdf(z) - 1) + 2 * mpmath.npdf(z) - 1 / mpmath.sqrt(mpmath.pi)


def lognormal(y: mpf, m: mpf, s: mpf, o: Options) -> mpf:
    z = (mpmath.log(y) - m) / s if y > 0 else mpf("-1e10")
    tail = cdf(z - s) + cdf(s / mpmath.sqrt(2)) - 1
    return y * (2 * cdf(z) - 1) - 2 * mpmath.exp(m + s * s / 2) * tail


def uniform(y: mpf, a: mpf, b: mpf, o: Options) -> mpf:
    if a >= b:
        return mpf("nan")
    u = (y - a) / (b - a)
    c = min(max(u, mpf(0)), mpf(1))
    return (b - a) * (abs(u - c) + c * c - c + mpf(1) / 3)


def student(y: mpf, p: mpf, s: mpf, o: Options) -> mpf:
    z, v = (y - p) / s, mpf(o["df"])
    tail = mpmath.betainc(v / 2, mpf(1) / 2, 0, v / (v + z * z), regularized=True) / 2
    cdf = tail if z < 0 else 1 - tail
    pdf = (
        mpmath.gamma((v + 1) / 2)
        / (mpmath.sqrt(v * mpmath.pi) * mpmath.gamma(v / 2))
        * (1 + z * z / v) ** (-(v + 1) / 2)
    )
    ratio = mpmath.beta(mpf(1) / 2, v - mpf(1) / 2) / mpmath.beta(mpf(1) / 2, v / 2) ** 2
    return s * (z * (2 * cdf - 1) + 2 * pdf * (v + z * z) / (v - 1) - 2 * mpmath.sqrt(v) / (v - 1) * ratio)


def quantiles(rows: Rows, o: Options) -> mpf:
    y, p = rows["labels"][0], rows["preds"]
    return mpmath.fsum(
        a * (y - q) if y >= q else (1 - a) * (q - y) for q, a in zip(p, listed(o["levels"], len(p)), strict=True)
    )


def winkler(y: mpf, a: mpf, b: mpf, alpha: mpf) -> mpf:
    return (b - a) + 2 / alpha * (max(a - y, mpf(0)) + max(y - b, mpf(0))) if a <= b else mpf("nan")


def intervals(rows: Rows, o: Options) -> mpf:
    y, lower, upper = rows["labels"][0], rows["lower"], rows["upper"]
    levels = listed(o["alphas"], len(lower))
    scores = [e / 2 * winkler(y, a, b, e) for a, b, e in zip(lower, upper, levels, strict=True)]
    return (abs(y - rows["median"][0]) / 2 + sum(scores)) / (len(lower) + mpf("0.5"))


def variogram(rows: Rows, o: Options) -> mpf:
    y, members = split(rows)
    e = mpf(o["exponent"])
    # each pair once: a term is 0 for a column and itself, and the same both ways
    pairs = list(combinations(range(len(y)), 2))
    means = [mpmath.fsum(abs(x[i] - x[j]) ** e for x in members) / len(members) for i, j in pairs]
    return 2 * mpmath.fsum((abs(y[i] - y[j]) ** e - m) ** 2 for (i, j), m in zip(pairs, means, strict=True))


def sebastiani(rows: Rows, o: Options) -> mpf:
    p = rows["preds"]
    mean = mpmath.fsum(p) / len(p)
    var = mpmath.fsum((x - mean) ** 2 for x in p) / (len(p) - 1)
    gap = (rows["labels"][0] - mean) ** 2
    # squares below the smallest float64 are 0
    if var < 1e-320:
        return mpf("inf" if gap > 1e-320 else "-inf")
    return gap / var + mpmath.log(var)


def ranked(rows: Rows, o: Options) -> mpf:
    y, p = rows["labels"][0], rows["preds"]
    score = mpmath.fsum((mpmath.fsum(p[: k + 1]) - (y <= k)) ** 2 for k in range(len(p)))
    return score / (len(p) - 1) if o["normalised"] else score


ORACLES: dict[str, Oracle] = {
    "crps_ensemble": ensemble,
    "crps_normal": scaled(normal),
    "crps_laplace": scaled(lambda z: abs(z) + mpmath.exp(-abs(z)) - mpf("0.75")),
    "crps_logistic": scaled(lambda z: z + 2 * mpmath.log1p(mpmath.exp(-z)) - 1),
    "crps_lognormal": each_of(("labels", "preds", "scale"), lognormal),
    "crps_exponential": each(lambda y, p, o: abs(y) - 2 * (1 - mpmath.exp(-p * y) if y > 0 else 0) / p + 1 / (2 * p)),
    "crps_uniform": each_of(("labels", "lower", "upper"), uniform),
    "crps_student_t": each_of(("labels", "preds", "scale"), student),
    "crps_quantile": lambda rows, o: 2 * quantiles(rows, o) / len(rows["preds"]),
    "multi_quantile": lambda rows, o: quantiles(rows, o) / (len(rows["preds"]) if o["average"] else 1),
    "interval_score": each_of(("labels", "lower", "upper"), lambda y, a, b, o: winkler(y, a, b, mpf(o["alpha"]))),
    "weighted_interval_score": intervals,
    "energy_score": lambda rows, o: spread(*split(rows), o),
    "variogram_score": variogram,
    "dawid_sebastiani": each_of(("labels", "preds", "var"), lambda y, p, v, o: (y - p) ** 2 / v + mpmath.log(v)),
    "dawid_sebastiani_ensemble": sebastiani,
    "log_score_normal": each_of(
        ("labels", "preds", "scale"),
        lambda y, p, s, o: ((y - p) / s) ** 2 / 2 + mpmath.log(s) + mpmath.log(2 * mpmath.pi) / 2,
    ),
    "ranked_probability_score": ranked,
}
