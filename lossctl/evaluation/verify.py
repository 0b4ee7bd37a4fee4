"""A result's document held against a second evaluation: the same, or what changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lossctl import __version__
from lossctl.catalogue.spec import BoundLoss
from lossctl.evaluation.recipe import Recipe, file_hash, fingerprint_of
from lossctl.evaluation.result import SCHEMA_VERSION, plain

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


def verified(
    document: Mapping[str, Any],
    report: Mapping[str, Any],
    losses: Sequence[BoundLoss],
    elsewhere: bool = False,
    fingerprint: Callable[[Recipe], str] = fingerprint_of,
) -> Verification:
    """A document against what its recipe gives now.

    Args:
        document: as `eval --json` or `compare --json` writes it.
        report: the document that its recipe gives now.
        losses: those of the recipe.
        elsewhere: the data were named anew, so that names of files and arrays may differ.
        fingerprint: the hash of a recipe of this kind.
    """
    now = json.loads(json.dumps(plain(report)))
    aside = ASIDE if elsewhere else tuple(name for name in ASIDE if name not in ("inputs", "columns"))
    was, today = ({name: one[name] for name in one if name not in aside} for one in (document, now))
    pairs = list(_pairs(was, today, ""))
    differences = tuple(Difference(*pair) for pair in pairs if not _alike(pair[1], pair[2]))
    signature = document["signature"]
    changes = [*_of_data(signature, now["signature"], differences), *_of_recipe(document, losses, fingerprint)]
    changes += _of_version(document, differences)
    if differences and not changes:
        changes.append(Change("values", f"the document says {_told(differences)}, {_although(document['recipe'])}"))
    if not changes and signature["text"] != now["signature"]["text"]:
        changes.append(Change("signature", f"its text should be {now['signature']['text']}"))
    return Verification(tuple(changes), differences, len(pairs), now["signature"]["data"])


def _of_data(was: Mapping[str, Any], now: Mapping[str, Any], differences: tuple[Difference, ...]) -> Iterator[Change]:
    models = [(name, told, now["models"].get(name)) for name, told in _models(was).items() if "models" in now]
    others = [(name, *pair) for name, *pair in models if pair[0] != pair[1] and isinstance(pair[1], str)]
    if was["data"] == now["data"] and not others:
        return
    moved = f"; {_told(differences)}" if differences else "; no value of the document moved"
    if others:
        yield Change("data", "; ".join(f"{name}: {_rows_of(*pair)}" for name, *pair in others) + moved)
    elif models:
        together = "every model has the same numbers, but other rows of them belong together"
        yield Change("data", f"{together}, digest {now['data']}, {was['data']} before{moved}")
    else:
        yield Change("data", _rows_of(was["data"], now["data"]) + moved)


def _models(signature: Mapping[str, Any]) -> dict[str, str]:
    """The digests by model that a comparison's signature has."""
    told = signature.get("models")
    return {name: str(digest) for name, digest in told.items()} if isinstance(told, Mapping) else {}


def _rows_of(was: str, now: str) -> str:
    (old_rows, _, old), (new_rows, _, new) = was.partition(":"), now.partition(":")
    rows = f"{new_rows} rows, {old_rows} before" if old_rows != new_rows else f"{new_rows} rows as before"
    return f"{rows}, digest {new}, {old} before"


def _although(recipe: Mapping[str, Any]) -> str:
    """What is the same; columns that say what rows are have no part in the digest."""
    audit = recipe.get("audit")
    asked = audit if isinstance(audit, Mapping) else {}
    named = [*(asked.get("by") or ()), *(asked.get("cluster") or ())]
    named += (recipe.get("ids") or ()) if asked.get("bootstrap") or "tests" in recipe else ()
    if not named:
        return "though recipe and data are the same"
    shown = ", ".join(dict.fromkeys(map(str, named)))
    return f"though recipe and digest are the same; that does not cover {shown}, which may have changed"


def _of_recipe(
    document: Mapping[str, Any], losses: Sequence[BoundLoss], fingerprint: Callable[[Recipe], str]
) -> Iterator[Change]:
    recipe, signed = document["recipe"], document["signature"]["recipe"]
    found = fingerprint(recipe)
    if found != signed:
        yield Change("recipe", f"it was edited: its hash is {found}, and {signed} in the signature")
    told = {entry.get("sha256") for entry in recipe.get("functions", ()) if isinstance(entry, Mapping)}
    for home in dict.fromkeys(bound.loss.home for bound in losses if bound.loss.home):
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


def _aside(name: str, entry: Mapping[str, Any], place: str) -> bool:
    """Whether it says in which file a single row or label stands, or how the files were joined."""
    if name == "file":
        return {"rank", "row"} <= entry.keys()
    return name in PATHS or (name == "path" and place.startswith("inputs")) or (name == "method" and "on" in entry)


def _pairs(was: Any, now: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Each single value of two documents, by its place; null for what one of them lacks."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for name in {**was, **now}:
            if not _aside(name, was, place):
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
