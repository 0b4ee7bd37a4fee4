"""What may not pass: each role's values against the ranges of the losses that read it, row by row, with reasons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lossctl.catalogue.domain import CLASS_INDEX, PROBABILITIES, Domain, Interval
from lossctl.evaluation.frames import Bounds, Buffers, glance, scan_rows, with_sums
from lossctl.evaluation.partial import SHOWN, Look, Offence
from lossctl.evaluation.request import Job
from lossctl.evaluation.shape import Shape
from lossctl.readers.block import Block, Columns

if TYPE_CHECKING:
    from lossctl.evaluation.rows import Whole
    from lossctl.readers.source import Chunk, Unit

SINGULAR = {"labels": "label", "preds": "pred", "pair": "pred", "weights": "weight"}
# faults that are reasons as they stand; the others are said of their role, as in null_label
REASONS = (
    *("unknown_class", "log_probability_out_of_range", "pred_lists_differ"),
    *("pred_id_out_of_range", "duplicate_pred_id", "pred_sum_above_one"),
)
WEIGHT = Domain("a finite weight >= 0", Interval(low=0.0), "weight_out_of_range")
MASK = Domain("0 or 1, false or true", Interval(0.0, 1.0, whole=True), "mask_out_of_range")
LARGEST = 1.7976931348623157e308
# how far a row of probabilities may be from 1 before it warns; float32 softmaxes of 10,000 classes stay inside
TOLERANCE = 1e-4


class Check(NamedTuple):
    """A role against the bounds of a domain; rows with a label among `ignored` are let through."""

    role: str
    domain: Domain
    bounds: Bounds
    ignored: tuple[int, ...] = ()


class Verdict(NamedTuple):
    """A block's rows after the checks: `reasons` maps a code to the rows it stopped, each row under one code."""

    reasons: dict[str, Whole]
    looks: dict[str, Look]
    offences: tuple[Offence, ...]


def checks_for(job: Job) -> list[Check]:
    """The checks of a call: each role's ranges, once each."""
    found: dict[tuple[str, Domain, tuple[int, ...]], Check] = {}
    for bound in (settled.core for settled in job.losses):
        for role in bound.loss.roles:
            domain = bound.domain(role.name)
            if job.one_hot and role.name == "labels" and role.shape == "vector" and domain.sums_to_one:
                domain = CLASS_INDEX
            left_out = (bound.ignored_label, job.ignore_index) if role.name == "labels" else ()
            ignored = tuple(label for label in left_out if label is not None)
            found[role.name, domain, ignored] = _check(role.name, domain, job.classes_count, ignored)
    for role_name, domain in (("weights", WEIGHT), ("mask", MASK), ("pair", PROBABILITIES)):
        if role_name in job.columns:
            found[role_name, domain, ()] = _check(role_name, domain, 0, ())
    return list(found.values())


def _check(role: str, domain: Domain, classes: int, ignored: tuple[int, ...]) -> Check:
    within = domain.interval
    largest = math.inf if domain.infinite else LARGEST
    low = max(within.low, -largest)
    high = min(within.high, float(classes - 1) if domain.class_index else largest)
    low = math.nextafter(low, math.inf) if within.low_open else low
    high = math.nextafter(high, -math.inf) if within.high_open else high
    return Check(role, domain, Bounds(low, high, TOLERANCE, not within.whole), ignored)


def judge(
    block: Block,
    chunk: Chunk,
    checks: Sequence[Check],
    names: dict[str, tuple[str, ...]],
    buffers: Buffers,
    unit: Unit,
    shape: Shape = Shape(),  # noqa: B008
) -> Verdict:
    """Run the checks over a block."""
    reasons: dict[str, Whole] = {}
    looks: dict[str, Look] = {}
    offences: list[Offence] = []
    stopped = np.zeros(block.rows, dtype=bool)
    for check in checks:
        columns = block.roles[check.role]
        look, rows = _looked(check, columns, buffers)
        looks[check.role] = _both(looks[check.role], look) if check.role in looks else look
        if not len(rows):
            continue
        if check.ignored:
            rows = rows[~np.isin(values_of(columns, rows)[:, 0], check.ignored)]
        rows = rows[~stopped[rows]]
        stopped[rows] = True
        for code, some in _sorted_out(columns, check, rows).items():
            reasons[code] = np.union1d(reasons[code], some) if code in reasons else some
            offences += _described(check, code, some, block, chunk, names, unit, shape)
    return Verdict(reasons, looks, tuple(sorted(offences)[:SHOWN]))


def _looked(check: Check, columns: Columns, buffers: Buffers) -> tuple[Look, Whole]:
    """What a role's values look like, and the rows that are outside the bounds."""
    look = glance(columns, check.bounds)
    if look is not None:
        sums = check.domain.sums_to_one
        return with_sums(look, columns, check.bounds, buffers, check.role) if sums else look, _NONE
    look, flags, flagged = scan_rows(columns, check.bounds, buffers, check.role)
    if not check.domain.sums_to_one:
        look = Look(look.least, look.most)
    return look, np.flatnonzero(flags) if flagged else _NONE


_NONE = np.empty(0, np.int64)


def _both(one: Look, other: Look) -> Look:
    """Two looks at the same rows, which count each row once."""
    return one.merge(other)._replace(unnormalised=max(one.unnormalised, other.unnormalised))


def _sorted_out(columns: Columns, check: Check, rows: Whole) -> dict[str, Whole]:
    """Flagged rows by reason: no value first, then NaN, then infinite, then out of range."""
    noun = SINGULAR.get(check.role, check.role)
    found: dict[str, Whole] = {}
    for fault, mask in columns.faults.items():
        code = fault if fault in REASONS else f"{fault}_{noun}"
        found[code], rows = rows[mask[rows]], rows[~mask[rows]]
    values = values_of(columns, rows)
    nan = np.isnan(values).any(axis=1)
    inf = np.isinf(values).any(axis=1) & ~nan
    found[f"nan_{noun}"], found[f"inf_{noun}"] = rows[nan], rows[inf]
    found[check.domain.reason if check.domain.reason != "out_of_range" else f"{noun}_out_of_range"] = rows[~nan & ~inf]
    return {code: some for code, some in found.items() if len(some)}


def values_of(columns: Columns, rows: Whole) -> np.ndarray:
    """The (n, K) values of some rows as float64, read where they lie."""
    if not len(rows):
        return np.empty((0, columns.width))
    out = np.empty((len(rows), columns.width))
    for k in range(columns.width):
        out[:, k] = column_of(columns, k)[rows]
    return out


def column_of(columns: Columns, k: int) -> np.ndarray:
    """The (n,) numbers of one column where they lie, of their own type."""
    size = np.dtype(columns.dtype).itemsize
    span = (columns.rows - 1) * columns.stride + 1
    return _view(columns.addresses[k], span, columns.dtype, size)[:: columns.stride]


def _view(place: int, count: int, dtype: str, size: int) -> np.ndarray:
    import ctypes

    memory = (ctypes.c_char * (count * size)).from_address(place)
    numbers: np.ndarray = np.frombuffer(memory, dtype=np.dtype(dtype))  # type: ignore[call-overload]
    return numbers


def _described(
    check: Check,
    code: str,
    rows: Whole,
    block: Block,
    chunk: Chunk,
    names: dict[str, tuple[str, ...]],
    unit: Unit,
    shape: Shape,
) -> list[Offence]:
    columns = block.roles[check.role]
    described = []
    for row in rows[:SHOWN].tolist():
        values = values_of(columns, np.array([row]))[0]
        bad = [k for k, x in enumerate(values.tolist()) if not check.bounds.low <= x <= check.bounds.high] or [0]
        if shape.listed is not None and check.role == "preds":
            name, text = _listed_text(chunk, names, code, row)
        else:
            name = names[check.role][min(bad[0], len(names[check.role]) - 1)]
            text = _text(chunk, name, row, bad[0], None if check.role in shape.roles else float(values[bad[0]]))
        expected = _expected(check, code, shape)
        described.append(Offence(unit.file, unit.number, block.place(row), name, text, code, expected))
    return described


def _expected(check: Check, code: str, shape: Shape) -> str:
    if code == "unmapped_label" and shape.label_map is not None:
        texts = shape.label_map.texts
        return f"a label of --label-map ({', '.join(texts[:5])}{', ...' if len(texts) > 5 else ''})"
    if shape.listed is not None and code == "pred_id_out_of_range":
        names = " or a name of --classes" if shape.listed.names else ""
        return f"a class id from 0 to {shape.listed.classes - 1}{names}"
    if code in EXPECTED:
        return EXPECTED[code]
    if check.domain.class_index:
        first = shape.label_base if check.role == "labels" else 0
        return f"a class index from {first} to {check.bounds.high + first:.0f}"
    return "a finite number" if check.domain.interval == Interval() else check.domain.name


EXPECTED = {
    "log_probability_out_of_range": "a logarithm of a probability, <= 0",
    "pred_lists_differ": "as many class ids as scores",
    "duplicate_pred_id": "each class id once",
    "pred_sum_above_one": "scores that sum to at most 1, so that --rest spread has something to spread",
}


def _listed_text(chunk: Chunk, names: dict[str, tuple[str, ...]], code: str, row: int) -> tuple[str, str]:
    """The columns and what a row of them lists: the ids where these are at fault, else the scores."""
    found = {}
    for role in ("preds", "pred_ids"):
        entries = [chunk.values[name][row] for name in names[role]]
        found[role] = [entry.as_py() if hasattr(entry, "as_py") else entry.tolist() for entry in entries]
    ids = code in ("pred_id_out_of_range", "duplicate_pred_id") or (code == "null_pred" and None in found["pred_ids"])
    columns, shown = (names[role := "pred_ids" if ids else "preds"], found[role])
    told = str(shown if len(shown) > 1 else shown[0])
    return ", ".join(columns), told if len(told) < 80 else told[:76] + " ..."


def _text(chunk: Chunk, name: str, row: int, k: int, value: float | None) -> str:
    """The value as the file has it; `value` is the number that was read, None where another was made of it."""
    array = chunk.values[name]
    if isinstance(array, np.ndarray):
        return str(array[row, k] if array.ndim == 2 else array[row])
    entry = array[row].as_py()
    entry = entry[min(k, len(entry) - 1)] if isinstance(entry, list) else entry
    if entry is None:
        return "null"
    shown = value if isinstance(entry, float) and value is not None else entry
    return repr(entry) if isinstance(entry, str) else str(shown)
