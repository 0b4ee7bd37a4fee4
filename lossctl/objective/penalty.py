"""Penalties on weight arrays: exact sums of |w| and of squares over the arrays that patterns pick."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from lossctl.errors import DataError, UsageError, nearest
from lossctl.objective.declare import Regularizer
from lossctl.readers.weights import array_names, weight_array

if TYPE_CHECKING:
    import numpy as np

    from lossctl.audit.moments import LossPartial

BLOCK = 1 << 17


@dataclass(frozen=True, slots=True)
class ArrayUsed:
    """An array that a penalty is on."""

    file: str
    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Penalty:
    """A regulariser's value, l1 sum |w| + l2 sum w^2; both sums are exact, save the rounding of a float64's square."""

    regularizer: Regularizer
    value: float
    sum_of_absolutes: float
    sum_of_squares: float
    count: int
    arrays: tuple[ArrayUsed, ...]


def penalty(asked: Regularizer) -> Penalty:
    """The value of a regulariser.

    Raises:
        DataError: a file that cannot be read, or an array that holds no finite floating-point numbers.
        UsageError: a pattern that matches no array.
    """
    from lossctl.audit.sums import Sums
    from lossctl.kernels.exactsum import as_float

    sums = Sums()
    used = []
    for file, name in _picked(asked):
        array = weight_array(file, name)
        _refuse_numberless(array, file, name, asked)
        for block in _blocks(array):
            sums.add(abs(block), None, None)
        if _special(sums.flush()):
            raise DataError(f"{file}: array {name!r} holds {_first_special(array)}, expected finite weights")
        used.append(ArrayUsed(file, name, array.shape, str(array.dtype)))
    partial = sums.flush()
    absolutes, squares = as_float(partial.loss), as_float(partial.squares)
    # a coefficient of 0 leaves its sum out
    value = (asked.l1 * absolutes if asked.l1 else 0.0) + (asked.l2 * squares if asked.l2 else 0.0)
    return Penalty(asked, value, absolutes, squares, partial.rows, tuple(used))


def _picked(asked: Regularizer) -> list[tuple[str, str]]:
    """The arrays of a regulariser by file and name, in order."""
    names = [(file, name) for file in asked.files for name in array_names(file)]
    for pattern in (*asked.arrays, *asked.exclude):
        if not any(fnmatchcase(name, pattern) for _, name in names):
            there = [name for _, name in names]
            shown = ", ".join(there[:20]) + (f", ... ({len(there)} in all)" if len(there) > 20 else "")
            raise UsageError(f"{asked.name}: no array {pattern!r}{nearest(pattern, there)} (arrays: {shown})")
    picked = [(f, n) for f, n in names if _matches(n, asked.arrays) and not _matches(n, asked.exclude)]
    if not picked:
        raise UsageError(f"{asked.name}: `exclude` leaves no array of {', '.join(map(os.path.basename, asked.files))}")
    return picked


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _refuse_numberless(array: np.ndarray, file: str, name: str, asked: Regularizer) -> None:
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise DataError(
            f"{file}: array {name!r} is {array.dtype}, expected floating-point weights; "
            f"leave it out of {asked.name} with exclude = [{name!r}]"
        )


def _blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """The numbers as float64, a cache-sized piece at a time; in the order in which they lie, which is no matter."""
    import numpy as np

    flat = (array if array.flags.c_contiguous else array.T).reshape(-1)
    return (np.ascontiguousarray(flat[at : at + BLOCK], dtype=np.float64) for at in range(0, flat.size, BLOCK))


def _special(partial: LossPartial) -> bool:
    return bool(partial.nan or partial.positive_infinity or partial.negative_infinity)


def _first_special(array: np.ndarray) -> str:
    import numpy as np

    index = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
    return f"{array[index]} at {list(index)}"
