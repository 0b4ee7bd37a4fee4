"""What an evaluation says: plain Python numbers, the row account, and what was chosen. One schema (version 1)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from lossctl import __version__
from lossctl.catalogue.declare import Value

if TYPE_CHECKING:
    from lossctl.evaluation.evidence import Evidence
    from lossctl.evaluation.gate_verdict import Verdicts
    from lossctl.readers.aligned import JoinAccount

SCHEMA_VERSION = 1
# what starts empty and is never written to
NOTHING: Mapping[str, Any] = {}


class InputFile(NamedTuple):
    """A file that was read."""

    path: str
    format: str
    rows: int


class RowAccount(NamedTuple):
    """Every row read: used by some loss, or dropped for a reason; `filtered` ones were not asked for."""

    read: int
    used: int
    dropped: dict[str, int]
    filtered: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As the JSON has it."""
        filtered = {"filtered": self.filtered} if self.filtered else {}
        return {"read": self.read, "used": self.used, "dropped": dict(self.dropped), **filtered}


@dataclass(frozen=True, slots=True)
class Warned:
    """Something worth a look that did not stop the run."""

    code: str
    count: int
    message: str


@dataclass(frozen=True, slots=True)
class LossResult:
    """One loss over all used rows.

    Attributes:
        loss: the name, as the catalogue has it.
        spec: the text that asks for just this loss, such as "huber:delta=2.0".
        options: every option with its value.
        reduction: how rows became one number.
        value: the reduced loss; NaN or infinite where the formula says so.
        sum: sum of w l, rounded once.
        count: rows used by this loss.
        weight_sum: sum of w.
        denominator: what the sum was divided by; None for `sum`.
        denominator_name: in words, such as "sum of weights".
        stderr: standard error of the mean, linearised for weights; None where it is not defined.
        min, max: of the rows' unweighted losses; None without rows.
        guarded: rows whose loss the guard changed, and their share of the sum; None where none was.
        differs: what tells it from the first loss of the call, where they are versions of one.
        df: degrees of freedom of the standard error; None without one.
        clusters: how many there are, where the standard error is of them.
        ci: the confidence interval with its level and method; None where it is not defined.
        more: what else the audit found, by its name in the JSON.
        slices: the same of some of the rows each, as the JSON has them.
    """

    loss: str
    spec: str
    options: Mapping[str, Value]
    reduction: str
    value: float
    sum: float
    count: int
    weight_sum: float
    denominator: float | None
    denominator_name: str
    stderr: float | None
    min: float | None
    max: float | None
    guarded: Mapping[str, float] | None = None
    differs: tuple[str, ...] = ()
    df: float | None = None
    clusters: int | None = None
    ci: Mapping[str, Any] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)
    slices: Sequence[Mapping[str, Any]] = ()

    def to_dict(self, made: bool = True) -> dict[str, Any]:
        """As the JSON has it; the slices in a list, or, if they need not be `made`, as they are."""
        return {
            "loss": self.loss,
            "spec": self.spec,
            "options": dict(self.options),
            "reduction": self.reduction,
            "value": self.value,
            "sum": self.sum,
            "count": self.count,
            "weight_sum": self.weight_sum,
            "denominator": self.denominator,
            "denominator_name": self.denominator_name,
            "stderr": self.stderr,
            "min": self.min,
            "max": self.max,
            "guarded": dict(self.guarded) if self.guarded else None,
            "differs": list(self.differs),
            "ci": dict(self.ci) if self.ci else None,
            **self.more,
            "slices": list(self.slices) if made else self.slices,
        }


class Report(NamedTuple):
    """What one call found.

    Attributes:
        shapes: what was said of the shape of labels and preds, such as `label_map`.
        gates: the verdicts on it, where gates were asked for.
        more: what the audit found of the whole call, by its name in the JSON.
    """

    inputs: tuple[InputFile, ...]
    columns: Mapping[str, tuple[str, ...] | None]
    rows: RowAccount
    warnings: tuple[Warned, ...]
    results: tuple[LossResult, ...]
    shapes: Mapping[str, Any] = NOTHING
    where: str | None = None
    join: JoinAccount | None = None
    more: Mapping[str, Any] = NOTHING
    gates: Verdicts | None = None
    evidence: Evidence | None = None

    def to_dict(self, made: bool = True) -> dict[str, Any]:
        """As the JSON has it, with Python floats; `plain` makes non-finite ones texts.

        Args:
            made: slices in a list; else each is made when it is asked for, as there may be millions.
        """
        return {
            "schema_version": SCHEMA_VERSION,
            "lossctl": __version__,
            "inputs": [{"path": f.path, "format": f.format, "rows": f.rows} for f in self.inputs],
            "columns": {role: None if names is None else list(names) for role, names in self.columns.items()},
            **self.shapes,
            **({} if self.where is None else {"where": self.where}),
            "rows": self.rows.to_dict(),
            "warnings": [{"code": w.code, "count": w.count, "message": w.message} for w in self.warnings],
            "results": [entry.to_dict(made) for entry in self.results],
            **({} if self.join is None else {"join": self.join.to_dict()}),
            **self.more,
            **({} if self.gates is None else {"gates": self.gates.to_dict()}),
            **({} if self.evidence is None else self.evidence.to_dict()),
        }


def plain(value: Any) -> Any:
    """The same with non-finite numbers as the texts "nan", "inf" and "-inf", which JSON can hold."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, list | tuple) else value
