"""What files hold: every column with its counts, range and looks, and what `eval` would make of them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from lossctl.catalogue.spec import bind_all
from lossctl.errors import LossctlError, UsageError
from lossctl.evaluation.column import Column, RowSums
from lossctl.evaluation.examine import Examined, Problem, examined, problems_of
from lossctl.evaluation.gather import Found, Progress, Reading, gathered
from lossctl.evaluation.looks import family_looks_like, looks_like
from lossctl.evaluation.oddities import oddities
from lossctl.evaluation.opening import open_all
from lossctl.evaluation.plan import Plan, plan
from lossctl.evaluation.request import Request
from lossctl.evaluation.result import SCHEMA_VERSION, InputFile
from lossctl.evaluation.suggest import MOST, Role, Suggestion, candidates, role_of, suggested
from lossctl.readers.places import ReadSettings
from lossctl.readers.roles import Chosen, find_labels, find_preds, select
from lossctl.readers.sampled import sampled
from lossctl.readers.source import ColumnInfo, Source

# different values up to which they are listed
LISTED = 20


class Remedy(NamedTuple):
    """What makes the numbers of a file those that losses read: a word of the call with its value, and its flag."""

    word: str
    value: Any
    flag: str


# by the problem that calls for it
REMEDIES = {
    "one_based_labels": Remedy("label_base", 1, "--label-base 1"),
    "percentages": Remedy("pred_scale", 0.01, "--scale 0.01"),
}


class ColumnSummary(NamedTuple):
    """A column over all rows.

    Attributes:
        type: as the first file that has it declares it.
        types: each type that some file declares, with the first file of it; of one alone, empty.
        family: the prefix that it shares with others; empty for none.
    """

    name: str
    type: str
    kind: str
    width: int | None
    found: Column
    looks_like: str
    types: Mapping[str, str]
    family: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        found, different = self.found, self.found.distinct
        return {
            "name": self.name,
            "type": self.type,
            "types": dict(self.types),
            "width": self.width,
            "widths": None if found.narrowest is None else [found.narrowest, found.widest],
            "nulls": found.nulls,
            "nans": found.nans,
            "infs": found.infs,
            "min": found.least,
            "max": found.most,
            "mean": found.mean,
            "distinct": different[0] if different else None,
            "distinct_exact": different[1] if different else None,
            "values": [{"value": value, "count": count} for value, count in self.values],
            "looks_like": self.looks_like,
            "family": self.family or None,
            "row_sums": None if found.sums is None else _sums(found.sums),
        }

    @property
    def values(self) -> list[tuple[Any, int]]:
        """The values with their counts, the most frequent first, where they are few and occur more than once."""
        counts = self.found.counts or {}
        present = sum(counts.values())
        if not counts or len(counts) > LISTED or (len(counts) == present and present > 1):
            return []
        shown = {_whole(value): count for value, count in counts.items()}
        return sorted(shown.items(), key=lambda entry: (-entry[1], str(type(entry[0])), entry[0]))


class Family(NamedTuple):
    """Columns that share a prefix: all their values as one, and the sums of their rows."""

    prefix: str
    columns: tuple[str, ...]
    role: Role
    looks_like: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        every, sums = self.role.every, self.role.sums
        return {
            "prefix": self.prefix,
            "columns": list(self.columns),
            "nulls": every.nulls,
            "nans": every.nans,
            "infs": every.infs,
            "min": every.least,
            "max": every.most,
            "mean": every.mean,
            "looks_like": self.looks_like,
            "row_sums": None if sums is None else _sums(sums),
        }


@dataclass(frozen=True, slots=True)
class Survey:
    """Files at a glance.

    Attributes:
        inputs: each file with the rows that were read of it.
        rows: those that were read: all, or the sample's.
        columns: in the order of the files.
        families: of columns that share a prefix.
        roles: role to what was chosen, or to the sentence that says why nothing was.
        problems: what `eval` would refuse, or warn of, with these roles and the suggested losses.
        commands: which evaluate fitting losses and run as they stand, each with what it takes for granted.
        sample: how many rows were asked for; None where all were read.
        sample_spread: the sample's rows are spread over the files, not just their first.

    Example:
        >>> import lossctl
        >>> found = lossctl.inspect({"label": [0, 1, 1], "prob": [0.25, 0.5, float("nan")]})
        >>> [problem.code for problem in found.problems], found.columns[1].looks_like
        (['nan_pred'], 'probability')
    """

    inputs: tuple[InputFile, ...]
    rows: int
    columns: tuple[ColumnSummary, ...]
    families: tuple[Family, ...]
    roles: dict[str, Chosen | str]
    problems: tuple[Problem, ...]
    commands: tuple[tuple[str, str], ...]
    sample: int | None = None
    sample_spread: bool = False

    @property
    def suggestion(self) -> str | None:
        """The first command."""
        return self.commands[0][0] if self.commands else None

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "path": self.inputs[0].path,
            "format": self.inputs[0].format,
            "inputs": [{"path": f.path, "format": f.format, "rows": f.rows} for f in self.inputs],
            "rows": self.rows,
            "sample": None if self.sample is None else {"rows": self.rows, "spread": self.sample_spread},
            "columns": [column.to_dict() for column in self.columns],
            "families": [family.to_dict() for family in self.families],
            "roles": {
                role: {"error": chosen}
                if isinstance(chosen, str)
                else {"columns": list(chosen.columns), "why": chosen.why}
                for role, chosen in self.roles.items()
            },
            "problems": [asdict(problem) for problem in self.problems],
            "suggestion": self.suggestion,
            "commands": [{"command": command, "note": note or None} for command, note in self.commands],
        }


class Asked(NamedTuple):
    """What is to be looked at.

    Attributes:
        files: paths, "-", or sources that are open already.
        selectors: role to columns, where they are named.
        sample: rows to read of all files together; None for all.
        shown: path to what the user calls it, where that differs.
        where: filters that must all hold; other rows are not looked at.
    """

    files: tuple[str | Source, ...]
    selectors: Mapping[str, str | tuple[str, ...]] = {}
    read: ReadSettings = ReadSettings()
    threads: int = 0
    sample: int | None = None
    shown: Mapping[str, str] = {}
    where: tuple[str, ...] = ()


def survey(asked: Asked, progress: Progress | None = None) -> Survey:
    """Look at files: once for what they hold, and once more at the columns that `eval` would take.

    Raises:
        DataError: a file that cannot be read.
        UsageError: no file, or a selector that picks no column.
    """
    sources = open_all([Request(asked.files, (), asked.selectors, read=asked.read, where=asked.where)])
    if asked.sample is not None:
        each = max(1, asked.sample // len(sources))
        sources = tuple(sampled(source, each) for source in sources)
    reading, found = gathered(sources, asked.threads, progress)
    return _Making(asked, reading, found).survey(progress)


class _Making:
    """A survey while it is put together."""

    def __init__(self, asked: Asked, reading: Reading, found: Found) -> None:
        self.asked, self.reading, self.found = asked, reading, found
        first = {info.name: info for infos in reversed(reading.columns) for info in infos}
        self.infos = [first[name] for name in dict.fromkeys(info.name for some in reading.columns for info in some)]
        self.groups = {prefix: names for some in reversed(reading.families) for prefix, names in some.items()}
        self.sums = {names: found.sums[prefix] for prefix, names in self.groups.items() if prefix in found.sums}
        self.roles = _roles(self.infos, asked.selectors)
        self.remedies: list[Remedy] = []

    def survey(self, progress: Progress | None) -> Survey:
        """All of it."""
        columns = self._columns()
        families = [self._family(prefix, names) for prefix, names in self.groups.items()]
        odd = oddities(self.reading, self.found, self.infos, self.roles, self._role)
        self.remedies = [remedy for code, remedy in REMEDIES.items() if code in {problem.code for problem in odd}]
        broken = {problem.column for problem in odd if problem.code in ("list_lengths", "column_missing")}
        plans = [(s, made) for s in self._suggestions() if (made := self._plan(s, broken)) is not None]
        seen, more = self._examined([made for _, made in plans], progress)
        problems = dict.fromkeys((*odd, *more))
        commands = [self._command(s, e) for (s, _), e in zip(plans, seen, strict=False)]
        return Survey(
            self._inputs(),
            self.found.rows,
            tuple(columns),
            tuple(families),
            self.roles,
            tuple(map(self._as_called, problems)),
            tuple(dict.fromkeys(entry for entry in commands if entry is not None))[:MOST],
            self.asked.sample,
            self.asked.sample is not None and any(getattr(s, "taken", None) for s in self.reading.sources),
        )

    def _as_called(self, problem: Problem) -> Problem:
        """The problem with stdin called -, wherever it is kept."""
        message = problem.message
        for path, name in self.asked.shown.items():
            message = message.replace(path, name)
        return replace(problem, message=message, file=self.asked.shown.get(problem.file or "", problem.file))

    def _inputs(self) -> tuple[InputFile, ...]:
        rows = [0] * len(self.reading.sources)
        for (file, _), count in self.found.unit_rows.items():
            rows[file] += count
        return tuple(
            InputFile(self.asked.shown.get(s.path, s.path), s.format, n)
            for s, n in zip(self.reading.sources, rows, strict=True)
        )

    def _columns(self) -> list[ColumnSummary]:
        families = {name: prefix for prefix, names in self.groups.items() for name in names}
        types: dict[str, dict[str, str]] = {}
        for source, infos in zip(self.reading.sources, self.reading.columns, strict=True):
            for info in infos:
                types.setdefault(info.name, {}).setdefault(info.type, source.path)
        made = []
        for info in self.infos:
            column, declared = self.found.columns[info.name], types[info.name]
            looks = looks_like(info.name, column)
            told = declared if len(declared) > 1 else {}
            family = families.get(info.name, "")
            made.append(ColumnSummary(info.name, info.type, info.kind, info.width, column, looks, told, family))
        return made

    def _role(self, names: Sequence[str]) -> Role:
        return role_of(names, self.found.columns, self.sums)

    def _family(self, prefix: str, names: tuple[str, ...]) -> Family:
        role = self._role(names)
        members = [self.found.columns[name] for name in names]
        return Family(prefix, names, role, family_looks_like(prefix, members, role.sums))

    def _suggestions(self) -> list[Suggestion]:
        found: list[Suggestion] = []
        named = {role: s if isinstance(s, str) else ",".join(s) for role, s in self.asked.selectors.items()}
        for pair, said in candidates(self.infos, named, self.roles):
            labels, preds = (self._role(pair[role].columns) for role in ("labels", "preds"))
            found += suggested(pair, said, labels, preds)
        return found

    def _plan(self, suggestion: Suggestion, broken: set[str | None]) -> Plan | None:
        """How `eval` would go about it; None where it would not."""
        if any(name in broken for chosen in suggestion.chosen.values() for name in chosen.columns):
            return None
        flags = suggestion.flags
        options: dict[str, Any] = {"from_logits": True} if "--from-logits" in flags else {}
        if "--levels" in flags:
            options["levels"] = tuple(map(float, flags[flags.index("--levels") + 1].split(",")))
        roles = {role: chosen.columns for role, chosen in suggestion.chosen.items()}
        try:
            bound = tuple(bind_all(list(suggestion.losses), options))
            made = Request(
                self.reading.sources, bound, roles, suggestion.classes, on_bad="drop", threads=self.asked.threads
            )
            return plan(made._replace(**{remedy.word: remedy.value for remedy in self.remedies}))
        except LossctlError:
            return None

    def _examined(self, plans: Sequence[Plan], progress: Progress | None) -> tuple[tuple[Examined, ...], list[Problem]]:
        if not plans or not self.found.rows:
            return (), []
        try:
            seen = examined(plans, self.asked.threads, progress)
        except LossctlError as error:
            return (), [Problem("unreadable", 1, str(error))]
        known = self.asked.sample is None
        return seen, [p for made, one in zip(plans, seen, strict=True) for p in problems_of(made, one, known)]

    def _command(self, suggestion: Suggestion, seen: Examined) -> tuple[str, str] | None:
        """The words for a shell, and what they take for granted; None where there is nothing to evaluate."""
        files = self.asked.files
        if not seen.partial.used or not all(isinstance(file, str) for file in files):
            return None
        named = [self.asked.shown.get(str(file), str(file)) for file in files]
        words = ["lossctl", "eval", *(f"./{name}" if name[:1] == "-" and name != "-" else name for name in named)]
        for role, flag in (("labels", "-y"), ("preds", "-p")):
            words += [flag, suggestion.selectors[role]] if role in suggestion.selectors else []
        for loss in suggestion.losses:
            words += ["--loss", loss]
        words += [*suggestion.flags, *(word for remedy in self.remedies for word in remedy.flag.split())]
        words += _reading_flags(self.asked.read)
        words += [word for text in self.asked.where for word in ("--where", text)]
        # a sample may have missed rows that are as bad as those it saw, and those it did not see
        words += ["--on-bad", "drop"] if seen.partial.bad else []
        return shlex.join(words), suggestion.note


def _reading_flags(read: ReadSettings) -> list[str]:
    words = ["--delimiter", read.delimiter] if read.delimiter is not None else []
    words += [] if read.header else ["--no-header"]
    for text in read.null_values:
        words += ["--null-value", text]
    words += ["--encoding", read.encoding] if read.encoding is not None else []
    words += ["--decimal", read.decimal] if read.decimal is not None else []
    return words + (["--input-format", read.format] if read.format is not None else [])


def _sums(sums: RowSums) -> dict[str, Any]:
    least, most = (sums.least, sums.most) if sums.rows else (None, None)
    return {"rows": sums.rows, "not_one": sums.off, "min": least, "max": most}


def _whole(value: Any) -> Any:
    """3.0 as 3: a column's type may differ along the file."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _roles(infos: Sequence[ColumnInfo], selectors: Mapping[str, str | tuple[str, ...]]) -> dict[str, Chosen | str]:
    roles: dict[str, Chosen | str] = {}
    if "labels" in selectors:
        roles["labels"] = select(selectors["labels"], infos, "-y/--labels")
    taken = _taken(roles)
    left = [info for info in infos if info.name not in taken]
    try:
        found = select(selectors["preds"], infos, "-p/--preds") if "preds" in selectors else find_preds(left)
        roles["preds"] = found
    except UsageError as error:
        if "preds" in selectors:
            raise
        roles["preds"] = str(error)
    if "labels" not in roles:
        preds = roles["preds"]
        taken = _taken(roles)
        left = [info for info in infos if info.name not in taken]
        try:
            roles["labels"] = find_labels(left, None if isinstance(preds, str) else preds)
        except UsageError as error:
            roles["labels"] = str(error)
    return {role: roles[role] for role in ("preds", "labels")}


def _taken(roles: Mapping[str, Chosen | str]) -> set[str]:
    return {name for chosen in roles.values() if not isinstance(chosen, str) for name in chosen.columns}
