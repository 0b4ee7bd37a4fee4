"""`lossctl.inspect`: what data holds, and what `evaluate` would make of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lossctl.api.call import read_settings
from lossctl.api.inputs import Selector, inputs
from lossctl.api.surroundings import ready
from lossctl.errors import UsageError

if TYPE_CHECKING:
    from lossctl.evaluation.survey import Survey


def inspect(
    data: Any = None,
    *,
    labels: Selector | None = None,
    preds: Selector | None = None,
    read: Mapping[str, Any] | None = None,
    sample: int | None = None,
    threads: int = 0,
) -> Survey:
    """Look at data: its columns with their ranges and looks, the roles, what `evaluate` would refuse, and commands.

    Args:
        data: as `evaluate` takes it.
        labels: as there; found by name where not given. The same for `preds`.
        preds: see labels.
        read: how text is read: any of `delimiter`, `header`, `null_values`, `format`.
        sample: look at about so many rows, spread over the data; None for all.
        threads: how many work at once; 0 takes all processors. The answer is the same for any.

    Returns:
        A Survey; `to_dict()` gives all of it.

    Raises:
        UsageError: names that pick no column, or numbers out of range.
        DataError: data that cannot be read.

    Example:
        >>> import lossctl
        >>> found = lossctl.inspect("samples/diabetes.csv")
        >>> found.rows, found.suggestion
        (442, 'lossctl eval samples/diabetes.csv --loss mean_squared_error --loss mean_absolute_error')
        >>> [column.looks_like for column in found.columns]
        ['id (each its own)', 'count', 'class name (2 classes)', 'real number']
    """
    if sample is not None and (not isinstance(sample, int) or sample < 1):
        raise UsageError(f"sample must be a whole number >= 1, got {sample!r}")
    if not isinstance(threads, int) or threads < 0:
        raise UsageError(f"threads must be a whole number >= 0, got {threads!r}")
    from lossctl.evaluation.survey import Asked, survey

    files, roles = inputs(data, {"labels": labels, "preds": preds}, again=True)
    ready()
    return survey(Asked(files, roles, read_settings(read or {}), threads, sample))
