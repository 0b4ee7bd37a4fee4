"""The one error type and its kinds; each knows the exit code it ends in."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class LossctlError(Exception):
    """What a user can be told in one sentence: expected, found and where, the flag that helps."""

    exit_code = 2


class UsageError(LossctlError):
    """The words of the call are wrong: a name, an option, a combination."""


class DataError(LossctlError):
    """A file, or a value in it, cannot be used as asked."""


class GateError(LossctlError):
    """A limit that the call set was not kept."""

    exit_code = 1


def nearest(name: str, known: Iterable[str]) -> str:
    """A clause with the closest of the known names, or an empty string.

    >>> nearest("hubr", ["huber", "hinge"])
    '; did you mean huber?'
    """
    lowered = {word.lower(): word for word in known}
    close = [lowered[word] for word in get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)]
    return f"; did you mean {' or '.join(close)}?" if close else ""
