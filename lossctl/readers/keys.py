"""Keys of a join in one form on both sides: whole numbers, or bytes that are equal just where the keys are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from lossctl.errors import DataError
from lossctl.readers.block import raw
from lossctl.readers.source import Source

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from lossctl.readers.source import Values

ROWS = 1 << 17
# so many words of a text tell its partition; equality looks at all of it
WORDS = 8


class KindChangedError(Exception):
    """A key column of a file without types of its own holds another kind of values further on."""

    def __init__(self, column: int, message: str) -> None:
        self.column = column
        super().__init__(message)


class KeyKind(NamedTuple):
    """What the keys of a column are: a family, and the Arrow type that both sides are brought to, where one is needed.

    `text` says that the column is read as text; `signed` that one side may hold numbers below 0.
    """

    family: str
    type: pa.DataType | None = None
    signed: bool = True


class Side(NamedTuple):
    """One side of a join: its files, and its key columns."""

    sources: tuple[Source, ...]
    names: tuple[str, ...]

    def with_text(self, columns: frozenset[int]) -> Side:
        """The same with some key columns read as text, where a format leaves that open."""
        text = frozenset(self.names[i] for i in columns)
        sources = (s.with_text(text) if text and hasattr(s, "with_text") else s for s in self.sources)
        return Side(tuple(sources), self.names)


class Keys(NamedTuple):
    """Some rows' keys, int64 or large_binary, null where there is none, and (n,) the rows that they are of."""

    keys: pa.Array
    rows: np.ndarray


class Layout:
    """Where the units of some files begin, in rows over all of them; known once they were walked through."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = tuple(sources)
        self.units: list[dict[int, int]] = [{} for _ in sources]
        self.files: list[int] = []
        self.rows = 0

    def place(self, row: int) -> str:
        """A row as a user counts it."""
        file = max(i for i, first in enumerate(self.files) if first <= row)
        return f"{self.sources[file].path} row {row - self.files[file] + 1}"


def arrow_of(values: Values) -> pa.Array:
    """An array as an Arrow array; pyarrow's own way would import pandas for numbers."""
    import numpy as np
    import pyarrow as pa

    if not isinstance(values, np.ndarray):
        return values
    if values.ndim == 2:
        return pa.FixedSizeListArray.from_arrays(arrow_of(values.reshape(-1)), values.shape[1])
    if values.dtype.kind not in "iuf":
        return pa.array(values)
    plain = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    return pa.Array.from_buffers(pa.from_numpy_dtype(plain.dtype), len(plain), [None, pa.py_buffer(plain)])


def family(kind: pa.DataType) -> str:
    """What values of a type may be equal to; an empty text for what makes no key."""
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(kind):
        return family(kind.value_type)
    if types.is_timestamp(kind):
        return "timestamp with a time zone" if kind.tz else "timestamp"
    tests = {
        "number": (types.is_integer, types.is_floating),
        "text": (types.is_string, types.is_large_string, types.is_string_view),
        "bytes": (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view),
        "boolean": (types.is_boolean,),
        "date": (types.is_date,),
        "time": (types.is_time,),
        "duration": (types.is_duration,),
        "decimal": (types.is_decimal,),
        "null": (types.is_null,),
    }
    return next((name for name, known in tests.items() if any(test(kind) for test in known)), "")


def agreed(preds: Side, labels: Side) -> list[KeyKind]:
    """The kind of each key column, from the first values of both sides.

    Raises:
        DataError: types that make no key, or of which none equals one of the other side's.
        KindChangedError: one side has text, and the other holds no types of its own.
    """
    return [_agreed_column(i, preds, labels) for i in range(len(preds.names))]


def _agreed_column(i: int, preds: Side, labels: Side) -> KeyKind:
    sides = (preds, labels)
    kinds = [_first_type(side, side.names[i]) for side in sides]
    families = [family(kind) for kind in kinds]
    told = " and ".join(f"{s.sources[0].path} {s.names[i]} ({k})" for s, k in zip(sides, kinds, strict=True))
    if "" in families:
        odd = families.index("")
        raise DataError(f"--on {sides[odd].names[i]}: {sides[odd].sources[0].path} holds {kinds[odd]}, which no key is")
    said = [name for name in families if name != "null"]
    if len(set(said)) > 1:
        typed = [s for s, name in zip(sides, families, strict=True) if name != "text"]
        message = f"--on: no key of {told} equals one of the other's; write both with one type"
        # a format without types of its own may lie beside others
        if "text" in families and any(hasattr(source, "with_text") for source in typed[0].sources):
            raise KindChangedError(i, message)
        raise DataError(message)
    return _kind(said[0] if said else "null", kinds)


def _first_type(side: Side, name: str) -> pa.DataType:
    """The type of a column's first values; null where there are none."""
    import pyarrow as pa

    for file, source in enumerate(side.sources):
        for unit in source.units(file):
            for chunk in source.read(unit, [name], ROWS):
                # one of which a filter left nothing holds no columns
                kind = arrow_of(chunk.values[name]).type if chunk.rows else pa.null()
                if not pa.types.is_null(kind):
                    return kind
    return pa.null()


def _kind(name: str, kinds: list[pa.DataType]) -> KeyKind:
    import pyarrow as pa

    kinds = [kind for kind in kinds if not pa.types.is_null(kind)]
    if name == "number":
        return KeyKind(name, None, not all(pa.types.is_unsigned_integer(kind) for kind in kinds))
    if name in ("timestamp", "timestamp with a time zone", "time", "duration"):
        return KeyKind(name, _finest(kinds))
    if name == "decimal":
        scale = max(kind.scale for kind in kinds)
        digits = max(kind.precision - kind.scale for kind in kinds) + scale
        return KeyKind(name, pa.decimal128(digits, scale) if digits <= 38 else pa.decimal256(min(digits, 76), scale))
    return KeyKind(name)


def _finest(kinds: list[pa.DataType]) -> pa.DataType:
    import pyarrow as pa

    units = ("s", "ms", "us", "ns")
    finest = max(kinds, key=lambda kind: units.index(kind.unit))
    # the zone says how an instant is shown, not which one it is
    return pa.timestamp(finest.unit, "UTC") if pa.types.is_timestamp(finest) and finest.tz else finest


def key_batches(side: Side, kinds: Sequence[KeyKind], layout: Layout) -> Iterator[Keys]:
    """The keys of all rows, in order; the layout is filled on the way.

    Raises:
        DataError: a key that is none of its kind, with its file and row.
        KindChangedError: the same, where the column may be read as text instead.
    """
    import numpy as np

    for file, source in enumerate(side.sources):
        layout.files.append(layout.rows)
        for unit in source.units(file):
            layout.units[file][unit.number] = layout.rows
            for chunk in source.read(unit, list(dict.fromkeys(side.names)), ROWS):
                if chunk.rows:
                    columns = [arrow_of(chunk.values[name]) for name in side.names]
                    places = np.arange(chunk.rows) if chunk.places is None else chunk.places
                    yield Keys(_combined(columns, kinds, side, layout), places + layout.rows)
                layout.rows += chunk.covered


def _combined(columns: list[pa.Array], kinds: Sequence[KeyKind], side: Side, layout: Layout) -> pa.Array:
    """The keys of several columns as one: their bytes, each with its length before it where that is not fixed."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = []
    for i, (values, kind) in enumerate(zip(columns, kinds, strict=True)):
        try:
            plain.append(_plain(values, kind))
        except (pa.ArrowException, TypeError):
            place, name = layout.place(layout.rows), side.names[i]
            message = f"--on {name}: {place} or soon behind holds a key ({values.type}) that is no {_word(kind)}"
            message += "; write the column with one type"
            if any(hasattr(source, "with_text") for source in layout.sources):
                raise KindChangedError(i, message) from None
            raise DataError(message) from None
    if len(plain) == 1:
        return plain[0]
    parts = [part for values in plain for part in _parts(values)]
    return pc.binary_join_element_wise(*parts, pa.scalar(b"", pa.large_binary()))


def _word(kind: KeyKind) -> str:
    return "whole number" if kind.family == "number" else kind.family


def _plain(values: pa.Array, kind: KeyKind) -> pa.Array:
    """One column's keys as int64 or large_binary.

    Raises:
        TypeError, pa.ArrowException: they are none of the kind.
    """
    import pyarrow as pa

    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_null(values.type):
        return values.cast(pa.large_binary() if kind.family in ("text", "bytes", "decimal") else pa.int64())
    if family(values.type) != kind.family:
        raise TypeError
    if kind.family == "text":
        return values.cast(pa.large_string()).view(pa.large_binary())
    if kind.family == "bytes":
        return values.cast(pa.large_binary())
    if kind.family == "number":
        return _whole_numbers(values, kind.signed)
    if kind.family == "decimal":
        return _fixed_bytes(values.cast(kind.type))
    if kind.family == "boolean":
        return values.cast(pa.int8()).cast(pa.int64())
    if kind.family == "date":
        return values.cast(pa.date32()).view(pa.int32()).cast(pa.int64())
    timed = values.cast(kind.type)
    return timed.view(pa.int32() if timed.type.bit_width == 32 else pa.int64()).cast(pa.int64())


def _whole_numbers(values: pa.Array, signed: bool) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(values.type):
        numbers = values.cast(pa.float64())
        # as pandas writes whole numbers of which some are missing
        return pc.if_else(pc.is_nan(numbers), None, numbers).cast(pa.int64())
    if pa.types.is_uint64(values.type):
        if not signed:
            return values.view(pa.int64())
        beyond = pc.greater(values, pa.scalar((1 << 63) - 1, pa.uint64()))
        return pc.if_else(beyond, None, values).cast(pa.int64())
    numbers = values.cast(pa.int64())
    # what is below 0 equals no unsigned number, whose bits it may have
    return numbers if signed else pc.if_else(pc.less(numbers, 0), None, numbers)


def _fixed_bytes(values: pa.Array) -> pa.Array:
    """Values of a fixed width as their own bytes."""
    import numpy as np
    import pyarrow as pa

    width = values.type.bit_width // 8
    ends = np.arange(len(values) + 1, dtype=np.int64) * width
    flat = pa.concat_arrays([values]) if values.offset else values
    data = flat.buffers()[1].slice(0, len(values) * width) if len(values) else pa.py_buffer(b"")
    return pa.Array.from_buffers(pa.large_binary(), len(values), [_validity(values), pa.py_buffer(ends), data])


def _validity(values: pa.Array) -> pa.Buffer | None:
    import numpy as np
    import pyarrow as pa

    if not values.null_count:
        return None
    return pa.py_buffer(np.packbits(present(values), bitorder="little"))


def present(values: pa.Array) -> np.ndarray:
    """A byte a row, 1 where it is not null."""
    import numpy as np
    import pyarrow as pa

    told = values.is_valid().cast(pa.uint8())
    return np.frombuffer(told.buffers()[1], np.uint8)[told.offset : told.offset + len(told)]


def _parts(values: pa.Array) -> list[pa.Array]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_large_binary(values.type):
        return [_fixed_bytes(pc.binary_length(values).cast(pa.int64())), values]
    return [_fixed_bytes(values)]


def partitions(keys: pa.Array, count: int) -> np.ndarray:
    """(n,) uint8: to which of `count` partitions each key belongs; keys that are equal are never parted."""
    import numpy as np
    import pyarrow as pa

    whole = raw(keys).view(np.uint64) if pa.types.is_int64(keys.type) else _digest(keys)
    mixed = (whole ^ (whole >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
    part: np.ndarray = (((mixed >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32)).astype(np.uint8)
    return part


def _digest(keys: pa.Array) -> np.ndarray:
    """(n,) uint64: each key's length and some words of its bytes, mixed."""
    import numpy as np

    ends = np.frombuffer(keys.buffers()[1], np.int64)[keys.offset : keys.offset + len(keys) + 1]
    buffer = keys.buffers()[2]
    data = np.frombuffer(b"" if buffer is None else buffer, np.uint8)[ends[0] : ends[-1]]
    padded = np.concatenate([data, np.zeros(8, np.uint8)])
    # a word from every byte on, where it lies
    words: np.ndarray = np.ndarray(len(data) + 1, "<u8", padded, strides=(1,))
    lengths, begins = np.diff(ends), ends[:-1] - ends[0]
    last = np.maximum(lengths - 8, 0)
    # a key shorter than a word is followed by others' bytes
    own = ~np.uint64(0) >> (np.uint64(8) * np.maximum(8 - lengths, 1).astype(np.uint64) * (lengths < 8))
    own[lengths == 0] = 0
    found = lengths.astype(np.uint64)
    for i in range(WORDS):
        found = (found ^ (words[begins + last * i // (WORDS - 1)] & own)) * np.uint64(0x5851F42D4C957F2D)
        found ^= found >> np.uint64(31)
    return found
