"""A loss settled for the columns at hand: what was asked, and the row functions whose sums answer it."""

from __future__ import annotations

from typing import NamedTuple

from lossctl.catalogue.declare import Loss
from lossctl.catalogue.spec import BoundLoss


class Cell(NamedTuple):
    """An exact sum: of a row function over rows, or of an elementwise one over the values of some columns."""

    core: BoundLoss
    columns: tuple[int, ...] | None = None


class Settled(NamedTuple):
    """A loss of the call.

    Attributes:
        asked: as the user named it; it tells the reduction and the text.
        core: the declared loss that it comes down to, with all arguments known.
        width: how many outputs a row has.
        classes: how many classes there are.
        reweighted: class weights join the rows' weights, since the formula has none of its own.
    """

    asked: BoundLoss
    core: BoundLoss
    width: int
    classes: int = 1
    reweighted: bool = False

    def __str__(self) -> str:
        return str(self.asked)

    @property
    def elements(self) -> bool:
        """Whether each output of a row counts by itself."""
        return self.core.loss.elementwise and self.counts != "rows"

    @property
    def counts(self) -> str:
        """Rows, elements or columns."""
        return self.asked.loss.counts

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Its sums: of the loss and its normaliser, or of each part, for each column where they are told apart."""
        loss = self.core.loss
        functions = loss.parts or ((loss,) if loss.normaliser is None else (loss, loss.normaliser))
        cores = [core for one in functions for core in self._cores(one)]
        every = tuple(range(self.width))
        if self.counts == "columns":
            return tuple(Cell(core, (k,)) for k in every for core in cores)
        return tuple(Cell(core, every if self.elements else None) for core in cores)

    @property
    def pooled(self) -> bool:
        """Whether a row's own loss is not what its first sum adds up, so that a last sum is kept of the rows."""
        loss = self.core.loss
        return not loss.parts and (loss.normaliser is not None or (self.elements and self.width > 1))

    @property
    def sums(self) -> int:
        """How many sums it keeps: of its cells, and of its rows where these are another thing."""
        return len(self.cells) + self.pooled

    def _cores(self, one: Loss) -> list[BoundLoss]:
        """A row function with its arguments; one for each class where it asks for that."""
        core = self.core if one is self.core.loss else self.core.part(one)
        index = class_argument(one)
        return [core] if index is None else [core.replace(**{index: float(k)}) for k in range(self.classes)]

    def with_core(self, **changes: object) -> Settled:
        """The same with some arguments of the core changed."""
        return self._replace(core=self.core.replace(**changes))  # type: ignore[arg-type]


def class_argument(part: Loss) -> str | None:
    """The argument that takes the index of each class in turn, where a part has one."""
    return next((option.name for option in part.options if option.param.each_class), None)
