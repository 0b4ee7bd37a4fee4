"""An example command for any loss, that runs as printed from the repository's root.

It follows from the loss's declaration: what each role holds decides which columns of which sample file play it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from lossctl.catalogue.declare import Loss, Role, Shape, Value
from lossctl.catalogue.domain import Domain, Interval

UNIT = Interval(0.0, 1.0)
TRUTH = Interval(0.0, 1.0, whole=True)
SIGN = Interval(-1.0, 1.0, whole=True)
CLASS = Interval(0.0, whole=True)
COUNT = Interval(0.0, whole=True)
POSITIVE = Interval(0.0, low_open=True)
BELOW_ZERO = Interval(high=0.0)
# no sample has larger numbers, nor smaller ones where all are positive
LARGEST, SMALLEST = 400.0, 0.001


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of a sample file, and what they hold.

    Attributes:
        selector: how the command line picks them.
        holds: the range that such values come from.
        width: how many there are; class indices count as a column, or as one a class.
        sums_to_one: whether a row of them is a distribution.
        asked: what asks for these columns: how a word of a domain's name begins, or an argument of the loss.
    """

    selector: str
    holds: Interval = field(default_factory=Interval)
    width: int = 1
    shape: Shape = "scalar"
    sums_to_one: bool = False
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample file: the columns that may play each role, and values of options that belong to them."""

    file: str
    roles: Mapping[str, tuple[Columns, ...]]
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Casting:
    """Columns of one sample for all roles of a loss."""

    sample: Sample
    columns: Mapping[str, Columns]


def scalar(selector: str, holds: Interval | None = None, *asked: str) -> Columns:
    """One column."""
    return Columns(selector, holds or Interval(), asked=asked)


def vector(
    selector: str, width: int, holds: Interval | None = None, *asked: str, distribution: bool = False
) -> Columns:
    """Several columns, which a loss takes together or each by itself."""
    return Columns(selector, holds or Interval(), width, "vector", distribution, asked)


FLAGS = {"labels": "-y", "preds": "-p"}
CLASS_INDEX = Columns("label", CLASS, shape="index")
FORECASTS = {
    "labels": (scalar("label"),),
    "preds": (
        scalar("mean"),
        scalar("rate", POSITIVE, "rate"),
        scalar("mean_of_log", Interval(-10.0, 10.0), "mean of a log", "mean of the log"),
        vector("member_*", 10),
        vector("q_*", 5, None, "levels"),
    ),
    "scale": (scalar("scale", POSITIVE), scalar("scale_of_log", Interval(0.0, 2.0, True), "logarithm's", "scale of")),
    "var": (scalar("var", POSITIVE),),
    "log_scale": (scalar("log_scale"),),
    "median": (scalar("q_50"),),
    "lower": (scalar("lower"), vector("lower,q_10,q_25", 3)),
    "upper": (scalar("upper"), vector("upper,q_90,q_75", 3)),
}
# where several samples do equally well, the first is taken; within one, the first columns
SAMPLES = (
    Sample("diabetes.csv", {"labels": (scalar("target"),), "preds": (scalar("pred"),)}),
    Sample("digits.parquet", {"labels": (CLASS_INDEX,), "preds": (vector("p_*", 10, UNIT, distribution=True),)}),
    Sample("digits_logits.parquet", {"labels": (CLASS_INDEX,), "preds": (vector("logit_*", 10, None, "logits"),)}),
    Sample(
        "breast_cancer.csv",
        {
            "labels": (scalar("label", TRUTH),),
            "preds": (scalar("prob", UNIT, "threshold"), scalar("logit", None, "logits")),
        },
    ),
    Sample(
        "multilabel.parquet",
        {
            "labels": (vector("y_*", 3, TRUTH), vector("slot_*", 3, Interval(-1.0, whole=True))),
            "preds": (vector("logit_*", 3, None, "logits"), vector("p_*", 3, UNIT)),
        },
    ),
    Sample(
        "iris.csv",
        {
            "labels": (
                CLASS_INDEX,
                scalar("label", CLASS),
                vector("teacher_*", 3, UNIT, "numbers >= 0", distribution=True),
                vector("log_teacher_*", 3, BELOW_ZERO, "log-probabilit"),
            ),
            "preds": (
                vector("p_*", 3, UNIT, "numbers >= 0", distribution=True),
                vector("log_p_*", 3, BELOW_ZERO, "log-probabilit"),
                vector("unit_*", 3),
            ),
        },
    ),
    Sample(
        "counts.csv",
        {
            "labels": (scalar("count", COUNT),),
            "preds": (scalar("mean", POSITIVE), scalar("log_mean", None, "logarithm")),
        },
    ),
    Sample("forecasts.csv", FORECASTS, {"levels": "0.1,0.25,0.5,0.75,0.9", "alphas": "0.1,0.2,0.5"}),
    Sample(
        "forecasts.csv",
        FORECASTS | {"labels": (scalar("label", POSITIVE),), "preds": (scalar("q_50", POSITIVE),)},
    ),
    Sample("linnerud.csv", {"labels": (vector("y_*", 3),), "preds": (vector("pred_*", 3), vector("member_*", 18))}),
    Sample(
        "survival.csv",
        {
            "labels": (scalar("label", POSITIVE, "time", "survival"),),
            "preds": (scalar("time", POSITIVE), scalar("log_time", None, "logarithm")),
            "upper": (scalar("upper", POSITIVE, "time", "survival"),),
            "event": (scalar("event", TRUTH),),
        },
    ),
    Sample(
        "survival.csv",
        {
            "labels": (scalar("signed_time", None, "negative where"),),
            "preds": (scalar("hazard", POSITIVE, "hazard"), scalar("log_hazard")),
        },
    ),
    Sample(
        "lines.csv",
        {
            "labels": (vector("token_*", 2, COUNT, "token"),),
            "preds": (vector("frame_*", 32, BELOW_ZERO, "frame"),),
        },
        {"vocabulary": "4"},
    ),
    Sample(
        "pairs.csv",
        {
            "labels": (scalar("label", SIGN), scalar("same", TRUTH)),
            "preds": (scalar("logit", None, "logits"), scalar("distance", POSITIVE, "distance")),
            "loss": (scalar("distance"),),
            "x1": (vector("x1_*", 4),),
            "x2": (vector("x2_*", 4),),
            "anchor": (vector("anchor_*", 4),),
            "positive": (vector("positive_*", 4),),
            "negative": (vector("negative_*", 4),),
        },
    ),
    Sample(
        "pairs.csv",
        {"labels": (scalar("order", SIGN),), "x1": (scalar("score_1"),), "x2": (scalar("score_2"),)},
    ),
)


def example(loss: Loss) -> str:
    """A command that evaluates the loss on a sample; on a file of the user's where no sample suits it."""
    declared, options = _declared(loss)
    if loss.home:
        return _example_of_own(loss)
    found = max(_castings(declared, options), key=lambda casting: _merit(casting, declared, options), default=None)
    file = f"samples/{found.sample.file}" if found else "preds.parquet"
    words = ["lossctl", "eval", file]
    for role in sorted(declared.roles, key=lambda role: [*FLAGS, role.name].index(role.name)):
        words += _picked(role.name, found.columns[role.name].selector if found else role.name)
    return shlex.join([*words, "--loss", loss.name, *_option(loss, found.sample.options if found else {})])


def _example_of_own(loss: Loss) -> str:
    """The same for a user's own loss, on a file of the user's."""
    roles = [word for role in loss.roles for word in _picked(role.name, role.name)]
    place = ["--functions", loss.home] if loss.home.endswith(".py") else []
    return shlex.join(["lossctl", "eval", "preds.parquet", *place, *roles, "--loss", loss.name])


def _declared(loss: Loss) -> tuple[Loss, Mapping[str, Value]]:
    """The loss that is computed, and its arguments: of a framework's name, the first form's."""
    options: dict[str, Value] = {option.name: option.default for option in loss.options}
    if not loss.forms:
        return loss, options
    first = loss.forms[0]
    return first.loss, first.arguments({**options, "reduction": loss.reduction}, 64)


def _castings(loss: Loss, options: Mapping[str, Value]) -> Iterator[Casting]:
    """Every choice of columns that the loss takes."""
    names = [role.name for role in loss.roles]
    for sample in SAMPLES:
        fitting = [
            [columns for columns in sample.roles.get(role.name, ()) if _fits(columns, role, loss, options)]
            for role in loss.roles
        ]
        for columns in product(*fitting):
            chosen = dict(zip(names, columns, strict=True))
            if _widths_agree(chosen, loss):
                yield Casting(sample, chosen)


def _fits(columns: Columns, role: Role, loss: Loss, options: Mapping[str, Value]) -> bool:
    """Whether columns have the shape and the values of a role."""
    domain = role.domain_for(options)
    if columns.shape == "index":
        return role.shape == "index" or (role.name == "labels" and role.shape == "vector" and domain.sums_to_one)
    shaped = columns.shape == role.shape or loss.elementwise
    return shaped and _inside(_reach(columns.holds), domain.interval) and columns.sums_to_one >= domain.sums_to_one


def _reach(holds: Interval) -> Interval:
    """The part of a range that samples have numbers in, as domains may end where numbers would overflow."""
    low = SMALLEST if holds.low == 0.0 and holds.low_open else max(holds.low, -LARGEST)
    return Interval(low, min(holds.high, LARGEST), whole=holds.whole)


def _inside(inner: Interval, outer: Interval) -> bool:
    """Whether all of a closed range lies in another."""
    low = inner.low > outer.low or (inner.low == outer.low and not outer.low_open)
    high = inner.high < outer.high or (inner.high == outer.high and not outer.high_open)
    return low and high and inner.whole >= outer.whole


def _widths_agree(chosen: Mapping[str, Columns], loss: Loss) -> bool:
    """Whether the roles' widths suit the loss: where it does not say, all that it takes as vectors are one width."""
    widths = {name: columns.width for name, columns in chosen.items()}
    if loss.fits is not None:
        return not loss.fits(widths)
    alike = [
        columns.width
        for role in loss.roles
        if (columns := chosen[role.name]).shape != "index" and (role.shape == "vector" or loss.elementwise)
    ]
    return len(set(alike)) <= 1


def _merit(casting: Casting, loss: Loss, options: Mapping[str, Value]) -> tuple[int, int, int]:
    """How well columns suit: asked for; several where widths may differ; of the same range as the domain."""
    asked, ends = 0, 0
    for role in loss.roles:
        columns, domain = casting.columns[role.name], role.domain_for(options)
        asked += any(word in options or re.search(rf"\b{word}", domain.name) for word in columns.asked)
        ends += _ends(columns, domain)
    wide = len({columns.width for columns in casting.columns.values()}) if loss.fits else 0
    return asked, wide, ends


def _ends(columns: Columns, domain: Domain) -> int:
    """How many ends of a range are the domain's; class indices stand for any labels of classes."""
    if columns.shape == "index":
        return 2
    return (columns.holds.low == domain.interval.low) + (columns.holds.high == domain.interval.high)


def _picked(role: str, selector: str) -> list[str]:
    """The words of the command line that give a role its columns."""
    flag = FLAGS.get(role)
    return [flag, selector] if flag else ["--role", f"{role}={selector}"]


def _option(loss: Loss, ours: Mapping[str, str]) -> list[str]:
    """The option that belongs to the sample, or else the first number whose default people would write."""
    renamed = loss.forms[0].renamed if loss.forms else {}
    for option in loss.options:
        argument = renamed.get(option.name, option.name)
        if argument in ours:
            return [option.flag, ours[argument]]
    for option in loss.options:
        if option.number and option.type is float and not option.param.internal and _plain(option.default):
            return [option.flag, str(option.default).removesuffix(".0")]
    return []


def _plain(value: Value) -> bool:
    return isinstance(value, float) and SMALLEST <= abs(value) <= LARGEST
