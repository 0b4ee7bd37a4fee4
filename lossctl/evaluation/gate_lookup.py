"""Where a gate's target stands in a document: its number, and its interval where it has one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from lossctl.errors import DataError, UsageError, nearest
from lossctl.evaluation.gate_account import rows_counted, share_of_read, warnings_counted
from lossctl.evaluation.gate_slices import said, slices_of
from lossctl.evaluation.gate_target import VALUE, Document, Target

# of a comparison, in the result itself or within its difference
OUTCOMES = ("wins", "losses", "ties", "p_adjusted")
NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Found(NamedTuple):
    """A target's number.

    Attributes:
        value: an exact fraction for a share of rows.
        low, high: of its interval; None where it has none.
        at: the slice that it is of, column by column.
    """

    value: float | Fraction
    low: float | None = None
    high: float | None = None
    at: Mapping[str, Any] | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends, where there are both."""
        return None if self.low is None or self.high is None else (self.low, self.high)


def look_up(document: Document, target: Target, share: bool) -> tuple[Found, ...]:
    """The numbers that a target stands for: one, save for `any` and `all`, which stand for one a slice.

    Args:
        document: as `Report.to_dict` gives it, or as it was read from JSON.
        target: what is looked up.
        share: a count of rows is taken as a share of the rows read.

    Raises:
        DataError: it is not there, or is no number; with what there is.
    """
    if target.kind in ("rows", "warning"):
        count = rows_counted(document, target) if target.kind == "rows" else warnings_counted(document, target.path[0])
        return (Found(share_of_read(document, count) if share else count),)
    if target.kind == "document":
        return (Found(_number(document, target.path, target.text, "the document")),)
    result = result_of(document.get("results", ()), target)
    if not target.columns:
        return (_found(result, result, target),)
    slices = slices_of(result, target)
    if target.pick in ("any", "all"):
        return tuple(_found(entry, result, target) for entry in slices)
    # of millions only the numbers are held
    found = tuple(_found(entry, result, target)._replace(at=None) for entry in slices)
    return (_picked(found, slices, result, target),)


def result_of(results: Sequence[Document], target: Target) -> Document:
    """The one result that a target is of.

    Raises:
        DataError: there is none, or more than one.
        UsageError: no loss of all has the name.
    """
    if not results:
        raise DataError(f"{target.text}: there is no loss's value to judge; --reduction none gives none")
    found = _owned(results, target.owner)
    if len(found) > 1 and target.path[0] == "difference":
        # the baseline is compared with nothing
        found = [entry for entry in found if entry.get("difference")] or found
    if len(found) == 1:
        return found[0]
    names = [_name(entry) for entry in results]
    there = f"there are {', '.join(names)}" if len(names) > 1 else f"there is {names[0]}"
    if found:
        hint = "" if target.owner else f" write {_name(found[0])}.{target.text};"
        raise DataError(f"{target.text}: which of them?{hint} {there}")
    if not any("model" in entry for entry in results):
        from lossctl.catalogue.spec import bind

        bind(target.owner, {})
    raise DataError(f"{target.text}: the call has no {target.owner}{nearest(target.owner, names)}; {there}")


def _owned(results: Sequence[Document], owner: str) -> list[Document]:
    """The results of a loss, of a model, or of a model's loss."""
    if not owner:
        return list(results)
    models = {str(entry["model"]) for entry in results if entry.get("model") is not None}
    named = [model for model in models if f"{owner}.".startswith(f"{model}.")]
    if not named:
        return [entry for entry in results if _is_loss(entry, owner)]
    model = max(named, key=len)
    loss = owner[len(model) + 1 :]
    return [entry for entry in results if entry.get("model") == model and (not loss or _is_loss(entry, loss))]


def _is_loss(entry: Document, text: str) -> bool:
    """Whether a text is a result's loss in any spelling, with any of its options."""
    from lossctl.catalogue.registry import find
    from lossctl.catalogue.spec import bind

    if text == entry.get("spec", entry["loss"]):
        return True
    name, colon, _ = text.partition(":")
    try:
        if find(name).name != entry["loss"]:
            return False
    except UsageError:
        return False
    if not colon:
        return True
    bound = bind(text, {})
    told = {option.partition("=")[0].strip().replace("-", "_") for option in text[len(name) + 1 :].split(",")}
    options = entry.get("options", {})
    return all(options.get(key) == value for key, value in bound.said.items() if key in told)


def _name(entry: Document) -> str:
    name = str(entry.get("spec", entry["loss"]))
    told = f"`{name}`" if ":" in name else name
    return told if entry.get("model") is None else f"{entry['model']}.{told}"


def _picked(found: tuple[Found, ...], slices: Sequence[Document], result: Document, target: Target) -> Found:
    """The one number of several slices: of the worst, of the best, or the distance between both."""
    if not target.pick:
        return found[0]._replace(at=slices[0].get("by"))
    whole = target._replace(path=("value",))
    values = found if target.path in VALUE else [_found(entry, result, whole)._replace(at=None) for entry in slices]
    places = range(len(values))
    worst = max(places, key=lambda k: values[k].value)
    best = min(places, key=lambda k: values[k].value)
    if target.pick == "spread":
        return Found(values[worst].value - values[best].value, at=slices[worst].get("by"))
    place = worst if target.pick == "worst" else best
    chosen = found[place]._replace(at=slices[place].get("by"))
    if target.path not in VALUE:
        return chosen
    ends = [bounded(entry).interval for entry in found] if any(entry.interval for entry in found) else []
    if not ends:
        return chosen
    # the largest of all lies between the largest of the lower and that of the upper ends
    low, high = zip(*(end for end in ends if end), strict=True)
    extreme = max if target.pick == "worst" else min
    return chosen._replace(low=extreme(low), high=extreme(high))


def bounded(found: Found) -> Found:
    """A number with an interval: where there is none, nothing is known of it."""
    return found if found.interval is not None else found._replace(low=-math.inf, high=math.inf)


def _found(entry: Document, result: Document, target: Target) -> Found:
    """The number of a result, or of a slice of it."""
    path, at = target.path, entry.get("by")
    if path[0] == "difference" and path[1] in OUTCOMES and path[1] in entry:
        path = path[1:]
    if path[0] == "guarded" and len(path) == 2 and path[1] in ("count", "share") and not entry.get("guarded"):
        # null means that no row was
        return Found(0, at=at)
    if path[0] == "quantiles":
        return Found(_quantile(entry, result, Fraction(path[1]), target.text), at=at)
    if path == ("mean",):
        if entry.get("reduction", result.get("reduction")) != "whole" and entry.get("denominator", 0) is None:
            name = _whose(result, entry)
            raise DataError(f"{target.text}: the value of {name} is a sum and no mean; write value for it")
        path = ("value",)
    value = _number(entry, path, target.text, result)
    low, high = _interval(entry, path) or (None, None)
    return Found(value, low, high, at)


def _whose(result: Document | str, entry: Document) -> str:
    """A result, or a slice of it, in words."""
    name = result if isinstance(result, str) else _name(result)
    return f"{name} at {said(entry['by'])}" if "by" in entry else name


def _interval(entry: Document, path: tuple[str, ...]) -> tuple[float, float] | None:
    """Of the value: the bootstrap's, which was asked for, before the analytic one; of a difference: its own."""
    if path == ("value",):
        holders = [entry.get("bootstrap"), entry.get("ci")]
    elif path == ("difference", "value"):
        holders = [entry["difference"]]
    else:
        return None
    for holder in holders:
        low, high = (_plain(holder.get(end)) for end in ("low", "high")) if holder else (None, None)
        if low is not None and high is not None and low <= high:
            return low, high
    return None


def _plain(found: object) -> float | None:
    """A number as it stands in the document, or as JSON's text; None for anything else."""
    if isinstance(found, str):
        return NOT_FINITE.get(found)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def _quantile(entry: Document, result: Document, level: Fraction, text: str) -> float:
    values: Mapping[str, Any] = (entry.get("quantiles") or {}).get("values") or {}
    key = next((key for key in values if Fraction(key) == level), None)
    name = f"{float(level):g}"
    if key is None:
        there = f"there are {', '.join(values)}" if values else "there are none"
        raise DataError(f"{text}: {_whose(result, entry)} has no quantile {name}; {there}; ask for --quantiles {name}")
    return _number(entry, ("quantiles", "values", key), text, result)


def _number(entry: Document, path: tuple[str, ...], text: str, result: Document | str) -> float:
    """The number at the end of a path of keys.

    Raises:
        DataError: a key is not there, or what it holds is no number.
    """
    found: Any = entry
    for k, key in enumerate(path):
        if not isinstance(found, Mapping) or key not in found:
            raise DataError(f"{text}: {_whose(result, entry)} has no {'.'.join(path[: k + 1])}{_beside(found, key, k)}")
        found = found[key]
    value = _plain(found)
    if value is not None and not math.isnan(value):
        return value
    whole = ".".join(path)
    if isinstance(found, Mapping):
        raise DataError(f"{text}: {whole} has several numbers; write one of {', '.join(found)} behind it")
    what = "null" if found is None else "NaN" if value is not None else "no number"
    raise DataError(f"{text}: {whole} of {_whose(result, entry)} is {what}, and nothing can be said of it")


def _beside(found: object, key: str, depth: int) -> str:
    """What there is in place of a key, as a clause."""
    keys = list(found) if isinstance(found, Mapping) else []
    there = f"; there is {', '.join(keys)}" if depth and keys else ""
    return nearest(key, keys) or there
