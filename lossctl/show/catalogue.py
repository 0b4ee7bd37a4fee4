"""The catalogue as text: a table of all losses, and a page for one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lossctl.catalogue.declare import Loss, Option, Role
from lossctl.catalogue.domain import Domain, When
from lossctl.catalogue.kinship import denominator, settled_by
from lossctl.catalogue.reductions import REDUCTIONS
from lossctl.catalogue.registry import frameworks, named_losses
from lossctl.show.example import example
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
        others = [f"{name}: {values}" for name, values in roles.items() if name not in ("labels", "preds")]
        preds = "; ".join([roles[name] for name in ("preds",) if name in roles] + others)
        options = ", ".join(option.name for option in _public(loss)) or "-"
        out.add_row(loss.name, roles.get("labels", "-"), preds, options, loss.formula)
    return rendered(out, width, color)


def comparison(losses: Sequence[Loss], width: int | None, color: bool) -> str:
    """Losses side by side: the formula, what the name settles, what its mean divides by, what surprises."""
    from rich import box
    from rich.table import Table

    out = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("loss", "formula", "options", "settled by the name", "divides by", "notes"):
        out.add_column(heading, style="bold" if heading == "loss" else None, overflow="fold")
    for loss in losses:
        formulas = dict.fromkeys(entry.formula for entry in loss.formulas)
        out.add_row(
            loss.name,
            "\n".join(formulas),
            ", ".join(f"{o.name}={_default(o)}" for o in _public(loss)) or "-",
            ", ".join(settled_by(loss)) or "-",
            denominator(loss),
            "\n".join(loss.notes) or "-",
        )
    return rendered(out, width, color)


def presets_line() -> str:
    """How many losses each framework names, and how to see them."""
    counts = ", ".join(f"{name} ({len(named_losses(name))})" for name in frameworks())
    return f"Frameworks' own names: {counts}; `lossctl losses --preset NAME` lists them.\n"


def _public(loss: Loss) -> list[Option]:
    return [option for option in loss.options if not option.param.internal]


def page(loss: Loss) -> str:
    """One loss: formula, columns, options with defaults and ranges, reductions, source, an example."""
    lines = [loss.name, "", *(f"  {line}".rstrip() for line in loss.description.split("\n")), ""]
    formulas = dict.fromkeys(entry.formula for entry in loss.formulas)
    lines += ["Formula", *(f"  {formula}" for formula in formulas), "", "Columns"]
    lines += [f"  {role.name:<8} {_values(role)}; {_count(loss, role)}" for role in loss.roles]
    lines += ["  weights  optional, one column, finite and >= 0", "", "Options"]
    lines += [f"  {_option(option)}" for option in _public(loss)] or ["  none"]
    if settled_by(loss):
        lines += ["", "Settled by the name", *(f"  {text}" for text in settled_by(loss))]
    lines += ["", "Reductions (--reduction)"]
    lines += [f"  {name:<23} {REDUCTIONS[ours]}" for name, ours in reductions_of(loss).items()]
    lines += [f"  the default is {loss.reduction}, which divides by {denominator(loss)}"]
    for heading, texts in (("Also called", [", ".join(loss.aliases)]), ("Notes", loss.notes)):
        if any(texts):
            lines += ["", heading, *(f"  {text}" for text in texts)]
    if not loss.parts and not loss.home:
        lines += ["", "Accuracy", f"  {_accuracy(loss)}"]
    lines += ["", "Source", f"  {loss.source}", "", "Example", f"  {example(loss)}", ""]
    return "\n".join(lines)


def reductions_of(loss: Loss) -> dict[str, str]:
    """The names of reductions that a loss has, to ours."""
    return dict(loss.reductions) or {name: name for name in REDUCTIONS if name != "batchmean"}


def _accuracy(loss: Loss) -> str:
    claim = loss.accuracy
    absolute = f", or {claim.absolute:g} of the row's largest input" if claim.absolute else ""
    return f"within {claim.ulps:g} units in the last place{absolute}" + (f": {claim.why}" if claim.why else "")


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
            for option in _public(loss)
        },
        "framework": loss.framework.name if loss.framework else None,
        "settled": settled_by(loss),
        "counts": loss.counts,
        "reductions": list(reductions_of(loss)),
        "reduction": loss.reduction,
        "divides_by": denominator(loss),
        "accuracy": {"ulps": loss.accuracy.ulps, "absolute": loss.accuracy.absolute, "why": loss.accuracy.why},
        "notes": list(loss.notes),
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
    return f"{option.flag:<18} {option.param.help}; {option.range()}; default {_default(option)}"


def _default(option: Option) -> str:
    return str(option.default).lower() if isinstance(option.default, bool) else str(option.default)
