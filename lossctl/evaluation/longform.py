"""A call on files of a row an example and class: pivoted first, then as any other."""

from __future__ import annotations

from lossctl.errors import DataError
from lossctl.evaluation.request import Request
from lossctl.readers.long import LongSource
from lossctl.readers.roles import LABEL_NAMES, ending
from lossctl.readers.source import Source, within


def with_long(request: Request, source: Source) -> Request:
    """The request with the columns that pivoting made for its preds, and with their classes.

    Raises:
        DataError: the labels differ within an example.
    """
    long = within(source, LongSource)
    assert long is not None
    _refuse_differing(request, long)
    roles = {"preds": long.preds, **request.roles}
    names = tuple(map(ending, long.preds))
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
