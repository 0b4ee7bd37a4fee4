"""A result as a table for people, and the lines that accompany it: the rows' account, the columns, the warnings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lossctl.evaluate.result import LossResult, Result

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

# no table is this wide; a console of this width cuts nothing
UNBOUNDED = 1 << 20
LISTED = 3


@dataclass(frozen=True, slots=True)
class Row:
    """The texts of one loss's row."""

    loss: str
    value: str
    stderr: str
    reduction: str
    denominator: str
    count: str
    min: str
    max: str
    guard: str


def render(result: Result, width: int | None, color: bool) -> str:
    """A row a loss; in a narrow terminal the lesser facts move below the loss, then everything does.

    Args:
        result: what one call found.
        width: the terminal's columns; None where there is no terminal, and nothing is ever cut or folded.
        color: whether to write bold, dim and colours.
    """
    rows = [_row(entry) for entry in result.results]
    measuring = _console(UNBOUNDED, color)
    for table in (_wide(rows), _medium(rows)):
        if width is None or measuring.measure(table).maximum <= width:
            return _printed(measuring, table)
    return _printed(_console(max(width or 0, 1), color), _records(rows))


def account_line(result: Result) -> str:
    """What became of the rows, such as "1,797 rows read, 1,795 used, 2 dropped (2 null_label)"."""
    rows = result.rows
    dropped = sum(rows.dropped.values())
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in rows.dropped.items() if count)
    why = f" ({reasons})" if reasons else ""
    return f"{_counted(rows.read)} read, {rows.used:,} used, {dropped:,} dropped{why}"


def columns_line(result: Result) -> str:
    """What was chosen for each role, such as "labels: label; preds: p_0 … p_9 (10); weights: none"."""
    return "; ".join(f"{role}: {_column_names(names)}" for role, names in result.columns.items())


def warning_lines(result: Result) -> list[str]:
    """A line for each warning, with its code and count."""
    return [
        f"warning: {_printable(warned.message)} ({warned.code}: {warned.count:,})"
        for warned in result.warnings
    ]


def _column_names(names: tuple[str, ...] | None) -> str:
    if not names:
        return "none"
    if len(names) > LISTED:
        return f"{_printable(names[0])} … {_printable(names[-1])} ({len(names):,})"
    return ", ".join(map(_printable, names))


def _printable(text: str) -> str:
    # names come from files: none may move the cursor or start a new line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _counted(rows: int) -> str:
    return f"{rows:,} row" if rows == 1 else f"{rows:,} rows"


def _row(entry: LossResult) -> Row:
    return Row(
        loss=_printable(entry.spec),
        value=f"{entry.value:.8g}",
        stderr="" if entry.stderr is None else f"{entry.stderr:.3g}",
        reduction=entry.reduction,
        denominator=_denominator(entry),
        count=f"{entry.count:,}",
        min="" if entry.min is None else f"{entry.min:.6g}",
        max="" if entry.max is None else f"{entry.max:.6g}",
        guard=_guard(entry),
    )


def _denominator(entry: LossResult) -> str:
    if entry.denominator is None:
        return "none"
    whole = entry.denominator.is_integer() and abs(entry.denominator) < 1e15
    number = f"{int(entry.denominator):,}" if whole else f"{entry.denominator:.8g}"
    name = _printable(entry.denominator_name)
    return f"{name} {number}" if name.startswith("sum") else f"{number} {name}".rstrip()


def _guard(entry: LossResult) -> str:
    if not entry.guarded:
        return ""
    share = entry.guarded.get("share")
    told = "" if share is None else f", {100 * share:.3g}% of the sum"
    return f"guarded: {_counted(int(entry.guarded.get('rows', 0)))}{told}"


def _console(width: int, color: bool) -> Console:
    import io

    from rich.console import Console

    # an empty environment: width and colour are the caller's alone
    return Console(
        file=io.StringIO(),
        width=width,
        height=UNBOUNDED,
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
        console.print(shown, soft_wrap=False)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def _grid(*columns: tuple[str, bool, str]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, border_style="dim", header_style="dim")
    for head, number, style in columns:
        table.add_column(head, justify="right" if number else "left", style=style, no_wrap=True)
    return table


def _wide(rows: list[Row]) -> Table:
    table = _grid(*_main_columns(), ("rows", True, ""), ("min", True, ""), ("max", True, ""))
    for row in rows:
        table.add_row(_with_notes(row.loss, [row.guard]), *_main_cells(row), row.count, row.min, row.max)
    return table


def _medium(rows: list[Row]) -> Table:
    table = _grid(*_main_columns())
    for row in rows:
        table.add_row(_with_notes(row.loss, [_range(row), row.guard]), *_main_cells(row))
    return table


def _main_columns() -> Iterator[tuple[str, bool, str]]:
    yield from (("loss", False, ""), ("value", True, "bold"), ("± error", True, ""))
    yield from (("reduction", False, ""), ("denominator", False, ""))


def _main_cells(row: Row) -> tuple[str, ...]:
    return row.value, row.stderr, row.reduction, row.denominator


def _range(row: Row) -> str:
    return f"{row.count} × {row.min} … {row.max}" if row.min else ""


def _with_notes(text: str, notes: list[str]) -> Text:
    from rich.text import Text

    shown = Text(text)
    for note in filter(None, notes):
        shown.append(f"\n  {note}", style="dim")
    return shown


def _records(rows: list[Row]) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    shown: list[RenderableType] = []
    for row in rows:
        facts = Table.grid("name", "fact", padding=(0, 2))
        shown += [Text(row.loss, overflow="fold"), facts]
    return Group(*shown)
