"""What the tests of the Python API share: losses declared in a session, which leave nothing behind."""

from __future__ import annotations

import linecache
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lossctl
from lossctl.catalogue import own
from lossctl.kernels.machine import machine
from lossctl.kernels.store import Store


@pytest.fixture(autouse=True)
def _declared_losses_go() -> Iterator[None]:
    """Losses that a test declares are gone when it ends."""
    before = dict(own._OWN)
    yield
    own._OWN.clear()
    own._OWN.update(before)
    for listener in own._listeners:
        listener()


@pytest.fixture
def _kernels_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels that a test compiles are kept among its own files."""
    monkeypatch.setattr(machine(), "store", Store([tmp_path, *machine().store.folders]))


def declared(name: str, value: str, arguments: str = "y, p") -> Any:
    """A loss as a notebook's cell declares it."""
    text, place = f"def {name}({arguments}):\n    return {value}\n", f"<{name} {value}>"
    linecache.cache[place] = (len(text), None, text.splitlines(keepends=True), place)
    room: dict[str, Any] = {"lossctl": lossctl}
    exec(compile(text, place, "exec"), room)
    return lossctl.loss(room[name])
