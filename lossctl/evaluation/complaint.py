"""The sentences about rows: which were refused and what would let them through, and what deserves a look."""

from __future__ import annotations

from collections.abc import Sequence

from lossctl.catalogue.spec import BoundLoss
from lossctl.errors import DataError
from lossctl.evaluation.partial import Look, Offence, Partial
from lossctl.evaluation.request import Job
from lossctl.evaluation.result import LossResult, Warned

REMEDY = "--on-bad drop leaves such rows out, --on-bad keep passes them to the formula"

# reasons that stand for a wish of the caller's, not for a check
LEFT_OUT = ("ignored", "unmatched_id", "duplicate_id")


def row_numbers(partial: Partial) -> dict[tuple[int, int], int]:
    """(file, unit) to the 1-based number, within the file, of the unit's first row."""
    starts: dict[tuple[int, int], int] = {}
    before: dict[int, int] = {}
    for file, unit in sorted(partial.unit_rows):
        starts[file, unit] = before.get(file, 0) + 1
        before[file] = before.get(file, 0) + partial.unit_rows[file, unit]
    return starts


def refuse_bad_rows(job: Job, partial: Partial) -> None:
    """Raise if any row was stopped by a check.

    Raises:
        DataError: naming the first rows, the counts by reason, and the flags that help.
    """
    bad = {code: count for code, count in partial.bad.items() if code not in LEFT_OUT}
    if not bad:
        return
    starts = row_numbers(partial)
    shown = "; ".join(_place(job, offence, starts) for offence in partial.offences)
    counts = ", ".join(f"{count} {code}" for code, count in sorted(bad.items()))
    total = sum(bad.values())
    more = f" (and {total - len(partial.offences)} more)" if total > len(partial.offences) else ""
    noun = "row" if total == 1 else "rows"
    raise DataError(f"{total} {noun} cannot be used ({counts}): {shown}{more}. {hint(job, partial)}{REMEDY}")


def _place(job: Job, offence: Offence, starts: dict[tuple[int, int], int]) -> str:
    path = job.sources[offence.file].path
    row = starts[offence.file, offence.unit] + offence.row
    return f"{path} row {row} column {offence.column}: {offence.value}, expected {offence.expected}"


def hint(job: Job, partial: Partial) -> str:
    """What may be behind refused rows, as a sentence with a space behind it; empty where nothing is known."""
    labels = partial.looks.get("labels")
    if "label_out_of_range" in partial.bad and labels and labels.least == 1 and labels.most == job.classes_count:
        return f"The labels look one-based (1 to {job.classes_count}). "
    if "probability_out_of_range" in partial.bad:
        return "If the preds are logits: --from-logits. "
    if "unreadable_label" in partial.bad:
        return "If the labels are class names: --classes a,b,c in the order of the preds. "
    return ""


def warnings_for(job: Job, partial: Partial, results: Sequence[LossResult]) -> tuple[Warned, ...]:
    """What deserves a look although it stopped nothing."""
    found = [*_sums(job, partial), *_constant(job, partial), *_scale(job, partial)]
    for entry in results:
        if entry.guarded:
            count, share = int(entry.guarded["count"]), entry.guarded["share"]
            message = f"{entry.spec}: the guard changed the loss of {count} rows, which carry {share:.1%} of it"
            found.append(Warned("guarded_rows", count, message))
    labels = partial.looks.get("labels")
    if (
        labels
        and any(_class_indices(settled.core) for settled in job.losses)
        and (labels.least >= 1 and partial.used > 10 * job.classes_count)
    ):
        found.append(Warned("no_class_0", partial.used, "no label is class 0: are the labels one-based?"))
    return tuple(found)


def _class_indices(core: BoundLoss) -> bool:
    return any(role.name == "labels" and core.domain("labels").class_index for role in core.loss.roles)


def _sums(job: Job, partial: Partial) -> list[Warned]:
    found = []
    for role in ("preds", "labels"):
        look = partial.looks.get(role)
        if look is None or not look.unnormalised:
            continue
        off = max(abs(look.least_sum - 1.0), abs(look.most_sum - 1.0))
        message = f"{look.unnormalised} rows of {role} do not sum to one (by up to {off:.3g})"
        found.append(Warned("rows_not_normalised", look.unnormalised, message))
    return found


def _constant(job: Job, partial: Partial) -> list[Warned]:
    look = partial.looks.get("preds")
    if look is None or look.least != look.most or partial.used < 2:
        return []
    return [Warned("constant_prediction", partial.used, f"every prediction is {look.least:g}")]


def _scale(job: Job, partial: Partial) -> list[Warned]:
    """Logits that look like probabilities."""
    look = partial.looks.get("preds", Look())
    logits = any(settled.core.options.get("from_logits") for settled in job.losses)
    if not logits or partial.used < 2 or not (look.least >= 0.0 and look.most <= 1.0):
        return []
    message = "with --from-logits every pred lies in [0, 1]: are these probabilities?"
    return [Warned("logits_look_like_probabilities", partial.used, message)]
