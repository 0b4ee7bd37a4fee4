"""The program's start and end: the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
from typing import Any, NoReturn

from lossctl import timing
from lossctl.catalogue.own import load_functions
from lossctl.cli.eval import eval_command
from lossctl.cli.flag import plain_call
from lossctl.cli.flags import given
from lossctl.cli.surroundings import say
from lossctl.errors import LossctlError

INTERRUPTED = 130
# what a call may start with that needs no loss's flags
WITHOUT_FLAGS = (
    "losses",
    "inspect",
    "total",
    "run",
    "verify",
    "merge",
    "warm",
    "cache",
    "--help",
    "-h",
    "--version",
    "-V",
)
COMPLETING = "_LOSSCTL_COMPLETE" in os.environ


def main() -> None:
    """Run the program and end the process with its exit code."""
    timing.ended("start")
    # imports make many objects and no garbage: the collector would look at them all, over and over
    gc.set_threshold(100_000, 50, 100)
    # numpy's linear algebra, of which nothing here makes use, would start threads that spin
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    debug = "--debug" in sys.argv[1:]
    sys.argv[1:] = [word for word in sys.argv[1:] if word != "--debug"]
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    code = 0
    try:
        code = _run()
        sys.stdout.flush()
    except BrokenPipeError:
        # whoever read has left: nothing more to say, also not at exit; what was judged before stands
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as ended:
        # by a signal; a thread may be waiting for stdin, which would hold up the interpreter's own end
        code = ended.code if isinstance(ended.code, int) else 1
    except Exception as error:
        if debug:
            raise
        code = _explain(error)
    _leave(code)


def _leave(code: int) -> NoReturn:
    """End the process at once: taking down the interpreter and its libraries costs a tenth of a small run."""
    scratch = sys.modules.get("lossctl.readers.scratch")
    if scratch is not None:
        scratch.remove_all()
    try:
        sys.stderr.flush()
    finally:
        os._exit(code)


def _run() -> int:
    for place in given(sys.argv[1:], "--functions"):
        load_functions(place)
    if sys.argv[1:2] == ["eval"] and not COMPLETING:
        arguments = plain_call(eval_command, sys.argv[2:])
        if arguments is not None:
            return eval_command(**arguments)
    if sys.argv[1:2] == ["compare"] and not COMPLETING:
        from lossctl.cli.compare import compare_command

        arguments = plain_call(compare_command, sys.argv[2:])
        if arguments is not None:
            return compare_command(**arguments)
    if sys.argv[1:2] == ["inspect"] and not COMPLETING:
        from lossctl.cli.inspect import inspect_command

        arguments = plain_call(inspect_command, sys.argv[2:])
        if arguments is not None:
            inspect_command(**arguments)
            return 0
    elsewhere = sys.argv[1:2] in ([], *([word] for word in WITHOUT_FLAGS))
    from lossctl.cli.program import program

    code: Any = program(None if COMPLETING else [] if elsewhere else sys.argv[1:])(standalone_mode=False)
    return code if isinstance(code, int) else 0


def _explain(error: Exception) -> int:
    """Say an error in one line; the exit code."""
    if isinstance(error, LossctlError):
        # names of columns may hold what breaks a line, or steers a terminal
        say(re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", "?", f"lossctl: {error}"))
        return error.exit_code
    if "typer" in sys.modules:
        from lossctl.cli.program import explained

        code = explained(error)
        if code is not None:
            return code
    if isinstance(error, OSError):
        say(f"lossctl: {error.strerror or error}")
        return 2
    say(f"lossctl: internal error ({type(error).__name__}); --debug shows where")
    return 2
