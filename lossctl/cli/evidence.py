"""`lossctl verify` and `lossctl merge`: results checked by evaluating them again, and put together from shards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lossctl.cli import audit_words as a
from lossctl.cli import words as w
from lossctl.cli.answer import put, save, tell, write
from lossctl.cli.audit import view
from lossctl.cli.eval import format_asked
from lossctl.cli.gates import gating
from lossctl.cli.surroundings import prepare_kernels
from lossctl.errors import UsageError

if TYPE_CHECKING:
    from lossctl.evaluation.verify import Verification

CHANGED = 1
# differences that are listed; --json has them all
SHOWN = 20


def verify_command(
    result: Annotated[str, typer.Argument(metavar="RESULT", help="The JSON that eval --json or compare --json wrote.")],
    data: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="FILE",
            help="Where the data are now; repeatable, in order: of a comparison a file a model.",
            show_default=False,
        ),
    ] = None,
    labels_from: Annotated[
        list[str] | None,
        typer.Option(
            "--labels-from", metavar="FILE", help="Where joined labels are now, likewise.", show_default=False
        ),
    ] = None,
    functions: w.Functions = None,  # run before, by `main`
    json: w.Json = False,
    output: w.Output = None,
    quiet: w.Quiet = False,
    threads: w.ThreadCount = 0,
) -> None:
    """Evaluate or compare again by a result's recipe: match (exit 0), or what changed (exit 1).

    \b
      lossctl eval preds.parquet --loss huber --json -o result.json
      lossctl verify result.json
      lossctl verify result.json --data moved/preds.parquet --json
      lossctl verify comparison.json --data old.parquet --data new.parquet

    Paths are relative to the working directory. The digest of the data tells a change; it is no proof against
    somebody who forges both. Only JSON documents can be verified, neither JSON Lines nor tables.
    """
    from lossctl.api.evidence import verify

    prepare_kernels(quiet)
    found = verify(result, data=data or (), labels_from=labels_from or (), threads=threads)
    if json:
        from lossctl.show.machine import json_text

        text = json_text(found.to_dict(), indent=2) + "\n"
    else:
        text = "".join(f"{line}\n" for line in _lines(found))
    put(text, output)
    if not found.match:
        raise typer.Exit(CHANGED)


def _lines(found: Verification) -> list[str]:
    """What was found, for people."""
    from lossctl.show.machine import encodable, json_text

    if found.match:
        rows, _, digest = found.data.partition(":")
        return [f"match: {found.compared} values, {int(rows):,} rows with digest {digest}"]
    lines = [f"{change.what} changed: {change.message}" for change in found.changes]
    for place, was, now in found.differences[:SHOWN]:
        lines.append(f"  {place}: {json_text(was)} -> {json_text(now)}")
    more = len(found.differences) - SHOWN
    return [encodable(line) for line in lines] + ([f"  and {more} more; --json has them all"] if more > 0 else [])


def merge_command(
    partials: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", help="The partials that eval --save wrote, in order.")
    ] = None,
    allow_duplicates: Annotated[
        bool, typer.Option("--allow-duplicates", help="The same rows may be counted more than once.")
    ] = False,
    save_as: w.Save = None,
    functions: w.Functions = None,  # run before, by `main`
    fail_if: a.FailIf = None,
    gate_on: a.GateOnWord = None,
    junit: a.Junit = None,
    exit_zero: a.ExitZero = False,
    format: w.FormatWord = None,
    json: w.Json = False,
    value_only: w.ValueOnly = False,
    sort: a.Sort = None,
    top: a.Top = None,
    min_count: a.MinCount = 30,
    output: w.Output = None,
    quiet: w.Quiet = False,
    color: w.Color = None,
) -> int:
    """Put the partials of shards together: bit for bit what one run over all files gives.

    \b
      lossctl eval part-0.parquet --loss huber --save 0.lossctl -q
      lossctl eval part-1.csv --loss huber --save 1.lossctl -q
      lossctl merge 0.lossctl 1.lossctl --json
      lossctl merge *.lossctl --fail-if 'huber.mean > 0.3' --junit gates.xml

    The inputs are listed in the order given; the numbers do not depend on it.
    """
    from lossctl.api.evidence import merge

    if not partials:
        raise UsageError("name the partials to merge; eval --save writes them")
    chosen, slices = format_asked(format, json, value_only, output, None), view(sort, top, min_count, by=True)
    # the partials tell the losses
    gates = gating(fail_if, gate_on, junit, exit_zero, output, None)
    with gates.reporting():
        result = merge(partials, allow_duplicates=allow_duplicates)
        report = gates.judged(result.report)
        if not quiet:
            tell(report)
        if save_as is not None:
            save(result, save_as)
        with gates.kept():
            write(report, chosen, output, color, slices)
    return gates.ended(report, quiet)
