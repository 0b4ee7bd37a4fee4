"""Where units of work run. A cluster is one more class with `run`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

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
    """A pool of threads: decoding and kernels let go of the interpreter's lock."""

    def __init__(self, count: int) -> None:
        self.count = count

    def run(self, work: Callable[[Job, Unit], Answer], job: Job, units: Sequence[Unit]) -> Iterator[Answer]:
        """The answers in order; the first unit that fails ends the run."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(self.count) as pool:
            futures = [pool.submit(work, job, unit) for unit in units]
            try:
                for future in futures:
                    yield future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def executor_for(threads: int, units: int) -> Executor:
    """What suits the call: a pool only where there is work for one."""
    count = min(threads or processors(), units)
    return Threads(count) if count > 1 else Serial()


def processors() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
