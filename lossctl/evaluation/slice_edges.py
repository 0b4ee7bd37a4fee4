"""The edges of quantile bins, from a look at all rows before the losses are computed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lossctl.errors import DataError
from lossctl.evaluation.bins import decimal_text, exact
from lossctl.evaluation.by import By, Part
from lossctl.evaluation.request import Job
from lossctl.evaluation.slice_column import BadValueError, numbers_of
from lossctl.evaluation.slicing import refusal
from lossctl.readers.arrow import takeable
from lossctl.readers.block import raw
from lossctl.readers.source import Source
from lossctl.readers.where_values import decoded, flags

if TYPE_CHECKING:
    from lossctl.evaluation.rows import Floats
    from lossctl.readers.source import Chunk, Unit

Pairs = Callable[[Job, "Unit"], Iterator[tuple["Floats", "Floats"]]]
# the quantiles at some levels of what pairs of values and weights give over all units
Quantiles = Callable[[Pairs, Sequence[Fraction]], Sequence[float]]


def settle(bys: Iterable[By], sources: Sequence[Source], quantiles: Quantiles) -> tuple[By, ...]:
    """The same with the edges of quantile bins filled in, which hang on the rows as a multiset.

    Args:
        bys: what is sliced by; what has no open edges stays as it is.
        sources: the files.
        quantiles: exact ones over all units.

    Raises:
        DataError: a column holds no finite number, or a text that is none.
    """
    return tuple(By(tuple(_settled(part, sources, quantiles) for part in by.parts)) if by.open else by for by in bys)


def _settled(part: Part, sources: Sequence[Source], quantiles: Quantiles) -> Part:
    if part.how != "quantile" or part.edges:
        return part
    count = int(part.said)
    found = quantiles(partial(column_values, part=part), [Fraction(i, count) for i in range(count + 1)])
    if any(np.isnan(found)):
        raise DataError(f"--by {part}: {sources[0].path} column {part.column} holds no finite number to cut by")
    least, *cuts, most = found
    # rows of one value are in one bin, so that there may be fewer bins than were asked for
    edges = [least, *sorted({cut for cut in cuts if cut > least}), most]
    single = all(_is_single(source, part.column) for source in sources)
    return part._replace(edges=tuple(_text(edge, single) for edge in edges))


def _is_single(source: Source, name: str) -> bool:
    """Whether a column is of float32: its numbers have shorter decimals."""
    kind = next((column.type for column in source.columns() if column.name == name), "")
    return "float32" in kind or re.fullmatch(r"float|.*values=float,.*", kind) is not None


def _text(edge: float, single: bool) -> str:
    """An edge's shortest decimal in the column's own type, where it is of that type."""
    narrow = np.float32(edge) if single else None
    shortest = str(narrow) if narrow is not None and float(narrow) == edge else repr(edge)
    return decimal_text(Decimal(shortest))


def column_values(job: Job, unit: Unit, part: Part) -> Iterator[tuple[Floats, Floats]]:
    """The finite numbers of a column, block by block, each with weight 1.

    Raises:
        DataError: a text that is no number.
    """
    first, source = 0, job.sources[unit.file]
    for chunk in source.read(unit, [part.column], job.batch_rows):
        if chunk.rows:
            try:
                values = _numbers(chunk, part)
            except BadValueError as error:
                place = error.row if chunk.places is None else int(chunk.places[error.row])
                raise refusal(error, source, unit, first + place) from None
            values = values[np.isfinite(values)] + 0.0
            yield values, np.ones(len(values))
        first += chunk.covered


def _numbers(chunk: Chunk, part: Part) -> Floats:
    """A column's values as float64, NaN where there are none."""
    import pyarrow as pa

    values = chunk.values[part.column]
    plain = values if isinstance(values, np.ndarray) and values.dtype.kind in "iuf" else decoded(values)
    found = numbers_of(plain)
    if found is not None:
        numbers: Floats = found.values.astype(np.float64)
        return numbers if found.valid is None else np.where(found.valid, numbers, np.nan)
    array = decoded(values)
    if pa.types.is_decimal(array.type):
        numbers = raw(array.cast(pa.float64())).copy()
        numbers[~flags(array.is_valid())] = np.nan
        return numbers
    texts = takeable(array).to_pylist()
    return np.array([_number(text, row, part, chunk) for row, text in enumerate(texts)], np.float64)


def _number(text: str | None, row: int, part: Part, chunk: Chunk) -> float:
    from lossctl.evaluation.canonical import pointed

    if text is None:
        return np.nan
    try:
        return float(exact(pointed(text) if part.column in chunk.commas else text))
    except ValueError:
        raise BadValueError(part, row, text, "a number") from None
