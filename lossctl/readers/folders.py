"""What a FILE argument stands for: one path, those that a glob matches, or the data files of a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from lossctl.errors import DataError
from lossctl.readers.packed import bare
from lossctl.readers.partitioned import Texts
from lossctl.readers.places import SUFFIXES
from lossctl.readers.roles import natural

WILD = re.compile(r"[*?[]")
# formats that a folder may hold side by side
ALIKE = {"tsv": "csv"}
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
    # the most usual argument costs one look at the disk
    if argument == "-" or os.path.isfile(argument):
        return [_found(argument)]
    if os.path.isdir(argument):
        return [_found(path) for path in _in_folder(argument)]
    if not WILD.search(argument):
        return [_found(argument)]
    from glob import glob

    matching = sorted(glob(argument, recursive=True), key=natural)
    # ** gives the folders on the way to its files, too
    paths = [path for path in matching if os.path.isfile(path)]
    paths = paths or [path for folder in matching for path in _in_folder(folder)]
    if not paths:
        raise DataError(f"{argument}: no file matches")
    return [_found(path) for path in paths]


def _found(path: str) -> Found:
    # a small file is read faster than some modules are
    if "=" not in path:
        return Found(path)
    from urllib.parse import unquote

    parts = [part.partition("=") for part in path.replace(os.sep, "/").split("/")[:-1]]
    keys = [(unquote(name), unquote(value)) for name, equals, value in parts if name and equals]
    return Found(path, tuple((name, None if value == HIVE_NULL else value) for name, value in keys))


def _in_folder(folder: str) -> list[str]:
    """The data files beneath a folder, in natural order."""
    datasets = _of_datasets(folder)
    if datasets is not None:
        return datasets
    every = _walked(folder)
    paths = sorted((path for path in every if _format(path)), key=natural)
    if not paths:
        others = f"; it holds {', '.join(sorted(os.path.basename(p) for p in every)[:5])}" if every else ""
        raise DataError(f"{folder} is a directory without data files (expected {_suffixes()}){others}")
    formats = sorted({_format(path) for path in paths})
    if len(formats) > 1:
        raise DataError(f"{folder} holds files of several formats ({', '.join(formats)}); say which by a quoted glob")
    return paths


def _walked(folder: str) -> list[str]:
    """All files beneath a folder but hidden ones and markers, whose names begin with a point or an underscore."""
    every: list[str] = []
    for place, folders, names in os.walk(folder):
        kind = next((kind for name, kind in TABLES.items() if name in folders), None)
        if kind or ("metadata" in folders and any(map(_of_iceberg, os.listdir(os.path.join(place, "metadata"))))):
            raise DataError(
                f"{place} is a table of {kind or 'Iceberg'}, whose own log says which of its files count; "
                "export the rows, or name the files that do"
            )
        folders[:] = [name for name in folders if name[0] not in "._"]
        every += [os.path.join(place, name) for name in names if name[0] not in "._"]
    return every


def _of_iceberg(name: str) -> bool:
    return name.endswith(".metadata.json")


def _format(path: str) -> str:
    """The format that a suffix speaks of; none for what is no data."""
    format = SUFFIXES.get(os.path.splitext(bare(path))[1].lower(), "")
    return ALIKE.get(format, format)


def _suffixes() -> str:
    return ", ".join(SUFFIXES)


def _of_datasets(folder: str) -> list[str] | None:
    """The files of a folder that Hugging Face's datasets saved, in its own order; None where it is none.

    Source: datasets 5.2, Dataset.save_to_disk and DatasetDict.save_to_disk.
    """
    splits = _json(os.path.join(folder, "dataset_dict.json"))
    if isinstance(splits, dict) and isinstance(splits.get("splits"), list):
        names = ", ".join(map(str, splits["splits"]))
        raise DataError(f"{folder} holds the splits {names}; name the folder of one")
    state = _json(os.path.join(folder, "state.json"))
    if not isinstance(state, dict) or not isinstance(listed := state.get("_data_files"), list):
        return None
    if state.get("_indices_files") or state.get("_indices_data_files"):
        raise DataError(f"{folder}: the dataset picks rows by an indices file; save it with flatten_indices() first")
    names_of = [entry.get("filename") for entry in listed if isinstance(entry, dict)]
    return [os.path.join(folder, os.path.basename(name)) for name in names_of if isinstance(name, str)]


def _json(path: str) -> object:
    import json

    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return None
