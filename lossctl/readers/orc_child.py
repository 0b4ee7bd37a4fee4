"""The process in which ORC files are decoded; `orc_calls` starts it, asks it and outlives it.

It imports as little as it can. A request is a line of JSON on stdin; an answer is frames on stdout, each a kind, a
length and so many bytes: READY once, then for each request CONTENTS, or PIECEs with an END a stripe; or one ERROR.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from lossctl.errors import DataError
from lossctl.readers.files import located, random_access

if TYPE_CHECKING:
    import pyarrow as pa

READY, CONTENTS, PIECE, END, ERROR = b"R", b"C", b"P", b"E", b"X"
FRAME = struct.Struct("<cQ")
# stripes and rows, before the schema
COUNTS = struct.Struct("<qq")
# bytes of a piece, which has one batch of rows at least
PIECE_BYTES = 1 << 22
# what pyarrow imports where it can, and ORC makes no use of
SPARE = ("numpy", "cloudpickle")
WHOLE = "whole"


class Question(TypedDict):
    """A request: the stripes from `start` to `stop`, or what the footer says where there are no `names`.

    `path` is the whole URI or an absolute path, `size` and `changed` its state; `rows` go into a batch; `memory` is in
    bytes, `seconds` are the processor's.
    """

    path: str
    size: int
    changed: int
    names: list[str] | None
    start: int
    stop: int
    rows: int
    memory: int
    seconds: int


class Opened(NamedTuple):
    """The file of the last request."""

    state: tuple[str, int, int]
    file: pa.NativeFile
    reader: Any


class Server:
    """Answers until its stdin ends."""

    def __init__(self, answers: int) -> None:
        self.answers = open(answers, "wb")  # noqa: SIM115
        self.opened: Opened | None = None

    def answer(self, asked: Question) -> None:
        """All frames of an answer; whatever the library raises is one of them."""
        try:
            _limit(asked["memory"], asked["seconds"])
            if asked["names"] is None:
                self.send(CONTENTS, contents(self._reader(asked)))
            else:
                self._send_stripes(self._reader(asked), asked)
        except MemoryError:
            self.send(ERROR, f"it takes more than {asked['memory'] >> 20:,} MiB of memory".encode())
        except BrokenPipeError:
            os._exit(0)
        except Exception as error:
            self.send(ERROR, (str(error) or type(error).__name__).encode(errors="replace"))

    def send(self, kind: bytes, data: Any = b"") -> None:
        """One frame."""
        view = memoryview(data).cast("B")
        self.answers.write(FRAME.pack(kind, len(view)))
        self.answers.write(view)
        self.answers.flush()

    def _send_stripes(self, reader: Any, asked: Question) -> None:
        for stripe in range(asked["start"], asked["stop"]):
            for piece in pieces(reader.read_stripe(stripe, columns=asked["names"]), asked["rows"]):
                self._send_piece(piece)
            self.send(END)

    def _send_piece(self, piece: pa.RecordBatch) -> None:
        """A frame that is written from where the values lie."""
        import pyarrow as pa

        counted = pa.MockOutputStream()
        _write(counted, piece)
        self.answers.write(FRAME.pack(PIECE, counted.size()))
        _write(pa.PythonFile(self.answers, "w"), piece)
        self.answers.flush()

    def _reader(self, asked: Question) -> Any:
        from pyarrow import orc

        state = asked["path"], asked["size"], asked["changed"]
        if self.opened is None or self.opened.state != state:
            self.opened = None
            file = random_access(located(asked["path"]))
            if file.size() != asked["size"]:
                raise DataError(f"it changed while it was read: {asked['size']:,} bytes, then {file.size():,}")
            self.opened = Opened(state, file, orc.ORCFile(file))
        return self.opened.reader


def contents(reader: Any) -> bytes:
    """How many stripes and rows there are, and the schema."""
    schema = reader.schema.remove_metadata().serialize()
    return b"".join((COUNTS.pack(reader.nstripes, reader.nrows), schema))


def pieces(batch: pa.RecordBatch, rows: int) -> Iterator[pa.RecordBatch]:
    """A batch in some of bounded size, of a multiple of so many rows each."""
    batch = batch.replace_schema_metadata(None)
    most = rows * max(1, PIECE_BYTES * batch.num_rows // max(batch.nbytes, 1) // rows)
    for at in range(0, batch.num_rows, most):
        yield batch.slice(at, most)


def _write(sink: pa.NativeFile, batch: pa.RecordBatch) -> None:
    import pyarrow as pa

    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)


def _limit(memory: int, seconds: int) -> None:
    """Bound the process's own memory, files that are mapped apart, and the time that its next answer takes."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(used.ru_utime + used.ru_stime)
    for kind, most in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_CPU, spent + seconds)):
        hard = resource.getrlimit(kind)[1]
        # a system that knows no such limit
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _listen(waiting: SimpleQueue[Question]) -> None:
    """Hand on what is asked; when who asks has gone, go too, whatever the library is at."""
    with open(0, "rb", closefd=False) as requests:
        for line in requests:
            waiting.put(json.loads(line))
    os._exit(0)


def _import() -> None:
    # the standard allocator gives back what it has been given, and reserves nothing
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
    blocked = [name for name in SPARE if name not in sys.modules and sys.argv[-1] != WHOLE]
    sys.modules.update(dict.fromkeys(blocked))  # type: ignore[arg-type]
    try:
        import pyarrow.orc  # noqa: F401
    except ImportError:
        if not blocked:
            raise
        # before version 18, numpy has to be there: begin again
        os.execv(sys.executable, [*sys.orig_argv, WHOLE])
    for name in blocked:
        del sys.modules[name]


def serve() -> None:
    """Answer requests for as long as there is anyone to ask."""
    # a crash is expected: no dump of it
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    _import()
    # what a library prints is no answer
    server = Server(os.dup(1))
    os.dup2(2, 1)
    server.send(READY)
    waiting: SimpleQueue[Question] = SimpleQueue()
    threading.Thread(target=_listen, args=(waiting,), daemon=True).start()
    while True:
        server.answer(waiting.get())
