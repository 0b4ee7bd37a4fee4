"""Losses of a user's own: declared by a decorated function in a file, a package or a session."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import linecache
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, overload

from lossctl.catalogue.declare import Function, Loss, read_function
from lossctl.catalogue.domain import Depends, Domain, Interval, When
from lossctl.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "lossctl.losses"
# names of arguments that people give to what lossctl applies by itself
APPLIED = ("w", "weight", "weights", "sample_weight")
_OWN: dict[str, Loss] = {}
# whoever keeps names has to hear of a new one
_listeners: list[Callable[[], None]] = []
Values = Domain | Interval | When | Depends


@overload
def loss(function: Function, /) -> Function: ...


@overload
def loss(
    *,
    name: str | None = None,
    formula: str = "",
    source: str = "",
    aliases: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
    kin: str = "",
    normaliser: Callable[..., float] | None = None,
    **values: Values,
) -> Callable[[Function], Function]: ...


def loss(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    formula: str = "",
    source: str = "",
    aliases: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
    kin: str = "",
    normaliser: Callable[..., float] | None = None,
    **values: Values,
) -> Any:
    """Declare a function of one row's values a loss, which then has all that a built-in one has.

    Arguments without a default are columns: `y` (or `y_true`) the labels, `p` (or `y_pred`) the preds, any other a
    role of its name. Each is a number; `y: Index` is a class index and `p: Vector` the row's K numbers. Arguments
    with a default are options: they become flags, checked against the range of `Annotated[float, Param(...)]`.
    The body is arithmetic on float64 with `math`, numpy's scalar functions and lossctl's words, loops and helpers;
    over a `Vector` it sums generators (`sum(a * b for a, b in zip(y, p))`) or whole rows (`np.sum(y * p)`).
    It must give a number for every row and raise nothing: 1 / 0 is inf, log(0) is -inf.

    Args:
        function: the function, where the decorator stands without brackets.
        name: what it is called, if not as the function.
        formula: the loss in one line, for listings.
        source: where it comes from: a paper, a file.
        aliases: further names.
        notes: what surprises.
        kin: the built-in loss that it is a version of, for comparisons.
        normaliser: a function of the same arguments: what a row adds to the denominator of a mean, if not 1.
        values: what each role may hold, by the role's name (`labels`, `preds`, ...): a Domain or an Interval.

    Returns:
        The function itself, unchanged.

    Raises:
        UsageError: a name that lossctl has already, or arguments that are no columns and options.

    Example:
        >>> import math
        >>> import lossctl
        >>> @lossctl.loss(labels=lossctl.Interval(0, 1), preds=lossctl.Interval(0, 1))
        ... def surprise(y, p, base=2.0):
        ...     return -math.log(p if y == 1 else 1 - p) / math.log(base)
        >>> lossctl.evaluate(labels=[1, 0], preds=[0.5, 0.5], loss="surprise").value
        1.0
    """

    def declare(one: Function) -> Function:
        domains = {role: _domain(role, held) for role, held in values.items()}
        home = one.__code__.co_filename
        more: dict[str, Any] = {"aliases": aliases, "notes": notes, "kin": kin}
        if normaliser is not None:
            more["normaliser"] = _read(normaliser, domains)._replace(home=home)
        declared = _read(
            one, domains, formula=formula or f"{name or one.__name__}(y, p)", source=source or home, **more
        )
        add(declared._replace(name=name or declared.name, home=home))
        return one

    return declare if function is None else declare(function)


def _domain(role: str, held: Values) -> Domain | When | Depends:
    if isinstance(held, Interval):
        reason = {"labels": "label_out_of_range", "preds": "pred_out_of_range"}.get(role, "value_out_of_range")
        return Domain(f"a number in {held}", held, reason)
    return held


def _read(function: Callable[..., float], domains: Mapping[str, Any], **more: Any) -> Loss:
    """The declaration of a function that nobody here has read.

    Raises:
        UsageError: with its file and line.
    """
    code = getattr(function, "__code__", None)
    if code is None or not inspect.isfunction(function):
        raise UsageError(f"{function!r} is no function written with def, so it is no loss")
    try:
        declared = read_function(function, domains, **more)
        _refuse_arguments(function, declared, domains)
    except (NameError, TypeError, AssertionError, ValueError, AttributeError, UsageError) as error:
        raise UsageError(f"{code.co_filename}, line {code.co_firstlineno}: {function.__name__}: {error}") from error
    return declared


def _refuse_arguments(function: Callable[..., float], declared: Loss, domains: Mapping[str, Any]) -> None:
    for argument in inspect.signature(function).parameters.values():
        if argument.kind not in (argument.POSITIONAL_OR_KEYWORD, argument.POSITIONAL_ONLY):
            raise ValueError(f"argument {argument.name} must be an ordinary one, no * and none behind a *")
        if argument.name in APPLIED:
            raise ValueError(f"argument {argument.name}: lossctl applies weights itself (-w), so a loss has none")
    roles = [role.name for role in declared.roles]
    if not roles or len(set(roles)) < len(roles):
        raise ValueError(f"it needs arguments without a default for its columns, each once; it has {_listed(roles)}")
    unknown = next((role for role in domains if role not in roles), None)
    if unknown is not None:
        raise ValueError(f"it says what {unknown} may be, and has no such argument; it has {_listed(roles)}")
    for option in declared.options:
        plain = option.type in (float, int, bool) or (option.type is str and option.choices)
        if not plain or (isinstance(option.default, str) and not option.choices):
            raise ValueError(f"option {option.name} must be a number, true or false, or a Literal of texts")
        option.check(option.default)


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def add(declared: Loss) -> None:
    """Make a user's own loss one that is found by its name.

    A second declaration from the same place takes the first one's place, as a cell does that is run again.

    Raises:
        UsageError: the name has no form of a name, or is taken.
    """
    from lossctl.catalogue.registry import built_in

    for name in (declared.name, *declared.aliases):
        if not re.fullmatch(r"[A-Za-z_][\w.]*", name):
            raise UsageError(f"{declared.home}: {name!r} is no name for a loss; take letters, digits, _ and dots")
        if built_in(name):
            raise UsageError(f"{declared.home}: lossctl has a loss {name!r} already; call yours otherwise")
        other = _owner(name)
        if other is not None and (other.home, other.name) != (declared.home, declared.name):
            raise UsageError(f"{declared.home}: {other.home} has a loss {name!r} already; call one of them otherwise")
    _OWN[declared.name] = declared
    for listener in _listeners:
        listener()


def _owner(name: str) -> Loss | None:
    return next((loss for loss in own_losses() if name in (loss.name, *loss.aliases)), None)


def own_losses() -> list[Loss]:
    """The users' own losses that were declared so far."""
    return list(_OWN.values())


def on_new(listener: Callable[[], None]) -> None:
    """Have a function called whenever a loss is declared."""
    _listeners.append(listener)


def load_functions(place: str) -> list[Loss]:
    """Run a Python file, or import a module, for the losses that it declares.

    Args:
        place: a file's path, or a module's dotted name.

    Raises:
        UsageError: there is none, it fails, or it declares no loss.
    """
    before = dict(_OWN)
    path = Path(place)
    if path.suffix == ".py" or path.exists():
        _run_file(path, place)
    else:
        _import(place)
    found = [loss for name, loss in _OWN.items() if before.get(name) is not loss]
    if not found:
        raise UsageError(f"{place} declares no loss; decorate a function with @lossctl.loss")
    return found


def _run_file(path: Path, place: str) -> None:
    """Run a file as a module of its own; its text is what is compiled and quoted, whatever becomes of the file."""
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or "it is no text in UTF-8").lower()
        raise UsageError(f"--functions {place}: {reason}") from None
    module = ModuleType(f"lossctl_functions_{re.sub(r'[^0-9A-Za-z_]', '_', place)}")
    module.__file__ = place
    linecache.cache[place] = (len(text), None, text.splitlines(keepends=True), place)
    sys.modules[module.__name__] = module
    with _loading(place), _beside(path):
        exec(compile(text, place, "exec"), module.__dict__)


def _import(place: str) -> None:
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", place):
        raise UsageError(f"--functions {place}: there is no such file, and it is no module's name")
    with _loading(place):
        importlib.import_module(place)


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[None]:
    """Modules beside a file can be imported while it runs."""
    folder = str(path.resolve().parent)
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


@contextlib.contextmanager
def _loading(place: str) -> Iterator[None]:
    """What a user's code raises, as one line; what it prints goes to stderr, since stdout is for results.

    Raises:
        UsageError: with the file and line.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except UsageError:
        raise
    except SyntaxError as error:
        raise UsageError(f"{error.filename or place}, line {error.lineno}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        import traceback

        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == place]
        where = f"{place}, line {frames[-1].lineno}" if frames else place
        said = " ".join(str(error).split())
        raise UsageError(f"{where}: {type(error).__name__}{': ' if said else ''}{said}") from error


@cache
def _entry_points() -> tuple[EntryPoint, ...]:
    from importlib.metadata import entry_points

    return tuple(entry_points(group=GROUP))


def load_packages(name: str | None = None) -> None:
    """Import what installed packages offer under the entry point `lossctl.losses`.

    Args:
        name: the loss that is looked for: the entry points of that name alone, where there are any.

    Raises:
        UsageError: a package's code fails.
    """
    points = _entry_points()
    named = [point for point in points if point.name == name]
    for point in named or points:
        with _loading(f"entry point {point.name} = {point.value}"):
            point.load()
