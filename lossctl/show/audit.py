"""What an audit found, below the table of losses: intervals, quantiles and shares, slices, and single rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from lossctl.show.cells import counted, printable
from lossctl.show.table import facts, grid, rendered

if TYPE_CHECKING:
    from rich.table import Table

    from lossctl.evaluation.result import LossResult, Report
    from lossctl.show.slices import View
    from lossctl.show.table import Side

# columns of the file that a terminal shows of a row; a file of rows has all
SHOWN_COLUMNS = 12
LONGEST_CELL = 40
SIDES = {"worst": "highest", "best": "lowest"}


def audit_text(report: Report, width: int | None, color: bool, view: View | None = None) -> str:
    """All that the audit adds to the table of losses; empty where nothing was asked for."""
    found = "".join(f"\n{text}" for entry in report.results for text in _of_loss(entry, width, color, view))
    if "calibration" not in report.more:
        return found
    from lossctl.show import calibration

    return f"{found}\n{calibration.render(report.more['calibration'], width, color)}"


def _of_loss(entry: LossResult, width: int | None, color: bool, view: View | None) -> Iterator[str]:
    name = printable(entry.spec)
    told = dict(_facts(entry.more))
    if told:
        yield f"{name}\n" + rendered(facts(told), width, color)
    if entry.more.get("histogram"):
        from lossctl.show import histogram

        found = entry.more["histogram"]
        yield f"rows by {name}\n" + histogram.render(found["edges"], found["counts"], width, color)
    for slicing, slices in _by_slicing(entry.slices) if entry.slices else ():
        from lossctl.show import slices as sliced

        yield f"{name} by {printable(slicing)}\n" + sliced.render(slices, view or sliced.View(), width, color)
    for side, word in SIDES.items():
        rows = entry.more.get(side)
        if rows:
            yield f"rows of the {word} {name}\n" + rendered(_rows(rows), width, color)


def _by_slicing(slices: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    """The slices of each --by, with what it says."""
    from lossctl.evaluation.sliced import SliceTables

    if isinstance(slices, SliceTables):
        yield from ((table.slicing, table) for table in slices.tables)
        return
    for slicing, some in groupby(slices, key=lambda one: one["slicing"]):
        yield slicing, list(some)


def _facts(more: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was found as a name and a text each."""
    drawn, quantiles = more.get("bootstrap"), more.get("quantiles")
    if drawn:
        yield "bootstrap", _bootstrap(drawn)
    if quantiles:
        told = ("null" if value is None else f"{float(value):.6g}" for value in quantiles["values"].values())
        levels = (f"{100 * float(level):g} %" for level in quantiles["values"])
        yield "quantiles", ", ".join(f"{level} {value}" for level, value in zip(levels, told, strict=True))
    if more.get("worst_share"):
        yield from _worst_share(more["worst_share"])
    if more.get("decomposition"):
        from lossctl.show.calibration import decomposed

        yield "decomposition", decomposed(more["decomposition"])
    if more.get("clip"):
        yield "guards", _clip(more["clip"])


def _bootstrap(drawn: Mapping[str, Any]) -> str:
    if drawn["stderr"] is None:
        return f"no interval from {drawn['replicates']} replicates"
    interval = f"{drawn['low']:.6g} to {drawn['high']:.6g}"
    return f"{interval}, ± {drawn['stderr']:.3g} ({drawn['replicates']:,} replicates, {drawn['method']})"


def _worst_share(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if found["share"] is not None:
        yield f"worst {100 * found['rows']:g} %", f"of the rows carry {100 * found['share']:.3g} % of the loss"


def _clip(found: Mapping[str, Any]) -> str:
    share = "" if found["share"] is None else f", {100 * found['share']:.3g} % of the loss"
    others = ", ".join(f"{one['guard']:g}: {float(one['value']):.6g}" for one in found["at"])
    return f"{counted(found['guarded'])} at the guard{share}; the mean at others: {others}"


def _rows(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rank, loss, where it stands, and the row's own columns."""
    names = list(rows[0]["columns"])[:SHOWN_COLUMNS]
    numbers = {name for name in names if all(isinstance(row["columns"][name], int | float) for row in rows)}
    own: dict[str, Side] = {printable(name): "right" if name in numbers else "left" for name in names}
    table = grid({"": "right", "value": "right", "file": "left", "row": "right", **own})
    for row in rows:
        cells = (cell(row["columns"][name]) for name in names)
        table.add_row(str(row["rank"]), f"{row['value']:.6g}", printable(row["file"]), f"{row['row']:,}", *cells)
    return table


def cell(value: Any) -> str:
    """A value of a file as a table shows it."""
    if value is None:
        return "null"
    text = f"{value:.6g}" if isinstance(value, float) else printable(str(value))
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 3] + "..."
