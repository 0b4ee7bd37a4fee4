"""The real program, forked from a process that has imported what it needs: each run a process of its own, soon begun.

Speaks JSON lines over a socket: `{"argv", "cwd", "env"}` in, with the run's stdin, stdout and stderr as descriptors;
out what became of it.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 10.0
# a run that hangs is killed
PATIENCE = 120.0
# a file without rows is read all right, and has no mean
NO_ROWS = "the denominator (rows) is 0"


class Outcome(NamedTuple):
    """A run: its exit code (minus a signal's number), both outputs, processor time, peak memory over the start's."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    megabytes: float

    def complaint(self, place: str) -> str | None:
        """What is wrong with it: a right answer or one sentence with exit code 2 is due, soon and in little memory.

        Args:
            place: what the sentence has to name.
        """
        if self.seconds > SECONDS:
            return f"took {self.seconds:.1f} s"
        if self.megabytes > 1000:
            return f"took {self.megabytes:.0f} MB"
        if self.code not in (0, 2):
            return f"exit code {self.code}: {self.stderr}"
        if "Traceback" in self.stderr or "internal error" in self.stderr:
            return f"no sentence: {self.stderr}"
        last = self.stderr.splitlines()[-1] if self.stderr else ""
        if self.code == 2 and place not in last and NO_ROWS not in last:
            return f"does not name {place}: {self.stderr}"
        if self.code == 0 and not self.stdout:
            return "says nothing"
        return None


class Zygote:
    """A process from which runs are forked.

    Args:
        everything: whether it imports all that any run may need; else what every run imports, so that a run still
            has to import all else itself.
    """

    def __init__(self, everything: bool = False) -> None:
        self.line, there = socket.socketpair()
        self.lock = threading.Lock()
        command = [sys.executable, "-m", "tests.zygote", str(there.fileno()), str(everything)]
        with there:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, pass_fds=[there.fileno()], cwd=ROOT, env=_surroundings()
            )

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self.line.close()
        self.process.wait()

    def run(
        self,
        *argv: object,
        stdin: IO[Any] | None = None,
        cwd: Path | str | None = None,
        env: Mapping[str, str] = os.environ,
    ) -> Outcome:
        """The program with these words, in the caller's folder and environment where no others are given."""
        asked = {"argv": [*map(str, argv)], "cwd": str(cwd or Path.cwd()), "env": dict(env)}
        with _said() as out, _said() as err, open(os.devnull, "rb") as nothing, self.lock:
            self._ask(json.dumps(asked).encode() + b"\n", [file.fileno() for file in (stdin or nothing, out, err)])
            code, seconds, megabytes = json.loads(_line(self.line, b""))
            out.seek(0)
            err.seek(0)
            return Outcome(code, out.read(), err.read(), seconds, megabytes)

    def _ask(self, line: bytes, descriptors: list[int]) -> None:
        sent = socket.send_fds(self.line, [line], descriptors)
        self.line.sendall(line[sent:])


def _surroundings() -> dict[str, str]:
    """What `main` says before numpy is imported, which is here before `main`."""
    return {"OPENBLAS_NUM_THREADS": "1", **os.environ}


def _said() -> IO[str]:
    return TemporaryFile("w+", encoding="utf-8", errors="replace")


def _line(connection: socket.socket, begun: bytes) -> bytes:
    """What comes up to the end of a line; nothing once the other end is closed."""
    while not begun.endswith(b"\n"):
        more = connection.recv(1 << 16)
        if not more:
            return b""
        begun += more
    return begun


def serve(connection: socket.socket, everything: bool) -> None:
    """Fork a run for each line that comes."""
    _import_all() if everything else _import_common()
    # what is here is shared by all runs, for as long as no collector writes on it
    gc.collect()
    gc.freeze()
    base = _peak(resource.getrusage(resource.RUSAGE_SELF))
    while True:
        begun, descriptors, _, _ = socket.recv_fds(connection, 1 << 16, 3)
        line = _line(connection, begun) if begun else b""
        if not line:
            return
        code, seconds, used = _forked(json.loads(line), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        connection.sendall(json.dumps([code, seconds, _peak(used) - base]).encode() + b"\n")


def _import_common() -> None:
    # no submodule of a library: a run that needs one has to import it
    for module in ("numpy", "pyarrow", "lossctl.cli.main", "lossctl.cli.program", "lossctl.evaluation.run"):
        import_module(module)


def _import_all() -> None:
    for module in (
        "openpyxl",
        "pandas",
        "pyarrow.dataset",
        "pyarrow.json",
        "pyarrow.orc",
        "pyarrow.parquet",
        "pyarrow.csv",
    ):
        import_module(module)
    import lossctl

    # every module of ours, so that no run has to
    for found in walk_packages(lossctl.__path__, "lossctl."):
        if not found.name.endswith("__main__"):
            import_module(found.name)
    # kernels are loaded, or compiled once
    lossctl.evaluate(labels=[0, 1], preds=[[0.5, 0.5], [0.5, 0.5]], loss="scce")


def _forked(asked: dict[str, Any], descriptors: list[int]) -> tuple[int, float, Any]:
    start = time.monotonic()
    child = os.fork()
    if not child:
        _become(asked, descriptors)
    while True:
        ended, status, used = os.wait4(child, os.WNOHANG)
        seconds = time.monotonic() - start
        if ended:
            return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used
        if seconds > PATIENCE:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)


def _become(asked: dict[str, Any], descriptors: list[int]) -> None:
    try:
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["env"])
        sys.path[0] = asked["cwd"]
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.argv = ["lossctl", *asked["argv"]]
        from lossctl.cli.main import main

        main()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(1)


def _peak(used: Any) -> float:
    return used.ru_maxrss / 1024  # type: ignore[no-any-return]


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2] == "True")
