"""Slices of one loss as a table for people, and as flat records for machines."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lossctl.errors import UsageError, nearest
from lossctl.show.cells import printable
from lossctl.show.table import Side, grid, rendered

if TYPE_CHECKING:
    from rich.console import RenderableType

SORTS = ("key", "value", "count", "difference", "p")
FEWEST = 30
# slices that a table has where nothing else is said
SHOWN = 1000
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
Entry = Mapping[str, Any]


class View(NamedTuple):
    """How slices are shown: sorted by one of SORTS, downwards with a "-" before it; the first `top`, or all.

    Those of fewer rows than `min_count` are dim, and say so.
    """

    sort: str = "key"
    top: int | None = SHOWN
    min_count: int = FEWEST


def check_sort(sort: str) -> str:
    """A way to sort slices.

    Raises:
        UsageError: it is none of ours.
    """
    if sort.removeprefix("-") not in SORTS:
        said = ", ".join(SORTS)
        raise UsageError(f"--sort {sort} is none of {said}, or one of them behind a -{nearest(sort, SORTS)}")
    return sort


def ordered(slices: Sequence[Entry], sort: str) -> list[Entry]:
    """The slices sorted; equal ones stay as they were, and what has no such number comes last.

    Args:
        slices: in the order of their keys.
        sort: one of SORTS, with a "-" before it for downwards.

    Raises:
        UsageError: another.
    """
    return [slices[place] for place in places(slices, sort)]


def places(slices: Sequence[Entry], sort: str) -> Sequence[int]:
    """Where the slices of `ordered` stand."""
    by, down = check_sort(sort).removeprefix("-"), sort.startswith("-")
    every = range(len(slices))
    if by == "key":
        return every[::-1] if down else every
    ranks = _column(slices, by)
    known = [place for place in every if ranks[place] == ranks[place]]
    known.sort(key=lambda place: -ranks[place] if down else ranks[place])
    return [*known, *(place for place in every if ranks[place] != ranks[place])]


def _column(slices: Sequence[Entry], name: str) -> Sequence[float]:
    """A number of each slice; NaN for none."""
    own = getattr(slices, "number", None)
    if own is not None:
        # where slices are made when they are asked for, their numbers are there without
        numbers: list[float] = own(name).tolist()
        return numbers
    return [_number(entry, name) for entry in slices]


def _number(entry: Entry, name: str) -> float:
    told = entry.get("difference") or {}
    values = {"difference": told.get("value"), "p": told.get("p_adjusted", told.get("p"))}
    value = values.get(name, entry.get(name))
    return math.nan if value is None else float(value)


def render(slices: Sequence[Entry], view: View, width: int | None, color: bool) -> str:
    """A row a slice; in a narrow terminal without shares and intervals, then fact below fact.

    Args:
        slices: those of one loss and one --by, as the JSON has them, in the order of their keys.
        view: how they are shown.
        width: the terminal's columns; None where there is no terminal, and nothing is ever cut or folded.
        color: whether to write dim and bold.
    """
    every = places(slices, view.sort)
    shown = [slices[place] for place in every[: view.top or None]]
    total, p = _total(slices), _p_head(slices)
    facts = [_facts(entry, total, view, p) for entry in shown]
    few = [_count(entry) < view.min_count for entry in shown]
    text = _fitting(facts, few, width, color)
    left = len(every) - len(shown)
    more = f"{left:,} more {'slice' if left == 1 else 'slices'}; --top 0 shows all\n" if left else ""
    return text + _folded(more + _few_line(few, view), width, color)


def _p_head(slices: Sequence[Entry]) -> str:
    """What the p-values are called: with the name of what corrects them for their number."""
    told = (entry.get("difference") or {} for entry in slices)
    return next((f"p ({one['correction']})" for one in told if one.get("correction")), "p")


def _few_line(few: Sequence[bool], view: View) -> str:
    count = sum(few)
    return f"{count:,} of {len(few):,} slices shown have fewer than {view.min_count:,} rows\n" if count else ""


def _folded(text: str, width: int | None, color: bool) -> str:
    from rich.text import Text

    return rendered(Text(text.rstrip("\n"), style="dim"), width, color) if text else ""


def _fitting(facts: list[dict[str, str]], few: list[bool], width: int | None, color: bool) -> str:
    """The widest form that fits."""
    for left_out in ((), ("weight",), ("weight", "interval"), ("weight", "interval", ITS)):
        text = rendered(_table(facts, few, left_out), None, color)
        if width is None or max(len(ESCAPE.sub("", line)) for line in text.splitlines()) <= width:
            return text
    return rendered(_list(facts, few), width, color)


def _table(facts: list[dict[str, str]], few: list[bool], left_out: Iterable[str]) -> RenderableType:
    from rich.text import Text

    heads = [name for name in (facts[0] if facts else {}) if name not in left_out and any(f[name] for f in facts)]
    bare = [head.removeprefix(KEY) for head in heads]
    # a column that is called as a fact is keeps what tells it from that
    titles = [head if bare.count(short) > 1 else short for head, short in zip(heads, bare, strict=True)]
    table = grid({title: _side(head, facts) for title, head in zip(titles, heads, strict=True)})
    for row, small in zip(facts, few, strict=True):
        cells = [Text(row[head]) for head in heads]
        table.add_row(*cells, style="dim" if small else "")
    return table


# before the names of columns that are sliced by, which may be called as a fact is
KEY = "by "
ITS = "its interval"


def _side(head: str, facts: list[dict[str, str]]) -> Side:
    numbers = all(re.fullmatch(r"-?\d+|null", row[head]) for row in facts)
    return "left" if (head.startswith(KEY) and not numbers) or head.endswith("interval") else "right"


def _list(facts: list[dict[str, str]], few: list[bool]) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    lines = []
    for row, small in zip(facts, few, strict=True):
        name = ", ".join(f"{head.removeprefix(KEY)} {text}" for head, text in row.items() if head.startswith(KEY))
        lines.append(Text(name, style="dim" if small else "bold", overflow="fold"))
        others = {head: text for head, text in row.items() if text and not head.startswith(KEY)}
        lines += [
            Text(f"  {head}: {text}", style="dim" if small else "", overflow="fold") for head, text in others.items()
        ]
    return Group(*lines)


def _facts(entry: Entry, total: float, view: View, p_head: str) -> dict[str, str]:
    """What a slice's row says, by the names of the table's columns."""
    told, ci = entry.get("difference") or {}, entry.get("ci") or {}
    count = _count(entry)
    share = float(entry["weight_sum"]) / total if total else math.nan
    p = told.get("p_adjusted", told.get("p"))
    return {
        **{KEY + printable(name): named(value) for name, value in entry["by"].items()},
        "n": f"{count:,}" + (" (few)" if count < view.min_count else ""),
        "weight": "" if math.isnan(share) else f"{100 * share:.1f}%",
        "value": f"{float(entry['value']):.6g}",
        "interval": _interval(ci),
        "difference": f"{float(told['value']):+.3g}" if told.get("value") is not None else "",
        ITS: _interval(told),
        p_head: "" if p is None else f"{float(p):.2g}",
    }


def named(value: int | str | None) -> str:
    """A key as people read it; null and no text at all can be told from texts that look like them.

    >>> named(3), named(None), named("null"), named("")
    ('3', 'null', "'null'", "''")
    """
    if value is None:
        return "null"
    text = printable(str(value))
    return repr(text) if value in ("", "null") else text


def _interval(bounds: Entry) -> str:
    low, high = bounds.get("low"), bounds.get("high")
    return "" if low is None or high is None else f"[{float(low):.4g}, {float(high):.4g}]"


def _count(entry: Entry) -> int:
    return int(entry["count"])


def _total(slices: Sequence[Entry]) -> float:
    return math.fsum(_column(slices, "weight_sum"))
