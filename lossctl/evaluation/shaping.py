"""Which shape labels and preds have: what the call says of it, and what the losses ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from lossctl.catalogue.domain import LOG_PROBABILITIES, LOGITS, Domain
from lossctl.catalogue.spec import BoundLoss
from lossctl.errors import UsageError
from lossctl.evaluation.request import Request
from lossctl.evaluation.settled import Settled
from lossctl.evaluation.shape import Listed, Note, Shape
from lossctl.readers.roles import Chosen
from lossctl.readers.source import ColumnInfo

MOST_CLASSES = 1 << 20
# endings of which the second names label 1
SPELLINGS = ({"0", "1"}, {"false", "true"})


class Taken(NamedTuple):
    """The columns of each role, how many numbers a row has, and how these are made of what the file holds."""

    chosen: dict[str, Chosen]
    widths: dict[str, int]
    shape: Shape
    notes: tuple[Note, ...] = ()


# settles all losses for some widths, and says whether labels are to be read as one-hot rows
Settle = Callable[[Mapping[str, int]], tuple[tuple[Settled, ...], bool]]


def class_names(request: Request, chosen: Mapping[str, Chosen]) -> tuple[str, ...] | None:
    """The names of the classes in order, as far as the call says them: by --classes, or by a map of all their names."""
    if request.classes is not None or request.label_map is None or "preds" not in chosen:
        return request.classes
    numbered = dict(zip(request.label_map.numbers, request.label_map.texts, strict=True))
    ordered = tuple(numbered[number] for number in sorted(numbered))
    endings = set(chosen["preds"].endings)
    told = sorted(numbered) == list(range(len(endings))) and set(ordered) == endings and len(endings) > 1
    return ordered if told else None


def said(request: Request, columns: Sequence[ColumnInfo], chosen: Mapping[str, Chosen], as_names: bool) -> Shape:
    """The shape that the call speaks of.

    Args:
        request: the call.
        columns: all there are.
        chosen: those of each role.
        as_names: whether the labels are read as names of classes.

    Raises:
        UsageError: words that do not go together, or with such columns.
    """
    roles = []
    if request.label_map is not None or request.label_base is not None:
        _check_labels(request, columns, chosen, as_names)
        roles.append("labels")
    listed = _listed(request)
    if (request.from_log_probs or request.pred_scale is not None) or listed is not None:
        if "preds" not in chosen:
            raise UsageError("none of the chosen losses reads preds, so that nothing can be said of their shape")
        roles.append("preds")
    base = request.label_base or 0
    return Shape(tuple(roles), request.label_map, base, request.pred_scale, request.from_log_probs, None, False, listed)


def _check_labels(
    request: Request, columns: Sequence[ColumnInfo], chosen: Mapping[str, Chosen], as_names: bool
) -> None:
    flag = "--label-map" if request.label_map is not None else "--label-base"
    if request.label_map is not None and request.label_base is not None:
        raise UsageError("--label-map says every label's number, so --label-base has no place; give one of them")
    if "labels" not in chosen:
        raise UsageError(f"{flag}: none of the chosen losses reads labels")
    names = chosen["labels"].columns
    kind = next(column.kind for column in columns if column.name == names[0])
    if len(names) > 1 or kind == "list":
        raise UsageError(f"{flag} takes one column of labels, there are {len(names) if len(names) > 1 else 'lists'}")
    if flag == "--label-base" and (as_names or kind == "string"):
        raise UsageError(f"--label-base is for labels that are numbers, column {names[0]!r} holds names")


def _listed(request: Request) -> Listed | None:
    """What is said of preds that list some classes."""
    if "pred_ids" not in request.roles:
        for flag, given in (("--num-classes", request.num_classes), ("--rest", request.rest)):
            if given is not None:
                raise UsageError(f"{flag} is for preds that list some classes; name their ids with --pred-ids")
        return None
    count = len(request.classes) if request.classes else request.num_classes
    if count is None:
        raise UsageError("--pred-ids: say how many classes there are with --num-classes K, or name them with --classes")
    if request.num_classes not in (None, count):
        raise UsageError(f"--num-classes says {request.num_classes}, --classes names {count}")
    if not 2 <= count <= MOST_CLASSES:
        raise UsageError(f"--num-classes must be from 2 to {MOST_CLASSES}, got {count}")
    if request.rest is None:
        raise UsageError(
            "--pred-ids: say what the classes get that a row does not list: --rest zero gives them nothing, "
            "--rest spread even shares of what is left to 1"
        )
    return Listed(count, request.rest, request.classes)


def fitted(
    taken: Taken, settle: Settle, asked: Sequence[BoundLoss], ordered: bool
) -> tuple[Taken, tuple[Settled, ...], bool]:
    """The columns in the shape that the losses read: as they are, or one for two classes, or one of a pair.

    Args:
        taken: the columns as they are.
        settle: settles the losses.
        asked: the losses.
        ordered: whether class names tell the order of the preds' columns.

    Raises:
        UsageError: the columns do not fit the losses.
    """
    error: UsageError
    try:
        losses, one_hot = settle(taken.widths)
        lone = _lone_distributions(losses, taken.widths)
        if not lone:
            return taken, losses, one_hot
        error = _of_lone_columns(lone, losses)
    except UsageError as missed:
        error = missed
    for other in _others(taken, ordered):
        try:
            losses, one_hot = settle(other.widths)
        except UsageError:
            continue
        _refuse_logits(losses, asked, other)
        if all(_takes(settled.core, other) for settled in losses):
            return other, losses, one_hot
    raise error


def _of_lone_columns(lone: Sequence[Settled], losses: Sequence[Settled]) -> UsageError:
    """Losses of which some would take one column for a whole distribution, and others keep it from being split."""
    others = [str(settled) for settled in losses if settled not in lone]
    beside = f", and {others[0]} reads it as it stands: evaluate them in two calls" if others else ""
    return UsageError(f"{lone[0]} reads a pred for each class, preds has one column{beside}")


def _lone_distributions(losses: Sequence[Settled], widths: Mapping[str, int]) -> list[Settled]:
    """The losses that take one column for a whole distribution."""
    return [
        settled
        for settled in losses
        if widths.get("preds") == 1
        and not settled.core.loss.elementwise
        and (domain := _preds(settled.core)) is not None
        and (domain.sums_to_one or (domain == LOGITS and bool(settled.core.options.get("from_logits"))))
    ]


def _others(taken: Taken, ordered: bool) -> list[Taken]:
    """What else the preds could be taken for."""
    preds, labels = taken.widths.get("preds"), taken.widths.get("labels")
    if taken.shape.listed is not None:
        return []
    if preds == 1 and labels in (1, 2):
        return [_two_classes(taken)]
    return [_one_of_pair(taken, ordered)] if preds == 2 and labels == 1 else []


def _two_classes(taken: Taken) -> Taken:
    name = taken.chosen["preds"].columns[0]
    note = Note(
        "one_column_as_two_classes",
        f"{name} is taken for the probability of class 1, and 1 - {name} for that of class 0",
    )
    shape = taken.shape._replace(two_classes=True, roles=(*taken.shape.roles, "preds"))
    return Taken(taken.chosen, {**taken.widths, "preds": 2}, shape, (note,))


def _one_of_pair(taken: Taken, ordered: bool) -> Taken:
    pair = taken.chosen["preds"]
    endings = [name.lower() for name in pair.endings]
    spelt = len(endings) == 2 and set(endings) in SPELLINGS
    pick = endings.index(max(endings)) if spelt and not ordered else 1
    roles = (*taken.shape.roles, *(("pair",) if "preds" in taken.shape.roles else ()))
    if len(pair.columns) == 2:
        picked, shape = pair._replace(columns=(pair.columns[pick],)), taken.shape._replace(roles=roles)
        told = f"{picked.columns[0]}, of {' and '.join(pair.columns)},"
    else:
        picked, shape = pair, taken.shape._replace(pick=1, roles=tuple(dict.fromkeys((*roles, "preds"))))
        told = f"the second number of {pair.columns[0]}"
    # where nothing but the order tells which is which, that deserves a look
    note = Note("second_of_two_columns", f"{told} is taken for the probability of label 1")
    notes = () if spelt or ordered else (note,)
    return Taken({**taken.chosen, "preds": picked, "pair": pair}, {**taken.widths, "preds": 1, "pair": 2}, shape, notes)


def _preds(core: BoundLoss) -> Domain | None:
    return core.domain("preds") if any(role.name == "preds" for role in core.loss.roles) else None


def _takes(core: BoundLoss, taken: Taken) -> bool:
    """Whether a loss reads probabilities in the way that the preds are taken."""
    domain = _preds(core)
    if domain is None or not _within_one(domain):
        return False
    return domain.sums_to_one if taken.shape.two_classes else core.loss.elementwise


def _within_one(domain: Domain) -> bool:
    return (domain.interval.low, domain.interval.high) == (0.0, 1.0)


def _refuse_logits(losses: Sequence[Settled], asked: Sequence[BoundLoss], taken: Taken) -> None:
    for settled in losses:
        if _preds(settled.core) != LOGITS or settled.core.loss.elementwise == taken.shape.two_classes:
            continue
        if taken.shape.two_classes:
            raise UsageError(
                f"{settled} reads a logit a class, preds has one column: that is the logit of label 1 for "
                "--loss binary_crossentropy --from-logits"
            )
        raise UsageError(
            f"{settled} reads the one logit of label 1, preds has two columns, whose softmax is no sigmoid of one of "
            "them: take --loss sparse_categorical_crossentropy --from-logits"
        )


def refuse_misread(losses: Sequence[Settled], shape: Shape) -> None:
    """Refuse words about probabilities where a loss reads something else.

    Raises:
        UsageError: naming the loss and what it reads.
    """
    for settled in losses:
        domain = _preds(settled.core)
        if domain is None or not (shape.from_log_probs or shape.listed):
            continue
        flag = "--from-log-probs" if shape.from_log_probs else "--pred-ids"
        if domain.interval.high == LOG_PROBABILITIES.interval.high and domain.infinite:
            why = "reads log-probabilities itself"
        elif domain == LOGITS or settled.core.options.get("from_logits"):
            why = "reads logits"
        else:
            continue
        out = "leave the flag out" if shape.from_log_probs else "take a loss that reads probabilities"
        raise UsageError(f"{flag} makes probabilities of the preds, and {settled} {why}; {out}")


def shifted(settled: Settled, base: int) -> Settled:
    """A loss whose ignored label is told as the file has it, for labels that do not count from 0."""
    names = [o.name for o in settled.core.loss.options if o.param.ignores_label]
    ignored = settled.core.ignored_label
    return settled if not base or ignored is None else settled.with_core(**{names[0]: ignored - base})
