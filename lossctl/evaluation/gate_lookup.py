"""Where a gate's target stands in a document: its number, and its interval where it has one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from lossctl.catalogue.declare import Role
from lossctl.catalogue.domain import Domain, When
from lossctl.errors import DataError, UsageError, nearest
from lossctl.evaluation.gate_target import VALUE, Column, Target

Document = Mapping[str, Any]
NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
# what `warnings` may hold: one that is not there counts 0
WARNINGS = (
    *("rows_not_normalised", "constant_prediction", "logits_look_like_probabilities", "guarded_rows", "no_class_0"),
    *("decimal_comma", "one_column_as_two_classes", "second_of_two_columns"),
)
# what `dropped` may hold, beside the reasons of the losses' own domains: one that is not there counts 0
FAULTS = ("null", "nan", "inf", "unreadable", "unmapped")
REASONS = (
    *("ignored", "duplicate_id", "unmatched_id", "unknown_class", "pred_lists_differ", "pred_id_out_of_range"),
    *("duplicate_pred_id", "pred_sum_above_one", "weight_out_of_range", "mask_out_of_range"),
    *("label_out_of_range", "pred_out_of_range", "probability_out_of_range", "log_probability_out_of_range"),
)
NOUNS = ("label", "pred", "weight", "mask", "pred_ids")


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
        count = _rows(document, target) if target.kind == "rows" else _warned(document, target.path[0])
        return (Found(_share(document, count) if share else count),)
    if target.kind == "document":
        return (Found(_number(document, target.path, target.text, "the document")),)
    result = result_of(document.get("results", ()), target)
    if not target.columns:
        return (_found(result, result, target),)
    slices = _slices(result, target)
    found = tuple(_found(entry, result, target) for entry in slices)
    return found if target.pick in ("any", "all") else (_picked(found, slices, result, target),)


def said(by: Mapping[str, Any]) -> str:
    """A slice in words, such as "region=eu, sex=null"."""
    return ", ".join(f"{name}={'null' if value is None else value}" for name, value in by.items())


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


def _rows(document: Document, target: Target) -> int:
    head, *reason = target.path
    rows = document["rows"]
    if head != "dropped":
        return int(rows.get(head, 0))
    dropped: Mapping[str, int] = rows["dropped"]
    if not reason:
        return sum(dropped.values())
    known = _reasons(document)
    if reason[0] not in dropped and reason[0] not in known:
        there = f"; rows were dropped as {', '.join(dropped)}" if dropped else ""
        raise DataError(f"{target.text}: no rows are dropped as {reason[0]}{nearest(reason[0], known) or there}")
    return int(dropped.get(reason[0], 0))


def _reasons(document: Document) -> set[str]:
    """What rows of this call can be dropped for."""
    from lossctl.catalogue.registry import find

    nouns = (*NOUNS, *document.get("columns", ()))
    formulas = [formula for entry in document.get("results", ()) for formula in find(entry["loss"]).formulas]
    own = {domain.reason for formula in formulas for role in formula.roles for domain in _domains(role)}
    made = {f"{fault}_{noun}" for fault in FAULTS for noun in nouns} | {f"{noun}_out_of_range" for noun in nouns}
    return {*REASONS, *own, *made}


def _domains(role: Role) -> tuple[Domain, ...]:
    """The domains that a role may have; where it hangs on a number, its reason is none of its own."""
    if isinstance(role.domain, When):
        return role.domain.then, role.domain.otherwise
    return (role.domain,) if isinstance(role.domain, Domain) else ()


def _warned(document: Document, code: str) -> int:
    found = {entry["code"]: 0 for entry in document.get("warnings", ())}
    for entry in document.get("warnings", ()):
        found[entry["code"]] += int(entry["count"])
    known = sorted({*WARNINGS, *found})
    if code not in known:
        near = nearest(code, known) or f"; there are {', '.join(known)}"
        raise DataError(f"warning({code}): no warning has this code{near}")
    return found.get(code, 0)


def _share(document: Document, count: int) -> Fraction:
    read = int(document["rows"]["read"])
    if not read:
        raise DataError("no rows were read, so there is no share of them")
    return Fraction(count, read)


def _slices(result: Document, target: Target) -> list[Document]:
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


def _picked(found: tuple[Found, ...], slices: Sequence[Document], result: Document, target: Target) -> Found:
    """The one number of several slices: of the worst, of the best, or the distance between both."""
    if not target.pick:
        return found[0]
    whole = target._replace(path=("value",))
    values = found if target.path in VALUE else [_found(entry, result, whole) for entry in slices]
    places = range(len(values))
    worst = max(places, key=lambda k: values[k].value)
    best = min(places, key=lambda k: values[k].value)
    if target.pick == "spread":
        return Found(values[worst].value - values[best].value, at=values[worst].at)
    chosen = found[worst if target.pick == "worst" else best]
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
    if path[0] == "difference" and path[1] in entry:
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
