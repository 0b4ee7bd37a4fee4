"""Losses that fit what the columns look like, with the flags that they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lossctl.errors import UsageError
from lossctl.evaluation.column import Column, RowSums
from lossctl.evaluation.looks import FEW, LOGITS, LOGS, bounds, classes_of, meant_as_probabilities, merged
from lossctl.readers.roles import Chosen, ending, labels_candidates, preds_candidates, select
from lossctl.readers.source import ColumnInfo

# commands at the most
MOST = 3
SQUARED, ABSOLUTE = "mean_squared_error", "mean_absolute_error"
# elements of a command line beyond which a list of columns is no help
MOST_NAMED = 50


class Suggestion(NamedTuple):
    """Losses for some columns.

    Attributes:
        selectors: role to what is said of it; empty where names alone tell.
        flags: further words of the command, such as "--from-logits".
        note: what is taken for granted, where something is.
    """

    losses: tuple[str, ...]
    chosen: Mapping[str, Chosen]
    selectors: Mapping[str, str]
    flags: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None
    note: str = ""


class Role(NamedTuple):
    """A role's columns as one: all their values, how many numbers a row has, the sums of its rows."""

    names: tuple[str, ...]
    every: Column
    width: int
    sums: RowSums | None

    @property
    def one_hot(self) -> bool:
        """Every row holds zeros and a single one."""
        return self.sums is not None and self.sums.rows > 0 and self.sums.hot == self.sums.rows and self.every.whole

    @property
    def sums_to_one(self) -> bool:
        """Most rows add up to one."""
        return self.sums is not None and self.sums.rows > 0 and 2 * self.sums.off <= self.sums.rows

    @property
    def scale(self) -> str:
        """probability, log or real."""
        if self.percentages:
            return "probability"
        name = self.names[0]
        few = self.every.outside <= FEW * self.every.numbers and not LOGITS.fullmatch(name)
        if few or meant_as_probabilities(name, self.every):
            return "probability"
        rows = self.every.numbers / max(self.width, 1)
        logs = self.sums is not None and self.sums.log_off <= 0.05 * rows and self.width > 1
        return "log" if bounds(self.every)[1] <= 0 and (logs or LOGS.fullmatch(name)) else "real"

    @property
    def percentages(self) -> bool:
        """Rows add up to a hundred."""
        sums = self.sums
        return sums is not None and sums.rows > 0 and abs(sums.least - 100) <= 1 and abs(sums.most - 100) <= 1


def role_of(names: Sequence[str], columns: Mapping[str, Column], sums: Mapping[tuple[str, ...], RowSums]) -> Role:
    """Some columns as a role."""
    members = [columns[name] for name in names]
    listed = members[0].widest if len(members) == 1 and "list" in members[0].shapes else None
    found = members[0].sums if listed is not None else sums.get(tuple(names))
    return Role(tuple(names), merged(members), listed or len(names), found)


def candidates(
    infos: Sequence[ColumnInfo], selectors: Mapping[str, str], roles: Mapping[str, Chosen | str]
) -> list[tuple[dict[str, Chosen], dict[str, str]]]:
    """The pairs of labels and preds that there may be, each with the selectors that tell them."""
    preds = [roles["preds"]] if isinstance(roles["preds"], Chosen) else preds_candidates(infos)
    found = []
    for p in preds if "preds" not in selectors or isinstance(roles["preds"], Chosen) else []:
        if isinstance(roles["labels"], Chosen):
            labels = [roles["labels"]]
        else:
            labels = [] if "labels" in selectors else labels_candidates(infos, p)
        for y in labels:
            said = dict(selectors)
            if isinstance(roles["preds"], str):
                said["preds"] = selector(p, infos)
            if isinstance(roles["labels"], str):
                said["labels"] = selector(y, infos)
            if all(said.values()) and not set(y.columns) & set(p.columns):
                found.append(({"labels": y, "preds": p}, said))
    return found[:MOST]


def selector(chosen: Chosen, infos: Sequence[ColumnInfo]) -> str:
    """What picks just these columns: a name, a glob or a list; empty where there is nothing short."""
    names = chosen.columns
    prefix = names[0][: len(names[0]) - len(ending(names[0]))]
    listed = ",".join(names) if len(names) <= MOST_NAMED else ""
    for text in (names[0] if len(names) == 1 else f"{prefix}*", listed):
        try:
            if text and select(text, infos, "").columns == names:
                return text
        except UsageError:
            continue
    return ""


def suggested(pair: dict[str, Chosen], said: dict[str, str], labels: Role, preds: Role) -> list[Suggestion]:
    """The losses that fit a pair; none where nothing is known to."""
    classes, note = _classes(labels, preds)
    losses, flags = _losses(labels, preds, classes is not None)
    if not losses:
        return []
    if classes is not None and note:
        flags = (*flags, "--classes", ",".join(classes))
    return [Suggestion(losses, pair, said, flags, classes if note else None, note)]


def _classes(labels: Role, preds: Role) -> tuple[tuple[str, ...] | None, str]:
    """The names of text labels, and what is taken for granted of their order."""
    counts = labels.every.counts
    if "text" not in labels.every.shapes or labels.width > 1 or counts is None:
        return None, ""
    names = tuple(sorted(map(str, counts)))
    endings = tuple(map(ending, preds.names))
    if len(endings) > 1 and not all(name.isdecimal() for name in endings):
        return endings, ""
    if len(names) != max(preds.width, 2) or any("," in name or name != name.strip() for name in names):
        return None, ""
    return names, "the order of the classes is a guess: the alphabet's"


def _losses(labels: Role, preds: Role, named: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Losses and flags."""
    if not preds.every.numbers or not (labels.every.numbers or named):
        return (), ()
    if preds.width > 1 and labels.width == 1:
        return _one_label_of_many(labels, preds, named)
    if preds.width > 1 and labels.width == preds.width:
        return _a_label_each(labels, preds)
    if preds.width == 1 == labels.width:
        return _one_to_one(labels.every, preds, named)
    return (), ()


def _one_label_of_many(labels: Role, preds: Role, named: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    y = labels.every
    least, most = bounds(y)
    if named or ("text" not in y.shapes and y.whole and least >= 0 and most <= preds.width):
        if preds.scale == "log":
            return ("torch.NLLLoss",), ()
        if preds.scale == "probability":
            return ("sparse_categorical_crossentropy", "multiclass_brier_score"), ()
        return ("sparse_categorical_crossentropy",), ("--from-logits",)
    if y.whole or "text" in y.shapes:
        return (), ()
    levels = _levels(preds.names)
    if levels:
        return ("crps_quantile",), ("--levels", ",".join(levels))
    return (), ()


def _levels(names: Sequence[str]) -> list[str]:
    """q_5, q_50, q_95 as 0.05, 0.5, 0.95; nothing for other names."""
    endings = [ending(name) for name in names]
    if not all(name[0] in "qQ" for name in names) or not all(e.isdecimal() and 0 < int(e) < 100 for e in endings):
        return []
    return [f"{int(e) / 100:g}" for e in endings]


def _a_label_each(labels: Role, preds: Role) -> tuple[tuple[str, ...], tuple[str, ...]]:
    y, scale = labels.every, preds.scale
    least, most = bounds(y)
    shares = least >= 0 and most <= 1
    if shares and labels.sums_to_one and (labels.one_hot or preds.sums_to_one or scale != "probability"):
        if scale == "log":
            return ("torch.KLDivLoss",), ()
        return ("categorical_crossentropy",), ("--from-logits",) if scale == "real" else ()
    if shares and scale != "log":
        return ("binary_crossentropy",), ("--from-logits",) if scale == "real" else ()
    return (SQUARED, ABSOLUTE), ()


def _one_to_one(y: Column, preds: Role, named: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    p, binary = preds.every, y.counts is not None and set(y.counts) <= {0, 1}
    if named or binary:
        if preds.scale == "probability":
            return ("binary_crossentropy", SQUARED), ()
        return (("binary_crossentropy",), ("--from-logits",)) if preds.scale == "real" and not p.whole else ((), ())
    if "text" in y.shapes:
        return (), ()
    if y.counts is not None and set(y.counts) == {-1, 1}:
        return (("binary_brier_score",), ()) if preds.scale == "probability" else (("hinge", "soft_margin"), ())
    if p.whole and y.whole and classes_of(y) and p.counts is not None:
        return ("zero_one",), ()
    return (SQUARED, ABSOLUTE), ()
