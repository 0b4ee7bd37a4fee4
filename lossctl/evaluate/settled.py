"""A loss settled for the columns at hand: what was asked, and the row functions whose sums answer it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lossctl.catalogue.spec import BoundLoss


@dataclass(frozen=True, slots=True)
class Cell:
    """An exact sum: of a row function over rows, or of an elementwise one over the values of some columns."""

    core: BoundLoss
    columns: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """A loss of the call.

    Attributes:
        asked: as the user named it; it tells the reduction and the text.
        core: the declared loss that it comes down to, with all arguments known.
        width: how many outputs a row has.
        reweighted: class weights join the rows' weights, since the formula has none of its own.
    """

    asked: BoundLoss
    core: BoundLoss
    width: int
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
        cores = [self.core if one is loss else self.core.part(one) for one in functions]
        every = tuple(range(self.width))
        if self.counts == "columns":
            return tuple(Cell(core, (k,)) for k in every for core in cores)
        return tuple(Cell(core, every if self.elements else None) for core in cores)

    def with_core(self, **changes: object) -> Settled:
        """The same with some arguments of the core changed."""
        return replace(self, core=self.core.replace(**changes))  # type: ignore[arg-type]
