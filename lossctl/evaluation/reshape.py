"""Labels and preds in other shapes made into the numbers that the losses read, in float64, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lossctl.catalogue.domain import LOG_PROBABILITIES
from lossctl.errors import DataError
from lossctl.evaluation.checks import values_of
from lossctl.evaluation.frames import exponentials
from lossctl.evaluation.listed import dense
from lossctl.evaluation.request import Job
from lossctl.evaluation.shape import LabelMap, key_of
from lossctl.readers.block import Columns, Faults, lay, numbers_of

if TYPE_CHECKING:
    from lossctl.readers.source import Chunk, Values


def reshaped(job: Job, role: str, chunk: Chunk) -> Columns:
    """A role that the job's shape makes anew."""
    if role == "labels" and job.shape.label_map is not None:
        return mapped(chunk.values[job.columns[role][0]], job.shape.label_map)
    values = numbers_of(chunk, job.columns[role])
    if role == "labels":
        return _from_base(job.shape.label_base, values)
    if job.shape.listed is not None:
        ids = [chunk.values[name] for name in job.columns["pred_ids"]]
        scores, found = dense(job.shape.listed, values, ids, lambda flat, faults: _probabilities(job, flat, faults))
        # a row that has a fault holds no numbers, so that a check stops it
        for rows in () if job.on_bad == "keep" else found.values():
            scores[rows] = np.nan
        return lay([scores])._replace(faults=found)
    columns = widened(job.columns[role][0], _stored_width(job, role), lay(values))
    faults = dict(columns.faults)
    numbers = _probabilities(job, values_of(columns, np.arange(columns.rows)), faults)
    if role == "preds" and job.shape.pick is not None:
        numbers = numbers[:, job.shape.pick : job.shape.pick + 1]
    if role == "preds" and job.shape.two_classes:
        numbers = np.concatenate([1.0 - numbers, numbers], axis=1)
    return lay([np.ascontiguousarray(numbers)])._replace(faults=faults)


def _stored_width(job: Job, role: str) -> int:
    """How many numbers a row has in the file."""
    if role == "preds" and job.shape.two_classes:
        return 1
    return 2 if role == "preds" and job.shape.pick is not None else job.widths[role]


def _probabilities(job: Job, numbers: np.ndarray, faults: Faults) -> np.ndarray:
    """Scores (n, k) scaled, and taken from their logarithms, as asked."""
    if job.shape.scale is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            numbers = numbers * job.shape.scale
    if not job.shape.from_log_probs:
        return numbers
    most = LOG_PROBABILITIES.interval.high
    above = numbers > most
    if above.any():
        faults["log_probability_out_of_range"] = np.asarray(above.any(axis=1))
        if job.on_bad != "keep":
            numbers = np.where(above, np.nan, numbers)
    # what rounding lifts above 0 is the logarithm of 1
    return exponentials(np.where((numbers > 0.0) & (numbers <= most), 0.0, numbers))


def widened(name: str, width: int, columns: Columns) -> Columns:
    """Columns in the width of all blocks; one of null lists alone, whose length no row tells, is brought to it.

    Raises:
        DataError: the lists have another length than those before.
    """
    if columns.width == width:
        return columns
    missing = columns.faults.get("null")
    if missing is None or not missing.all():
        raise DataError(f"column {name!r} holds lists of {columns.width} numbers behind lists of {width}")
    return lay([np.full((columns.rows, width), np.nan)])._replace(faults=columns.faults)


def _from_base(base: int, values: list[Values]) -> Columns:
    columns = lay(values)
    numbers = values_of(columns, np.arange(columns.rows)) - base
    return lay([numbers])._replace(faults=columns.faults)


def mapped(values: Values, labels: LabelMap) -> Columns:
    """A column of texts, numbers or booleans as the numbers that a map gives them."""
    faults: Faults = {}
    if _is_text(values):
        columns = lay([values], labels.texts)
        places = values_of(columns, np.arange(columns.rows))[:, 0]
    else:
        columns = lay([values])
        places = _places(columns.owners[0].reshape(-1), labels)
    found = ~np.isnan(places)
    null = columns.faults.get("null", np.zeros(columns.rows, bool))
    if null.any():
        faults["null"] = null
    if (~found & ~null).any():
        faults["unmapped"] = ~found & ~null
    numbers = np.full((columns.rows, 1), np.nan)
    numbers[found, 0] = np.array(labels.numbers)[places[found].astype(np.int64)]
    return lay([numbers])._replace(faults=faults)


def _is_text(values: Values) -> bool:
    if isinstance(values, np.ndarray):
        return values.dtype.kind in "US"
    import pyarrow as pa

    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _places(numbers: np.ndarray, labels: LabelMap) -> np.ndarray:
    """(n,) where in the map each number stands; NaN for one that it lacks."""
    places = np.full(len(numbers), np.nan)
    for place, text in enumerate(labels.texts):
        key = key_of(text)
        # numpy compares an integer with one of Python's exactly, whatever their size
        if key is not None:
            places[numbers == key] = place
    return places
