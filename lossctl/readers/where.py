"""A filter as text, such as "split == 'test' and score > 0.5", to a small tree. Nothing of it is ever run as code.

The grammar, with words in any case:

    either     = both {"or" both}
    both       = single {"and" single}
    single     = "not" single | "(" either ")" | predicate
    predicate  = operand ("=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=") operand
               | column ["not"] "in" "(" literal {"," literal} ")"
               | operand ["not"] "between" operand "and" operand
               | column "is" ["not"] "null"
               | column
    literal    = a number | 'text' | "text" | "true" | "false"
    column     = a word, or words with dots | `any name`

A quote within quotes is written twice. Logic is SQL's: a comparison with null is neither true nor false.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lossctl.readers.connectives import IN_WORDS, And, Joined, Not, Parser, Token, predicates

Plain: TypeAlias = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Column:
    """A column by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that the filter itself brings."""

    value: Plain


Operand: TypeAlias = Column | Literal


@dataclass(frozen=True, slots=True)
class Comparison:
    """`op` is one of = != < <= > >=; `family` says as what the two are compared, once their types are known."""

    op: str
    left: Operand
    right: Operand
    family: str = ""


@dataclass(frozen=True, slots=True)
class In:
    """A column is one of some literals."""

    column: Column
    values: tuple[Literal, ...]
    family: str = ""


@dataclass(frozen=True, slots=True)
class IsNull:
    """A column has no value."""

    column: Column


@dataclass(frozen=True, slots=True)
class Truth:
    """A column of booleans by itself."""

    column: Column


Predicate: TypeAlias = Comparison | In | IsNull | Truth
Tree: TypeAlias = Joined[Predicate]

OPERATORS = {"==": "=", "=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
KEYWORDS = frozenset({"and", "or", "not", "in", "between", "is", "null", "true", "false"})
TOKEN = re.compile(
    r"""\s+
    | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
    | (?P<word>[^\W\d]\w*(?:\.\w+)*)
    | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<name>`(?:[^`]|``)+`)
    | (?P<sign><=|>=|<>|==|!=|[=<>(),])""",
    re.VERBOSE,
)


def parse_all(texts: Sequence[str]) -> Tree:
    """The tree of several filters that must all hold.

    Raises:
        UsageError: a text that the grammar does not have, with the place.
    """
    trees = tuple(map(parse, texts))
    return trees[0] if len(trees) == 1 else And(trees)


def parse(text: str) -> Tree:
    """The tree of a filter.

    Raises:
        UsageError: a text that the grammar does not have, with the place.
    """
    return _Parser(text).whole()


def columns_of(tree: Tree) -> tuple[str, ...]:
    """The names of the columns that a filter reads, each once."""
    leaves: Iterator[Predicate] = predicates(tree)
    return tuple(dict.fromkeys(name for leaf in leaves for name in _columns(leaf)))


def _columns(leaf: Predicate) -> tuple[str, ...]:
    if isinstance(leaf, Comparison):
        return tuple(side.name for side in (leaf.left, leaf.right) if isinstance(side, Column))
    return (leaf.column.name,)


class _Parser(Parser[Predicate]):
    flag, pattern, word, keywords = "--where", TOKEN, "word", KEYWORDS
    brackets, closing, unclosed = "parentheses", "and, or, or )", "is never closed"
    instead, beginning = IN_WORDS, "a column, a value or an operator"

    def predicate(self) -> Tree:
        start = self.next
        left = self.operand("a column or a value")
        if self.next.said in OPERATORS and self.next.kind == "sign":
            op = OPERATORS[self.advance().said]
            return self.comparison(op, left, self.operand("a column or a value"), start)
        negated = self.next.said == "not" and self.tokens[self.place + 1].said in ("in", "between")
        self.place += negated
        if self.took("between"):
            found = self.between(left, start)
        elif isinstance(left, Literal):
            raise self.refusal("a comparison of the value with a column")
        elif self.took("in"):
            found = In(left, self.literals())
        elif self.took("is"):
            negated = self.took("not")
            self.pass_by("null", "null" if negated else "null or not null")
            found = IsNull(left)
        else:
            return Truth(left)
        return Not(found) if negated else found

    def between(self, left: Operand, start: Token) -> Tree:
        low = self.operand("a column or a value")
        self.pass_by("and", "and, with the upper bound of between")
        high = self.operand("a column or a value")
        return And((self.comparison(">=", left, low, start), self.comparison("<=", left, high, start)))

    def comparison(self, op: str, left: Operand, right: Operand, start: Token) -> Comparison:
        if isinstance(left, Literal) and isinstance(right, Literal):
            raise self.refusal("a column on one side of a comparison, not two values", start)
        return Comparison(op, left, right)

    def literals(self) -> tuple[Literal, ...]:
        self.pass_by("(", "( and the values of in")
        found = [self.literal()]
        while self.took(","):
            found.append(self.literal())
        self.pass_by(")", ", or )")
        return tuple(found)

    def literal(self) -> Literal:
        found = self.next
        value = self.operand("a number, a quoted text, true or false")
        if isinstance(value, Column):
            raise self.refusal("a number, a quoted text, true or false", found)
        return value

    def operand(self, expected: str) -> Operand:
        token = self.next
        if token.kind == "name":
            self.advance()
            return Column(token.said[1:-1].replace("``", "`"))
        if token.kind == "word":
            return Column(self.advance().said)
        if token.kind == "text":
            mark = self.advance().said[0]
            return Literal(token.said[1:-1].replace(mark * 2, mark))
        if token.kind == "number":
            self.advance()
            return Literal(self.number(token))
        if token.kind == "keyword" and token.said in ("true", "false"):
            return Literal(self.advance().said == "true")
        hint = "; a comparison with null is never true, write `is null`" if token.said == "null" else ""
        raise self.refusal(expected, token, hint)

    def number(self, token: Token) -> int | float:
        try:
            return int(token.said)
        except ValueError:
            value = float(token.said)
        if value in (float("inf"), float("-inf")):
            raise self.refusal("a number in the range of float64", token)
        return value
