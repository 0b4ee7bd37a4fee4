"""The reference page: every loss and every framework's name, as Markdown made from the catalogue."""

from __future__ import annotations

from lossctl.catalogue.declare import Loss, Option
from lossctl.catalogue.kinship import denominator, settled_by
from lossctl.catalogue.naming import Framework
from lossctl.catalogue.registry import all_losses, frameworks, named_losses

HEAD = """# Losses

Made by `lossctl losses --reference`, from the declarations; `lossctl losses NAME` shows one with an example to run.

y stands for the labels, p for the preds, w for the weights; K is the number of classes.
"""


def reference() -> str:
    """The whole page."""
    declared = [_section(loss) for loss in all_losses() if not loss.home]
    named = [_framework(framework) for framework in frameworks().values()]
    return "\n".join([HEAD, "## lossctl's own names\n", *declared, "## Frameworks' names\n", *named])


def _section(loss: Loss) -> str:
    lines = [f"### `{loss.name}`\n", f"{_escaped(loss.summary)}\n", f"    {loss.formula}\n"]
    facts = [
        f"columns: {', '.join(f'{role.name} ({role.shape})' for role in loss.roles)}",
        *(_described(option) for option in loss.options if not option.param.internal),
    ]
    if loss.aliases:
        facts.append(f"also called {', '.join(f'`{name}`' for name in loss.aliases)}")
    if loss.accuracy.why:
        facts.append(f"accuracy: {loss.accuracy.ulps:g} ulp, as {loss.accuracy.why}")
    facts += [*loss.notes, f"source: {loss.source}"]
    return "\n".join([*lines, *(f"- {_escaped(fact)}" for fact in facts), ""])


def _described(option: Option) -> str:
    default = str(option.default).lower() if isinstance(option.default, bool) else option.default
    return f"`{option.flag}` {option.param.help}: {option.range()}; default {default}"


def _framework(framework: Framework) -> str:
    spellings = ", ".join(f"`{spelling}`" for spelling in (f"{framework.name}.", *framework.spellings))
    head = [
        f"### {framework.title}\n",
        f"Prefixes: {spellings}. Without `--reduction`: {framework.reduction}. "
        f"A zero denominator: {framework.on_empty}.\n",
        "| name | formula | options | settled by the name | divides by | notes |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(_row(loss) for loss in named_losses(framework.name)), ""])


def _row(loss: Loss) -> str:
    names = ", ".join(f"`{name}`" for name in (loss.name, *(alias.rpartition(".")[2] for alias in loss.aliases)))
    formulas = ", ".join(f"`{name}`" for name in dict.fromkeys(form.loss.name for form in loss.forms))
    options = ", ".join(f"{option.name}={str(option.default).lower()}" for option in loss.options)
    cells = (names, formulas, options, ", ".join(settled_by(loss)), denominator(loss), "; ".join(loss.notes))
    return f"| {' | '.join(_escaped(cell) or '-' for cell in cells)} |"


def _escaped(text: str) -> str:
    """The text with what Markdown would take for a table's border or emphasis kept as it is."""
    return text.replace("|", "\\|").replace("*", "\\*")
