"""What is to be done to labels and preds between the file and the checks: pure data, empty for most calls."""

from __future__ import annotations

from typing import Literal, NamedTuple

from lossctl.readers.block import number

Rest = Literal["zero", "spread"]


class LabelMap(NamedTuple):
    """The labels of a column, as text, and the number that each stands for."""

    texts: tuple[str, ...]
    numbers: tuple[float, ...]

    def to_dict(self) -> dict[str, float]:
        """Label to number, whole ones without a fraction."""
        whole = (int(n) if n == int(n) else n for n in self.numbers)
        return dict(zip(self.texts, whole, strict=True))


class Listed(NamedTuple):
    """Preds that list some classes a row with their scores.

    Attributes:
        classes: how many there are in all.
        rest: what the classes get that a row does not list: nothing, or even shares of what is left to 1.
        names: the classes' names, where ids may be names.
    """

    classes: int
    rest: Rest
    names: tuple[str, ...] | None = None


class Shape(NamedTuple):
    """How the numbers of some roles are made of what the file holds.

    Attributes:
        roles: those that are made anew; all others are read where they lie.
        label_map: the labels' numbers by their text.
        label_base: what the first class is called, where labels are indices.
        scale: what preds are multiplied by.
        from_log_probs: preds are natural logarithms of probabilities.
        pick: of two pred columns, the one to take.
        two_classes: one column p of preds stands for the two columns 1 - p and p.
        listed: preds list classes.
    """

    roles: tuple[str, ...] = ()
    label_map: LabelMap | None = None
    label_base: int = 0
    scale: float | None = None
    from_log_probs: bool = False
    pick: int | None = None
    two_classes: bool = False
    listed: Listed | None = None


class Note(NamedTuple):
    """Something that was decided about the columns and deserves a look; `code` is its warning's."""

    code: str
    message: str


def key_of(text: str) -> int | float | None:
    """The number that a label of a map stands for in a column of numbers; None where it is none."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return number(text)
    except ValueError:
        return None
