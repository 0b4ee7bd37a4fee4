"""The words of a call to a request: losses bound, columns and files named, and what no call can mean refused."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from lossctl.api.inputs import Selector, inputs
from lossctl.catalogue.declare import Value
from lossctl.catalogue.own import own_losses
from lossctl.catalogue.reductions import meaning
from lossctl.catalogue.registry import find
from lossctl.catalogue.spec import BoundLoss, bind_all
from lossctl.errors import UsageError, nearest

if TYPE_CHECKING:
    from lossctl.audit.asked import Audit
    from lossctl.evaluation.request import Request

# a loss's name with its options, or a function that @lossctl.loss declared
LossLike: TypeAlias = "str | Callable[..., float]"


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
        UsageError: a reduction that a loss lacks, a word or number that is none of its kind, or data of no kind known.
    """
    refuse_words(bound if not across else bound[:1], **more)
    from lossctl.evaluation.request import Request

    again = (
        more.get("keep_dropped", False)
        or reads_again(bound, more.get("reduction"), more.get("audit"))
        or bool(more.get("join"))
    )
    files, roles = inputs(data, selectors, again)
    if more.get("join") is not None and data is None and files and "labels" in roles:
        raise UsageError("labels and labels_from each bring labels; give one of them")
    if more.get("join") is not None and str(roles.get("labels", "")).endswith(".npy"):
        raise UsageError(f"-y {roles['labels']} and --labels-from each bring labels; give one of them")
    return Request(files, tuple(bound), roles, across=across, read=read_settings(read or {}), **more)


def refuse_words(
    bound: Sequence[BoundLoss],
    *,
    reduction: str | None = None,
    on_bad: str = "error",
    on_empty: str | None = None,
    ignore_index: int | None = None,
    threads: int = 0,
    batch_rows: int = 0,
    where: tuple[str, ...] = (),
    **more: Any,
) -> None:
    """Refuse what no call can mean.

    Raises:
        UsageError: a reduction that a loss lacks, or a word or number that is none of its kind.
    """
    if not isinstance(reduction, str | None):
        raise UsageError(f"reduction must be a name such as 'mean', got {reduction!r}")
    for entry in bound:
        meaning(entry, reduction)
    _refuse_word("on_bad", on_bad, ("error", "drop", "keep"))
    _refuse_word("on_empty", on_empty, (None, "error", "nan", "zero"))
    if not all(isinstance(text, str) for text in where):
        raise UsageError(f"where takes a filter such as \"split == 'test'\", or several, got {where!r}")
    for name, number in {"threads": threads, "batch_size": batch_rows}.items():
        if not _whole(number) or number < 0:
            raise UsageError(f"{name} must be a whole number >= 0, got {number!r}")
    if ignore_index is not None and not _whole(ignore_index):
        raise UsageError(f"ignore_index must be a class index, got {ignore_index!r}")


def reads_again(bound: Sequence[BoundLoss], reduction: str | None, audit: Audit | None = None) -> bool:
    """Whether a call reads its data more than once: for the rows, or for what hangs on all of them."""
    return reduction == "none" or any(loss.looks_ahead for loss in bound) or (audit is not None and audit.looks_again)


def bind_losses(
    losses: LossLike | Sequence[LossLike], options: Mapping[str, Value], words: Iterable[str] = ()
) -> list[BoundLoss]:
    """The losses of a call with their options.

    Args:
        losses: names, or declared functions.
        options: theirs, by name.
        words: what else the call takes by name.

    Raises:
        UsageError: an unknown name or option, a value out of range, or no loss at all.
    """
    several = [losses] if isinstance(losses, str) or not isinstance(losses, Iterable) else list(losses)
    if not several:
        raise UsageError("say which loss; lossctl.losses() lists them")
    names = [_name(one) for one in several]
    _refuse_misspelt(names, options, words)
    return bind_all(names, {name: _plain(value) for name, value in options.items()})


def _refuse_misspelt(names: Sequence[str], options: Iterable[str], words: Iterable[str]) -> None:
    """Refuse an option that is nearly one of the losses', or a word of the call."""
    declared = [find(name.partition(":")[0]) for name in names]
    own = [option.name for loss in declared for option in loss.options if not option.param.internal]
    known = [*own, *words]
    for name in options:
        close = nearest(name, known)
        if close and not any(loss.option(name) for loss in declared):
            raise UsageError(f"{name} is no option of {', '.join(names)}{close}")


def _name(loss: LossLike) -> str:
    if isinstance(loss, str):
        return loss
    declared = next((own for own in own_losses() if own.function is loss), None)
    if declared is None:
        raise UsageError(f"{loss!r} is no declared loss; decorate it with @lossctl.loss, or give a name")
    return declared.name


def _plain(value: Any) -> Any:
    """Numpy's numbers as Python's."""
    return value.tolist() if hasattr(value, "tolist") else value


def weights_by_class(given: Any) -> tuple[float, ...] | dict[str, float] | None:
    """What each class counts, in order or by name.

    Raises:
        UsageError: numbers that are none, or below 0.
    """
    if given is None:
        return None
    try:
        numbers = [float(number) for number in (given.values() if isinstance(given, Mapping) else given)]
    except (TypeError, ValueError):
        numbers = [-1.0]
    if not all(0.0 <= number < float("inf") for number in numbers):
        raise UsageError(f"class_weights must be finite and >= 0, got {given!r}")
    return dict(zip(map(str, given), numbers, strict=True)) if isinstance(given, Mapping) else tuple(numbers)


def limit_of(given: Any) -> float | int | None:
    """A share of the rows, or a count of them."""
    limit = _plain(given)
    share = isinstance(limit, float) and 0.0 <= limit <= 1.0
    if limit is not None and not share and not (isinstance(limit, int) and limit >= 0):
        raise UsageError(f"max_dropped takes a count such as 5 or a share such as 0.001, got {given!r}")
    return limit  # type: ignore[no-any-return]


def _whole(value: object) -> bool:
    """Whether it is one whole number, Python's or numpy's."""
    try:
        operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return False
    return not isinstance(value, bool)


def texts(given: str | Iterable[str]) -> tuple[str, ...]:
    """A text alone is one, not its letters."""
    return (given,) if isinstance(given, str) else tuple(given)


def read_settings(read: Mapping[str, Any]) -> Any:
    """How text is read.

    Raises:
        UsageError: a word that is none of it.
    """
    from lossctl.readers.places import ReadSettings

    known = ("delimiter", "header", "null_values", "format", "encoding", "decimal")
    for name in read:
        if name not in known:
            raise UsageError(f"read has no {name!r}{nearest(name, known)}; it has {', '.join(known)}")
    said: dict[str, Any] = {name: texts(v) if name == "null_values" else v for name, v in read.items()}
    return ReadSettings(**said)


def _refuse_word(name: str, word: object, known: tuple[object, ...]) -> None:
    if word not in known:
        said = [str(entry) for entry in known if entry is not None]
        raise UsageError(f"{name} must be one of {', '.join(said)}, got {word!r}{nearest(str(word), said)}")
