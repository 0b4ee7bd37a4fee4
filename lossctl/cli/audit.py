"""The audit on the command line: from flags to what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lossctl.api.audit import audit_words
from lossctl.audit.asked import Audit
from lossctl.cli.answer import save_tables
from lossctl.cli.said import by_flag
from lossctl.errors import UsageError

if TYPE_CHECKING:
    from lossctl.api.result import Result
    from lossctl.show.slices import View

# suffixes of files that take single rows
ROWS = (".parquet", ".pq", ".csv")


def said(**words: Any) -> Audit:
    """What the flags ask for; errors call it by its flag.

    Raises:
        UsageError: a word or number that is none of its kind.
    """
    with by_flag(words):
        return audit_words(**words)


def levels(text: str | None) -> tuple[float, ...]:
    """Levels of quantiles, as 0.5,0.9.

    Raises:
        UsageError: no numbers.
    """
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        raise UsageError(f"--quantiles takes levels, as 0.5,0.9,0.99, got {text!r}") from None


def rows_file(output: str | None, wanted: int) -> tuple[str | None, str | None]:
    """Where single rows go, and where the result does: a file of rows takes those of --worst and --best."""
    if wanted and output is not None and output.lower().endswith(ROWS):
        return output, None
    return None, output


def save_extremes(result: Result, path: str, called: Mapping[str, str]) -> None:
    """Save the rows of the highest and lowest losses, with all their columns; some paths are called otherwise."""
    save_tables(result.extreme_rows(called), path)


def view(sort: str | None, top: int | None, min_count: int, by: bool) -> View | None:
    """How slices are shown; None where there are none, and nothing is said of it.

    Raises:
        UsageError: an order that is none.
    """
    if not by and sort is None:
        return None
    from lossctl.show.slices import SHOWN, View, check_sort

    return View(check_sort(sort or "key"), SHOWN if top is None else top or None, min_count)
