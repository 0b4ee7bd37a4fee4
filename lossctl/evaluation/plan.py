"""A request to a job: files opened, roles filled, widths and class names settled."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from lossctl.catalogue.reductions import meaning
from lossctl.catalogue.spec import BoundLoss
from lossctl.errors import DataError, UsageError, said_of
from lossctl.evaluation import auditing, shaping
from lossctl.evaluation.fit import fit
from lossctl.evaluation.opening import open_all
from lossctl.evaluation.request import Job, Request
from lossctl.evaluation.settled import Settled
from lossctl.evaluation.shape import Shape, key_of
from lossctl.readers.many import same_columns
from lossctl.readers.roles import Chosen, find_labels, find_preds, find_role, flag_of, select
from lossctl.readers.source import ColumnInfo, Source, Unit, whole

# bytes of float64 that a block of rows should take at the most
BLOCK_BYTES = 4 << 20
# bytes of a column that make its own costs worth while, and of a block of many such
COLUMN_BYTES, MOST_BYTES = 1 << 11, 1 << 25
# roles that any loss may have
BESIDES = ("weights", "mask", "pred_ids")
FEWEST_ROWS, MOST_ROWS = 1 << 4, 1 << 17


class Plan(NamedTuple):
    """A job, its units in file order, how its columns were chosen, and which are text whatever they look like."""

    job: Job
    units: Units
    chosen: dict[str, Chosen]
    as_text: tuple[str, ...] = ()


def plan(request: Request, sources: tuple[Source, ...] | None = None) -> Plan:
    """Open the files and fill the roles.

    Args:
        request: what was asked.
        sources: its inputs, where they are open already.

    Raises:
        DataError: a file that cannot be read, or lacks a column that another has.
        UsageError: a role that no column fills, or columns that do not fit the losses.
    """
    sources = sources or open_all([request])
    if request.long is not None:
        from lossctl.evaluation.longform import with_long

        request = with_long(request, sources[0])
    columns = sources[0].columns()
    asked = _with_roles_of_first(request) if request.across else request.losses
    with said_of(sources[0].path):
        selectors = request.roles if request.join is None else _across(sources[0], request.roles, asked)
        chosen = choose(columns, selectors, asked)
        chosen = {role: one._replace(behind=request.behind) for role, one in chosen.items()}
        names = shaping.class_names(request, chosen)
        chosen, classes = _class_order(names, columns, chosen, _some_text(sources, chosen))
        shape = shaping.said(request, columns, chosen, classes is not None)
    auditing.check_columns(request, sources)
    taken_names = [name for one in chosen.values() for name in one.columns]
    as_text = (*auditing.as_text(request, taken_names), *_label_texts(request, classes, chosen))
    sources = with_text(sources, as_text)
    for source in sources[1:]:
        same_columns(source, sources[0], chosen, request.roles)
    classes = None if request.label_map is not None else classes
    taken = shaping.Taken(chosen, _widths(sources[0], chosen, shape), shape)
    weights = _class_weights(request.class_weights, names or classes or _class_names(chosen, shape), taken.widths)
    settle = partial(_all_settled, request, asked, _precision(sources[0], chosen), weights)
    ordered = classes is not None or names is not None
    taken, losses, one_hot = shaping.fitted(taken, settle, asked, ordered)
    shaping.refuse_misread(losses, shape)
    _refuse_whole(losses, request.reduction)
    auditing.refuse_unfit(losses, request)
    job = _job(request, sources, taken, losses, classes)._replace(one_hot=one_hot, class_weights=weights)
    return Plan(job, Units(sources), taken.chosen, as_text)


def _job(
    request: Request,
    sources: tuple[Source, ...],
    taken: shaping.Taken,
    losses: tuple[Settled, ...],
    classes: tuple[str, ...] | None,
) -> Job:
    preds, base = taken.widths.get("preds", 1), taken.shape.label_base
    columns = {role: c.columns for role, c in taken.chosen.items()}
    return Job(
        sources,
        columns,
        taken.widths,
        tuple(shaping.shifted(settled, base) for settled in losses),
        classes,
        max(preds, len(classes or ())) if preds > 1 else len(classes or (0,)),
        False,
        None,
        request.ignore_index if request.ignore_index is None else request.ignore_index - base,
        request.on_bad,
        request.batch_rows or batch_rows(sum(taken.widths.values()), sum(map(len, columns.values()))),
        keep_dropped=request.keep_dropped,
        shape=taken.shape,
        notes=taken.notes,
        audit=request.audit,
        ids=request.ids,
    )


def _all_settled(
    request: Request,
    asked: Sequence[BoundLoss],
    bits: int,
    class_weights: tuple[float, ...] | None,
    widths: dict[str, int],
) -> tuple[tuple[Settled, ...], bool]:
    """The losses for columns of some widths, and whether labels are to be read as one-hot rows."""
    settle = partial(_settled, widths=widths, bits=bits, class_weights=class_weights, reduction=request.reduction)
    losses = _alike(asked, settle, widths) if request.across else tuple(map(settle, asked))
    return losses, fit(losses, widths)


def _label_texts(request: Request, classes: tuple[str, ...] | None, chosen: Mapping[str, Chosen]) -> tuple[str, ...]:
    """The labels' columns, where they are to be read as text whatever they look like."""
    if request.label_map is not None:
        return chosen["labels"].columns if any(key_of(text) is None for text in request.label_map.texts) else ()
    return chosen["labels"].columns if classes is not None else ()


def _widths(source: Source, chosen: Mapping[str, Chosen], shape: Shape) -> dict[str, int]:
    """Role to how many numbers a row has."""
    if shape.listed is None:
        return {role: _width(source, c.columns) for role, c in chosen.items()}
    flat = {role: _width(source, c.columns) for role, c in chosen.items() if role not in ("preds", "pred_ids")}
    one, other = (len(chosen[role].columns) for role in ("preds", "pred_ids"))
    if one != other:
        raise UsageError(f"--pred-ids names {other} columns for the {one} of -p/--preds; they go in pairs")
    return {**flat, "preds": shape.listed.classes}


class Units:
    """All units, in file order, made while one walks along; a stream's as often as it can be read."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = sources

    def __iter__(self) -> Iterator[Unit]:
        return chain.from_iterable(source.units(i) for i, source in enumerate(self.sources))

    @property
    def known(self) -> int | None:
        """How many there are, where that can be told without reading."""
        each = [source.units(i) for i, source in enumerate(self.sources) if source.rereadable]
        told = len(each) == len(self.sources) and all(isinstance(some, Sequence) for some in each)
        return sum(map(len, each)) if told else None  # type: ignore[arg-type]


def batch_rows(width: int, columns: int = 1) -> int:
    """Rows a block: what stays in the caches between decoding and the kernels, and more of many columns."""
    size = max(BLOCK_BYTES, min(columns * COLUMN_BYTES, MOST_BYTES))
    return max(FEWEST_ROWS, min(MOST_ROWS, size // (8 * width)))


def _across(
    source: Source, selectors: Mapping[str, str | tuple[str, ...]], losses: Sequence[BoundLoss]
) -> Mapping[str, str | tuple[str, ...]]:
    from lossctl.evaluation.joined_roles import joined_roles

    return joined_roles(source, selectors, losses)


def choose(
    columns: Sequence[ColumnInfo],
    selectors: Mapping[str, str | tuple[str, ...]],
    losses: Sequence[BoundLoss],
    without: Collection[str] = (),
) -> dict[str, Chosen]:
    """The columns of every role that the losses read, and of the weights; `without` are roles that lie elsewhere.

    Raises:
        UsageError: a role without columns, or with several candidates, or a role that no loss reads.
    """
    read = dict.fromkeys(role.name for bound in losses for role in bound.loss.roles)
    wanted = [role for role in read if role not in without]
    for role in selectors:
        if role not in (*wanted, "labels", "preds", *BESIDES):
            names = ", ".join(wanted)
            raise UsageError(f"--role {role}: none of the chosen losses reads it; they read {names}")
    chosen = {
        role: select(selectors[role], columns, flag_of(role)) for role in (*wanted, *BESIDES) if role in selectors
    }
    for role in wanted:
        if role not in (*chosen, "labels", "preds"):
            chosen[role] = find_role(role, _left(columns, chosen))
    if "preds" in wanted and "preds" not in chosen:
        chosen["preds"] = find_preds(_left(columns, chosen))
    if "labels" in wanted and "labels" not in chosen:
        chosen["labels"] = find_labels(_left(columns, chosen), chosen.get("preds"))
    return {role: chosen[role] for role in (*wanted, *BESIDES) if role in chosen}


def _left(columns: Sequence[ColumnInfo], chosen: dict[str, Chosen]) -> list[ColumnInfo]:
    taken = {name for role in chosen.values() for name in role.columns}
    return [column for column in columns if column.name not in taken]


def _some_text(sources: Sequence[Source], chosen: Mapping[str, Chosen]) -> bool:
    """Whether the labels are texts in some file: the first one's may all be missing."""
    names = chosen["labels"].columns[:1] if "labels" in chosen else ()
    return any(column.kind == "string" and column.name in names for one in sources for column in one.columns())


def _class_order(
    given: tuple[str, ...] | None, columns: Sequence[ColumnInfo], chosen: dict[str, Chosen], text: bool
) -> tuple[dict[str, Chosen], tuple[str, ...] | None]:
    """Preds in class order, and the classes where the labels are names: `text` tells that they are no numbers."""
    if not {"labels", "preds"} <= chosen.keys():
        return chosen, None
    kinds = {column.name: column.kind for column in columns}
    preds = chosen["preds"]
    # columns that list classes are none of a class each
    endings = preds.endings if "pred_ids" not in chosen else ("",)
    named = len(endings) > 1 and not all(name.isdecimal() for name in endings)
    if given is not None and named:
        if set(given) != set(endings):
            raise UsageError(f"--classes names {', '.join(given)}, the preds columns end in {', '.join(endings)}")
        order = tuple(preds.columns[endings.index(name)] for name in given)
        chosen = {**chosen, "preds": preds._replace(columns=order)}
    elif given is not None and 1 < len(endings) != len(given):
        raise UsageError(f"--classes names {len(given)} classes, there are {len(endings)} preds columns")
    labels = chosen["labels"].columns
    if len(labels) > 1 or kinds[labels[0]] == "list":
        return chosen, None
    if given is not None:
        # whole numbers are indices, unless the classes are themselves called by numbers
        numbers = not text and kinds[labels[0]] in ("integer", "float") and not all(name.isdecimal() for name in given)
        return chosen, None if numbers else given
    return chosen, endings if text and named else None


def with_text(sources: tuple[Source, ...], names: tuple[str, ...]) -> tuple[Source, ...]:
    """The sources with some columns read as text, where a format leaves that open."""
    if not names:
        return sources
    return tuple(s.with_text(frozenset(names)) if hasattr(s, "with_text") else s for s in sources)


def _width(source: Source, names: tuple[str, ...]) -> int:
    infos = {column.name: column for column in source.columns()}
    kinds = [infos[name] for name in names]
    lists = [info for info in kinds if info.kind == "list"]
    odd = next((info for info in kinds if info.kind == "other"), None)
    if odd is not None:
        raise DataError(f"{source.path}: column {odd.name!r} is {odd.type}, which holds no numbers")
    if lists and len(kinds) > 1:
        raise UsageError(f"column {lists[0].name!r} holds a list a row, so it stands alone in its role")
    width = kinds[0].width if len(kinds) == 1 else len(kinds)
    return _first_length(source, names[0]) if width is None else width


def _first_length(source: Source, name: str) -> int:
    """The length of the first list that is not null."""
    for unit in source.units(0):
        for chunk in source.read(unit, [name], 1024):
            if not chunk.rows:
                continue
            values = chunk.values[name].drop_null()  # type: ignore[union-attr]
            if len(values):
                return len(values[0])
    # where no row is left, the ones that were left out tell
    every = whole(source)
    return 1 if every is source else _first_length(every, name)


def _refuse_whole(losses: Sequence[Settled], reduction: str | None) -> None:
    """Refuse to reduce a loss of the whole file: it has no value a row. Frameworks' own words change nothing there."""
    for settled in losses:
        ours = reduction is not None and settled.asked.loss.framework is None
        if settled.core.loss.parts and (reduction == "none" or ours):
            raise UsageError(
                f"{settled} is one number of the whole file and has no value a row, so no --reduction {reduction}"
            )


def _class_names(chosen: dict[str, Chosen], shape: Shape) -> tuple[str, ...]:
    return chosen["preds"].endings if "preds" in chosen and shape.listed is None else ()


def _class_weights(
    given: tuple[float, ...] | dict[str, float] | None, names: tuple[str, ...], widths: dict[str, int]
) -> tuple[float, ...] | None:
    """A weight for each class in order, or None where nothing was said."""
    if given is None:
        return None
    count = max(len(names), widths.get("preds", 1), widths.get("labels", 1))
    count = 2 if count == 1 else count
    if isinstance(given, dict):
        unknown = [name for name in given if name not in names]
        if unknown:
            raise UsageError(
                f"--class-weights: no class {unknown[0]!r}; the classes are {', '.join(names) or 'unnamed'}"
            )
        return tuple(given.get(name, 1.0) for name in names)
    if len(given) != count:
        raise UsageError(f"--class-weights has {len(given)} numbers, there are {count} classes")
    return given


def _precision(source: Source, chosen: dict[str, Chosen]) -> int:
    """The bits of the preds' floating type; 64 where they are no floats."""
    if "preds" not in chosen:
        return 64
    kind = next(column.type for column in source.columns() if column.name == chosen["preds"].columns[0])
    if "half" in kind or "float16" in kind:
        return 16
    return 32 if "float32" in kind or re.search(r"\bfloat\b", kind) else 64


def _settled(
    bound: BoundLoss,
    widths: dict[str, int],
    bits: int,
    class_weights: tuple[float, ...] | None,
    reduction: str | None,
) -> Settled:
    core = bound.settled(widths, bits, meaning(bound, reduction)[0])
    own = core.loss.option("class_weights")
    if own is not None and class_weights is not None:
        core = core.replace(class_weights=class_weights)
    width = max(widths[role.name] for role in core.loss.roles) if core.loss.elementwise else 1
    return Settled(bound, core, width, widths.get("preds", 1), own is None and class_weights is not None)


def _with_roles_of_first(request: Request) -> tuple[BoundLoss, ...]:
    """The losses that read the same roles as the first."""
    roles = {role.name for role in request.losses[0].loss.roles}
    return tuple(bound for bound in request.losses if {role.name for role in bound.loss.roles} == roles)


def _alike(
    asked: Sequence[BoundLoss], settle: Callable[[BoundLoss], Settled], widths: dict[str, int]
) -> tuple[Settled, ...]:
    """The losses that take these columns for the same thing as the first of them: probabilities, logits, scores.

    Raises:
        UsageError: none takes these columns; what the first of all misses is told.
    """
    fitting: list[Settled] = []
    missed: list[UsageError] = []
    for bound in asked:
        try:
            other = settle(bound)
            fit([other], widths)
        except UsageError as error:
            missed.append(error)
            continue
        roles = fitting[0].core.loss.roles if fitting else ()
        if all(_same_reading(fitting[0].core, other.core, role.name) for role in roles):
            fitting.append(other)
    if not fitting:
        raise missed[0]
    return tuple(fitting)


def _same_reading(one: BoundLoss, other: BoundLoss, role: str) -> bool:
    """Whether two losses expect the same of a role; labels may be read in more than one way."""
    mine, theirs = one.domain(role), other.domain(role)
    return role == "labels" or (mine.interval, mine.sums_to_one) == (theirs.interval, theirs.sums_to_one)
