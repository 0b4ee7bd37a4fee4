"""What one loss has for the rows of a block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    import numpy as np

    Floats: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.float64]]"
    Bytes: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.uint8]]"


class LossColumn(NamedTuple):
    """The rows of a block for one loss, whose value is sum(w l) / sum(w).

    Attributes:
        losses: (n,) l, which may be NaN or infinite.
        weights: (n,) w >= 0; None for 1 each.
        skipped: (n,) bytes, 1 where a row does not count; None where all do.
    """

    losses: Floats
    weights: Floats | None
    skipped: Bytes | None

    @property
    def kept(self) -> np.ndarray | None:
        """The places of the rows that count; None for all."""
        import numpy as np

        return None if self.skipped is None else np.flatnonzero(self.skipped == 0)


Self_ = TypeVar("Self_", bound="Part")


class Part(Protocol):
    """What an accumulator gives: it pickles, and merges in any order to the same bits."""

    def merge(self: Self_, other: Any) -> Self_:
        """Both together."""
        ...
