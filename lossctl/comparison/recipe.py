"""What was compared, as plain data that runs again: a comparison to a dict and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

from lossctl.comparison.asked import Comparison, Model
from lossctl.comparison.run import Compared
from lossctl.errors import DataError, UsageError
from lossctl.evaluation import recipe as evaluation
from lossctl.evaluation.evidence import NO_NAMES
from lossctl.evaluation.recipe import IDLE, Recipe, functions_of, names_of, reachable
from lossctl.evaluation.spelt import MisfitError, read_record, spelt

# always told, also at their defaults
TOLD = ("models", "losses", "reduction", "on", "tests", "on_bad")
# what a recipe says besides a comparison's own attributes and those of its request
BESIDES = ("memory", "functions")
OWN = tuple(name for name in Comparison._fields if name != "request")
# left out where there is nothing of it
UNSAID = ("roles", *BESIDES)
# of a request, what no comparison has
ALIEN = ("request", "files", "across", "keep_dropped", "long", "num_classes", "rest", "join", "behind")


def recipe_of(compared: Compared, called: Mapping[str, str] = NO_NAMES) -> dict[str, Any]:
    """A comparison with each model's own columns resolved, as JSON holds it.

    Files are named as the user did, some of them `called` otherwise than their paths; models whose data were given in
    memory have none, and the recipe says which.
    """
    asked = compared.asked
    pairs = list(zip(asked.models, compared.casts, strict=True))
    models = tuple(one._replace(files=names_of(one.files, called), roles=cast.own) for one, cast in pairs)
    request = asked.request._replace(**IDLE)
    asked = asked._replace(models=models, request=request)
    every = {**request._asdict(), **asked._asdict()}
    said = {name: value for name, value in {**spelt(request), **spelt(asked)}.items() if name not in ALIEN}
    memory = [one.name for one, _ in pairs if not all(isinstance(file, str) for file in one.files)]
    more = {"memory": memory, "functions": functions_of(request)}
    told = {**{name: spelt(every[name]) for name in TOLD}, **said, **more}
    return {name: value for name, value in told.items() if value or name not in UNSAID}


def fingerprint_of(recipe: Recipe) -> str:
    """A short hash of what was computed, whatever the files are called."""
    models = recipe.get("models")
    if isinstance(models, list):
        models = [_without_files(one) if isinstance(one, Mapping) else one for one in models]
    return evaluation.fingerprint_of({**recipe, "models": models})


def _without_files(model: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in model.items() if name != "files"}


def comparison_of(recipe: Recipe, data: Sequence[str] = (), where: str = "recipe") -> Comparison:
    """The comparison that a recipe tells.

    Args:
        recipe: from JSON.
        data: other places of the models' data, in their order; empty for where it says.
        where: what errors call the recipe.

    Raises:
        DataError: it is none, or of a lossctl that knows more.
        UsageError: data that were given in memory or lie behind a network, and are not named; or an unknown loss.
    """
    asked = _told(recipe, where)
    if data:
        return asked._replace(models=_elsewhere(asked.models, data, where))
    memory = recipe.get("memory")
    for model in asked.models:
        if not model.files or (isinstance(memory, list) and model.name in memory):
            raise UsageError(f"{where}: the data of {model.name} were given in memory; {_all_of(asked.models)}")
        reachable(model.files, "--data", where)
    return asked


def _told(recipe: Recipe, where: str) -> Comparison:
    alien = next((name for name in recipe if name in ALIEN), None)
    if alien is not None:
        raise DataError(f"{where} has {alien!r}, which no comparison has")
    own = {name: value for name, value in recipe.items() if name in OWN}
    request = {name: value for name, value in recipe.items() if name not in (*OWN, *BESIDES)}
    try:
        asked: Comparison = read_record({**own, "request": {"files": [], "roles": {}, **request}}, Comparison, where)
    except MisfitError as error:
        raise DataError(str(error)) from None
    return asked._replace(request=asked.request._replace(**IDLE))


def _elsewhere(models: Sequence[Model], data: Sequence[str], where: str) -> tuple[Model, ...]:
    """The models with their data where they are now: a file each, or as many as each had."""
    counts = [1] * len(models) if len(data) == len(models) else [len(model.files) for model in models]
    if len(data) != sum(counts) or not all(counts):
        raise UsageError(f"--data: {where} is of {len(models)} models, got {len(data)}; {_all_of(models)}")
    ends = pairwise(accumulate(counts, initial=0))
    return tuple(model._replace(files=tuple(data[a:b])) for model, (a, b) in zip(models, ends, strict=True))


def _all_of(models: Sequence[Model]) -> str:
    names = ", ".join(model.name for model in models)
    return f"name every model's file in order ({names}): {' '.join('--data FILE' for _ in models)}"
