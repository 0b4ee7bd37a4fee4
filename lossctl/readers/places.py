"""Paths to sources, with their format told: by content, then by suffix."""

from __future__ import annotations

import os
import re
import stat
import sys
from typing import TYPE_CHECKING, NamedTuple

from lossctl.errors import DataError, UsageError
from lossctl.readers.source import Source

if TYPE_CHECKING:
    from lossctl.readers.csv import Dialect

FORMATS = ("csv", "tsv", "parquet", "npy", "npz")
SUFFIXES = {".tsv": "tsv", ".parquet": "parquet", ".pq": "parquet", ".npy": "npy", ".npz": "npz"}
MAGIC = {b"PAR1": "parquet", b"\x93NUM": "npy", b"PK\x03\x04": "npz", b"PK\x05\x06": "npz"}
PACKED = {b"\x1f\x8b": "zcat", b"\xfd7zXZ": "xzcat", b"\x28\xb5\x2f\xfd": "zstdcat"}
# "BZh" alone may begin a CSV, so its first block is looked at too
BZIP2 = re.compile(rb"BZh[1-9]1AY&")


class ReadSettings(NamedTuple):
    """How files are to be read, where they do not say it themselves."""

    delimiter: str | None = None
    header: bool = True
    null_values: tuple[str, ...] = ()
    format: str | None = None


def open_source(path: str, settings: ReadSettings) -> Source:
    """The source of a path; "-" is CSV on stdin.

    Raises:
        DataError: a missing, empty or unreadable file, a directory, or a compressed one.
        UsageError: an unknown format, or a terminal on stdin.
    """
    if settings.format is not None and settings.format not in FORMATS:
        raise UsageError(f"--input-format must be one of {', '.join(FORMATS)}, got {settings.format!r}")
    if path == "-":
        return _stdin(settings)
    start = _beginning(path)
    format = settings.format or _format(path, start)
    # each reader is imported where it is needed: a small file is read faster than all of them are
    if format == "parquet":
        from lossctl.readers.parquet import ParquetSource

        return ParquetSource(path)
    if format in ("npy", "npz"):
        from lossctl.readers.npy import ArraysSource, NpzSource

        return ArraysSource((path,)) if format == "npy" else NpzSource(path)
    from lossctl.readers.csv import CsvSource

    return CsvSource(path, _dialect(settings, format))


def open_arrays(paths: tuple[str, ...]) -> Source:
    """Several .npy files as one table.

    Raises:
        DataError: a missing or unreadable file.
    """
    from lossctl.readers.npy import ArraysSource

    for path in paths:
        _beginning(path)
    return ArraysSource(paths)


def _dialect(settings: ReadSettings, format: str) -> Dialect:
    from lossctl.readers.csv import Dialect

    delimiter = settings.delimiter or ("\t" if format == "tsv" else None)
    if delimiter is not None:
        delimiter = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)
        if len(delimiter.encode()) != 1 or delimiter in '"\r\n':
            raise UsageError(f"--delimiter takes one character, got {settings.delimiter!r}")
    return Dialect(delimiter, settings.header, settings.null_values)


def _stdin(settings: ReadSettings) -> Source:
    if sys.stdin is None:
        raise UsageError("- reads CSV from stdin, and stdin is closed; name a file, or pipe one in")
    if sys.stdin.isatty():
        raise UsageError("- reads CSV from a pipe, and stdin is a terminal; name a file, or pipe one in")
    if settings.format not in (None, "csv", "tsv"):
        raise UsageError(f"stdin is read as CSV, not {settings.format}; name a file")
    from lossctl.readers.csv import CsvStream

    return CsvStream(_dialect(settings, settings.format or "csv"), check=_text_only)


def _beginning(path: str) -> bytes:
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise DataError(f"{path} is a directory; name the files in it")
        # a named pipe would be waited for
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{path} is no regular file; pipe it in and name it -")
        with open(path, "rb") as file:
            start = file.read(8)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {str(getattr(error, 'strerror', None) or error).lower()}") from None
    if not start:
        raise DataError(f"{path} is empty")
    tool = _unpacker(start)
    if tool is not None:
        import shlex

        raise DataError(f"{path} is compressed; use: {tool} {shlex.quote(path)} | lossctl eval - ...")
    return start


def _text_only(start: bytes) -> None:
    """Refuses what begins like a binary file on stdin."""
    told, tool = MAGIC.get(start[:4]), _unpacker(start)
    if told is not None:
        raise DataError(f"stdin holds {told}, expected CSV; save it in a file and name that")
    if tool is not None:
        raise DataError(f"stdin is compressed, expected CSV; use: {tool} FILE | lossctl eval - ...")


def _unpacker(start: bytes) -> str | None:
    """What unpacks such a file, where it is compressed."""
    if BZIP2.match(start):
        return "bzcat"
    return next((tool for magic, tool in PACKED.items() if start.startswith(magic)), None)


def _format(path: str, start: bytes) -> str:
    told = MAGIC.get(start[:4])
    if told is not None:
        return told
    return SUFFIXES.get(os.path.splitext(path)[1].lower(), "csv")
