"""Losses of the whole file: each takes one column's rows as (label, pred, weight), and the options."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, held, log0

Row = tuple[mpf, mpf, mpf]
Rows = Sequence[Row]
Whole = Callable[[Rows, Options], mpf]


def total(rows: Rows, term: Callable[[mpf, mpf], mpf]) -> mpf:
    return mpmath.fsum(w * term(y, p) for y, p, w in rows)


def mean(rows: Rows, term: Callable[[mpf, mpf], mpf]) -> mpf:
    return total(rows, term) / mpmath.fsum(w for _, _, w in rows)


def average(rows: Rows) -> mpf:
    return mean(rows, lambda y, p: y)


def skill(rows: Rows, loss: Callable[[mpf, mpf], mpf], reference: mpf) -> mpf:
    return 1 - total(rows, loss) / total(rows, lambda y, p: loss(y, reference))


def variance(rows: Rows, term: Callable[[mpf, mpf], mpf]) -> mpf:
    middle = mean(rows, term)
    return mean(rows, lambda y, p: (term(y, p) - middle) ** 2)


def quantile(values: Sequence[tuple[mpf, mpf]], level: mpf) -> mpf:
    """The least value with enough weight at or below it; with just enough, the mean of it and the next."""
    ordered = sorted((x, w) for x, w in values if w > 0)
    target = level * mpmath.fsum(w for _, w in ordered)
    reached, found = mpf(0), []
    for x, w in ordered:
        reached += w
        if reached >= target:
            found.append(x)
        if reached > target:
            break
    return (found[0] + found[-1]) / 2


def pinball(alpha: mpf) -> Callable[[mpf, mpf], mpf]:
    return lambda y, p: alpha * (y - p) if y >= p else (1 - alpha) * (p - y)


def pinball_skill(rows: Rows, o: Options) -> mpf:
    alpha = mpf(o["alpha"])
    return skill(rows, pinball(alpha), quantile([(y, w) for y, _, w in rows], alpha))


def deviance(power: mpf) -> Callable[[mpf, mpf], mpf]:
    def term(y: mpf, p: mpf) -> mpf:
        if power == 0:
            return (y - p) ** 2
        if power == 1:
            return 2 * (log0(y, y / p) - y + p)
        if power == 2:
            return 2 * (mpmath.log(p / y) + y / p - 1)
        a, b = 1 - power, 2 - power
        return 2 * (max(y, mpf(0)) ** b / (a * b) - y * p**a / a + p**b / b)

    return term


def entropy(epsilon: float) -> Callable[[mpf, mpf], mpf]:
    def term(y: mpf, p: mpf) -> mpf:
        q = held(p, epsilon, 1 - mpf(epsilon))
        return -mpmath.log(q if y > 0 else 1 - q)

    return term


def hit(rows: Rows) -> Rows:
    return [(mpf(y > 0), p, w) for y, p, w in rows]


def overlap(rows: Rows, alpha: mpf, beta: mpf, epsilon: mpf) -> mpf:
    both = total(rows, lambda y, p: y * p)
    return 1 - both / (
        both + alpha * total(rows, lambda y, p: (1 - y) * p) + beta * total(rows, lambda y, p: y * (1 - p)) + epsilon
    )


WHOLE: dict[str, Whole] = {
    "root_mean_squared_error": lambda rows, o: mpmath.sqrt(mean(rows, lambda y, p: (p - y) ** 2)),
    "root_mean_squared_logarithmic_error": lambda rows, o: mpmath.sqrt(
        mean(rows, lambda y, p: (mpmath.log1p(p) - mpmath.log1p(y)) ** 2)
    ),
    "root_mean_squared_distance": lambda rows, o: mpmath.sqrt(mean(rows, lambda y, p: (p - y) ** 2)),
    "max_error": lambda rows, o: max(abs(p - y) for y, p, _ in rows),
    "median_absolute_error": lambda rows, o: quantile([(abs(p - y), w) for y, p, w in rows], mpf("0.5")),
    "dice": lambda rows, o: (
        1 - 2 * total(rows, lambda y, p: y * p) / (total(rows, lambda y, p: y + p) + mpf(o["epsilon"]))
    ),
    "tversky": lambda rows, o: overlap(rows, mpf(o["alpha"]), mpf(o["beta"]), mpf(o["epsilon"])),
    "r2_score": lambda rows, o: skill(rows, lambda y, p: (y - p) ** 2, average(rows)),
    "explained_variance": lambda rows, o: 1 - variance(rows, lambda y, p: y - p) / variance(rows, lambda y, p: y),
    "d2_tweedie": lambda rows, o: skill(rows, deviance(mpf(o["power"])), average(rows)),
    "d2_pinball": pinball_skill,
    "d2_brier": lambda rows, o: skill(hit(rows), lambda y, p: (y - p) ** 2, average(hit(rows))),
    "d2_log_loss": lambda rows, o: skill(hit(rows), entropy(o["epsilon"]), average(hit(rows))),
}
