"""A call's inputs opened: files or arrays, turned from long, filtered, and with the labels that lie elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lossctl.errors import UsageError
from lossctl.evaluation.request import Request
from lossctl.readers.files import plain_name
from lossctl.readers.many import open_files
from lossctl.readers.places import open_arrays
from lossctl.readers.roles import flag_of
from lossctl.readers.source import Source


def open_all(requests: Sequence[Request]) -> tuple[Source, ...]:
    """The inputs of requests that share them, as the first one says.

    Raises:
        DataError: a file that cannot be read, or keys that do not join.
        UsageError: no input, both files and arrays, or a filter that does not fit.
    """
    asked = requests[0]
    sources = _turned(_opened(requests), asked)
    if asked.join is None:
        return only_matching(sources, asked.where)
    given = asked.join.labels_from
    paths = [entry for entry in given if isinstance(entry, str)]
    labels = open_files(paths, asked.read) if paths else tuple(e for e in given if not isinstance(e, str))
    before, after = _parted(asked, sources, labels)
    from lossctl.readers.join import joined

    beside = joined(only_matching(sources, before), labels, asked.join, asked.on_bad == "drop")
    return only_matching(beside, after)


def _opened(requests: Sequence[Request]) -> tuple[Source, ...]:
    """The files; or the arrays that the role flags name instead of these (`-y y.npy -p p.npy`)."""
    files, settings = requests[0].files, requests[0].read
    named = [pair for request in requests for pair in _arrays(request)]
    arrays = [] if files and not isinstance(files[0], str) else named
    if not files and not arrays:
        raise UsageError("no input: name a file, or - for stdin, or arrays as in -y y.npy -p p.npy")
    if arrays and files:
        raise UsageError(f"{flag_of(arrays[0][0])} names an array, so {files[0]} has no place: give one or the other")
    if arrays:
        return (open_arrays(tuple(dict.fromkeys(path for _, path in arrays))),)
    paths = [file for file in files if isinstance(file, str)]
    return open_files(paths, settings) if paths else tuple(file for file in files if not isinstance(file, str))


def _arrays(request: Request) -> Iterator[tuple[str, str]]:
    for role, selector in request.roles.items():
        if isinstance(selector, str) and plain_name(selector).endswith(".npy"):
            yield role, selector


def _turned(sources: tuple[Source, ...], request: Request) -> tuple[Source, ...]:
    """Rows of an example and class as rows of an example."""
    if request.long is None:
        return sources
    from lossctl.readers.long import pivoted

    return (pivoted(sources, *request.long),)


def only_matching(sources: tuple[Source, ...], where: Sequence[str]) -> tuple[Source, ...]:
    """The sources without the rows for which a filter is not true."""
    if not where:
        return sources
    from lossctl.readers.filtered import filtered
    from lossctl.readers.where import parse_all

    tree = parse_all(where)
    return tuple(filtered(source, tree) for source in sources)


def _parted(
    request: Request, preds: tuple[Source, ...], labels: tuple[Source, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The filters that speak of the preds alone, whose other rows need no labels, and those that wait for the join."""
    if not request.where or request.join is None:
        return (), ()
    from lossctl.readers.where import columns_of, parse_all

    keys = {theirs for _, theirs in request.join.on}
    theirs = {column.name for column in labels[0].columns()} - keys
    own = {column.name for column in preds[0].columns()} - theirs
    before = tuple(text for text in request.where if own.issuperset(columns_of(parse_all((text,)))))
    return before, tuple(text for text in request.where if text not in before)
