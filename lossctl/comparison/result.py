"""What a comparison says: each model's losses over the rows that all have, and how they differ from the baseline's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from lossctl import __version__
from lossctl.evaluation.result import NOTHING, SCHEMA_VERSION, LossResult, RowAccount, Warned

if TYPE_CHECKING:
    from lossctl.comparison.evidence import Evidence
    from lossctl.evaluation.gate_verdict import Verdicts
    from lossctl.readers.aligned import JoinAccount


class ModelFile(NamedTuple):
    """A file that was read, and whose it is; `rows` is None where nothing told them."""

    path: str
    format: str
    rows: int | None
    model: str


class ModelColumns(NamedTuple):
    """A model, and which columns play which role for it."""

    name: str
    columns: Mapping[str, tuple[str, ...] | None]


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One loss of one model.

    Attributes:
        result: over the rows that all models have.
        model: whose it is.
        baseline: the first model's name.
        baseline_value: the baseline's loss.
        found: how it differs from that, by its names in the JSON; empty for the baseline itself.
    """

    result: LossResult
    model: str
    baseline: str
    baseline_value: float
    found: Mapping[str, Any]

    @property
    def difference(self) -> Mapping[str, Any] | None:
        """The difference with its interval and p-value; None for the baseline itself."""
        return self.found.get("difference")

    def to_dict(self) -> dict[str, Any]:
        """As the JSON has it."""
        said = {"model": self.model, "baseline": self.baseline, "baseline_value": self.baseline_value}
        return {**said, **self.result.to_dict(), **(self.found or {"difference": None})}


class ComparisonReport(NamedTuple):
    """What one comparison found.

    Attributes:
        inputs: every model's files.
        models: the first is the baseline.
        rows: the account of the baseline's rows; those that another model lacks are dropped.
        joins: of every other model, what its join with the baseline came to.
        warnings: each with the model that it is of.
        results: of each loss every model's, the baseline's first.
        higher_is_better: who wins.
        where: the filter.
        shapes: what was said of the shape of labels and preds.
        gates: the verdicts on it, where gates were asked for.
        evidence: what anyone needs to check it.
    """

    inputs: tuple[ModelFile, ...]
    models: tuple[ModelColumns, ...]
    rows: RowAccount
    joins: tuple[JoinAccount, ...]
    warnings: tuple[Warned, ...]
    results: tuple[ModelResult, ...]
    higher_is_better: bool = False
    where: str | None = None
    shapes: Mapping[str, Any] = NOTHING
    gates: Verdicts | None = None
    evidence: Evidence | None = None

    @property
    def baseline(self) -> str:
        """The first model's name."""
        return self.models[0].name

    def to_dict(self, made: bool = True) -> dict[str, Any]:
        """As the JSON has it, with Python floats; `plain` makes non-finite ones texts.

        Args:
            made: slices in a list, as they are here anyway.
        """
        return {
            "schema_version": SCHEMA_VERSION,
            "lossctl": __version__,
            "inputs": [one._asdict() for one in self.inputs],
            "models": [
                {"name": one.name, "columns": {r: None if c is None else list(c) for r, c in one.columns.items()}}
                for one in self.models
            ],
            "baseline": self.baseline,
            "higher_is_better": self.higher_is_better,
            **self.shapes,
            **({} if self.where is None else {"where": self.where}),
            "rows": self.rows.to_dict(),
            "joins": [_joined(model.name, one) for model, one in zip(self.models[1:], self.joins, strict=True)],
            "warnings": [{"code": w.code, "count": w.count, "message": w.message} for w in self.warnings],
            "results": [entry.to_dict() for entry in self.results],
            **({} if self.gates is None else {"gates": self.gates.to_dict()}),
            **({} if self.evidence is None else self.evidence.to_dict()),
        }


def keys(model: str, account: JoinAccount) -> list[str]:
    """The key columns, as `id`, or `id=row_id` where the model calls them otherwise."""
    pairs = (name.removesuffix(f"@{model}").partition("=") for name in account.on)
    return [mine if theirs in ("", mine) else f"{mine}={theirs}" for mine, _, theirs in pairs]


def _joined(model: str, account: JoinAccount) -> dict[str, Any]:
    return {
        "model": model,
        "on": keys(model, account),
        "rows": account.rows,
        "unmatched_baseline": account.unmatched_preds,
        "unmatched_model": account.unmatched_labels,
        "duplicate_baseline": account.duplicate_preds,
        "duplicate_model": account.duplicate_labels,
        "method": account.method,
    }
