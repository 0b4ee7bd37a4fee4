"""A result's document as it was written: read, refused where it cannot be verified, and its gates judged again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lossctl.errors import DataError, UsageError


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
        raise DataError(f"{where} is no document of eval --json or compare --json: it has no results")
    for name in ("recipe", "signature"):
        if not isinstance(found.get(name), Mapping):
            raise DataError(f"{where} has no {name}: a lossctl that writes none made it, so it cannot be verified")
    missing = [
        name for name in ("version", "recipe", "data", "text") if not isinstance(found["signature"].get(name), str)
    ]
    if missing:
        raise DataError(f"{where}: its signature has no {missing[0]}")


def judged_again(document: Mapping[str, Any], now: dict[str, Any], where: str) -> dict[str, Any]:
    """What a recipe gives now, with the verdicts on the gates that the document has.

    Raises:
        DataError: they are no gates.
    """
    told = document.get("gates")
    if told is None:
        return now
    from lossctl.evaluation.gate_verdict import NO_INTERVAL, gates, judge

    try:
        texts = [str(one["gate"]) for one in told]
        on = "ci" if any(one["basis"] == "ci" or one.get("message") == NO_INTERVAL for one in told) else "value"
        return {**now, "gates": judge(gates(texts, now["results"], on), now, on).to_dict()}
    except (UsageError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{where}: its gates cannot be read: {error}") from None
