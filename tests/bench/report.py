"""What was measured, as tables for people and as data for machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tests.bench.measure import Measured, Ratio, Tool, quartiles
from tests.bench.processes import Series
from tests.bench.tasks import LOSSES, ONE, OURS, TOOLS

if TYPE_CHECKING:
    from rich.table import Table

    from tests.bench.phases import Phases

NOTHING = "-"
MEGABYTE = 1e6


def tables(measured: Sequence[Measured], tools: Mapping[str, Tool]) -> list[Table]:
    """Seconds, ratios and peak memory."""
    return [_seconds(measured, tools), _ratios(measured), _peaks(measured, tools)]


def _seconds(measured: Sequence[Measured], tools: Mapping[str, Tool]) -> Table:
    table = plain("seconds: median (quartiles)", "task", *_columns(tools))
    for one in measured:
        table.add_row(one.task.name, *(_cell(one, name, tools, _spread) for name in _columns(tools)))
    return table


def _peaks(measured: Sequence[Measured], tools: Mapping[str, Tool]) -> Table:
    table = plain("peak memory, MB", "task", *_columns(tools))
    for one in measured:
        table.add_row(one.task.name, *(_cell(one, name, tools, _peak) for name in _columns(tools)))
    return table


def _ratios(measured: Sequence[Measured]) -> Table:
    heads = ("task", "lossctl s", "fastest peer", "its s", "ratio", "at most", "kept", "/ arrow", "at most", "kept")
    table = plain("lossctl's median over the others': ratio (quartiles of the rounds)", *heads)
    for one in measured:
        if not one.complete(OURS):
            continue
        # ten losses have no peer: their ratio is to one of them
        peer = one.against_peer or one.against_one
        others = ("one loss" if peer.other == ONE else peer.other, _one_number(one.series[peer.other])) if peer else ()
        table.add_row(
            *(one.task.name, _one_number(one.series[OURS]), *(others or (NOTHING, NOTHING))),
            *_judged(peer, one.task.at_most_peer),
            *_judged(one.against_floor, one.task.at_most_floor),
        )
    return table


def _judged(ratio: Ratio | None, at_most: float | None) -> tuple[str, str, str]:
    limit = NOTHING if at_most is None else f"{at_most:g}"
    if ratio is None:
        return NOTHING, limit, NOTHING
    low, high = ratio.quartiles
    kept = {None: NOTHING, True: "yes", False: "[bold red]no[/]"}[ratio.kept]
    return f"{ratio.value:.2f} ({low:.2f}–{high:.2f})", limit, kept


def _columns(tools: Mapping[str, Tool]) -> list[str]:
    return [OURS, *(name for name in TOOLS if name in tools)]


def _cell(one: Measured, name: str, tools: Mapping[str, Tool], show: Callable[[Series], str]) -> str:
    if name in one.series:
        if one.series[name].failure:
            return "[bold red]FAILED[/]"
        shown = show(one.series[name])
        return f"[bold red]WRONG VALUE[/] {shown}" if name in one.complaints else shown
    return "not installed" if name in one.task.tools and tools[name].missing else NOTHING


def _one_number(series: Series) -> str:
    return f"{series.median:.3f}"


def _spread(series: Series) -> str:
    low, high = quartiles(series.seconds)
    return f"{series.median:.3f} ({low:.3f}–{high:.3f})"


def _peak(series: Series) -> str:
    return f"{max(series.peak_bytes) / MEGABYTE:,.0f}"


def phase_table(phases: Sequence[Phases]) -> Table:
    """Where lossctl's time goes, as far as it tells."""
    told = list(dict.fromkeys(name for one in phases for name in one.told))
    heads = ("task", "whole", "interpreter", "imports until main", "imports later")
    table = plain("lossctl by phase, s (-X importtime slows imports)", *heads, *told)
    for one in phases:
        ours = (one.whole, one.interpreter, one.until_main, one.later)
        said = (f"{one.told[name]:.3f}" if name in one.told else NOTHING for name in told)
        table.add_row(one.task, *(f"{seconds:.3f}" for seconds in ours), *said)
    return table


def plain(title: str, first: str, *heads: str) -> Table:
    """A table with numbers to the right."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def show(tables: Sequence[Table]) -> None:
    """Print tables, as wide as they are where nobody's terminal is in the way."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=1000)
    for table in tables:
        console.print(table)


def document(measured: Measured) -> dict[str, Any]:
    """A task as data."""
    return {
        "files": list(measured.task.files),
        "losses": [LOSSES[measured.task.shape], *measured.task.more_losses],
        "tools": {name: _series(series) for name, series in measured.series.items()},
        "fastest_peer": _ratio(measured.against_peer),
        "arrow": _ratio(measured.against_floor),
        "one_loss": _ratio(measured.against_one),
        "complaints": list(measured.complaints.values()),
    }


def _series(series: Series) -> dict[str, Any]:
    if series.failure:
        return {"failure": series.failure}
    return {
        "seconds": series.seconds,
        "median_seconds": series.median,
        "quartiles_seconds": quartiles(series.seconds),
        "peak_bytes": max(series.peak_bytes),
        "peaks_bytes": series.peak_bytes,
        "value": series.values[0] if series.values else None,
        "rows": series.rows,
    }


def _ratio(ratio: Ratio | None) -> dict[str, Any] | None:
    if ratio is None:
        return None
    return {
        "tool": ratio.other,
        "ratio": ratio.value,
        "quartiles": ratio.quartiles,
        "at_most": ratio.at_most,
        "kept": ratio.kept,
    }


def missing(tools: Mapping[str, Tool]) -> list[str]:
    """One line for each tool that cannot run."""
    return [f"{name}: not installed ({tool.missing})" for name, tool in tools.items() if tool.missing]
