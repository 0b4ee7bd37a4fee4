"""The words of an audit on the command line: each flag with its type and help, once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from lossctl.cli.flag import flag


class Correction(StrEnum):
    """How p-values of many slices are corrected."""

    holm = "holm"
    bh = "bh"


class Calibration(StrEnum):
    """How the bins of a reliability table are cut."""

    equal_mass = "equal-mass"
    equal_width = "equal-width"


Ci = Annotated[
    float,
    flag("--ci", metavar="LEVEL", help="The level of confidence intervals, as 0.95.", show_default=False),
]
Spread = Annotated[
    bool,
    flag("--spread", help="Quantiles, the share of the worst 1 % of rows, and what other guards would give."),
]
Quantiles = Annotated[
    str | None,
    flag("--quantiles", metavar="LEVELS", help="Quantiles of the rows' losses, as 0.5,0.9,0.99; within 0.1 %."),
]
ExactQuantiles = Annotated[
    bool,
    flag("--exact-quantiles", help="Quantiles to the bit, from further looks at the files."),
]
Hist = Annotated[bool, flag("--hist", help="A histogram of the rows' losses.")]
Bootstrap = Annotated[
    int,
    flag(
        "--bootstrap",
        metavar="N",
        min=0,
        help="Intervals from N replicates of Poisson weights, drawn from each row's --id (else its number) or "
        "--cluster, the same for any threads, splits or order.",
        show_default=False,
    ),
]
Seed = Annotated[int, flag("--seed", min=0, help="Of the replicates.")]
Cluster = Annotated[
    list[str] | None,
    flag("--cluster", metavar="COLUMN", help="Rows of one value here belong together; repeatable."),
]
By = Annotated[
    list[str] | None,
    flag(
        "--by",
        metavar="SLICES",
        help="Losses by slice: region, 'region*sex', 'age:quantile=5', 'age:width=10', 'age:edges=18,30,65', "
        "'day:month'; repeatable.",
    ),
]
CorrectionWord = Annotated[
    Correction,
    flag("--correction", help="Of the slices' p-values: Holm's, or Benjamini and Hochberg's."),
]
Sort = Annotated[
    str | None,
    flag("--sort", metavar="WHAT", help="Slices by value, -value, count, difference, p or key.", show_default=False),
]
Top = Annotated[
    int | None,
    flag(
        "--top",
        metavar="N",
        min=0,
        help="First slices of each table, else 1,000; 0 for all.",
        show_default=False,
    ),
]
MinCount = Annotated[int, flag("--min-count", min=0, help="Slices with fewer rows are greyed.")]
Worst = Annotated[
    int,
    flag(
        "--worst",
        metavar="N",
        min=0,
        help="The rows of the highest loss, with all their columns; -o FILE.parquet or .csv takes them.",
        show_default=False,
    ),
]
Best = Annotated[
    int,
    flag("--best", metavar="N", min=0, help="The rows of the lowest loss, likewise.", show_default=False),
]
CalibrationWord = Annotated[
    Calibration | None,
    flag("--calibration", help="A reliability table and calibration errors.", show_default=False),
]
Bins = Annotated[
    int | None,
    flag("--bins", metavar="N", min=1, help="Of the reliability table; else 15.", show_default=False),
]
Decompose = Annotated[
    bool,
    flag(
        "--decompose", help="Brier score, log loss or squared error as miscalibration - discrimination + uncertainty."
    ),
]


class GateOn(StrEnum):
    """What gates are judged on."""

    value = "value"
    ci = "ci"


FailIf = Annotated[
    list[str] | None,
    flag(
        "--fail-if",
        metavar="GATE",
        help="Fail (exit 1) if this holds: 'huber.mean > 0.3', 'q0.99 >= 5 and not dropped > 0.1%', "
        "'slice(region).worst > 0.5', 'slice(region=eu).mean > 0.4', 'warning(rows_not_normalised) > 0'. TARGET OP "
        "NUMBER, joined by and, or, not and brackets; the targets are the JSON's keys. Repeatable. What is absent is "
        "an error (exit 2).",
    ),
]
GateOnWord = Annotated[
    GateOn | None,
    flag(
        "--gate-on",
        help="Judge gates on the value (the default), or means and differences on their interval: then a gate is "
        "inconclusive (exit 3) while its number lies within.",
        show_default=False,
    ),
]
Junit = Annotated[
    str | None,
    flag("--junit", metavar="FILE", help="Write the verdicts as JUnit XML, a test case a gate; with --fail-if."),
]
ExitZero = Annotated[
    bool,
    flag("--exit-zero", help="Exit 0 also when a gate fails or is inconclusive; errors still exit 2."),
]
