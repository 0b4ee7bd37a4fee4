"""The program's first lines: numpy's and Arrow's libraries are read in the background while the call is taken apart.

To map them takes as long as all of Python's own start-up, and the interpreter is free meanwhile. Nothing is imported
here: a call that turns out to need neither has lost nothing but the other processor's time.
"""

from __future__ import annotations

import sys
from _thread import start_new_thread

# the commands that read data
READING = ("eval", "total", "run", "inspect")
# package to the extension module that brings its libraries with it
HEAVY = {"numpy": ("_core", "_multiarray_umath."), "pyarrow": ("", "lib.")}


def main() -> None:
    """Run the program."""
    words = sys.argv[1:]
    if sys.platform == "linux" and words[:1] in [[word] for word in READING] and not {"-h", "--help"} & set(words):
        start_new_thread(_read_libraries, ())
    from lossctl.cli.main import main

    main()


def _read_libraries() -> None:
    try:
        import os
        from _ctypes import dlopen
        from importlib.machinery import PathFinder

        for package, (folder, start) in HEAVY.items():
            found = PathFinder.find_spec(package)
            if found is None or found.origin is None:
                return
            home = os.path.join(os.path.dirname(found.origin), folder)
            for name in os.listdir(home):
                if name.startswith(start) and name.endswith(".so"):
                    dlopen(os.path.join(home, name), 0)
    except (ImportError, OSError):
        # whoever imports them will say what is wrong
        return
