"""Text on its way to a parser: fetched, unpacked and decoded to UTF-8."""

from __future__ import annotations

from lossctl.errors import DataError
from lossctl.readers import files, formats
from lossctl.readers.decoded import Decoded, encoding_told
from lossctl.readers.packed import TELLING, Joined, Readable, Unpacked, packing


def of_file(path: str, named: str | None) -> Readable:
    """A file's text; `named` is its encoding where no mark tells another."""
    return in_utf8(_streamed(path), named, path)


def unpacked(path: str, packed: str, named: str | None) -> Readable:
    """The text in a packed file."""
    return in_utf8(Unpacked(_streamed(path) if files.is_remote(path) else path, packed, path), named, path)


def in_utf8(stream: Readable, named: str | None, place: str) -> Readable:
    """A stream's text, decoded where it is not UTF-8 already.

    Raises:
        DataError: it is to be decoded, and is no text.
    """
    start = stream.read(TELLING)
    text, encoding = Joined(start, stream), encoding_told(start, named)
    if encoding is None:
        return text
    text_only(place, start)
    return Decoded(text, encoding, place)


def text_only(place: str, start: bytes) -> None:
    """Refuse what was unpacked and is no text.

    Raises:
        DataError: naming what it is.
    """
    told, packed = formats.told(start, place), packing(start)
    if told not in (None, "jsonl"):
        raise DataError(f"{place} holds {told}, expected CSV or JSON Lines; unpack it")
    if packed is not None:
        raise DataError(f"{place} is packed twice, the second time with {packed}; unpack it once")


def _streamed(path: str) -> Readable:
    if not files.is_remote(path):
        local: Readable = files.sequential(path)
        return local
    from lossctl.readers.remote import Stream

    return Stream(path)
