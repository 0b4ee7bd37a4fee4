"""`lossctl inspect`: what files hold and how eval would read them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from lossctl.cli import words as w
from lossctl.cli.answer import put, readable
from lossctl.cli.flag import flag
from lossctl.cli.surroundings import colored, prepare_kernels, width

if TYPE_CHECKING:
    from lossctl.evaluation.gather import Progress

# seconds that a run may take before it says how far it is
PATIENCE = 1.0
Sample = Annotated[
    int | None,
    flag(
        "--sample",
        metavar="N",
        min=1,
        help="Look at about N rows only, the same ones every time: from the start of parts spread over the files.",
    ),
]
AllColumns = Annotated[bool, flag("--all-columns", help="A line for each column of a family such as p_0, p_1, ...")]
Json = Annotated[bool, flag("--json", help="All of it as one JSON document.")]
NoProgress = Annotated[bool, flag("--no-progress", help="No progress bar on a terminal.")]


def inspect_command(
    files: w.Files = None,
    labels: w.Labels = None,
    preds: w.Preds = None,
    delimiter: w.Delimiter = None,
    no_header: w.NoHeader = False,
    null_value: w.NullValues = None,
    input_format: w.InputFormat = None,
    encoding: w.Encoding = None,
    decimal: w.Decimal = None,
    where: w.Where = None,
    sample: Sample = None,
    all_columns: AllColumns = False,
    json: Json = False,
    output: w.Output = None,
    quiet: w.Quiet = False,
    color: w.Color = None,
    no_progress: NoProgress = False,
    threads: w.ThreadCount = 0,
) -> None:
    """Show what files hold, the roles that eval would choose, what it would refuse, and commands to run.

    \b
      lossctl inspect preds.parquet
      lossctl inspect preds.csv -p prob --json
      lossctl inspect huge.parquet --sample 100000
      lossctl inspect -y y.npy -p p.npy
    """
    from lossctl.evaluation.survey import Asked, survey
    from lossctl.readers.places import ReadSettings
    from lossctl.show.survey import as_json, as_text

    settings = ReadSettings(delimiter, not no_header, tuple(null_value or ()), input_format, encoding, decimal)
    selectors = {role: said for role, said in (("labels", labels), ("preds", preds)) if said is not None}
    prepare_kernels(quiet)
    # the checks read the chosen columns once more
    with readable(files or (), True, quiet, input_format) as paths, _progress(quiet or no_progress) as progress:
        shown = {path: name for path, name in zip(paths, files or (), strict=True) if path != name}
        found = survey(Asked(paths, selectors, settings, threads, sample, shown, tuple(where or ())), progress)
    put(as_json(found) if json else as_text(found, width(), not output and colored(color), all_columns), output)


@contextmanager
def _progress(silent: bool) -> Iterator[Progress | None]:
    """How far a run is, on a terminal, once it has taken a second; nothing where nobody knows."""
    if silent or not sys.stderr.isatty():
        yield None
        return
    bar = _Bar()
    try:
        yield bar.tell
    finally:
        bar.stop()


class _Bar:
    def __init__(self) -> None:
        self.began = time.monotonic()
        self.bar: Any = None
        self.task: Any = None

    def tell(self, done: int, total: int | None) -> None:
        """So much is done."""
        if total is None or time.monotonic() - self.began < PATIENCE:
            return
        if self.bar is None:
            from rich.console import Console
            from rich.progress import Progress as Shown

            self.bar = Shown(console=Console(stderr=True), transient=True)
            self.task = self.bar.add_task("reading")
            self.bar.start()
        self.bar.update(self.task, completed=done, total=total)

    def stop(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.stop()
