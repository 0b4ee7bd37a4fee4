"""A result as text for programs: every number in its shortest form that reads back to the same bits."""

from __future__ import annotations

import csv
import io
import json
import os.path
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, repeat
from typing import Any

from lossctl.errors import UsageError, nearest
from lossctl.evaluation.result import SCHEMA_VERSION, Report, plain

FORMATS = ("table", "json", "jsonl", "csv", "tsv", "markdown")
SUFFIXES = {
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "table",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".npy": "npy",
}
# slices that are written at once
TOGETHER = 1 << 10
FIELDS = (
    *("loss", "spec", "options", "reduction", "value", "sum", "count", "weight_sum"),
    *("denominator", "denominator_name", "stderr", "min", "max"),
)
# texts that a program takes as they are
SPECS = ("loss", "slicing")
MARKDOWN_WORDS = ("loss", "reduction", "denominator_name")
MARKDOWN_FIELDS = (
    *("loss", "value", "stderr", "reduction"),
    *("denominator", "denominator_name", "count", "min", "max"),
)


def format_of(path: str) -> str | None:
    """The format that a file name's suffix asks for, of results or of rows; None for one that says nothing.

    >>> format_of("out/losses.NDJSON")
    'jsonl'
    """
    return SUFFIXES.get(os.path.splitext(path)[1].lower())


def render(result: Report, format: str) -> str:
    """The whole result as one text that ends in a newline; see `pieces`."""
    return "".join(pieces(result, format))


def pieces(result: Report, format: str) -> Iterator[str]:
    """The result as a text that ends in a newline, piece by piece: there may be millions of slices.

    Args:
        result: what one call found.
        format: one of FORMATS, save `table`.

    Raises:
        UsageError: the format is no such name.
    """
    writers: dict[str, Callable[[Report], Iterable[str]]] = {
        "json": _json,
        "jsonl": _jsonl,
        "csv": lambda found: delimited_pieces(*_flat(found), ","),
        "tsv": lambda found: delimited_pieces(*_flat(found), "\t"),
        "markdown": lambda found: [_markdown(found)],
    }
    if format not in writers:
        raise UsageError(f"--format {format} is none of {', '.join(FORMATS)}{nearest(format, FORMATS)}")
    return iter(writers[format](result))


def value_only(result: Report) -> str:
    """The one value as a bare number and a newline.

    Raises:
        UsageError: there is not exactly one result.
    """
    if len(result.results) != 1:
        asked = ", ".join(entry.spec for entry in result.results) or "none"
        raise UsageError(
            f"--value-only prints one number, but this call has {len(result.results)} losses ({asked});"
            " ask for one --loss, or use --format jsonl"
        )
    return f"{result.results[0].value!r}\n"


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON in UTF-8; what UTF-8 cannot hold, such as a file name in no encoding, is escaped."""
    text = json.dumps(plain(value), indent=indent, ensure_ascii=False, allow_nan=False)
    return encodable(text)


def encodable(text: str) -> str:
    r"""The text with each lone surrogate as `\udc..`, which is JSON's escape too."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _json(result: Report) -> Iterator[str]:
    yield from _written(result.to_dict(made=False), 2)
    yield "\n"


def _jsonl(result: Report) -> Iterator[str]:
    # what is of the whole call stands in every line, as a line is read by itself
    whole = {"rows": result.rows.to_dict(), **({} if result.gates is None else {"gates": result.gates.to_dict()})}
    for entry in result.results:
        yield from _written({"schema_version": SCHEMA_VERSION, **entry.to_dict(made=False), **whole}, None)
        yield "\n"


def _written(value: Any, indent: int | None, depth: int = 0) -> Iterator[str]:
    """JSON as `json_text` writes it, save that slices stand one a line, each made when its turn comes."""
    if not _holds_slices(value):
        # no text has a newline within quotes
        text = json_text(value, indent)
        yield text if indent is None else text.replace("\n", "\n" + " " * (indent * depth))
        return
    own, inner = ("", "") if indent is None else ("\n" + " " * (indent * level) for level in (depth, depth + 1))
    between, further = inner, "," + (inner or " ")
    brackets = "{}" if isinstance(value, Mapping) else "[]"
    yield brackets[0]
    if not isinstance(value, Mapping | list):
        for texts in _batches(map(_slice_text, value), TOGETHER):
            yield between + further.join(texts)
            between = further
    else:
        names = [f"{json_text(name)}: " for name in value] if isinstance(value, Mapping) else repeat("")
        for name, entry in zip(names, value.values() if isinstance(value, Mapping) else value, strict=False):
            yield between + name
            yield from _written(entry, indent, depth + 1)
            between = further
    yield own + brackets[1]


def _holds_slices(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_slices, value.values()))
    if isinstance(value, list):
        return any(map(_holds_slices, value))
    return isinstance(value, Sequence) and not isinstance(value, str | tuple) and len(value) > 0


_ENCODED = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False).encode


def _slice_text(entry: Mapping[str, Any]) -> str:
    try:
        # most have finite numbers alone, and are written as they are
        return encodable(_ENCODED(entry))
    except ValueError:
        return json_text(entry)


def _batches(texts: Iterator[str], size: int) -> Iterator[list[str]]:
    while batch := list(islice(texts, size)):
        yield batch


def _flat(result: Report) -> tuple[Sequence[str], Iterable[Mapping[str, Any]]]:
    """A record's fields, and a record a loss; where there are slices, also one a slice."""
    from lossctl.show import slice_records

    columns = slice_records.columns_of(result)
    if not columns:
        return FIELDS, _records(result, "spec")
    names = slice_records.named(columns, slice_records.FIELDS)
    return (*names.values(), *slice_records.FIELDS), slice_records.records(result, names)


def _markdown(result: Report) -> str:
    from lossctl.show import slice_records, slices

    columns = slice_records.columns_of(result)
    if not columns:
        return markdown(MARKDOWN_FIELDS, _records(result, "loss"), MARKDOWN_WORDS)
    names = slice_records.named(columns, slice_records.FIELDS)
    found = slice_records.records(result, names, slices.named)
    fields = (*names.values(), *slice_records.MARKDOWN_FIELDS)
    return markdown(fields, found, (*names.values(), "loss", "slicing"))


def delimited(fields: Sequence[str], records: Iterable[Mapping[str, Any]], delimiter: str) -> str:
    """A line a record below the fields' names, in CSV's quoting."""
    return "".join(delimited_pieces(fields, records, delimiter))


def delimited_pieces(fields: Sequence[str], records: Iterable[Mapping[str, Any]], delimiter: str) -> Iterator[str]:
    """The same, piece by piece."""
    lines = chain([list(fields)], ([_cell(record[name]) for name in fields] for record in records))
    while batch := list(islice(lines, TOGETHER)):
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(batch)
        yield encodable(text.getvalue())


def _cell(found: Any) -> str:
    if found is None:
        return ""
    if isinstance(found, Mapping):
        return json_text(dict(found))
    return repr(found) if isinstance(found, float) else str(found)


def markdown(fields: Sequence[str], records: Iterable[Mapping[str, Any]], words: Sequence[str]) -> str:
    """A Markdown table; `words` are the fields of text, which stand to the left."""
    rule = [":---" if name in words else "---:" for name in fields]
    heads = [name.replace("_", " ") for name in fields]
    rows = ([_markdown_cell(name, record[name]) for name in fields] for record in records)
    return encodable("".join(f"| {' | '.join(cells)} |\n" for cells in chain((heads, rule), rows)))


def _markdown_cell(name: str, found: Any) -> str:
    text = " ".join(_cell(found).replace("|", "\\|").splitlines())
    # a code span keeps the stars and underscores of a spec as they are
    return _code(text) if name in SPECS and text else text


def _code(text: str) -> str:
    """A code span, whose ends are longer than any run of backticks within."""
    runs = [len(run) for run in re.findall("`+", text)]
    ends, space = "`" * (max(runs, default=0) + 1), " " if runs else ""
    return f"{ends}{space}{text}{space}{ends}"


def _records(result: Report, spec: str) -> list[dict[str, Any]]:
    """The facts of each loss; its whole text stands under the name that is given."""
    return [{**{name: getattr(entry, name) for name in FIELDS}, spec: entry.spec} for entry in result.results]
