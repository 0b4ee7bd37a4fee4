"""The formats there are: what they are called, and how content and suffix tell them."""

from __future__ import annotations

import os
import re

from lossctl.errors import DataError, UsageError
from lossctl.readers.packed import packing

FORMATS = ("csv", "tsv", "jsonl", "parquet", "arrow", "orc", "npy", "npz", "safetensors", "xlsx")
ALIASES = {"feather": "arrow", "ipc": "arrow", "ndjson": "jsonl"}
SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".arrow", ".arrows", ".feather", ".ipc"), "arrow"),
    **{f".{name}": name for name in ("orc", "npy", "npz", "safetensors", "xlsx")},
}
MAGIC = {
    b"PAR1": "parquet",
    b"ARROW1\0\0": "arrow",
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "npz",
    b"PK\x05\x06": "npz",
}
REFUSED = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "is an old Excel file (.xls), which is not read; save it as .xlsx or CSV",
    b"FEA1\0": "is Feather version 1, which is not read; write it again as version 2",
}
# of a stream: a mark, then the length of the schema
ARROW_STREAM = b"\xff\xff\xff\xff"
# letters alone may begin a CSV
ORC = re.compile(rb"ORC[\0-\xff]*?[\0-\x08]")
OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{\s*(?:\"|\}|\Z)")
ARRAY = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[\s*\{")
TEXT = ("csv", "tsv", "jsonl")
# how many bytes tell the format
LOOK = 64
# a longer header of safetensors is refused
LONGEST_HEADER = 100_000_000


def named(word: str | None) -> str | None:
    """The format that --input-format names.

    Raises:
        UsageError: there is none of that name.
    """
    if word is None or word in FORMATS:
        return word
    if word in ALIASES:
        return ALIASES[word]
    raise UsageError(f"--input-format must be one of {', '.join(FORMATS)}, got {word!r}")


def told(start: bytes, place: str) -> str | None:
    """The format that the first bytes of a file tell; "npz" for any archive, None for other text.

    Raises:
        DataError: a format that is known and not read.
    """
    why = next((why for magic, why in REFUSED.items() if start.startswith(magic)), None)
    if why is not None:
        raise DataError(f"{place} {why}")
    found = next((name for magic, name in MAGIC.items() if start.startswith(magic)), None)
    if found is not None:
        return found
    if start.startswith(ARROW_STREAM) and len(start) >= 8:
        return "arrow"
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= LONGEST_HEADER:
        return "safetensors"
    if ORC.match(start):
        return "orc"
    return "jsonl" if OBJECT.match(start) or ARRAY.match(start) else None


def settled(asked: str | None, start: bytes, path: str, place: str) -> str:
    """The format of what begins so: asked for, told by its content, or else by its name.

    Raises:
        DataError: a format that is known and not read.
        UsageError: what was asked for is not what it holds.
    """
    content = told(start, place)
    if asked is None:
        return content or by_suffix(path)
    # an object's beginning may be the first line of a CSV, and any text that of a broken file
    if content not in (None, "jsonl", asked) and (content, asked) != ("npz", "xlsx"):
        raise UsageError(f"{place} holds {content}, not {asked} as --input-format says; leave the flag out")
    return asked


def by_suffix(path: str) -> str:
    """The format that a path's suffix tells, CSV where none does."""
    return SUFFIXES.get(os.path.splitext(path)[1].lower(), "csv")


def needs_file(start: bytes, word: str | None) -> str | None:
    """The format of what begins so, where it can only be read from any place; None where it is read as it comes.

    Raises:
        DataError, UsageError: as `settled` and `named`.
    """
    asked = named(word)
    if packing(start) is not None:
        return None
    format = settled(asked, start, "", "stdin")
    streamed = format in TEXT or (format == "arrow" and not start.startswith(b"ARROW1"))
    return None if streamed else format
