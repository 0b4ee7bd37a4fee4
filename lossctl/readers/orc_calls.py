"""Calls to the ORC library, which crashes, hangs or grows on some damaged files: in processes of its own.

A process answers one caller at a time, and serves any file; it waits a moment for the next caller. It ends by itself
when this one does, however that comes.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import lossctl
from lossctl.readers.orc_child import END, ERROR, FRAME, READY, Question

if TYPE_CHECKING:
    import pyarrow as pa

# seconds: for the process to start, for each byte of an answer, and for a process that nobody asks
START, PATIENCE, IDLE = 60, 8, 1.0
# seconds between two looks at who waits
TICK = 0.25
# a package of this name without its public names, from where this one lies: that is all the process needs
BOOT = """
import json, sys, types
sys.path[:], found = json.loads(sys.argv[1])
sys.modules["lossctl"] = types.ModuleType("lossctl")
sys.modules["lossctl"].__path__ = found
from lossctl.readers.orc_child import serve
serve()
"""


class LibraryError(Exception):
    """What the library says of a file, or what it does to the process."""


class DiedError(LibraryError):
    """The process ended amid an answer."""


class Process:
    """One process, started and asked by this one."""

    def __init__(self) -> None:
        try:
            self._process = subprocess.Popen(
                command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                # an interrupt is for this process to hear
                start_new_session=True,
            )
        except OSError as error:
            raise LibraryError(f"no process can be started for it: {error.strerror}") from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self._poll = select.poll()
        self._poll.register(self._answers, select.POLLIN)
        # room for a part of an answer while nobody reads
        with suppress(ImportError, OSError, AttributeError):
            import fcntl

            fcntl.fcntl(self._answers, fcntl.F_SETPIPE_SZ, 1 << 20)
        self._ready = self.used = False
        self.since = 0.0

    def ask(self, asked: Question, patience: int) -> Iterator[tuple[bytes, pa.Buffer]]:
        """The frames of an answer, without their end.

        Args:
            asked: the request.
            patience: seconds without a byte after which no answer will come.

        Raises:
            DiedError: the process ended.
            LibraryError: the library refuses the file, or does not answer.
        """
        with suppress(BrokenPipeError):
            self._requests.write(json.dumps(asked).encode() + b"\n")
        self._start()
        left = asked["stop"] - asked["start"]
        while left:
            kind, data = self._frame(patience, asked["memory"])
            if kind == ERROR:
                raise LibraryError(data.to_pybytes().decode(errors="replace"))
            left -= kind == END or asked["names"] is None
            yield kind, data
        self.used = True

    def end(self) -> None:
        """End the process at once, whatever it is at."""
        self._process.kill()
        self._process.wait()
        self.close()

    def close(self) -> None:
        """Let go of the process, which ends when nobody holds it any more."""
        self._requests.close()
        self._answers.close()

    def disown(self) -> None:
        """Forget the process, which is another's: this one was forked from its parent."""
        self.close()
        self._process.returncode = 0

    def _start(self) -> None:
        try:
            if not self._ready and self._frame(START, 0)[0] != READY:
                raise DiedError
        except DiedError:
            raise LibraryError(f"the process for it, {sys.executable}, does not start") from None
        self._ready = True

    def _frame(self, patience: int, most: int) -> tuple[bytes, pa.Buffer]:
        import pyarrow as pa

        kind, length = FRAME.unpack(self._bytes(pa.allocate_buffer(FRAME.size), patience))
        if length > most:
            raise DiedError("the ORC library crashes on it")
        return kind, self._bytes(pa.allocate_buffer(length), patience)

    def _bytes(self, buffer: pa.Buffer, patience: int) -> pa.Buffer:
        """The buffer, filled."""
        left = memoryview(buffer).cast("B")
        while len(left):
            # second by second: while both processes are stopped, time does not count
            if not any(self._poll.poll(1000) for _ in range(patience)):
                raise LibraryError(f"the ORC library gives no answer in {patience} seconds")
            count = os.readv(self._answers.fileno(), [left])
            if not count:
                raise self._died()
            left = left[count:]
        return buffer

    def _died(self) -> DiedError:
        import signal

        # stdout is closed by the process's end alone
        code = self._process.wait()
        if code == -signal.SIGXCPU:
            return DiedError("the ORC library comes to no end")
        if code == -signal.SIGKILL:
            return DiedError("the process for it was killed, as where memory runs out")
        return DiedError("the ORC library crashes on it")


def command() -> list[str]:
    """What starts a process that finds modules where this one does, and this very package."""
    path = [os.path.abspath(place) for place in sys.path]
    flags = ["-I"] if sys.flags.isolated else []
    return [sys.executable, *flags, "-W", "ignore", "-c", BOOT, json.dumps([path, list(lossctl.__path__)])]


class Pool:
    """The processes that wait for somebody to ask; who does has one for himself until he gives it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Process] = []
        self._watched = False

    def take(self) -> Process:
        """One that waits, or a new one."""
        with self._lock:
            waiting = self._idle.pop() if self._idle else None
        return waiting or Process()

    def prepare(self, count: int) -> None:
        """Have so many wait: starting takes longer than what they may be asked."""
        with self._lock:
            missing = count - len(self._idle)
        with suppress(LibraryError):
            for _ in range(missing):
                self._add(Process(), 0)

    def give_back(self, process: Process) -> None:
        """Let it wait; for a moment only. It is the next to be taken, since it has started."""
        self._add(process, len(self._idle))

    def _add(self, process: Process, place: int) -> None:
        process.since = time.monotonic()
        with self._lock:
            self._idle.insert(place, process)
            if self._watched:
                return
            self._watched = True
        threading.Thread(target=self._watch, daemon=True).start()

    def end_all(self) -> None:
        """End those that wait."""
        with self._lock:
            ended, self._idle = self._idle, []
        for process in ended:
            process.end()

    def disown_all(self) -> None:
        """Forget those that wait: they are asked by the process that this one was forked from."""
        ended, self._idle = self._idle, []
        self._lock, self._watched = threading.Lock(), False
        for process in ended:
            process.disown()

    def _watch(self) -> None:
        """End who has waited too long, until nobody waits."""
        while True:
            time.sleep(TICK)
            with self._lock:
                late = [process for process in self._idle if time.monotonic() - process.since > IDLE]
                self._idle = [process for process in self._idle if process not in late]
                self._watched = bool(self._idle)
                watched = self._watched
            for process in late:
                process.end()
            if not watched:
                return


POOL = Pool()
atexit.register(POOL.end_all)
os.register_at_fork(after_in_child=POOL.disown_all)


def answers(asked: Question, patience: int) -> Iterator[tuple[bytes, Any]]:
    """The frames of an answer. Where a process ends that had served before, a new one is asked what is left.

    Raises:
        LibraryError: the library refuses the file, does not answer, or ends the process.
    """
    asked, whole, process = asked.copy(), True, POOL.take()
    while True:
        try:
            for kind, data in process.ask(asked, patience):
                whole = kind == END
                asked["start"] += whole
                yield kind, data
            POOL.give_back(process)
            return
        except DiedError:
            process.end()
            # an earlier file may have left its memory damaged
            if not process.used or not whole:
                raise
            process = Process()
        except BaseException:
            process.end()
            raise
