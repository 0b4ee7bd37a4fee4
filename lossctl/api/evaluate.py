"""`lossctl.evaluate`: data and names in, a result out; the command line's `eval` comes down to it too."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lossctl import timing
from lossctl.api.audit import audit_words
from lossctl.api.call import LossLike, bind_losses, limit_of, request_of, texts, weights_by_class
from lossctl.api.inputs import Selector
from lossctl.api.join import join_of
from lossctl.api.result import Result
from lossctl.api.surroundings import ready
from lossctl.evaluation.shape_words import Classes, Labels, class_names, shapes

if TYPE_CHECKING:
    from lossctl.catalogue.naming import OnEmpty
    from lossctl.evaluation.request import OnBad, Request
    from lossctl.evaluation.shape import Rest


def evaluate(
    data: Any = None,
    *,
    loss: LossLike | Sequence[LossLike],
    labels: Selector | None = None,
    preds: Selector | None = None,
    weights: Selector | None = None,
    roles: Mapping[str, Selector] | None = None,
    mask: Selector | None = None,
    labels_from: Any = None,
    on: str | Sequence[str] | Mapping[str, str] | None = None,
    on_unmatched: str = "error",
    by_position: bool = False,
    classes: Classes | None = None,
    label_map: Labels | None = None,
    label_base: int | None = None,
    from_log_probs: bool = False,
    pred_scale: float | None = None,
    pred_ids: Selector | None = None,
    num_classes: int | None = None,
    rest: Rest | None = None,
    long: str | Sequence[str] | None = None,
    ids: Sequence[str] = (),
    reduction: str | None = None,
    class_weights: Sequence[float] | Mapping[str, float] | None = None,
    ignore_index: int | None = None,
    on_bad: OnBad = "error",
    on_empty: OnEmpty | None = None,
    max_dropped: float | int | None = None,
    keep_dropped: bool = False,
    read: Mapping[str, Any] | None = None,
    where: str | Sequence[str] = (),
    ci: float = 0.95,
    quantiles: float | Sequence[float] = (),
    exact_quantiles: bool = False,
    spread: bool = False,
    histogram: bool = False,
    bootstrap: int = 0,
    seed: int = 0,
    cluster: str | Sequence[str] = (),
    by: str | Sequence[str] = (),
    correction: str = "holm",
    worst: int = 0,
    best: int = 0,
    calibration: str | None = None,
    bins: int | None = None,
    decompose: bool = False,
    threads: int = 0,
    batch_size: int = 0,
    **options: Any,
) -> Result:
    """Compute losses exactly, in float64, with every row accounted for.

    Args:
        data: a path, several, a data frame (pandas, polars or any with the Arrow PyCapsule interface), an Arrow table,
            record batch or stream of such, or a dict of arrays. Without it, the roles are arrays themselves, or
            `.npy` files. Numbers are read where they lie, save where their layout forbids it. A stream is read once,
            as it comes, in bounded memory; a call that needs its rows twice (`reduction="none"`, a median) keeps them.
        loss: a name such as "huber" or "huber:delta=2", a declared function, or several; all in one pass.
        labels: (n,) or (n, K) values; with data: a column, a list of columns, a glob or a comma list. Found by
            name where not given. The same for `preds`, `weights` (finite and >= 0) and `mask` (false leaves a row out).
        preds: see labels.
        weights: see labels.
        roles: any other role of a loss, such as {"lower": ..., "upper": ...}.
        mask: see labels.
        labels_from: where the labels lie, if not in the data: as `data`. Their columns stand beside the data's, and of
            two of one name the data's is then called `NAME@preds`.
        on: the key columns that join data and labels, "id" or "pred_id=label_id", several, or {"pred_id": "label_id"}.
        on_unmatched: "error" refuses rows without a label and labels without a row, "drop" leaves them out and counts
            them. Keys that occur more than once are refused too, unless `on_bad` is "drop".
        by_position: row i of the data belongs to row i of the labels.
        classes: the class names in order, where labels are names; or a file of them: .txt with a name a line, .json
            with a list, an object of names and ids, or a model's configuration with `id2label`.
        label_map: what number each label stands for, as {"yes": 1, "no": 0}, "yes=1,no=0" or a .json file.
        label_base: what the first class is called, where labels are indices that do not count from 0.
        from_log_probs: preds are natural logarithms of probabilities.
        pred_scale: what preds are multiplied by before all else, such as 0.01 for percentages.
        pred_ids: where preds list the scores of some classes a row: the ids or names of these, as lists or columns.
        num_classes: how many classes there are in all, with `pred_ids`.
        rest: what the classes get that a row does not list: "zero" or "spread", even shares of what is left to 1.
        long: the columns of example, class and probability of data that has a row for each example and class.
        ids: columns of the data that name rows, carried along in `Result.row_table`.
        reduction: "mean", "sum", "sum_over_batch_size", "sum_by_nonzero_weights", "batchmean", a framework's own
            word, or "none"; None for each loss's own default.
        class_weights: what each class counts, in class order or by name.
        ignore_index: rows with this label are left out.
        on_bad: "error" refuses rows with null, NaN or out-of-range values, "drop" leaves them out and counts them,
            "keep" passes them to the formula.
        on_empty: what a zero denominator gives: "error", "nan" or "zero"; None for the framework's answer.
        max_dropped: the share (a float) or count (an int) of rows that may be dropped.
        keep_dropped: `Result.dropped_rows` is wanted.
        read: how text is read: any of `delimiter`, `header`, `null_values`, `format`, `encoding`, `decimal`.
        where: a filter such as "split == 'test' and score > 0.5", or several that must all hold; only the rows for
            which it is true are read. Comparisons of columns with numbers, 'texts', dates as texts, true and false, or
            with each other; `in (...)`, `between ... and ...`, `is null`, `not`, `and`, `or`; names that are no plain
            words stand in backticks. A comparison with null is not true, as in SQL.
        ci: the level of confidence intervals.
        quantiles: levels of quantiles of the rows' losses, told within 0.1 %; or to the bit with `exact_quantiles`,
            which looks at the data again.
        exact_quantiles: see quantiles.
        spread: quantiles, the share of the loss that the worst 1 % of rows carry, and what other guards would give.
        histogram: of the rows' losses.
        bootstrap: how many replicates: each row counts as often as a Poisson number says that is drawn from its `ids`,
            else its number, and the replicate; or from its `cluster`.
        seed: of the replicates.
        cluster: columns; rows with the same values there belong together, in intervals and replicates.
        by: what to slice by: "region", "region*sex", "age:quantile=5", "age:width=10", "age:edges=18,30,65",
            "day:month", or several.
        correction: of the slices' p-values: "holm" or "bh" (Benjamini and Hochberg).
        worst: how many rows of the highest loss `Result.extreme_rows` has.
        best: how many of the lowest.
        calibration: a reliability table with bins of "equal-mass" or "equal-width".
        bins: how many; None for 15.
        decompose: scores split into miscalibration, discrimination and uncertainty.
        threads: how many work at once; 0 takes all processors. The bits are the same for any.
        batch_size: rows a block; 0 takes what suits. The bits are the same for any.
        **options: options of the losses, such as `delta=2`.

    Returns:
        A Result, whose `value` is the loss.

    Raises:
        UsageError: names, columns or options that do not fit.
        DataError: a file or a row that cannot be used; the first rows are named with their values.
        GateError: more rows were dropped than `max_dropped` allows.

    Example:
        >>> import lossctl
        >>> lossctl.evaluate("samples/digits.parquet", loss="sparse_categorical_crossentropy").value
        0.1582327726857865
        >>> found = lossctl.evaluate(labels=[1.0, 2.0, 9.0], preds=[1.5, 2.0, 5.0], loss=["mae", "huber"], delta=2)
        >>> found.values
        {'mean_absolute_error': 1.5, 'huber:delta=2.0': 2.0416666666666665}
        >>> found["huber"].denominator_name
        'rows'
    """
    bound = bind_losses(loss, options, inspect.signature(evaluate).parameters)
    request = request_of(
        data,
        bound,
        selectors={
            "labels": labels,
            "preds": preds,
            "weights": weights,
            "mask": mask,
            "pred_ids": pred_ids,
            **(roles or {}),
        },
        join=join_of(labels_from, on, on_unmatched, by_position),
        classes=class_names(classes),
        **shapes(
            label_map=label_map,
            label_base=label_base,
            from_log_probs=from_log_probs,
            pred_scale=pred_scale,
            num_classes=num_classes,
            rest=rest,
            long=long,
        ),
        ids=texts(ids),
        reduction=reduction,
        class_weights=weights_by_class(class_weights),
        ignore_index=ignore_index,
        on_bad=on_bad,
        on_empty=on_empty,
        max_dropped=limit_of(max_dropped),
        keep_dropped=keep_dropped,
        read=read,
        where=texts(where),
        audit=audit_words(
            ci=ci,
            quantiles=quantiles,
            exact_quantiles=exact_quantiles,
            spread=spread,
            histogram=histogram,
            bootstrap=bootstrap,
            seed=seed,
            cluster=cluster,
            by=by,
            correction=correction,
            worst=worst,
            best=best,
            calibration=calibration,
            bins=bins,
            decompose=decompose,
        ),
        threads=threads,
        batch_rows=batch_size,
    )
    return run(request)


def run(request: Request) -> Result:
    """A request's result.

    Raises:
        UsageError, DataError, GateError: as `evaluate`.
    """
    from lossctl.evaluation.run import run as evaluated

    timing.ended("imports")
    ready()
    return Result(evaluated(request))
