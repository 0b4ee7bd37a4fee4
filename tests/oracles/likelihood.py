"""Divergences and likelihoods."""

from __future__ import annotations

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, Oracle, Row, each, held, log0, whole


def divergence(y: Row, p: Row, o: Options) -> mpf:
    pairs = [(held(t, o["epsilon"], mpf(1)), held(q, o["epsilon"], mpf(1))) for t, q in zip(y, p, strict=True)]
    return mpmath.fsum(t * mpmath.log(t / q) for t, q in pairs)


ORACLES: dict[str, Oracle] = {
    "kl_divergence": whole(divergence),
    "poisson": each(lambda y, p, o: p - log0(y, p + mpf(o["epsilon"]))),
}
