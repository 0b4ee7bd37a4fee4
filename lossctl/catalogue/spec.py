"""A loss with its options bound: "huber:delta=2" to a BoundLoss and back to the same text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from lossctl.catalogue.declare import Loss, Option, Value
from lossctl.catalogue.domain import Domain
from lossctl.catalogue.registry import all_losses, find
from lossctl.errors import UsageError, nearest

# the option that says how labels spell two classes
ENCODING = "label_encoding"


class BoundLoss(NamedTuple):
    """A loss and a value for each of its options."""

    loss: Loss
    values: tuple[Value, ...]

    def __hash__(self) -> int:
        # it is looked up for every block, and a loss has much in it to hash
        return hash((self.loss.name, self.values))

    def __reduce__(self) -> tuple[object, ...]:
        """Pickles as its name and values: the function is found again where it is opened."""
        return (_rebind, (self.loss.name, self.values))

    @property
    def options(self) -> dict[str, Value]:
        """Option name to value, in the order of the declaration."""
        return {option.name: value for option, value in zip(self.loss.options, self.values, strict=True)}

    @property
    def said(self) -> dict[str, Value]:
        """The options that a user can set, with their values."""
        pairs = zip(self.loss.options, self.values, strict=True)
        return {option.name: value for option, value in pairs if not option.param.internal}

    def domain(self, role: str) -> Domain:
        """What the values of a role may be under these options."""
        return self.loss.role(role).domain_for(self.options)

    def replace(self, **changes: Value) -> BoundLoss:
        """The same loss with some options changed."""
        options = {**self.options, **changes}
        return BoundLoss(self.loss, tuple(options.values()))

    @property
    def ignored_label(self) -> int | None:
        """The label whose rows are left out, if an option names one."""
        found = [v for o, v in zip(self.loss.options, self.values, strict=True) if o.param.ignores_label]
        return found[0] if found and isinstance(found[0], int) else None

    @property
    def looks_ahead(self) -> bool:
        """Whether its meaning may hang on all rows, so that the files are read more than once."""
        return any(o.param.ahead or o.name == ENCODING for loss in self.loss.formulas for o in loss.options)

    @property
    def open_options(self) -> list[Option]:
        """The arguments that only a look at all rows tells."""
        encoding = self.options.get(ENCODING)
        if encoding == "auto":
            return [option for option in self.loss.options if option.name == ENCODING]
        return [option for option in self.loss.options if option.param.ahead and encoding in (None, "sorted")]

    @property
    def guard(self) -> Option | None:
        """The option that bounds the loss near a singularity, where it has one and it acts."""
        return next((option for option in self.loss.options if option.param.guard), None)

    def part(self, loss: Loss) -> BoundLoss:
        """A row function that belongs to this loss, with the same values of the options that it has."""
        options = self.options
        return BoundLoss(loss, tuple(options.get(option.name, option.default) for option in loss.options))

    def settled(self, widths: Mapping[str, int], bits: int, reduction: str) -> BoundLoss:
        """The declared loss that this comes down to, for columns of some widths and preds of some bits.

        Raises:
            UsageError: no form of it takes such columns.
        """
        if not self.loss.forms:
            return self
        form = next((form for form in self.loss.forms if form.takes(widths)), None)
        if form is None:
            labels, preds = widths.get("labels", 0), widths.get("preds", 0)
            raise UsageError(f"{self.loss.name} has no form for {labels} label and {preds} preds columns")
        return BoundLoss(form.loss, tuple(form.arguments({**self.options, "reduction": reduction}, bits).values()))

    def __str__(self) -> str:
        """The text that parses back to it: the name and the options that differ from their defaults."""
        pairs = zip(self.loss.options, self.values, strict=True)
        said = [f"{o.name}={_text(v)}" for o, v in pairs if v != o.default]
        return self.loss.name + (":" + ",".join(said) if said else "")


def _rebind(name: str, values: tuple[Value, ...]) -> BoundLoss:
    return BoundLoss(find(name), values)


def _text(value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{','.join(map(str, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def bind(text: str, flags: Mapping[str, Value]) -> BoundLoss:
    """The loss that a text such as "huber:delta=2" names; options in the text win over the flags.

    Args:
        text: name, then optionally ":option=value,...".
        flags: options given for all losses of the call; those that this loss lacks are passed over.

    Raises:
        UsageError: unknown name or option, or a value out of range.
    """
    name, _, tail = text.partition(":")
    declared = find(name)
    said = _said(declared, tail)
    values = (said.get(o.name, _flagged(o, flags)) for o in declared.options)
    return BoundLoss(declared, tuple(values))


def _flagged(option: Option, flags: Mapping[str, Value]) -> Value:
    name = next((name for name in (option.name, *option.aliases) if name in flags), None)
    return option.default if name is None else option.check(flags[name])


def _said(declared: Loss, tail: str) -> dict[str, Value]:
    said: dict[str, Value] = {}
    for part in filter(None, re.split(r",(?![^\[]*\])", tail)):
        key, equals, value = part.partition("=")
        option = declared.option(key.strip().replace("-", "_"))
        if option is None or not equals:
            known = [o.name for o in declared.options if not o.param.internal]
            has = f"it has {', '.join(known)}" if known else "it has no options"
            raise UsageError(f"{declared.name} has no option {key!r} ({has}){nearest(key, known)}")
        said[option.name] = option.parse(value.strip())
    return said


def bind_all(texts: list[str], flags: Mapping[str, Value]) -> list[BoundLoss]:
    """All losses of a call.

    Raises:
        UsageError: as `bind`; or a flag that none of the losses has; or the same loss twice.
    """
    bound = [bind(text, flags) for text in texts]
    for name in flags:
        if not any(b.loss.option(name) for b in bound):
            having = [entry.name for entry in all_losses() if (o := entry.option(name)) and not o.param.internal]
            flag = "--" + name.replace("_", "-")
            raise UsageError(
                f"{flag}: none of the chosen losses has it; it belongs to {', '.join(having) or 'no loss'}"
            )
    if len(set(map(str, bound))) < len(bound):
        raise UsageError("the same loss is asked for twice")
    return bound
