"""The catalogue as text: a table of all losses, and a page for one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lossctl.catalogue.declare import Loss, Option, Role
from lossctl.catalogue.domain import Domain, When
from lossctl.catalogue.reductions import REDUCTIONS
from lossctl.show.table import rendered

COLUMNS = {
    "scalar": "a column, or as many as its partner",
    "vector": "a column a class",
    "index": "one column",
}


def table(losses: Sequence[Loss], width: int | None, color: bool) -> str:
    """All losses, a line each."""
    from rich import box
    from rich.table import Table

    out = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("loss", "labels", "preds", "options", "formula"):
        out.add_column(heading, style="bold" if heading == "loss" else None, overflow="fold")
    for loss in losses:
        roles = {role.name: _values(role) for role in loss.roles}
        options = ", ".join(option.name for option in loss.options) or "-"
        out.add_row(loss.name, roles["labels"], roles["preds"], options, loss.formula)
    return rendered(out, width, color)


def page(loss: Loss) -> str:
    """One loss: formula, columns, options with defaults and ranges, reductions, source, an example."""
    lines = [loss.name, "", *(f"  {line}".rstrip() for line in loss.description.split("\n")), ""]
    lines += ["Formula", f"  {loss.formula}", "", "Columns"]
    lines += [f"  {role.name:<8} {_values(role)}; {_count(loss, role)}" for role in loss.roles]
    lines += ["  weights  optional, one column, finite and >= 0", "", "Options"]
    lines += [f"  {_option(option)}" for option in loss.options] or ["  none"]
    lines += ["", "Reductions (--reduction)"]
    lines += [f"  {name:<23} {meaning}" for name, meaning in REDUCTIONS.items()]
    if loss.aliases:
        lines += ["", "Also called", f"  {', '.join(loss.aliases)}"]
    lines += ["", "Source", f"  {loss.source}", "", "Example", f"  {example(loss)}", ""]
    return "\n".join(lines)


def example(loss: Loss) -> str:
    """A command that evaluates the loss."""
    preds = "-p pred" if loss.elementwise else "-p 'p_*'"
    option = next((o for o in loss.options if o.type is float and o.default), None)
    tail = f" {option.flag} {option.default}" if option else ""
    return f"lossctl eval preds.parquet -y label {preds} --loss {loss.name}{tail}"


def as_json(losses: Sequence[Loss], one: bool) -> str:
    """The catalogue as a JSON list, or the one loss as an object."""
    entries = [_entry(loss) for loss in losses]
    return json.dumps(entries[0] if one else entries, indent=2) + "\n"


def _entry(loss: Loss) -> dict[str, Any]:
    return {
        "name": loss.name,
        "aliases": list(loss.aliases),
        "summary": loss.summary,
        "formula": loss.formula,
        "roles": {role.name: _values(role) for role in loss.roles},
        "options": {
            option.name: {"default": option.default, "range": option.range(), "help": option.param.help}
            for option in loss.options
        },
        "reductions": list(REDUCTIONS),
        "source": loss.source,
        "example": example(loss),
    }


def _values(role: Role) -> str:
    if isinstance(role.domain, When):
        return f"{role.domain.otherwise.name}, or {role.domain.then.name}"
    return role.domain.name


def _count(loss: Loss, role: Role) -> str:
    domain = role.domain.otherwise if isinstance(role.domain, When) else role.domain
    if role.name == "labels" and role.shape == "vector" and isinstance(domain, Domain) and domain.sums_to_one:
        return "a column a class, or one column of class indices or names"
    return (
        "one column"
        if role.name != "labels" and not loss.elementwise and role.shape == "scalar"
        else COLUMNS[role.shape]
    )


def _option(option: Option) -> str:
    default = str(option.default).lower() if isinstance(option.default, bool) else option.default
    return f"{option.flag:<18} {option.param.help}; {option.range()}; default {default}"
