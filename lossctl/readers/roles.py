"""Which columns play which role: what the call names, or else what the columns' own names say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from lossctl.errors import UsageError, nearest
from lossctl.readers.source import ColumnInfo

LABEL_NAMES = ("y_true", "label", "labels", "target", "y", "class")
PRED_NAMES = (
    *("y_pred", "pred", "preds", "prediction", "predictions"),
    *("prob", "proba", "probs", "score", "logit", "logits", "p", "q", "yhat"),
)
# what follows a known name in that of one of several such columns
MEMBER = re.compile(r"[_.].|\d+$")
FLAGS = {
    "labels": "-y/--labels",
    "preds": "-p/--preds",
    "weights": "-w/--weights",
    "mask": "--mask",
    "pred_ids": "--pred-ids",
}


class Chosen(NamedTuple):
    """The columns of a role, in order, and why they were taken; `behind` is what their names had put behind them."""

    columns: tuple[str, ...]
    why: str
    behind: str = ""

    @property
    def endings(self) -> tuple[str, ...]:
        """What follows the family's prefix in each name: the classes' numbers or names."""
        return tuple(ending(name.removesuffix(self.behind)) for name in self.columns)


def natural(name: str) -> list[tuple[int, int, str]]:
    """A sort key under which p2 comes before p10."""
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(part), "") if i % 2 else (1, 0, part) for i, part in enumerate(parts)]


def flag_of(role: str) -> str:
    """The flag that names a role's columns."""
    return FLAGS.get(role, f"--role {role}=COLUMNS")


def select(selector: str | tuple[str, ...], columns: Sequence[ColumnInfo], flag: str) -> Chosen:
    """The columns that a name, a comma list or a glob picks, or names apart from each other.

    Raises:
        UsageError: a part that picks no column, or one picked twice.
    """
    names = [column.name for column in columns]
    known = frozenset(names)
    if isinstance(selector, str) and selector in known:
        return Chosen((selector,), "named")
    picked: list[str] = []
    for part in _parts(selector):
        found = [part] if part in known else sorted((n for n in names if fnmatchcase(n, part)), key=natural)
        if not found:
            fields = [name for name in names if name.startswith(f"{part}.")]
            if fields:
                raise UsageError(
                    f"{flag}: column {part!r} holds structs, which are no numbers; name a field {listing(fields)}"
                )
            raise UsageError(f"{flag}: no column {part!r}{nearest(part, names)} {listing(names)}")
        picked += found
    repeated = {name for name, count in Counter(picked).items() if count > 1}
    if repeated:
        raise UsageError(f"{flag}: column {sorted(repeated)[0]!r} is picked twice")
    return Chosen(tuple(picked), "named")


def again(chosen: Chosen, selector: str | tuple[str, ...] | None, columns: Sequence[ColumnInfo]) -> tuple[str, ...]:
    """What the glob or the family that chose some columns picks among those of another file."""
    names = [column.name for column in columns]
    if selector is None:
        prefixes = {_prefix(name, (*LABEL_NAMES, *PRED_NAMES)) for name in chosen.columns}
        families = _families(names, tuple(filter(None, prefixes))) if len(chosen.columns) > 1 else {}
        return tuple(name for members in families.values() for name in members)
    taken = frozenset(chosen.columns)
    globs = [part for part in _parts(selector) if part not in taken]
    return tuple(name for part in globs for name in names if fnmatchcase(name, part))


def _parts(selector: str | tuple[str, ...]) -> list[str]:
    return [part.strip() for part in selector.split(",")] if isinstance(selector, str) else list(selector)


def listing(names: Iterable[str]) -> str:
    """The columns there are, for an error."""
    every = list(names)
    shown = ", ".join(name if name.isprintable() else repr(name) for name in every[:30]) + (
        f", ... ({len(every)} in all)" if len(every) > 30 else ""
    )
    return f"(columns: {shown})"


def find_labels(columns: Sequence[ColumnInfo], preds: Chosen | None) -> Chosen:
    """The labels' columns by name.

    Raises:
        UsageError: no candidate, or several.
    """
    taken = frozenset(preds.columns if preds else ())
    names = [column.name for column in columns if column.name not in taken]
    return _only(labels_candidates(columns, preds), "labels", names)


def labels_candidates(columns: Sequence[ColumnInfo], preds: Chosen | None) -> list[Chosen]:
    """All that the labels could be, by name."""
    taken = frozenset(preds.columns if preds else ())
    columns = [column for column in columns if column.name not in taken]
    names = [column.name for column in columns]
    endings = set(preds.endings) if preds and len(preds.columns) > 1 else set()
    found = _exact(columns, LABEL_NAMES)
    for prefix, members in _families(names, LABEL_NAMES).items():
        numbered = all(ending(name).isdecimal() for name in members)
        if numbered or {ending(name) for name in members} == endings:
            found.append(Chosen(tuple(members), f"the columns {prefix}*"))
    return found


def find_preds(columns: Sequence[ColumnInfo]) -> Chosen:
    """The preds' columns by name.

    Raises:
        UsageError: no candidate, or several.
    """
    return _only(preds_candidates(columns), "preds", [column.name for column in columns])


def preds_candidates(columns: Sequence[ColumnInfo]) -> list[Chosen]:
    """All that the preds could be, by name."""
    families = _families([column.name for column in columns], PRED_NAMES)
    found = [Chosen(tuple(members), f"the columns {prefix}*") for prefix, members in families.items()]
    return [*_exact(columns, PRED_NAMES), *found]


def find_role(role: str, columns: Sequence[ColumnInfo]) -> Chosen:
    """The columns of any other role: one of its name, or those that are called `role_0`, `role_1`, ...

    Raises:
        UsageError: there are none.
    """
    names = [column.name for column in columns]
    if role in names:
        return Chosen((role,), "its name")
    family = sorted((name for name in names if re.match(rf"{role}_?\d+$", name)), key=natural)
    if not family:
        raise UsageError(f"role {role} has no columns; name them with {flag_of(role)} {listing(names)}")
    return Chosen(tuple(family), f"the columns {role}*")


def ending(name: str) -> str:
    """What follows a family's prefix, a known one where there is one: the class's number or name.

    >>> ending("p_cat"), ending("prob12")
    ('cat', '12')
    """
    known = _prefix(name, (*LABEL_NAMES, *PRED_NAMES))
    match = re.fullmatch(r"(?:[_.](.+)|(\d+))", name[len(known) :]) if known else None
    match = match or re.fullmatch(r".*?[^\W\d_](?:[_.](.+)|(\d+))", name)
    return (match[1] or match[2]) if match else name


def _prefix(name: str, known: tuple[str, ...]) -> str | None:
    """The longest known name that a column's name starts with, before a number, or a `_` or `.` and more."""
    lowered = name.lower()
    return max((k for k in known if lowered.startswith(k) and MEMBER.match(lowered, len(k))), key=len, default=None)


def _exact(columns: Sequence[ColumnInfo], known: tuple[str, ...]) -> list[Chosen]:
    """Columns of a known name; where there is none, fields of structs that have one."""
    found = [Chosen((c.name,), "its name") for c in columns if c.name.lower() in known]
    return found or [Chosen((c.name,), "its name") for c in columns if c.name.lower().rpartition(".")[2] in known]


def _families(names: Sequence[str], known: tuple[str, ...]) -> dict[str, list[str]]:
    families: dict[str, list[str]] = {}
    taken = {*LABEL_NAMES, *PRED_NAMES}
    for name in names:
        if name.lower() in taken:
            continue
        # y_pred_0 belongs to y_pred, not to y
        prefix = _prefix(name, (*LABEL_NAMES, *PRED_NAMES))
        if prefix in known:
            families.setdefault(prefix, []).append(name)
    return {prefix: sorted(found, key=natural) for prefix, found in families.items() if len(found) > 1}


def _only(found: list[Chosen], role: str, names: Sequence[str]) -> Chosen:
    if len(found) == 1:
        return found[0]
    flag = flag_of(role)
    if not found:
        raise UsageError(f"no column looks like {role}; name them with {flag} {listing(names)}")
    candidates = " or ".join(", ".join(c.columns[:3]) + ("..." if len(c.columns) > 3 else "") for c in found)
    raise UsageError(f"{role} could be {candidates}; say which with {flag} {listing(names)}")
