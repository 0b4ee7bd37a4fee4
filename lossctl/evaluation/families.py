"""Columns that belong together by their names: p_0, p_1, ... or prob_cat, prob_dog."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lossctl.readers.roles import LABEL_NAMES, PRED_NAMES, natural
from lossctl.readers.source import ColumnInfo

NUMBERS = ("integer", "float", "boolean")


def families(columns: Iterable[ColumnInfo]) -> dict[str, tuple[str, ...]]:
    """Prefix to the columns of numbers that share it, in natural order; only where there are two or more."""
    found: dict[str, list[str]] = {}
    for column in columns:
        stem = _stem(column.name) if column.kind in NUMBERS else None
        if stem is not None:
            found.setdefault(stem, []).append(column.name)
    return {stem: tuple(sorted(names, key=natural)) for stem, names in found.items() if len(names) > 1}


def _stem(name: str) -> str | None:
    numbered = re.fullmatch(r"(.*\D)\d+", name, re.DOTALL)
    if numbered:
        return numbered[1]
    known: Sequence[str] = (*LABEL_NAMES, *PRED_NAMES)
    starts = [k for k in known if re.match(rf"{k}[_.].", name.lower()) and name.lower() not in known]
    return name[: len(max(starts, key=len)) + 1] if starts else None
