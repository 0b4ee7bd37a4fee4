"""A result's document held against a second evaluation: the same, or what changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from lossctl import __version__
from lossctl.errors import DataError
from lossctl.evaluation.recipe import file_hash, fingerprint_of
from lossctl.evaluation.request import Request
from lossctl.evaluation.result import SCHEMA_VERSION, Report, plain

# what says where the data lie, or is compared by itself
ASIDE = ("lossctl", "schema_version", "inputs", "columns", "recipe", "signature")
# where a path may stand, within what is compared
PATHS = ("message", "labels_from")
# differences that a message tells
SHOWN = 3


class Difference(NamedTuple):
    """A value that is not the same: its place, such as "results[0].value", and both values."""

    place: str
    was: Any
    now: Any


class Change(NamedTuple):
    """What changed (`data`, `recipe`, `functions`, `version`, `values` or `signature`), and how."""

    what: str
    message: str


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a result is what its recipe gives today.

    Attributes:
        changes: what changed; none where all is the same.
        differences: every value of the document that is another one now.
        compared: how many values were compared.
        data: the rows that were read now, with their digest.

    Example:
        >>> import lossctl
        >>> result = lossctl.evaluate("samples/digits.parquet", loss="scce")
        >>> checked = lossctl.verify(result.to_dict())
        >>> checked.match, checked.changes
        (True, ())
    """

    changes: tuple[Change, ...]
    differences: tuple[Difference, ...]
    compared: int
    data: str

    @property
    def match(self) -> bool:
        """Whether nothing changed."""
        return not self.changes

    def __bool__(self) -> bool:
        return self.match

    def to_dict(self) -> dict[str, Any]:
        """As the JSON has it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "lossctl": __version__,
            "match": self.match,
            "changes": [change._asdict() for change in self.changes],
            "differences": [difference._asdict() for difference in self.differences],
            "compared": self.compared,
            "data": self.data,
        }


def read_document(path: str) -> dict[str, Any]:
    """The document of a file.

    Raises:
        DataError: the file cannot be read, or is no JSON document of one result.
    """
    try:
        with open(path, "rb") as file:
            found = json.loads(file.read())
    except OSError as error:
        raise DataError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except RecursionError:
        raise DataError(f"{path} is no JSON of a result: it is nested too deep") from None
    except ValueError as error:
        lines = "; verify takes the document of --json, not JSON Lines" if str(error).startswith("Extra data") else ""
        raise DataError(f"{path} is no JSON: {error}{lines}") from None
    check_document(found, path)
    return found  # type: ignore[no-any-return]


def check_document(found: Any, where: str) -> None:
    """Refuse what is no document of a result with its recipe.

    Raises:
        DataError: saying what it lacks.
    """
    if not isinstance(found, Mapping) or not isinstance(found.get("results"), list):
        raise DataError(f"{where} is no document of eval --json: it has no results")
    for name in ("recipe", "signature"):
        if not isinstance(found.get(name), Mapping):
            raise DataError(f"{where} has no {name}: a lossctl that writes none made it, so it cannot be verified")
    missing = [
        name for name in ("version", "recipe", "data", "text") if not isinstance(found["signature"].get(name), str)
    ]
    if missing:
        raise DataError(f"{where}: its signature has no {missing[0]}")


def verified(document: Mapping[str, Any], request: Request, report: Report, elsewhere: bool = False) -> Verification:
    """A document against what its recipe gives now.

    Args:
        document: as `eval --json` writes it.
        request: what its recipe asks.
        report: what that gave.
        elsewhere: the data were named anew, so that names of files and arrays may differ.
    """
    now = json.loads(json.dumps(plain(report.to_dict())))
    aside = ASIDE if elsewhere else tuple(name for name in ASIDE if name not in ("inputs", "columns"))
    was, today = ({name: one[name] for name in one if name not in aside} for one in (document, now))
    pairs = list(_pairs(was, today, ""))
    differences = tuple(Difference(*pair) for pair in pairs if not _alike(pair[1], pair[2]))
    signature = document["signature"]
    changes = [*_of_data(signature["data"], now["signature"]["data"], differences), *_of_recipe(document, request)]
    changes += _of_version(document, differences)
    if differences and not changes:
        changes.append(Change("values", f"the document says {_told(differences)}, though recipe and data are the same"))
    if not changes and signature["text"] != now["signature"]["text"]:
        changes.append(Change("signature", f"its text should be {now['signature']['text']}"))
    return Verification(tuple(changes), differences, len(pairs), now["signature"]["data"])


def _of_data(was: str, now: str, differences: tuple[Difference, ...]) -> Iterator[Change]:
    if was == now:
        return
    (old_rows, _, old), (new_rows, _, new) = was.partition(":"), now.partition(":")
    rows = f"{new_rows} rows, {old_rows} before" if old_rows != new_rows else f"{new_rows} rows as before"
    moved = f"; {_told(differences)}" if differences else "; no value of the document moved"
    yield Change("data", f"{rows}, digest {new}, {old} before{moved}")


def _of_recipe(document: Mapping[str, Any], request: Request) -> Iterator[Change]:
    recipe, signed = document["recipe"], document["signature"]["recipe"]
    found = fingerprint_of(recipe)
    if found != signed:
        yield Change("recipe", f"it was edited: its hash is {found}, and {signed} in the signature")
    told = {entry.get("sha256") for entry in recipe.get("functions", ()) if isinstance(entry, Mapping)}
    for home in dict.fromkeys(bound.loss.home for bound in request.losses if bound.loss.home):
        if file_hash(home) not in told:
            yield Change("functions", f"{home} is another one than the result was made with")


def _of_version(document: Mapping[str, Any], differences: tuple[Difference, ...]) -> Iterator[Change]:
    versions = dict.fromkeys(str(one) for one in (document.get("lossctl"), document["signature"]["version"]))
    for version in versions:
        if version != __version__:
            values = f"{len(differences)} values are others" if differences else "every value is the same"
            yield Change("version", f"lossctl {version} made it, this is {__version__}; {values}")
            return


def _told(differences: tuple[Difference, ...]) -> str:
    """The first few, those of results first."""
    ordered = sorted(
        differences, key=lambda one: (not one.place.endswith(".value"), not one.place.startswith("results"))
    )
    shown = [f"{one.place} {_shown(one.was)}, now {_shown(one.now)}" for one in ordered[:SHOWN]]
    more = f" and {len(differences) - SHOWN} more" if len(differences) > SHOWN else ""
    return "; ".join(shown) + more


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 60 else f"{text[:56]} ..."


def _names_a_file(name: str, entry: Mapping[str, Any]) -> bool:
    """Whether it says in which file a single row stands."""
    return name == "file" and {"rank", "row"} <= entry.keys()


def _pairs(was: Any, now: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Each single value of two documents, by its place; null for what one of them lacks."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for name in {**was, **now}:
            if (
                name not in PATHS
                and not (name == "path" and place.startswith("inputs"))
                and not _names_a_file(name, was)
            ):
                yield from _pairs(was.get(name), now.get(name), f"{place}.{name}" if place else name)
    elif isinstance(was, list) and isinstance(now, list):
        for i in range(max(len(was), len(now))):
            one, other = (entries[i] if i < len(entries) else None for entries in (was, now))
            yield from _pairs(one, other, f"{place}[{i}]")
    else:
        yield place, was, now


def _alike(was: Any, now: Any) -> bool:
    """Whether two values are one; 1 and 1.0 are, true and 1 are not."""
    return bool(was == now) and isinstance(was, bool) == isinstance(now, bool)
