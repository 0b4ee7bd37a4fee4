"""The slices of a result that a gate means, by their columns and values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

from lossctl.errors import DataError
from lossctl.evaluation.gate_target import Column, Document, Target


def said(by: Mapping[str, Any]) -> str:
    """A slice in words, such as "region=eu, sex=null"."""
    return ", ".join(f"{name}={'null' if value is None else value}" for name, value in by.items())


class Some(Sequence[Document]):
    """Some of the slices, each made when it is asked for."""

    def __init__(self, slices: Sequence[Document], places: Sequence[int]) -> None:
        self.slices, self.places = slices, places

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, at: int) -> Document: ...
    @overload
    def __getitem__(self, at: slice) -> list[Document]: ...
    def __getitem__(self, at: int | slice) -> Document | list[Document]:
        if isinstance(at, slice):
            return [self.slices[place] for place in self.places[at]]
        return self.slices[self.places[at]]

    def __iter__(self) -> Iterator[Document]:
        if len(self.places) == len(self.slices):
            return iter(self.slices)
        return (self.slices[place] for place in self.places)


def slices_of(result: Document, target: Target) -> Sequence[Document]:
    """The slices of a target's columns with its values.

    Raises:
        DataError: there are none, or several of which one is meant; with what there is.
    """
    slices: Sequence[Document] = result.get("slices") or ()
    cuts = {names: _matched(names, target.columns) for names in dict.fromkeys(map(tuple, _keys(slices)))}
    fitting = {names: keys for names, keys in cuts.items() if keys is not None}
    asked = "*".join(column.text for column in target.columns)
    if len(fitting) != 1:
        there = ", ".join("*".join(names) for names in fitting or cuts)
        told = f"there are slices by {there}" if there else "the call made none"
        raise DataError(f"{target.text}: {'no' if not fitting else 'not one but several'} slices by {asked}; {told}")
    ((names, keys),) = fitting.items()
    some = [place for place, by in enumerate(_keys(slices)) if tuple(by) == names]
    if any(column.value is not None for column in target.columns):
        found = [place for place in some if _has_values(slices[place]["by"], keys or (), target.columns)]
    else:
        found = some
    if not found or (not target.pick and len(found) > 1):
        values = [said(slices[place]["by"]) for place in some[:5]]
        more = ", ..." if len(some) > 5 else ""
        count = "no slice" if not found else f"{len(found)} slices"
        raise DataError(f"{target.text}: {count} of these values; there are {'; '.join(values)}{more}")
    return Some(slices, found)


def _keys(slices: Sequence[Document]) -> Iterator[Mapping[str, Any]]:
    """What each slice is called."""
    names = getattr(slices, "names", None)
    return names() if names is not None else (entry["by"] for entry in slices)


def _has_values(by: Mapping[str, Any], keys: Sequence[str], columns: Sequence[Column]) -> bool:
    pairs = zip(keys, columns, strict=True)
    return all(column.value is None or column.value.is_of(by[key]) for key, column in pairs)


def _matched(names: Sequence[str], columns: Sequence[Column]) -> tuple[str, ...] | None:
    """The names that slices go by for each column; None where they go by others."""
    if len(names) != len(columns):
        return None
    found = tuple(next((name for name in names if _is_column(name, column)), None) for column in columns)
    keys = tuple(name for name in found if name is not None)
    return keys if len(set(keys)) == len(names) else None


def _is_column(name: str, column: Column) -> bool:
    """Whether slices by this name are by the column; either may say how it is cut, both must say the same."""
    bare = name.partition(":")[0]
    return name in (column.text, column.name) or (not column.how and bare == column.name)
