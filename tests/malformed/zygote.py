"""The real program, forked from a process that has imported everything: a hundred runs a second, each on its own.

Speaks JSON lines: `{"argv": [...], "stdin": path or null}` in, what became of the run out.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import TracebackType
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 10.0
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
    """A process from which runs are forked."""

    def __enter__(self) -> Zygote:
        command = [sys.executable, "-m", "tests.malformed.zygote"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.process.communicate()

    def run(self, *argv: object, stdin: Path | None = None) -> Outcome:
        """The program with these words; it is killed after six times the time that it may take."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {"argv": [*map(str, argv)], "stdin": None if stdin is None else str(stdin)}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return Outcome(*json.loads(self.process.stdout.readline()))


def serve() -> None:
    """Fork a run for each line of stdin."""
    _import_all()
    base = _peak(resource.getrusage(resource.RUSAGE_SELF))
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        for line in sys.stdin:
            asked = json.loads(line)
            code, seconds, used = _forked(asked, out, err)
            said = [path.read_bytes().decode(errors="replace") for path in (out, err)]
            print(json.dumps([code, *said, seconds, _peak(used) - base]), flush=True)


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
    # what is here is shared by all runs, for as long as no collector writes on it
    gc.collect()
    gc.freeze()


def _forked(asked: dict[str, Any], out: Path, err: Path) -> tuple[int, float, Any]:
    start = time.monotonic()
    child = os.fork()
    if not child:
        _become(asked, out, err)
    while True:
        ended, status, used = os.wait4(child, os.WNOHANG)
        seconds = time.monotonic() - start
        if ended:
            return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used
        if seconds > 6 * SECONDS:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)


def _become(asked: dict[str, Any], out: Path, err: Path) -> None:
    try:
        for number, place, how in (
            (0, asked["stdin"] or os.devnull, os.O_RDONLY),
            (1, out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            (2, err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        ):
            os.dup2(os.open(place, how, 0o600), number)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.argv = ["lossctl", *asked["argv"]]
        from lossctl.cli.main import main

        main()
    finally:
        os._exit(99)


def _peak(used: Any) -> float:
    return used.ru_maxrss / 1024  # type: ignore[no-any-return]


if __name__ == "__main__":
    serve()
