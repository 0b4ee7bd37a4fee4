"""What tells one set of rows from another, whatever their order: a hash of each row's numbers, added up over all."""

from __future__ import annotations

from typing import NamedTuple

WORD = (1 << 64) - 1


class Digest(NamedTuple):
    """A digest of rows; it tells a change of the data, and is no proof against a forger.

    Attributes:
        rows: how many were taken in: all that were read, also those that a check then stopped.
        one, other: sums modulo 2**64 of two hashes of each row.
    """

    rows: int = 0
    one: int = 0
    other: int = 0

    def merge(self, other: Digest) -> Digest:
        """Both together."""
        return Digest(self.rows + other.rows, (self.one + other.one) & WORD, (self.other + other.other) & WORD)

    def __str__(self) -> str:
        """The rows and 128 bits, as "1797:3f...".

        >>> str(Digest(2, 1, 255))
        '2:000000000000000100000000000000ff'
        """
        return f"{self.rows}:{self.one:016x}{self.other:016x}"
