"""Every public name is documented with an example, and every example of the package holds."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from functools import cached_property
from types import ModuleType

import pytest

import lossctl
from tests.conftest import ROOT

# aliases of types have no docstring of their own: `lossctl.loss` says what they mean
ALIASES = ("Index", "Vector")
PUBLIC = [name for name in lossctl.__all__ if name not in ("__version__", *ALIASES)]
MODULES = [found.name for found in pkgutil.walk_packages(lossctl.__path__, "lossctl.") if "__main__" not in found.name]


@pytest.fixture(autouse=True)
def _beside_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def failures(tests: list[doctest.DocTest]) -> str:
    """What the examples of a name give in place of what they say."""
    told: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    for test in tests:
        runner.run(test, out=told.append)
    return "".join(told)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_an_example_that_holds(name: str) -> None:
    thing = getattr(lossctl, name)
    text = thing.__doc__ or ""
    assert ">>> " in text
    test = doctest.DocTestParser().get_doctest(text, {"__name__": name}, name, None, 0)
    assert failures([test]) == ""


@pytest.mark.parametrize("name", PUBLIC)
def test_what_it_offers_is_documented_too(name: str) -> None:
    thing = getattr(lossctl, name)
    offered = vars(thing) if isinstance(thing, type) else {}
    parts = [part for key, part in offered.items() if not key.startswith("_")]
    assert all(part.__doc__ for part in parts if callable(part) or isinstance(part, property | cached_property))


@pytest.mark.parametrize("alias", ALIASES)
def test_the_aliases_are_told_where_they_are_used(alias: str) -> None:
    assert alias in (lossctl.loss.__doc__ or "")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    module: ModuleType = importlib.import_module(name)
    assert failures(doctest.DocTestFinder(exclude_empty=True).find(module)) == ""


def test_the_readmes_examples_hold() -> None:
    ran = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert ran.attempted >= 8
    assert not ran.failed
