"""A call on files of a row an example and class: pivoted first, then as any other."""

from __future__ import annotations

from collections.abc import Sequence

from lossctl.errors import DataError
from lossctl.evaluation.request import Request
from lossctl.readers.long import LongSource, pivoted
from lossctl.readers.roles import LABEL_NAMES, ending
from lossctl.readers.source import Source


def at_once(sources: Sequence[Source], columns: tuple[str, str, str]) -> Source:
    """The inputs as one of a row an example; one that is pivoted already stays as it is."""
    return sources[0] if isinstance(sources[0], LongSource) else pivoted(sources, *columns)


def with_long(request: Request, source: Source) -> Request:
    """The request with the columns that pivoting made for its preds, and with their classes.

    Raises:
        DataError: the labels differ within an example.
    """
    assert isinstance(source, LongSource)
    _refuse_differing(request, source)
    roles = {"preds": source.preds, **request.roles}
    names = tuple(map(ending, source.preds))
    # classes that are called by other numbers than their places are names
    named = all(name.isdecimal() for name in names) and sorted(map(int, names)) != list(range(len(names)))
    return request._replace(roles=roles, classes=request.classes or (names if named and len(names) > 1 else None))


def _refuse_differing(request: Request, source: LongSource) -> None:
    asked = [selector for selector in request.roles.values() if isinstance(selector, str)]
    asked += request.ids
    for name, example in source.differing.items():
        if name in asked or ("labels" not in request.roles and name.lower() in LABEL_NAMES):
            raise DataError(
                f"{source.path}: column {name!r} differs among the rows of {example}; --long takes what is said of "
                "an example from all of its rows, so it has to be the same in each"
            )
