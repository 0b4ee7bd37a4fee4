"""Ranges as data: one value checks rows, phrases the error and draws the tests' samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Interval:
    """The real numbers from `low` to `high`, ends included unless said open; `whole` leaves only integers.

    Example:
        >>> import lossctl
        >>> share = lossctl.Interval(0, 1, high_open=True)
        >>> 0 in share, 1 in share
        (True, False)
    """

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    whole: bool = False

    def __contains__(self, value: float) -> bool:
        """Whether a number lies inside; infinities and NaN never do."""
        if not math.isfinite(value) or (self.whole and value != math.floor(value)):
            return False
        above = value > self.low if self.low_open else value >= self.low
        return above and (value < self.high if self.high_open else value <= self.high)

    def __str__(self) -> str:
        """As people write it.

        >>> str(Interval(0.0, 1.0, low_open=True))
        '(0, 1]'
        """
        if self.low == -math.inf and self.high == math.inf:
            return "any integer" if self.whole else "any real number"
        if self.high == math.inf:
            return f"{'>' if self.low_open else '>='} {self.low:g}"
        left = "(" if self.low_open else "["
        return f"{left}{self.low:g}, {self.high:g}{')' if self.high_open else ']'}"


class Domain(NamedTuple):
    """What the values of a role may be.

    Attributes:
        name: in words, as help and errors say it.
        interval: the range of each value.
        reason: the code under which a row outside is counted.
        sums_to_one: whether the values of a row make up a distribution; a deviation warns.
        class_index: whether the value names one of K classes (the range is then 0 to K - 1).
        hint: what the user may have meant, and the flag for it.
        infinite: whether an infinity is a value too, within the range.

    Example:
        >>> import lossctl
        >>> share = lossctl.Domain("a share of the area", lossctl.Interval(0, 1), "share_out_of_range")
        >>> 0.5 in share.interval, 1.5 in share.interval
        (True, False)
    """

    name: str
    interval: Interval = Interval()
    reason: str = "out_of_range"
    sums_to_one: bool = False
    class_index: bool = False
    hint: str = ""
    infinite: bool = False


class When(NamedTuple):
    """A domain that hangs on a boolean option of the loss."""

    option: str
    then: Domain
    otherwise: Domain


class Depends(NamedTuple):
    """A domain that hangs on a number among the options: `choose` takes them all; `name` says it in general."""

    name: str
    choose: Callable[[Mapping[str, Any]], Domain]


REAL = Domain("a real number")
NON_NEGATIVE = Domain("a number >= 0", Interval(low=0.0), "value_out_of_range")
POSITIVE_PRED = Domain("a number >= 0", Interval(low=0.0), "pred_out_of_range")
CLASS_INDEX = Domain("a class index", Interval(low=0.0, whole=True), "label_out_of_range", class_index=True)
SIGNS = Domain("0/1 or -1/+1", Interval(-1.0, 1.0), "label_out_of_range")
SIGN = Domain("-1 or +1", Interval(-1.0, 1.0, whole=True), "label_out_of_range")
COUNT = Domain("a number >= 0", Interval(low=0.0), "label_out_of_range")
SOFT_LABEL = Domain("0/1, or a soft label in [0, 1]", Interval(0.0, 1.0), "label_out_of_range")
BINARY_LABEL = Domain("0/1 or -1/+1, one of two classes", Interval(-1.0, 1.0, whole=True), "label_out_of_range")
SOFT_LABELS = Domain(
    "one-hot, or a distribution over the classes", Interval(0.0, 1.0), "label_out_of_range", sums_to_one=True
)
ONE_HOT = Domain("one-hot", Interval(0.0, 1.0), "label_out_of_range", sums_to_one=True)
PROBABILITY = Domain(
    "a probability",
    Interval(0.0, 1.0),
    "probability_out_of_range",
    hint="--from-logits if these are logits",
)
PROBABILITIES = Domain(
    "a distribution over the classes",
    Interval(0.0, 1.0),
    "probability_out_of_range",
    sums_to_one=True,
    hint="--from-logits if these are logits",
)
LOGITS = Domain("logits")
# a float32's rounding may lift a log-probability above 0; -inf is that of 0
LOG_PROBABILITIES = Domain("log-probabilities", Interval(high=1e-3), "log_probability_out_of_range", infinite=True)
