"""A gate as text, such as "huber.mean > 0.3 or dropped > 0.1%", to a small tree: the run fails when it holds.

The grammar, with `and`, `or` and `not` in any case:

    either     = both {"or" both}
    both       = single {"and" single}
    single     = "not" single | "(" either ")" | comparison
    comparison = target (">" | ">=" | "<" | "<=" | "==" | "!=") number
    number     = a number | a number with "%" behind it
    target     = [owner "."] [slices "."] field
               | ["rows."] ("read" | "used" | "filtered" | "dropped" | "dropped." reason)
               | "warning(" code ")"
               | ("join." | "calibration.") key
    owner      = a loss in any spelling, its options too: huber:delta=2 | in documents of several models: a model,
                 or model "." loss; what is no plain word stands in backticks; may be left out where there is only one
    slices     = "slice(" column {"*" column} ")" and then
                 ".worst" | ".best" | ".spread" | ".any" | ".all"; or nothing, where each column has its value
    column     = a name, as --by has it, such as age:width=10, then optionally "=" value; "= null" is the null slice
    field      = "value" | "mean" | "sum" | "count" | "min" | "max" | "stderr" | "ci.low" | ... as the JSON's keys;
                 "q0.99" or "p99", "median", "worst_share", "diff" (the difference's value), "diff.p", "p_adjusted"

`worst` is the slice with the largest value and `best` the one with the smallest, `spread` their distance; a field
behind `worst` or `best` is that slice's. `any` holds where it does for some slice, `all` where it does for every one.
After them `value` may be left out. Counts of rows (`rows.…`, `dropped`, `warning(…)`) compare with % as shares of the
rows read; elsewhere 5% is 0.05. What a target names and is absent, null or NaN is an error, whatever else holds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import NamedTuple, TypeAlias

from lossctl.errors import UsageError
from lossctl.evaluation.gate_target import COUNTS, Target, target_of


class Limit(NamedTuple):
    """The number that a target is compared with, as it was written; a percentage ends in %."""

    text: str

    @property
    def percent(self) -> bool:
        """Whether it is a percentage."""
        return self.text.endswith("%")

    @property
    def exact(self) -> Fraction:
        """Just the number that was written: 0.001 for 0.1%."""
        return _number(self.text)[0]

    @property
    def value(self) -> float:
        """The nearest float64."""
        return _number(self.text)[1]


@cache
def _number(text: str) -> tuple[Fraction, float]:
    """A number as it was written and as float64, read once: a gate may look at it for every slice."""
    exact = Fraction(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    return exact, float(exact)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`op` is one of > >= < <= == !=."""

    target: Target
    op: str
    limit: Limit


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; unknown stays unknown."""

    part: Tree


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    parts: tuple[Tree, ...]


Tree: TypeAlias = Comparison | Not | And | Or


class Gate(NamedTuple):
    """What fails a run, as text and as a tree."""

    text: str
    tree: Tree


# brackets and nots within each other, far below what the interpreter's stack bears
DEEPEST = 50
OPERATORS = (">", ">=", "<", "<=", "==", "!=")
KEYWORDS = ("and", "or", "not")
QUOTED = r"""`(?:[^`]|``)+`|'(?:[^']|'')*'|"(?:[^"]|"")*\""""
CALL = rf"(?:slice|warning)\((?:[^()`'\"]|{QUOTED})*\)"
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
# an option's value: a list, a number or a word
VALUE = r"(?:\[[^\]\s]*\]|[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?(?![^\W\d_])|[\w-]+)"
OPTIONS = rf":[^\W\d][\w-]*={VALUE}(?:,[^\W\d][\w-]*={VALUE})*"
WORD = rf"[^\W\d][\w/-]*(?:{OPTIONS})?"
TOKEN = re.compile(
    rf"""\s+
    | (?P<number>{NUMBER}%?(?![\w.%]))
    | (?P<target>(?:{CALL}|{WORD}|`(?:[^`]|``)+`)(?:\.(?:{CALL}|[\w/-]+(?:{OPTIONS})?|`(?:[^`]|``)+`))*)
    | (?P<sign><=|>=|==|!=|[<>()])""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """A piece of the text: a number, target, sign, keyword or the end, and the character it begins at, from 1."""

    kind: str
    said: str
    at: int


def parse_all(texts: Sequence[str]) -> tuple[Gate, ...]:
    """The gates of some texts.

    Raises:
        UsageError: a text that the grammar does not have, with the place.
    """
    return tuple(Gate(text, _Parser(text).whole()) for text in texts)


def comparisons(tree: Tree) -> Iterator[Comparison]:
    """Every comparison of a gate, from left to right."""
    match tree:
        case And(parts) | Or(parts):
            for part in parts:
                yield from comparisons(part)
        case Not(part):
            yield from comparisons(part)
        case _:
            yield tree


class _Parser:
    """A walk along the tokens; a method a rule of the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.place = self.depth = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def whole(self) -> Tree:
        tree = self.either()
        if self.next.kind != "end":
            raise _refusal(self.text, "and, or, or the end", self.next)
        return tree

    def either(self) -> Tree:
        parts = [self.both()]
        while self.took("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self) -> Tree:
        parts = [self.single()]
        while self.took("and"):
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def single(self) -> Tree:
        self.depth += 1
        if self.depth > DEEPEST:
            raise _refusal(self.text, f"at most {DEEPEST} brackets and nots within each other", self.next)
        found: Tree
        if self.took("not"):
            found = Not(self.single())
        elif self.took("("):
            found = self.either()
            if not self.took(")"):
                raise _refusal(self.text, "and, or or )", self.next)
        else:
            found = self.comparison()
        self.depth -= 1
        return found

    def comparison(self) -> Comparison:
        token = self.take("target", "what is judged, such as huber.mean or dropped,")
        with_place = f"--fail-if {self.text!r}: "
        target = target_of(token.said, with_place)
        if self.next.said not in OPERATORS:
            raise _refusal(self.text, f"one of {' '.join(OPERATORS)}", self.next)
        op = self.take("sign", "").said
        number = self.take("number", "a number such as 0.3 or 0.1%")
        limit = Limit(number.said)
        if not math.isfinite(float(number.said.rstrip("%"))):
            raise _refusal(self.text, "a number in the range of float64", number)
        if limit.percent and target.path and target.path[-1] in COUNTS:
            raise UsageError(f"{with_place}{target.text} is a count; compare it with a number without %")
        return Comparison(target, op, limit)

    def took(self, said: str) -> bool:
        """Whether the next token is this sign or keyword, which is then passed."""
        found = self.next.said == said and self.next.kind in ("sign", "keyword")
        self.place += found
        return found

    def take(self, kind: str, expected: str) -> Token:
        found = self.next
        if found.kind != kind:
            raise _refusal(self.text, expected, found)
        self.place += 1
        return found


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise _unknown(text, at)
        kind, said = found.lastgroup, found[0]
        at = found.end()
        if kind == "target" and said.lower() in KEYWORDS:
            kind, said = "keyword", said.lower()
        if kind is not None:
            yield Token(kind, said, found.start() + 1)
    yield Token("end", "", len(text) + 1)


def _unknown(text: str, at: int) -> UsageError:
    mark = text[at]
    if mark in "'\"`":
        return UsageError(f"--fail-if {text!r}: the {mark} at character {at + 1} is never closed, or stands alone")
    if mark in "&|!=":
        expected = "==" if mark == "=" else "and, or or not, in words"
        return _refusal(text, expected, Token("", mark, at + 1))
    expected = "a target such as huber.mean, a number or an operator"
    return _refusal(text, expected, Token("", text[at:].split()[0], at + 1))


def _refusal(text: str, expected: str, found: Token) -> UsageError:
    said = "the end" if found.kind == "end" else found.said
    return UsageError(f"--fail-if {text!r}: expected {expected} at character {found.at}, found {said}")
