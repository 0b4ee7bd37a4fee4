"""Where units of work run. A cluster is one more class with `run`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, count, islice
from typing import Generic, Protocol, TypeVar

from lossctl.readers.source import Unit

Job = TypeVar("Job")
Answer = TypeVar("Answer")


# seconds that a thread has for its last unit, when a run is broken off
PATIENCE = 0.5
# answers a thread that may wait for those before them
AHEAD = 2


class Executor(Protocol):
    """Runs a function over units; answers come in the units' order."""

    def run(self, work: Callable[[Job, Unit], Answer], job: Job, units: Iterable[Unit]) -> Iterator[Answer]:
        """The answers. `work`, job, units and answers pickle, so that they may cross machines."""
        ...


class Serial:
    """All in the calling thread."""

    def run(self, work: Callable[[Job, Unit], Answer], job: Job, units: Iterable[Unit]) -> Iterator[Answer]:
        """The answers, one after the other."""
        return (work(job, unit) for unit in units)


class Threads:
    """Some threads: decoding and kernels let go of the interpreter's lock.

    A pool of the standard library's would do too, and takes as long to import as a small file takes to read.
    """

    def __init__(self, count: int) -> None:
        self.count = count

    def run(self, work: Callable[[Job, Unit], Answer], job: Job, units: Iterable[Unit]) -> Iterator[Answer]:
        """The answers in order; the first unit that fails ends the run. A lone unit starts no thread."""
        coming = iter(units)
        first = list(islice(coming, self.count))
        if len(first) < 2:
            yield from Serial().run(work, job, chain(first, coming))
            return
        crew = _Crew(partial(work, job), chain(first, coming), AHEAD * len(first))
        threads = [threading.Thread(target=crew.work, daemon=True) for _ in first]
        del first
        for thread in threads:
            thread.start()
        try:
            yield from crew.answers()
        finally:
            crew.stop()
            for thread in threads:
                # one that waits for a stream to go on is left to wait
                thread.join(PATIENCE)


class _Crew(Generic[Answer]):
    """What some threads share: the next unit to take, and the answers so far."""

    def __init__(self, task: Callable[[Unit], Answer], units: Iterator[Unit], ahead: int) -> None:
        self.task, self.left, self.ahead = task, units, ahead
        self.taking = threading.Lock()
        self.taken, self.ended = 0, False
        self.done: dict[int, Answer | BaseException] = {}
        self.news = threading.Condition()

    def work(self) -> None:
        """Take one unit after the other until there is none."""
        while (taken := self._next()) is not None:
            found: Answer | BaseException
            try:
                found = self.task(taken[1])
            except BaseException as error:
                found = error
            self._tell(taken[0], found)

    def _next(self) -> tuple[int, Unit] | None:
        """The next unit with its place. It may have to be made first, while others work on theirs."""
        with self.taking:
            self._wait_for_room()
            if self.ended:
                return None
            place = self.taken
            try:
                unit = next(self.left)
            except StopIteration:
                self.stop()
                return None
            except BaseException as error:
                # as if the unit that could not be made had failed
                self.taken += 1
                self._tell(place, error)
                self.stop()
                return None
            self.taken += 1
            return place, unit

    def _wait_for_room(self) -> None:
        """Large answers would pile up where they come faster than they are put together."""
        with self.news:
            while len(self.done) >= self.ahead and not self.ended:
                self.news.wait(0.5)

    def _tell(self, place: int, found: Answer | BaseException) -> None:
        with self.news:
            self.done[place] = found
            self.news.notify_all()

    def answers(self) -> Iterator[Answer]:
        """The answers in order, each once it is there; or what a unit raised."""
        for place in count():
            with self.news:
                # an interrupt is heard between two waits
                while place not in self.done and not (self.ended and place >= self.taken):
                    self.news.wait(0.5)
                if place not in self.done:
                    return
                found = self.done.pop(place)
                self.news.notify_all()
            if isinstance(found, BaseException):
                raise found
            yield found

    def stop(self) -> None:
        """Let no further unit be taken."""
        with self.news:
            self.ended = True
            self.news.notify_all()


def executor_for(threads: int) -> Executor:
    """As many threads as were asked for, 0 for one a processor."""
    wanted = threads or processors()
    return Threads(wanted) if wanted > 1 else Serial()


def processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
