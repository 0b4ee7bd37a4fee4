"""What a result is of, in a few words: the program, the recipe and the data, each of which can be checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lossctl import __version__
from lossctl.audit.digest import Digest
from lossctl.catalogue.spec import BoundLoss
from lossctl.evaluation.recipe import Recipe, fingerprint_of
from lossctl.evaluation.request import Job
from lossctl.evaluation.result import LossResult


class Signature(NamedTuple):
    """Tells a result of other data, another recipe or another version; it is no proof against a forger.

    Attributes:
        version: of lossctl.
        recipe: a short hash of what was computed, whatever the files are called.
        data: the rows that were read and the digest of their numbers, as "1797:3f...".
        text: the same in words.
    """

    version: str
    recipe: str
    data: str
    text: str


def signed(recipe: Recipe, job: Job, digest: Digest, results: Sequence[LossResult]) -> Signature:
    """The signature of a result."""
    return Signature(__version__, fingerprint_of(recipe), str(digest), text_of(job, digest, results))


def text_of(job: Job, digest: Digest, results: Sequence[LossResult], *more: str) -> str:
    """The signature in words, with some more before those of the data."""
    asked = [settled.asked for settled in job.losses]
    guards = [settled.core.options[guard.name] for settled in job.losses if (guard := settled.core.guard) is not None]
    words = [
        f"lossctl {__version__}",
        "+".join(map(_spec, asked)),
        "+".join(dict.fromkeys(entry.reduction for entry in results)) or "none",
        f"on_bad:{job.on_bad}",
        *(f"guard:{guard}" for guard in dict.fromkeys(guards)),
        *more,
        f"rows:{digest.rows}",
        f"data:{str(digest).partition(':')[2]}",
    ]
    return "|".join(words)


def _spec(bound: BoundLoss) -> str:
    """A loss with all its options."""
    said = ",".join(f"{name}={value}" for name, value in bound.said.items())
    return f"{bound.loss.name}:{said}" if said else bound.loss.name
