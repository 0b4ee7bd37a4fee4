"""The words of `compare` on the command line: each flag with its type and help, once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from lossctl.cli.flag import flag
from lossctl.cli.words import FORMAT, OnUnmatched


class Form(StrEnum):
    """How a comparison is written."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    tsv = "tsv"
    markdown = "markdown"


Models = Annotated[
    list[str] | None,
    flag(
        metavar="FILE",
        help="A model's predictions each, in any format: the first is the baseline. A folder or a quoted glob is one "
        "model; - is stdin.",
    ),
]
Columns = Annotated[
    list[str] | None,
    flag(
        "--column",
        metavar="COLUMN",
        help="Instead of --loss: the column that holds each row's loss, as other tools or `eval -r none` write it; "
        "once for all models, or once each.",
    ),
]
Names = Annotated[
    list[str] | None,
    flag("--name", metavar="NAME", help="A model's name, once for each FILE; else their files tell. Repeatable."),
]
Ids = Annotated[
    list[str] | None,
    flag(
        "--id",
        metavar="COLUMN",
        help="The key that tells which rows belong together: id, id=row_id where the other models call it otherwise, "
        "or several as id,fold; repeatable.",
    ),
]
ByPosition = Annotated[
    bool,
    flag("--by-position", help="Row i of every model is the same row."),
]
Preds = Annotated[
    list[str] | None,
    flag(
        "--preds",
        "-p",
        "--pred-col",
        metavar="COLUMNS",
        help="Prediction columns: a name, a comma list or a glob; once for all models, or once each.",
    ),
]
Labels = Annotated[
    str | None,
    flag(
        "--labels",
        "-y",
        "--label-col",
        metavar="COLUMNS",
        help="Label columns. A model without any uses the baseline's; one with its own must agree with these.",
    ),
]
BaselineLabels = Annotated[
    bool,
    flag("--baseline-labels", help="Use the baseline's labels for every model, without a look at its own."),
]
Weights = Annotated[
    str | None,
    flag("--weights", "-w", metavar="COLUMN", help="A weight a row: the baseline's column, or another's as w@new."),
]
Where = Annotated[
    list[str] | None,
    flag(
        "--where",
        metavar="FILTER",
        help="Only the rows that match, by the baseline's columns and others' as `p@new` in backticks; repeatable.",
    ),
]
OnUnmatchedWord = Annotated[
    OnUnmatched,
    flag("--on-unmatched", help="Rows that not every model has: refuse, or leave out and count."),
]
Tests = Annotated[
    list[str] | None,
    flag(
        "--test",
        metavar="NAME",
        help="How differences are tested: t (paired), sign, permutation or bootstrap; repeatable. The default is t and "
        "sign; with --cluster t, since the sign test takes each row by itself.",
        show_default=False,
    ),
]
Replicates = Annotated[
    int,
    flag("--replicates", metavar="N", min=2, help="Of the permutation and bootstrap tests."),
]
By = Annotated[
    list[str] | None,
    flag(
        "--by",
        metavar="SLICES",
        help="Which slices explain the change: region, 'region*sex', 'age:quantile=5', 'day:month', by the baseline's "
        "columns; repeatable.",
    ),
]
Changed = Annotated[
    int,
    flag(
        "--changed",
        metavar="N",
        min=0,
        help="The rows whose loss changed most, with all models' columns; -o FILE.parquet or .csv takes them.",
        show_default=False,
    ),
]
Worst = Annotated[int, flag("--worst", metavar="N", min=0, help="Those that worsened most.", show_default=False)]
Best = Annotated[int, flag("--best", metavar="N", min=0, help="Those that improved most.", show_default=False)]
HigherIsBetter = Annotated[
    bool,
    flag("--higher-is-better", help="The greater number wins, as with scores in --column."),
]
FormWord = Annotated[Form | None, FORMAT]
