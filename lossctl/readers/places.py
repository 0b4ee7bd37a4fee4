"""Paths to sources, with their format told: by content, then by suffix."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from lossctl.errors import DataError, UsageError
from lossctl.readers import files
from lossctl.readers.packed import TELLING, Joined, Readable, Unpacked, bare, packing
from lossctl.readers.source import Source

if TYPE_CHECKING:
    from lossctl.readers.csv import Dialect

FORMATS = ("csv", "tsv", "parquet", "npy", "npz")
SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".parquet": "parquet", ".pq": "parquet", ".npy": "npy", ".npz": "npz"}
MAGIC = {b"PAR1": "parquet", b"\x93NUM": "npy", b"PK\x03\x04": "npz", b"PK\x05\x06": "npz"}


class ReadSettings(NamedTuple):
    """How files are to be read, where they do not say it themselves."""

    delimiter: str | None = None
    header: bool = True
    null_values: tuple[str, ...] = ()
    format: str | None = None
    encoding: str | None = None
    decimal: str | None = None


def open_source(path: str, settings: ReadSettings) -> Source:
    """The source of a path; "-" is CSV on stdin.

    Raises:
        DataError: a missing, empty or unreadable file, a directory, or what is packed and no CSV.
        UsageError: an unknown format, or a terminal on stdin.
    """
    if settings.format is not None and settings.format not in FORMATS:
        raise UsageError(f"--input-format must be one of {', '.join(FORMATS)}, got {settings.format!r}")
    if path == "-":
        return _stdin(settings)
    path = files.located(path)
    start = _beginning(path)
    packed = packing(start)
    if packed is not None:
        return _packed_file(path, packed, settings)
    format = settings.format or _format(path, start)
    # each reader is imported where it is needed: a small file is read faster than all of them are
    if format == "parquet":
        from lossctl.readers.parquet import ParquetSource

        return ParquetSource(path)
    if format in ("npy", "npz"):
        from lossctl.readers.npy import ArraysSource, NpzSource

        return ArraysSource((path,)) if format == "npy" else NpzSource(path)
    from lossctl.readers.decoded import encoding_named, encoding_told

    dialect, named = _dialect(settings, format), encoding_named(settings.encoding)
    if files.is_remote(path) or encoding_told(start, named) is not None:
        return _as_stream(path, dialect, partial(_file_text, path, named))
    from lossctl.readers.csv import CsvSource

    return CsvSource(path, dialect)


def open_arrays(paths: tuple[str, ...]) -> Source:
    """Several .npy files as one table.

    Raises:
        DataError: a missing or unreadable file.
    """
    from lossctl.readers.npy import ArraysSource

    paths = tuple(map(files.located, paths))
    for path in paths:
        packed = packing(_beginning(path))
        if packed is not None:
            raise DataError(f"{path} is packed with {packed}; unpack it: arrays are read where they lie")
    return ArraysSource(paths)


def _packed_file(path: str, packed: str, settings: ReadSettings) -> Source:
    from lossctl.readers.decoded import encoding_named

    format = settings.format or SUFFIXES.get(os.path.splitext(bare(files.plain_name(path)))[1].lower(), "csv")
    if format not in ("csv", "tsv"):
        raise DataError(f"{path} is {format} packed with {packed}; unpack it: only CSV is read packed")
    named = encoding_named(settings.encoding)
    return _as_stream(path, _dialect(settings, format), partial(_unpacked, path, packed, named))


def _as_stream(path: str, dialect: Dialect, opened: Callable[[], Readable]) -> Source:
    from lossctl.readers.csv_stream import CsvStream

    return CsvStream(path, dialect, opened, True, check=partial(_text_only, path))


def _unpacked(path: str, packed: str, named: str | None) -> Readable:
    return _in_utf8(Unpacked(_streamed(path) if files.is_remote(path) else path, packed, path), named, path)


def _file_text(path: str, named: str | None) -> Readable:
    return _in_utf8(_streamed(path), named, path)


def _in_utf8(stream: Readable, named: str | None, place: str) -> Readable:
    """A stream's text, decoded where it is not UTF-8 already."""
    from lossctl.readers.decoded import Decoded, encoding_told

    start = stream.read(TELLING)
    text, encoding = Joined(start, stream), encoding_told(start, named)
    if encoding is None:
        return text
    _text_only(place, start)
    return Decoded(text, encoding, place)


def _streamed(path: str) -> Readable:
    if not files.is_remote(path):
        local: Readable = files.sequential(path)
        return local
    from lossctl.readers.remote import Stream

    return Stream(path)


def _dialect(settings: ReadSettings, format: str) -> Dialect:
    from lossctl.readers.csv import Dialect

    delimiter = settings.delimiter or ("\t" if format == "tsv" else None)
    if delimiter is not None:
        delimiter = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)
        if len(delimiter.encode()) != 1 or delimiter in '"\r\n':
            raise UsageError(f"--delimiter takes one character, got {settings.delimiter!r}")
    if settings.decimal not in (None, ".", ","):
        raise UsageError(f"--decimal takes . or , got {settings.decimal!r}")
    return Dialect(delimiter, settings.header, settings.null_values, settings.decimal)


def _stdin(settings: ReadSettings) -> Source:
    if sys.stdin is None:
        raise UsageError("- reads CSV from stdin, and stdin is closed; name a file, or pipe one in")
    if sys.stdin.isatty():
        raise UsageError("- reads CSV from a pipe, and stdin is a terminal; name a file, or pipe one in")
    if settings.format not in (None, "csv", "tsv"):
        raise UsageError(f"stdin is read as CSV, not {settings.format}; name a file")
    from lossctl.readers.csv_stream import CsvStream
    from lossctl.readers.decoded import encoding_named

    dialect, named = _dialect(settings, settings.format or "csv"), encoding_named(settings.encoding)
    return CsvStream("-", dialect, partial(_stdin_text, named), False, check=partial(_text_only, "stdin"))


def _stdin_text(named: str | None) -> Readable:
    """stdin's content; it may be packed."""
    start = sys.stdin.buffer.read(TELLING)
    stream, packed = Joined(start, sys.stdin.buffer), packing(start)
    return _in_utf8(stream if packed is None else Unpacked(stream, packed, "stdin"), named, "stdin")


def _beginning(path: str) -> bytes:
    start = files.beginning(path, TELLING)
    if not start:
        raise DataError(f"{path} is empty")
    return start


def _text_only(place: str, start: bytes) -> None:
    """Refuses a stream that begins like a binary file."""
    told, packed = MAGIC.get(start[:4]), packing(start)
    if told is not None:
        way = "save it in a file and name that" if place == "stdin" else "unpack it"
        raise DataError(f"{place} holds {told}, expected CSV; {way}")
    if packed is not None:
        raise DataError(f"{place} is packed twice, the second time with {packed}; unpack it once")


def _format(path: str, start: bytes) -> str:
    told = MAGIC.get(start[:4])
    if told is not None:
        return told
    return SUFFIXES.get(os.path.splitext(files.plain_name(path))[1].lower(), "csv")
