"""A survey as text."""

from __future__ import annotations

import json

from lossctl.evaluation.result import plain
from lossctl.evaluation.survey import ColumnSummary, Survey
from lossctl.readers.roles import Chosen
from lossctl.show.table import rendered


def as_json(survey: Survey) -> str:
    """The survey as one document."""
    return json.dumps(plain(survey.to_dict()), indent=2, allow_nan=False) + "\n"


def as_text(survey: Survey, width: int | None, color: bool) -> str:
    """The columns as a table, then the roles and a command to try."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("column", "type", "nulls", "NaN", "min", "max"):
        right = heading in ("nulls", "NaN", "min", "max")
        table.add_column(heading, justify="right" if right else "left", style="bold" if heading == "column" else None)
    for column in survey.columns:
        table.add_row(*_cells(column))
    lines = [f"{survey.path}: {survey.format}, {survey.rows:,} rows, {len(survey.columns)} columns", ""]
    lines += [rendered(table, width, color).rstrip("\n"), ""]
    lines += [f"{role:<7} {_chosen(chosen)}" for role, chosen in sorted(survey.roles.items())]
    lines += ["", f"try: {survey.suggestion}"] if survey.suggestion else []
    return "\n".join(lines) + "\n"


def _cells(column: ColumnSummary) -> tuple[str, ...]:
    kind = column.type if column.kind != "list" or column.width is None else f"{column.type} (K={column.width})"
    numbers = ("" if x is None else f"{x:.6g}" for x in (column.least, column.most))
    return (column.name, kind, f"{column.nulls:,}", f"{column.nans:,}", *numbers)


def _chosen(chosen: Chosen | str) -> str:
    if isinstance(chosen, str):
        return f"none: {chosen}"
    names = chosen.columns
    shown = ", ".join(names) if len(names) <= 4 else f"{names[0]}, {names[1]} ... {names[-1]} ({len(names)})"
    return f"{shown}, by {chosen.why}"
