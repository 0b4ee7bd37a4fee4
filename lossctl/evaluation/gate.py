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
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import NamedTuple, TypeAlias

from lossctl.errors import UsageError
from lossctl.evaluation.gate_target import COUNTS, Target, target_of
from lossctl.readers.connectives import IN_WORDS, Joined, Parser, Token


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


Tree: TypeAlias = Joined[Comparison]


class Gate(NamedTuple):
    """What fails a run, as text and as a tree."""

    text: str
    tree: Tree


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


def parse_all(texts: Sequence[str]) -> tuple[Gate, ...]:
    """The gates of some texts.

    Raises:
        UsageError: a text that the grammar does not have, with the place.
    """
    return tuple(Gate(text, _Parser(text).whole()) for text in texts)


class _Parser(Parser[Comparison]):
    flag, pattern, word, keywords = "--fail-if", TOKEN, "target", KEYWORDS
    brackets, closing, unclosed = "brackets", "and, or or )", "is never closed, or stands alone"
    instead, beginning = {**IN_WORDS, "=": "=="}, "a target such as huber.mean, a number or an operator"

    def predicate(self) -> Comparison:
        token = self.take("target", "what is judged, such as huber.mean or dropped,")
        with_place = f"--fail-if {self.text!r}: "
        target = target_of(token.said, with_place)
        if self.next.said not in OPERATORS:
            raise self.refusal(f"one of {' '.join(OPERATORS)}")
        op = self.take("sign", "").said
        number = self.take("number", "a number such as 0.3 or 0.1%")
        limit = Limit(number.said)
        if not math.isfinite(float(number.said.rstrip("%"))):
            raise self.refusal("a number in the range of float64", number)
        if limit.percent and target.path and target.path[-1] in COUNTS:
            raise UsageError(f"{with_place}{target.text} is a count; compare it with a number without %")
        return Comparison(target, op, limit)

    def take(self, kind: str, expected: str) -> Token:
        found = self.next
        if found.kind != kind:
            raise self.refusal(expected, found)
        return self.advance()
