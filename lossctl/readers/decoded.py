"""Text in other encodings, told by its byte-order mark or by the caller, as UTF-8 while it is read."""

from __future__ import annotations

import codecs

from lossctl.errors import DataError, UsageError, nearest
from lossctl.readers.packed import Readable

STEP = 1 << 20
# a mark of UTF-32 begins like one of UTF-16; Python's decoders of these names take the mark away
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
UTF_8 = ("utf-8", "utf-8-sig")
COMMON = ("cp1252", "latin-1", "utf-16", "utf-16-le", "utf-32", "cp1250", "cp1251", "shift_jis", "gb18030", "utf-8")
# Python has these among the encodings, and no file is written in them
NO_FILES = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})


def encoding_named(name: str | None) -> str | None:
    """Python's own name of an encoding; None for UTF-8, which needs no decoding.

    Raises:
        UsageError: there is none of this name.
    """
    if name is None:
        return None
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError, TypeError):
        found = None
    if found is None or found.name in NO_FILES or not getattr(found, "_is_text_encoding", True):
        close = nearest(str(name), COMMON)
        raise UsageError(f"--encoding {name!r} is none that is known{close}; such are {', '.join(COMMON)}")
    return None if found.name in UTF_8 else found.name


def encoding_told(start: bytes, named: str | None) -> str | None:
    """The encoding of what begins so: as its byte-order mark says, else as it was named; None for UTF-8."""
    if start.startswith(codecs.BOM_UTF8):
        return None
    return next((encoding for mark, encoding in MARKS.items() if start.startswith(mark)), named)


class Decoded:
    """A stream's text in UTF-8.

    Raises:
        DataError: at a read, a sequence that the encoding does not have; its line is told.
    """

    def __init__(self, stream: Readable, encoding: str, place: str) -> None:
        self.stream, self.encoding, self.place = stream, encoding, place
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._held, self._lines, self._ended = b"", 0, False

    def read(self, size: int, /) -> bytes:
        """The next `size` bytes, fewer only at the end."""
        found, length = [self._held], len(self._held)
        while length < size and not self._ended:
            found.append(self._next())
            length += len(found[-1])
        data = b"".join(found)
        self._held = data[size:]
        return data[:size]

    def _next(self) -> bytes:
        raw = self.stream.read(STEP)
        self._ended = not raw
        try:
            data = self._decoder.decode(raw, self._ended).encode()
        except UnicodeError as error:
            raise self._broken(error) from None
        self._lines += data.count(b"\n")
        return data

    def _broken(self, error: UnicodeError) -> DataError:
        if not isinstance(error, UnicodeDecodeError):
            way = f"does not begin with a byte-order mark; say --encoding {self.encoding}-le or {self.encoding}-be"
            unmarked = self.encoding in ("utf-16", "utf-32")
            return DataError(f"{self.place} {way if unmarked else f'is not readable as {self.encoding}'}")
        # the decoder of a marked text names the byte order, the one of a table of characters only its kind
        encoding = error.encoding if error.encoding.startswith("utf") else self.encoding
        before = error.object[: error.start].decode(encoding, "ignore")
        line = self._lines + before.count("\n") + 1
        return DataError(f"{self.place} line {line}: not readable as {self.encoding}; --encoding NAME says another")
