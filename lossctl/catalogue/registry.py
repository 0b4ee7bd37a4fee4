"""Names to losses."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from lossctl.catalogue.declare import Accuracy, Counts, Function, Loss, Shortcut, read_function, read_summary
from lossctl.catalogue.domain import Depends, Domain, When
from lossctl.catalogue.own import load_packages, on_new, own_losses
from lossctl.errors import UsageError, nearest

if TYPE_CHECKING:
    from lossctl.catalogue.naming import Framework

FAMILIES = (
    *("binary", "categorical", "weighted", "likelihood", "deviance", "survival", "regression", "quantile"),
    *("mistakes", "margin", "multiclass", "embedding", "outputs", "sequence", "forecast", "ensemble"),
    *("whole", "skill", "together", "recorded"),
)
PRESETS = ("general", "keras", "torch", "tensorflow", "sklearn", "boosting", "optax", "scoringrules")


class _Declared(NamedTuple):
    """A loss whose function is read when it is first asked for: a call needs few of them."""

    name: str
    aliases: tuple[str, ...]
    read: Callable[[], Loss]


_DECLARED: dict[str, _Declared] = {}
_READ: dict[str, Loss] = {}


def _declare(function: Function, aliases: tuple[str, ...], read: Callable[[], Loss]) -> Function:
    _DECLARED[function.__name__] = _Declared(function.__name__, aliases, read)
    return function


def _own(name: str) -> Loss:
    """A loss of lossctl's own, by its very name."""
    if name not in _READ:
        _READ[name] = _DECLARED[name].read()
    return _READ[name]


def loss(
    *,
    formula: str,
    source: str,
    aliases: tuple[str, ...] = (),
    normaliser: Callable[..., float] | None = None,
    accuracy: Accuracy | None = None,
    notes: tuple[str, ...] = (),
    kin: str = "",
    fits: Callable[[Mapping[str, int]], str] | None = None,
    shortcuts: tuple[Shortcut, ...] = (),
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
        kin: the family of losses that it is compared with, where that is not its own name.
        fits: what is wrong with the roles' widths, where those of vectors need not be equal.
        shortcuts: what most rows can take in place of the function, for the same bits; the first that holds is.
        domains: what the values of each role may be, by the role's name.
    """

    def read(function: Function) -> Loss:
        return read_function(
            function,
            domains,
            formula=formula,
            source=source,
            aliases=aliases,
            normaliser=None if normaliser is None else read_function(normaliser, domains),
            accuracy=accuracy or Accuracy(),
            notes=notes,
            kin=kin,
            fits=fits,
            shortcuts=shortcuts,
        )

    return lambda function: _declare(function, aliases, partial(read, function))


def summary(
    *parts: Callable[..., float],
    formula: str,
    source: str,
    counts: Counts = "rows",
    aliases: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
    kin: str = "",
    **domains: Domain | When | Depends,
) -> Callable[[Function], Function]:
    """Declare a loss of the whole file: the decorated function takes exact sums over it.

    Args:
        parts: row functions; the decorated one has an argument of each one's name, for the sum of w times it,
            and, where it asks for it, `weight` for the sum of w.
        formula, source, aliases, notes, kin, domains: as `loss` has them.
        counts: what the sums run over: rows, elements, or each column by itself.
    """

    def read(function: Function) -> Loss:
        rows = tuple(read_function(part, domains) for part in parts)
        said = {"formula": formula, "source": source, "aliases": aliases, "notes": notes, "kin": kin}
        return read_summary(function, rows, counts=counts, **said)

    return lambda function: _declare(function, aliases, partial(read, function))


@cache
def _load() -> None:
    for family in FAMILIES:
        importlib.import_module(f"lossctl.catalogue.{family}")


@cache
def _named() -> dict[str, Loss]:
    """The losses that frameworks name, by their own names."""
    from lossctl.catalogue.naming import made

    _load()
    found: dict[str, Loss] = {}
    for module in PRESETS:
        for framework, lines in importlib.import_module(f"lossctl.catalogue.presets.{module}").NAMES.items():
            for line in lines:
                loss = made(line, framework, _own)
                found[loss.name] = loss
    return found


def all_losses() -> list[Loss]:
    """Every declared loss, in the order of the families, and then the users' own."""
    _load()
    return [*map(_own, _DECLARED), *own_losses()]


def built_in(name: str) -> bool:
    """Whether a name is one of lossctl's, in whatever spelling."""
    _load()
    spoken = {**_spoken(list(_DECLARED.values())), **_spoken(named_losses())}
    return name.lower() in map(str.lower, spoken)


def named_losses(framework: str | None = None) -> list[Loss]:
    """Every loss that a framework names, in order; of one framework where it is told."""
    return [loss for loss in _named().values() if framework is None or _prefix(loss) == framework]


def frameworks() -> dict[str, Framework]:
    """The frameworks by name."""
    return {loss.framework.name: loss.framework for loss in _named().values() if loss.framework is not None}


def _prefix(loss: Loss) -> str:
    return loss.framework.name if loss.framework else ""


@cache
def names() -> dict[str, str]:
    """Every name that resolves, aliases too, to the loss's own name."""
    return {**_spoken(named_losses()), **_bare()}


def _bare() -> dict[str, str]:
    """The names without a framework's."""
    _load()
    every: list[Loss | _Declared] = [*_DECLARED.values(), *own_losses()]
    return _spoken(every)


def _spoken(every: Sequence[Loss | _Declared]) -> dict[str, str]:
    """Name or alias to the loss's own name."""
    known = {alias: loss.name for loss in every for alias in loss.aliases}
    return {**known, **{loss.name: loss.name for loss in every}}


def find(name: str) -> Loss:
    """The loss of a name or alias, in any of its spellings.

    Raises:
        UsageError: no loss has that name; the nearest ones are in the message.
    """
    found = _found(name)
    if found is None:
        # an installed package's code runs only for a name that lossctl itself lacks
        load_packages(name)
        found = _found(name)
    if found is None:
        raise UsageError(f"unknown loss {name!r}{nearest(name, names()) or '; see `lossctl losses`'}")
    return found


def _first(name: str) -> Loss | None:
    """The loss of just this name or alias in the first family that has it; those behind it are not read."""
    for family in FAMILIES:
        importlib.import_module(f"lossctl.catalogue.{family}")
        for declared in _DECLARED.values():
            if name == declared.name or name in declared.aliases:
                return _own(declared.name)
    return None


def _found(name: str) -> Loss | None:
    first = _first(name)
    if first is not None:
        return first
    # the frameworks' names are made only for who asks for one
    for known in (_bare, names):
        spoken = known()
        lowered = {word.lower(): own for word, own in spoken.items()}
        for spelling in (name, _short(name)) if known is names else (name,):
            own = spoken.get(spelling) or lowered.get(spelling.lower())
            if own is not None:
                return _by_name(own)
    return None


def _by_name(own: str) -> Loss:
    """The loss of this very name: lossctl's, a user's, or a framework's."""
    if own in _DECLARED:
        return _own(own)
    return next((loss for loss in own_losses() if loss.name == own), None) or _named()[own]


def _short(name: str) -> str:
    """The name with a framework's longer prefix made the usual one: torch.nn.BCELoss to torch.BCELoss."""
    spellings = {spelling: own for own, entry in frameworks().items() for spelling in entry.spellings}
    for spelling in sorted(spellings, key=len, reverse=True):
        if name.lower().startswith(spelling.lower()):
            return f"{spellings[spelling]}.{name[len(spelling) :]}"
    return name


on_new(names.cache_clear)
