"""And, or and not, as the filters and gates of a call have them: the records of a tree, and a parser down to leaves.

The grammar, with words in any case, in which each use has predicates of its own:

    either = both {"or" both}
    both   = single {"and" single}
    single = "not" single | "(" either ")" | predicate
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, NamedTuple, TypeAlias, TypeVar

from lossctl.errors import UsageError

Predicate = TypeVar("Predicate", covariant=True)


@dataclass(frozen=True, slots=True)
class Not(Generic[Predicate]):
    """The opposite; unknown stays unknown."""

    part: Joined[Predicate]


@dataclass(frozen=True, slots=True)
class And(Generic[Predicate]):
    """All of them."""

    parts: tuple[Joined[Predicate], ...]


@dataclass(frozen=True, slots=True)
class Or(Generic[Predicate]):
    """Any of them."""

    parts: tuple[Joined[Predicate], ...]


Joined: TypeAlias = Predicate | Not[Predicate] | And[Predicate] | Or[Predicate]

# brackets and nots within each other, far below what the interpreter's stack bears
DEEPEST = 50
# signs of other languages, and what is written here
IN_WORDS = dict.fromkeys("&|!", "and, or or not, in words")


class Token(NamedTuple):
    """A piece of the text: of a kind of the grammar's own, a sign, keyword or the end; and where it begins, from 1."""

    kind: str
    said: str
    at: int


def predicates(tree: Joined[Predicate]) -> Iterator[Predicate]:
    """The leaves of a tree, from left to right."""
    match tree:
        case And(parts) | Or(parts):
            for part in parts:
                yield from predicates(part)
        case Not(part):
            yield from predicates(part)
        case _:
            yield tree


class Parser(ABC, Generic[Predicate]):
    """A walk along the tokens of a text; a method a rule of the grammar.

    Attributes:
        flag: what has the text, for errors.
        pattern: a token, whose kind is the name of the group; blanks have none.
        word: the kind that is a keyword where it is one of `keywords`.
        brackets: what they are called.
        closing: what is expected where one is not closed.
        unclosed: what is wrong with a quote that begins no token.
        instead: what is expected for some marks that begin no token.
        beginning: what is expected for all others.
    """

    flag: ClassVar[str]
    pattern: ClassVar[re.Pattern[str]]
    word: ClassVar[str]
    keywords: ClassVar[Collection[str]]
    brackets: ClassVar[str]
    closing: ClassVar[str]
    unclosed: ClassVar[str]
    instead: ClassVar[Mapping[str, str]]
    beginning: ClassVar[str]

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._tokens())
        self.place = self.depth = 0

    @property
    def next(self) -> Token:
        """The token that the walk has come to."""
        return self.tokens[self.place]

    def whole(self) -> Joined[Predicate]:
        """The tree of the text.

        Raises:
            UsageError: a text that the grammar does not have, with the place.
        """
        tree = self.either()
        if self.next.kind != "end":
            raise self.refusal("and, or, or the end")
        return tree

    def either(self) -> Joined[Predicate]:
        """Parts with or between them."""
        parts = [self.both()]
        while self.took("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self) -> Joined[Predicate]:
        """Parts with and between them."""
        parts = [self.single()]
        while self.took("and"):
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def single(self) -> Joined[Predicate]:
        """A part without and or or outside brackets."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.refusal(f"at most {DEEPEST} {self.brackets} and nots within each other")
        found: Joined[Predicate]
        if self.took("not"):
            found = Not(self.single())
        elif self.took("("):
            found = self.either()
            self.pass_by(")", self.closing)
        else:
            found = self.predicate()
        self.depth -= 1
        return found

    @abstractmethod
    def predicate(self) -> Joined[Predicate]:
        """What is true or not by itself."""

    def took(self, said: str) -> bool:
        """Whether the next token is this sign or keyword, which is then passed."""
        found = self.next.said == said and self.next.kind in ("sign", "keyword")
        self.place += found
        return found

    def pass_by(self, said: str, expected: str) -> None:
        """Pass a sign or keyword that has to be there."""
        if not self.took(said):
            raise self.refusal(expected)

    def advance(self) -> Token:
        """Pass a token."""
        self.place += 1
        return self.tokens[self.place - 1]

    def refusal(self, expected: str, found: Token | None = None, hint: str = "") -> UsageError:
        """What is wrong with a token, the next where none is named."""
        token = self.next if found is None else found
        said = "the end" if token.kind == "end" else token.said
        return UsageError(f"{self.flag} {self.text!r}: expected {expected} at character {token.at}, found {said}{hint}")

    def _tokens(self) -> Iterator[Token]:
        at = 0
        while at < len(self.text):
            found = self.pattern.match(self.text, at)
            if found is None:
                raise self._unknown(at)
            kind, said = found.lastgroup, found[0]
            at = found.end()
            if kind == self.word and said.lower() in self.keywords:
                kind, said = "keyword", said.lower()
            if kind is not None:
                yield Token(kind, said, found.start() + 1)
        yield Token("end", "", len(self.text) + 1)

    def _unknown(self, at: int) -> UsageError:
        mark = self.text[at]
        if mark in "'\"`":
            return UsageError(f"{self.flag} {self.text!r}: the {mark} at character {at + 1} {self.unclosed}")
        if mark in self.instead:
            return self.refusal(self.instead[mark], Token("", mark, at + 1))
        return self.refusal(self.beginning, Token("", self.text[at:].split()[0], at + 1))
