"""`lossctl eval`: argv to a request, the request to text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from lossctl.catalogue.declare import Value
from lossctl.catalogue.spec import bind_all
from lossctl.cli.flags import complete_losses
from lossctl.cli.surroundings import colored, prepare_kernels, say, width
from lossctl.errors import UsageError

if TYPE_CHECKING:
    from lossctl.evaluate.request import Request
    from lossctl.evaluate.result import Result
    from lossctl.evaluate.run import Evaluation

INPUT, OUTPUT, ROWS = "Input", "Output", "Rows and reduction"


class Reduction(StrEnum):
    """How rows become one number."""

    mean = "mean"
    sum = "sum"
    none = "none"
    sum_over_batch_size = "sum_over_batch_size"
    sum_by_nonzero_weights = "sum_by_nonzero_weights"


class OnBad(StrEnum):
    """What happens to rows that cannot be used."""

    error = "error"
    drop = "drop"
    keep = "keep"


class OnEmpty(StrEnum):
    """What a zero denominator gives."""

    error = "error"
    nan = "nan"
    zero = "zero"


class Format(StrEnum):
    """How the result is written."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    tsv = "tsv"
    markdown = "markdown"
    parquet = "parquet"
    npy = "npy"


def eval_command(
    files: Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help="CSV, TSV, Parquet, NPZ or NPY; - is CSV on stdin.")] = None,
    loss: Annotated[list[str] | None, typer.Option("--loss", "-l", metavar="NAME", help="A loss, as huber or huber:delta=2; repeatable, all in one pass.", autocompletion=complete_losses)] = None,
    labels: Annotated[str | None, typer.Option("--labels", "-y", "--label-col", metavar="COLUMNS", help="Label columns: a name, a comma list, a glob, or a .npy file.", rich_help_panel=INPUT)] = None,
    preds: Annotated[str | None, typer.Option("--preds", "-p", "--pred-col", metavar="COLUMNS", help="Prediction columns, likewise.", rich_help_panel=INPUT)] = None,
    weights: Annotated[str | None, typer.Option("--weights", "-w", metavar="COLUMN", help="A weight a row, finite and >= 0.", rich_help_panel=INPUT)] = None,
    role: Annotated[list[str] | None, typer.Option("--role", metavar="NAME=COLUMNS", help="Columns of any other role of a loss; repeatable.", rich_help_panel=INPUT)] = None,
    row_id: Annotated[list[str] | None, typer.Option("--id", metavar="COLUMN", help="A column that names rows in unreduced output; repeatable.", rich_help_panel=INPUT)] = None,
    classes: Annotated[str | None, typer.Option("--classes", metavar="NAMES", help="Class names in order, as cat,dog,bird.", rich_help_panel=INPUT)] = None,
    delimiter: Annotated[str | None, typer.Option("--delimiter", "-d", metavar="CHAR", help="The CSV's delimiter.", rich_help_panel=INPUT)] = None,
    no_header: Annotated[bool, typer.Option("--no-header", help="The CSV has no header; columns are c0, c1, ...", rich_help_panel=INPUT)] = False,
    null_value: Annotated[list[str] | None, typer.Option("--null-value", metavar="TEXT", help="A CSV text that means no value, besides the empty one; repeatable.", rich_help_panel=INPUT)] = None,
    input_format: Annotated[str | None, typer.Option("--input-format", metavar="FORMAT", help="csv, tsv, parquet, npy or npz, where the file does not tell.", rich_help_panel=INPUT)] = None,
    reduction: Annotated[Reduction, typer.Option("--reduction", "-r", help="How rows become one number; none writes a loss a row.", rich_help_panel=ROWS)] = Reduction.mean,
    on_bad: Annotated[OnBad, typer.Option("--on-bad", help="Rows with null, NaN or out-of-range values: refuse, leave out, or pass on.", rich_help_panel=ROWS)] = OnBad.error,
    on_empty: Annotated[OnEmpty, typer.Option("--on-empty", help="What a zero denominator gives.", rich_help_panel=ROWS)] = OnEmpty.error,
    dropped: Annotated[str | None, typer.Option("--dropped", metavar="FILE", help="Save the dropped rows, all columns and the reason, as Parquet or CSV.", rich_help_panel=ROWS)] = None,
    max_dropped: Annotated[str | None, typer.Option("--max-dropped", metavar="N|P%", help="Fail (exit 1) if more rows are dropped.", rich_help_panel=ROWS)] = None,
    format: Annotated[Format | None, typer.Option("--format", "-f", help="How the result is written; the suffix of -o tells too.", rich_help_panel=OUTPUT)] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.", rich_help_panel=OUTPUT)] = False,
    value_only: Annotated[bool, typer.Option("--value-only", help="One bare number.", rich_help_panel=OUTPUT)] = False,
    output: Annotated[str | None, typer.Option("--output", "-o", metavar="FILE", help="Write there, in one step, instead of stdout.", rich_help_panel=OUTPUT)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.", rich_help_panel=OUTPUT)] = False,
    color: Annotated[bool | None, typer.Option("--color/--no-color", help="Colour in tables; else as the terminal and NO_COLOR say.", rich_help_panel=OUTPUT, show_default=False)] = None,
    threads: Annotated[int, typer.Option("--threads", "-j", min=0, help="Threads; 0 takes all processors. The number is the same for any.", rich_help_panel="Engine")] = 0,
    batch_size: Annotated[int, typer.Option("--batch-size", min=0, help="Rows a block; 0 takes what suits. The number is the same for any.", rich_help_panel="Engine")] = 0,
    options: dict[str, Value] | None = None,
) -> None:
    """Compute losses of a file of predictions.

    \b
      lossctl eval preds.parquet --loss categorical_crossentropy
      lossctl eval preds.csv -y label -p prob --loss binary_crossentropy --loss mean_squared_error
      lossctl eval -y y.npy -p logits.npy --loss sparse_categorical_crossentropy --from-logits
      lossctl eval preds.csv --loss huber:delta=2 -r none --id row_id -o rows.parquet

    Columns that are not named are found by their names; what was chosen is said on stderr. `lossctl losses` lists the losses.
    """
    if not loss:
        raise UsageError("say which loss: --loss NAME; `lossctl losses` lists them")
    bound = bind_all(loss, options or {})
    chosen = _format(format, json, value_only, output, reduction)
    roles = _roles(labels, preds, weights, role or [])
    limit = _max_dropped(max_dropped)

    from lossctl.evaluate.request import Request
    from lossctl.readers.places import ReadSettings

    request = Request(
        files=tuple(files or ()),
        losses=tuple(bound),
        roles=roles,
        classes=_classes(classes),
        ids=tuple(row_id or ()),
        reduction=reduction.value,
        on_bad=on_bad.value,  # type: ignore[arg-type]
        on_empty=on_empty.value,  # type: ignore[arg-type]
        max_dropped=limit,
        dropped=dropped,
        threads=threads,
        batch_rows=batch_size,
        read=ReadSettings(
            delimiter=delimiter,
            header=not no_header,
            null_values=tuple(null_value or ()),
            format=input_format,
        ),
    )
    prepare_kernels(quiet)
    _answer(request, chosen, output, quiet, color)


def _roles(labels: str | None, preds: str | None, weights: str | None, others: list[str]) -> dict[str, str]:
    given = {"labels": labels, "preds": preds, "weights": weights}
    roles = {name: selector for name, selector in given.items() if selector is not None}
    for entry in others:
        name, equals, selector = entry.partition("=")
        if not equals:
            raise UsageError(f"--role takes NAME=COLUMNS, got {entry!r}")
        if name in roles:
            raise UsageError(f"role {name} is given twice")
        roles[name] = selector
    return roles


def _classes(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    if len(set(names)) < len(names) or len(names) < 2:
        raise UsageError(f"--classes takes two or more different names, got {text!r}")
    return names


def _max_dropped(text: str | None) -> float | int | None:
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


def _format(format: Format | None, json: bool, value_only: bool, output: str | None, reduction: Reduction) -> str:
    from lossctl.show.machine import format_of

    said = [name for name, given in (("--json", json), ("--value-only", value_only), ("--format", format)) if given]
    if len(said) > 1:
        raise UsageError(f"{said[0]} and {said[1]} ask for two formats")
    if value_only and reduction is Reduction.none:
        raise UsageError("--value-only has one number to show, --reduction none has one a row")
    if json:
        return "jsonl" if reduction is Reduction.none else "json"
    if value_only:
        return "value"
    if format is not None:
        return format.value
    return (format_of(output) if output else None) or "table"


def _answer(request: Request, format: str, output: str | None, quiet: bool, color: bool | None) -> None:
    from lossctl.evaluate.run import run
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
    from lossctl.evaluate.encoding import needs_look

    twice = request.reduction == "none" or request.dropped or any(map(needs_look, request.losses))
    if "-" not in request.files or not twice:
        yield request
        return
    from lossctl.readers.spool import spooled

    if not quiet:
        say("lossctl: stdin is read twice, so it is kept in a temporary file")
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

    write_atomically(output, lambda file: file.write(text.encode()) and None)


def _write_rows(request: Request, evaluation: Evaluation, format: str, output: str | None) -> None:
    from lossctl.evaluate.run import evaluate_rows
    from lossctl.show.output import write_atomically
    from lossctl.show.rows import write_rows

    made = evaluation.plan
    paths = tuple(source.path for source in made.job.sources)
    rows = evaluate_rows(request, made)

    def write(file: BinaryIO) -> None:
        write_rows(rows, file, format, paths, tuple(map(str, made.job.losses)), request.ids)

    if output is None or output == "-":
        write(sys.stdout.buffer)
    else:
        write_atomically(output, write)


def _save_dropped(request: Request, evaluation: Evaluation) -> None:
    if request.dropped is None:
        return
    from lossctl.evaluate.leftovers import dropped_rows
    from lossctl.show.output import write_atomically
    from lossctl.show.tables import write_tables

    tables = dropped_rows(evaluation)
    write_atomically(request.dropped, lambda file: write_tables(tables, file, str(request.dropped)))
