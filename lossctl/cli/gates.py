"""A call's gates: asked for before any file is read, judged on the report, said and written at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from lossctl.cli.answer import put
from lossctl.cli.audit_words import GateOn
from lossctl.cli.surroundings import say
from lossctl.errors import LossctlError, UsageError

if TYPE_CHECKING:
    from lossctl.catalogue.spec import BoundLoss
    from lossctl.comparison.result import ComparisonReport
    from lossctl.evaluation.gate import Gate
    from lossctl.evaluation.gate_verdict import Verdicts
    from lossctl.evaluation.result import Report

Reported = TypeVar("Reported", "Report", "ComparisonReport")


class Gating(NamedTuple):
    """The gates of a call and where their verdicts go; a call without any has nothing to judge."""

    gates: tuple[Gate, ...] = ()
    on: str = "value"
    junit: str | None = None
    exit_zero: bool = False

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Have a call that fails leave no old JUnit file, which would look like its own."""
        try:
            yield
        except LossctlError as error:
            if self.junit is not None:
                from lossctl.evaluation.gate_verdict import errors

                # what is said is why the call failed, also where the file cannot be written
                with suppress(LossctlError):
                    self._write(errors(self.gates, str(error)), self.junit)
            raise

    def judged(self, report: Reported) -> Reported:
        """The report with its verdicts."""
        if not self.gates:
            return report
        from lossctl.evaluation.gate_verdict import judge

        return report._replace(gates=judge(self.gates, report.to_dict(made=False), self.on))

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Have the verdicts stand although whoever reads the result has left."""
        try:
            yield
        except BrokenPipeError:
            if not self.gates:
                raise

    def ended(self, report: Report | ComparisonReport, quiet: bool) -> int:
        """Say each verdict and write them; the exit code.

        Raises:
            DataError: a gate could not be judged, or the file cannot be written.
        """
        found = report.gates
        if found is None:
            return 0
        from lossctl.evaluation.gate_verdict import refuse_errors
        from lossctl.show.gates import line

        # errors are said by who catches them
        for entry in found:
            if entry.verdict in ("fail", "inconclusive") or (entry.verdict == "pass" and not quiet):
                say(line(entry))
        if self.junit is not None:
            self._write(found, self.junit)
        refuse_errors(found)
        return 0 if self.exit_zero else found.exit_code

    def _write(self, found: Verdicts, path: str) -> None:
        from lossctl.show.gates import junit

        put(junit(found), path)


def gating(
    fail_if: Sequence[str] | None,
    gate_on: GateOn | None,
    junit: str | None,
    exit_zero: bool,
    output: str | None,
    losses: Sequence[BoundLoss] | None,
    models: Sequence[str] = (),
) -> Gating:
    """The gates of a call with these losses, and these models, of which the first is compared with none.

    Losses that are None are told by what is judged.

    Raises:
        UsageError: a text that is no gate, a loss that the call does not have, or a word that goes with gates alone.
    """
    if not fail_if:
        said = {"--gate-on": gate_on is not None, "--junit": junit is not None, "--exit-zero": exit_zero}
        alone = next((name for name, given in said.items() if given), None)
        if alone is not None:
            raise UsageError(f"{alone} goes with a gate: --fail-if 'mean > 0.3'")
        return Gating()
    if junit is not None and junit == (output or "-"):
        raise UsageError(f"--junit and the result both go to {'stdout' if junit == '-' else junit}; name another file")
    from lossctl.evaluation.gate_verdict import gates

    known: list[dict[str, Any]] = [
        {"loss": one.loss.name, "spec": str(one), "options": one.said} for one in losses or ()
    ]
    if models:
        # the first is compared with nothing
        told = [{"model": model, "difference": {"of": model} if k else None} for k, model in enumerate(models)]
        known = [{**one, **model} for one in known for model in told]
    on = gate_on.value if gate_on else "value"
    return Gating(gates(fail_if, None if losses is None else known, on), on, junit, exit_zero)
