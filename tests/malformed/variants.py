"""Files as no program means to write them: cut, overwritten, flipped, or full of what no prediction is."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from random import Random

import numpy as np
import pyarrow as pa

from tests.written import PREDS, predictions

PARTS = 16


def damaged(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Cut at every sixteenth, with other first or last bytes, with a hole, and with more behind."""
    for part in range(PARTS):
        yield f"cut at {part}/{PARTS}", data[: len(data) * part // PARTS]
    yield "cut by a byte", data[:-1]
    yield "another start", b"?" * 8 + data[8:]
    yield "another end", data[:-8] + b"?" * 8
    yield "a hole of NUL", data[: len(data) // 2] + bytes(64) + data[len(data) // 2 + 64 :]
    yield "no UTF-8", data[: len(data) // 2] + b"\xff\xfe\xfa" + data[len(data) // 2 + 3 :]
    yield "more behind", data + b"\0more\xff\n"


def odd_tables() -> dict[str, pa.Table]:
    """Whole files with what is no prediction, or no data at all."""
    rows = 40
    made = predictions(rows)
    days = pa.array([datetime.date(2024, 1, 1 + i % 28) for i in range(rows)])
    decimals = pa.array([Decimal(f"0.{i % 9}") for i in range(rows)], pa.decimal128(5, 3))
    wide = {f"x{i}": np.full(rows, i) for i in range(10_000)}
    return {
        "zero rows": made.slice(0, 0),
        "zero columns": pa.table({}),
        "10,000 columns": pa.table({**{name: made[name] for name in made.column_names}, **wide}),
        "decimal preds": _with(made, decimals),
        "date preds": _with(made, days),
        "text preds": _with(made, pa.array(["cat"] * rows)),
        "null preds": _with(made, pa.nulls(rows)),
        "NUL in a text": made.set_column(5, "id", pa.array(["a\0b"] * rows)),
    }


def _with(table: pa.Table, preds: pa.Array) -> pa.Table:
    for name in PREDS:
        table = table.set_column(table.column_names.index(name), name, preds)
    return table


def mutated(data: bytes, random: Random) -> bytes:
    """A copy with a few accidents: flipped bits, overwritten, doubled, removed or moved stretches, cuts."""
    found = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        at = random.randrange(max(len(found), 1))
        # ends hold what readers steer by
        at = random.choice((at, at, min(at, 64), max(len(found) - 1 - at % 256, 0)))
        some = random.choice((1, 1, 2, 4, 8, 64, 1024))
        accident = random.randrange(7)
        if accident == 0 and found:
            found[at] ^= 1 << random.randrange(8)
        elif accident == 1:
            found[at : at + some] = random.randbytes(some)
        elif accident == 2:
            found[at : at + some] = random.choice((b"\0", b"\xff", b"\x7f", b'"', b"\n", b",", b"9")) * some
        elif accident == 3:
            del found[at : at + some]
        elif accident == 4:
            found[at:at] = found[at : at + some]
        elif accident == 5:
            del found[at:]
        else:
            there = random.randrange(max(len(found), 1))
            found[at : at + some] = found[there : there + some]
    return bytes(found)
