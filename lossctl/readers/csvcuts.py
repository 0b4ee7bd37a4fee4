"""Where a CSV may be cut: at line ends that lie outside quotes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from lossctl.errors import DataError

if TYPE_CHECKING:
    import numpy as np


class Readable(Protocol):
    """What gives bytes when asked."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        ...


QUOTE, NEWLINE, RETURN = b'"'[0], b"\n"[0], b"\r"[0]


def cuts(path: str, start: int, step: int, delimiter: str) -> list[int]:
    """Offsets at which a file falls into ranges of about `step` bytes; the first is `start`, the last its size.

    Raises:
        DataError: a quote inside an unquoted field, which leaves open where a line ends.
    """
    with open(path, "rb") as file:
        file.seek(start)
        found = [start]
        for piece in pieces(file, step, delimiter, path):
            found.append(found[-1] + len(piece))
    return found


def plain_cuts(path: str, start: int, size: int, step: int) -> list[int] | None:
    """The same for a file without any quote, without reading it through Python; None where it has one."""
    import mmap

    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        if view.find(b'"', start) >= 0:
            return None
        found = [start]
        while found[-1] + step < size:
            end = view.find(b"\n", found[-1] + step)
            found.append(size if end < 0 else end + 1)
        return [*found, size] if found[-1] < size else found


def pieces(stream: Readable, step: int, delimiter: str, path: str) -> Iterator[bytes]:
    """A stream in pieces of about `step` bytes, each of whole lines."""
    held = b""
    while True:
        block = stream.read(step)
        data = held + block
        if not block:
            if data:
                yield data
            return
        end = last_line_end(data, delimiter, path)
        if end:
            yield data[:end]
        held = data[end:]


def last_line_end(data: bytes, delimiter: str, path: str) -> int:
    """Just behind the last line end outside quotes; 0 where there is none. `data` starts at a line's start."""
    if b'"' not in data:
        return data.rfind(b"\n") + 1
    import numpy as np

    array = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(array == QUOTE)
    lines = np.flatnonzero(array == NEWLINE)
    outside = lines[np.searchsorted(quotes, lines) % 2 == 0]
    end = int(outside[-1]) + 1 if len(outside) else 0
    _refuse_stray(array[:end], quotes[quotes < end], delimiter, path)
    return end


def _refuse_stray(array: np.ndarray, quotes: np.ndarray, delimiter: str, path: str) -> None:
    """Quotes count only if each opens a field or closes one."""
    import numpy as np

    opening, closing = quotes[0::2], quotes[1::2]
    before = array[np.maximum(opening - 1, 0)]
    opens = (opening == 0) | np.isin(before, [ord(delimiter), NEWLINE, RETURN, QUOTE])
    after = array[np.minimum(closing + 1, len(array) - 1)]
    closes = np.isin(after, [ord(delimiter), NEWLINE, RETURN, QUOTE]) | (closing == len(array) - 1)
    if not (opens.all() and closes.all()):
        raise DataError(
            f"{path}: a quote stands inside an unquoted field, so line ends cannot be told from text; "
            'write such fields quoted, as "5"" disk"'
        )
