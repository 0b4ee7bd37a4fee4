"""Losses of sequences: by all alignments, one by one."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import mpmath
from mpmath import mpf

from tests.oracles.words import Options, Oracle, Row, softmax_log


def collapsed(path: tuple[int, ...]) -> list[int]:
    """A path of frames as the tokens that it spells: repeats are one, blanks are none."""
    return [token for t, token in enumerate(path) if token and (t == 0 or path[t - 1] != token)]


def by_paths(chances: list[list[mpf]], tokens: list[int]) -> mpf:
    """The sum over every path that spells the tokens."""
    paths = product(range(len(chances[0])), repeat=len(chances))
    spelling = (path for path in paths if collapsed(path) == tokens)
    return mpmath.fsum(mpmath.fprod(chances[t][k] for t, k in enumerate(path)) for path in spelling)


def by_prefixes(chances: list[list[mpf]], tokens: list[int]) -> mpf:
    """The same by how many tokens are spelt, and whether the last frame was a blank."""
    blank, spelt = [mpf(1)] + [mpf(0)] * len(tokens), [mpf(0)] * (len(tokens) + 1)
    for frame in chances:
        told = [mpf(0)] * (len(tokens) + 1)
        for n, token in enumerate(tokens, start=1):
            new = blank[n - 1] + (spelt[n - 1] if n < 2 or tokens[n - 2] != token else 0)
            told[n] = (new + spelt[n]) * (frame[token] if token < len(frame) else 0)
        blank, spelt = [(a + b) * frame[0] for a, b in zip(blank, spelt, strict=True)], told
    return blank[-1] + spelt[-1]


def ctc(rows: Mapping[str, Row], o: Options) -> mpf:
    size = int(o["vocabulary"])
    frames = [rows["preds"][i : i + size] for i in range(0, len(rows["preds"]) // size * size, size)]
    logs = [softmax_log(frame) if o["from_logits"] else frame for frame in frames]
    tokens = [int(y) for y in rows["labels"]]
    tokens = tokens[: next((i for i, token in enumerate(tokens) if token <= 0), len(tokens))]
    chances = [[mpmath.exp(x) for x in frame] for frame in logs]
    chance = by_paths(chances, tokens) if size ** len(frames) <= 256 else by_prefixes(chances, tokens)
    found = -mpmath.log(chance) if chance else mpf("inf")
    found = mpf(0) if o["zero_infinity"] and not chance else found
    return found / max(len(tokens), 1) if o["per_token"] else found


ORACLES: dict[str, Oracle] = {"ctc": ctc}
