"""What `compare` hands back: each model's losses, how they differ from the baseline's, and the rows behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from lossctl.api.finished import Finished
from lossctl.errors import UsageError, nearest

if TYPE_CHECKING:
    import pyarrow as pa

    from lossctl.comparison.evidence import Signature
    from lossctl.comparison.result import ComparisonReport, ModelResult
    from lossctl.comparison.run import Compared


class Comparison(Finished["ComparisonReport"]):
    """Models compared on the rows that all of them have.

    Example:
        >>> import lossctl
        >>> rows = {"label": [0.0, 1.0, 2.0], "a": [1.0, 1.0, 4.0], "b": [0.5, 1.0, 3.0]}
        >>> models = {"old": rows, "new": rows}
        >>> found = lossctl.compare(models, preds=["a", "b"], loss="mae", by_position=True)
        >>> found["new"].result.value, found["new"].baseline_value, found["new"].difference["value"]
        (0.5, 1.0, -0.5)
    """

    def __init__(self, compared: Compared) -> None:
        self._compared = compared

    @cached_property
    def report(self) -> ComparisonReport:
        """All that was found."""
        from lossctl.comparison.report import report

        return report(self._compared)

    @property
    def results(self) -> tuple[ModelResult, ...]:
        """Of each loss every model's, the baseline's first."""
        return self.report.results

    @property
    def signature(self) -> Signature:
        """What the comparison is of: the version, a hash of the recipe, and digests of the rows that were read."""
        assert self.report.evidence is not None
        return self.report.evidence.signature

    def __getitem__(self, name: str | tuple[str, str]) -> ModelResult:
        """The result of a model, where there is one loss; or of a model and a loss.

        Raises:
            UsageError: there is none, or more than one.
        """
        model, loss = (name, None) if isinstance(name, str) else name
        found = [one for one in self.results if one.model == model and loss in (None, one.result.spec, one.result.loss)]
        if len(found) != 1:
            known = list(dict.fromkeys(one.model for one in self.results))
            specs = list(dict.fromkeys(one.result.spec for one in self.results))
            close = nearest(model, known)
            raise UsageError(
                f"{len(found)} of the results are {name!r}{close}; there are models {known}, losses {specs}"
            )
        return found[0]

    def changed_rows(self, called: Mapping[str, str] | None = None) -> Iterator[pa.Table]:
        """The rows that changed, worsened and improved most, with all columns of all models; a table a model and side.

        Args:
            called: what the column of files calls some paths otherwise.

        Raises:
            UsageError: the call asked for none.
        """
        from lossctl.comparison.changes import changed_rows

        asked, contest = self._compared.asked, self._compared.contest
        if not any(asked.wanted):
            raise UsageError("the rows were not kept; say changed=20, worst=20 or best=20")
        tracks = {
            track: (str(contest.jobs[0].losses[i]), asked.names[k]) for track, (k, i) in enumerate(contest.tracks)
        }
        return (table for _, _, table in changed_rows(self._compared.evaluations[0], called or {}, tracks))

    def __repr__(self) -> str:
        said = ", ".join(
            f"{one.model} {one.result.spec}: {one.difference['value']!r}" for one in self.results if one.difference
        )
        return f"<lossctl.Comparison with {self.report.baseline}: {said}; {self.rows.used:,} rows>"

    def __str__(self) -> str:
        from lossctl.show.compare import document

        return document(self.report, None, color=False)
