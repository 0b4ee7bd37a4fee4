"""Files that say the names of classes, or what labels stand for."""

from __future__ import annotations

from typing import Any

from lossctl.errors import DataError

SUFFIXES = (".json", ".txt")
# keys under which a model's own configuration has its classes
ID_TO_NAME, NAME_TO_ID = "id2label", "label2id"


def is_file(text: str) -> bool:
    """Whether what is given for class names is a file of them."""
    return "," not in text and text.lower().endswith(SUFFIXES)


def class_names(path: str) -> tuple[str, ...]:
    """The names of classes in order.

    A text file has a name a line. JSON is a list of names, or an object of names with their ids, or of ids with their
    names; such an object may stand under `label2id` or `id2label`, as in a model's configuration.

    Raises:
        DataError: a file that is missing or holds something else, fewer than two names, or one of them twice.
    """
    text = _text(path)
    names = _of_json(_json(text, path), path) if path.lower().endswith(".json") else _of_lines(text, path)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path} has the class {twice!r} twice")
    if len(names) < 2:
        raise DataError(f"{path} has {len(names)} class names, expected two or more")
    return tuple(names)


def label_numbers(path: str) -> dict[str, Any]:
    """What a JSON object says of each label.

    Raises:
        DataError: a file that is missing, or holds no such object.
    """
    found = _json(_text(path), path)
    if not isinstance(found, dict):
        raise DataError(f"{path}: expected a JSON object of labels with their numbers, found {_kind(found)}")
    return found


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except OSError as error:
        raise DataError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is no text in UTF-8") from None


def _json(text: str, path: str) -> Any:
    import json

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise DataError(f"{path} has the key {twice!r} twice")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise DataError(f"{path} line {error.lineno} is no JSON: {error.msg.lower()}") from None
    except RecursionError:
        raise DataError(f"{path} is nested too deep") from None


def _of_lines(text: str, path: str) -> list[str]:
    lines = [line.strip() for line in text.rstrip().split("\n")]
    if lines != [""] and "" in lines:
        raise DataError(f"{path} line {lines.index('') + 1} is empty; expected a class name a line, in order")
    return lines if lines != [""] else []


def _of_json(found: Any, path: str) -> list[str]:
    if isinstance(found, dict):
        nested = [found[key] for key in (ID_TO_NAME, NAME_TO_ID) if key in found]
        if nested:
            each = [_of_json(entry, path) for entry in nested]
            if each[0] != each[-1]:
                raise DataError(f"{path}: {ID_TO_NAME} and {NAME_TO_ID} differ in their classes")
            return each[0]
        return _of_object(found, path)
    if not isinstance(found, list):
        raise DataError(f"{path}: expected a JSON list or object of class names, found {_kind(found)}")
    return [_name(entry, path) for entry in found]


def _of_object(found: dict[str, Any], path: str) -> list[str]:
    """Names by id, or ids by name."""
    if found and all(isinstance(value, int) and not isinstance(value, bool) for value in found.values()):
        pairs = [(number, name) for name, number in found.items()]
    elif all(key.isdecimal() for key in found):
        pairs = [(int(key), _name(value, path)) for key, value in found.items()]
    else:
        raise DataError(f'{path}: expected names with their ids, as {{"cat": 0}}, or ids with names, as {{"0": "cat"}}')
    ids = sorted(number for number, _ in pairs)
    if ids != list(range(len(pairs))):
        missing = next(k for k in range(len(pairs)) if k not in ids)
        raise DataError(f"{path}: the ids of {len(pairs)} classes go from 0 to {len(pairs) - 1}, there is no {missing}")
    return [name for _, name in sorted(pairs)]


def _name(value: Any, path: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DataError(f"{path}: expected a class name, found {_kind(value)}")
    return str(value)


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
