"""Where units of work run. A cluster is one more class with `run`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from lossctl.readers.source import Unit

Job = TypeVar("Job")
Answer = TypeVar("Answer")


class Executor(Protocol):
    """Runs a function over units; answers come in the units' order."""

    def run(self, work: Callable[[Job, Unit], Answer], job: Job, units: Sequence[Unit]) -> Iterator[Answer]:
        """The answers. `work`, job, units and answers pickle, so that they may cross machines."""
        ...


class Serial:
    """All in the calling thread."""

    def run(self, work: Callable[[Job, Unit], Answer], job: Job, units: Sequence[Unit]) -> Iterator[Answer]:
        """The answers, one after the other."""
        return (work(job, unit) for unit in units)


class Threads:
    """Some threads: decoding and kernels let go of the interpreter's lock.

    A pool of the standard library's would do too, and takes as long to import as a small file takes to read.
    """

    def __init__(self, count: int) -> None:
        self.count = count

    def run(self, work: Callable[[Job, Unit], Answer], job: Job, units: Sequence[Unit]) -> Iterator[Answer]:
        """The answers in order; the first unit that fails ends the run."""
        crew = _Crew(lambda i: work(job, units[i]), len(units))
        threads = [threading.Thread(target=crew.work, daemon=True) for _ in range(self.count)]
        for thread in threads:
            thread.start()
        try:
            for i in range(len(units)):
                yield crew.answer(i)
        finally:
            crew.stop()
            for thread in threads:
                thread.join()


class _Crew(Generic[Answer]):
    """What some threads share: the next task to take, and the answers so far."""

    def __init__(self, task: Callable[[int], Answer], count: int) -> None:
        self.task, self.left = task, iter(range(count))
        self.done: dict[int, Answer | BaseException] = {}
        self.news = threading.Condition()

    def work(self) -> None:
        """Take one task after the other until there is none."""
        while (i := self._next()) is not None:
            found: Answer | BaseException
            try:
                found = self.task(i)
            except BaseException as error:
                found = error
            with self.news:
                self.done[i] = found
                self.news.notify()

    def _next(self) -> int | None:
        with self.news:
            return next(self.left, None)

    def answer(self, i: int) -> Answer:
        """The answer to a task, once it is there; or what it raised."""
        with self.news:
            # an interrupt is heard between two waits
            while i not in self.done:
                self.news.wait(0.5)
            found = self.done.pop(i)
        if isinstance(found, BaseException):
            raise found
        return found

    def stop(self) -> None:
        """Let no further task be taken."""
        with self.news:
            self.left = iter(range(0))


def executor_for(threads: int, units: int) -> Executor:
    """What suits the call: a pool only where there is work for one."""
    count = min(threads or processors(), units)
    return Threads(count) if count > 1 else Serial()


def processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
