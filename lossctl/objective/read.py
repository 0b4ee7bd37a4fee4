"""A TOML file, or a dict of the same keys, to an audit: every key known, every loss bound, paths beside the file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lossctl.catalogue.own import load_functions
from lossctl.catalogue.reductions import meaning
from lossctl.catalogue.spec import BoundLoss, bind_all
from lossctl.errors import DataError, UsageError
from lossctl.evaluation.shape_words import class_names, shapes
from lossctl.objective.declare import Audit, Call, EvalCall, Objective, Regularizer, Term
from lossctl.objective.table import Table
from lossctl.readers.classes import is_file
from lossctl.readers.files import located, plain_name

if TYPE_CHECKING:
    from lossctl.readers.join import Join

ROLES = ("labels", "preds", "weights", "mask", "pred_ids")
KINDS = ("l1", "l2", "l2_half", "elastic_net")
# a framework's own function to the kind that it computes
SPOKEN = {"tf.nn.l2_loss": "l2_half", "keras.L1": "l1", "keras.L2": "l2", "keras.L1L2": "elastic_net"}


def read_file(path: str) -> Audit:
    """The audit that a TOML file declares.

    Raises:
        DataError: the file cannot be read.
        UsageError: it is no TOML, or holds an unknown key or a value of the wrong kind.
    """
    try:
        with open(path, "rb") as file:
            raw = tomllib.load(file)
    except OSError as error:
        raise DataError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is no TOML: {str(error) or 'it is nested too deep'}") from None
    return read_tables(raw, path, os.path.dirname(path))


def read_tables(raw: Mapping[str, Any], where: str, folder: str = "") -> Audit:
    """The audit that the tables of a TOML file declare.

    Args:
        raw: the keys.
        where: what errors call it.
        folder: what its paths are relative to.

    Raises:
        UsageError: as `read_file`.
    """
    top = Table(raw, where)
    for place in top.texts("functions", ()):
        load_functions(_beside(folder, place) if place.endswith(".py") else place)
    base = _call(top, folder)
    terms = tuple(_term(table, base, folder) for table in top.tables("terms"))
    penalties = tuple(_regularizer(table, folder) for table in top.tables("regularizers"))
    evals = tuple(_eval(table, i, base, folder) for i, table in enumerate(top.tables("eval"), 1))
    top.close()
    _refuse_twins(top, "terms and regularizers", [*(term.name for term in terms), *(p.name for p in penalties)])
    _refuse_twins(top, "eval", [entry.name for entry in evals])
    return Audit(where, evals, Objective(terms, penalties))


def _refuse_twins(top: Table, what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise top.refusal(f"two of {what} are called {name!r}; give each a `name` of its own")


def _call(table: Table, folder: str) -> Call:
    roles = {role: table.selector(role) for role in ROLES}
    roles |= {role: _selector(table, role, value) for role, value in table.table("roles").raw.items()}
    read = table.table("read")
    reading = {
        "delimiter": read.text("delimiter", None),
        "header": read.flag("header"),
        "null_values": read.texts("null_values", None),
        "format": read.text("format", None),
        "encoding": read.text("encoding", None),
        "decimal": read.text("decimal", None),
    }
    read.close()
    settings = {
        "classes": _classes(table, folder),
        **_shapes(table, folder),
        "class_weights": _class_weights(table),
        "ignore_index": table.integer("ignore_index"),
        "on_bad": table.word("on_bad", ("error", "drop", "keep"), None),
        "on_empty": table.word("on_empty", ("error", "nan", "zero"), None),
        "max_dropped": _max_dropped(table),
        "where": table.texts("where", None),
        "join": _join(table, folder),
    }
    files = tuple(_beside(folder, path) for path in table.texts("files", ()))
    given = {role: columns if role not in ROLES else _array(folder, columns) for role, columns in roles.items()}
    return Call(files, _said(given), _said(reading), _said(settings))


def _classes(table: Table, folder: str) -> Any:
    """Names in order, or those of a file."""
    names = table.texts("classes", None)
    if names is None or len(names) != 1 or not is_file(names[0]):
        return names
    return class_names(_beside(folder, names[0]))


def _shapes(table: Table, folder: str) -> dict[str, Any]:
    """What is said of the shape of labels and preds."""
    labels = table.table("label_map").raw or None
    long = table.texts("long", None)
    from_logs = table.flag("from_log_probs")
    try:
        found = shapes(
            label_map=labels,
            label_base=table.integer("label_base"),
            pred_scale=table.number("pred_scale", None),
            num_classes=table.integer("num_classes"),
            rest=table.word("rest", ("zero", "spread"), None),
            long=long[0] if long and len(long) == 1 else long,
        )
    except UsageError as error:
        raise table.refusal(str(error)) from None
    return {**found, "from_log_probs": from_logs}


def _join(table: Table, folder: str) -> Join | None:
    """Where the labels are, if they lie in files of their own."""
    files, on = table.texts("labels_from", None), table.texts("on", None)
    drop, by_position = table.word("on_unmatched", ("error", "drop"), None), table.flag("by_position")
    if files is None and not on and not drop and not by_position:
        return None
    from lossctl.readers.join import Join, joined_on

    try:
        pairs = joined_on(files is not None, on, drop == "drop", bool(by_position))
    except UsageError as error:
        raise table.refusal(str(error)) from None
    return Join(tuple(_beside(folder, path) for path in files), pairs, drop or "error")


def _said(entries: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entries.items() if value is not None}


def _selector(table: Table, role: str, value: Any) -> Any:
    inner = Table({role: value}, f"{table.where}, [roles]")
    return inner.selector(role)


def _array(folder: str, selector: Any) -> Any:
    """An array that a role names lies beside the file too."""
    names_one = isinstance(selector, str) and plain_name(selector).endswith(".npy")
    return _beside(folder, selector) if names_one else selector


def _beside(folder: str, path: str) -> str:
    """A path as the file means it: relative to the file's own folder."""
    return located(path) if path == "-" or "://" in path else os.path.join(folder, path)


def _class_weights(table: Table) -> Any:
    value = table.raw.get("class_weights") if table.has("class_weights") else None
    if value is None:
        return None
    numbers = list(value.values()) if isinstance(value, dict) else value
    usable = isinstance(numbers, list) and all(
        isinstance(n, int | float) and not isinstance(n, bool) and 0 <= n < float("inf") for n in numbers
    )
    if not usable:
        raise table.refusal(f"class_weights must be a list or a table of numbers >= 0, got {value!r}")
    return {k: float(n) for k, n in value.items()} if isinstance(value, dict) else tuple(map(float, numbers))


def _max_dropped(table: Table) -> Any:
    """A count, or a share such as "0.1%"."""
    if not table.has("max_dropped"):
        return None
    value = table.raw["max_dropped"]
    try:
        limit = float(value[:-1]) / 100.0 if isinstance(value, str) and value.endswith("%") else value
    except ValueError:
        limit = None
    share = isinstance(limit, float) and 0.0 <= limit <= 1.0
    if not share and not (isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0):
        raise table.refusal(f'max_dropped takes a count such as 5 or a share such as "0.1%", got {value!r}')
    return limit


def _term(table: Table, base: Call, folder: str) -> Term:
    bound = _bound(table, [table.text("loss")], table.table("options"))[0]
    name = table.text("name", str(bound))
    weight = table.number("weight", 1.0)
    call = _reduced(table, [bound], _call_of_term(table, folder))
    table.close()
    return Term(name, bound, weight, call.over(base).for_losses(bound))


def _call_of_term(table: Table, folder: str) -> Call:
    call = _call(table, folder)
    if call.files or call.read or {"long", "join"} & call.settings.keys():
        raise table.refusal("a term has no files of its own: all terms are of the same rows; name them at the top")
    if "where" in call.settings:
        raise table.refusal("a term has no `where` of its own: all terms are of the same rows; filter at the top")
    return call


def _eval(table: Table, number: int, base: Call, folder: str) -> EvalCall:
    bound = _bound(table, list(table.texts("loss")), table.table("options"))
    name = table.text("name", f"eval {number}")
    call = _reduced(table, bound, _call(table, folder))
    table.close()
    return EvalCall(name, tuple(bound), call.over(base).for_losses(*bound))


def _bound(table: Table, losses: list[str], options: Table) -> list[BoundLoss]:
    try:
        return bind_all(losses, {key: tuple(v) if isinstance(v, list) else v for key, v in options.raw.items()})
    except UsageError as error:
        raise table.refusal(str(error)) from None


def _reduced(table: Table, losses: list[BoundLoss], call: Call) -> Call:
    """The call with its reduction; one number has to come of it."""
    reduction = table.text("reduction", None)
    if reduction == "none":
        raise table.refusal("reduction none gives a loss a row, here one number is wanted; `lossctl eval` writes rows")
    try:
        for bound in losses:
            meaning(bound, reduction)
    except UsageError as error:
        raise table.refusal(str(error)) from None
    settings = call.settings if reduction is None else {**call.settings, "reduction": reduction}
    return Call(call.files, call.roles, call.read, settings)


def _regularizer(table: Table, folder: str) -> Regularizer:
    said = table.word("kind", (*KINDS, *SPOKEN))
    kind = SPOKEN.get(said, said)
    l1, l2 = _coefficients(table, kind)
    made = Regularizer(
        table.text("name", said),
        said,
        l1,
        l2,
        tuple(_beside(folder, path) for path in table.texts("files")),
        table.texts("arrays", ("*",)),
        table.texts("exclude", ()),
    )
    table.close()
    return made


def _coefficients(table: Table, kind: str) -> tuple[float, float]:
    """What the sum of |w| and the sum of squares are multiplied by."""
    if kind == "elastic_net":
        return table.number("l1"), table.number("l2")
    coefficient = table.number("coefficient")
    return {"l1": (coefficient, 0.0), "l2": (0.0, coefficient), "l2_half": (0.0, coefficient / 2.0)}[kind]
