"""`lossctl.total` and `lossctl.run`: objectives and audits from a TOML file, or from a dict of the same keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lossctl.api.inputs import inputs
from lossctl.api.surroundings import ready
from lossctl.errors import UsageError

if TYPE_CHECKING:
    from lossctl.evaluation.result import Report
    from lossctl.objective.declare import Audit, EvalCall
    from lossctl.objective.total import Totals


def total(
    objective: str | os.PathLike[str] | Mapping[str, Any] | Audit,
    data: Any = None,
    *,
    regularization: bool = True,
    threads: int = 0,
    batch_size: int = 0,
) -> Totals:
    """Add up an objective: its terms over some data, in one pass, and its penalties on weight arrays.

    Args:
        objective: the path of a TOML file, or a dict of the same keys, whose paths are then relative to the
            working directory.
        data: as `evaluate` takes it, in place of the files that the objective names.
        regularization: whether the penalties are added.
        threads: as `evaluate` has it.
        batch_size: as `evaluate` has it.

    Returns:
        Totals: `value` is the total, `contributions` what each term and penalty adds to it, `terms` and `penalties`
        have the details, `to_dict()` all of it with the settings resolved.

    Raises:
        UsageError: no TOML, an unknown key, or names, columns and options that do not fit.
        DataError: a file, a row or an array that cannot be used.
        GateError: more rows were dropped than `max_dropped` allows.

    Example:
        >>> import lossctl
        >>> terms = [{"name": "squares", "loss": "mse"}, {"name": "slopes", "loss": "mae", "weight": 0.5}]
        >>> found = lossctl.total({"terms": terms}, {"label": [1.0, 2.0], "pred": [1.0, 4.0]})
        >>> found.contributions, found.value
        ({'squares': 2.0, 'slopes': 0.5}, 2.5)
    """
    from lossctl.objective.total import total as added

    audit = read(objective)
    files = () if data is None else inputs(data, {}, _again(audit))[0]
    ready()
    return added(audit.objective, files, regularization, threads, batch_size)


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found: each evaluation with its report, and the objective's totals where it has terms.

    Example:
        >>> import lossctl
        >>> done = lossctl.run("samples/objective.toml")
        >>> [call.name for call, _ in done.reports], round(done.totals.value, 6)
        (['every class', 'probabilities'], 0.161751)
    """

    audit: Audit
    reports: list[tuple[EvalCall, Report]]
    totals: Totals | None

    def to_dict(self) -> dict[str, Any]:
        """The document that `lossctl run --json` writes, with the settings resolved."""
        from lossctl.show.objective import audit_document

        return audit_document(self.audit.path, self.reports, self.totals)


def run(audit: str | os.PathLike[str] | Mapping[str, Any] | Audit, *, threads: int = 0, batch_size: int = 0) -> Audited:
    """Run an audit: every evaluation that a TOML file holds, and its objective.

    Args:
        audit: the path of a TOML file, or a dict of the same keys.
        threads: as `evaluate` has it.
        batch_size: as `evaluate` has it.

    Returns:
        Audited: `reports` are the evaluations in order, `totals` the objective's, `to_dict()` all of it.

    Raises:
        UsageError, DataError, GateError: as `total`, with the evaluation's name; or there is nothing to run.

    Example:
        >>> import lossctl
        >>> done = lossctl.run({"eval": [{"name": "test", "files": "samples/digits.csv", "loss": "scce"}]})
        >>> [(call.name, report.results[0].value) for call, report in done.reports]
        [('test', 0.1582327726857865)]
    """
    from lossctl.objective.total import evaluate
    from lossctl.objective.total import total as added

    asked = read(audit)
    wanted = asked.objective.terms or asked.objective.regularizers
    if not asked.evals and not wanted:
        raise UsageError(f"{asked.path} asks for nothing; add [[eval]] tables, or [[terms]] of an objective")
    ready()
    reports = [(call, evaluate(call, threads, batch_size)) for call in asked.evals]
    return Audited(asked, reports, added(asked.objective, (), True, threads, batch_size) if wanted else None)


def read(said: str | os.PathLike[str] | Mapping[str, Any] | Audit) -> Audit:
    """What a TOML file, or a dict of the same keys, declares.

    Raises:
        UsageError, DataError: as `total`.
    """
    from lossctl.objective.declare import Audit
    from lossctl.objective.read import read_file, read_tables

    if isinstance(said, Audit):
        return said
    if isinstance(said, Mapping):
        return read_tables(said, "objective")
    return read_file(os.fspath(said))


def _again(audit: Audit) -> bool:
    from lossctl.api.call import reads_again

    return reads_again([term.loss for term in audit.objective.terms], None)
