"""What a framework calls a loss, as a line of data: which formula, with which arguments, counted how.

    name("HuberLoss huber_loss", form("huber"), options="delta", counts="elements")

A name becomes a `Loss` of its own, so that flags, checks, pages and results follow as for any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from lossctl.catalogue.declare import Counts, Loss, Option, Param, Role, Value
from lossctl.errors import UsageError

OnEmpty = Literal["error", "nan", "zero"]
Fits = Literal["any", "one pred", "class index", "class vector"]
Widths = Mapping[str, int]

# names of frameworks that are too general for a flag
AS_FLAGS = {"weight": ("class_weights",)}
# options that settle no argument of a formula
BESIDES = (
    Option("axis", str, "-1", Param("the axis of classes or outputs; rows lie along axis 0"), choices=("-1", "1")),
    Option("normalize", bool, True, Param("the mean over rows; else their sum")),
    Option(
        "scale_by_half",
        str,
        "auto",
        Param("halve the sum over classes; auto halves for two of them"),
        choices=("auto", "true", "false"),
    ),
)


@dataclass(frozen=True, slots=True)
class ByPrecision:
    """A number that a framework takes from the floating type of the preds."""

    double: float
    single: float
    half: float

    def of(self, bits: int) -> float:
        """For preds of 64, 32 or 16 bits."""
        return {32: self.single, 16: self.half}.get(bits, self.double)


@dataclass(frozen=True, slots=True)
class Chosen:
    """An argument that hangs on an option which the formula does not have."""

    option: str
    values: tuple[tuple[Value, Value], ...]

    def by(self, options: Mapping[str, Value]) -> Value:
        """The argument under some options; the last value stands for all others."""
        return dict(self.values).get(options[self.option], self.values[-1][1])


Fixed = Value | ByPrecision | Chosen


def chosen(option: str, values: Mapping[str, Value]) -> Chosen:
    """An argument by an option's value, or by the `reduction`."""
    return Chosen(option, tuple(values.items()))


@dataclass(frozen=True, slots=True, eq=False)
class Framework:
    """Whose names, defaults and reductions are spoken.

    Attributes:
        name: the prefix of its losses' names.
        title: name and version, for people.
        spellings: longer prefixes that mean the same.
        reductions: its own names of reductions, to ours.
        reduction: its default, in its own words.
        on_empty: what a zero denominator gives.
    """

    name: str
    title: str
    spellings: tuple[str, ...]
    reductions: Mapping[str, str]
    reduction: str
    on_empty: OnEmpty


@dataclass(frozen=True, slots=True)
class Form:
    """A declared loss under a framework's name, for columns of some shape.

    Attributes:
        fixed: arguments that the name settles.
        renamed: option of the name to argument of the loss.
    """

    loss: Loss
    fixed: Mapping[str, Fixed]
    fits: Fits = "any"
    renamed: Mapping[str, str] = field(default_factory=dict)

    def takes(self, widths: Widths) -> bool:
        """Whether it is meant for columns of these widths."""
        one_label, one_pred = widths.get("labels", 1) == 1, widths.get("preds", 1) == 1
        return {
            "any": True,
            "one pred": one_pred,
            "class index": one_label and not one_pred,
            "class vector": not one_label,
        }[self.fits]

    def arguments(self, options: Mapping[str, Value], bits: int) -> dict[str, Value]:
        """A value for each argument of the loss."""
        made = {option.name: option.default for option in self.loss.options}
        for name, value in self.fixed.items():
            if isinstance(value, Chosen):
                made[name] = value.by(options)
            else:
                made[name] = value.of(bits) if isinstance(value, ByPrecision) else value
        for name, value in options.items():
            argument = self.renamed.get(name, name)
            if argument in made:
                made[argument] = value
        return made


@dataclass(frozen=True, slots=True)
class Line:
    """A name as a family of presets writes it down; `losses` of the framework are made from it."""

    names: str
    forms: tuple[tuple[str, Fits, Mapping[str, Fixed]], ...]
    options: str = ""
    counts: Counts | None = None
    reductions: Mapping[str, str] | None = None
    reduction: str | None = None
    notes: tuple[str, ...] = ()


def form(loss: str, fits: Fits = "any", /, **fixed: Fixed) -> tuple[str, Fits, Mapping[str, Fixed]]:
    """A form by the name of its declared loss."""
    return loss, fits, fixed


def name(
    names: str,
    *forms: tuple[str, Fits, Mapping[str, Fixed]],
    options: str = "",
    counts: Counts | None = None,
    reductions: Mapping[str, str] | None = None,
    reduction: str | None = None,
    notes: tuple[str, ...] = (),
) -> Line:
    """A line of data.

    Args:
        names: the framework's names of it; the first is its own, the others are aliases.
        forms: what it computes, by the shape of the columns; the first that fits is taken.
        options: its options, as "delta, alpha=0.9, weight:class_weights": name, argument where it is called
            otherwise here, default where that differs.
        counts: rows, elements or columns, where the loss does not say.
        reductions, reduction: where they differ from the framework's.
        notes: what surprises, or differs from the framework on purpose.
    """
    return Line(names, forms, options, counts, reductions, reduction, notes)


def made(line: Line, framework: Framework | None, find: Callable[[str], Loss]) -> Loss:
    """The loss that a line describes.

    Args:
        find: declared losses by name.
    """
    prefix = f"{framework.name}." if framework else ""
    own, *others = line.names.split()
    said = [_said(part) for part in filter(None, line.options.replace(" ", "").split(","))]
    renamed = {option: argument for option, argument, _ in said}
    forms = tuple(Form(find(loss), fixed, fits, renamed) for loss, fits, fixed in line.forms)
    first = forms[0].loss
    reductions = line.reductions if line.reductions is not None else (framework.reductions if framework else {})
    return first._replace(
        name=prefix + own,
        aliases=tuple(prefix + other for other in others),
        roles=_roles(forms),
        options=tuple(_option(forms, *entry) for entry in said),
        source=f"{framework.title} {own}" if framework else first.source,
        counts=line.counts or first.counts,
        forms=forms,
        framework=framework,
        reductions=reductions,
        reduction=line.reduction or (framework.reduction if framework else "mean"),
        notes=line.notes,
    )


def _said(part: str) -> tuple[str, str, str | None]:
    names, equals, default = part.partition("=")
    option, _, argument = names.partition(":")
    return option, argument or option, default if equals else None


def _option(forms: tuple[Form, ...], option: str, argument: str, default: str | None) -> Option:
    for beside in BESIDES:
        if beside.name == option:
            return beside
    declared = next((o for f in forms if (o := f.loss.option(argument)) is not None), None)
    if declared is None:
        raise UsageError(f"{forms[0].loss.name} has no argument {argument}")
    fixed = next((f.fixed[argument] for f in forms if argument in f.fixed), declared.default)
    plain = declared.default if isinstance(fixed, ByPrecision | Chosen) else fixed
    param = declared.param._replace(internal=False)
    changed = declared._replace(name=option, default=plain, param=param, aliases=AS_FLAGS.get(option, ()))
    return changed if default is None else changed._replace(default=changed.parse(default))


def _roles(forms: tuple[Form, ...]) -> tuple[Role, ...]:
    found: dict[str, Role] = {}
    for entry in forms:
        for role in entry.loss.roles:
            found.setdefault(role.name, role)
    return tuple(found.values())
