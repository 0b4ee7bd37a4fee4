"""What a call asks for besides the plain numbers: pure data that pickles and prints."""

from __future__ import annotations

from typing import NamedTuple


class Audit(NamedTuple):
    """The audit of a call.

    Attributes:
        level: of all intervals, above 0 and below 1.
        quantiles: levels of the rows' losses, 0 to 1.
        exact_quantiles: by a sketch where false.
        spread: the share of the worst rows and the sensitivity to the guard are wanted.
        histogram: of the rows' losses.
        bootstrap: how many replicates; 0 for none.
        seed: of the replicates.
        cluster: columns that say which rows belong together.
        by: what the rows are sliced by, as `region` or `region*age:width=10`.
        correction: of the slices' p-values, "holm" or "bh".
        worst, best: how many rows of the highest and of the lowest loss.
        calibration: "equal-mass" or "equal-width".
        bins: of the calibration.
        decompose: scores split into miscalibration, discrimination and uncertainty.
    """

    level: float = 0.95
    quantiles: tuple[float, ...] = ()
    exact_quantiles: bool = False
    spread: bool = False
    histogram: bool = False
    bootstrap: int = 0
    seed: int = 0
    cluster: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    correction: str = "holm"
    worst: int = 0
    best: int = 0
    calibration: str | None = None
    bins: int = 15
    decompose: bool = False

    @property
    def looks_again(self) -> bool:
        """Whether the inputs are read more than once."""
        return bool(
            self.worst
            or self.best
            or self.exact_quantiles
            or (self.bootstrap and not self.cluster)
            or any(":quantile=" in text for text in self.by)
        )

    @property
    def sketched(self) -> bool:
        """Whether the distribution of the rows' losses is wanted."""
        return self.histogram or bool(self.levels)

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantiles to tell."""
        asked = self.spread or self.exact_quantiles
        return self.quantiles or ((0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99) if asked else ())
