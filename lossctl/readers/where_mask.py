"""A filter on the values of a chunk: a mask in SQL's three-valued logic, null where it is unknown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from lossctl.errors import DataError
from lossctl.readers.block import number, pointed
from lossctl.readers.connectives import And, Not, Or
from lossctl.readers.where import Column, Comparison, In, IsNull, Literal, Operand, Tree
from lossctl.readers.where_types import SECOND
from lossctl.readers.where_values import UNITS, arrow, decoded, one_text, scalar, validity

if TYPE_CHECKING:
    import pyarrow as pa

    from lossctl.readers.source import Values

COMPUTE = {"=": "equal", "!=": "not_equal", "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal"}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
# beside a bound that is below the literal, or above it, with nothing of the type between
BELOW = {"<": "<=", ">=": ">"}
ABOVE = {"<=": "<", ">": ">="}


class Ticks(NamedTuple):
    """Whole numbers in units of `scale`, or floats in units of 1."""

    numbers: pa.Array
    scale: int = 1


class Masks:
    """The masks of one chunk.

    Args:
        values: name to the column's values.
        rows: how many there are.
        path: what errors call the input.
        commas: columns of text whose numbers have a decimal comma.
    """

    def __init__(
        self, values: Mapping[str, Values], rows: int, path: str, commas: frozenset[str] = frozenset()
    ) -> None:
        self.values, self.rows, self.path, self.commas = values, rows, path, commas

    def of(self, tree: Tree) -> pa.BooleanArray:
        """(rows,) true, false or null; the tree was fitted to the columns.

        Raises:
            DataError: a column turns out to hold values of another kind.
        """
        import pyarrow.compute as pc

        match tree:
            case And(parts):
                return reduce(pc.and_kleene, map(self.of, parts))
            case Or(parts):
                return reduce(pc.or_kleene, map(self.of, parts))
            case Not(part):
                return pc.invert(self.of(part))
            case IsNull(column):
                return self._missing(column.name)
            case In(column, values, family):
                if family in ("text", "number"):
                    return self._among(column, values, family)
                return reduce(pc.or_kleene, [self.of(Comparison("=", column, one, family)) for one in values])
            case Comparison():
                return self._compared(tree)
        raise AssertionError(f"{tree} was not fitted")

    def _missing(self, name: str) -> pa.BooleanArray:
        import numpy as np

        values = self.values[name]
        if not isinstance(values, np.ndarray):
            return values.is_null()
        gone = np.isnat(values) if values.dtype.kind in "mM" else np.zeros(self.rows, bool)
        return arrow(gone)

    def _among(self, column: Column, values: tuple[Literal, ...], family: str) -> pa.BooleanArray:
        """Whether each text or number is one of some."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found = self._texts(column) if family == "text" else self._ticks(column, family).numbers
        if _is_null(found):
            return self._unknown()
        if family == "text":
            wanted = pa.concat_arrays([one_text(str(literal.value)) for literal in values]).cast(found.type)
        else:
            wanted = _within([literal.value for literal in values], found.type)
        return pc.if_else(found.is_valid(), pc.is_in(found, value_set=wanted), self._unknown())

    def _compared(self, comparison: Comparison) -> pa.BooleanArray:
        op, left, right, family = comparison.op, comparison.left, comparison.right, comparison.family
        if isinstance(left, Literal):
            op, left, right = MIRRORED.get(op, op), right, left
        assert isinstance(left, Column)
        if family == "text":
            return self._paired(op, self._texts(left), self._texts(right))
        if family == "boolean":
            return self._paired(op, self._truths(left), self._truths(right))
        ticks = self._ticks(left, family)
        if isinstance(right, Literal):
            assert not isinstance(right.value, str)
            return self._unknown() if _is_null(ticks.numbers) else _bounded(op, ticks, right.value)
        others = self._ticks(right, family)
        if _is_null(ticks.numbers) or _is_null(others.numbers):
            return self._unknown()
        return _call(op, *self._alike(ticks, others, left.name))

    def _paired(self, op: str, left: pa.Array, right: Any) -> pa.BooleanArray:
        import pyarrow as pa

        if _is_null(left) or _is_null(right):
            return self._unknown()
        if left.type != right.type:
            # the longer offsets hold both
            left, right = (side.cast(pa.large_string()) for side in (left, right))
        return _call(op, left, right)

    def _unknown(self) -> pa.BooleanArray:
        import pyarrow as pa

        return pa.nulls(self.rows, pa.bool_())

    def _texts(self, side: Operand) -> Any:
        import pyarrow as pa

        if isinstance(side, Literal):
            return one_text(str(side.value))[0]
        values = arrow(self.values[side.name])
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_string_view(values.type):
            return values.cast(pa.string())
        return values

    def _truths(self, side: Operand) -> Any:
        import numpy as np
        import pyarrow as pa

        if isinstance(side, Literal):
            return arrow(np.array([bool(side.value)]))[0]
        values = decoded(self.values[side.name])
        if pa.types.is_boolean(values.type) or _is_null(values):
            return values
        found = self._numbers(side.name, values)
        if _call("!=", found, found.cast(pa.bool_()).cast(found.type)).true_count:
            raise DataError(f"{self.path}: column {side.name!r} holds numbers beside the true and false of --where")
        return found.cast(pa.bool_())

    def _ticks(self, side: Operand, family: str) -> Ticks:
        import pyarrow as pa

        assert isinstance(side, Column)
        values = decoded(self.values[side.name])
        if _is_null(values):
            return Ticks(values)
        kind = values.type
        if family == "number":
            return Ticks(self._numbers(side.name, values))
        if pa.types.is_date32(kind):
            return Ticks(values.view(pa.int32()), 86400 * SECOND)
        return Ticks(values.view(pa.int64()), UNITS["ms" if pa.types.is_date64(kind) else kind.unit])

    def _numbers(self, name: str, values: pa.Array) -> pa.Array:
        """Whole numbers as they are, any other as float64."""
        import pyarrow as pa

        kind = values.type
        if pa.types.is_integer(kind):
            return values
        if pa.types.is_boolean(kind):
            return values.cast(pa.uint8())
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return self._parsed(name, values)
        return (values.cast(pa.float32()) if pa.types.is_float16(kind) else values).cast(pa.float64())

    def _parsed(self, name: str, texts: pa.Array) -> pa.Array:
        """The numbers that texts stand for: a range of a CSV file may hold some text among them.

        Raises:
            DataError: one that stands for none.
        """
        import numpy as np
        import pyarrow as pa

        found = np.full(len(texts), np.nan)
        said = pointed(texts) if name in self.commas else texts
        for row, (text, plain) in enumerate(zip(texts.to_pylist(), said.to_pylist(), strict=True)):
            try:
                found[row] = math.nan if text is None else number(plain)
            except ValueError:
                raise DataError(
                    f"{self.path}: column {name!r} holds {text!r}, expected numbers, which --where compares it with; "
                    f"--null-value {text!r} reads it as no value"
                ) from None
        numbers = arrow(found)
        return pa.Array.from_buffers(numbers.type, len(texts), [validity(texts), numbers.buffers()[1]])

    def _alike(self, left: Ticks, right: Ticks, name: str) -> tuple[pa.Array, pa.Array]:
        """Two columns in one type and unit: whole numbers exactly, with a floating one in float64."""
        import pyarrow as pa
        import pyarrow.compute as pc

        whole = all(pa.types.is_integer(side.numbers.type) for side in (left, right))
        if not whole:
            return left.numbers.cast(pa.float64(), safe=False), right.numbers.cast(pa.float64(), safe=False)
        large = pa.uint64() in (left.numbers.type, right.numbers.type)
        wide = pa.decimal128(20, 0) if large else pa.int64()
        scale = min(left.scale, right.scale)
        try:
            sides = [
                side.numbers.cast(wide)
                if side.scale == scale
                else pc.multiply_checked(side.numbers.cast(wide), scalar(side.scale // scale, pa.int64()))
                for side in (left, right)
            ]
        except pa.ArrowInvalid:
            raise DataError(f"{self.path}: column {name!r} holds dates beyond the range of the other's unit") from None
        return sides[0], sides[1]


def _is_null(values: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_null(values.type))


def _call(op: str, left: Any, right: Any) -> pa.BooleanArray:
    import pyarrow.compute as pc

    compute: Callable[[Any, Any], pa.BooleanArray] = getattr(pc, COMPUTE[op])
    return compute(left, right)


def _bounded(op: str, ticks: Ticks, literal: float) -> pa.BooleanArray:
    """Numbers against a literal of any size and precision, without rounding either."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = ticks.numbers
    if pa.types.is_integer(numbers.type):
        least, most = _range(numbers.type)
        bound: float = min(max(math.floor(literal) // ticks.scale, least), most)
    else:
        bound = _nearest(literal)
    reached = bound * ticks.scale
    if reached != literal and op in ("=", "!="):
        never = pc.less(numbers, numbers)
        return never if op == "=" else pc.invert(never)
    op = op if reached == literal else (BELOW if reached < literal else ABOVE).get(op, op)
    return _call(op, numbers, scalar(bound, numbers.type))


def _within(literals: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """The numbers that a type can hold exactly; both zeros, which Arrow tells apart."""
    import numpy as np
    import pyarrow as pa

    if pa.types.is_integer(kind):
        least, most = _range(kind)
        return arrow(np.array([int(n) for n in literals if n == math.floor(n) and least <= n <= most], str(kind)))
    floats = [_nearest(n) for n in literals if _nearest(n) == n]
    return arrow(np.array(floats + [-zero for zero in floats if not zero], np.float64))


def _range(kind: pa.DataType) -> tuple[int, int]:
    """The least and the most of a type of whole numbers."""
    import pyarrow as pa

    bits = kind.bit_width
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if pa.types.is_signed_integer(kind) else (0, (1 << bits) - 1)


def _nearest(literal: float) -> float:
    try:
        return float(literal)
    except OverflowError:
        return math.copysign(math.inf, literal)
