"""What the oracles are written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mpmath
from mpmath import mpf

Row = Sequence[mpf]
Options = Mapping[str, Any]
Oracle = Callable[[Mapping[str, Row], Options], mpf]


def mean(values: Sequence[mpf]) -> mpf:
    return mpmath.fsum(values) / len(values)


def each(term: Callable[[mpf, mpf, Options], mpf]) -> Oracle:
    """An elementwise loss of labels and preds: the mean of a term over the columns."""
    return lambda rows, o: mean([term(a, b, o) for a, b in zip(rows["labels"], rows["preds"], strict=True)])


def each_of(roles: tuple[str, ...], term: Callable[..., mpf]) -> Oracle:
    """An elementwise loss of any roles: `term` takes a number of each, then the options."""
    return lambda rows, o: mean([term(*cells, o) for cells in zip(*(rows[role] for role in roles), strict=True)])


def whole(loss: Callable[[Row, Row, Options], mpf]) -> Oracle:
    """A loss of a row of labels and a row of preds."""
    return lambda rows, o: loss(rows["labels"], rows["preds"], o)


def held(x: mpf, low: float, high: mpf) -> mpf:
    return min(max(x, mpf(low)), high)


def log0(a: mpf, x: mpf) -> mpf:
    """a log x, 0 where a is 0."""
    return mpf(0) if a == 0 else a * mpmath.log(x)


def softmax_log(z: Row) -> list[mpf]:
    top = max(range(len(z)), key=lambda k: z[k])
    rest = mpmath.log1p(mpmath.fsum(mpmath.exp(x - z[top]) for k, x in enumerate(z) if k != top))
    return [(x - z[top]) - rest for x in z]
