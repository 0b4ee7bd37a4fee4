"""`lossctl compare`: argv to a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lossctl.api.compare import comparison_of, losses_of, run
from lossctl.api.models import model_names
from lossctl.catalogue.declare import Value
from lossctl.cli import audit_words as a
from lossctl.cli import compare_words as c
from lossctl.cli import words as w
from lossctl.cli.answer import called, put, readable, refuse_two_formats, save_tables, tell_timings
from lossctl.cli.audit import ROWS, said
from lossctl.cli.gates import gating
from lossctl.cli.said import (
    class_weights_said,
    classes_said,
    max_dropped_said,
    read_said,
    roles_said,
    scale_said,
    shapes_said,
)
from lossctl.cli.surroundings import colored, prepare_kernels, say, width
from lossctl.errors import UsageError

if TYPE_CHECKING:
    from lossctl.api.comparison import Comparison
    from lossctl.comparison.result import ComparisonReport


def compare_command(
    files: c.Models = None,
    loss: w.Losses = None,
    column: c.Columns = None,
    functions: w.Functions = None,  # run before the flags are made, since it brings some
    row_id: c.Ids = None,
    by_position: c.ByPosition = False,
    on_unmatched: c.OnUnmatchedWord = w.OnUnmatched.error,
    name: c.Names = None,
    labels: c.Labels = None,
    preds: c.Preds = None,
    weights: c.Weights = None,
    role: w.Roles = None,
    mask: w.Mask = None,
    baseline_labels: c.BaselineLabels = False,
    classes: w.Classes = None,
    label_map: w.LabelMap = None,
    label_base: w.LabelBase = None,
    from_log_probs: w.FromLogProbs = False,
    pred_scale: w.PredScale = None,
    delimiter: w.Delimiter = None,
    no_header: w.NoHeader = False,
    null_value: w.NullValues = None,
    input_format: w.InputFormat = None,
    encoding: w.Encoding = None,
    decimal: w.Decimal = None,
    where: c.Where = None,
    reduction: w.ReductionWord = None,
    class_weights: w.ClassWeights = None,
    ignore_index: w.IgnoreIndex = None,
    on_bad: w.OnBadWord = w.OnBad.error,
    on_empty: w.OnEmptyWord = None,
    max_dropped: w.MaxDropped = None,
    ci: a.Ci = 0.95,
    test: c.Tests = None,
    replicates: c.Replicates = 2000,
    seed: a.Seed = 0,
    cluster: a.Cluster = None,
    by: c.By = None,
    correction: a.CorrectionWord = a.Correction.holm,
    top: a.Top = None,
    min_count: a.MinCount = 30,
    changed: c.Changed = 0,
    worst: c.Worst = 0,
    best: c.Best = 0,
    higher_is_better: c.HigherIsBetter = False,
    fail_if: a.FailIf = None,
    gate_on: a.GateOnWord = None,
    junit: a.Junit = None,
    exit_zero: a.ExitZero = False,
    format: c.FormWord = None,
    json: w.Json = False,
    output: w.Output = None,
    quiet: w.Quiet = False,
    color: w.Color = None,
    threads: w.ThreadCount = 0,
    batch_size: w.BatchSize = 0,
    timings: w.Timings = False,
    options: dict[str, Value] | None = None,
) -> int:
    """Compare models row by row: the first is the baseline.

    \b
      lossctl compare base.parquet new.csv --id id --loss binary_crossentropy
      lossctl compare base.csv new.csv newer.csv --by-position --loss mae --loss huber --delta 2
      lossctl compare base.parquet new.parquet --id id -l brier_score --by region --by 'age:quantile=5'
      lossctl compare base.csv new.csv --id id -l mae --changed 20 -o changed.parquet
      lossctl compare a.csv b.csv --id row_id --column loss --test permutation
      lossctl compare base.csv new.csv --id id -l mae --fail-if 'diff > 0.01' --gate-on ci

    Only rows that every model has count, each paired with itself. A model's columns are called NAME@MODEL beside the
    baseline's, which keep their names.
    """
    options = dict(options or {})
    pred_scale = scale_said(loss or [], options, pred_scale)
    bound = losses_of(loss or None, column, options)
    names = model_names(files or [], name)
    chosen = _format(format, json, output, any((changed, worst, best)))
    gates = gating(fail_if, gate_on, junit, exit_zero, output, bound, names)
    asked: dict[str, Any] = {
        "ids": row_id,
        "by_position": by_position,
        "on_unmatched": on_unmatched.value,
        "names": names,
        "selectors": roles_said({"labels": labels, "weights": weights, "mask": mask}, role or []),
        "each": _each(preds, column),
        "baseline_labels": baseline_labels,
        "tests": tuple(test) if test else None,
        "replicates": replicates,
        "wanted": (changed, worst, best),
        "higher_is_better": higher_is_better,
        "read": read_said(delimiter, no_header, null_value, input_format, encoding, decimal),
        "classes": classes_said(classes),
        **shapes_said(label_map=label_map, label_base=label_base, from_log_probs=from_log_probs, pred_scale=pred_scale),
        "reduction": reduction,
        "class_weights": class_weights_said(class_weights),
        "ignore_index": ignore_index,
        "on_bad": on_bad.value,
        "on_empty": on_empty.value if on_empty else None,
        "max_dropped": max_dropped_said(max_dropped),
        "where": tuple(where or ()),
        "threads": threads,
        "batch_rows": batch_size,
        "audit": said(ci=ci, seed=seed, cluster=tuple(cluster or ()), by=tuple(by or ()), correction=correction.value),
    }
    prepare_kernels(quiet)
    with gates.reporting(), readable(files or [], True, quiet, input_format) as paths:
        result = run(comparison_of(paths, bound, **asked))
        shown = called(paths, files or [])
        report = gates.judged(_as_named(result.report, shown))
        if not quiet:
            _tell(report)
        with gates.kept():
            _write(result, report, chosen, output, color, (top, min_count), shown)
    if timings:
        tell_timings()
    return gates.ended(report, quiet)


def _each(preds: Sequence[str] | None, column: Sequence[str] | None) -> dict[str, list[Any]]:
    """What is said once for all models, or once for each."""
    found: dict[str, list[Any]] = {"preds": list(preds)} if preds else {}
    # a name is whole: that of a loss may hold commas
    return {**found, "loss": [(one,) for one in column]} if column else found


def _format(format: c.Form | None, json: bool, output: str | None, rows: bool) -> str:
    """The format that the flags and the output's suffix ask for; "rows" where that takes the rows that changed."""
    refuse_two_formats(format, json)
    if json or format is not None:
        return "json" if format is None else format.value
    if output is None:
        return "table"
    if rows and output.lower().endswith(ROWS):
        return "rows"
    from lossctl.show.machine import format_of

    told = format_of(output) or "table"
    if told not in list(c.Form):
        raise UsageError(f"{told} holds rows: it goes with --changed, --worst or --best")
    return told


def _as_named(report: ComparisonReport, names: Mapping[str, str]) -> ComparisonReport:
    """The report with files called as the user did: `names` are those of paths that are not shown."""
    if not names:
        return report

    def shown(found: Any) -> Any:
        if isinstance(found, Mapping):
            return {key: shown(one) for key, one in found.items()}
        return (
            [shown(one) for one in found]
            if isinstance(found, list)
            else names.get(found, found)
            if isinstance(found, str)
            else found
        )

    return report._replace(
        inputs=tuple(one._replace(path=names.get(one.path, one.path)) for one in report.inputs),
        results=tuple(replace(one, found=shown(one.found)) for one in report.results),
        evidence=report.evidence and report.evidence._replace(called=names),
    )


def _tell(report: ComparisonReport) -> None:
    """What was chosen, what became of the rows, and what deserves a look, on stderr."""
    from lossctl.show.compare import lines

    for line in lines(report):
        say(line)


def _write(
    result: Comparison,
    report: ComparisonReport,
    format: str,
    output: str | None,
    color: bool | None,
    view: tuple[int | None, int],
    called: Mapping[str, str],
) -> None:
    from lossctl.show import compare as show

    if format == "rows":
        assert output is not None
        _save_rows(result, output, called)
        # the file has the rows, and stdout is free for what they are part of
        format, output = "table", None
    if format == "table":
        put(show.render(report, None if output else width(), not output and colored(color), show.View(*view)), output)
    else:
        put(show.machine(report, format), output)


def _save_rows(result: Comparison, path: str, called: Mapping[str, str]) -> None:
    tables = list(result.changed_rows(called))
    if not tables:
        raise UsageError(f"{path}: there are no rows to save")
    save_tables(iter(tables), path)
