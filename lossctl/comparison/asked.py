"""What a comparison asks: pure data that pickles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from lossctl.evaluation.request import Request
from lossctl.readers.source import Source

TESTS = ("t", "sign", "permutation", "bootstrap")
# those that draw replicates, with the draws that they take
DRAWS = {"permutation": "sign", "bootstrap": "poisson"}
SIDES = ("changed", "worst", "best")


class Model(NamedTuple):
    """A model's file or files, and the roles whose columns are said for it alone.

    Attributes:
        name: what stands behind its columns, as `prob@new`; the baseline's columns keep their names.
        files: paths, or sources that are open already.
        roles: role to column selector.
    """

    name: str
    files: tuple[str | Source, ...]
    roles: Mapping[str, str | tuple[str, ...]]


class Comparison(NamedTuple):
    """One `compare`, as the user put it.

    Attributes:
        models: the first is the baseline.
        request: what is asked of each of them; without files. Its `roles` are those said for all, of which `weights`
            and `mask` are the baseline's columns, and so are those of its `audit`.
        on: pairs of key columns, of the baseline and of the others; empty for row by row.
        on_unmatched: "error" or "drop".
        tests: some of TESTS.
        replicates: of the tests that draw them.
        wanted: how many rows to tell that changed most, worsened most and improved most.
        higher_is_better: the greater of two losses wins, as it does with scores.
        baseline_labels: no other model's labels are looked at.
    """

    models: tuple[Model, ...]
    request: Request
    on: tuple[tuple[str, str], ...] = ()
    on_unmatched: str = "error"
    tests: tuple[str, ...] = ("t", "sign")
    replicates: int = 2000
    wanted: tuple[int, int, int] = (0, 0, 0)
    higher_is_better: bool = False
    baseline_labels: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The models' names."""
        return tuple(model.name for model in self.models)


def ending(name: str) -> str:
    """What stands behind the names of a model's columns."""
    return f"@{name}"
