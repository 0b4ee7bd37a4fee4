"""A survey as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lossctl.evaluation.column import Column
from lossctl.evaluation.complaint import REMEDY
from lossctl.evaluation.result import plain
from lossctl.evaluation.survey import ColumnSummary, Family, Survey
from lossctl.readers.roles import Chosen
from lossctl.show.cells import column_names, counted, printable
from lossctl.show.table import grid, rendered

HEADS = ("column", "type", "nulls", "NaN", "inf", "min", "max", "mean", "distinct", "looks like")
LEFT = ("column", "type", "looks like")
# columns that are shown one by one before a family stands for its members, and values of a column
SHOWN, VALUES, LONGEST = 2, 10, 24
# lines of problems and of columns beyond which only --json goes on
MOST = 400


def as_json(survey: Survey) -> str:
    """The survey as one document."""
    return json.dumps(plain(survey.to_dict()), indent=2, allow_nan=False) + "\n"


def as_text(survey: Survey, width: int | None, color: bool, all_columns: bool = False) -> str:
    """The columns as a table, then their few values, the roles, the problems and commands to run."""
    lines = [*_head(survey), "", _table(survey, width, color, all_columns).rstrip("\n"), ""]
    values = [line for column in survey.columns if not column.family for line in _values(column)]
    lines += [*values[:MOST], ""] if values else []
    lines += [f"{role:<7} {_chosen(chosen)}" for role, chosen in sorted(survey.roles.items())]
    lines += _problems(survey)
    lines += _commands(survey)
    return "\n".join(lines) + "\n"


def _head(survey: Survey) -> list[str]:
    facts = f"{counted(survey.rows)}, {len(survey.columns):,} column{'' if len(survey.columns) == 1 else 's'}"
    if survey.sample is not None:
        kind = "rows spread over the files" if survey.sample_spread else "first rows"
        noun = "row" if survey.rows == 1 else "rows"
        facts = (
            f"a sample of {survey.rows:,} {noun} ({kind}), {len(survey.columns):,} columns; all below is of the sample"
        )
    if len(survey.inputs) == 1:
        return [f"{printable(survey.inputs[0].path)}: {survey.inputs[0].format}, {facts}"]
    files = [f"  {printable(f.path)}: {f.format}, {counted(f.rows)}" for f in survey.inputs]
    more = [f"  ... and {len(files) - 10:,} more"] if len(files) > 10 else []
    return [f"{len(files):,} files: {facts}", *files[:10], *more]


def _table(survey: Survey, width: int | None, color: bool, all_columns: bool) -> str:
    table = grid({head: "left" if head in LEFT else "right" for head in HEADS})
    # what a file lacks - infinities, say - needs no column of its own
    rows = list(_rows(survey, all_columns))
    for row in rows[:MOST] if not all_columns else rows:
        table.add_row(*row)
    if len(rows) > MOST and not all_columns:
        table.add_row(f"... and {len(rows) - MOST:,} more: --all-columns or --json")
    return rendered(table, width, color)


def _rows(survey: Survey, all_columns: bool) -> Iterator[tuple[str, ...]]:
    families = {family.prefix: family for family in survey.families}
    told: set[str] = set()
    for column in survey.columns:
        family = families.get(column.family)
        if family is None or len(family.columns) <= SHOWN or all_columns:
            yield _cells(column)
        elif family.prefix not in told:
            told.add(family.prefix)
            yield _family(family, column.type)


def _cells(column: ColumnSummary) -> tuple[str, ...]:
    found = column.found
    different = found.distinct
    distinct = (
        "" if different is None else (f"{different[0]:,}" if different[1] else f"about {_rounded(different[0]):,}")
    )
    kind = column.type
    if column.types:
        kind = " or ".join(column.types)
    return (printable(column.name), printable(kind), *_numbers(found), distinct, printable(column.looks_like))


def _family(family: Family, kind: str) -> tuple[str, ...]:
    return (column_names(family.columns), printable(kind), *_numbers(family.role.every), "", family.looks_like)


def _numbers(found: Column) -> tuple[str, ...]:
    range_ = ("" if x is None else f"{x:.6g}" for x in (found.least, found.most, found.mean))
    return (f"{found.nulls:,}", f"{found.nans:,}", f"{found.infs:,}", *range_)


def _rounded(estimate: int) -> int:
    """Two digits, which is all that an estimate knows."""
    step: int = 10 ** max(len(str(estimate)) - 2, 0)
    return round(estimate / step) * step


def _values(column: ColumnSummary) -> list[str]:
    values = column.values
    if len(values) < 2 or "probabilit" in column.looks_like:
        return []
    shown = ", ".join(f"{_value(value, column)} ({count:,})" for value, count in values[:VALUES])
    more = f", and {len(values) - VALUES} more" if len(values) > VALUES else ""
    return [f"{printable(column.name)}: {shown}{more}"]


def _value(value: Any, column: ColumnSummary) -> str:
    if "boolean" in column.found.shapes and value in (0, 1):
        return "true" if value else "false"
    text = value if isinstance(value, str) else f"{value:.6g}" if isinstance(value, float) else str(value)
    return printable(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")


def _chosen(chosen: Chosen | str) -> str:
    if isinstance(chosen, str):
        return f"none: {printable(chosen)}"
    return f"{column_names(chosen.columns)}, by {'its flag' if chosen.why == 'named' else chosen.why}"


def _problems(survey: Survey) -> list[str]:
    lines = []
    for heading, refused in (("eval would refuse:", True), ("eval would warn, or take it as it is:", False)):
        some = [problem for problem in survey.problems if problem.refused == refused]
        if some:
            lines += ["", heading]
        for problem in some[:MOST]:
            help = problem.help.removesuffix(REMEDY).rstrip(" .")
            lines.append(f"  {problem.code}: {printable(problem.message)}" + (f"; {help}" if help else ""))
        if any(problem.help.endswith(REMEDY) for problem in some):
            lines.append(f"  {REMEDY}")
    return lines


def _commands(survey: Survey) -> list[str]:
    if not survey.commands:
        return []
    lines = ["", "try:"]
    for command, note in survey.commands:
        lines.append(f"  {printable(command)}" + (f"   # {note}" if note else ""))
    return lines
