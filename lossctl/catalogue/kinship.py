"""Which losses share a name or a formula, and what tells them apart."""

from __future__ import annotations

import re

from lossctl.catalogue.declare import Loss
from lossctl.catalogue.naming import ByPrecision, Chosen, Form
from lossctl.catalogue.reductions import REDUCTIONS, meaning
from lossctl.catalogue.registry import all_losses, find, named_losses, names
from lossctl.catalogue.spec import BoundLoss, bind


def like(name: str) -> list[Loss]:
    """The loss of a name, and all that share a name, a formula or a declared kin with it.

    Args:
        name: a loss's, or a short name that only frameworks have, such as log_loss.

    Raises:
        UsageError: no loss has that name.
    """
    every = [*all_losses(), *named_losses()]
    named = [loss for loss in every if short(name) in traits(loss)]
    asked = named[0] if named and "." not in name and name not in names() else find(name)
    wanted = traits(asked).union(*map(traits, named))
    return [asked, *(loss for loss in every if loss is not asked and traits(loss) & wanted)]


def traits(loss: Loss) -> set[str]:
    """What losses are compared by: their short names, those of their formulas, and the kin of these."""
    spoken = {short(name) for entry in (loss, *loss.formulas) for name in (entry.name, *entry.aliases)}
    return spoken | {f"kin {entry.kin or entry.name}" for entry in loss.formulas}


def short(name: str) -> str:
    """A name without its framework, in snake case, without the words that all have.

    >>> short("torch.nn.SmoothL1Loss"), short("mean_squared_error"), short("tf1.huber_loss")
    ('smooth_l1', 'squared_error', 'huber')
    """
    bare = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(".")[2]).lower()
    return re.sub(r"(^mean_)|(_loss(_score)?$)", "", bare)


def settled_by(loss: Loss) -> list[str]:
    """What a framework's name fixes of its formulas, a text an argument."""
    return list(dict.fromkeys(text for form in loss.forms for text in _fixed(form)))


def _fixed(form: Form) -> list[str]:
    return [f"{name}={_written(value)}" for name, value in form.fixed.items()]


def _written(value: object) -> str:
    if isinstance(value, ByPrecision):
        return f"{value.double:.3g} ({value.single:.3g} for float32)"
    if isinstance(value, Chosen):
        return f"by {value.option}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def denominator(loss: Loss) -> str:
    """What a loss's default reduction divides by, in words."""
    if any(entry.parts for entry in loss.formulas):
        return "a number of the whole file"
    _, ours = meaning(bind(loss.name, {}), None)
    weights = "sum of class weights" if any(entry.normaliser for entry in loss.formulas) else "sum of weights"
    words = {"mean": weights, "sum": "nothing", "batchmean": "rows"}.get(ours, REDUCTIONS[ours].rpartition("/ ")[2])
    return words.replace("rows", "elements") if loss.counts == "elements" and ours != "batchmean" else words


def differences(reference: BoundLoss, core: BoundLoss) -> tuple[str, ...]:
    """What tells a settled loss from another: its formula, or the arguments that differ."""
    if core.loss.name != reference.loss.name:
        said = [f"{name}={value}" for name, value in core.options.items() if _changed(core, name)]
        return (core.loss.formula, *said)
    theirs = reference.options
    return tuple(f"{name}={_written(value)}" for name, value in core.options.items() if value != theirs[name])


def _changed(core: BoundLoss, name: str) -> bool:
    option = core.loss.option(name)
    return option is not None and core.options[name] != option.default
