"""Gates judged on a finished result: each passes, fails or stays open, and a target that is absent is an error."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from lossctl.errors import DataError, UsageError
from lossctl.evaluation.gate import Comparison, Gate, Limit, Tree, parse_all
from lossctl.evaluation.gate_lookup import Found, bounded, look_up, result_of
from lossctl.evaluation.gate_target import Document
from lossctl.evaluation.result import plain
from lossctl.readers.connectives import And, Not, Or, predicates

Basis = Literal["value", "ci"]
Word = Literal["pass", "fail", "inconclusive", "error"]
# from what weighs least; the exit codes that go with them
EXITS = {"pass": 0, "inconclusive": 3, "fail": 1, "error": 2}
OPEN = (-math.inf, math.inf)
NO_INTERVAL = (
    "--gate-on ci: no value of the gates has an interval to judge; a mean of two rows or more has one with --ci 0.95 "
    "or --bootstrap 200, or judge on the values: --gate-on value"
)


class Verdict(NamedTuple):
    """What became of a gate.

    Attributes:
        gate: its text.
        verdict: "pass", "fail", "inconclusive", or "error" where it could not be judged.
        basis: "ci" where an interval was looked at.
        found: target to its number, or to the ends of its interval.
        at: target to the slice that its number is of.
        message: why it could not be judged.
    """

    gate: str
    verdict: Word
    basis: Basis
    found: Mapping[str, float | tuple[float, float]]
    at: Mapping[str, Mapping[str, Any]]
    message: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As the JSON has it."""
        said = {"gate": self.gate, "verdict": self.verdict, "basis": self.basis}
        found = {name: list(value) if isinstance(value, tuple) else value for name, value in self.found.items()}
        at = {name: dict(by) for name, by in self.at.items()}
        more = {**({"at": at} if at else {}), **({"message": self.message} if self.message else {})}
        return {**said, "found": found, **more}


class Verdicts(tuple[Verdict, ...]):
    """The verdicts of some gates, in order.

    Example:
        >>> import lossctl
        >>> found = lossctl.evaluate(labels=[1.0, 2.0], preds=[1.5, 2.0], loss="mae").gate("mean > 0.3", "max > 1")
        >>> found.verdict, found.passed, found.exit_code, found[0].found
        ('pass', True, 0, {'mean': 0.25})
    """

    __slots__ = ()

    @property
    def verdict(self) -> Word:
        """The worst of them: an error, else a failure, else an open one."""
        words = [entry.verdict for entry in self]
        return max(words, key=list(EXITS).index, default="pass")

    @property
    def passed(self) -> bool:
        """Whether every gate passed."""
        return self.verdict == "pass"

    @property
    def exit_code(self) -> int:
        """What the command line ends in: 0, 1 for a failure, 2 for an error, 3 where one is inconclusive."""
        return EXITS[self.verdict]

    def to_dict(self) -> list[dict[str, Any]]:
        """As the JSON has them."""
        return [entry.to_dict() for entry in self]


def gates(texts: Sequence[str], results: Sequence[Document] | None, on: str) -> tuple[Gate, ...]:
    """Gates, as far as they can be told to make sense before any file is read.

    Args:
        texts: a gate each.
        results: what is known of the results: "loss", "spec" and "options", and "model" where there are some;
            None where that is known too late.
        on: what they are judged on.

    Raises:
        UsageError: a text that is no gate, a loss that the call does not have, or nothing that has an interval.
    """
    if on not in ("value", "ci"):
        raise UsageError(f"gates are judged on value or ci, got {on!r}")
    made = parse_all(texts)
    targets = [(gate, entry.target) for gate in made for entry in predicates(gate.tree)]
    for gate, target in targets:
        if target.kind == "loss" and results is not None:
            try:
                result_of(results, target)
            except (DataError, UsageError) as error:
                raise UsageError(f"--fail-if {gate.text!r}: {error}") from None
    if on == "ci" and not any(target.estimate for _, target in targets):
        raise UsageError("--gate-on ci: none of the gates is on a value that can have an interval: mean, value or diff")
    return made


def judge(asked: Iterable[Gate], document: Document, on: str = "value") -> Verdicts:
    """The verdicts on a result's document, one a gate; what cannot be judged has the verdict "error"."""
    found = Verdicts(_judged(gate, document, on == "ci") for gate in asked)
    if on == "ci" and not any(entry.basis == "ci" or entry.verdict == "error" for entry in found):
        return Verdicts(entry._replace(verdict="error", message=NO_INTERVAL) for entry in found)
    return found


def refuse_errors(found: Verdicts) -> None:
    """Raise if a gate could not be judged.

    Raises:
        DataError: with each one's reason.
    """
    messages = [entry.message for entry in found if entry.verdict == "error"]
    if messages:
        raise DataError("; ".join(dict.fromkeys(messages)))


def errors(asked: Iterable[Gate], message: str) -> Verdicts:
    """The verdicts on a result that there is none of."""
    return Verdicts(Verdict(gate.text, "error", "value", {}, {}, message) for gate in asked)


def _judged(gate: Gate, document: Document, on_interval: bool) -> Verdict:
    judging = _Judging(document, on_interval)
    try:
        held = judging.holds(gate.tree)
    except (DataError, UsageError) as error:
        return Verdict(gate.text, "error", "value", {}, {}, f"--fail-if {gate.text!r}: {error}")
    word: Word = "inconclusive" if held is None else "fail" if held else "pass"
    return Verdict(gate.text, word, "ci" if judging.intervals else "value", judging.found, judging.at)


class _Judging:
    """A walk along a gate's tree over one document; None is unknown."""

    def __init__(self, document: Document, on_interval: bool) -> None:
        self.document = document
        self.on_interval = on_interval
        self.intervals = False
        self.found: dict[str, float | tuple[float, float]] = {}
        self.at: dict[str, Mapping[str, Any]] = {}

    def holds(self, tree: Tree) -> bool | None:
        # every part is judged: what is absent is an error, whatever the others say
        match tree:
            case Not(part):
                return negated(self.holds(part))
            case And(parts):
                return every([self.holds(part) for part in parts])
            case Or(parts):
                return some([self.holds(part) for part in parts])
            case _:
                return self.comparison(tree)

    def comparison(self, tree: Comparison) -> bool | None:
        target, op, limit = tree.target, tree.op, tree.limit
        share = limit.percent and target.kind in ("rows", "warning")
        numbers = look_up(self.document, target, share)
        judged = self.on_interval and target.estimate and any(entry.interval for entry in numbers)
        if judged:
            self.intervals = True
            numbers = tuple(map(bounded, numbers))
        many = every if target.pick == "all" else some
        shown = _telling(numbers, op, limit, judged, target.pick == "all")
        self.note(f"{target.text}/read" if share else target.text, f"{op} {limit.text}", shown, judged)
        return many([compared(entry, op, limit, judged) for entry in numbers])

    def note(self, name: str, rest: str, shown: Found, judged: bool) -> None:
        value = (shown.interval or OPEN) if judged else _float(shown.value)
        key = name if self.found.get(name, value) == value else f"{name} {rest}"
        self.found[key] = value
        if shown.at is not None:
            self.at[key] = plain(shown.at)


def _float(value: float | Fraction) -> float:
    return float(value) if isinstance(value, Fraction) else value


def compared(found: Found, op: str, limit: Limit, judged: bool) -> bool | None:
    """Whether a number compares so; with `judged`, whether all or none of its interval does, else None."""
    if not judged:
        # a share of rows and what was written are compared as they are, all else as float64
        return _holds(found.value, op, limit.exact if isinstance(found.value, Fraction) else limit.value)
    low, high = found.interval or OPEN
    x = limit.value
    if op in ("==", "!="):
        same = None if low <= x <= high and low < high else low == x == high
        return same if op == "==" else negated(same)
    ends = _holds(low, op, x), _holds(high, op, x)
    return ends[0] if ends[0] == ends[1] else None


def _holds(value: float | Fraction, op: str, x: float | Fraction) -> bool:
    if op in ("==", "!="):
        return (value == x) is (op == "==")
    if op in (">", "<="):
        return (value > x) is (op == ">")
    return (value < x) is (op == "<")


def _telling(found: Sequence[Found], op: str, limit: Limit, judged: bool, every_one: bool) -> Found:
    """Of several slices the one that decides: the nearest to what is asked, or, of all, the farthest from it."""
    order = {True: 2, None: 1, False: 0}
    toward: Callable[[float], float] = {
        **dict.fromkeys((">", ">="), lambda value: value),
        **dict.fromkeys(("<", "<="), lambda value: -value),
        "==": lambda value: -abs(value - limit.value),
        "!=": lambda value: abs(value - limit.value),
    }[op]
    extreme = min if every_one else max
    return extreme(found, key=lambda entry: (order[compared(entry, op, limit, judged)], toward(_float(entry.value))))


def negated(held: bool | None) -> bool | None:
    """The opposite; unknown stays unknown."""
    return None if held is None else not held


def every(parts: Sequence[bool | None]) -> bool | None:
    """Whether all hold: not where one does not, unknown where one of the others is."""
    return False if False in parts else None if None in parts else True


def some(parts: Sequence[bool | None]) -> bool | None:
    """Whether any holds: so where one does, unknown where one of the others is."""
    return True if True in parts else None if None in parts else False
