"""`lossctl.losses`: what there is to evaluate."""

from __future__ import annotations

from lossctl.catalogue.declare import Loss
from lossctl.catalogue.own import load_packages
from lossctl.catalogue.registry import all_losses, find, frameworks, named_losses
from lossctl.errors import UsageError, nearest


def losses(name: str | None = None, *, preset: str | None = None, like: str | None = None) -> tuple[Loss, ...]:
    """The losses, each with `name`, `summary`, `formula`, `roles`, `options` (with ranges), `source` and `notes`.

    Args:
        name: one loss alone, by any of its names.
        preset: those that a framework names, such as "torch".
        like: all that share a name or formula with this one.

    Returns:
        By default all: lossctl's, those of installed packages and of this session, and the frameworks' names.

    Raises:
        UsageError: an unknown loss or framework, or more than one of the three asked for.

    Example:
        >>> import lossctl
        >>> huber, = lossctl.losses("huber")
        >>> [option.name for option in huber.options], huber.roles[0].name
        (['delta'], 'labels')
        >>> len(lossctl.losses(preset="torch"))
        20
    """
    if sum(given is not None for given in (name, preset, like)) > 1:
        raise UsageError("a name, a preset and `like` each ask for another list; give one of them")
    if name is not None:
        return (find(name),)
    if like is not None:
        from lossctl.catalogue import kinship

        return tuple(kinship.like(like))
    if preset is not None:
        if preset not in frameworks():
            raise UsageError(f"--preset {preset}: there are {', '.join(frameworks())}{nearest(preset, frameworks())}")
        return tuple(named_losses(preset))
    load_packages()
    return (*all_losses(), *named_losses())
