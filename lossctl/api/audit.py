"""What a call asks for besides the plain numbers, held against what it may be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lossctl.audit.asked import Audit
from lossctl.errors import UsageError

# a replicate costs a few nanoseconds a row, and some kilobytes
MOST_REPLICATES = 100_000
MOST_ROWS = 1_000_000
# of a reliability table, where nothing is said
BINS = Audit().bins


def audit_words(
    *,
    ci: float = 0.95,
    quantiles: float | Sequence[float] = (),
    exact_quantiles: bool = False,
    spread: bool = False,
    histogram: bool = False,
    bootstrap: int = 0,
    seed: int = 0,
    cluster: str | Sequence[str] = (),
    by: str | Sequence[str] = (),
    correction: str = "holm",
    worst: int = 0,
    best: int = 0,
    calibration: str | None = None,
    bins: int | None = None,
    decompose: bool = False,
) -> Audit:
    """The audit of a call; for what the words mean see `lossctl.evaluate`.

    Raises:
        UsageError: a word or number that is none of its kind.
    """
    if not _number(ci) or not 0.0 < ci < 1.0:
        raise UsageError(f"ci must be above 0 and below 1, such as 0.95, got {ci!r}")
    levels = tuple(quantiles) if isinstance(quantiles, Iterable) else (quantiles,)
    for level in levels:
        if not _number(level) or not 0.0 <= level <= 1.0:
            raise UsageError(f"quantiles are levels from 0 to 1, got {level!r}")
    for name, count, most in (
        ("bootstrap", bootstrap, MOST_REPLICATES),
        ("seed", seed, (1 << 63) - 1),
        ("worst", worst, MOST_ROWS),
        ("best", best, MOST_ROWS),
    ):
        if not _whole(count) or not 0 <= count <= most:
            raise UsageError(f"{name} must be a whole number from 0 to {most:,}, got {count!r}")
    if bootstrap == 1:
        raise UsageError("bootstrap=1 tells nothing of the spread; take 200 or more")
    if correction not in ("holm", "bh"):
        raise UsageError(f'correction must be "holm" or "bh", got {correction!r}')
    if calibration not in (None, "equal-mass", "equal-width"):
        raise UsageError(f'calibration must be "equal-mass" or "equal-width", got {calibration!r}')
    if bins is not None and calibration is None:
        raise UsageError('bins goes with calibration: say "equal-mass" or "equal-width"')
    bins = BINS if bins is None else bins
    if not _whole(bins) or not 1 <= bins <= 10_000:
        raise UsageError(f"bins must be a whole number from 1 to 10,000, got {bins!r}")
    return Audit(
        float(ci),
        tuple(sorted({float(level) for level in levels})),
        bool(exact_quantiles),
        bool(spread),
        bool(histogram),
        int(bootstrap),
        int(seed),
        _names(cluster),
        _names(by),
        correction,
        int(worst),
        int(best),
        calibration,
        int(bins),
        bool(decompose),
    )


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
