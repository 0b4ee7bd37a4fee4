"""What a column looks like: an honest guess from its values, and from its name where values alone cannot tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from lossctl.evaluation.column import Column, RowSums
from lossctl.evaluation.sketch import NOTHING
from lossctl.readers.roles import LABEL_NAMES

IDS = re.compile(r"(row|example|sample)?_?(id|index|key)|uuid", re.IGNORECASE)
WEIGHTS = re.compile(r"(.*_)?(w|weights?)", re.IGNORECASE)
LOGS = re.compile(r"(.*_)?log_?(p|q|prob|probs|proba|probability|softmax|teacher)(_.*|\d*)", re.IGNORECASE)
LOGITS = re.compile(r"(.*_)?(logits?|scores?|margin|decision)(_.*|\d*)", re.IGNORECASE)
PROBABILITIES = re.compile(r"(.*_)?(p|q|prob|probs|proba|probability|score|confidence)(_.*|\d*)", re.IGNORECASE)
# of values that are meant as probabilities, so few may be outside [0, 1]
FEW = 0.05
# class names are few, and each occurs more than once
MOST_CLASSES = 64


def looks_like(name: str, column: Column) -> str:
    """A column in a few words, such as "probability" or "class id 0 to 9".

    >>> from lossctl.evaluation.column import Column
    >>> import numpy as np
    >>> some = Column()
    >>> some.add(np.array([0, 1, 1, 0]))
    >>> looks_like("label", some)
    '0/1 label'
    """
    if column.nulls == column.rows and not column.numbers:
        return "empty"
    if "list" in column.shapes:
        return _list(name, column)
    if "other" in column.shapes:
        return "no numbers and no text"
    if column.shapes & {"text", "time"}:
        return _text(name, column)
    if column.nans == column.numbers:
        return "NaN alone"
    if "boolean" in column.shapes:
        return "boolean"
    return _number(name, column)


def _text(name: str, column: Column) -> str:
    different, exact = column.distinct or (0, True)
    present = column.rows - column.nulls
    if column.shapes & {"number", "boolean"}:
        return "numbers and texts"
    if "time" in column.shapes or column.dated:
        return "date or time"
    if different == 1 and present > 1:
        return "constant"
    if _all_distinct(column, present) and present > 2 and name.lower() not in LABEL_NAMES:
        return "id (each its own)" if exact else "id (about all distinct)"
    if exact and different <= MOST_CLASSES and (2 * different <= present or name.lower() in LABEL_NAMES):
        return f"class name ({different} classes)"
    return "text"


def _number(name: str, column: Column) -> str:
    least, most = bounds(column)
    if least == most and column.numbers > 1:
        return "constant"
    if column.whole:
        return _whole(name, column, int(least) if abs(least) < 1e300 else 0)
    return _real(name, column, least, most)


def _whole(name: str, column: Column, least: int) -> str:
    counts = column.counts
    if counts is not None and set(counts) <= {0, 1}:
        return "0/1 label"
    if counts is not None and set(counts) == {-1, 1}:
        return "-1/+1 label"
    if WEIGHTS.fullmatch(name) and least >= 0:
        return "weight"
    if _all_distinct(column, column.numbers) and column.numbers > 2 and name.lower() not in LABEL_NAMES:
        return "id (each its own)" if (column.distinct or (0, True))[1] else "id (about all distinct)"
    classes = classes_of(column)
    if classes is not None:
        return f"class id {least} to {classes - 1 + least}" + (" (one-based)" if least else "")
    return "count" if least >= 0 else "whole number"


def _real(name: str, column: Column, least: float, most: float) -> str:
    if meant_as_probabilities(name, column):
        return "weight" if WEIGHTS.fullmatch(name) else "probability"
    if WEIGHTS.fullmatch(name) and least >= 0:
        return "weight"
    if most <= 0 and LOGS.fullmatch(name):
        return "log-probability"
    if least >= 0 and 1 < most <= 100 and PROBABILITIES.fullmatch(name):
        return "percentage"
    if least < 0 < most and LOGITS.fullmatch(name):
        return "logit"
    return "real number"


def _list(name: str, column: Column) -> str:
    if "other" in column.shapes or not column.numbers:
        return "list"
    if column.narrowest != column.widest:
        return f"lists of {column.narrowest} to {column.widest} numbers"
    kind = family_looks_like(name, [column], column.sums)
    return f"list of {column.widest}: {kind}"


def family_looks_like(prefix: str, members: Sequence[Column], sums: RowSums | None) -> str:
    """Columns that share a prefix, or a list's elements, in a few words."""
    every = merged(members)
    if every.least is None or every.most is None:
        return "empty"
    enough = sums is not None and sums.rows > 0
    if enough and sums and sums.hot == sums.rows and every.whole:
        return "one-hot"
    if every.counts is not None and set(every.counts) <= {0, 1} and every.whole:
        return "0/1 labels"
    bare = prefix.rstrip("_.")
    if meant_as_probabilities(bare, every):
        sum_to_one = enough and sums and 2 * sums.off <= sums.rows
        return "probabilities, rows sum to one" if sum_to_one else "probabilities"
    if every.most <= 0 and sums and sums.log_off <= FEW * every.numbers / max(len(members), every.widest or 1):
        return "log-probabilities"
    if every.least >= 0 and enough and sums and abs(sums.least - 100) <= 1 and abs(sums.most - 100) <= 1:
        return "percentages, rows sum to 100"
    return {"logit": "logits", "count": "counts"}.get(_number(bare, every), "numbers")


def merged(members: Sequence[Column]) -> Column:
    """Columns as one, halves first: so that many of them cost no more than they must; of one alone, itself."""
    some = list(members) if len(members) == 1 else [replace(one, hashes=NOTHING) for one in members]
    while len(some) > 1:
        some = [some[i].merge(some[i + 1]) if i + 1 < len(some) else some[i] for i in range(0, len(some), 2)]
    return some[0]


def meant_as_probabilities(name: str, column: Column) -> bool:
    """Within [0, 1], save a few where the name says so."""
    least, most = bounds(column)
    if least >= 0 and most <= 1:
        return not LOGITS.fullmatch(name) or bool(PROBABILITIES.fullmatch(name))
    few = column.outside <= (0.5 if least >= 0 else FEW) * column.numbers
    return few and bool(PROBABILITIES.fullmatch(name)) and not LOGITS.fullmatch(name)


def classes_of(column: Column) -> int | None:
    """K, where the numbers are just 0 to K - 1 or just 1 to K; None for others."""
    different, exact = column.distinct or (0, False)
    least, most = bounds(column)
    if not (column.whole and exact and least in (0.0, 1.0) and most - least + 1 == different and different > 1):
        return None
    return different if 2 * different <= column.numbers or column.numbers < 20 else None


def bounds(column: Column) -> tuple[float, float]:
    """The least and the greatest number; of none, 0 and 0."""
    return (0.0 if column.least is None else column.least, 0.0 if column.most is None else column.most)


def _all_distinct(column: Column, present: int) -> bool:
    different, exact = column.distinct or (0, True)
    # an estimate is off by 3% or so, and hardly ever by 12%
    return different == present if exact else different >= 0.88 * present
