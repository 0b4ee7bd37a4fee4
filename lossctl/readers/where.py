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
from typing import NamedTuple, TypeAlias

from lossctl.errors import UsageError

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


Tree: TypeAlias = Comparison | In | IsNull | Truth | Not | And | Or

# parentheses and nots within each other, far below what the interpreter's stack bears
DEEPEST = 50
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


class Token(NamedTuple):
    """A piece of the text: a number, text, name, sign, keyword or the end, and the character it begins at, from 1."""

    kind: str
    said: str
    at: int


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
    return tuple(dict.fromkeys(_columns(tree)))


def _columns(tree: Tree) -> Iterator[str]:
    match tree:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _columns(part)
        case Not(part):
            yield from _columns(part)
        case Comparison(_, left, right):
            yield from (side.name for side in (left, right) if isinstance(side, Column))
        case _:
            yield tree.column.name


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
            raise self.refusal("and, or, or the end")
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
            raise _refusal(self.text, f"at most {DEEPEST} parentheses and nots within each other", self.next)
        found: Tree
        if self.took("not"):
            found = Not(self.single())
        elif self.took("("):
            found = self.either()
            self.take(")", "and, or, or )")
        else:
            found = self.predicate()
        self.depth -= 1
        return found

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
            self.take("null", "null" if negated else "null or not null")
            found = IsNull(left)
        else:
            return Truth(left)
        return Not(found) if negated else found

    def between(self, left: Operand, start: Token) -> Tree:
        low = self.operand("a column or a value")
        self.take("and", "and, with the upper bound of between")
        high = self.operand("a column or a value")
        return And((self.comparison(">=", left, low, start), self.comparison("<=", left, high, start)))

    def comparison(self, op: str, left: Operand, right: Operand, start: Token) -> Comparison:
        if isinstance(left, Literal) and isinstance(right, Literal):
            raise _refusal(self.text, "a column on one side of a comparison, not two values", start)
        return Comparison(op, left, right)

    def literals(self) -> tuple[Literal, ...]:
        self.take("(", "( and the values of in")
        found = [self.literal()]
        while self.took(","):
            found.append(self.literal())
        self.take(")", ", or )")
        return tuple(found)

    def literal(self) -> Literal:
        found = self.next
        value = self.operand("a number, a quoted text, true or false")
        if isinstance(value, Column):
            raise _refusal(self.text, "a number, a quoted text, true or false", found)
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
        raise _refusal(self.text, expected, token, hint)

    def number(self, token: Token) -> int | float:
        try:
            return int(token.said)
        except ValueError:
            value = float(token.said)
        if value in (float("inf"), float("-inf")):
            raise _refusal(self.text, "a number in the range of float64", token)
        return value

    def took(self, said: str) -> bool:
        """Whether the next token is this sign or keyword, which is then passed."""
        found = self.next.said == said and self.next.kind in ("sign", "keyword")
        self.place += found
        return found

    def take(self, said: str, expected: str) -> None:
        if not self.took(said):
            raise self.refusal(expected)

    def advance(self) -> Token:
        self.place += 1
        return self.tokens[self.place - 1]

    def refusal(self, expected: str) -> UsageError:
        return _refusal(self.text, expected, self.next)


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise _unknown(text, at)
        kind, said = found.lastgroup, found[0]
        at = found.end()
        if kind == "word" and said.lower() in KEYWORDS:
            kind, said = "keyword", said.lower()
        if kind is not None:
            yield Token(kind, said, found.start() + 1)
    yield Token("end", "", len(text) + 1)


def _unknown(text: str, at: int) -> UsageError:
    mark = text[at]
    if mark in "'\"`":
        return UsageError(f"--where {text!r}: the {mark} at character {at + 1} is never closed")
    if mark in "&|!":
        return _refusal(text, "and, or or not, in words", Token("", mark, at + 1))
    return _refusal(text, "a column, a value or an operator", Token("", text[at:].split()[0], at + 1))


def _refusal(text: str, expected: str, found: Token, hint: str = "") -> UsageError:
    said = "the end" if found.kind == "end" else found.said
    return UsageError(f"--where {text!r}: expected {expected} at character {found.at}, found {said}{hint}")
