"""A result written: a document, or a loss a row, to stdout or in one step to a file; what was found goes to stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO

from lossctl import timing
from lossctl.cli.surroundings import colored, say, width
from lossctl.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from lossctl.api.result import Result
    from lossctl.evaluation.result import Report
    from lossctl.show.slices import View

EMPTY: Mapping[str, str] = MappingProxyType({})
# of single rows, as the JSON has them
SIDES = ("worst", "best")


@contextmanager
def readable(files: Sequence[str], twice: bool, quiet: bool, format: str | None = None) -> Iterator[tuple[str, ...]]:
    """The files, with stdin kept in a temporary one where it has to be read a second time, or from any place.

    Raises:
        UsageError: stdin is named twice.
    """
    if files.count("-") > 1:
        raise UsageError("- is named twice, and stdin comes once; save it in a file and name that")
    why = _kept(twice, format) if "-" in files else None
    if why is None:
        yield tuple(files)
        return
    from lossctl.readers.spool import spooled

    if not quiet:
        say(f"lossctl: stdin {why}, so it is kept in a temporary file")
    with spooled() as path:
        yield tuple(path if name == "-" else name for name in files)


def called(paths: Sequence[str], files: Sequence[str]) -> dict[str, str]:
    """The paths that the user calls otherwise, as `readable` gave them, with what they are called."""
    return {path: file for path, file in zip(paths, files, strict=True) if path != file}


def as_named(report: Report, names: Mapping[str, str]) -> Report:
    """The report with files called as the user did: `names` are those of paths that are not shown."""
    if not names:
        return report

    def said(text: str) -> str:
        return reduce(lambda made, path: made.replace(path, names[path]), names, text)

    join = report.join and report.join._replace(labels_from=tuple(map(said, report.join.labels_from)))
    inputs = tuple(one._replace(path=said(one.path)) for one in report.inputs)
    warnings = tuple(replace(one, message=said(one.message)) for one in report.warnings)
    evidence = report.evidence and report.evidence._replace(called=names)
    results = tuple(replace(one, more=_named(one.more, said)) for one in report.results)
    return report._replace(inputs=inputs, warnings=warnings, results=results, join=join, evidence=evidence)


def _named(more: Mapping[str, Any], said: Callable[[str], str]) -> dict[str, Any]:
    """What the audit found, with the files of single rows called otherwise."""
    rows = {side: [{**row, "file": said(row["file"])} for row in more[side]] for side in SIDES if side in more}
    return {**more, **rows}


def _kept(twice: bool, format: str | None) -> str | None:
    """Why stdin has to be kept, if it has to."""
    if twice:
        return "is read more than once"
    from lossctl.readers import formats, stdin

    held = formats.needs_file(stdin.look(formats.LOOK), format)
    return held and f"holds {held}"


def tell(report: Report) -> None:
    """What was chosen, what became of the rows, and what deserves a look, on stderr."""
    from lossctl.show.table import account_line, columns_line, join_lines, warning_lines

    for line in (columns_line(report), *join_lines(report), account_line(report), *warning_lines(report)):
        say(line)


def tell_timings() -> None:
    """Where the time went, a phase a line, on stderr."""
    timing.ended("render")
    for name, seconds in timing.spent().items():
        threads = "  (of all threads)" if name in timing.WITHIN else ""
        say(f"{name} {seconds:.4f} s{threads}")


def refuse_two_formats(format: object, json: bool, value_only: bool = False) -> None:
    """Refuse two words for the format.

    Raises:
        UsageError: naming them.
    """
    said = [name for name, given in (("--json", json), ("--value-only", value_only), ("--format", format)) if given]
    if len(said) > 1:
        raise UsageError(f"{said[0]} and {said[1]} ask for two formats")


def write(report: Report, format: str, output: str | None, color: bool | None, view: View | None = None) -> None:
    """Write the document in a format.

    Raises:
        UsageError: the format holds rows.
        DataError: the file cannot be written.
    """
    from lossctl.show import machine, table

    if format in ("parquet", "npy"):
        raise UsageError(f"{format} holds rows: it goes with --reduction none")
    if format == "value":
        put(machine.value_only(report), output)
    elif format == "table":
        put(table.render(report, None if output else width(), not output and colored(color), view), output)
    else:
        put_all(machine.pieces(report, format), output)


def put(text: str, output: str | None) -> None:
    """A text to stdout, or in one step to a file."""
    put_all([text], output)


def put_all(pieces: Iterable[str], output: str | None) -> None:
    """The pieces of a text to stdout as they come, or in one step to a file."""
    if output is None or output == "-":
        sys.stdout.writelines(pieces)
        return
    from lossctl.show.output import write_atomically

    write_atomically(output, lambda file: file.writelines(piece.encode() for piece in pieces))


def write_rows(
    result: Result, format: str, output: str | None, ids: Sequence[str], called: Mapping[str, str] = EMPTY
) -> None:
    """Write the losses of the rows as they come; some paths are called otherwise."""
    from lossctl.show import rows
    from lossctl.show.output import write_atomically

    paths = tuple(called.get(entry.path, entry.path) for entry in result.inputs)
    blocks = result.row_blocks()

    def written(file: BinaryIO) -> None:
        rows.write_rows(blocks, file, format, paths, result.row_names, ids)

    if output is None or output == "-":
        written(sys.stdout.buffer)
    else:
        write_atomically(output, written)


def save(result: Result, path: str, called: Mapping[str, str] = EMPTY) -> None:
    """Keep the sums in a file; some paths are called otherwise."""
    result.save(path, called)


def save_dropped(result: Result, path: str, called: Mapping[str, str] = EMPTY) -> None:
    """Save the dropped rows with all their columns and the reason; some paths are called otherwise."""
    save_tables(result.dropped_rows(called), path)


def save_tables(tables: Iterator[pa.Table], path: str) -> None:
    """Save rows with all their columns."""
    from lossctl.show.output import write_atomically
    from lossctl.show.tables import write_tables

    write_atomically(path, lambda file: write_tables(tables, file, path))
