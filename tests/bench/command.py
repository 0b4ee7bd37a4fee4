"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

from tests.bench import __doc__ as about
from tests.bench import report
from tests.bench.measure import Measured, measure, present
from tests.bench.phases import PhaseError, phases, tells_timings
from tests.bench.processes import ROOT
from tests.bench.tasks import OURS, TASKS, TOOLS, Task

OUR_LIBRARIES = ("lossctl", "numpy", "pyarrow", "pandas", "numba", "llvmlite", "typer", "rich")
DONE, WRONG, USAGE = 0, 1, 2
# what was found, as data, and what is wrong with it
Findings: TypeAlias = tuple[dict[str, Any], list[str]]


def main(words: Sequence[str]) -> int:
    """Run what was asked for; 1 if anything failed or values differ."""
    options = parser().parse_args(words)
    hold(options.cpus)
    if options.kernels:
        document, complaints = run_kernels(options.rounds, options.scale)
    else:
        tasks = [TASKS[name] for name in dict.fromkeys(options.task or TASKS)]
        # children run from the project's root
        options.data = (options.data or default_folder(options.scale)).resolve()
        if not make_files(options.data, options.scale, tasks):
            return USAGE
        document, complaints = (run_phases if options.profile else run_tasks)(options, tasks)
    if options.json:
        asked = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
        around = {"machine": machine(), "versions": versions(), "asked": asked, "complaints": complaints}
        write_json(options.json, around | document)
    for complaint in complaints:
        say(f"WRONG: {complaint}")
    return WRONG if complaints else DONE


def parser() -> argparse.ArgumentParser:
    """What may be asked for."""
    made = argparse.ArgumentParser(prog="python -m tests.bench", description=about)
    add = made.add_argument
    add("--data", type=Path, metavar="DIR", help="where the files are or are made; else in the user's cache")
    add("--scale", type=positive, default=1.0, help="files of so many times their usual rows")
    add("--rounds", type=count, default=7, help="counted rounds, after one that warms up (7)")
    add("--task", action="append", choices=TASKS, help="this task alone; repeatable")
    add("--tool", action="append", choices=(OURS, *TOOLS), help="lossctl against this one alone; repeatable")
    add("--cpus", type=count, default=2, help="hold all processes to so many processors (2, or as many as there are)")
    add("--peer-python", type=executable, default=sys.executable, metavar="PATH", help="the Python that has the peers")
    add("--json", type=Path, metavar="FILE", help="write all that was measured")
    modes = made.add_mutually_exclusive_group()
    modes.add_argument("--profile", action="store_true", help="where lossctl's time goes")
    modes.add_argument("--kernels", action="store_true", help="kernels on arrays, against PyTorch in this Python")
    return made


def positive(text: str) -> float:
    """A number above 0."""
    if not (number := float(text)) > 0:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def count(text: str) -> int:
    """A number of things, at least one."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def hold(cpus: int) -> None:
    """Hold this process, and so its children, to a few processors."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cpus])


def default_folder(scale: float) -> Path:
    """Where files are kept when nobody says: in the user's cache, a folder for each scale."""
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        cache = Path(tempfile.gettempdir())
    if not os.access(cache, os.W_OK):
        cache = Path(tempfile.gettempdir())
    folder = cache / "lossctl-bench"
    return folder if scale == 1 else folder / f"scale-{scale:g}"


def make_files(folder: Path, scale: float, tasks: Sequence[Task]) -> bool:
    """Make what the tasks need and is not there; whether all of it is there now."""
    names = dict.fromkeys(name for task in tasks for name in task.files)
    command = [sys.executable, "-m", "tests.bench.data", str(folder), str(scale), *names]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def run_tasks(options: argparse.Namespace, tasks: Sequence[Task]) -> Findings:
    """Everybody's whole processes."""
    chosen = [name for name in TOOLS if name in (options.tool or TOOLS)]
    tools = present(chosen, options.peer_python)
    measured: list[Measured] = []
    for task in tasks:
        say(f"{task.name}: a round to warm up, {options.rounds} to count")
        measured.append(measure(task, options.data, tools, options.rounds))
    report.show(report.tables(measured, tools))
    for line in report.missing(tools):
        say(line)
    document = {
        "tools": {name: asdict(tool) for name, tool in tools.items()},
        "tasks": {one.task.name: report.document(one) for one in measured},
    }
    return document, [f"{one.task.name}: {complaint}" for one in measured for complaint in one.complaints.values()]


def run_phases(options: argparse.Namespace, tasks: Sequence[Task]) -> Findings:
    """Where lossctl's time goes."""
    timings = tells_timings()
    try:
        found = [phases(task, options.data, options.rounds, timings) for task in tasks]
    except PhaseError as error:
        return {}, [str(error)]
    report.show([report.phase_table(found)])
    if not timings:
        say("lossctl eval has no --timings: imports alone are known")
    return {"phases": {one.task: asdict(one) for one in found}}, []


def run_kernels(repeats: int, scale: float) -> Findings:
    """Kernels on arrays, in this process."""
    # they bring numpy, which the other modes' parent does without
    from tests.bench import kernels

    torch = kernels.one_thread_of_torch()
    timed = [kernels.measure(case, repeats, torch, round(kernels.ELEMENTS * scale)) for case in kernels.CASES]
    report.show([kernels.kernel_table(timed, torch is not None)])
    if torch is None:
        say("torch: not installed in this Python")
    document = {one.case.name: kernels.document(one) for one in timed}
    return {"torch": torch and torch.__version__, "kernels": document}, [c for one in timed for c in one.complaints]


def executable(name: str) -> str:
    """A Python's whole path; not where a link leads, which would be out of its venv."""
    if not (found := shutil.which(name)):
        raise argparse.ArgumentTypeError(f"{name} is no program")
    return os.path.abspath(found)


def machine() -> dict[str, Any]:
    """What it was measured on."""
    return {
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
        "cpus_used": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
    }


def cpu_model() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def versions() -> dict[str, str | None]:
    """lossctl's, and those of what it stands on."""
    return {name: installed(name) for name in OUR_LIBRARIES}


def installed(name: str) -> str | None:
    """A library's version, without importing it."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Replace the file in one step."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(path)


def say(line: str) -> None:
    """A line for people."""
    print(line, file=sys.stderr, flush=True)
