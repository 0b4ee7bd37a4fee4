"""The words of `eval` on the command line: each flag with its type and help, once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from lossctl.cli.flag import flag
from lossctl.cli.flags import complete_losses


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


Files = Annotated[
    list[str] | None,
    flag(
        metavar="FILE",
        help="CSV, TSV or JSON Lines (packed too), Parquet, Arrow, ORC, NPZ, NPY, safetensors, Excel; - is stdin.",
    ),
]
Losses = Annotated[
    list[str] | None,
    flag(
        "--loss",
        "-l",
        metavar="NAME",
        help="A loss, as huber or huber:delta=2; repeatable, all in one pass.",
        complete=complete_losses,
    ),
]
Functions = Annotated[
    list[str] | None,
    flag(
        "--functions",
        metavar="FILE",
        help="A Python file (or module) with losses of your own, declared by @lossctl.loss; it is run. Repeatable.",
    ),
]
Across = Annotated[
    str | None,
    flag(
        "--across",
        metavar="NAME",
        help="Every framework's version of a loss side by side, with what tells each from the first.",
        complete=complete_losses,
    ),
]
Labels = Annotated[
    str | None,
    flag(
        "--labels",
        "-y",
        "--label-col",
        metavar="COLUMNS",
        help="Label columns: a name, a comma list, a glob, or a .npy file.",
    ),
]
Preds = Annotated[
    str | None,
    flag("--preds", "-p", "--pred-col", metavar="COLUMNS", help="Prediction columns, likewise."),
]
Weights = Annotated[
    str | None,
    flag("--weights", "-w", metavar="COLUMN", help="A weight a row, finite and >= 0."),
]
Roles = Annotated[
    list[str] | None,
    flag(
        "--role",
        metavar="NAME=COLUMNS",
        help="Columns of any other role of a loss; repeatable.",
    ),
]
Ids = Annotated[
    list[str] | None,
    flag(
        "--id",
        metavar="COLUMN",
        help="A column that names rows in unreduced output; repeatable.",
    ),
]
Classes = Annotated[
    str | None,
    flag("--classes", metavar="NAMES", help="Class names in order, as cat,dog,bird."),
]
Delimiter = Annotated[
    str | None,
    flag("--delimiter", "-d", metavar="CHAR", help="The CSV's delimiter."),
]
NoHeader = Annotated[
    bool,
    flag("--no-header", help="The CSV has no header; columns are c0, c1, ..."),
]
NullValues = Annotated[
    list[str] | None,
    flag(
        "--null-value",
        metavar="TEXT",
        help="A CSV text that means no value, besides the empty one; repeatable.",
    ),
]
InputFormat = Annotated[
    str | None,
    flag(
        "--input-format",
        metavar="FORMAT",
        help="csv, tsv, jsonl, parquet, arrow, orc, npy, npz, safetensors or xlsx, where the file does not tell.",
    ),
]
ReductionWord = Annotated[
    str | None,
    flag(
        "--reduction",
        "-r",
        metavar="NAME",
        help="How rows become one number: mean, sum, sum_over_batch_size, sum_by_nonzero_weights, batchmean or "
        "the framework's own word; none writes a loss a row. The default is the loss's own.",
        show_default=False,
    ),
]
ClassWeights = Annotated[
    str | None,
    flag("--class-weights", metavar="NUMBERS", help="What each class counts: 1,2,4 in class order, or cat=2,dog=1."),
]
IgnoreIndex = Annotated[
    int | None,
    flag("--ignore-index", metavar="LABEL", help="Rows with this label are left out.", show_default=False),
]
Mask = Annotated[
    str | None,
    flag("--mask", metavar="COLUMN", help="Rows where this column is 0 or false are left out."),
]
OnBadWord = Annotated[
    OnBad,
    flag(
        "--on-bad",
        help="Rows with null, NaN or out-of-range values: refuse, leave out, or pass on.",
    ),
]
OnEmptyWord = Annotated[
    OnEmpty | None,
    flag(
        "--on-empty",
        help="What a zero denominator gives; else what the framework gives, and an error for bare names.",
        show_default=False,
    ),
]
DroppedFile = Annotated[
    str | None,
    flag(
        "--dropped",
        metavar="FILE",
        help="Save the dropped rows, all columns and the reason, as .parquet or .csv.",
    ),
]
MaxDropped = Annotated[
    str | None,
    flag("--max-dropped", metavar="N|P%", help="Fail (exit 1) if more rows are dropped."),
]
FormatWord = Annotated[
    Format | None,
    flag("--format", "-f", help="How the result is written; the suffix of -o tells too."),
]
Json = Annotated[bool, flag("--json", help="The same as --format json.")]
ValueOnly = Annotated[bool, flag("--value-only", help="One bare number.")]
Output = Annotated[
    str | None,
    flag("--output", "-o", metavar="FILE", help="Write there, in one step, instead of stdout."),
]
Quiet = Annotated[bool, flag("--quiet", "-q", help="Nothing on stderr but errors.")]
Color = Annotated[
    bool | None,
    flag(
        "--color/--no-color",
        help="Colour in tables; else as the terminal and NO_COLOR say.",
        show_default=False,
    ),
]
ThreadCount = Annotated[
    int,
    flag(
        "--threads",
        "-j",
        min=0,
        help="Threads; 0 takes all processors. The number is the same for any.",
    ),
]
BatchSize = Annotated[
    int,
    flag(
        "--batch-size",
        min=0,
        help="Rows a block; 0 takes what suits. The number is the same for any.",
    ),
]
Timings = Annotated[
    bool,
    flag("--timings", help="Say on stderr where the time went, phase by phase."),
]
