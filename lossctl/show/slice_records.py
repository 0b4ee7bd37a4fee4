"""Slices as flat records for CSV and Markdown: of each loss one of all rows, then one a slice, as they come."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lossctl.evaluation.result import Report

Entry = Mapping[str, Any]
Shown = Callable[["int | str | None"], str]
# what a record has behind the columns it is sliced by; of all rows, what tells slices from the rest is empty
FIELDS = (
    *("loss", "value", "count", "weight_sum", "ci_low", "ci_high", "stderr", "min", "max"),
    *("difference", "difference_stderr", "difference_low", "difference_high", "p", "p_adjusted", "slicing"),
)
# those that fit a page
MARKDOWN_FIELDS = (
    *("loss", "value", "count", "ci_low", "ci_high"),
    *("difference", "difference_low", "difference_high", "p_adjusted", "slicing"),
)


def named(columns: Iterable[str], fields: Collection[str]) -> dict[str, str]:
    """What the columns that are sliced by are called in a record, so that no field is meant twice.

    >>> named(["region", "value"], FIELDS)
    {'region': 'region', 'value': 'by_value'}
    """
    found: dict[str, str] = {}
    every = list(dict.fromkeys(columns))
    for name in every:
        field = name
        while field in fields or field in found.values() or (field != name and field in every):
            field = f"by_{field}"
        found[name] = field
    return found


def columns_of(report: Report) -> dict[str, None]:
    """The columns that the losses are sliced by, in the order of the call."""
    if report.evidence is not None:
        return dict.fromkeys(name for by in report.evidence.job.slices for name in by.columns)
    return dict.fromkeys(name for one in report.results for entry in one.slices for name in entry["by"])


def records(report: Report, names: Mapping[str, str], shown: Shown | None = None) -> Iterator[dict[str, Any]]:
    """A record a loss and a record a slice, with None where there is nothing to say; each slice is seen once.

    Args:
        report: what one call found.
        names: what the columns are called, as `named` gives it.
        shown: how a slice's values are written; None for as they are.
    """
    fields = dict.fromkeys((*names.values(), *FIELDS))
    for one in report.results:
        whole = {name: getattr(one, name) for name in ("value", "count", "weight_sum", "stderr", "min", "max")}
        yield {**fields, "loss": one.spec, **whole, **_ends("ci", one.ci)}
        for entry in one.slices:
            yield {**fields, "loss": one.spec, **keys(entry, names, shown), **_record(entry)}


def keys(entry: Entry, names: Mapping[str, str], shown: Shown | None = None) -> dict[str, Any]:
    """The values that a slice is of, by what their columns are called."""
    return {names[name]: shown(value) if shown else value for name, value in entry["by"].items()}


def _record(entry: Entry) -> dict[str, Any]:
    told = entry.get("difference") or {}
    return {
        **{name: entry.get(name) for name in ("value", "count", "weight_sum", "stderr", "min", "max", "slicing")},
        **_ends("ci", entry.get("ci")),
        "difference": told.get("value"),
        "difference_stderr": told.get("stderr"),
        **_ends("difference", told),
        "p": told.get("p"),
        "p_adjusted": told.get("p_adjusted"),
    }


def _ends(name: str, interval: Entry | None) -> dict[str, Any]:
    told = interval or {}
    return {f"{name}_low": told.get("low"), f"{name}_high": told.get("high")}
