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


class OnUnmatched(StrEnum):
    """What happens to rows of which the join finds no other."""

    error = "error"
    drop = "drop"


class OnEmpty(StrEnum):
    """What a zero denominator gives."""

    error = "error"
    nan = "nan"
    zero = "zero"


class Rest(StrEnum):
    """What the classes get that a row of preds does not list."""

    zero = "zero"
    spread = "spread"


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
        help="CSV, TSV or JSON Lines (packed too), Parquet, Arrow, ORC, NPZ, NPY, safetensors, Excel: files, folders, "
        "quoted globs, s3:// and https:// and the like; several are one table; - is stdin.",
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
    flag("--classes", metavar="NAMES", help="Class names in order, as cat,dog,bird, or a .txt or .json file of them."),
]
LabelMap = Annotated[
    str | None,
    flag("--label-map", metavar="MAP", help="The number of each label, as yes=1,no=0, or a .json file."),
]
LabelBase = Annotated[
    int | None,
    flag("--label-base", metavar="N", help="What the first class is called: 1 for labels from 1.", show_default=False),
]
FromLogProbs = Annotated[
    bool,
    flag("--from-log-probs", help="Preds are natural logarithms of probabilities."),
]
PredScale = Annotated[
    float | None,
    flag(
        "--pred-scale",
        metavar="NUMBER",
        help="Multiply preds by this, in float64: 0.01 for percentages. --scale says it too, unless a chosen loss has "
        "an option of that name.",
        show_default=False,
    ),
]
PredIds = Annotated[
    str | None,
    flag(
        "--pred-ids",
        metavar="COLUMNS",
        help="Where preds list the scores of some classes: their ids or names, as lists or as many columns.",
    ),
]
NumClasses = Annotated[
    int | None,
    flag("--num-classes", metavar="K", help="How many classes there are, with --pred-ids.", show_default=False),
]
RestWord = Annotated[
    Rest | None,
    flag(
        "--rest",
        help="What classes get that --pred-ids does not list: nothing, or even shares of what is left to 1.",
        show_default=False,
    ),
]
Long = Annotated[
    str | None,
    flag(
        "--long",
        metavar="ID,CLASS,PROB",
        help="The columns of example, class and probability, where a row is of one example and class.",
    ),
]
LabelsFrom = Annotated[
    list[str] | None,
    flag(
        "--labels-from",
        metavar="FILE",
        help="What the labels lie in, as FILE; with --on or --by-position. Repeatable, in order.",
    ),
]
On = Annotated[
    list[str] | None,
    flag(
        "--on",
        metavar="COLUMN",
        help="The key that joins preds and labels: id, pred_id=label_id, or several as id,fold; repeatable.",
    ),
]
OnUnmatchedWord = Annotated[
    OnUnmatched,
    flag("--on-unmatched", help="Preds without a label and labels without a pred: refuse, or leave out and count."),
]
ByPosition = Annotated[
    bool,
    flag("--by-position", help="Row i of the preds belongs to row i of the labels, over all files in order."),
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
Where = Annotated[
    list[str] | None,
    flag(
        "--where",
        metavar="FILTER",
        help="Only the rows that match, as \"split == 'test' and score > 0.5\"; repeatable, all must hold.",
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
Encoding = Annotated[
    str | None,
    flag(
        "--encoding",
        metavar="NAME",
        help="The CSV's encoding, as cp1252, where it is neither UTF-8 nor begins with a byte-order mark.",
        show_default=False,
    ),
]
Decimal = Annotated[
    str | None,
    flag("--decimal", metavar="CHAR", help="The decimal mark of a CSV's numbers: . or ,; else the file tells it."),
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
FORMAT = flag("--format", "-f", help="How the result is written; the suffix of -o tells too.")
FormatWord = Annotated[Format | None, FORMAT]
Json = Annotated[bool, flag("--json", help="The same as --format json.")]
ValueOnly = Annotated[bool, flag("--value-only", help="One bare number.")]
Output = Annotated[
    str | None,
    flag("--output", "-o", metavar="FILE", help="Write there, in one step, instead of stdout."),
]
Save = Annotated[
    str | None,
    flag(
        "--save",
        metavar="FILE",
        help="Keep the sums in a .lossctl file, which `lossctl merge` puts together with those of other shards.",
    ),
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
