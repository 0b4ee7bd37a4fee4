"""The one error type and its kinds; each knows the exit code it ends in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class LossctlError(Exception):
    """What a user can be told in one sentence: expected, found and where, the flag that helps.

    Catching it catches all that lossctl raises on purpose; `exit_code` is what the command line ends in.

    Example:
        >>> import lossctl
        >>> try:
        ...     lossctl.evaluate("nowhere.csv", loss="mse")
        ... except lossctl.LossctlError as error:
        ...     print(error, error.exit_code)
        nowhere.csv: no such file or directory 2
    """

    exit_code = 2


class UsageError(LossctlError):
    """The words of the call are wrong: a name, an option, a combination.

    Example:
        >>> import lossctl
        >>> lossctl.metric("hubr")
        Traceback (most recent call last):
        lossctl.errors.UsageError: unknown loss 'hubr'; did you mean huber?
    """


class DataError(LossctlError):
    """A file, or a value in it, cannot be used as asked.

    Example:
        >>> import lossctl
        >>> lossctl.metric("mse")([1.0, 2.0], [1.0])
        Traceback (most recent call last):
        lossctl.errors.DataError: arrays of different lengths: labels 2, preds 1 rows
    """


class GateError(LossctlError):
    """A limit that the call set was not kept.

    Example:
        >>> import lossctl
        >>> rows = {"label": [1.0, 2.0], "pred": [1.0, None]}
        >>> lossctl.evaluate(rows, loss="mse", on_bad="drop", max_dropped=0)
        Traceback (most recent call last):
        lossctl.errors.GateError: 1 rows were dropped, --max-dropped allows 0 rows
    """

    exit_code = 1


@contextmanager
def said_of(name: str, raised: type[LossctlError] = UsageError) -> Iterator[None]:
    """Mistakes in words are told with whose they are, such as the file that they do not fit.

    Args:
        name: what stands before each.
        raised: what they become; DataError where a file holds the words.
    """
    try:
        yield
    except UsageError as error:
        raise raised(f"{name}: {error}") from None


def nearest(name: str, known: Iterable[str]) -> str:
    """A clause with the closest of the known names, or an empty string.

    >>> nearest("hubr", ["huber", "hinge"])
    '; did you mean huber?'
    """
    from difflib import get_close_matches

    lowered = {word.lower(): word for word in known}
    close = [lowered[word] for word in get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)]
    return f"; did you mean {' or '.join(close)}?" if close else ""
