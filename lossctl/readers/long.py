"""Long tables, a row an example and class, as wide ones: a row an example, with a column of preds for every class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lossctl.errors import DataError, UsageError
from lossctl.readers.block import settled_commas
from lossctl.readers.memory import TableSource
from lossctl.readers.npy import half_of_memory
from lossctl.readers.roles import natural, select
from lossctl.readers.source import Source

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

PREFIX = "prob_"
ROWS = 1 << 16


@dataclass(frozen=True, slots=True)
class LongSource(TableSource):
    """A long table after pivoting.

    Attributes:
        preds: the columns that the classes became, in natural order.
        differing: columns that were left out, since they differ among the rows of an example, and where they do.
    """

    preds: tuple[str, ...] = ()
    differing: Mapping[str, str] = field(default_factory=dict)


class Codes(NamedTuple):
    """A column as (n,) places in the list of its distinct values."""

    codes: np.ndarray
    values: pa.Array


def pivoted(sources: Sequence[Source], key: str, category: str, probability: str) -> LongSource:
    """The rows of all inputs as one table of a row an example, in memory.

    Args:
        sources: the inputs; an example's rows may stand in several.
        key: the column that tells examples apart.
        category: the column that says the class.
        probability: the column with the number.

    Raises:
        UsageError: a column that is not there, or has no numbers or names.
        DataError: no rows, rows without example or class, a pair that is there twice, or more than fits into memory.
    """
    path = sources[0].path if len(sources) == 1 else f"{sources[0].path} and {len(sources) - 1} more"
    for name in (key, category, probability):
        select((name,), sources[0].columns(), "--long")
    table = _table(sources, {category}, probability, path)
    if not table.num_rows:
        raise DataError(f"{path} has no rows, so it names no class to make a column of")
    numbers = _numbers(table.column(probability), probability, path)
    examples, classes = (_codes(table.column(name), name, path) for name in (key, category))
    names = _class_names(classes.values, category, path)
    first = _first(examples)
    others = [name for name in table.column_names if name not in (category, probability)]
    kept, differing = _constant(table.select(others), examples, first, key)
    _refuse_too_large(len(first) * len(names) * numbers.itemsize, path)
    wide = _scattered(numbers, examples, classes, names, path)
    clash = next((name for name in wide if name in kept.column_names), None)
    if clash is not None:
        raise DataError(f"{path} has a column {clash!r} beside the class that would be called so; rename it")
    import pyarrow as pa

    columns = dict(zip(kept.column_names, kept.columns, strict=True))
    made = pa.table({**columns, **wide})
    return LongSource(made, path, sources[0].format, preds=tuple(wide), differing=differing)


def _table(sources: Sequence[Source], text: set[str], probability: str, path: str) -> pa.Table:
    """All rows, without the columns that hold lists; `text` are read as text whatever they look like.

    What turns into text further on is read as text from the start, where a format leaves that open.
    """
    import pyarrow as pa

    tables, size = [], 0
    for source in sources:
        for batch in _batches(source, frozenset(text)):
            size += batch.nbytes
            _refuse_too_large(2 * size, path)
            tables.append(batch)
    mixed = _mixed(tables)
    if probability in mixed:
        raise DataError(
            f"{path}: column {probability!r} holds numbers and further on text; --null-value TEXT reads a text as none"
        )
    if mixed - text and any(hasattr(source, "with_text") for source in sources):
        return _table(sources, text | mixed, probability, path)
    try:
        return pa.concat_tables(tables, promote_options="permissive").combine_chunks() if tables else pa.table({})
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: the files do not go together: {str(error).splitlines()[0]}") from None
    except pa.ArrowTypeError as error:
        raise DataError(f"{path}: the files differ in their columns: {str(error).splitlines()[0]}") from None


def _mixed(tables: Sequence[pa.Table]) -> set[str]:
    """The columns that are text in some tables and something else in others."""
    import pyarrow as pa

    seen: dict[str, set[bool]] = {}
    for column in (column for table in tables for column in table.schema if not pa.types.is_null(column.type)):
        kind = column.type
        seen.setdefault(column.name, set()).add(pa.types.is_string(kind) or pa.types.is_large_string(kind))
    return {name for name, texts in seen.items() if len(texts) > 1}


def _batches(source: Source, text: frozenset[str]) -> Iterator[pa.Table]:
    import numpy as np
    import pyarrow as pa

    source = source.with_text(text) if hasattr(source, "with_text") else source
    names = [column.name for column in source.columns() if column.kind != "list"]
    for unit in source.units(0):
        for chunk in source.read(unit, names, ROWS):
            values = settled_commas(chunk, frozenset()) if chunk.commas else chunk.values
            arrays = {n: pa.array(v) if isinstance(v, np.ndarray) else v for n, v in values.items()}
            yield pa.table({n: _decoded(v) for n, v in arrays.items() if not pa.types.is_nested(v.type)})


def _decoded(values: pa.Array) -> pa.Array:
    import pyarrow as pa

    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _refuse_too_large(size: int, path: str) -> None:
    """A long table is turned in memory, so it has to fit."""
    if size > half_of_memory():
        raise DataError(
            f"{path}: --long takes {size:,} bytes to turn rows into columns, over half of this machine's memory; "
            "write a row an example, with a column a class"
        )


def _numbers(column: pa.ChunkedArray, name: str, path: str) -> np.ma.MaskedArray:
    """(n,) in the file's own precision, masked where there is none."""
    import numpy as np
    import pyarrow as pa

    kind = column.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
        raise UsageError(f"--long: column {name!r} of {path} is {kind}, expected numbers, a class's probability a row")
    if not pa.types.is_floating(kind):
        column = column.cast(pa.float64())
    flat = _one(column)
    missing = flat.is_null().to_numpy(zero_copy_only=False)
    values = flat.to_numpy(zero_copy_only=False)
    return np.ma.MaskedArray(values, missing)


def _one(column: pa.ChunkedArray) -> pa.Array:
    """A column in one piece."""
    import pyarrow as pa

    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _codes(column: pa.ChunkedArray, name: str, path: str) -> Codes:
    import numpy as np

    flat = _one(column)
    if flat.null_count:
        row = int(np.flatnonzero(flat.is_null().to_numpy(zero_copy_only=False))[0]) + 1
        raise DataError(f"{path} row {row}: column {name!r} has no value; --long needs the example and class of each")
    return _encoded(flat)


def _encoded(flat: pa.Array) -> Codes:
    encoded = flat.dictionary_encode("encode")
    return Codes(encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary)


def _class_names(values: pa.Array, name: str, path: str) -> list[str]:
    import pyarrow as pa

    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        raise UsageError(f"--long: column {name!r} of {path} is {values.type}, expected class ids or names")
    return [str(value) for value in values.cast(pa.string()).to_pylist()]


def _first(examples: Codes) -> np.ndarray:
    """(n,) the first row of each example."""
    import numpy as np

    first = np.empty(len(examples.values), np.int64)
    # the last that is written stays
    first[examples.codes[::-1]] = np.arange(len(examples.codes))[::-1]
    return first


def _constant(others: pa.Table, examples: Codes, first: np.ndarray, key: str) -> tuple[pa.Table, dict[str, str]]:
    """The columns that say the same in all rows of an example, and where the others do not."""
    import numpy as np
    import pyarrow as pa

    differing = {}
    for name in others.column_names:
        codes = _encoded(_one(others.column(name))).codes
        odd = codes != codes[first[examples.codes]]
        if odd.any():
            example = examples.values[int(examples.codes[np.argmax(odd)])].as_py()
            differing[name] = f"{key} {example!r}"
    kept = [name for name in others.column_names if name not in differing]
    return others.select(kept).take(pa.array(first)), differing


def _scattered(
    numbers: np.ma.MaskedArray,
    examples: Codes,
    classes: Codes,
    names: list[str],
    path: str,
) -> dict[str, pa.Array]:
    """A column a class; without a row, an example has no number there."""
    import numpy as np
    import pyarrow as pa

    n = len(examples.values)
    place = classes.codes.astype(np.int64) * n + examples.codes
    seen = np.zeros(n * len(names), bool)
    seen[place] = True
    if int(seen.sum()) < len(place):
        order = np.argsort(place, kind="stable")
        twice = order[1:][place[order][1:] == place[order][:-1]].min()
        example = examples.values[int(examples.codes[twice])].as_py()
        raise DataError(f"{path}: example {example!r} has class {names[classes.codes[twice]]!r} more than once")
    seen[place] = ~np.ma.getmaskarray(numbers)
    values = np.zeros(n * len(names), numbers.dtype)
    values[place] = numbers.data
    natural_order = sorted(range(len(names)), key=lambda k: natural(names[k]))
    spans = {k: slice(k * n, (k + 1) * n) for k in natural_order}
    return {PREFIX + names[k]: pa.array(values[span], mask=~seen[span]) for k, span in spans.items()}
