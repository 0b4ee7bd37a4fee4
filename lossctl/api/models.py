"""What models are called."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from lossctl.errors import UsageError


def model_names(models: Sequence[Any], names: Sequence[str] | None) -> list[str]:
    """What the models are called: as is said, else by their files, as briefly as tells them apart.

    >>> model_names(["a/base.csv", "a/new.csv.gz", "b/new.parquet"], None)
    ['base', 'a/new.csv.gz', 'b/new.parquet']

    Raises:
        UsageError: fewer than two models, or names that do not tell them apart.
    """
    if len(models) < 2:
        raise UsageError(f"a comparison needs a baseline and another model, got {len(models)} of FILE")
    if names is None:
        return _from_files(models)
    if len(names) != len(models):
        raise UsageError(f"--name is there {len(names)} times for {len(models)} models; give one each, or none")
    if not all(isinstance(name, str) and name.strip() for name in names) or len(set(names)) < len(names):
        raise UsageError(f"names of models must be different texts, got {', '.join(map(repr, names))}")
    return list(names)


def _from_files(models: Sequence[Any]) -> list[str]:
    paths = [os.fspath(one) if isinstance(one, str | os.PathLike) else None for one in models]
    stems = [f"model {k + 1}" if path is None else _stem(str(path)) for k, path in enumerate(paths)]
    chosen = [stem if stems.count(stem) == 1 else str(path or stem) for stem, path in zip(stems, paths, strict=True)]
    return [name if name not in chosen[:k] else f"{name}#{chosen[:k].count(name) + 1}" for k, name in enumerate(chosen)]


def _stem(path: str) -> str:
    """The file's name without the suffixes that say how it is written."""
    if path == "-":
        return "stdin"
    from lossctl.readers.files import plain_name
    from lossctl.readers.formats import SUFFIXES
    from lossctl.readers.packed import bare

    name = bare(os.path.basename(plain_name(path).rstrip("/")))
    stem, suffix = os.path.splitext(name)
    return (stem if suffix.lower() in SUFFIXES else name) or path
