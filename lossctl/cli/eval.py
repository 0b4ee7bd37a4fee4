"""`lossctl eval`: argv to a request."""

from __future__ import annotations

from typing import Any

from lossctl.api.call import reads_again, request_of
from lossctl.api.evaluate import run
from lossctl.api.join import join_of
from lossctl.catalogue.declare import Value
from lossctl.catalogue.reductions import meaning
from lossctl.catalogue.spec import bind_all
from lossctl.cli import audit_words as a
from lossctl.cli import words as w
from lossctl.cli.answer import (
    as_named,
    called,
    readable,
    refuse_two_formats,
    save,
    save_dropped,
    tell,
    tell_timings,
    write,
    write_rows,
)
from lossctl.cli.audit import levels, rows_file, said, save_extremes, view
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
from lossctl.cli.surroundings import prepare_kernels
from lossctl.errors import UsageError


def eval_command(
    files: w.Files = None,
    loss: w.Losses = None,
    functions: w.Functions = None,  # run before the flags are made, since it brings some
    across: w.Across = None,
    labels: w.Labels = None,
    preds: w.Preds = None,
    weights: w.Weights = None,
    role: w.Roles = None,
    row_id: w.Ids = None,
    labels_from: w.LabelsFrom = None,
    on: w.On = None,
    on_unmatched: w.OnUnmatchedWord = w.OnUnmatched.error,
    by_position: w.ByPosition = False,
    classes: w.Classes = None,
    label_map: w.LabelMap = None,
    label_base: w.LabelBase = None,
    from_log_probs: w.FromLogProbs = False,
    pred_scale: w.PredScale = None,
    pred_ids: w.PredIds = None,
    num_classes: w.NumClasses = None,
    rest: w.RestWord = None,
    long: w.Long = None,
    delimiter: w.Delimiter = None,
    no_header: w.NoHeader = False,
    null_value: w.NullValues = None,
    input_format: w.InputFormat = None,
    encoding: w.Encoding = None,
    decimal: w.Decimal = None,
    where: w.Where = None,
    reduction: w.ReductionWord = None,
    class_weights: w.ClassWeights = None,
    ignore_index: w.IgnoreIndex = None,
    mask: w.Mask = None,
    on_bad: w.OnBadWord = w.OnBad.error,
    on_empty: w.OnEmptyWord = None,
    dropped: w.DroppedFile = None,
    max_dropped: w.MaxDropped = None,
    fail_if: a.FailIf = None,
    gate_on: a.GateOnWord = None,
    junit: a.Junit = None,
    exit_zero: a.ExitZero = False,
    format: w.FormatWord = None,
    json: w.Json = False,
    value_only: w.ValueOnly = False,
    ci: a.Ci = 0.95,
    spread: a.Spread = False,
    quantiles: a.Quantiles = None,
    exact_quantiles: a.ExactQuantiles = False,
    hist: a.Hist = False,
    bootstrap: a.Bootstrap = 0,
    seed: a.Seed = 0,
    cluster: a.Cluster = None,
    by: a.By = None,
    correction: a.CorrectionWord = a.Correction.holm,
    sort: a.Sort = None,
    top: a.Top = None,
    min_count: a.MinCount = 30,
    worst: a.Worst = 0,
    best: a.Best = 0,
    calibration: a.CalibrationWord = None,
    bins: a.Bins = None,
    decompose: a.Decompose = False,
    output: w.Output = None,
    save_as: w.Save = None,
    quiet: w.Quiet = False,
    color: w.Color = None,
    threads: w.ThreadCount = 0,
    batch_size: w.BatchSize = 0,
    timings: w.Timings = False,
    options: dict[str, Value] | None = None,
) -> int:
    """Compute losses of a file of predictions.

    \b
      lossctl eval preds.parquet --loss categorical_crossentropy
      lossctl eval preds.csv -y label -p prob --loss binary_crossentropy --loss mean_squared_error
      lossctl eval -y y.npy -p logits.npy --loss sparse_categorical_crossentropy --from-logits
      lossctl eval preds.csv --loss torch.BCELoss --loss sklearn.log_loss
      lossctl eval preds.parquet --labels-from labels.parquet --on id --loss binary_crossentropy
      lossctl eval preds.csv --across huber
      lossctl eval preds.parquet --loss log_loss --where "split == 'test' and score > 0.5"
      lossctl eval preds.csv --functions my_losses.py --loss focal --gamma 1
      lossctl eval preds.csv --loss huber:delta=2 -r none --id row_id -o rows.parquet
      lossctl eval preds.csv --loss huber --fail-if 'huber.mean > 0.3 or dropped > 0.1%' --junit gates.xml

    Columns that are not named are found by their names; what was chosen is said on stderr. `lossctl losses`
    lists the losses; a framework's names bring its guards, defaults and reductions.
    """
    if loss and across:
        raise UsageError("--loss and --across each say what to evaluate; give one of them")
    if not loss and not across:
        raise UsageError("say which loss: --loss NAME; `lossctl losses` lists them")
    asked_for, options = versions(across) if across else loss or [], dict(options or {})
    pred_scale = scale_said(asked_for, options, pred_scale)
    bound = bind_all(asked_for, options)
    if value_only and len(bound) > 1:
        raise UsageError(f"--value-only has one number to show, there are {len(bound)} losses")
    slices = view(sort, top, min_count, bool(by))
    rows_to, output = rows_file(output, worst or best)
    chosen = format_asked(format, json, value_only, output, reduction)
    for entry in bound if not across else bound[:1]:
        meaning(entry, reduction)
    gates = gating(fail_if, gate_on, junit, exit_zero, output, [] if reduction == "none" else bound)
    named = {"labels": labels, "preds": preds, "weights": weights, "mask": mask, "pred_ids": pred_ids}
    selectors = roles_said(named, role or [])
    asked: dict[str, Any] = {
        "classes": classes_said(classes),
        **shapes_said(
            label_map=label_map,
            label_base=label_base,
            from_log_probs=from_log_probs,
            pred_scale=pred_scale,
            num_classes=num_classes,
            rest=rest.value if rest else None,
            long=long,
        ),
        "ids": tuple(row_id or ()),
        "across": across is not None,
        "reduction": reduction,
        "class_weights": class_weights_said(class_weights),
        "ignore_index": ignore_index,
        "on_bad": on_bad.value,
        "on_empty": on_empty.value if on_empty else None,
        "max_dropped": max_dropped_said(max_dropped),
        "keep_dropped": dropped is not None,
        "read": read_said(delimiter, no_header, null_value, input_format, encoding, decimal),
        "where": tuple(where or ()),
        "threads": threads,
        "batch_rows": batch_size,
        "audit": said(
            ci=ci,
            spread=spread,
            quantiles=levels(quantiles),
            exact_quantiles=exact_quantiles,
            histogram=hist,
            bootstrap=bootstrap,
            seed=seed,
            cluster=tuple(cluster or ()),
            by=tuple(by or ()),
            correction=correction.value,
            worst=worst,
            best=best,
            calibration=calibration.value if calibration else None,
            bins=bins,
            decompose=decompose,
        ),
    }
    prepare_kernels(quiet)
    twice = dropped is not None or reads_again(bound, reduction, asked["audit"]) or bool(labels_from)
    given = (*(files or ()), *(labels_from or ()))
    with gates.reporting(), readable(given, twice, quiet, input_format) as paths:
        preds_files, labels_files = paths[: len(files or ())], paths[len(files or ()) :]
        join = join_of(labels_files or None, on, on_unmatched.value, by_position)
        result = run(request_of(preds_files, bound, selectors=selectors, join=join, **asked))
        names = called(paths, given)
        report = gates.judged(as_named(result.report, names))
        if not quiet:
            tell(report)
        if save_as is not None:
            save(result, save_as, names)
        if dropped is not None:
            save_dropped(result, dropped, names)
        if rows_to is not None:
            save_extremes(result, rows_to, names)
        with gates.kept():
            if reduction == "none":
                write_rows(result, chosen, output, row_id or (), names)
            else:
                write(report, chosen, output, color, slices)
    if timings:
        tell_timings()
    return gates.ended(report, quiet)


def versions(text: str) -> list[str]:
    """The loss of a name, its options with it, and every other that shares a name or formula with it."""
    from lossctl.catalogue.kinship import like

    name, colon, said = text.partition(":")
    first, *others = like(name)
    return [first.name + colon + said, *(loss.name for loss in others)]


def format_asked(
    format: w.Format | None, json: bool, value_only: bool, output: str | None, reduction: str | None
) -> str:
    """The format that the flags and the output's suffix ask for.

    Raises:
        UsageError: two of them, or one number of many.
    """
    from lossctl.show.machine import format_of

    refuse_two_formats(format, json, value_only)
    if value_only and reduction == "none":
        raise UsageError("--value-only has one number to show, --reduction none has one a row")
    if json:
        return "jsonl" if reduction == "none" else "json"
    if value_only:
        return "value"
    if format is not None:
        return format.value
    return (format_of(output) if output else None) or "table"
