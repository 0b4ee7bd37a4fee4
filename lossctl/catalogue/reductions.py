"""How the losses of rows become one number: our names, which frameworks' names come down to."""

from __future__ import annotations

from lossctl.catalogue.spec import BoundLoss
from lossctl.errors import UsageError, nearest

REDUCTIONS = {
    "mean": "sum(w l) / sum(w), the default",
    "sum": "sum(w l)",
    "none": "w l, one a row",
    "sum_over_batch_size": "sum(w l) / rows",
    "sum_by_nonzero_weights": "sum(w l) / rows with w != 0",
    "batchmean": "sum(w l) / rows, where a loss counts elements",
}


def meaning(asked: BoundLoss, reduction: str | None) -> tuple[str, str]:
    """A reduction's name, and which of ours it is; None asks for the loss's own default.

    Raises:
        UsageError: it is none of the framework's names and none of ours.
    """
    loss = asked.loss
    own = "sum" if asked.options.get("normalize") is False else loss.reduction
    name = own if reduction is None else reduction
    known = {**{ours: ours for ours in REDUCTIONS}, **loss.reductions}
    found = known.get(name) or known.get(name.lower())
    if found is None:
        raise UsageError(f"--reduction {name}: {loss.name} has {', '.join(known)}{nearest(name, known)}")
    return name, found
