"""Several files as one table: opened in order, with the keys of their paths, and held to the same columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lossctl.errors import DataError
from lossctl.readers.folders import expand
from lossctl.readers.places import ReadSettings, open_source
from lossctl.readers.roles import Chosen, again, flag_of, listing
from lossctl.readers.source import ColumnInfo, Source


def open_files(arguments: Iterable[str], settings: ReadSettings) -> tuple[Source, ...]:
    """The files that paths, globs and folders stand for; keys in their paths (`split=test/`) are columns.

    Raises:
        DataError: what stands for no file, or a file that cannot be read.
        UsageError: as `open_source`.
    """
    found = expand(arguments)
    sources = tuple(open_source(file.path, settings) for file in found)
    if not any(file.keys for file in found):
        return sources
    from lossctl.readers.partitioned import partitioned, typed

    return tuple(map(partitioned, sources, typed([file.keys for file in found])))


def same_columns(
    source: Source, first: Source, chosen: Mapping[str, Chosen], selectors: Mapping[str, str | tuple[str, ...]]
) -> None:
    """Refuse a file that lacks a chosen column, has another shape of it, or has more of a role than the first.

    Raises:
        DataError: naming the column and both files.
    """
    here, there = ({column.name: column for column in one.columns()} for one in (source, first))
    for role, picked in chosen.items():
        for name in picked.columns:
            if name not in here:
                raise DataError(f"{source.path} has no column {name!r}, which {first.path} has {listing(here)}")
            _same_shape(here[name], there[name], source.path, first.path)
        taken = frozenset(picked.columns)
        more = [name for name in again(picked, selectors.get(role), list(here.values())) if name not in taken]
        if more:
            raise DataError(
                f"{source.path} has a column {more[0]!r} beside {picked.columns[0]!r} and the other {role}, "
                f"which {first.path} lacks; name the {role} with {flag_of(role)}"
            )


def _same_shape(one: ColumnInfo, other: ColumnInfo, path: str, first: str) -> None:
    lists = one.kind == "list", other.kind == "list"
    if lists[0] != lists[1] or (None not in (one.width, other.width) and one.width != other.width):
        raise DataError(f"{path}: column {one.name!r} is {one.type}, but {other.type} in {first}")
