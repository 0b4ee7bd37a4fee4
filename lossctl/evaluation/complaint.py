"""The sentences about rows: which were refused and what would let them through, and what deserves a look."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lossctl.catalogue.spec import BoundLoss
from lossctl.errors import DataError
from lossctl.evaluation.partial import Look, Offence, Partial
from lossctl.evaluation.request import Job
from lossctl.evaluation.result import LossResult, Warned
from lossctl.readers.source import read_by

REMEDY = "--on-bad drop leaves such rows out, --on-bad keep passes them to the formula"

# reasons that stand for a wish of the caller's, not for a check
LEFT_OUT = ("ignored", "unmatched_id", "duplicate_id")

# texts of CSV files, quoted as they are shown
FRACTION = re.compile(r"'\s*[-+]?\d*([.,])\d+(?:[eE][-+]?\d+)?\s*'")
NO_VALUE = re.compile(r"'(?:#(?:N/A|DIV/0!|VALUE!|REF!|NUM!|NAME\?|NULL!)|[nN]/?[aA]|[nN]ull|NULL|None|-)'")


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
    """What may be behind refused rows, as sentences with a space behind each; empty where nothing is known."""
    bad = partial.bad
    based = _hint_at_base(job, partial) if "label_out_of_range" in bad else ""
    scaled = _hint_at_scale(job, partial.looks.get("preds", Look())) if "probability_out_of_range" in bad else ""
    written = _how_written(job, partial)
    named = _hint_at_names(job, partial) if "unreadable_label" in bad and not written else ""
    return based + scaled + written + named


def _hint_at_base(job: Job, partial: Partial) -> str:
    labels = partial.looks.get("labels", Look())
    # one column of preds tells two classes apart
    classes = max(job.classes_count, 2)
    if (labels.least, labels.most) != (1, classes):
        return ""
    return f"The labels look one-based (1 to {classes}): if so, --label-base 1. "


def _how_written(job: Job, partial: Partial) -> str:
    """What a CSV's texts that should be numbers look like, and the flag that reads them."""
    for offence in partial.offences:
        if offence.reason.startswith("unreadable_") and job.sources[offence.file].format in ("csv", "tsv"):
            fraction = FRACTION.fullmatch(offence.value)
            if fraction:
                mark = "point" if fraction[1] == "." else "comma"
                return f"If the numbers have a decimal {mark}: --decimal {fraction[1]} reads them. "
            if NO_VALUE.fullmatch(offence.value):
                return f"If {offence.value} means no value: --null-value {offence.value}. "
    return ""


def _hint_at_scale(job: Job, preds: Look) -> str:
    if job.shape.from_log_probs or job.shape.listed:
        return ""
    percent = job.shape.scale is None and preds.least >= 0.0 and 1.0 < preds.most <= 100.0
    return f"If the preds are {'percentages: --scale 0.01; if they are ' if percent else ''}logits: --from-logits. "


def _hint_at_names(job: Job, partial: Partial) -> str:
    if job.widths.get("preds", 1) > 1:
        return "If the labels are class names: --classes a,b,c in the order of the preds. "
    offences = [offence for offence in partial.offences if offence.reason == "unreadable_label"]
    found = list(dict.fromkeys(offence.value.strip("'\"") for offence in offences))
    no, yes = sorted(found) if len(found) == 2 else ("no", "yes")
    return (
        f"If the labels name two classes: --label-map '{no}=0,{yes}=1', or the other way round, "
        f"or --classes with the one that is 0 first. "
    )


def warnings_for(job: Job, partial: Partial, results: Sequence[LossResult]) -> tuple[Warned, ...]:
    """What deserves a look although it stopped nothing."""
    found = [*_decimal_commas(job), *_sums(job, partial), *_constant(job, partial), *_scale(job, partial)]
    for entry in results:
        if entry.guarded:
            count, share = int(entry.guarded["count"]), entry.guarded["share"]
            message = f"{entry.spec}: the guard changed the loss of {count} rows, which carry {share:.1%} of it"
            found.append(Warned("guarded_rows", count, message))
    labels = partial.looks.get("labels")
    if (
        labels
        # names are in the order that was said, whatever number the first one is
        and job.classes is None
        and job.shape.label_map is None
        and any(_class_indices(settled.core) for settled in job.losses)
        and (labels.least >= 1 and partial.used > 10 * job.classes_count)
    ):
        message = "no label is class 0: are the labels one-based? If so: --label-base 1"
        found.append(Warned("no_class_0", partial.used, message))
    return (*found, *(Warned(note.code, partial.used, note.message) for note in job.notes))


def _decimal_commas(job: Job) -> list[Warned]:
    paths = [source.path for source in read_by(job.sources) if getattr(source, "decimal_comma", False)]
    if not paths:
        return []
    files = paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    message = f"{files}: the numbers were read with a decimal comma; --decimal , or --decimal . settles it"
    return [Warned("decimal_comma", len(paths), message)]


def _class_indices(core: BoundLoss) -> bool:
    return any(role.name == "labels" and core.domain("labels").class_index for role in core.loss.roles)


def _sums(job: Job, partial: Partial) -> list[Warned]:
    found = []
    for role in ("preds", "pair", "labels"):
        look = partial.looks.get(role)
        if look is None or not look.unnormalised:
            continue
        off = max(abs(look.least_sum - 1.0), abs(look.most_sum - 1.0))
        what = "the two columns of preds" if role == "pair" else role
        message = f"{look.unnormalised} rows of {what} do not sum to one (by up to {off:.3g})"
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
