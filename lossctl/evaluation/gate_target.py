"""What a gate judges, such as "huber.slice(region).worst.count", from text to its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from lossctl.errors import UsageError, nearest

# a result's document: as `Report.to_dict` gives it, or as it was read from JSON
Document = Mapping[str, Any]
Kind = Literal["loss", "rows", "warning", "document"]

# the keys of a result that hold a number, or a mapping of some
FIELDS = (
    *("value", "mean", "sum", "count", "weight_sum", "denominator", "stderr", "min", "max", "median", "guarded"),
    *("worst_share", "ci", "bootstrap", "clip", "decomposition"),
    *("diff", "difference", "p_adjusted", "wins", "losses", "ties"),
)
ROWS = ("read", "used", "filtered", "dropped")
# what stands in the document beside the results
DOCUMENT = ("join", "calibration")
PICKS = ("worst", "best", "spread", "any", "all")
# the reduced value; `mean` says that it is no sum
VALUE = (("value",), ("mean",))
# what is no share of anything
COUNTS = ("count", "wins", "losses", "ties", "replicates")
SHORT = {
    "diff": ("difference", "value"),
    "p_adjusted": ("difference", "p_adjusted"),
    "worst_share": ("worst_share", "share"),
    "median": ("quantiles", "1/2"),
    "wins": ("difference", "wins"),
    "losses": ("difference", "losses"),
    "ties": ("difference", "ties"),
}
NUMBERS = ("value", "mean", "sum", "count", "weight_sum", "denominator", "stderr", "min", "max", "median", "p_adjusted")
SEGMENT = re.compile(
    r"""`(?:[^`]|``)+`
    | (?:slice|warning)\((?:[^()`'"]|`(?:[^`]|``)+`|'(?:[^']|'')*'|"(?:[^"]|"")*")*\)
    | [^.`()]+""",
    re.VERBOSE,
)
PART = r"""(?:[^*`'"]|`(?:[^`]|``)+`|'(?:[^']|'')*'|"(?:[^"]|"")*")+"""
COLUMN = re.compile(
    r"""\s*(?P<name>`(?:[^`]|``)+`|[^`'"=:]+?)\s*
    (?P<how>:\s*(?:quantile|width|edges)\s*=[^='"]+?|:\s*\w+)?\s*
    (?:==?\s*(?P<value>'(?:[^']|'')*'|"(?:[^"]|"")*"|[^'"`=]+?))?\s*""",
    re.VERBOSE,
)
QUANTILE = re.compile(r"[qp]\d+")


class Wanted(NamedTuple):
    """The value of a slice's column, as it was written; null is none, unless it is quoted."""

    text: str
    quoted: bool = False

    def is_of(self, found: object) -> bool:
        """Whether a slice with this value is meant."""
        if found is None:
            return self.text == "null" and not self.quoted
        if isinstance(found, bool):
            return self.text.lower() == str(found).lower()
        if isinstance(found, int | float) and not self.quoted:
            try:
                return float(self.text) == found
            except ValueError:
                return self.text == str(found)
        return self.text == str(found)


class Column(NamedTuple):
    """A column of slices: its name, how it is cut (":width=10", or nothing), and the one value that is meant."""

    name: str
    how: str = ""
    value: Wanted | None = None

    @property
    def text(self) -> str:
        """As --by has it."""
        return self.name + self.how


class Target(NamedTuple):
    """What is compared.

    Attributes:
        text: as it was written.
        kind: of a loss, of the rows, a warning, or of the document beside them.
        path: the keys that lead to the number; a quantile's level is a fraction behind "quantiles".
        owner: the loss, or the model, or both; empty where there is one only.
        columns: those of the slices; none for the whole.
        pick: which of the slices; empty for the one whose values are told.
    """

    text: str
    kind: Kind
    path: tuple[str, ...]
    owner: str = ""
    columns: tuple[Column, ...] = ()
    pick: str = ""

    @property
    def estimate(self) -> bool:
        """Whether it is of the kind that has an interval."""
        return self.kind == "loss" and self.path in (*VALUE, ("difference", "value")) and self.pick != "spread"


def target_of(text: str, place: str) -> Target:
    """The parts of a target.

    Args:
        text: as the gate has it.
        place: what errors begin with.

    Raises:
        UsageError: no such field, or slices that are not told apart.
    """
    segments = SEGMENT.findall(text)
    sliced = next((k for k, segment in enumerate(segments) if segment.startswith("slice(")), None)
    if sliced is not None:
        return _sliced(text, segments, sliced, place)
    if segments[0].startswith("warning("):
        if len(segments) > 1:
            raise UsageError(f"{place}{segments[0]} is a count; nothing stands behind it")
        return Target(text, "warning", (segments[0][len("warning(") : -1].strip(),))
    beside = _beside(text, segments, place)
    if beside is not None:
        return beside
    first = next((k for k, segment in enumerate(segments) if _is_field(segment)), None)
    if first is None:
        raise UsageError(f"{place}{_no_field(segments)}")
    return Target(text, "loss", path_of(segments[first:], place), _joined(segments[:first]))


def _beside(text: str, segments: list[str], place: str) -> Target | None:
    """A target that is no loss's; None for others."""
    head, *rest = segments
    if head in DOCUMENT:
        if not rest:
            raise UsageError(f"{place}{head} has several numbers; say which, as {head}.KEY")
        return Target(text, "document", tuple(segments))
    path = rest if head == "rows" else segments
    if head != "rows" and head not in ROWS:
        return None
    if not path or path[0] not in ROWS or len(path) > 1 + (path[0] == "dropped"):
        near = nearest(path[0], ROWS) if path else ""
        raise UsageError(f"{place}{text}: rows are {', '.join(ROWS)} or dropped.REASON{near}")
    return Target(text, "rows", tuple(path))


def _sliced(text: str, segments: list[str], at: int, place: str) -> Target:
    columns = _columns(segments[at][len("slice(") : -1], place)
    rest = segments[at + 1 :]
    pick = rest[0] if rest and rest[0] in PICKS else ""
    fields = rest[1:] if pick else rest
    if not pick and (not rest or any(column.value is None for column in columns)):
        one = (
            f"a field such as {segments[at]}.mean" if all(column.value for column in columns) else "the slice's values"
        )
        near = nearest(rest[0], PICKS) if rest else ""
        raise UsageError(f"{place}{text}: which of the slices? write {_listed(PICKS)} behind it, or {one}{near}")
    if fields and not _is_field(fields[0]):
        raise UsageError(f"{place}{_no_field(fields[:1])}")
    if pick == "spread" and fields not in ([], ["value"], ["mean"]):
        raise UsageError(f"{place}{text}: the spread is of the values; nothing stands behind it")
    path = path_of(fields or ["value"], place)
    return Target(text, "loss", path, _joined(segments[:at]), columns, pick)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f".{name}" for name in names)


def _columns(text: str, place: str) -> tuple[Column, ...]:
    parts = re.findall(PART, text) if re.fullmatch(rf"{PART}(?:\*{PART})*", text) else [""]
    found = [COLUMN.fullmatch(part) for part in parts]
    if not all(found):
        raise UsageError(f"{place}slice({text}): expected columns as --by has them, such as slice(region*age:width=10)")
    return tuple(
        Column(_unquoted(one["name"]), re.sub(r"\s", "", one["how"] or ""), _wanted(one["value"]))
        for one in found
        if one
    )


def _wanted(text: str | None) -> Wanted | None:
    if text is None or text[0] not in "'\"":
        return None if text is None else Wanted(text)
    return Wanted(text[1:-1].replace(text[0] * 2, text[0]), quoted=True)


def path_of(fields: list[str], place: str) -> tuple[str, ...]:
    """The keys that a field stands for.

    >>> path_of(["diff", "p"], ""), path_of(["p99", "9"], "")
    (('difference', 'p'), ('quantiles', '999/1000'))
    """
    head, *rest = fields
    if QUANTILE.fullmatch(head):
        if len(rest) > 1 or not all(part.isdecimal() for part in rest):
            raise UsageError(f"{place}{'.'.join(fields)}: a quantile is q0.99 or p99")
        level = Fraction(".".join([head[1:], *rest])) / (100 if head[0] == "p" else 1)
        if not 0 <= level <= 1:
            raise UsageError(f"{place}{'.'.join(fields)}: a quantile's level is from q0 to q1, or from p0 to p100")
        return ("quantiles", str(level))
    if head == "diff" and rest:
        return ("difference", *rest)
    if rest and head in NUMBERS:
        raise UsageError(f"{place}{head} is a number; .{'.'.join(rest)} cannot stand behind it")
    return (head, *rest) if rest else SHORT.get(head, (head,))


def _is_field(segment: str) -> bool:
    return segment in FIELDS or QUANTILE.fullmatch(segment) is not None


def _no_field(segments: list[str]) -> str:
    last = segments[-1]
    known = (*FIELDS, "q0.99", "p99", "dropped", "rows.read", "rows.used")
    near = nearest(last, known) or f"; there are {', '.join(known)}"
    return f"no field {last!r}{near}"


def _joined(segments: list[str]) -> str:
    return ".".join(map(_unquoted, segments))


def _unquoted(text: str) -> str:
    return text[1:-1].replace("``", "`") if text.startswith("`") else text
