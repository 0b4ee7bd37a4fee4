"""Names to losses."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache

from lossctl.catalogue.declare import Accuracy, Function, Loss, read_function
from lossctl.catalogue.domain import Depends, Domain, When
from lossctl.errors import UsageError, nearest

FAMILIES = ("binary", "categorical", "likelihood", "regression", "margin", "embedding")
_LOSSES: dict[str, Loss] = {}


def loss(
    *,
    formula: str,
    source: str,
    aliases: tuple[str, ...] = (),
    normaliser: Callable[..., float] | None = None,
    accuracy: Accuracy | None = None,
    notes: tuple[str, ...] = (),
    **domains: Domain | When | Depends,
) -> Callable[[Function], Function]:
    """Declare the decorated function a loss; the function itself is handed back.

    Args:
        formula: the loss in one line.
        source: paper, framework and version.
        aliases: further names.
        normaliser: what a row adds to the denominator of a mean, if not 1; a function of the same arguments.
        accuracy: how near a row's loss is to the true value, if not within 4 ulp.
        notes: what surprises.
        domains: what the values of each role may be, by the role's name.
    """

    def declare(function: Function) -> Function:
        declared = read_function(
            function,
            domains,
            formula=formula,
            source=source,
            aliases=aliases,
            normaliser=None if normaliser is None else read_function(normaliser, domains),
            accuracy=accuracy or Accuracy(),
            notes=notes,
        )
        _LOSSES[declared.name] = declared
        return function

    return declare


@cache
def _load() -> None:
    for family in FAMILIES:
        importlib.import_module(f"lossctl.catalogue.{family}")


def all_losses() -> list[Loss]:
    """Every declared loss, in the order of the families."""
    _load()
    return list(_LOSSES.values())


def names() -> dict[str, str]:
    """Every name that resolves, aliases too, to the loss's own name."""
    known = {declared.name: declared.name for declared in all_losses()}
    for declared in all_losses():
        known.update(dict.fromkeys(declared.aliases, declared.name))
    return known


def find(name: str) -> Loss:
    """The loss of a name or alias.

    Raises:
        UsageError: no loss has that name; the nearest ones are in the message.
    """
    known = names()
    own = known.get(name) or known.get(name.lower())
    if own is None:
        raise UsageError(f"unknown loss {name!r}{nearest(name, known) or '; see `lossctl losses`'}")
    return _LOSSES[own]
