"""An objective's terms as a table or a document, and an audit of several evaluations."""

from __future__ import annotations

from typing import Any

from lossctl import __version__
from lossctl.evaluation.result import Report
from lossctl.objective.declare import EvalCall
from lossctl.objective.total import SCHEMA_VERSION, Totals, settings
from lossctl.show.cells import printable
from lossctl.show.machine import delimited, json_text, markdown
from lossctl.show.table import Side, grid, rendered
from lossctl.show.table import render as render_report

FORMATS = ("table", "json", "csv", "tsv", "markdown")
FIELDS = ("name", "kind", "loss", "reduction", "weight", "value", "contribution", "share")
HEADS: dict[str, Side] = {
    **dict.fromkeys(("term", "loss", "reduction"), "left"),
    **dict.fromkeys(("weight", "value", "contribution", "share"), "right"),
}


def render(totals: Totals, format: str, width: int | None = None, color: bool = False) -> str:
    """The objective in one of FORMATS, or its bare total for `value`."""
    if format == "value":
        return f"{totals.value!r}\n"
    if format == "json":
        return json_text(totals.to_dict(), indent=2) + "\n"
    if format == "markdown":
        return markdown(FIELDS, _records(totals), ("name", "kind", "loss", "reduction"))
    if format in ("csv", "tsv"):
        return delimited(FIELDS, _records(totals), "," if format == "csv" else "\t")
    return _table(totals, width, color)


def _records(totals: Totals) -> list[dict[str, Any]]:
    """A row a term, a penalty and the total, as FIELDS name them."""
    terms = [
        {
            "name": entry.term.name,
            "kind": "loss",
            "loss": entry.result.spec,
            "reduction": entry.result.reduction,
            "weight": entry.term.weight,
            "value": entry.result.value,
            "contribution": entry.contribution,
            "share": totals.share(entry.contribution),
        }
        for entry in totals.terms
    ]
    penalties = [
        {
            "name": entry.regularizer.name,
            "kind": "regularizer",
            "loss": formula(entry.regularizer.l1, entry.regularizer.l2),
            "reduction": "sum",
            "weight": 1.0,
            "value": entry.value,
            "contribution": entry.value,
            "share": totals.share(entry.value),
        }
        for entry in totals.penalties
    ]
    whole = {"name": "total", "kind": "total", "contribution": totals.value, "share": totals.share(totals.value)}
    return [*terms, *penalties, {**dict.fromkeys(FIELDS), **whole}]


def formula(l1: float, l2: float) -> str:
    """A penalty in words.

    >>> formula(0.0, 1e-4), formula(0.5, 0.25)
    ('0.0001 sum w^2', '0.5 sum |w| + 0.25 sum w^2')
    """
    parts = [f"{c:g} {what}" for c, what in ((l1, "sum |w|"), (l2, "sum w^2")) if c]
    return " + ".join(parts) or "0"


def _table(totals: Totals, width: int | None, color: bool) -> str:
    table = grid(HEADS)
    records = _records(totals)
    for record in records[:-1]:
        table.add_row(*_cells(record))
    table.add_section()
    table.add_row(*_cells(records[-1]))
    shown = rendered(table, width, color)
    notes = [_arrays(entry.regularizer.name, len(entry.arrays), entry.count) for entry in totals.penalties]
    return shown + "".join(f"  {note}\n" for note in notes)


def _cells(record: dict[str, Any]) -> list[str]:
    words = [printable(record[name] or "") for name in ("name", "loss", "reduction")]
    weight = "" if record["weight"] is None else f"{record['weight']:g}"
    value = "" if record["value"] is None else f"{record['value']:.8g}"
    share = "" if record["share"] is None else f"{record['share']:.1%}"
    return [*words, weight, value, f"{record['contribution']:.8g}", share]


def _arrays(name: str, arrays: int, count: int) -> str:
    noun = "array" if arrays == 1 else "arrays"
    return f"{printable(name)}: {count:,} weights in {arrays:,} {noun}"


def audit_document(path: str, evals: list[tuple[EvalCall, Report]], totals: Totals | None) -> dict[str, Any]:
    """An audit as the JSON has it: each evaluation with its resolved settings, and the objective."""
    return {
        "schema_version": SCHEMA_VERSION,
        "lossctl": __version__,
        "audit": path,
        "evals": [{"name": e.name, "settings": settings(e.call), **report.to_dict()} for e, report in evals],
        "objective": None if totals is None else totals.to_dict(),
    }


def audit_text(evals: list[tuple[EvalCall, Report]], totals: Totals | None, width: int | None, color: bool) -> str:
    """An audit as tables, each below its name."""
    parts = [f"{printable(e.name)}\n{render_report(report, width, color)}" for e, report in evals]
    if totals is not None:
        parts.append(f"objective\n{_table(totals, width, color)}")
    return "\n".join(parts)
