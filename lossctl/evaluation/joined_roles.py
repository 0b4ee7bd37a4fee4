"""The columns of labels and preds where they lie in files of their own: each role is found among its own files'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lossctl.catalogue.spec import BoundLoss
from lossctl.readers.aligned import WithLabels
from lossctl.readers.roles import find_labels, find_preds
from lossctl.readers.source import Source, within


def joined_roles(
    source: Source, selectors: Mapping[str, str | tuple[str, ...]], losses: Sequence[BoundLoss]
) -> Mapping[str, str | tuple[str, ...]]:
    """The selectors, with labels and preds that were not named found among the columns of their own files.

    Raises:
        UsageError: no candidate, or several.
    """
    joined = within(source, WithLabels)
    assert joined is not None
    wanted = {role.name for bound in losses for role in bound.loss.roles}
    named = {name for said in selectors.values() for name in ([said] if isinstance(said, str) else said)}
    found = dict(selectors)
    if "preds" in wanted and "preds" not in selectors:
        shown = {inner: name for name, inner in joined.own.items() if name not in named}
        preds = find_preds([column for column in joined.inner.columns() if column.name in shown])
        found["preds"] = tuple(shown[name] for name in preds.columns)
    if "labels" in wanted and "labels" not in selectors:
        columns = joined.labels.columns()
        left = [column for column in columns if column.name not in named]
        found["labels"] = (left[0].name,) if len(columns) == len(left) == 1 else find_labels(left, None).columns
    return found
