"""What a finished call has, be it of one table or of several models: its rows, warnings, gates and document."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from lossctl.comparison.result import ComparisonReport
    from lossctl.evaluation.gate_verdict import Verdicts
    from lossctl.evaluation.result import Report, RowAccount, Warned

Told = TypeVar("Told", "Report", "ComparisonReport")


class Finished(ABC, Generic[Told]):
    """A call and what it found."""

    @property
    @abstractmethod
    def report(self) -> Told:
        """All that was found."""

    @property
    def rows(self) -> RowAccount:
        """The row account: `read`, `used` and, by reason, `dropped`; of models, that of the baseline's rows."""
        return self.report.rows

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """What deserves a look although it stopped nothing."""
        return self.report.warnings

    def gate(self, *gates: str, on: Literal["value", "ci"] = "value") -> Verdicts:
        """What becomes of gates, such as "mean > 0.3" or, of models, "diff > 0.01": each fails where it holds.

        Args:
            *gates: as --fail-if takes them; `lossctl.evaluation.gate` has the grammar.
            on: "ci" judges values on their intervals, and then a gate may be inconclusive.

        Raises:
            UsageError: a text that is no gate, or a model or loss that the call does not have.
            DataError: what a gate names is absent, null or NaN, or nothing has an interval.

        Example:
            >>> import lossctl
            >>> found = lossctl.evaluate("samples/diabetes.csv", loss="mae")
            >>> [entry.verdict for entry in found.gate("mean > 50", "mean > 40 and not dropped > 1%")]
            ['pass', 'fail']
        """
        from lossctl.evaluation import gate_verdict

        document = self.report.to_dict(made=False)
        found = gate_verdict.judge(gate_verdict.gates(gates, document["results"], on), document, on)
        gate_verdict.refuse_errors(found)
        return found

    def to_dict(self) -> dict[str, Any]:
        """The document that `--json` writes, with Python's numbers."""
        return self.report.to_dict()

    def to_json(self) -> str:
        """The document as JSON: numbers in full, those that are not finite as texts."""
        from lossctl.show.machine import json_text

        return json_text(self.to_dict(), indent=2) + "\n"
