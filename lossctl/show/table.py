"""A result as a table for people, and the lines that go with it: account, columns, warnings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from lossctl.evaluation.result import Report
from lossctl.show.cells import Row, column_names, counted, printable, row_of

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from lossctl.comparison.result import ComparisonReport
    from lossctl.show.slices import View

# no table is this wide: a console of this width cuts nothing
UNBOUNDED = 1 << 20
Side = Literal["left", "right"]
MAIN: dict[str, Side] = {
    "loss": "left",
    "value": "right",
    "± stderr": "right",
    "reduction": "left",
    "denominator": "left",
}
MORE: dict[str, Side] = {"count": "right", "min": "right", "max": "right"}


def render(result: Report, width: int | None, color: bool, view: View | None = None) -> str:
    """A row a loss; in a narrow terminal the lesser facts move below the loss, then all of them do.

    Args:
        result: what one call found.
        width: the terminal's columns; None where there is no terminal, and nothing is ever cut or folded.
        color: whether to write bold, dim and colours.
        view: how slices are shown.
    """
    rows = [row_of(entry) for entry in result.results]
    console = _console(UNBOUNDED, color)
    for table, notes in (_wide(rows), _medium(rows)):
        longest = max((len(line) for lines in notes for line in lines), default=0)
        if width is None or max(console.measure(table).maximum, longest) <= width:
            return _interleaved(console, table, notes) + _more(result, width, color, view)
    return rendered(_records(rows), width, color) + _more(result, width, color, view)


def document(report: Report, width: int | None, color: bool) -> str:
    """All that is to say: what was chosen, the account, the warnings, the table."""
    lines = [columns_line(report), *join_lines(report), account_line(report), *warning_lines(report)]
    return "".join(f"{line}\n" for line in lines) + (render(report, width, color) if report.results else "")


def _more(result: Report, width: int | None, color: bool, view: View | None) -> str:
    """What the audit found, and the verdicts of gates."""
    found = ""
    if result.more or any(entry.more or entry.slices for entry in result.results):
        from lossctl.show.audit import audit_text

        found = audit_text(result, width, color, view)
    return found + _gates(result, width, color)


def _gates(result: Report, width: int | None, color: bool) -> str:
    """The verdicts, a blank line below the losses; nothing where there are none."""
    if not result.gates:
        return ""
    from lossctl.show.gates import table

    return "\n" + rendered(table(result.gates), width, color)


def rendered(shown: RenderableType, width: int | None, color: bool) -> str:
    """Anything of rich as text, folded to a width; None for as wide as it needs."""
    return _printed(_console(UNBOUNDED if width is None else max(width, 1), color), shown)


def account_line(result: Report | ComparisonReport) -> str:
    """What became of the rows, such as "1,797 rows read, 1,795 used, 2 dropped (2 null_label)"."""
    rows = result.rows
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in rows.dropped.items() if count)
    why = f" ({reasons})" if reasons else ""
    away = f", {rows.filtered:,} filtered away" if rows.filtered else ""
    return f"{counted(rows.read)} read, {rows.used:,} used, {sum(rows.dropped.values()):,} dropped{why}{away}"


def join_lines(result: Report) -> list[str]:
    """What the join of labels from elsewhere came to, such as "joined on id (hash): 9 rows of labels; unmatched: …"."""
    if result.join is None:
        return []
    join = result.join
    how = f"on {', '.join(map(printable, join.on))} ({join.method})" if join.on else "by position"
    unmatched = f"{join.unmatched_preds:,} preds, {join.unmatched_labels:,} labels"
    twice = f"{join.duplicate_preds:,} preds, {join.duplicate_labels:,} labels"
    return [f"joined {how}: {counted(join.rows)} of labels; unmatched: {unmatched}; duplicate keys: {twice}"]


def columns_line(result: Report) -> str:
    """What was chosen for each role, such as "labels: label; preds: p_0 … p_9 (10); weights: none"."""
    return "; ".join(f"{printable(role)}: {column_names(names)}" for role, names in result.columns.items())


def warning_lines(result: Report | ComparisonReport) -> list[str]:
    """A line for each warning, with its code and count."""
    return [f"warning: {printable(w.message)} ({w.code}: {w.count:,})" for w in result.warnings]


def _wide(rows: list[Row]) -> tuple[Table, list[list[str]]]:
    level = next((row.level for row in rows if row.level), None)
    interval: dict[str, Side] = {} if level is None else {level: "right"}
    table = grid({**MAIN, **MORE, **interval})
    for row in rows:
        more = (row.count.partition(" ")[0], row.min, row.max)
        table.add_row(*_main_cells(row), *more, *(() if level is None else (row.interval,)))
    return table, [_notes(row.differs, row.guard) for row in rows]


def _medium(rows: list[Row]) -> tuple[Table, list[list[str]]]:
    table = grid(MAIN)
    for row in rows:
        table.add_row(*_main_cells(row))
    return table, [_notes(_interval(row), row.range, row.differs, row.guard) for row in rows]


def _interval(row: Row) -> str:
    return f"{row.level} {row.interval}" if row.interval else ""


def _notes(*texts: str) -> list[str]:
    return [f"  {text}" for text in texts if text]


def _interleaved(console: Console, table: Table, notes: list[list[str]]) -> str:
    """The table with each row's notes below it, where they widen no column."""
    from rich.text import Text

    head, rule, *rows = _printed(console, table).splitlines(keepends=True)
    lines = [head, rule]
    for row, texts in zip(rows, notes, strict=True):
        lines += [row, *(_printed(console, Text(text, style="dim")) for text in texts)]
    return "".join(lines)


def _records(rows: list[Row]) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    shown: list[RenderableType] = []
    for row in rows:
        told = [row.value, row.error, row.reduction, row.denominator, row.interval, row.range, row.guard, row.differs]
        names = [*list(MAIN)[1:], row.level or "interval", "rows", "guard", "differs"]
        shown += [Text(row.loss, overflow="fold"), facts(dict(zip(names, told, strict=True)))]
    return Group(*shown)


def facts(told: Mapping[str, str]) -> Table:
    """Names and texts, one a line; what is empty is left out."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in told.items():
        if fact:
            style = "bold" if name == "value" else ""
            table.add_row(f"  {name}", Text(fact.removeprefix("guarded: "), style=style))
    return table


def grid(heads: Mapping[str, Side]) -> Table:
    """An empty table with heads to the left or right, in the one style of them all."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, border_style="dim", header_style="dim", padding=(0, 1, 0, 0))
    for head, side in heads.items():
        table.add_column(
            head, justify="left" if side == "left" else "right", style="bold" if head == "value" else "", no_wrap=True
        )
    return table


def _main_cells(row: Row) -> tuple[str, ...]:
    return row.loss, row.value, row.error, row.reduction, row.denominator


def _console(width: int, color: bool) -> Console:
    import io

    from rich.console import Console

    # an empty environment: width and colour are the caller's alone
    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        legacy_windows=False,
        highlight=False,
        emoji=False,
        markup=False,
        _environ={},
    )


def _printed(console: Console, shown: RenderableType) -> str:
    with console.capture() as capture:
        console.print(shown)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())
