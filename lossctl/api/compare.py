"""`lossctl.compare`: models and a loss in, their differences out; the command line's `compare` comes down to it too."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lossctl import timing
from lossctl.api.audit import audit_words
from lossctl.api.call import LossLike, bind_losses, read_settings, refuse_words, weights_by_class
from lossctl.api.comparison import Comparison
from lossctl.api.inputs import Selector, inputs
from lossctl.api.models import model_names
from lossctl.api.surroundings import ready
from lossctl.errors import UsageError, nearest, said_of
from lossctl.evaluation.shape_words import Classes, Labels, class_names, shapes

if TYPE_CHECKING:
    from lossctl.audit.asked import Audit
    from lossctl.catalogue.naming import OnEmpty
    from lossctl.catalogue.spec import BoundLoss
    from lossctl.comparison.asked import Comparison as Asked
    from lossctl.evaluation.request import OnBad

RECORDED = "recorded_loss"
MOST_REPLICATES = 100_000
MOST_ROWS = 1_000_000
NO_SIGN = "the sign test takes each row by itself; with --cluster take t, permutation or bootstrap"


def compare(
    models: Mapping[str, Any] | Sequence[Any],
    *,
    loss: LossLike | Sequence[LossLike] | None = None,
    column: str | Sequence[str] | None = None,
    ids: str | Sequence[str] | Mapping[str, str] | None = None,
    by_position: bool = False,
    on_unmatched: str = "error",
    names: Sequence[str] | None = None,
    labels: Selector | None = None,
    preds: Selector | Sequence[Selector] | None = None,
    weights: Selector | None = None,
    roles: Mapping[str, Selector] | None = None,
    mask: Selector | None = None,
    baseline_labels: bool = False,
    classes: Classes | None = None,
    label_map: Labels | None = None,
    label_base: int | None = None,
    from_log_probs: bool = False,
    pred_scale: float | None = None,
    reduction: str | None = None,
    class_weights: Sequence[float] | Mapping[str, float] | None = None,
    ignore_index: int | None = None,
    on_bad: OnBad = "error",
    on_empty: OnEmpty | None = None,
    max_dropped: float | int | None = None,
    read: Mapping[str, Any] | None = None,
    where: str | Sequence[str] = (),
    ci: float = 0.95,
    tests: str | Sequence[str] | None = None,
    replicates: int = 2000,
    seed: int = 0,
    cluster: str | Sequence[str] = (),
    by: str | Sequence[str] = (),
    correction: str = "holm",
    changed: int = 0,
    worst: int = 0,
    best: int = 0,
    higher_is_better: bool = False,
    threads: int = 0,
    batch_size: int = 0,
    **options: Any,
) -> Comparison:
    """Compare models row by row: whether a loss is really lower than the baseline's, and where.

    Only rows that every model has are looked at, and each is paired with itself: a difference is never one of coverage.

    Args:
        models: a path, data frame, table or dict of arrays for each model, as `evaluate` takes it; the first is the
            baseline. A mapping gives their names too.
        loss: as `evaluate` takes it.
        column: instead of a loss, the column that holds each row's loss, computed by whatever tool; one for all models,
            or one each.
        ids: the columns that tell which rows belong together, "id", several, or {"id": "row_id"} where the other models
            call them otherwise than the baseline.
        by_position: row i of every model is the same; one of `ids` and this is needed.
        on_unmatched: "error" refuses rows that some model lacks, "drop" leaves them out and counts them.
        names: of the models; else their files'. A model's columns are called `NAME@MODEL` beside the baseline's, which
            keep their names.
        labels: as `evaluate` takes it. A model without labels is held against the baseline's; one that has labels of
            its own must agree with these.
        preds: one selector for all models, or a list of one each.
        weights: a column of the baseline. The same for `mask`, `where`, `by` and `cluster`.
        roles: any other role; a model that lacks its columns uses the baseline's.
        mask: see weights.
        baseline_labels: hold every model against the baseline's labels, without a look at its own.
        classes: as `evaluate` takes it, and likewise all down to `where`.
        label_map: see `evaluate`.
        label_base: see `evaluate`.
        from_log_probs: see `evaluate`.
        pred_scale: see `evaluate`.
        reduction: see `evaluate`; not "none".
        class_weights: see `evaluate`.
        ignore_index: see `evaluate`.
        on_bad: a row that is bad in one model is refused, or left out, for all.
        on_empty: see `evaluate`.
        max_dropped: see `evaluate`.
        read: see `evaluate`.
        where: a filter over the baseline's columns, and other models' as `` `prob@new` > 0.5 ``.
        ci: the level of confidence intervals.
        tests: some of "t" (paired), "sign", "permutation" (the signs of the differences flipped) and "bootstrap"
            (Poisson weights, with a percentile interval); None for "t" and "sign", or with `cluster` "t".
        replicates: of the last two.
        seed: of their draws.
        cluster: columns; rows with the same values there are drawn together.
        by: what to slice by: for each slice the difference, and what it contributes to that of all rows.
        correction: of the slices' p-values: "holm" or "bh".
        changed: how many rows to tell whose loss changed most.
        worst: how many that worsened most.
        best: how many that improved most.
        higher_is_better: the greater loss wins, as with scores.
        threads: see `evaluate`.
        batch_size: see `evaluate`.
        **options: options of the losses.

    Returns:
        A Comparison.

    Raises:
        UsageError: names, columns or options that do not fit.
        DataError: a file or row that cannot be used, rows without a match, labels that differ.
        GateError: more rows were dropped than `max_dropped` allows.

    Example:
        >>> import lossctl
        >>> old = {"id": [1, 2, 3, 4], "label": [1.0, 2.0, 3.0, 4.0], "pred": [1.5, 2.5, 3.0, 5.0]}
        >>> new = {"id": [4, 3, 2, 1], "pred": [4.25, 3.0, 2.25, 1.0]}
        >>> found = lossctl.compare({"old": old, "new": new}, loss="mae", ids="id")
        >>> found["new"].difference["value"], found["new"].found["wins"], found["new"].found["ties"]
        (-0.375, 3, 1)
    """
    bound = losses_of(loss, column, options, inspect.signature(compare).parameters)
    asked = comparison_of(
        models,
        bound,
        ids=ids,
        by_position=by_position,
        on_unmatched=on_unmatched,
        names=names,
        selectors={"labels": labels, "weights": weights, "mask": mask, **(roles or {})},
        each=_of_each(preds, column),
        baseline_labels=baseline_labels,
        tests=(tests,) if isinstance(tests, str) else tests if tests is None else tuple(tests),
        replicates=replicates,
        wanted=(changed, worst, best),
        higher_is_better=higher_is_better,
        read=read,
        classes=class_names(classes),
        **shapes(label_map=label_map, label_base=label_base, from_log_probs=from_log_probs, pred_scale=pred_scale),
        reduction=reduction,
        class_weights=weights_by_class(class_weights),
        ignore_index=ignore_index,
        on_bad=on_bad,
        on_empty=on_empty,
        max_dropped=max_dropped,
        where=(where,) if isinstance(where, str) else tuple(where),
        audit=audit_words(ci=ci, seed=seed, cluster=cluster, by=by, correction=correction),
        threads=threads,
        batch_rows=batch_size,
    )
    return run(asked)


def run(asked: Asked) -> Comparison:
    """A comparison's result.

    Raises:
        UsageError, DataError, GateError: as `compare`.
    """
    from lossctl.comparison.run import compare as compared

    timing.ended("imports")
    ready()
    return Comparison(compared(asked))


def losses_of(
    loss: LossLike | Sequence[LossLike] | None, column: Any, options: Mapping[str, Any], words: Any = ()
) -> list[BoundLoss]:
    """The losses of a comparison.

    Raises:
        UsageError: no loss and no column, or both; or as `bind_losses`.
    """
    if loss is None and column is None:
        raise UsageError("say which loss, or which column holds each row's: --loss NAME, or --column COLUMN")
    if loss is not None and column is not None:
        raise UsageError("--loss and --column each say what to compare; give one of them")
    return bind_losses(RECORDED if loss is None else loss, options, words)


def _of_each(preds: Any, column: Any) -> dict[str, list[Selector]]:
    """What is said of roles, for all models or for one each."""
    found: dict[str, list[Selector]] = {}
    if column is not None:
        # a name is whole: that of a loss may hold commas
        found["loss"] = [(name,) for name in ([column] if isinstance(column, str) else column)]
    if preds is not None:
        found["preds"] = list(preds) if isinstance(preds, list) else [preds]
    return found


def comparison_of(
    models: Mapping[str, Any] | Sequence[Any],
    bound: Sequence[BoundLoss],
    *,
    ids: str | Sequence[str] | Mapping[str, str] | None,
    by_position: bool,
    on_unmatched: str,
    names: Sequence[str] | None,
    selectors: Mapping[str, Selector | None],
    each: Mapping[str, Sequence[Selector]],
    tests: tuple[str, ...] | None,
    replicates: int,
    wanted: tuple[int, int, int],
    baseline_labels: bool = False,
    higher_is_better: bool = False,
    read: Mapping[str, Any] | None = None,
    audit: Audit,
    **more: Any,
) -> Asked:
    """What a call asks, as comparison takes it.

    Args:
        models: see `compare`.
        bound: the losses.
        ids, by_position, on_unmatched, names, replicates, baseline_labels, higher_is_better, read: see `compare`.
        selectors: what is said of roles for all models.
        each: what is said of others, for all models or for one each.
        tests: names of tests; None for those that fit.
        wanted: how many rows changed most, worsened most and improved most.
        audit: levels, slices and clusters.
        more: attributes of a Request.

    Raises:
        UsageError: words that do not go together or are none of their kind.
    """
    from lossctl.comparison.asked import Comparison as Asked
    from lossctl.comparison.asked import Model
    from lossctl.evaluation.request import Request

    refuse_words(bound, **more)
    tests = (("t",) if audit.cluster else ("t", "sign")) if tests is None else tests
    if audit.cluster and "sign" in tests:
        raise UsageError(NO_SIGN)
    _refuse(tests, replicates, wanted, on_unmatched, more.get("reduction"))
    on = _keys(ids, by_position, on_unmatched)
    given = list(models.values()) if isinstance(models, Mapping) else list(models)
    named = model_names(given, names if names is not None else list(models) if isinstance(models, Mapping) else None)
    roles = _roles(selectors)
    made = tuple(
        Model(
            name, _files(name, data), _roles({role: _one_of(role, some, k, len(given)) for role, some in each.items()})
        )
        for k, (name, data) in enumerate(zip(named, given, strict=True))
    )
    keyed = on and any(test in ("permutation", "bootstrap") for test in tests) and not audit.cluster
    request = Request(
        (),
        tuple(bound),
        roles,
        read=read_settings(read or {}),
        audit=audit,
        **more,
        ids=tuple(mine for mine, _ in on) if keyed else (),
    )
    return Asked(
        made, request, on, on_unmatched, tests, replicates, wanted, bool(higher_is_better), bool(baseline_labels)
    )


def refuse_comparison(asked: Asked) -> None:
    """Refuse what no comparison can mean.

    Raises:
        UsageError: models that their names do not tell apart, or words or numbers that are none of their kind.
    """
    model_names(asked.models, asked.names)
    _refuse(asked.tests, asked.replicates, asked.wanted, asked.on_unmatched, asked.request.reduction)
    if asked.request.audit.cluster and "sign" in asked.tests:
        raise UsageError(NO_SIGN)


def _refuse(
    tests: Sequence[str], replicates: int, wanted: Sequence[int], on_unmatched: str, reduction: str | None
) -> None:
    from lossctl.comparison.asked import SIDES, TESTS

    for test in tests:
        if test not in TESTS:
            raise UsageError(f"test {test!r} is none of {', '.join(TESTS)}{nearest(str(test), TESTS)}")
    if len(set(tests)) < len(tests):
        raise UsageError(f"a test is named twice: {', '.join(tests)}")
    counts = {"replicates": (replicates, 2, MOST_REPLICATES)}
    counts |= {side: (count, 0, MOST_ROWS) for side, count in zip(SIDES, wanted, strict=True)}
    for name, (count, least, most) in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or not least <= count <= most:
            raise UsageError(f"{name} must be a whole number from {least} to {most:,}, got {count!r}")
    if on_unmatched not in ("error", "drop"):
        close = nearest(str(on_unmatched), ("error", "drop"))
        raise UsageError(f"on_unmatched must be one of error, drop, got {on_unmatched!r}{close}")
    if reduction == "none":
        raise UsageError("a comparison is of reduced losses; --changed N shows single rows")


def _keys(
    ids: str | Sequence[str] | Mapping[str, str] | None, by_position: bool, on_unmatched: str
) -> tuple[tuple[str, str], ...]:
    """The key columns of the baseline and of the others; none by position."""
    if ids and by_position:
        raise UsageError("--id and --by-position each say which rows belong together; give one of them")
    if not ids and not by_position:
        raise UsageError("say which rows belong together: --id COLUMN, or --by-position where row i of all is the same")
    if by_position and on_unmatched == "drop":
        raise UsageError("--on-unmatched drop goes with --id: by position, every row has its other")
    from lossctl.readers.join import key_pairs

    try:
        return key_pairs(ids)
    except UsageError as error:
        raise UsageError(str(error).replace("--on ", "--id ")) from None


def _files(name: str, data: Any) -> tuple[Any, ...]:
    """A model's paths or its one source."""
    with said_of(name):
        files, _ = inputs([data] if isinstance(data, str | os.PathLike) else data, {}, True)
    if not files:
        raise UsageError(f"{name}: no data")
    return files


def _roles(selectors: Mapping[str, Selector | None]) -> dict[str, str | tuple[str, ...]]:
    found: dict[str, str | tuple[str, ...]] = {}
    for role, selector in selectors.items():
        if selector is None:
            continue
        if isinstance(selector, str):
            found[role] = selector
        elif isinstance(selector, list | tuple) and selector and all(isinstance(name, str) for name in selector):
            found[role] = tuple(selector)
        else:
            raise UsageError(f"{role}: a model's data are named as models; {role} names columns of them")
    return found


def _one_of(role: str, some: Sequence[Selector], k: int, models: int) -> Selector:
    if len(some) not in (1, models):
        flag = {"preds": "-p/--preds", "loss": "--column"}[role]
        raise UsageError(f"{flag} is there {len(some)} times for {models} models; give one for all, or one each")
    return some[k if len(some) > 1 else 0]
