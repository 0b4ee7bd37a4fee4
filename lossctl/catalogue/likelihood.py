"""Divergences and likelihoods."""

from __future__ import annotations

from lossctl.catalogue.arithmetic import Vector, clip, less_log, log_quotient, rounding, total, weigh
from lossctl.catalogue.declare import CANCELS
from lossctl.catalogue.domain import COUNT, POSITIVE_PRED, PROBABILITIES, SOFT_LABELS
from lossctl.catalogue.options import Epsilon, Guard
from lossctl.catalogue.registry import loss


def divergence(t: float, q: float, epsilon: float) -> float:
    """t log(t / q), both held in [epsilon, 1]."""
    low = clip(t, epsilon, 1.0)
    return weigh(low, log_quotient(low, clip(q, epsilon, 1.0), 0.0))


@loss(
    labels=SOFT_LABELS,
    preds=PROBABILITIES,
    formula="sum_k y_k log(y_k / p_k)",
    source="Kullback & Leibler 1951; Keras 3.15 keras.losses.kl_divergence",
    aliases=("kld", "kullback_leibler_divergence"),
    accuracy=CANCELS,
)
def kl_divergence(y: Vector, p: Vector, epsilon: Guard = 1e-7) -> float:
    """Kullback-Leibler divergence of the predicted distribution from the label's.

    sum_k y_k log(y_k / p_k), with y and p held in [epsilon, 1]; nothing is normalised.

    >>> round(kl_divergence([0.5, 0.5], [0.25, 0.75]), 7)
    0.143841
    >>> kl_divergence([0.25, 0.75], [0.25, 0.75])
    0.0
    """
    return total(divergence(t, q, epsilon) for t, q in zip(y, p))


@loss(
    labels=COUNT,
    preds=POSITIVE_PRED,
    formula="p - y log(p + epsilon)",
    source="Keras 3.15 keras.losses.poisson",
    aliases=("poisson_loss",),
    accuracy=CANCELS,
)
def poisson(y: float, p: float, epsilon: Epsilon = 1e-7) -> float:
    """Poisson negative log-likelihood of a count under a predicted mean, without its constant.

    p - y log(p + epsilon). It may be negative.

    >>> round(poisson(3.0, 1.6487212707), 6)
    0.148721
    >>> poisson(0.0, 2.0)
    2.0
    """
    return less_log(p, y, p + epsilon, rounding(p, epsilon))
