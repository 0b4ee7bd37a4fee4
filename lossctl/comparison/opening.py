"""The files of several models as one table: the baseline's rows, with each other model's columns beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from lossctl.comparison.asked import Comparison, Model, ending
from lossctl.errors import LossctlError, UsageError
from lossctl.evaluation.opening import only_matching
from lossctl.readers.aligned import JoinAccount, WithLabels
from lossctl.readers.join import Join, joined
from lossctl.readers.many import open_files
from lossctl.readers.places import ReadSettings
from lossctl.readers.renamed import Renamed
from lossctl.readers.source import Source, within


class Opened(NamedTuple):
    """The models' files.

    Attributes:
        each: every model's own.
        sources: the baseline's with the columns of all others beside its own.
        joins: what the join of each other model came to.
    """

    each: tuple[tuple[Source, ...], ...]
    sources: tuple[Source, ...]
    joins: tuple[JoinAccount, ...]


def open_models(asked: Comparison) -> Opened:
    """The files opened and joined.

    Raises:
        DataError: a file that cannot be read, or rows that do not match one to one.
        UsageError: no such key columns, or a filter that does not fit.
    """
    each = tuple(_opened(model, asked.request.read) for model in asked.models)
    before, after = _parted(asked.request.where, each[0])
    sources = only_matching(each[0], before)
    joins = []
    for model, own in zip(asked.models[1:], each[1:], strict=True):
        sources = _beside(sources, model, own, asked)
        found = within(sources[0], WithLabels)
        assert found is not None
        joins.append(found.account)
    return Opened(each, only_matching(sources, after), tuple(joins))


def _opened(model: Model, settings: ReadSettings) -> tuple[Source, ...]:
    paths = [file for file in model.files if isinstance(file, str)]
    return open_files(paths, settings) if paths else tuple(file for file in model.files if not isinstance(file, str))


def _parted(where: Sequence[str], baseline: Sequence[Source]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The filters that speak of the baseline alone, whose other rows need no match, and those that wait for the join.

    What names no column at all is for the join too, which knows them all.
    """
    if not where:
        return (), ()
    from lossctl.readers.where import columns_of, parse_all

    own = {column.name for column in baseline[0].columns()}
    before = tuple(text for text in where if own.issuperset(columns_of(parse_all((text,)))))
    return before, tuple(text for text in where if text not in before)


def _beside(
    sources: tuple[Source, ...], model: Model, own: tuple[Source, ...], asked: Comparison
) -> tuple[Source, ...]:
    behind = ending(model.name)
    names = {column.name for column in own[0].columns()}
    # a key that the model calls as the baseline does need not be told twice
    on = tuple((mine, (theirs if theirs in names else mine) + behind) for mine, theirs in asked.on)
    for (mine, theirs), (_, found) in zip(asked.on, on, strict=True):
        if found.removesuffix(behind) not in names:
            said = theirs if theirs == mine else f"{mine}={theirs}"
            raise UsageError(
                f"--id {said}: {own[0].path} has no column {theirs!r} (columns: {', '.join(sorted(names))})"
            )
    lacked = f"one in {model.name}", f"one in {asked.names[0]}"
    others = tuple(Renamed(source, behind) for source in own)
    with _said_of_ids():
        return joined(sources, others, Join(others, on, asked.on_unmatched, lacked), asked.request.on_bad == "drop")


@contextmanager
def _said_of_ids() -> Iterator[None]:
    """Errors of the join call its keys by the flag that names them here."""
    try:
        yield
    except LossctlError as error:
        raise type(error)(re.sub(r"--on(?=[ :])", "--id", str(error))) from error
