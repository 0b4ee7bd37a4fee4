"""Losses of sequences."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Annotated

from lossctl.catalogue.arithmetic import Vector, exp, log, log1p, maximum, room
from lossctl.catalogue.declare import CANCELS, Param
from lossctl.catalogue.domain import Domain, Interval, When
from lossctl.catalogue.registry import loss

MOST_LABELS = 2047
TOKENS = Domain("tokens from 1, padded by 0 or -1", Interval(-1.0, whole=True), "label_out_of_range")
FRAMES = Domain("logits, frame by frame")
LOG_FRAMES = Domain("log-probabilities, frame by frame")


def log_add(a: float, b: float) -> float:
    """log(exp(a) + exp(b)); -inf where both are."""
    top = maximum(a, b)
    return top if top == -inf else top + log1p(exp(-abs(a - b)))


def frame_mass(p: Vector, t: int, size: int) -> float:
    """log sum exp of a frame."""
    top, mass = -inf, 0.0
    for k in range(size):
        top = maximum(top, p[t * size + k])
    for k in range(size):
        mass += exp(p[t * size + k] - top)
    return top + log(mass)


def count_tokens(y: Vector) -> int:
    """How many tokens stand before the padding."""
    count = 0
    for i in range(len(y)):
        count = count + 1 if count == i and y[i] > 0.0 else count
    return count


def few_labels(widths: Mapping[str, int]) -> str:
    """What is wrong with the number of label columns."""
    return f"at most {MOST_LABELS} label columns" if widths["labels"] > MOST_LABELS else ""


@loss(
    labels=TOKENS,
    preds=When("from_logits", FRAMES, LOG_FRAMES),
    formula="-log sum over alignments of y of the product of their frames' probabilities",
    source="Graves et al. 2006; Keras 3.15 keras.losses.ctc; PyTorch 2.13 torch.nn.CTCLoss",
    accuracy=CANCELS,
    fits=few_labels,
    notes=(
        "the preds are T frames of `vocabulary` numbers, one frame after the other; token 0 is the blank",
        "labels that no alignment of T frames can hold give inf",
    ),
)
def ctc(
    y: Vector,
    p: Vector,
    vocabulary: Annotated[float, Param("numbers in a frame, the blank's among them", Interval(2.0, whole=True))] = 2.0,
    from_logits: Annotated[bool, Param("the preds are logits, not log-probabilities")] = True,
    zero_infinity: Annotated[bool, Param("an impossible alignment costs nothing")] = False,
    per_token: Annotated[bool, Param("divided by the number of tokens", internal=True)] = False,
) -> float:
    """Negative log-likelihood of a sequence of tokens under frames that need not be aligned with it.

    -log of the sum, over all ways to spread the tokens over the frames with blanks between, of the product of the
    frames' probabilities.

    >>> round(ctc([1.0], [0.0, 0.0, 0.0, 0.0]), 7)
    0.2876821
    >>> ctc([1.0, 1.0], [0.0, 0.0, 0.0, 0.0])
    inf
    """
    size, count = int(vocabulary), count_tokens(y)
    states, frames = 2 * count + 1, len(p) // size
    alpha = room(states)
    for s in range(states):
        alpha[s] = -inf
    for t in range(frames):
        mass = frame_mass(p, t, size) if from_logits else 0.0
        for i in range(states):
            s = states - 1 - i
            token = int(y[s // 2]) if s % 2 == 1 else 0
            before = (0.0 if s < 2 else -inf) if t == 0 else alpha[s]
            if t > 0 and s > 0:
                before = log_add(before, alpha[s - 1])
            if t > 0 and s > 2 and s % 2 == 1 and y[s // 2] != y[s // 2 - 1]:
                before = log_add(before, alpha[s - 2])
            alpha[s] = before + (p[t * size + token] - mass if token < size else -inf)
    found = -(log_add(alpha[states - 1], alpha[states - 2]) if states > 1 else alpha[0])
    found = 0.0 if zero_infinity and found == inf else found
    return found / (count if count > 1 else 1) if per_token else found
