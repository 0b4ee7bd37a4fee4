"""`lossctl.evaluate`: data and names in, a result out; the command line's `eval` comes down to it too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from lossctl.api.inputs import Selector, inputs
from lossctl.api.result import Result
from lossctl.api.surroundings import ready
from lossctl.catalogue.declare import Value
from lossctl.catalogue.naming import OnEmpty
from lossctl.catalogue.own import own_losses
from lossctl.catalogue.reductions import meaning
from lossctl.catalogue.spec import BoundLoss, bind_all
from lossctl.errors import UsageError, nearest

if TYPE_CHECKING:
    from lossctl.evaluation.request import OnBad, Request

# a loss's name with its options, or a function that @lossctl.loss declared
LossLike: TypeAlias = "str | Callable[..., float]"


def evaluate(
    data: Any = None,
    *,
    loss: LossLike | Sequence[LossLike],
    labels: Selector | None = None,
    preds: Selector | None = None,
    weights: Selector | None = None,
    roles: Mapping[str, Selector] | None = None,
    mask: Selector | None = None,
    classes: Sequence[str] | None = None,
    ids: Sequence[str] = (),
    reduction: str | None = None,
    class_weights: Sequence[float] | Mapping[str, float] | None = None,
    ignore_index: int | None = None,
    on_bad: OnBad = "error",
    on_empty: OnEmpty | None = None,
    max_dropped: float | int | None = None,
    keep_dropped: bool = False,
    read: Mapping[str, Any] | None = None,
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
        classes: the class names in order, where labels are names.
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
        read: how text is read: any of `delimiter`, `header`, `null_values`, `format`.
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
        0.15823276963805
        >>> found = lossctl.evaluate(labels=[1.0, 2.0, 9.0], preds=[1.5, 2.0, 5.0], loss=["mae", "huber"], delta=2)
        >>> found.values
        {'mean_absolute_error': 1.5, 'huber:delta=2.0': 2.0416666666666665}
        >>> found["huber"].denominator_name
        'rows'
    """
    bound = bind_losses(loss, options)
    request = request_of(
        data,
        bound,
        selectors={"labels": labels, "preds": preds, "weights": weights, "mask": mask, **(roles or {})},
        classes=tuple(classes) if classes is not None else None,
        ids=tuple(ids),
        reduction=reduction,
        class_weights=_class_weights(class_weights),
        ignore_index=ignore_index,
        on_bad=on_bad,
        on_empty=on_empty,
        max_dropped=max_dropped,
        keep_dropped=keep_dropped,
        read=read,
        threads=threads,
        batch_rows=batch_size,
    )
    return run(request)


def request_of(
    data: Any,
    bound: Sequence[BoundLoss],
    *,
    selectors: Mapping[str, Selector | None],
    read: Mapping[str, Any] | None = None,
    across: bool = False,
    **more: Any,
) -> Request:
    """What a call asks, as evaluation takes it; `more` are attributes of a Request.

    Raises:
        UsageError: a reduction that a loss lacks, a word that is none of its kind, or data of no kind known.
    """
    for entry in bound if not across else bound[:1]:
        meaning(entry, more.get("reduction"))
    _refuse_word("on_bad", more.get("on_bad", "error"), ("error", "drop", "keep"))
    _refuse_word("on_empty", more.get("on_empty"), (None, "error", "nan", "zero"))
    from lossctl.evaluation.request import Request

    again = more.get("keep_dropped", False) or reads_again(bound, more.get("reduction"))
    files, roles = inputs(data, selectors, again)
    return Request(files, tuple(bound), roles, across=across, read=_settings(read or {}), **more)


def reads_again(bound: Sequence[BoundLoss], reduction: str | None) -> bool:
    """Whether a call reads its data more than once: for the rows, or for what hangs on all of them."""
    from lossctl.evaluation.ahead import looks_ahead

    return reduction == "none" or any(map(looks_ahead, bound))


def run(request: Request) -> Result:
    """A request's result.

    Raises:
        UsageError, DataError, GateError: as `evaluate`.
    """
    from lossctl.evaluation.run import run as evaluated

    ready()
    return Result(evaluated(request))


def bind_losses(losses: LossLike | Sequence[LossLike], options: Mapping[str, Value]) -> list[BoundLoss]:
    """The losses of a call with their options.

    Raises:
        UsageError: an unknown name or option, a value out of range, or no loss at all.
    """
    several = [losses] if isinstance(losses, str) or callable(losses) else list(losses)
    if not several:
        raise UsageError("say which loss; lossctl.losses() lists them")
    return bind_all([_name(one) for one in several], {name: _plain(value) for name, value in options.items()})


def _name(loss: LossLike) -> str:
    if isinstance(loss, str):
        return loss
    declared = next((own for own in own_losses() if own.function is loss), None)
    if declared is None:
        raise UsageError(f"{loss!r} is no declared loss; decorate it with @lossctl.loss, or give a name")
    return declared.name


def _plain(value: Any) -> Any:
    """A numpy number as Python's."""
    return value.item() if hasattr(value, "item") else value


def _class_weights(
    given: Sequence[float] | Mapping[str, float] | None,
) -> tuple[float, ...] | dict[str, float] | None:
    if given is None:
        return None
    numbers = list(given.values() if isinstance(given, Mapping) else given)
    if not all(0.0 <= number < float("inf") for number in numbers):
        raise UsageError(f"class_weights must be finite and >= 0, got {numbers}")
    if isinstance(given, Mapping):
        return {str(name): float(number) for name, number in given.items()}
    return tuple(map(float, numbers))


def _settings(read: Mapping[str, Any]) -> Any:
    from lossctl.readers.places import ReadSettings

    known = ("delimiter", "header", "null_values", "format")
    for name in read:
        if name not in known:
            raise UsageError(f"read has no {name!r}{nearest(name, known)}; it has {', '.join(known)}")
    said: dict[str, Any] = {name: tuple(v) if name == "null_values" else v for name, v in read.items()}
    return ReadSettings(**said)


def _refuse_word(name: str, word: object, known: tuple[object, ...]) -> None:
    if word not in known:
        said = [str(entry) for entry in known if entry is not None]
        raise UsageError(f"{name} must be one of {', '.join(said)}, got {word!r}{nearest(str(word), said)}")
