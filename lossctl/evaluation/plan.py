"""A request to a job: files opened, roles filled, widths and class names settled."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from lossctl.catalogue.reductions import meaning
from lossctl.catalogue.spec import BoundLoss
from lossctl.errors import DataError, UsageError
from lossctl.evaluation.request import Job, Request
from lossctl.evaluation.settled import Settled
from lossctl.readers.places import open_arrays, open_source
from lossctl.readers.roles import Chosen, ending, find_labels, find_preds, find_role, flag_of, listing, select
from lossctl.readers.source import ColumnInfo, Source, Unit

# bytes of float64 that a block of rows should take at the most
BLOCK_BYTES = 4 << 20
# roles that any loss may have
BESIDES = ("weights", "mask")
FEWEST_ROWS, MOST_ROWS = 1 << 4, 1 << 17


class Plan(NamedTuple):
    """A job, its units in file order, how its columns were chosen, and which are text whatever they look like."""

    job: Job
    units: Iterable[Unit]
    chosen: dict[str, Chosen]
    as_text: tuple[str, ...] = ()


def plan(request: Request) -> Plan:
    """Open the files and fill the roles.

    Raises:
        DataError: a file that cannot be read, or lacks a column that another has.
        UsageError: a role that no column fills, or columns that do not fit the losses.
    """
    sources = open_all([request])
    columns = sources[0].columns()
    asked = _with_roles_of_first(request) if request.across else request.losses
    selectors = request.roles if request.join is None else across_the_join(sources[0], request.roles, asked)
    chosen = choose(columns, selectors, asked)
    chosen, classes = _class_order(request.classes, columns, chosen)
    for name in request.ids:
        select(name, columns, "--id")
    as_text = (*request.ids, *(chosen["labels"].columns if classes is not None else ()))
    sources = with_text(sources, as_text)
    needed = [name for role in chosen.values() for name in role.columns]
    for source in sources[1:]:
        _same_columns(source, sources[0], needed)
    widths = {role: _width(sources[0], c.columns) for role, c in chosen.items()}
    weights = _class_weights(request.class_weights, classes or _class_names(chosen), widths)
    bits = _precision(sources[0], chosen)
    settle = partial(_settled, widths=widths, bits=bits, class_weights=weights, reduction=request.reduction)
    losses = _alike(asked, settle, widths) if request.across else tuple(map(settle, asked))
    one_hot = fit(losses, widths)
    _refuse_whole(losses, request.reduction)
    preds = widths.get("preds", 1)
    job = Job(
        sources,
        {role: c.columns for role, c in chosen.items()},
        widths,
        losses,
        classes,
        max(preds, len(classes or ())) if preds > 1 else len(classes or (0,)),
        one_hot,
        weights,
        request.ignore_index,
        request.on_bad,
        request.batch_rows or batch_rows(sum(widths.values())),
        keep_dropped=request.keep_dropped,
    )
    return Plan(job, Units([source.units(i) for i, source in enumerate(sources)]), chosen, as_text)


class Units:
    """All units, in file order; those of a stream are made while one walks along, as often as it can be read."""

    def __init__(self, each: Sequence[Iterable[Unit]]) -> None:
        self.each = each

    def __iter__(self) -> Iterator[Unit]:
        return chain.from_iterable(self.each)


def batch_rows(width: int) -> int:
    """Rows a block: what stays in the caches between decoding and the kernels."""
    return max(FEWEST_ROWS, min(MOST_ROWS, BLOCK_BYTES // (8 * width)))


def open_all(requests: Sequence[Request]) -> tuple[Source, ...]:
    """The inputs of requests that share them.

    Arrays may be named in the role flags (`-y y.npy -p p.npy`) instead of as files.

    Raises:
        DataError: a file that cannot be read.
        UsageError: no input, or both files and arrays.
    """
    files, settings = requests[0].files, requests[0].read
    named = [pair for request in requests for pair in _arrays(request)]
    arrays = [] if files and not isinstance(files[0], str) else named
    if not files and not arrays:
        raise UsageError("no input: name a file, or - for stdin, or arrays as in -y y.npy -p p.npy")
    if arrays and files:
        raise UsageError(f"{flag_of(arrays[0][0])} names an array, so {files[0]} has no place: give one or the other")
    if arrays:
        opened: tuple[Source, ...] = (open_arrays(tuple(dict.fromkeys(path for _, path in arrays))),)
    else:
        opened = tuple(open_source(file, settings) if isinstance(file, str) else file for file in files)
    return opened if requests[0].join is None else _with_labels(opened, requests[0])


def _with_labels(preds: tuple[Source, ...], request: Request) -> tuple[Source, ...]:
    """The inputs with the labels that lie elsewhere; as they are, where these are there already."""
    from lossctl.readers.aligned import WithLabels
    from lossctl.readers.join import joined

    if isinstance(preds[0], WithLabels):
        return preds
    assert request.join is not None
    given = request.join.labels_from
    labels = tuple(open_source(entry, request.read) if isinstance(entry, str) else entry for entry in given)
    return joined(preds, labels, request.join, request.on_bad == "drop")


def across_the_join(
    source: Source, selectors: Mapping[str, str | tuple[str, ...]], losses: Sequence[BoundLoss]
) -> Mapping[str, str | tuple[str, ...]]:
    """The selectors, with labels and preds that were not named found among the columns of their own files.

    Raises:
        UsageError: no candidate, or several.
    """
    from lossctl.readers.aligned import WithLabels

    assert isinstance(source, WithLabels)
    wanted = {role.name for bound in losses for role in bound.loss.roles}
    named = {name for said in selectors.values() for name in ([said] if isinstance(said, str) else said)}
    found = dict(selectors)
    if "preds" in wanted and "preds" not in selectors:
        shown = {inner: name for name, inner in source.own.items() if name not in named}
        preds = find_preds([column for column in source.inner.columns() if column.name in shown])
        found["preds"] = tuple(shown[name] for name in preds.columns)
    if "labels" in wanted and "labels" not in selectors:
        columns = source.labels.columns()
        left = [column for column in columns if column.name not in named]
        found["labels"] = (left[0].name,) if len(columns) == len(left) == 1 else find_labels(left, None).columns
    return found


def _arrays(request: Request) -> Iterator[tuple[str, str]]:
    for role, selector in request.roles.items():
        if isinstance(selector, str) and selector.endswith(".npy"):
            yield role, selector


def choose(
    columns: Sequence[ColumnInfo], selectors: Mapping[str, str | tuple[str, ...]], losses: Sequence[BoundLoss]
) -> dict[str, Chosen]:
    """The columns of every role that the losses read, and of the weights.

    Raises:
        UsageError: a role without columns, or with several candidates, or a role that no loss reads.
    """
    wanted = list(dict.fromkeys(role.name for bound in losses for role in bound.loss.roles))
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


def _class_order(
    given: tuple[str, ...] | None, columns: Sequence[ColumnInfo], chosen: dict[str, Chosen]
) -> tuple[dict[str, Chosen], tuple[str, ...] | None]:
    """Preds in class order, and the classes where the labels are names."""
    if not {"labels", "preds"} <= chosen.keys():
        return chosen, None
    kinds = {column.name: column.kind for column in columns}
    preds = chosen["preds"]
    endings = tuple(ending(name) for name in preds.columns)
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
    text = kinds[labels[0]] == "string"
    if given is not None:
        # whole numbers are indices, unless the classes are themselves called by numbers
        numbers = kinds[labels[0]] in ("integer", "float") and not all(name.isdecimal() for name in given)
        return chosen, None if numbers else given
    return chosen, endings if text and named else None


def with_text(sources: tuple[Source, ...], names: tuple[str, ...]) -> tuple[Source, ...]:
    """The sources with some columns read as text, where a format leaves that open."""
    if not names:
        return sources
    return tuple(s.with_text(frozenset(names)) if hasattr(s, "with_text") else s for s in sources)


def _same_columns(source: Source, first: Source, needed: Sequence[str]) -> None:
    there = [column.name for column in source.columns()]
    for name in needed:
        if name not in there:
            raise DataError(f"{source.path} has no column {name!r}, which {first.path} has {listing(there)}")


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
            values = chunk.values[name].drop_null()  # type: ignore[union-attr]
            if len(values):
                return len(values[0])
    return 1


def _refuse_whole(losses: Sequence[Settled], reduction: str | None) -> None:
    """Refuse to reduce a loss of the whole file: it has no value a row. Frameworks' own words change nothing there."""
    for settled in losses:
        ours = reduction is not None and settled.asked.loss.framework is None
        if settled.core.loss.parts and (reduction == "none" or ours):
            raise UsageError(
                f"{settled} is one number of the whole file and has no value a row, so no --reduction {reduction}"
            )


def _class_names(chosen: dict[str, Chosen]) -> tuple[str, ...]:
    return tuple(map(ending, chosen["preds"].columns)) if "preds" in chosen else ()


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


def fit(losses: Sequence[Settled], widths: dict[str, int]) -> bool:
    """Whether labels are class indices to be read as one-hot rows.

    Raises:
        UsageError: columns that do not fit a loss.
    """
    one_hot = False
    for settled in losses:
        core = settled.core
        _numbers_for_each(core, widths)
        if core.loss.elementwise:
            _same_width(core, widths, [role.name for role in core.loss.roles])
        else:
            one_hot |= _fit_rows(core, widths)
        if widths.get("weights", 1) not in (1, settled.width if settled.elements else 1):
            raise UsageError(f"-w/--weights takes one column for {settled}, a weight a row")
        if settled.reweighted and widths.get("labels", 0) == 0:
            raise UsageError(f"--class-weights: {settled} has no labels")
    return one_hot


def _numbers_for_each(core: BoundLoss, widths: dict[str, int]) -> None:
    """Refuse one number where every column needs its own."""
    width = max((widths[role.name] for role in core.loss.roles if role.shape == "vector"), default=1)
    for option in core.loss.options:
        value = core.options[option.name]
        if option.param.each and width != (len(value) if isinstance(value, tuple) else 1):
            raise UsageError(f"{core.loss.name}: {option.flag} needs a number for each of {width} columns, got {value}")


def _fit_rows(core: BoundLoss, widths: dict[str, int]) -> bool:
    """The same for one loss over rows."""
    name, vectors = core.loss.name, [role for role in core.loss.roles if role.shape == "vector"]
    needed = max((widths[role.name] for role in vectors), default=0)
    for role in core.loss.roles:
        width = widths[role.name]
        if role.shape == "index" and needed < 2:
            raise UsageError(f"{name} reads a prediction a class, preds has {needed} column; name them with -p/--preds")
        if role.shape == "index" and width != 1:
            raise UsageError(
                f"{name} reads one column of class indices, {role.name} has {width} columns; "
                "for one-hot labels take categorical_crossentropy"
            )
        if role.shape == "scalar" and width != 1:
            raise UsageError(f"{name} reads one column of {role.name}, there are {width}")
    labels = next((role for role in vectors if role.name == "labels"), None)
    if labels and widths["labels"] == 1 < needed and core.domain("labels").sums_to_one:
        _same_width(core, widths, [role.name for role in vectors if role is not labels])
        return True
    if core.loss.fits is not None:
        wrong = core.loss.fits(widths)
        if wrong:
            raise UsageError(f"{name}: {wrong}")
    else:
        _same_width(core, widths, [role.name for role in vectors])
    return False


def _same_width(core: BoundLoss, widths: dict[str, int], roles: list[str]) -> None:
    for role in roles:
        if widths[role] != widths[roles[-1]]:
            one, other = widths[role], widths[roles[-1]]
            raise UsageError(
                f"{core.loss.name} pairs {role} with {roles[-1]}, but they have {one} and {other} columns: "
                "rows are never broadcast"
            )
