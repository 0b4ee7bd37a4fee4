"""Paths to sources, with their format told: by content, then by suffix, and openers by format."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from lossctl.errors import DataError, UsageError
from lossctl.readers import files, formats, stdin
from lossctl.readers.formats import LOOK, TEXT
from lossctl.readers.packed import Joined, Readable, Unpacked, bare, packing
from lossctl.readers.source import Source

if TYPE_CHECKING:
    from lossctl.readers.csv import Dialect


class ReadSettings(NamedTuple):
    """How files are to be read, where they do not say it themselves."""

    delimiter: str | None = None
    header: bool = True
    null_values: tuple[str, ...] = ()
    format: str | None = None
    encoding: str | None = None
    decimal: str | None = None


def open_source(path: str, settings: ReadSettings) -> Source:
    """The source of a path; "-" is text or an Arrow stream on stdin.

    Raises:
        DataError: a missing, empty or unreadable file, a directory, or what is packed and no text.
        UsageError: an unknown format, one that the file does not have, or a terminal on stdin.
    """
    settings = settings._replace(format=formats.named(settings.format))
    if path == "-":
        return _stdin(settings)
    path = files.located(path)
    start = _beginning(path)
    packed = packing(start)
    if packed is not None:
        return _packed_file(path, packed, settings)
    format = formats.settled(settings.format, start, files.plain_name(path), path)
    return OPENERS[format](path, settings, start)


# each reader is imported where it is needed: a small file is read faster than all of them are


def _csv(path: str, settings: ReadSettings, start: bytes) -> Source:
    dialect = _dialect(settings, settings.format or formats.by_suffix(files.plain_name(path)))
    opened = _as_stream(path, settings, start)
    if opened is not None:
        from lossctl.readers.csv_stream import CsvStream

        return CsvStream(path, dialect, opened, True)
    from lossctl.readers.csv import CsvSource

    return CsvSource(path, dialect)


def _jsonl(path: str, settings: ReadSettings, start: bytes) -> Source:
    from lossctl.readers.jsonl import JsonlSource, JsonlStream

    opened = _as_stream(path, settings, start)
    return JsonlSource(path) if opened is None else JsonlStream(path, opened, True)


def _as_stream(path: str, settings: ReadSettings, start: bytes) -> Callable[[], Readable] | None:
    """How text is opened that can only be read from its start; None for what is read where it lies."""
    # no mark of another encoding begins like text in UTF-8, which needs none of this
    if not files.is_remote(path) and settings.encoding is None and start[:1] not in (b"\xff", b"\xfe", b"\0"):
        return None
    from lossctl.readers.decoded import encoding_named, encoding_told

    named = encoding_named(settings.encoding)
    if not files.is_remote(path) and encoding_told(start, named) is None:
        return None
    from lossctl.readers import text

    return partial(text.of_file, path, named)


def _parquet(path: str, settings: ReadSettings, start: bytes) -> Source:
    from lossctl.readers.parquet import ParquetSource

    return ParquetSource(path)


def _arrow(path: str, settings: ReadSettings, start: bytes) -> Source:
    from lossctl.readers.ipc import ArrowSource, stream_of_file

    return ArrowSource(path) if start.startswith(b"ARROW1") else stream_of_file(path)


def _orc(path: str, settings: ReadSettings, start: bytes) -> Source:
    from lossctl.readers.orc import OrcSource

    return OrcSource(path)


def _npy(path: str, settings: ReadSettings, start: bytes) -> Source:
    from lossctl.readers.npy import ArraysSource

    return ArraysSource((path,))


def _archive(path: str, settings: ReadSettings, start: bytes) -> Source:
    """An .npz or a workbook: both are zip archives, told by their members."""
    from lossctl.readers.excel import is_workbook, workbook
    from lossctl.readers.npy import NpzSource

    holds = is_workbook(path)
    if settings.format is not None and holds is not None and holds != (settings.format == "xlsx"):
        held = "xlsx" if holds else "npz"
        raise UsageError(f"{path} holds {held}, not {settings.format} as --input-format says; leave the flag out")
    asked = settings.format or formats.by_suffix(path)
    return workbook(path) if holds or (holds is None and asked == "xlsx") else NpzSource(path)


def _safetensors(path: str, settings: ReadSettings, start: bytes) -> Source:
    from lossctl.readers.npy import TensorsSource

    return TensorsSource(path)


OPENERS: dict[str, Callable[[str, ReadSettings, bytes], Source]] = {
    "csv": _csv,
    "tsv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "arrow": _arrow,
    "orc": _orc,
    "npy": _npy,
    "npz": _archive,
    "safetensors": _safetensors,
    "xlsx": _archive,
}


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
    from lossctl.readers import text
    from lossctl.readers.decoded import encoding_named

    opened = partial(text.unpacked, path, packed, encoding_named(settings.encoding))
    format = settings.format or formats.by_suffix(bare(files.plain_name(path)))
    if format not in TEXT:
        raise DataError(f"{path} is {format} packed with {packed}; unpack it: only CSV and JSON Lines are read packed")
    start = opened().read(LOOK)
    text.text_only(path, start)
    format = settings.format or (formats.told(start, path) or format)
    return _text_stream(path, format, settings, opened, True)


def _text_stream(
    path: str, format: str, settings: ReadSettings, opened: Callable[[], Readable], rereadable: bool
) -> Source:
    if format == "jsonl":
        from lossctl.readers.jsonl import JsonlStream

        return JsonlStream(path, opened, rereadable)
    from lossctl.readers.csv_stream import CsvStream

    return CsvStream(path, _dialect(settings, format), opened, rereadable)


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
    start = stdin.look(LOOK)
    packed = packing(start)
    kept = formats.needs_file(start, settings.format)
    if kept is not None:
        raise DataError(f"stdin holds {kept}, which is not read as it comes; save it in a file and name that")
    stream: Readable = stdin.opened()
    if packed is not None or formats.told(start, "stdin") != "arrow":
        start, stream = _stdin_text(stream, packed, settings)
    format = formats.settled(settings.format, start, "", "stdin")
    if format == "arrow":
        from lossctl.readers.ipc import stream_of

        return stream_of("-", lambda: stream)
    return _text_stream("-", format, settings, lambda: stream, False)


def _stdin_text(stream: Readable, packed: str | None, settings: ReadSettings) -> tuple[bytes, Readable]:
    """The beginning of a text, and all of it, unpacked and decoded."""
    from lossctl.readers import text
    from lossctl.readers.decoded import encoding_named

    if packed is not None:
        stream = Unpacked(stream, packed, "stdin")
    stream = text.in_utf8(stream, encoding_named(settings.encoding), "stdin")
    start = stream.read(LOOK)
    if packed is not None:
        text.text_only("stdin", start)
    return start, Joined(start, stream)


def _beginning(path: str) -> bytes:
    start = files.beginning(path, LOOK)
    if not start:
        raise DataError(f"{path} is empty")
    return start
