"""Which columns play which role for each model: its own where it has them, else the baseline's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from lossctl.comparison.asked import Comparison, ending
from lossctl.errors import UsageError, said_of
from lossctl.evaluation.plan import choose
from lossctl.readers.roles import find_role, flag_of, labels_candidates, select

if TYPE_CHECKING:
    from lossctl.catalogue.spec import BoundLoss
    from lossctl.readers.source import ColumnInfo, Source

Selectors = Mapping[str, "str | tuple[str, ...]"]
# roles whose columns are the baseline's for all: what a row weighs is no matter of the model
SHARED = ("weights", "mask")


class Cast(NamedTuple):
    """A model's roles in the table of all models.

    Attributes:
        roles: role to columns.
        own_labels: whether the labels are its own.
        own: the roles that its own file fills, by the columns' names there; the others are the baseline's.
    """

    roles: dict[str, tuple[str, ...]]
    own_labels: bool
    own: dict[str, tuple[str, ...]]


def casts(asked: Comparison, each: Sequence[tuple[Source, ...]], columns: Sequence[ColumnInfo]) -> list[Cast]:
    """The roles of every model.

    Args:
        asked: the comparison.
        each: every model's own files.
        columns: of the table of all models, where weights and masks are found.

    Raises:
        UsageError: a role that no column fills, told with the file.
    """
    found: list[Cast] = []
    for model, own in zip(asked.models, each, strict=True):
        selectors = {**asked.request.roles, **model.roles}
        with said_of(own[0].path):
            if not found:
                found.append(_baseline(own[0].columns(), columns, selectors, asked.request.losses))
            else:
                others = _without(selectors, SHARED)
                behind, look = ending(model.name), not asked.baseline_labels
                left = _without_keys(own[0].columns(), asked)
                found.append(_beside(left, others, asked.request.losses, found[0], behind, look))
    return found


def _without_keys(columns: Sequence[ColumnInfo], asked: Comparison) -> list[ColumnInfo]:
    """A model's columns without those it is joined by, which hold what the baseline's hold."""
    names = {column.name for column in columns}
    keys = {theirs if theirs in names else mine for mine, theirs in asked.on}
    return [column for column in columns if column.name not in keys]


def _baseline(
    own: Sequence[ColumnInfo], every: Sequence[ColumnInfo], selectors: Selectors, losses: Sequence[BoundLoss]
) -> Cast:
    """The baseline's roles; what a row weighs may stand in another model's file."""
    elsewhere = {role for role in SHARED if role in selectors and not _picks(selectors[role], own)}
    chosen = choose(own, _without(selectors, elsewhere), losses)
    chosen |= {role: select(selectors[role], every, flag_of(role)) for role in elsewhere}
    roles = {role: one.columns for role, one in chosen.items()}
    return Cast(roles, True, roles)


def _beside(
    columns: Sequence[ColumnInfo],
    selectors: Selectors,
    losses: Sequence[BoundLoss],
    baseline: Cast,
    behind: str,
    look: bool,
) -> Cast:
    """The roles of a model that is not the baseline: all but the preds may be the baseline's.

    Args:
        columns: the model's own.
        selectors: what is said of its roles.
        losses: of the call.
        baseline: whose columns stand in for what it lacks.
        behind: what stands behind the names of its columns.
        look: whether it may have labels of its own.
    """
    wanted = {role.name for bound in losses for role in bound.loss.roles}
    theirs = {role for role in wanted - {"preds", "labels"} if not _has(role, columns, selectors)}
    if "labels" in wanted and (not look or not _has_labels(columns, selectors, losses, theirs)):
        theirs.add("labels")
    chosen = choose(columns, _without(selectors, theirs), losses, theirs)
    own = {role: one.columns for role, one in chosen.items()}
    roles = {role: tuple(name + behind for name in names) for role, names in own.items()}
    lent = {role: names for role, names in baseline.roles.items() if role in theirs or role in SHARED}
    return Cast({**roles, **lent}, "labels" in roles, own)


def _has(role: str, columns: Sequence[ColumnInfo], selectors: Selectors) -> bool:
    """Whether a model has columns of its own for a role."""
    if role in selectors:
        return _picks(selectors[role], columns)
    try:
        return bool(find_role(role, columns))
    except UsageError:
        return False


def _has_labels(
    columns: Sequence[ColumnInfo], selectors: Selectors, losses: Sequence[BoundLoss], theirs: set[str]
) -> bool:
    if "labels" in selectors:
        return _picks(selectors["labels"], columns)
    chosen = choose(columns, _without(selectors, theirs), losses, {*theirs, "labels"})
    taken = {name for role, one in chosen.items() if role != "preds" for name in one.columns}
    left = [column for column in columns if column.name not in taken]
    return bool(labels_candidates(left, chosen.get("preds")))


def _without(selectors: Selectors, roles: Collection[str]) -> dict[str, str | tuple[str, ...]]:
    return {role: selector for role, selector in selectors.items() if role not in roles}


def _picks(selector: str | tuple[str, ...], columns: Sequence[ColumnInfo]) -> bool:
    """Whether a selector picks some column."""
    parts = (selector, *selector.split(",")) if isinstance(selector, str) else selector
    return any(column.name == part or fnmatchcase(column.name, part.strip()) for part in parts for column in columns)
