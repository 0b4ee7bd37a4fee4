"""A comparison for people, in words and tables, and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lossctl.comparison.asked import SIDES
from lossctl.comparison.result import keys
from lossctl.evaluation.result import SCHEMA_VERSION
from lossctl.show.audit import SHOWN_COLUMNS, cell
from lossctl.show.cells import column_names, counted, printable
from lossctl.show.machine import delimited, json_text, markdown
from lossctl.show.slice_records import keys as keys_of
from lossctl.show.slice_records import named
from lossctl.show.slices import named as worded
from lossctl.show.table import account_line, facts, grid, rendered, warning_lines

if TYPE_CHECKING:
    from rich.table import Table

    from lossctl.comparison.result import ComparisonReport, ModelResult
    from lossctl.show.slice_records import Shown
    from lossctl.show.table import Side

HEADS: dict[str, Side] = {
    "loss": "left",
    "model": "left",
    "value": "right",
    "± stderr": "right",
    "difference": "right",
    "interval": "left",
    "p": "right",
    "wins / ties / losses": "right",
}
FIELDS = (
    *("loss", "model", "baseline", "reduction", "value", "stderr", "count", "baseline_value", "difference"),
    *("difference_stderr", "difference_df", "low", "high", "level", "p", "wins", "ties", "losses"),
)
# what a record of a slice has besides
OF_SLICES = ("p_adjusted", "contribution", "share", "slicing")
WORDS = ("loss", "model", "baseline", "reduction")
# of the difference, by the names of the fields
TOLD = {"difference": "value", "difference_stderr": "stderr", "difference_df": "df"}
TITLES = {"changed": "changed most", "worst": "worsened most", "best": "improved most"}


class View(NamedTuple):
    """How slices are shown: the first `top`, or all; those of fewer rows than `min_count` are dim."""

    top: int | None = None
    min_count: int = 30


def lines(report: ComparisonReport) -> list[str]:
    """What was chosen, what the joins came to, what became of the rows, and the warnings."""
    found = []
    for model in report.models:
        roles = "; ".join(f"{printable(role)}: {column_names(names)}" for role, names in model.columns.items())
        found.append(f"{printable(model.name)}: {roles}")
    for model, join in zip(report.models[1:], report.joins, strict=True):
        own = keys(model.name, join)
        how = f"on {', '.join(map(printable, own))} ({join.method})" if own else "by position"
        names = printable(report.baseline), printable(model.name)
        without = f"only in {names[0]}: {join.unmatched_preds:,}, only in {names[1]}: {join.unmatched_labels:,}"
        twice = join.duplicate_preds + join.duplicate_labels
        said = f"{printable(model.name)} joined {how}: {counted(join.rows)}; {without}"
        found.append(f"{said}; duplicate keys: {twice:,}" if twice else said)
    return [*found, account_line(report), *warning_lines(report)]


def document(report: ComparisonReport, width: int | None, color: bool) -> str:
    """All that is to say."""
    return "".join(f"{line}\n" for line in lines(report)) + render(report, width, color, View())


def render(report: ComparisonReport, width: int | None, color: bool, view: View) -> str:
    """A row a loss and model, what it means in words, then slices and rows.

    Args:
        report: what was found.
        width: the terminal's columns; None where there is no terminal, and nothing is ever cut or folded.
        color: whether to write bold, dim and colours.
        view: how slices are shown.
    """
    text = _losses(report, width, color) + "\n"
    text += _folded("".join(f"{sentence(one, report)}\n" for one in report.results if one.found), width, color)
    for entry in report.results:
        text += "".join(_parts(entry, width, color, view))
    if report.gates:
        from lossctl.show.gates import table

        text += "\n" + rendered(table(report.gates), width, color)
    return text


def _losses(report: ComparisonReport, width: int | None, color: bool) -> str:
    rows = [_cells(entry) for entry in report.results]
    table = grid(HEADS)
    for row in rows:
        table.add_row(*row)
    text = rendered(table, None, color)
    if width is None or max(map(len, rendered(table, None, False).splitlines())) <= width:
        return text
    shown = [dict(zip(HEADS, row, strict=True)) for row in rows]
    return "".join(f"{row.pop('loss')}, {row.pop('model')}\n{rendered(facts(row), width, color)}" for row in shown)


def _cells(entry: ModelResult) -> tuple[str, ...]:
    result, told = entry.result, entry.difference
    error = "" if result.stderr is None else f"{result.stderr:.3g}"
    own = printable(result.spec), printable(entry.model), f"{result.value:.8g}", error
    if told is None:
        return *own, "baseline", "", "", ""
    outcome = " / ".join(f"{entry.found[name]:,}" for name in ("wins", "ties", "losses") if name in entry.found)
    return *own, f"{told['value']:+.4g}", _interval(told), _p(told["p"]), outcome


def _interval(told: Mapping[str, Any]) -> str:
    return "" if told["low"] is None else f"[{told['low']:.4g}, {told['high']:.4g}]"


def _p(p: float | None) -> str:
    return "" if p is None else f"{p:.2g}" if p else "< 1e-300"


def _said(p: float | None) -> str:
    """As "p = 0.01"; the smallest are no numbers any more."""
    return f"p {_p(p)}" if p == 0.0 else f"p = {_p(p)}"


def sentence(entry: ModelResult, report: ComparisonReport) -> str:
    """Who is better by how much, such as "mae: new is better than base by 0.012 (0.004 to 0.020), p = 0.003"."""
    told = entry.found["difference"]
    names = printable(entry.model), printable(entry.baseline)
    head = f"{printable(entry.result.spec)}: "
    if told["value"] != told["value"]:
        return f"{head}{names[0]} cannot be held against {names[1]}: some rows have no difference"
    if told["low"] is None:
        what = "the same as" if told["value"] == 0.0 else "of another value than"
        return f"{head}{names[0]} is {what} {names[1]} ({told['value']:+.4g}), without an interval{_tests(entry)}"
    if _distinguishable(told):
        lower = told["value"] < 0.0
        word = "worse" if lower == report.higher_is_better else "better"
        size = sorted(abs(told[name]) for name in ("low", "high"))
        by = f"by {abs(told['value']):.4g} ({size[0]:.4g} to {size[1]:.4g})"
        return f"{head}{names[0]} is {word} than {names[1]} {by}, {_said(told['p'])}{_tests(entry)}"
    by = f"{told['value']:+.4g} ({told['low']:.4g} to {told['high']:.4g}), {_said(told['p'])}"
    return f"{head}{names[0]} is not distinguishable from {names[1]}: {by}{_tests(entry)}"


def _distinguishable(told: Mapping[str, Any]) -> bool:
    """Whether 0 lies outside the interval."""
    return bool(told["low"] > 0.0 or told["high"] < 0.0)


def _tests(entry: ModelResult) -> str:
    """The other tests that were asked for."""
    others = {name: test for name, test in entry.found["tests"].items() if name != "t" and test["p"] is not None}
    told = ", ".join(f"{name} {_said(test['p'])}" for name, test in others.items())
    return f"; {told}" if told else ""


def _folded(text: str, width: int | None, color: bool) -> str:
    from rich.text import Text

    return rendered(Text(text.rstrip("\n")), width, color) if text else ""


def _parts(entry: ModelResult, width: int | None, color: bool, view: View) -> Iterator[str]:
    name = f"{printable(entry.result.spec)}, {printable(entry.model)} against {printable(entry.baseline)}"
    for slices in _by_columns(entry.found.get("slices", ())):
        shown = slices[: view.top or None]
        left = len(slices) - len(shown)
        more = f"{left:,} more {'slice' if left == 1 else 'slices'}; --top {len(slices)} shows all\n" if left else ""
        yield f"\nwhich slices explain the change of {name}\n" + rendered(_slices(shown, view), width, color) + more
    for side in SIDES:
        rows = entry.found.get(side)
        if rows:
            yield f"\nrows that {TITLES[side]}: {name}\n" + rendered(_rows(rows, entry), width, color)


def _by_columns(slices: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """The slices of each --by."""
    found: dict[Any, list[Mapping[str, Any]]] = {}
    for entry in slices:
        found.setdefault(entry["spec"], []).append(entry)
    return list(found.values())


def _slices(slices: Sequence[Mapping[str, Any]], view: View) -> Table:
    from rich.text import Text

    columns: dict[str, Side] = {printable(name): "left" for name in slices[0]["by"]}
    correction = slices[0]["difference"]["correction"]
    heads: dict[str, Side] = {"n": "right", "difference": "right", "interval": "left", f"p ({correction})": "right"}
    table = grid({**columns, **heads, "contribution": "right", "share": "right"})
    for entry in slices:
        told = entry["difference"]
        few = entry["count"] < view.min_count
        share = "" if entry["share"] is None else f"{100 * entry['share']:.1f}%"
        cells = (
            *("null" if value is None else printable(str(value)) for value in entry["by"].values()),
            f"{entry['count']:,}{' (few)' if few else ''}",
            *(f"{told['value']:+.3g}", _interval(told), _p(told["p_adjusted"])),
            *(f"{entry['contribution']:+.3g}", share),
        )
        table.add_row(*map(Text, cells), style="dim" if few else "")
    return table


def _rows(rows: Sequence[Mapping[str, Any]], entry: ModelResult) -> Table:
    """Rank, both losses, where it stands, and the row's own columns, some of which may be called alike."""
    names = list(rows[0]["columns"])[:SHOWN_COLUMNS]
    numbers = {name for name in names if all(isinstance(row["columns"][name], int | float) for row in rows)}
    table = grid({})
    heads = ("", "difference", entry.baseline, entry.model, "file", "row", *names)
    for i, head in enumerate(heads):
        right = i in (0, 1, 2, 3, 5) or (i > 5 and head in numbers)
        table.add_column(printable(head), justify="right" if right else "left", no_wrap=True)
    for row in rows:
        losses = (f"{row['difference']:+.6g}", f"{row['baseline_loss']:.6g}", f"{row['loss']:.6g}")
        own = (cell(row["columns"][name]) for name in names)
        table.add_row(str(row["rank"]), *losses, printable(row["file"]), f"{row['row']:,}", *own)
    return table


def machine(report: ComparisonReport, format: str) -> str:
    """The whole comparison as one text for programs; without its single rows where that is a flat table."""
    if format == "json":
        return json_text(report.to_dict(), indent=2) + "\n"
    if format == "jsonl":
        whole = {"rows": report.rows.to_dict(), **({} if report.gates is None else {"gates": report.gates.to_dict()})}
        each = ({"schema_version": SCHEMA_VERSION, **entry.to_dict(), **whole} for entry in report.results)
        return "".join(f"{json_text(one)}\n" for one in each)
    columns = dict.fromkeys(name for one in report.results for entry in _slices_of(one) for name in entry["by"])
    names = named(columns, (*FIELDS, *OF_SLICES))
    fields = (*names.values(), *FIELDS, *OF_SLICES) if names else FIELDS
    if format == "markdown":
        return markdown(fields, _records(report, names, worded), (*names.values(), *WORDS, "slicing"))
    return delimited(fields, _records(report, names), "\t" if format == "tsv" else ",")


def _slices_of(entry: ModelResult) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = entry.found.get("slices", ())
    return found


def _records(
    report: ComparisonReport, names: Mapping[str, str], shown: Shown | None = None
) -> Iterator[dict[str, Any]]:
    """A record a loss and model, and behind it one a slice."""
    fields = dict.fromkeys((*names.values(), *FIELDS, *OF_SLICES))
    for one in report.results:
        yield {**fields, **_record(one)}
        said = {name: value for name, value in _record(one).items() if name in (*WORDS, "level")}
        for entry in _slices_of(one):
            yield {**fields, **said, **keys_of(entry, names, shown), **_slice_record(entry)}


def _slice_record(entry: Mapping[str, Any]) -> dict[str, Any]:
    told = entry["difference"]
    own = {name: entry[name] for name in ("count", "contribution", "share")}
    return {**own, **_differs(told), "p_adjusted": told["p_adjusted"], "slicing": entry["spec"]}


def _differs(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: told.get(TOLD.get(name, name)) for name in FIELDS[8:15]}


def _record(entry: ModelResult) -> dict[str, Any]:
    result, told = entry.result, entry.difference or {}
    own = {name: getattr(result, name) for name in ("reduction", "value", "stderr", "count")}
    said = {"loss": result.spec, "model": entry.model, "baseline": entry.baseline}
    outcomes = {name: entry.found.get(name) for name in ("wins", "ties", "losses")}
    return {**said, **own, "baseline_value": entry.baseline_value, **_differs(told), **outcomes}
