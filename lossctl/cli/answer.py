"""A request run, and its answer written: a document, or a loss a row, to stdout or in one step to a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from lossctl.cli.surroundings import colored, say, width
from lossctl.errors import UsageError

if TYPE_CHECKING:
    from lossctl.evaluation.request import Request
    from lossctl.evaluation.result import Result
    from lossctl.evaluation.run import Evaluation


def answer(request: Request, format: str, output: str | None, quiet: bool, color: bool | None) -> None:
    """Run the request and write what it gives; the row account and the warnings go to stderr."""
    from lossctl.evaluation.run import run
    from lossctl.show.table import account_line, columns_line, warning_lines

    with _readable_twice(request, quiet) as request:
        evaluation = run(request)
        result = evaluation.result()
        if not quiet:
            say(columns_line(result))
            say(account_line(result))
            for line in warning_lines(result):
                say(line)
        _save_dropped(request, evaluation)
        if request.reduction == "none":
            _write_rows(request, evaluation, format, output)
        else:
            _write(result, format, output, color)


@contextmanager
def _readable_twice(request: Request, quiet: bool) -> Iterator[Request]:
    """The request, with stdin kept in a temporary file where it has to be read a second time."""
    from lossctl.evaluation.ahead import looks_ahead

    twice = request.reduction == "none" or request.dropped or any(map(looks_ahead, request.losses))
    if "-" not in request.files or not twice:
        yield request
        return
    from lossctl.readers.spool import spooled

    if not quiet:
        say("lossctl: stdin is read more than once, so it is kept in a temporary file")
    with spooled(sys.stdin.buffer) as path:
        yield replace(request, files=tuple(path if name == "-" else name for name in request.files))


def _write(result: Result, format: str, output: str | None, color: bool | None) -> None:
    from lossctl.show import machine, table

    if format in ("parquet", "npy"):
        raise UsageError(f"{format} holds rows: it goes with --reduction none")
    if format == "value":
        text = machine.value_only(result)
    elif format == "table":
        text = table.render(result, None if output else width(), not output and colored(color))
    else:
        text = machine.render(result, format)
    if output is None or output == "-":
        sys.stdout.write(text)
        return
    from lossctl.show.output import write_atomically

    write_atomically(output, lambda file: _put(file, text))


def _put(file: BinaryIO, text: str) -> None:
    file.write(text.encode())


def _write_rows(request: Request, evaluation: Evaluation, format: str, output: str | None) -> None:
    from lossctl.evaluation.run import evaluate_rows
    from lossctl.evaluation.work import row_names
    from lossctl.show.output import write_atomically
    from lossctl.show.rows import write_rows

    made = evaluation.plan
    paths = tuple(source.path for source in made.job.sources)
    rows = evaluate_rows(request, made)

    def write(file: BinaryIO) -> None:
        names = tuple(name for settled in made.job.losses for name in row_names(settled))
        write_rows(rows, file, format, paths, names, request.ids)

    if output is None or output == "-":
        write(sys.stdout.buffer)
    else:
        write_atomically(output, write)


def _save_dropped(request: Request, evaluation: Evaluation) -> None:
    if request.dropped is None:
        return
    from lossctl.evaluation.leftovers import dropped_rows
    from lossctl.show.output import write_atomically
    from lossctl.show.tables import write_tables

    tables = dropped_rows(evaluation)
    write_atomically(request.dropped, lambda file: write_tables(tables, file, str(request.dropped)))
