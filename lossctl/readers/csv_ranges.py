"""Where text may be cut: at line ends, which in CSV are those outside quotes."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lossctl.errors import DataError
from lossctl.readers.packed import Readable

if TYPE_CHECKING:
    import numpy as np

QUOTE, NEWLINE, RETURN = b'"'[0], b"\n"[0], b"\r"[0]
# a line beyond this is a quote left open, or no CSV
LONGEST_LINE = 1 << 26


def cuts(path: str, start: int, size: int, step: int, delimiter: str | None) -> list[int]:
    """Offsets at which a file falls into ranges of about `step` bytes: from `start` to its `size`.

    A delimiter of None says that quotes hold no line ends.

    Raises:
        DataError: a quoted field that is never closed, or a line of more than 64 MiB.
    """
    found = _plain_cuts(path, start, size, step, delimiter is not None)
    return found if found is not None else _quoted_cuts(path, start, step, delimiter or "")


def _plain_cuts(path: str, start: int, size: int, step: int, quotes: bool) -> list[int] | None:
    """For a file without any quote that counts, without reading it through Python; None where it has one."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        if quotes and view.find(b'"', start) >= 0:
            return None
        found = [start]
        while found[-1] + step < size:
            end = view.find(b"\n", found[-1] + step - 1)
            found.append(size if end < 0 else end + 1)
            if found[-1] - found[-2] > step + LONGEST_LINE:
                raise DataError(_too_long(path))
    return [*found, size] if found[-1] < size else found


def _quoted_cuts(path: str, start: int, step: int, delimiter: str) -> list[int]:
    with open(path, "rb") as file:
        file.seek(start)
        found = [start]
        for piece in pieces(file, step, delimiter, path):
            found.append(found[-1] + len(piece))
        return found


def pieces(stream: Readable, step: int, delimiter: str | None, place: str) -> Iterator[bytes]:
    """A stream in pieces of about `step` bytes, each of whole lines.

    Raises:
        DataError: a quoted field that is never closed, or a line of more than 64 MiB.
    """
    held = b""
    while block := stream.read(step):
        data = held + block
        end = last_line_end(data, delimiter)
        if end:
            yield data[:end]
        elif len(data) > LONGEST_LINE:
            raise DataError(_too_long(place))
        held = data[end:]
    if delimiter is not None and ends_open(held, delimiter):
        raise DataError(f'{place}: the last record opens a quoted field that is never closed with "')
    if held:
        yield held


def last_line_end(data: bytes, delimiters: str | None) -> int:
    """Just behind the last line end outside quotes; 0 where there is none. `data` starts at a line's start."""
    if delimiters is None or b'"' not in data:
        return data.rfind(b"\n") + 1
    ends = line_ends(data, delimiters)
    return int(ends[-1]) if len(ends) else 0


def line_ends(data: bytes, delimiters: str) -> np.ndarray:
    """Just behind every line end outside quotes."""
    import numpy as np

    lines = np.flatnonzero(np.frombuffer(data, np.uint8) == NEWLINE)
    if b'"' not in data:
        return lines + 1
    outside: np.ndarray = lines[np.searchsorted(_edges(data, delimiters), lines) % 2 == 0] + 1
    return outside


def ends_open(data: bytes, delimiters: str) -> bool:
    """Whether the data ends within quotes."""
    return b'"' in data and len(_edges(data, delimiters)) % 2 == 1


def _edges(data: bytes, delimiters: str) -> np.ndarray:
    """Where quoted text begins and ends, in turns."""
    import numpy as np

    array = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(array == QUOTE)
    if _all_at_borders(array, quotes, delimiters):
        return quotes
    return _walked_edges(data, delimiters)


def _all_at_borders(array: np.ndarray, quotes: np.ndarray, delimiters: str) -> bool:
    """Whether each quote opens a field, closes one or is half of a pair: then parity tells."""
    import numpy as np

    borders = np.zeros(256, bool)
    borders[[*delimiters.encode(), NEWLINE, RETURN, QUOTE]] = True
    opening, closing = quotes[0::2], quotes[1::2]
    opens = borders[array[np.maximum(opening - 1, 0)]] | (opening == 0)
    closes = borders[array[np.minimum(closing + 1, len(array) - 1)]] | (closing == len(array) - 1)
    return bool(opens.all() and closes.all())


def _walked_edges(data: bytes, delimiters: str) -> np.ndarray:
    """The same where a quote stands inside a field: only one at a field's start opens."""
    import numpy as np

    starts = re.escape(delimiters.encode()) + rb"\r\n"
    field = re.compile(rb"(?:\A|(?<=[" + starts + rb']))"(?:[^"]++|"")*+("?)')
    edges: list[int] = []
    for match in field.finditer(data):
        edges.append(match.start())
        if match[1]:
            edges.append(match.end() - 1)
    return np.array(edges, np.int64)


def _too_long(place: str) -> str:
    return f"{place}: a line is longer than 64 MiB, is a quote left open?"
