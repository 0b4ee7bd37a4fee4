"""The slices of a result that a gate means, by their columns and values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lossctl.errors import DataError
from lossctl.evaluation.gate_target import Column, Document, Target


def said(by: Mapping[str, Any]) -> str:
    """A slice in words, such as "region=eu, sex=null"."""
    return ", ".join(f"{name}={'null' if value is None else value}" for name, value in by.items())


def slices_of(result: Document, target: Target) -> list[Document]:
    """The slices of a target's columns with its values.

    Raises:
        DataError: there are none, or several of which one is meant; with what there is.
    """
    slices: Sequence[Document] = result.get("slices") or ()
    cuts = {names: _matched(names, target.columns) for names in dict.fromkeys(tuple(entry["by"]) for entry in slices)}
    fitting = {names: keys for names, keys in cuts.items() if keys is not None}
    asked = "*".join(column.text for column in target.columns)
    if len(fitting) != 1:
        there = ", ".join("*".join(names) for names in fitting or cuts)
        told = f"there are slices by {there}" if there else "the call made none"
        raise DataError(f"{target.text}: {'no' if not fitting else 'not one but several'} slices by {asked}; {told}")
    ((names, keys),) = fitting.items()
    some = [entry for entry in slices if tuple(entry["by"]) == names]
    found = [entry for entry in some if _has_values(entry["by"], keys or (), target.columns)]
    if not found or (not target.pick and len(found) > 1):
        values = [said(entry["by"]) for entry in some[:5]]
        more = ", ..." if len(some) > 5 else ""
        count = "no slice" if not found else f"{len(found)} slices"
        raise DataError(f"{target.text}: {count} of these values; there are {'; '.join(values)}{more}")
    return found


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
