"""What a FILE argument stands for: one path, those that a glob matches, or the data files of a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from lossctl.errors import DataError
from lossctl.readers import files
from lossctl.readers.formats import SUFFIXES
from lossctl.readers.packed import bare
from lossctl.readers.roles import natural

if TYPE_CHECKING:
    from lossctl.readers.partitioned import Texts

WILD = re.compile(r"[*?[]")
# formats that a folder may hold side by side
ALIKE = {"tsv": "csv"}
# bytes of a description
DOCUMENT = 1 << 24
# what may as well describe the data beside it
DESCRIBES = (".json",)
# folders whose own log says which of their files count: to read all would count rows that were deleted
TABLES = {"_delta_log": "Delta Lake", ".hoodie": "Hudi"}
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


class Found(NamedTuple):
    """A file, and what the folders on the way to it say: `split=test` is the key `split` with the text `test`."""

    path: str
    keys: Texts = ()


def expand(arguments: Iterable[str]) -> list[Found]:
    """The files that arguments stand for, in order; those of a glob or folder in natural order of their paths.

    Args:
        arguments: paths, globs (`**` goes through folders) of files or else of folders, or folders; "-" stands
            for itself.

    Raises:
        DataError: a glob that matches nothing; a folder without data files or with those of several formats, or
            one of a kind whose files do not all count.
    """
    return [found for argument in arguments for found in _expanded(argument)]


def _expanded(argument: str) -> list[Found]:
    path = files.located(argument)
    kind = _kind(path)
    if kind == "folder":
        return [_found(file) for file in _in_folder(path)]
    if kind == "file" or not WILD.search(files.plain_name(path)):
        return [_found(path)]
    found = _of_glob(path)
    if not found:
        raise DataError(f"{path}: no file matches")
    return [_found(file) for file in found]


def _kind(path: str) -> Literal["file", "folder", "neither"]:
    """What lies there; of a path without wild marks, that nothing does is found when it is opened."""
    if path != "-" and files.is_remote(path):
        return _remote_kind(path)
    # the most usual argument costs one look at the disk
    if path == "-" or os.path.isfile(path):
        return "file"
    return "folder" if os.path.isdir(path) else "neither"


def _remote_kind(path: str) -> Literal["file", "folder", "neither"]:
    from lossctl.readers import remote

    try:
        return "folder" if remote.is_directory(path) else "file"
    except DataError:
        if WILD.search(files.plain_name(path)):
            return "neither"
        raise


def _of_glob(pattern: str) -> list[str]:
    """The files that match; else those in the folders that match, for ** gives both."""
    if files.is_remote(pattern):
        return _of_remote_glob(pattern)
    from glob import glob

    matching = sorted(glob(pattern, recursive=True), key=natural)
    found = [path for path in matching if os.path.isfile(path)]
    return found or [path for folder in matching for path in _in_folder(folder)]


def _of_remote_glob(pattern: str) -> list[str]:
    from lossctl.readers import remote

    plain = files.plain_name(pattern)
    fixed = plain[: WILD.search(plain).start()].rpartition("/")[0]  # type: ignore[union-attr]
    # the settings that a URI ends in stay
    folder = pattern.replace(plain, fixed, 1) if plain in pattern else pattern
    matches = re.compile(_as_regex(plain)).fullmatch
    return sorted((path for path in remote.listing(folder) if matches(files.plain_name(path))), key=natural)


def _as_regex(pattern: str) -> str:
    """A glob as a regular expression: * stays within a folder, **/ goes through them."""
    marks = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^]]+\])", pattern)
    return "".join(marks.get(part, part.replace("[!", "[^") if part[:1] == "[" else re.escape(part)) for part in parts)


def _found(path: str) -> Found:
    # a small file is read faster than some modules are
    if "=" not in path:
        return Found(path)
    from urllib.parse import unquote

    parts = [part.partition("=") for part in _parts(path)[:-1]]
    keys = [(unquote(name), unquote(value)) for name, equals, value in parts if name and equals]
    return Found(path, tuple((name, None if value == HIVE_NULL else value) for name, value in keys))


def _in_folder(folder: str) -> list[str]:
    """The data files beneath a folder, in natural order."""
    every = _beneath(folder)
    datasets = _of_datasets(folder, every)
    if datasets is not None:
        return datasets
    every = [path for path in every if not _is_marker(folder, path)]
    paths = sorted((path for path in every if _format(path)), key=natural)
    if not paths:
        others = f"; it holds {', '.join(sorted(map(_last, every))[:5])}" if every else ""
        raise DataError(f"{folder} is a directory without data files (expected {_suffixes()}){others}")
    formats = sorted({_format(path) for path in paths})
    if len(formats) > 1:
        raise DataError(f"{folder} holds files of several formats ({', '.join(formats)}); say which by a quoted glob")
    return paths


def _beneath(folder: str) -> list[str]:
    """All files beneath a folder."""
    if files.is_remote(folder):
        from lossctl.readers import remote

        return remote.listing(folder)
    return [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]


def _is_marker(folder: str, path: str) -> bool:
    """Whether it is no data by its name or its folder's, which begin with a point or an underscore.

    Raises:
        DataError: it belongs to the log of a table.
    """
    parts = _parts(path)[len(_parts(folder)) :]
    kind = next((kind for name, kind in TABLES.items() if name in parts[:-1]), None)
    if kind is None and parts[-2:-1] == ["metadata"] and parts[-1].endswith(".metadata.json"):
        kind = "Iceberg"
    if kind is not None:
        raise DataError(
            f"{folder} holds a table of {kind}, whose own log says which of its files count; "
            "export the rows, or name the files that do"
        )
    return any(part[0] in "._" for part in parts)


def _parts(path: str) -> list[str]:
    return [part for part in files.plain_name(path).replace(os.sep, "/").split("/") if part]


def _last(path: str) -> str:
    return _parts(path)[-1]


def _format(path: str) -> str:
    """The format that a suffix speaks of; none for what is no data."""
    suffix = os.path.splitext(bare(files.plain_name(path)))[1].lower()
    format = "" if suffix in DESCRIBES else SUFFIXES.get(suffix, "")
    return ALIKE.get(format, format)


def _suffixes() -> str:
    return ", ".join(suffix for suffix in SUFFIXES if suffix not in DESCRIBES)


def _of_datasets(folder: str, every: Sequence[str]) -> list[str] | None:
    """The files of a folder that Hugging Face's datasets saved, in its own order; None where it is none.

    Source: datasets 5.2, Dataset.save_to_disk and DatasetDict.save_to_disk.
    """
    depth = len(_parts(folder)) + 1
    here = {_last(path): path for path in every if len(_parts(path)) == depth}
    splits = _json(here.get("dataset_dict.json"))
    if isinstance(splits.get("splits"), list):
        names = ", ".join(map(str, splits["splits"]))
        raise DataError(f"{folder} holds the splits {names}; name the folder of one")
    state = _json(here.get("state.json"))
    listed = state.get("_data_files")
    if not isinstance(listed, list):
        return None
    if state.get("_indices_files") or state.get("_indices_data_files"):
        raise DataError(f"{folder}: the dataset picks rows by an indices file; save it with flatten_indices() first")
    names_of = [str(entry.get("filename")) for entry in listed if isinstance(entry, dict)]
    missing = [name for name in names_of if name not in here]
    if missing:
        raise DataError(f"{folder}: its state.json lists {missing[0]!r}, which is not there")
    return [here[name] for name in names_of]


def _json(path: str | None) -> dict[str, Any]:
    """A document; an empty one where there is none."""
    import json

    try:
        found = json.loads(files.beginning(path, DOCUMENT)) if path else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
