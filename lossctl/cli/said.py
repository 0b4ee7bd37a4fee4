"""What flags say, as a call takes it."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lossctl.catalogue.declare import Value
from lossctl.catalogue.registry import find
from lossctl.errors import UsageError
from lossctl.evaluation.shape_words import class_names, shapes
from lossctl.readers.classes import is_file


@contextmanager
def by_flag(words: Collection[str]) -> Iterator[None]:
    """Errors that begin with one of the words of a call begin with its flag: --label-map for label_map."""
    try:
        yield
    except UsageError as error:
        text = str(error)
        found = re.match(r"\w+(?=$|[ =:])", text)
        if found is None or found[0] not in words:
            raise
        raise UsageError(f"--{found[0].replace('_', '-')}{text[found.end() :]}") from None


def read_said(
    delimiter: str | None,
    no_header: bool,
    null_value: Sequence[str] | None,
    input_format: str | None,
    encoding: str | None,
    decimal: str | None,
) -> dict[str, Any]:
    """How text is read."""
    return {
        "delimiter": delimiter,
        "header": not no_header,
        "null_values": null_value or (),
        "format": input_format,
        "encoding": encoding,
        "decimal": decimal,
    }


def scale_said(losses: Sequence[str], options: dict[str, Value], said: float | None) -> float | None:
    """What preds are multiplied by: --scale says it too, where no chosen loss has an option of that name."""
    if "scale" not in options or any(find(text.partition(":")[0]).option("scale") for text in losses):
        return said
    scale = options.pop("scale")
    if said is not None:
        raise UsageError("--pred-scale and --scale both say what the preds are multiplied by; give one of them")
    return float(scale)  # type: ignore[arg-type]


def roles_said(given: dict[str, str | None], others: list[str]) -> dict[str, str]:
    """What the flags say of roles; `others` are NAME=COLUMNS."""
    roles = {name: selector for name, selector in given.items() if selector is not None}
    for entry in others:
        name, equals, selector = entry.partition("=")
        if not equals:
            raise UsageError(f"--role takes NAME=COLUMNS, got {entry!r}")
        if name in roles:
            raise UsageError(f"role {name} is given twice")
        roles[name] = selector
    return roles


def classes_said(text: str | None) -> tuple[str, ...] | None:
    """The class names of a comma list or a file."""
    if text is None or is_file(text):
        return class_names(text)
    names = tuple(name.strip() for name in text.split(","))
    if len(set(names)) < len(names) or len(names) < 2:
        raise UsageError(f"--classes takes two or more different names, or a .json or .txt file, got {text!r}")
    return names


def shapes_said(**said: Any) -> dict[str, Any]:
    """What is said of the shape of labels and preds; errors call it by its flag."""
    with by_flag(said):
        return shapes(**said)


def class_weights_said(text: str | None) -> tuple[float, ...] | dict[str, float] | None:
    """Numbers for "1,2,4", by name for "cat=2,dog=1"."""
    if text is None:
        return None
    parts = [part.strip().rpartition("=") for part in text.split(",")]
    try:
        numbers = [float(number) for _, _, number in parts]
    except ValueError:
        numbers = [-1.0]
    if not all(0.0 <= number < math.inf for number in numbers) or len({bool(equals) for _, equals, _ in parts}) > 1:
        raise UsageError(f"--class-weights takes numbers >= 0, as 1,2,4 or cat=2,dog=1, got {text!r}")
    if parts[0][1]:
        return dict(zip((name for name, _, _ in parts), numbers, strict=True))
    return tuple(numbers)


def max_dropped_said(text: str | None) -> float | int | None:
    """A share for "0.1%", a count for "5"."""
    if text is None:
        return None
    try:
        limit = float(text[:-1]) / 100.0 if text.endswith("%") else int(text)
    except ValueError:
        limit = -1
    if limit < 0 or (isinstance(limit, float) and limit > 1):
        raise UsageError(f"--max-dropped takes a count such as 5 or a share such as 0.1%, got {text!r}")
    return limit
