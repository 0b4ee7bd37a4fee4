"""What is odd about files before any loss is chosen: columns that differ between them, ids that repeat, and such."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from lossctl.evaluation.examine import Problem
from lossctl.evaluation.looks import IDS, bounds, classes_of
from lossctl.readers.roles import Chosen, ending, listing

if TYPE_CHECKING:
    from lossctl.evaluation.gather import Found, Reading
    from lossctl.evaluation.suggest import Role
    from lossctl.readers.source import ColumnInfo

Roles = Mapping[str, "Chosen | str"]


def oddities(
    reading: Reading,
    found: Found,
    infos: Sequence[ColumnInfo],
    roles: Roles,
    role_of: Callable[[Sequence[str]], Role],
) -> list[Problem]:
    """All of them, the files' first."""
    odd = [*_missing(reading, roles), *_types(reading), *_lists(found, roles), *_ids(found)]
    labels, preds = roles["labels"], roles["preds"]
    if isinstance(preds, Chosen):
        odd += _percentages(role_of(preds.columns))
    if isinstance(labels, Chosen) and isinstance(preds, Chosen):
        odd += _labels(role_of(labels.columns), role_of(preds.columns))
    return odd


def _chosen(roles: Roles) -> list[str]:
    return [name for chosen in roles.values() if isinstance(chosen, Chosen) for name in chosen.columns]


def _missing(reading: Reading, roles: Roles) -> list[Problem]:
    """Columns that some files have and others lack."""
    sets = [{info.name: None for info in infos} for infos in reading.columns]
    every = {name: None for names in sets for name in names}
    needed = set(_chosen(roles))
    odd = []
    for source, names in zip(reading.sources, sets, strict=True):
        lacking = [name for name in every if name not in names]
        if not lacking:
            continue
        used = [name for name in lacking if name in needed]
        first = (used or lacking)[0]
        other = next(s.path for s, some in zip(reading.sources, sets, strict=True) if first in some)
        count = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        message = f"{source.path} has no column {first!r}{count}, which {other} has"
        arrays = all(s.format == "npy" for s in reading.sources)
        help = (
            "name arrays in the roles, as -y y.npy -p p.npy" if arrays else "name columns that all files have: -y, -p"
        )
        odd.append(Problem("column_missing", len(lacking), message, help, bool(used), source.path, None, first))
    return odd


def _types(reading: Reading) -> list[Problem]:
    """Columns whose kind differs between files."""
    kinds: dict[str, dict[str, tuple[str, str]]] = {}
    for source, infos in zip(reading.sources, reading.columns, strict=True):
        for info in infos:
            alike = "number" if info.kind in ("integer", "float", "boolean") else info.kind
            kinds.setdefault(info.name, {}).setdefault(alike, (source.path, info.type))
    odd = []
    for name, found in kinds.items():
        if len(found) > 1:
            (one, first), (other, second) = list(found.values())[:2]
            message = f"column {name!r} is {first} in {one} and {second} in {other}"
            odd.append(Problem("type_differs", len(found), message, "", False, other, None, name))
    return odd


def _lists(found: Found, roles: Roles) -> list[Problem]:
    odd = []
    chosen = set(_chosen(roles))
    for name, column in found.columns.items():
        if column.narrowest is not None and column.narrowest != column.widest:
            message = (
                f"column {name!r} holds lists of {column.narrowest} to {column.widest} numbers, expected one length"
            )
            odd.append(Problem("list_lengths", 1, message, "", name in chosen, None, None, name))
    return odd


def _ids(found: Found) -> list[Problem]:
    """Columns that are called ids and repeat themselves."""
    odd = []
    for name, column in found.columns.items():
        if not IDS.fullmatch(name) or column.distinct is None:
            continue
        (different, exact), present = column.distinct, column.rows - column.nulls
        if different == present if exact else different >= 0.88 * present:
            continue
        repeated = present - different
        about = "" if exact else "about "
        message = f"{about}{repeated:,} of {present:,} values of {name!r} repeat another: it looks like an id"
        odd.append(Problem("duplicate_id", repeated, message, "", False, None, None, name))
    return odd


def _percentages(preds: Role) -> list[Problem]:
    if not preds.percentages:
        return []
    message = f"rows of {preds.names[0]} … {preds.names[-1]} sum to 100: percentages, where losses expect probabilities"
    rows = preds.sums.rows if preds.sums else 0
    return [Problem("percentages", rows, message, "--scale 0.01", True, None, None, preds.names[0])]


def _labels(labels: Role, preds: Role) -> list[Problem]:
    """Labels that count from one, or names that no classes are told for."""
    y, name = labels.every, labels.names[0]
    if labels.width > 1 or preds.width < 2:
        return []
    if "text" in y.shapes:
        endings = tuple(map(ending, preds.names))
        unnamed = len(endings) == 1 or all(one.isdecimal() for one in endings)
        if not unnamed:
            return []
        message = f"the labels {name!r} are texts, and the preds' columns name no classes"
        help = "--classes a,b,c gives the names in the order of the preds"
        names = f" {listing(sorted(map(str, y.counts)))}".replace("columns", "found") if y.counts else ""
        return [Problem("text_labels", y.rows - y.nulls, message + names, help, True, None, None, name)]
    least, most = bounds(y)
    if y.whole and least == 1 and most == preds.width and classes_of(y) is not None:
        message = f"the labels look one-based (1 to {preds.width}), where classes count from 0"
        return [Problem("one_based_labels", y.numbers, message, "--label-base 1", True, None, None, name)]
    return []
