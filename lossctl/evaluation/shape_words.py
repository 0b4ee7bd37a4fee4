"""What a call says of the shape of labels and preds, checked: class names, maps of labels, logarithms, long tables."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from lossctl.errors import UsageError, nearest
from lossctl.evaluation.shape import LabelMap, key_of

# class names in order, or a file of them
Classes: TypeAlias = "Sequence[str] | str | os.PathLike[str]"
# a label to its number, a text such as "yes=1,no=0", or a JSON file
Labels: TypeAlias = "Mapping[Any, float] | str | os.PathLike[str]"
RESTS = ("zero", "spread")


def class_names(given: Any) -> tuple[str, ...] | None:
    """The names of classes; numbers, as scikit-learn's `classes_` may hold, are names too.

    Raises:
        UsageError: it is no list of different names.
        DataError: a file that does not hold one.
    """
    if given is None:
        return None
    from lossctl.readers import classes

    if isinstance(given, str | os.PathLike) and classes.is_file(os.fspath(given)):
        return classes.class_names(os.fspath(given))
    names = () if isinstance(given, str) or not isinstance(given, Iterable) else tuple(map(str, given))
    if len(set(names)) < max(len(names), 2):
        raise UsageError(
            f"classes takes a list of two or more different names, or a .json or .txt file of them, got {given!r}"
        )
    return names


def shapes(
    *,
    label_map: Labels | None = None,
    label_base: int | None = None,
    from_log_probs: bool = False,
    pred_scale: float | None = None,
    num_classes: int | None = None,
    rest: str | None = None,
    long: str | Sequence[str] | None = None,
) -> dict[str, Any]:
    """The attributes of a Request that say of what shape labels and preds are.

    Raises:
        UsageError: a value that is none of its kind.
        DataError: a file that does not hold what it should.
    """
    for name, number in (("label_base", label_base), ("num_classes", num_classes)):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
            raise UsageError(f"{name} must be a whole number, got {number!r}")
    if rest not in (None, *RESTS):
        raise UsageError(f"rest must be one of {', '.join(RESTS)}, got {rest!r}{nearest(str(rest), RESTS)}")
    return {
        "label_map": None if label_map is None else _label_map(label_map),
        "label_base": label_base,
        "from_log_probs": bool(from_log_probs),
        "pred_scale": None if pred_scale is None else _scale(pred_scale),
        "num_classes": num_classes,
        "rest": rest,
        "long": None if long is None else _long(long),
    }


def _scale(given: Any) -> float:
    usable = isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given) and given != 0
    if not usable:
        raise UsageError(f"pred_scale must be a finite number other than 0, such as 0.01, got {given!r}")
    return float(given)


def _long(given: str | Sequence[str]) -> tuple[str, str, str]:
    names = tuple(part.strip() for part in given.split(",")) if isinstance(given, str) else tuple(given)
    if len(names) != 3 or not all(names) or len(set(names)) < 3:
        raise UsageError(
            f"long takes three columns, of example, class and probability, as id,class,prob, got {given!r}"
        )
    return names[0], names[1], names[2]


def _label_map(given: Labels) -> LabelMap:
    pairs = [(_label(label), _number(label, number)) for label, number in _pairs(given)]
    texts = [text for text, _ in pairs]
    # 1 and 1.0 are one label in a column of numbers
    keys = [text if key_of(text) is None else key_of(text) for text in texts]
    twice = next((text for text, key in zip(texts, keys, strict=True) if keys.count(key) > 1), None)
    if twice is not None:
        raise UsageError(f"label_map has the label {twice!r} twice")
    if not pairs:
        raise UsageError("label_map has no labels; write it as yes=1,no=0")
    return LabelMap(tuple(texts), tuple(number for _, number in pairs))


def _pairs(given: Any) -> list[tuple[Any, Any]]:
    if isinstance(given, Mapping):
        return list(given.items())
    if not isinstance(given, str | os.PathLike):
        raise UsageError(f"label_map takes labels with their numbers, as yes=1,no=0, got {given!r}")
    text = os.fspath(given)
    if "=" not in text and text.lower().endswith(".json"):
        from lossctl.readers.classes import label_numbers

        return list(label_numbers(text).items())
    parts = [part.rpartition("=") for part in text.split(",")]
    if not all(equals and label.strip() for label, equals, _ in parts):
        raise UsageError(f"label_map takes labels with their numbers, as yes=1,no=0, or a .json file, got {text!r}")
    return [(label.strip(), number.strip()) for label, _, number in parts]


def _label(given: Any) -> str:
    """A label as text; true and false as they are spelt in files."""
    given = given.item() if hasattr(given, "item") else given
    return str(given).lower() if isinstance(given, bool) else str(given)


def _number(label: Any, given: Any) -> float:
    try:
        number = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"label_map: {label}={given} gives the label no finite number")
    return number
