"""The audit on the command line: from flags to what is asked."""

from __future__ import annotations

from typing import Any

from lossctl.api.audit import audit_words
from lossctl.audit.asked import Audit
from lossctl.errors import UsageError


def said(**words: Any) -> Audit:
    """What the flags ask for; errors call it by its flag.

    Raises:
        UsageError: a word or number that is none of its kind.
    """
    try:
        return audit_words(**words)
    except UsageError as error:
        name, space, rest = str(error).partition(" ")
        word = name.partition("=")[0]
        flag = f"--{word.replace('_', '-')}{name[len(word) :]}" if word in words else name
        raise UsageError(flag + space + rest) from None


def levels(text: str | None) -> tuple[float, ...]:
    """Levels of quantiles, as 0.5,0.9.

    Raises:
        UsageError: no numbers.
    """
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise UsageError(f"--quantiles takes levels, as 0.5,0.9,0.99, got {text!r}") from None
