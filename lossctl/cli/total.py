"""`lossctl total` and `lossctl run`: an objective, or a whole audit, from one TOML."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from lossctl.api.call import reads_again
from lossctl.cli import words as w
from lossctl.cli.answer import as_named, called, put, readable, refuse_two_formats, tell
from lossctl.cli.surroundings import colored, prepare_kernels, say, width
from lossctl.errors import UsageError

if TYPE_CHECKING:
    from lossctl.objective.declare import Audit
    from lossctl.objective.total import Totals

STARTER = "objective.toml"


class Form(StrEnum):
    """How an objective is written."""

    table = "table"
    json = "json"
    csv = "csv"
    tsv = "tsv"
    markdown = "markdown"


def total_command(
    objective: Annotated[
        str | None, typer.Argument(metavar="OBJECTIVE", help="The TOML with its [[terms]] and [[regularizers]].")
    ] = None,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", help="The predictions, in place of the files that it names.")
    ] = None,
    init: Annotated[
        bool, typer.Option("--init", help=f"Write a commented starter to OBJECTIVE, or {STARTER}; never over a file.")
    ] = False,
    regularization: Annotated[
        bool, typer.Option("--regularization/--no-regularization", help="Whether the penalties are added.")
    ] = True,
    functions: w.Functions = None,  # run before, by `main`
    format: Annotated[Form | None, typer.Option("--format", "-f", help="How the result is written.")] = None,
    json: w.Json = False,
    value_only: w.ValueOnly = False,
    output: w.Output = None,
    quiet: w.Quiet = False,
    color: w.Color = None,
    threads: w.ThreadCount = 0,
    batch_size: w.BatchSize = 0,
) -> None:
    """Add up the total loss that was trained: every term, its share, the penalties.

    \b
      lossctl total --init
      lossctl total objective.toml preds.parquet
      lossctl total objective.toml --no-regularization --value-only
      lossctl total objective.toml --json
    """
    if init:
        _init(objective or STARTER)
        return
    if objective is None:
        raise UsageError("name the objective's TOML; `lossctl total --init` writes one to begin with")
    chosen = _format(format.value if format else None, json, value_only, output)
    from lossctl.api.objective import read, total
    from lossctl.show.objective import render

    prepare_kernels(quiet)
    with _stdin_kept(read(objective), tuple(files or ()), quiet) as (audit, data, names):
        found = total(audit, data or None, regularization=regularization, threads=threads, batch_size=batch_size)
    totals = _named(found, names)
    if not quiet:
        _tell(totals)
    put(render(totals, chosen, None if output else width(), not output and colored(color)), output)


def run_command(
    audit: Annotated[str, typer.Argument(metavar="AUDIT", help="The TOML with its [[eval]] tables and [[terms]].")],
    functions: w.Functions = None,  # run before, by `main`
    json: w.Json = False,
    output: w.Output = None,
    quiet: w.Quiet = False,
    color: w.Color = None,
    threads: w.ThreadCount = 0,
    batch_size: w.BatchSize = 0,
) -> None:
    """Run every evaluation of an audit, and its objective where it has one; --json holds the resolved settings.

    \b
      lossctl run audit.toml
      lossctl run audit.toml --json -o audit.json
    """
    from lossctl.api.objective import read, run
    from lossctl.show.machine import format_of, json_text
    from lossctl.show.objective import audit_text

    prepare_kernels(quiet)
    with _stdin_kept(read(audit), None, quiet) as (asked, _, names):
        done = run(asked, threads=threads, batch_size=batch_size)
    reports = [(call, as_named(report, names)) for call, report in done.reports]
    done = replace(done, reports=reports, totals=done.totals and _named(done.totals, names))
    if not quiet:
        for call, report in done.reports:
            say(f"{call.name}:")
            tell(report)
        if done.totals is not None:
            say("objective:")
            _tell(done.totals)
    if json or (output is not None and format_of(output) == "json"):
        text = json_text(done.to_dict(), indent=2) + "\n"
    else:
        text = audit_text(done.reports, done.totals, None if output else width(), not output and colored(color))
    put(text, output)


@contextmanager
def _stdin_kept(
    audit: Audit, files: tuple[str, ...] | None, quiet: bool
) -> Iterator[tuple[Audit, tuple[str, ...], dict[str, str]]]:
    """An audit, and the files in place of its objective's, with stdin in a temporary file where it has to be.

    Args:
        audit: as it was read.
        files: those of the command line; None where the evaluations are run too.
        quiet: nothing is said of it.
    """
    terms = audit.objective.terms
    asked = [(tuple(entry.losses), entry.call) for entry in audit.evals] if files is None else []
    # the terms share what they read
    calls = [*asked, *([(tuple(term.loss for term in terms), terms[0].call)] if terms else [])]
    paths = [(*(files or call.files), *call.paths[len(call.files) :]) for _, call in calls]
    users = [entry for entry, named in zip(calls, paths, strict=True) if "-" in named]
    twice = len(users) > 1 or any(reads_again(losses, None) or "join" in call.settings for losses, call in users)
    format = users[0][1].read.get("format") if users else None
    # what one call names twice is refused, what two name is read by both
    named = next((some for some in paths if some.count("-") > 1), ("-",) if users else ())
    with readable(named, twice, quiet, format) as kept:
        shown = called(kept, named)
        names = {name: path for path, name in shown.items()}
        yield audit.calling(names), tuple(names.get(file, file) for file in files or ()), shown


def _named(totals: Totals, names: Mapping[str, str]) -> Totals:
    """The totals with files called as the user did."""
    return replace(totals, terms=tuple(replace(one, report=as_named(one.report, names)) for one in totals.terms))


def _tell(totals: Totals) -> None:
    """What each term's columns are, what became of the rows, and what deserves a look, on stderr."""
    from lossctl.show.table import account_line, columns_line, join_lines, warning_lines

    for line in dict.fromkeys(columns_line(entry.report) for entry in totals.terms):
        say(line)
    for line in dict.fromkeys(line for entry in totals.terms for line in join_lines(entry.report)):
        say(line)
    for line in dict.fromkeys(account_line(entry.report) for entry in totals.terms):
        say(line)
    for line in dict.fromkeys(line for entry in totals.terms for line in warning_lines(entry.report)):
        say(line)


def _init(path: str) -> None:
    from lossctl.objective.starter import starter

    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(starter(os.path.basename(path)))
    except FileExistsError:
        raise UsageError(f"{path} is there already; --init writes over no file") from None
    say(f"wrote {path}")


def _format(format: str | None, json: bool, value_only: bool, output: str | None) -> str:
    refuse_two_formats(format, json, value_only)
    if json or value_only:
        return "json" if json else "value"
    from lossctl.show.machine import format_of

    told = format or (format_of(output) if output else None) or "table"
    if told not in list(Form):
        raise UsageError(f"an objective is written as {', '.join(Form)}, not as {told}")
    return told
