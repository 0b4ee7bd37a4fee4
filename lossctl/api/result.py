"""What `evaluate` hands back: the value, the rows behind it, and all that the command line would say."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from lossctl.api.finished import Finished
from lossctl.errors import UsageError, nearest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from rich.console import Console, ConsoleOptions, RenderResult

    from lossctl.evaluation.result import InputFile, LossResult, Report
    from lossctl.evaluation.rows import LossRows
    from lossctl.evaluation.run import Evaluation
    from lossctl.evaluation.signature import Signature

# what `to_pandas` has as float64, even where a loss has none of it
FLOATS = ("value", "sum", "weight_sum", "denominator", "stderr", "min", "max")


class Result(Finished["Report"]):
    """The losses of some data, with the account of its rows.

    Shown as a table in a terminal (`print`, rich) and in a notebook.

    Example:
        >>> import lossctl
        >>> found = lossctl.evaluate("samples/diabetes.csv", loss=["mae", "huber:delta=50"])
        >>> [round(value, 6) for value in found.values.values()]
        [44.59579, 1252.762668]
        >>> found.rows.read, found.rows.dropped
        (442, {})
        >>> found.to_dict()["results"][0]["loss"]
        'mean_absolute_error'
    """

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation
        self._report = evaluation.report()

    @property
    def report(self) -> Report:
        """All that was found."""
        return self._report

    @property
    def value(self) -> float:
        """The loss, where the call has one.

        Raises:
            UsageError: there are several losses, or the reduction is "none".
        """
        return self._only().value

    @property
    def values(self) -> dict[str, float]:
        """The text that asks for a loss, such as "huber:delta=2.0", to its value."""
        return {entry.spec: entry.value for entry in self.report.results}

    @property
    def results(self) -> tuple[LossResult, ...]:
        """Each loss with its value, sum, denominator, count, standard error and extremes."""
        return self.report.results

    @property
    def columns(self) -> dict[str, tuple[str, ...] | None]:
        """Role to the columns that fill it."""
        return dict(self.report.columns)

    @property
    def inputs(self) -> tuple[InputFile, ...]:
        """What was read, with its rows."""
        return self.report.inputs

    @property
    def signature(self) -> Signature:
        """What the result is of: the version, a hash of the recipe, and a digest of the rows that were read."""
        assert self.report.evidence is not None
        return self.report.evidence.signature

    def __getitem__(self, name: str) -> LossResult:
        """A loss of the call, by its whole text, or else by its name.

        Raises:
            UsageError: there is none, or more than one of that name.
        """
        from lossctl.catalogue.registry import names

        own = names().get(name, name)
        exact = [entry for entry in self.results if name == entry.spec]
        found = exact or [entry for entry in self.results if own == entry.loss]
        if len(found) != 1:
            specs = [entry.spec for entry in self.results]
            raise UsageError(f"{len(found)} of the losses are {name!r}{nearest(name, specs)}; there are {specs}")
        return found[0]

    @property
    def row_names(self) -> tuple[str, ...]:
        """The columns of the rows' losses: one a loss, or one an output where each counts by itself."""
        from lossctl.evaluation.work import row_names

        return tuple(name for settled in self._evaluation.plan.job.losses for name in row_names(settled))

    @cached_property
    def per_row(self) -> np.ndarray:
        """(n,) the losses of the used rows, times their weights; (n, D) where each of D outputs counts by itself.

        Computed when it is first asked for, from the same data.

        Raises:
            UsageError: there are several losses (see `row_table`), one has no value a row, or a stream is spent.
        """
        import numpy as np

        names = self.row_names
        if len(self._evaluation.plan.job.losses) != 1:
            raise UsageError(f"per_row is of one loss, this call has {list(names)}; row_table() has them all")
        columns = self._columns_by_row(names)
        return columns[names[0]] if len(names) == 1 else np.column_stack(list(columns.values()))

    def row_table(self) -> pa.Table:
        """A row a used row: `file` (of several), `row` (1-based in its file), the `ids` columns, each loss.

        Raises:
            UsageError: as `per_row`.
        """
        import pyarrow as pa

        from lossctl.show.rowcolumns import Names, columns_of

        paths = tuple(source.path for source in self._evaluation.plan.job.sources)
        names = Names(paths, self.row_names, self._evaluation.request.ids)
        twice = next((name for name in names.columns if names.columns.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"row_table would have two columns {twice}; rename the column {twice} of ids")
        tables = []
        for rows in self.row_blocks():
            path = names.path(rows)
            file = {} if path is None else {"file": pa.repeat(path, len(rows.row))}
            tables.append(pa.table({**file, **columns_of(rows, names)}))
        if not tables:
            kinds = {"file": pa.string(), "row": pa.int64(), **dict.fromkeys(names.losses, pa.float64())}
            return pa.table({name: pa.array([], kinds.get(name)) for name in names.columns})
        # the files' own types of the ids may differ
        return pa.concat_tables(tables, promote_options="permissive")

    def row_blocks(self) -> Iterator[LossRows]:
        """The rows' losses block by block, in file order, in bounded memory.

        Raises:
            UsageError: a loss of the call has no value a row, or a stream is spent.
        """
        from lossctl.evaluation.run import evaluate_rows

        plan = self._evaluation.plan
        if not self._evaluation.rows_are_there:
            raise UsageError("a merged result has sums, and no rows")
        whole = next((settled for settled in plan.job.losses if settled.core.loss.parts), None)
        if whole is not None:
            raise UsageError(f"{whole} is one number of the whole data and has no value a row")
        if self._evaluation.request.reduction != "none" and not all(s.rereadable for s in plan.job.sources):
            raise UsageError('the stream was read to its end; reduction="none" keeps its rows')
        return evaluate_rows(self._evaluation.request, plan)

    def dropped_rows(self, called: Mapping[str, str] | None = None) -> Iterator[pa.Table]:
        """The dropped rows with all their columns, and why and from where; a table at a time.

        Args:
            called: what `dropped_file` calls some paths otherwise.

        Raises:
            UsageError: the call did not say `keep_dropped`.
        """
        from lossctl.evaluation.leftovers import dropped_rows

        if not self._evaluation.request.keep_dropped:
            raise UsageError("the dropped rows were not kept; say keep_dropped=True")
        return dropped_rows(self._evaluation, called or {})

    def save(self, path: str | os.PathLike[str], called: Mapping[str, str] | None = None) -> None:
        """Keep the sums in a file, which `lossctl.merge` puts together with those of other shards.

        Args:
            path: the file; it is written whole or not at all.
            called: what some paths of the data are called otherwise.

        Raises:
            UsageError: what hangs on all rows at once: a median, the reduction "none", labels from elsewhere.
            DataError: the file cannot be written.
        """
        from lossctl.evaluation.saved import save
        from lossctl.show.output import write_atomically

        write_atomically(os.fspath(path), lambda file: save(self._evaluation, file, called or {}))

    def to_json(self) -> str:
        """The document as JSON: numbers in full, those that are not finite as texts; slices stand one a line."""
        from lossctl.show.machine import render

        return render(self.report, "json")

    def extreme_rows(self, called: Mapping[str, str] | None = None) -> Iterator[pa.Table]:
        """The rows of the highest and lowest losses with all their columns, by rank; a table for each loss and side.

        Args:
            called: what `loss_file` calls some paths otherwise.

        Raises:
            UsageError: the call did not say `worst` or `best`.
        """
        from lossctl.evaluation.extremes import extreme_rows

        audit = self._evaluation.request.audit
        if not (audit.worst or audit.best):
            raise UsageError("the rows of the highest losses were not kept; say worst=20")
        return extreme_rows(self._evaluation, called or {})

    def to_pandas(self) -> pd.DataFrame:
        """A row a loss: its name, value, sum, denominator, count, standard error and extremes; NaN for none."""
        import pandas as pd

        from lossctl.show.machine import FIELDS

        frame = pd.DataFrame(
            [{name: getattr(entry, name) for name in FIELDS} for entry in self.results], columns=FIELDS
        )
        return frame.astype({"count": int, **dict.fromkeys(FLOATS, float)})

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        said = ", ".join(f"{spec}: {value!r}" for spec, value in self.values.items())
        return f"<lossctl.Result {said or 'of rows'}; {self.rows.used:,} of {self.rows.read:,} rows>"

    def __str__(self) -> str:
        from lossctl.show.table import document

        return document(self.report, None, color=False)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table, as wide as the console."""
        from rich.text import Text

        from lossctl.show.table import document

        yield Text.from_ansi(document(self.report, options.max_width, color=console.color_system is not None))

    def _repr_html_(self) -> str:
        from lossctl.show.html import document

        return document(self.report)

    def _only(self) -> LossResult:
        if len(self.results) == 1:
            return self.results[0]
        if not self.results:
            raise UsageError('reduction="none" has no one value; the losses of the rows are `per_row`')
        raise UsageError(f"the call has {len(self.results)} losses; take `values`, or one by its name: result[name]")

    def _columns_by_row(self, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        import numpy as np

        pieces = list(self.row_blocks())
        return {name: np.concatenate([np.empty(0), *(piece.losses[name] for piece in pieces)]) for name in names}
