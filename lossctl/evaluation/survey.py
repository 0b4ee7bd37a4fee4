"""What a file holds: its columns with ranges and nulls, and which roles `eval` would choose and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lossctl.errors import UsageError
from lossctl.readers.roles import Chosen, find_labels, find_preds, select
from lossctl.readers.source import ColumnInfo, Source

if TYPE_CHECKING:
    from lossctl.readers.source import Values

ROWS = 1 << 15


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """A column over all rows: nulls, NaNs, and the range of its numbers (None where it holds none)."""

    name: str
    type: str
    kind: str
    width: int | None
    nulls: int = 0
    nans: int = 0
    least: float | None = None
    most: float | None = None
    whole: bool = True

    def merge(self, other: ColumnSummary) -> ColumnSummary:
        """Both together."""
        least = [x for x in (self.least, other.least) if x is not None]
        most = [x for x in (self.most, other.most) if x is not None]
        return replace(
            self,
            nulls=self.nulls + other.nulls,
            nans=self.nans + other.nans,
            least=min(least, default=None),
            most=max(most, default=None),
            whole=self.whole and other.whole,
        )


@dataclass(frozen=True, slots=True)
class Survey:
    """A file at a glance.

    Attributes:
        roles: role to what was chosen, or to the sentence that says why nothing was.
        suggestion: a command that evaluates a fitting loss, where both roles are filled.
    """

    path: str
    format: str
    rows: int
    columns: tuple[ColumnSummary, ...]
    roles: dict[str, Chosen | str]
    suggestion: str | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "path": self.path,
            "format": self.format,
            "rows": self.rows,
            "columns": [
                {
                    "name": c.name,
                    "type": c.type,
                    "width": c.width,
                    "nulls": c.nulls,
                    "nans": c.nans,
                    "min": c.least,
                    "max": c.most,
                }
                for c in self.columns
            ],
            "roles": {
                role: {"error": chosen}
                if isinstance(chosen, str)
                else {"columns": list(chosen.columns), "why": chosen.why}
                for role, chosen in self.roles.items()
            },
            "suggestion": self.suggestion,
        }


def survey(source: Source, selectors: dict[str, str] | None = None) -> Survey:
    """Read a file once and sum up its columns; memory stays bounded."""
    infos = list(source.columns())
    found = {c.name: ColumnSummary(c.name, c.type, c.kind, c.width) for c in infos}
    rows = 0
    for unit in source.units(0):
        for chunk in source.read(unit, [c.name for c in infos], ROWS):
            rows += chunk.rows
            for name, values in chunk.values.items():
                found[name] = found[name].merge(_summary(found[name], values))
    roles = _roles(infos, selectors or {})
    columns = tuple(found.values())
    return Survey(source.path, source.format, rows, columns, roles, _suggestion(source.path, columns, roles))


def _summary(known: ColumnSummary, values: Values) -> ColumnSummary:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    empty = ColumnSummary(known.name, known.type, known.kind, known.width)
    nulls = 0
    if not isinstance(values, np.ndarray):
        nulls = values.null_count
        while pa.types.is_nested(values.type) and hasattr(values, "flatten") and not pa.types.is_struct(values.type):
            values = values.flatten()
        kind = values.type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
            return replace(empty, nulls=nulls)
        values = pc.drop_null(values).to_numpy(zero_copy_only=False)
    if values.dtype.kind not in "iufb" or not values.size:
        return replace(empty, nulls=nulls)
    nan = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    some = values[~nan] if nan.any() else values
    if not some.size:
        return replace(empty, nulls=nulls, nans=int(nan.sum()))
    least, most = float(some.min()), float(some.max())
    whole = values.dtype.kind != "f" or bool((some == np.floor(some)).all())
    return replace(empty, nulls=nulls, nans=int(nan.sum()), least=least, most=most, whole=whole)


def _roles(infos: Sequence[ColumnInfo], selectors: dict[str, str]) -> dict[str, Chosen | str]:
    roles: dict[str, Chosen | str] = {}
    left = list(infos)
    for role in ("preds", "labels"):
        try:
            if role in selectors:
                chosen = select(selectors[role], infos, f"--{role}")
            else:
                preds = roles.get("preds")
                chosen = (
                    find_preds(left)
                    if role == "preds"
                    else find_labels(left, None if isinstance(preds, str) else preds)
                )
        except UsageError as error:
            roles[role] = str(error)
            continue
        roles[role] = chosen
        left = [info for info in left if info.name not in chosen.columns]
    return roles


def _suggestion(path: str, columns: Sequence[ColumnSummary], roles: dict[str, Chosen | str]) -> str | None:
    preds, labels = roles["preds"], roles["labels"]
    if isinstance(preds, str) or isinstance(labels, str):
        return None
    by_name = {column.name: column for column in columns}
    p, y = ([by_name[name] for name in chosen.columns] for chosen in (preds, labels))
    return f"lossctl eval {path} --loss {_fitting(p, y)}"


def _fitting(p: Sequence[ColumnSummary], y: Sequence[ColumnSummary]) -> str:
    """A loss for columns of such ranges."""
    many = len(p) > 1 or (p[0].width or 2) > 1
    least = min((c.least for c in p if c.least is not None), default=-math.inf)
    most = max((c.most for c in p if c.most is not None), default=math.inf)
    probabilities = least >= 0.0 and most <= 1.0
    logits = "" if probabilities else " --from-logits"
    if many and len(y) == 1 and (y[0].width or 2) == 1 and (y[0].kind == "string" or y[0].whole):
        return "sparse_categorical_crossentropy" + logits
    if many and all(c.whole and (c.least or 0) >= 0 and (c.most or 0) <= 1 for c in y):
        return "categorical_crossentropy" + logits
    binary = all(c.kind == "boolean" or (c.whole and c.least in (0.0, 1.0) and c.most in (0.0, 1.0)) for c in y)
    if binary:
        return "binary_crossentropy" + logits
    return "mean_squared_error"
