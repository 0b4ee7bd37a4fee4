"""What an objective and an audit are: named terms, regularisers and evaluations, complete and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lossctl.catalogue.spec import BoundLoss

# a column's name, a glob or a comma list; or several names
Selector = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """How rows are read, judged and reduced: the words of an `eval`, without its losses.

    Attributes:
        files: paths; empty where the caller brings the data.
        roles: role to its columns; roles not named are found by name.
        read: how text is read: `delimiter`, `header`, `null_values`, `format`, `encoding`, `decimal`.
        settings: further attributes of a request, such as `on_bad` and `classes`.
    """

    files: tuple[str, ...] = ()
    roles: Mapping[str, Selector] = field(default_factory=dict)
    read: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def over(self, base: Call) -> Call:
        """This call, with what it leaves open taken from another."""
        return Call(
            self.files or base.files,
            {**base.roles, **self.roles},
            {**base.read, **self.read},
            {**base.settings, **self.settings},
        )

    def calling(self, names: Mapping[str, str]) -> Call:
        """The call with some of its files and labels files under other names."""
        files, settings = tuple(names.get(file, file) for file in self.files), dict(self.settings)
        if "join" in settings:
            there = tuple(names.get(file, file) for file in settings["join"].labels_from)
            settings["join"] = settings["join"]._replace(labels_from=there)
        return replace(self, files=files, settings=settings)

    @property
    def paths(self) -> tuple[str, ...]:
        """All that it reads: files, then labels files."""
        join = self.settings.get("join")
        return (*self.files, *(join.labels_from if join is not None else ()))

    def for_losses(self, *losses: BoundLoss) -> Call:
        """The call without the roles that only other losses read."""
        read = {role.name for bound in losses for role in bound.loss.roles} | {"weights", "mask", "pred_ids"}
        return replace(self, roles={role: columns for role, columns in self.roles.items() if role in read})


@dataclass(frozen=True, slots=True)
class Term:
    """A loss that the objective adds: `weight` times its reduced value."""

    name: str
    loss: BoundLoss
    weight: float
    call: Call


@dataclass(frozen=True, slots=True)
class Regularizer:
    """A penalty on weight arrays: l1 sum |w| + l2 sum w^2.

    Attributes:
        kind: as it was asked for: `l1`, `l2`, `l2_half` or `elastic_net`.
        files: NPY, NPZ or safetensors.
        arrays: patterns of the arrays' names; each must match one.
        exclude: patterns of names that are left out.
    """

    name: str
    kind: str
    l1: float
    l2: float
    files: tuple[str, ...]
    arrays: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Objective:
    """The total loss that was trained."""

    terms: tuple[Term, ...] = ()
    regularizers: tuple[Regularizer, ...] = ()


@dataclass(frozen=True, slots=True)
class EvalCall:
    """One evaluation of an audit."""

    name: str
    losses: tuple[BoundLoss, ...]
    call: Call


@dataclass(frozen=True, slots=True)
class Audit:
    """All that one TOML asks for; the objective is empty where it has no terms."""

    path: str
    evals: tuple[EvalCall, ...]
    objective: Objective

    def calling(self, names: Mapping[str, str]) -> Audit:
        """The audit with some files under other names."""
        evals = tuple(replace(entry, call=entry.call.calling(names)) for entry in self.evals)
        terms = tuple(replace(term, call=term.call.calling(names)) for term in self.objective.terms)
        return replace(self, evals=evals, objective=replace(self.objective, terms=terms))
