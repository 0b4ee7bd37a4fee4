"""Where the time goes: seconds by phase, for whoever asks with --timings."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from time import perf_counter
from types import TracebackType
from typing import TypeVar

Item = TypeVar("Item")
# one after the other, as the clock on the wall has them; then those within `rows`, added up over all threads
PHASES = ("start", "imports", "open", "rows", "render")
WITHIN = ("decode", "check", "kernel", "sum", "digest")

_lock = threading.Lock()
_spent: dict[str, float] = {}
_since = perf_counter()


class Phase:
    """Counts the time inside a `with` to a phase."""

    __slots__ = ("name", "since")

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self.since = perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _add(self.name, perf_counter() - self.since)


def each(name: str, items: Iterable[Item]) -> Iterator[Item]:
    """The items, with the time that they take to come counted to a phase."""
    since = perf_counter()
    for item in items:
        _add(name, perf_counter() - since)
        yield item
        since = perf_counter()


def ended(name: str) -> None:
    """Count all since the last phase ended to this one."""
    global _since
    moment = perf_counter()
    _add(name, moment - _since)
    _since = moment


def spent() -> dict[str, float]:
    """Phase to seconds, in their order; 0 for one that had none."""
    with _lock:
        return {name: _spent.get(name, 0.0) for name in (*PHASES, *WITHIN)}


def _add(name: str, seconds: float) -> None:
    with _lock:
        _spent[name] = _spent.get(name, 0.0) + seconds
