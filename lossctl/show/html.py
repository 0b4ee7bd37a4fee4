"""A result for a notebook: one plain table, with the account above and the warnings below."""

from __future__ import annotations

from html import escape

from lossctl.evaluation.result import Report
from lossctl.show.cells import Row, row_of
from lossctl.show.gates import line
from lossctl.show.table import account_line, columns_line, warning_lines

HEADS = ("loss", "value", "± stderr", "reduction", "denominator", "count", "min", "max")


def document(report: Report) -> str:
    """The report as an HTML fragment; every text of a file or a name is escaped."""
    rows = "".join(map(_row, map(row_of, report.results)))
    head = "".join(f"<th>{name}</th>" for name in HEADS)
    above = "<br>".join(escape(line) for line in (columns_line(report), account_line(report)))
    said = [*warning_lines(report), *map(line, report.gates or ())]
    below = "".join(f"<br>{escape(text)}" for text in said)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
    return f"<div><small>{above}{below}</small>{table}</div>"


def _row(row: Row) -> str:
    facts = (row.error, row.reduction, row.denominator, row.count.partition(" ")[0], row.min, row.max)
    cells = "".join(f"<td>{escape(text)}</td>" for text in facts)
    notes = "".join(f"<br><small>{escape(note)}</small>" for note in (row.differs, row.guard) if note)
    return f"<tr><td><code>{escape(row.loss)}</code>{notes}</td><td><b>{escape(row.value)}</b></td>{cells}</tr>"
