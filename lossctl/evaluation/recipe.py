"""What was asked of which files, as plain data that runs again: a request to a dict and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lossctl.errors import DataError, UsageError
from lossctl.evaluation.evidence import NO_NAMES
from lossctl.evaluation.request import Job, Request
from lossctl.evaluation.result import plain
from lossctl.evaluation.spelt import MisfitError, read_record, spelt
from lossctl.kernels.store import fingerprint
from lossctl.readers.files import is_remote, plain_name

Recipe = Mapping[str, Any]
# always told, also at their defaults
TOLD = ("files", "losses", "roles", "reduction", "on_bad")
# what changes no number
IDLE: dict[str, Any] = {"threads": 0, "batch_rows": 0, "keep_dropped": False}
# what a recipe says besides a request's own attributes
BESIDES = ("arrays", "memory", "functions")
DIGITS = 16


def recipe_of(request: Request, job: Job, called: Mapping[str, str] = NO_NAMES) -> dict[str, Any]:
    """A request with its columns resolved, as JSON holds it.

    Files are named as the user did, some of them `called` otherwise than their paths; data that were given in memory
    have no names, and the recipe says so.
    """
    arrays = {role: text for role, text in request.roles.items() if not request.files and _is_array(text)}
    memory = not all(isinstance(file, str) for file in request.files) or not (request.files or arrays)
    asked = request._replace(files=names_of(request.files, called), roles=_resolved(job, arrays), **IDLE)
    if request.join is not None:
        asked = asked._replace(join=request.join._replace(labels_from=names_of(request.join.labels_from, called)))
    said = {**{name: spelt(getattr(asked, name)) for name in TOLD}, **spelt(asked)}
    more = {"arrays": arrays, "memory": memory, "functions": functions_of(request)}
    return {**said, **{name: value for name, value in more.items() if value}}


def _is_array(selector: str | tuple[str, ...]) -> bool:
    return isinstance(selector, str) and plain_name(selector).endswith(".npy")


def names_of(files: Sequence[Any], called: Mapping[str, str]) -> tuple[str, ...]:
    """Paths; none at all where they are data in memory."""
    return tuple(called.get(file, file) for file in files if isinstance(file, str))


def _resolved(job: Job, arrays: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Role to columns; of a pair of preds that one was taken of, both."""
    columns = {**job.columns, **({"preds": job.columns["pair"]} if "pair" in job.columns else {})}
    return {role: names for role, names in columns.items() if role not in (*arrays, "pair")}


def functions_of(request: Request) -> list[dict[str, str | None]]:
    """The files of the users' own losses, with a hash of what is in them; null for what is no file."""
    homes = dict.fromkeys(bound.loss.home for bound in request.losses if bound.loss.home)
    return [{"path": home, "sha256": file_hash(home)} for home in homes]


def file_hash(path: str) -> str | None:
    """The SHA-256 of a file's bytes; None where there is none."""
    import hashlib

    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except (OSError, ValueError):
        return None


def fingerprint_of(recipe: Recipe) -> str:
    """A short hash of what was computed, whatever the files are called."""
    told = {name: value for name, value in recipe.items() if name not in ("files", "arrays", "memory")}
    if isinstance(told.get("join"), Mapping):
        told["join"] = {name: value for name, value in told["join"].items() if name != "labels_from"}
    if isinstance(told.get("functions"), list):
        told["functions"] = [f["sha256"] if isinstance(f, Mapping) and "sha256" in f else f for f in told["functions"]]
    text = json.dumps(plain(told), sort_keys=True, separators=(",", ":"))
    return fingerprint([text])[:DIGITS]


def difference(one: Recipe, other: Recipe) -> str | None:
    """What two recipes differ in besides their files, such as "on_bad: error and drop"; None for one recipe."""
    if fingerprint_of(one) == fingerprint_of(other):
        return None
    names = [name for name in {**one, **other} if name not in ("files", "arrays", "memory")]
    told = [(name, one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)]
    return "; ".join(f"{name}: {_shown(mine)} and {_shown(theirs)}" for name, mine, theirs in told)


def _shown(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(plain(value))


class Named(NamedTuple):
    """Where the data are that a recipe is to run on again, in place of where it says; empty for as it says.

    Attributes:
        data: the files, or the arrays in the order of the roles.
        labels: the files of labels that lie elsewhere.
    """

    data: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def request_of(recipe: Recipe, named: Named = Named(), where: str = "recipe") -> Request:  # noqa: B008
    """The request that a recipe tells.

    Args:
        recipe: from JSON.
        named: other places of the data.
        where: what errors call the recipe.

    Raises:
        DataError: it is none, or of a lossctl that knows more.
        UsageError: its data were given in memory or lie behind a network, and are not named; or an unknown loss.
    """
    request = request_told(recipe, where)
    request = _with_data(request, recipe, named, where)
    return request if request.join is None else request._replace(join=_join(request, named, where))


def request_told(recipe: Recipe, where: str = "recipe") -> Request:
    """The request that a recipe tells, with its data where it says; those in memory are missing.

    Raises:
        DataError: it is none, or of a lossctl that knows more.
        UsageError: an unknown loss.
    """
    said = {name: value for name, value in recipe.items() if name not in BESIDES}
    try:
        request: Request = read_record(said, Request, where)
    except MisfitError as error:
        raise DataError(str(error)) from None
    arrays = recipe.get("arrays") or {}
    if not isinstance(arrays, dict) or not all(isinstance(path, str) and _is_array(path) for path in arrays.values()):
        raise DataError(f"{where}.arrays has no paths of arrays")
    roles = {role: _selector(names) for role, names in request.roles.items()}
    return request._replace(roles={**roles, **arrays}, **IDLE)


def _with_data(request: Request, recipe: Recipe, named: Named, where: str) -> Request:
    arrays: Mapping[str, str] = recipe.get("arrays") or {}
    if arrays and (not named.data or all(map(_is_array, named.data))):
        if len(named.data or arrays) != len(arrays):
            raise UsageError(f"--data: {where} has {len(arrays)} arrays ({', '.join(arrays)}), got {len(named.data)}")
        placed = dict(zip(arrays, named.data or reachable(arrays.values(), "--data", where), strict=True))
        return request._replace(roles={**request.roles, **placed})
    if named.data:
        # columns take the place of arrays, and are found by name
        roles = {role: names for role, names in request.roles.items() if role not in arrays}
        return request._replace(files=named.data, roles=roles)
    if recipe.get("memory") or not request.files:
        raise UsageError(f"{where}: the data were given in memory; name them with --data FILE")
    return request._replace(files=reachable(request.files, "--data", where))


def _join(request: Request, named: Named, where: str) -> Any:
    assert request.join is not None
    files = named.labels or request.join.labels_from
    if not files:
        raise UsageError(f"{where}: the labels were given in memory; name them with --labels-from FILE")
    return request.join._replace(labels_from=named.labels or reachable(files, "--labels-from", where))


def reachable(files: Any, flag: str, where: str) -> tuple[str, ...]:
    """The files, if they may be read without anybody having named them here: not so behind a network, or on stdin.

    Raises:
        UsageError: one may not.
    """
    paths = tuple(files)
    for path in paths:
        if is_remote(path):
            raise UsageError(f"{where}: {path} lies behind a network; name it with {flag} to have it read")
        if path == "-":
            raise UsageError(f"{where}: the data came on stdin; name them with {flag} FILE")
    return paths


def _selector(names: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """One column by its name, so that it is taken as if somebody had typed it; no column is taken for a file."""
    return names[0] if len(names) == 1 and not isinstance(names, str) and not _is_array(names[0]) else names
