"""How a loss is declared: a plain function with annotated arguments, and the decorator that reads it.

Arguments without a default are roles (columns); those with one are options. From this follow the command
line's flags, the help, the checks, the kernel and the tests.
"""

from __future__ import annotations

import builtins
import inspect
import typing
from collections.abc import Callable, Mapping
from types import MappingProxyType, NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeVar

from lossctl.catalogue.arithmetic import Index, Vector
from lossctl.catalogue.domain import CLASS_INDEX, REAL, Depends, Domain, Interval, When
from lossctl.errors import UsageError

if TYPE_CHECKING:
    from lossctl.catalogue.naming import Form, Framework

Value = float | int | bool | str | tuple[float, ...] | None
Shape = Literal["scalar", "vector", "index"]
Counts = Literal["rows", "elements", "columns"]
Function = TypeVar("Function", bound=Callable[..., float])

ROLE_NAMES = {
    **dict.fromkeys(("y", "y_true", "label", "target"), "labels"),
    **dict.fromkeys(("p", "y_pred", "pred", "prediction"), "preds"),
}


class Quantile(NamedTuple):
    """An argument that is the weighted quantile of a row function over all rows.

    `level` is a number in [0, 1], or the name of the option that holds it.
    """

    of: Loss
    level: float | str


class Gathered(NamedTuple):
    """An argument that a function makes of all rows: columns by role, weights or None, and the options."""

    of: Callable[..., float]


class Param(NamedTuple):
    """What an option means and may be.

    Attributes:
        help: one phrase, without a full stop.
        within: the range of a number.
        guard: it bounds the loss near a singularity; at 0 the formula stands bare.
        ignores_label: rows whose label equals it are left out.
        many: it may be a list, a number a class or column; one number stands for all, save where `each` is.
        each: every column needs a number of its own.
        internal: frameworks differ in it, but nobody sets it: no flag.
        each_class: of a part: it is summed once for each class, with the class's index in this argument.
        ahead: it is found by a look at all rows before the pass that computes the loss.
        everywhere: of a guard: it changes rows whose preds are nowhere near 0 and 1, too.

    Example:
        >>> from typing import Annotated
        >>> import lossctl
        >>> @lossctl.loss
        ... def power(y, p, order: Annotated[float, lossctl.Param("the power", lossctl.Interval(low=1))] = 2.0):
        ...     return abs(y - p) ** order
        >>> lossctl.metric("power", order=3)([1.0], [3.0])
        8.0
        >>> lossctl.metric("power", order=0)
        Traceback (most recent call last):
        lossctl.errors.UsageError: --order must be >= 1, got 0
    """

    help: str
    within: Interval = Interval()
    guard: bool = False
    ignores_label: bool = False
    many: bool = False
    each: bool = False
    internal: bool = False
    each_class: bool = False
    ahead: Quantile | Gathered | Literal["", "least label"] = ""
    everywhere: bool = False


class Accuracy(NamedTuple):
    """How far a row's loss may be from its formula's true value: `ulps` units in its last place, or `absolute`.

    `absolute` is in units of the row's largest input, or of 1 if that is larger; `why` says what costs more
    than the usual 4 ulp.
    """

    ulps: float = 4.0
    absolute: float = 0.0
    why: str = ""


CANCELS = Accuracy(
    450.0, 2e-15, "terms of either sign may cancel, and then no float64 evaluation keeps all of its digits"
)
PRODUCT = Accuracy(8.0, why="it multiplies several rounded factors, whose errors add up")


class Option(NamedTuple):
    """An option as declared: its name, type, default and Param.

    `vector` tells that the function takes a list as a whole, a number a class; else each column gets its own.
    """

    name: str
    type: type
    default: Value
    param: Param
    choices: tuple[str, ...] = ()
    optional: bool = False
    aliases: tuple[str, ...] = ()
    vector: bool = False

    @property
    def flag(self) -> str:
        """Its flag on the command line; what a framework calls too generally keeps our name there."""
        return "--" + (self.aliases[0] if self.aliases else self.name).replace("_", "-")

    @property
    def structural(self) -> bool:
        """Whether it picks a formula, so that each value is a kernel of its own."""
        return self.type in (bool, str)

    @property
    def number(self) -> bool:
        """Whether the kernel reads it as one number."""
        return not (self.structural or self.param.ignores_label or self.param.many)

    def range(self) -> str:
        """Its allowed values in words."""
        if self.choices:
            return ", ".join(self.choices)
        if self.type is bool:
            return "true, false"
        many = ", or a list of such" if self.param.many else ""
        return str(self.param.within) + many + (", or none" if self.optional else "")

    def parse(self, text: str) -> Value:
        """The value that a text stands for, checked.

        Raises:
            UsageError: the text is no value of this option, or is out of range.
        """
        return self.check(self._read(text))

    def check(self, value: Value) -> Value:
        """The value, if it is allowed."""
        if value is None and self.optional:
            return None
        if isinstance(value, tuple | list) and self.param.many:
            numbers = tuple(float(one) for one in value if self._inside(one))
            return numbers[0] if len(numbers) == 1 else numbers
        if self.choices:
            ok = value in self.choices
        elif self.type is bool:
            ok = isinstance(value, bool)
        else:
            ok = isinstance(value, int | float) and value in self.param.within
        if not ok:
            raise self._refusal(value)
        made: Value = self.type(value)
        return made

    def _inside(self, value: float) -> bool:
        if value not in self.param.within:
            raise self._refusal(value)
        return True

    def _refusal(self, value: object) -> UsageError:
        return UsageError(f"{self.flag} must be {self.range()}, got {value}")

    def _read(self, text: str) -> Value:
        if self.choices:
            return text
        if self.optional and text.lower() == "none":
            return None
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        try:
            if self.param.many and ("," in text or "[" in text):
                return tuple(map(float, text.strip("[] ").split(",")))
            return words[text.lower()] if self.type is bool else self.type(text)
        except (KeyError, ValueError):
            raise UsageError(f"{self.flag} must be {self.range()}, got {text!r}") from None


class Role(NamedTuple):
    """A set of columns that the loss reads: `argument` of the function, `name` on the command line."""

    argument: str
    name: str
    shape: Shape
    domain: Domain | When | Depends

    def domain_for(self, options: Mapping[str, Value]) -> Domain:
        """The domain under the given options."""
        if isinstance(self.domain, Depends):
            return self.domain.choose(options)
        if isinstance(self.domain, When):
            return self.domain.then if options[self.domain.option] else self.domain.otherwise
        return self.domain


class Shortcut(NamedTuple):
    """A cheaper way to the same bits, for rows of which `holds` is true; both take arguments of the loss by name.

    A kernel takes it for the tiles all of whose rows allow it.
    """

    holds: Callable[..., bool]
    formula: Callable[..., float]


NO_NAMES: Mapping[str, str] = MappingProxyType({})


class Loss(NamedTuple):
    """A loss as declared. `function` is the plain formula: callable, and its own slow oracle.

    Attributes:
        counts: what a mean counts where a row has several outputs: rows (each the mean of its outputs),
            elements, or the rows of each column by itself, whose results are then averaged. Only an
            elementwise loss can count other than rows.
        normaliser: what a row adds to the denominator of a mean, if not 1; a declared row function too.
        parts: of a loss of the whole file: the row functions whose exact sums `function` takes by their names.
        notes: where it departs from its source on purpose, or what surprises.
        kin: the family of losses that it is compared with, where that is not its own name.
        shortcuts: of an elementwise loss: what most rows can take in place of its function, the first that holds.
        fits: what is wrong with the roles' widths, in words, where they need not be equal; empty if nothing is.
        forms: of a name that frameworks give: what it computes, by the columns' shape (see `naming`).
        framework: whose name it is.
        home: the file or package of a user's own loss; empty for lossctl's.
        reductions: the framework's names of reductions, to ours; `reduction` is the default.
    """

    name: str
    function: Callable[..., float]
    roles: tuple[Role, ...]
    options: tuple[Option, ...]
    formula: str
    source: str
    aliases: tuple[str, ...] = ()
    counts: Counts = "rows"
    normaliser: Loss | None = None
    parts: tuple[Loss, ...] = ()
    accuracy: Accuracy = Accuracy()
    notes: tuple[str, ...] = ()
    kin: str = ""
    fits: Callable[[Mapping[str, int]], str] | None = None
    shortcuts: tuple[Shortcut, ...] = ()
    forms: tuple[Form, ...] = ()
    framework: Framework | None = None
    reductions: Mapping[str, str] = NO_NAMES
    reduction: str = "mean"
    home: str = ""

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def elementwise(self) -> bool:
        """Whether the function takes one value of each role; a row of several is their mean."""
        return bool(self.roles) and all(role.shape == "scalar" for role in self.roles)

    @property
    def formulas(self) -> tuple[Loss, ...]:
        """The declared losses that it comes down to: of a framework's name one a form, else itself."""
        return tuple(form.loss for form in self.forms) or (self,)

    @property
    def summary(self) -> str:
        """The docstring's first sentence."""
        return (inspect.getdoc(self.function) or "").split("\n")[0]

    @property
    def description(self) -> str:
        """The docstring, without its examples."""
        return (inspect.getdoc(self.function) or "").split("\n>>>")[0].strip()

    def option(self, name: str) -> Option | None:
        """The option of that name, if it has one."""
        return next((option for option in self.options if name in (option.name, *option.aliases)), None)

    def role(self, name: str) -> Role:
        """The role of that name."""
        return next(role for role in self.roles if role.name == name)


def read_function(
    function: Callable[..., float],
    domains: Mapping[str, Domain | When | Depends],
    *,
    formula: str = "",
    source: str = "",
    **more: Any,
) -> Loss:
    """The Loss that a function's signature and docstring declare; `more` are further attributes."""
    hints = _hints(function)
    roles: list[Role] = []
    options: list[Option] = []
    for argument in inspect.signature(function).parameters.values():
        hint = hints.get(argument.name, float)
        if argument.default is inspect.Parameter.empty:
            name = ROLE_NAMES.get(argument.name, argument.name)
            shape = _shape(hint)
            domain = domains.get(name, CLASS_INDEX if shape == "index" else REAL)
            roles.append(Role(argument.name, name, shape, domain))
        else:
            options.append(_option(argument.name, hints.get(argument.name), argument.default))
    return Loss(function.__name__, function, tuple(roles), tuple(options), formula, source, **more)


def _hints(function: Callable[..., float]) -> dict[str, Any]:
    """The annotations of the arguments; those that are plain names are looked up, which is much the quicker way."""
    known = {**vars(builtins), **function.__globals__}
    said = {name: text for name, text in function.__annotations__.items() if name != "return"}
    if all(text in known for text in said.values()):
        return {name: known[text] for name, text in said.items()}
    return typing.get_type_hints(function, include_extras=True)


def read_summary(function: Callable[..., float], parts: tuple[Loss, ...], **more: Any) -> Loss:
    """A loss of the whole file: `function` takes the sums of the parts, and `weight`, and then options."""
    hints = _hints(function)
    options = {o.name: o for part in parts for o in part.options if not o.param.each_class}
    for argument in inspect.signature(function).parameters.values():
        if argument.default is not inspect.Parameter.empty:
            options[argument.name] = _option(argument.name, hints[argument.name], argument.default)
    roles = {role.name: role for part in reversed(parts) for role in part.roles}
    return Loss(function.__name__, function, tuple(roles.values()), tuple(options.values()), parts=parts, **more)


def _shape(hint: Any) -> Shape:
    if hint == Vector:
        return "vector"
    return "index" if hint is Index else "scalar"


def _option(name: str, hint: Any, default: Value) -> Option:
    """An option; what its annotation leaves open follows from its default."""
    kind, param = typing.get_args(hint)[:2] if typing.get_origin(hint) is Annotated else (hint, None)
    if not isinstance(param, Param):
        param = Param(name.replace("_", " "), many=isinstance(default, tuple))
    kind = kind or (bool if isinstance(default, bool) else float)
    if kind == Vector:
        assert isinstance(default, tuple)
        return Option(name, float, default[0] if len(default) == 1 else default, param, vector=True)
    if typing.get_origin(kind) is Literal:
        return Option(name, str, default, param, choices=typing.get_args(kind))
    if typing.get_origin(kind) in (UnionType, typing.Union):
        kind = next(part for part in typing.get_args(kind) if part is not NoneType)
        return Option(name, kind, default, param, optional=True)
    return Option(name, kind, default, param)
