"""Whether columns fit the losses: their widths against what each loss reads of every role."""

from __future__ import annotations

from collections.abc import Sequence

from lossctl.catalogue.spec import BoundLoss
from lossctl.errors import UsageError
from lossctl.evaluation.settled import Settled


def fit(losses: Sequence[Settled], widths: dict[str, int]) -> bool:
    """Whether labels are class indices to be read as one-hot rows.

    Raises:
        UsageError: columns that do not fit a loss.
    """
    one_hot = False
    for settled in losses:
        core = settled.core
        _numbers_for_each(core, widths)
        if core.loss.elementwise:
            _same_width(core, widths, [role.name for role in core.loss.roles])
        else:
            one_hot |= _fit_rows(core, widths)
        if widths.get("weights", 1) not in (1, settled.width if settled.elements else 1):
            raise UsageError(f"-w/--weights takes one column for {settled}, a weight a row")
        if settled.reweighted and widths.get("labels", 0) == 0:
            raise UsageError(f"--class-weights: {settled} has no labels")
    return one_hot


def _numbers_for_each(core: BoundLoss, widths: dict[str, int]) -> None:
    """Refuse one number where every column needs its own."""
    width = max((widths[role.name] for role in core.loss.roles if role.shape == "vector"), default=1)
    for option in core.loss.options:
        value = core.options[option.name]
        if option.param.each and width != (len(value) if isinstance(value, tuple) else 1):
            raise UsageError(f"{core.loss.name}: {option.flag} needs a number for each of {width} columns, got {value}")


def _fit_rows(core: BoundLoss, widths: dict[str, int]) -> bool:
    """The same for one loss over rows."""
    name, vectors = core.loss.name, [role for role in core.loss.roles if role.shape == "vector"]
    needed = max((widths[role.name] for role in vectors), default=0)
    for role in core.loss.roles:
        width = widths[role.name]
        if role.shape == "index" and needed < 2:
            raise UsageError(f"{name} reads a prediction a class, preds has {needed} column; name them with -p/--preds")
        if role.shape == "index" and width != 1:
            raise UsageError(
                f"{name} reads one column of class indices, {role.name} has {width} columns; "
                "for one-hot labels take categorical_crossentropy"
            )
        if role.shape == "scalar" and width != 1:
            raise UsageError(f"{name} reads one column of {role.name}, there are {width}")
    labels = next((role for role in vectors if role.name == "labels"), None)
    if labels and widths["labels"] == 1 < needed and core.domain("labels").sums_to_one:
        _same_width(core, widths, [role.name for role in vectors if role is not labels])
        return True
    if core.loss.fits is not None:
        wrong = core.loss.fits(widths)
        if wrong:
            raise UsageError(f"{name}: {wrong}")
    else:
        _same_width(core, widths, [role.name for role in vectors])
    return False


def _same_width(core: BoundLoss, widths: dict[str, int], roles: list[str]) -> None:
    for role in roles:
        if widths[role] != widths[roles[-1]]:
            one, other = widths[role], widths[roles[-1]]
            raise UsageError(
                f"{core.loss.name} pairs {role} with {roles[-1]}, but they have {one} and {other} columns: "
                "rows are never broadcast"
            )
