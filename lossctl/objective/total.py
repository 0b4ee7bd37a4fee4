"""An objective over some data: every term in one pass, every penalty, and their total."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from lossctl import __version__
from lossctl.errors import UsageError
from lossctl.objective.declare import Call, EvalCall, Objective, Term
from lossctl.objective.penalty import Penalty, penalty
from lossctl.readers.source import Source

if TYPE_CHECKING:
    from lossctl.evaluation.request import Request
    from lossctl.evaluation.result import LossResult, Report
    from lossctl.evaluation.run import Evaluation

SCHEMA_VERSION = 1
Inputs: TypeAlias = tuple[str | Source, ...]


@dataclass(frozen=True, slots=True)
class TermResult:
    """A term: its reduced loss, and `weight` times that."""

    term: Term
    report: Report

    @property
    def result(self) -> LossResult:
        """The loss with its denominator and count."""
        return self.report.results[0]

    @property
    def contribution(self) -> float:
        """What it adds to the total."""
        return self.term.weight * self.result.value


@dataclass(frozen=True, slots=True)
class Totals:
    """An objective's terms and penalties over some data.

    Attributes:
        terms: as TensorFlow's `get_losses`, in the order of the objective.
        penalties: as its `get_regularization_losses`; empty where regularisation is left out.

    Example:
        >>> import lossctl
        >>> found = lossctl.total("samples/objective.toml")
        >>> {name: round(added, 6) for name, added in found.contributions.items()}
        {'cross-entropy': 0.158233, 'kernels': 0.003518}
        >>> round(found.share(found.penalties[0].value), 4)
        0.0218
    """

    terms: tuple[TermResult, ...]
    penalties: tuple[Penalty, ...]

    @property
    def contributions(self) -> dict[str, float]:
        """Name to what a term or a penalty adds."""
        terms = {entry.term.name: entry.contribution for entry in self.terms}
        return {**terms, **{entry.regularizer.name: entry.value for entry in self.penalties}}

    @property
    def value(self) -> float:
        """The total: the sum of all contributions, rounded once; as TensorFlow's `get_total_loss`."""
        parts = list(self.contributions.values())
        try:
            return math.fsum(parts)
        except (ValueError, OverflowError):
            return sum(parts)

    def share(self, contribution: float) -> float | None:
        """A contribution over the total; None where that has no meaning."""
        total = self.value
        return contribution / total if total and math.isfinite(total) else None

    def to_dict(self) -> dict[str, Any]:
        """As the JSON has it."""
        rows = self.terms[0].report.to_dict() if self.terms else {"inputs": [], "rows": None}
        return {
            "schema_version": SCHEMA_VERSION,
            "lossctl": __version__,
            "inputs": rows["inputs"],
            **({"join": rows["join"]} if "join" in rows else {}),
            "total": self.value,
            "terms": [self._term(entry) for entry in self.terms],
            "regularizers": [self._penalty(entry) for entry in self.penalties],
        }

    def _term(self, entry: TermResult) -> dict[str, Any]:
        said = entry.report.to_dict()
        return {
            "name": entry.term.name,
            "weight": entry.term.weight,
            "contribution": entry.contribution,
            "share": self.share(entry.contribution),
            **said["results"][0],
            "columns": said["columns"],
            "rows": said["rows"],
            "warnings": said["warnings"],
            "settings": settings(entry.term.call),
        }

    def _penalty(self, entry: Penalty) -> dict[str, Any]:
        asked = entry.regularizer
        return {
            "name": asked.name,
            "kind": asked.kind,
            "l1": asked.l1,
            "l2": asked.l2,
            "contribution": entry.value,
            "share": self.share(entry.value),
            "sum_of_absolutes": entry.sum_of_absolutes,
            "sum_of_squares": entry.sum_of_squares,
            "count": entry.count,
            "patterns": {"arrays": list(asked.arrays), "exclude": list(asked.exclude)},
            "arrays": [
                {"file": a.file, "name": a.name, "shape": list(a.shape), "dtype": a.dtype} for a in entry.arrays
            ],
        }


def settings(call: Call) -> dict[str, Any]:
    """How rows were read and judged, with the defaults of what was not said."""
    from lossctl.evaluation.request import Request

    plain = Request((), (), {})
    named = ("on_bad", "on_empty", "classes", "class_weights", "ignore_index", "max_dropped")
    said = {name: call.settings.get(name, getattr(plain, name)) for name in named}
    words = ("delimiter", "header", "null_values", "format", "encoding", "decimal")
    reading = {name: getattr(plain.read, name) for name in words}
    shape = {name: value for name, value in call.settings.items() if name not in (*named, "reduction", "where")}
    where = {"where": list(call.settings["where"])} if call.settings.get("where") else {}
    return {**_listed(said), **plain._replace(**shape).shapes, "read": _listed({**reading, **call.read}), **where}


def _listed(entries: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in entries.items()}


def request_of(call: Call, losses: Sequence[Any], files: Inputs = (), threads: int = 0, batch_rows: int = 0) -> Request:
    """A call as evaluation takes it.

    Args:
        call: how rows are read and reduced.
        losses: bound losses.
        files: in place of the call's own.
        threads, batch_rows: as a Request has them.
    """
    from lossctl.evaluation.request import Request
    from lossctl.readers.places import ReadSettings

    read: dict[str, Any] = dict(call.read)
    more: Mapping[str, Any] = call.settings
    return Request(
        files=files or call.files,
        losses=tuple(losses),
        roles=dict(call.roles),
        read=ReadSettings(**read),
        threads=threads,
        batch_rows=batch_rows,
        **more,
    )


def total(
    objective: Objective, files: Inputs = (), regularization: bool = True, threads: int = 0, batch_rows: int = 0
) -> Totals:
    """The objective's terms over the data, in one pass, and its penalties.

    Args:
        objective: what was trained.
        files: paths or sources, in place of those that the objective names.
        regularization: whether the penalties are computed and added.
        threads, batch_rows: as a Request has them.

    Raises:
        UsageError: there is nothing to add up; or names and columns that do not fit, told with the term.
        DataError, GateError: as an evaluation's.
    """
    if not objective.terms and not objective.regularizers:
        raise UsageError("the objective has no terms; add [[terms]], or begin with `lossctl total --init`")
    requests = [request_of(term.call, [term.loss], files, threads, batch_rows) for term in objective.terms]
    reports = [evaluation.report() for evaluation in _together(objective.terms, requests)] if requests else []
    terms = tuple(map(TermResult, objective.terms, reports))
    penalties = tuple(map(penalty, objective.regularizers)) if regularization else ()
    return Totals(terms, penalties)


def _together(terms: Sequence[Term], requests: Sequence[Request]) -> tuple[Evaluation, ...]:
    from lossctl.evaluation.run import run_all

    return run_all(requests, names=[f"term {term.name}" for term in terms])


def evaluate(call: EvalCall, threads: int = 0, batch_rows: int = 0) -> Report:
    """One evaluation of an audit.

    Raises:
        UsageError, DataError, GateError: told with the evaluation's name.
    """
    from lossctl.evaluation.run import named, run

    with named(call.name):
        return run(request_of(call.call, call.losses, (), threads, batch_rows)).report()
