"""The counts of a document that a gate can judge: rows by what became of them, and warnings."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from lossctl.catalogue.declare import Role
from lossctl.catalogue.domain import Domain, When
from lossctl.errors import DataError, nearest
from lossctl.evaluation.gate_target import Document, Target

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


def rows_counted(document: Document, target: Target) -> int:
    """How many rows were read, used, filtered away or dropped; a reason that did not occur counts 0.

    Raises:
        DataError: the document has no account, or no row can be dropped for that reason.
    """
    head, *reason = target.path
    rows = _account(document, target.text)
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


def _account(document: Document, text: str) -> Mapping[str, Any]:
    rows = document.get("rows")
    if not isinstance(rows, Mapping):
        raise DataError(f"{text}: the document has no account of rows")
    return rows


def _reasons(document: Document) -> list[str]:
    """What rows of this call can be dropped for."""
    from lossctl.catalogue.registry import find

    nouns = (*NOUNS, *document.get("columns", ()))
    formulas = [formula for entry in document.get("results", ()) for formula in find(entry["loss"]).formulas]
    own = {domain.reason for formula in formulas for role in formula.roles for domain in _domains(role)}
    made = {f"{fault}_{noun}" for fault in FAULTS for noun in nouns} | {f"{noun}_out_of_range" for noun in nouns}
    return sorted({*REASONS, *own, *made} - {"out_of_range"})


def _domains(role: Role) -> tuple[Domain, ...]:
    """The domains that a role may have; where it hangs on a number, its reason is none of its own."""
    if isinstance(role.domain, When):
        return role.domain.then, role.domain.otherwise
    return (role.domain,) if isinstance(role.domain, Domain) else ()


def warnings_counted(document: Document, code: str) -> int:
    """What the warnings of a code count together; one that was not given counts 0.

    Raises:
        DataError: no warning has the code.
    """
    found = {entry["code"]: 0 for entry in document.get("warnings", ())}
    for entry in document.get("warnings", ()):
        found[entry["code"]] += int(entry["count"])
    known = sorted({*WARNINGS, *found})
    if code not in known:
        near = nearest(code, known) or f"; there are {', '.join(known)}"
        raise DataError(f"warning({code}): no warning has this code{near}")
    return found.get(code, 0)


def share_of_read(document: Document, count: int) -> Fraction:
    """A count of rows as an exact share of those read.

    Raises:
        DataError: there are none to take it of.
    """
    read = int(_account(document, "%").get("read", 0))
    if not read:
        raise DataError("no rows were read, so there is no share of them")
    return Fraction(count, read)
