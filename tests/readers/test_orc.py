"""ORC: every type's values, and a library that crashes, hangs or grows, in a process that leaves nothing behind."""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

import lossctl
from lossctl.errors import DataError
from lossctl.readers import batches, orc_calls
from lossctl.readers import orc as orc_room
from lossctl.readers.orc import OrcSource
from tests.conftest import ROOT, program

ROWS = 9_000
RNG = np.random.default_rng(3)
NUMBERS = pa.table({"label": RNG.integers(0, 2, ROWS), "pred": RNG.random(ROWS), "other": RNG.random(ROWS)})
CRASH = "os.kill(os.getpid(), signal.SIGSEGV)"


@pytest.fixture(autouse=True)
def pool() -> Iterator[None]:
    """No process from before, and none for after."""
    orc_calls.POOL.end_all()
    yield
    orc_calls.POOL.end_all()
    assert gone(processes())


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """A file of several stripes."""
    path = tmp_path / "t.orc"
    orc.write_table(NUMBERS, path, stripe_size=4096, batch_size=1000)
    assert orc.ORCFile(path).nstripes > 3
    return path


def processes(parent: int | None = None) -> list[int]:
    """The processes that decode ORC for one, or for this one, dead ones that nobody has asked for included."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if int(state[1]) == (parent or os.getpid()) and (b"orc_child" in command or state[0] == "Z"):
            found.append(int(folder.name))
    return found


def gone(numbers: list[int]) -> bool:
    """Whether processes end soon; one that is dead and was not asked for by its parent has not."""
    ends = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{number}") for number in numbers) and time.monotonic() < ends:
        time.sleep(0.02)
    return not any(os.path.exists(f"/proc/{number}") for number in numbers)


def values(path: Path, *names: str) -> dict[str, list[Any]]:
    source, found = OrcSource(str(path)), {name: [] for name in names}
    for unit in source.units(0):
        for chunk in source.read(unit, names, 700):
            assert chunk.rows <= 700
            assert list(chunk.values) == list(names)
            for name in names:
                found[name] += chunk.values[name].to_pylist()
    return found


def broken(monkeypatch: pytest.MonkeyPatch, where: str, how: str) -> None:
    """Let the process do something else where it would answer."""
    change = f"""
import os, signal, time
from lossctl.readers import orc_child
right = orc_child.{where}
def wrong(*given):
    {how}
    return right(*given)
orc_child.{where} = wrong
serve()
"""
    monkeypatch.setattr(orc_calls, "BOOT", orc_calls.BOOT.replace("serve()\n", change))


def test_values_of_every_type(tmp_path: Path) -> None:
    table = pa.table(
        {
            "byte": pa.array([1, None, -128], pa.int8()),
            "long": [2**63 - 1, None, -(2**63)],
            "single": pa.array([0.5, None, float("inf")], pa.float32()),
            "double": [0.1, None, -0.0],
            "bool": [True, None, False],
            "text": ["a\0b", None, "žluťoučký"],
            "money": pa.array([Decimal("1.25"), None, Decimal("-0.01")], pa.decimal128(9, 2)),
            "day": [datetime.date(1969, 12, 31), None, datetime.date(2024, 2, 29)],
            "list": [[1.0, None], None, []],
            "inner": [{"x": 1, "y": "b"}, None, {"x": None, "y": "c"}],
            "bytes": [b"\xff", None, b""],
        }
    )
    orc.write_table(table, tmp_path / "t.orc")
    plain = [name for name in table.column_names if name != "inner"]
    found = values(tmp_path / "t.orc", *plain, "inner.x", "inner.y")
    assert {name: found[name] for name in plain} == table.select(plain).to_pydict()
    assert (found["inner.x"], found["inner.y"]) == ([1, None, None], ["b", None, "c"])
    assert str(found["double"][2]) == "-0.0"
    kinds = {info.name: info.kind for info in OrcSource(str(tmp_path / "t.orc")).columns()}
    assert [kinds[name] for name in ("byte", "double", "text", "list", "inner.y")] == [
        "integer",
        "float",
        "string",
        "list",
        "string",
    ]


def test_several_stripes_in_order(several: Path) -> None:
    assert values(several, "other", "label") == NUMBERS.select(["other", "label"]).to_pydict()
    assert OrcSource(str(several)).rows == ROWS


@pytest.mark.parametrize("threads", [1, 4])
def test_the_same_bits_as_parquet(several: Path, tmp_path: Path, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "UNIT_ROWS", 1000)
    pq.write_table(NUMBERS, tmp_path / "t.parquet")
    assert len(OrcSource(str(several)).units(0)) > 3
    found = [lossctl.evaluate(tmp_path / name, loss="bce", threads=threads).value for name in ("t.orc", "t.parquet")]
    assert found[0] == found[1]


def test_a_process_serves_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orc_calls, "IDLE", 60.0)
    paths = [tmp_path / f"{i}.orc" for i in range(4)]
    for i, path in enumerate(paths):
        orc.write_table(pa.table({"x": [i]}), path)
    seen = set()
    for i, path in enumerate(paths):
        assert values(path, "x") == {"x": [i]}
        seen |= set(processes())
    assert len(seen) == 1


def test_a_process_ends_when_nobody_asks(several: Path) -> None:
    assert OrcSource(str(several)).rows == ROWS
    assert orc_calls.POOL._idle
    assert gone(processes())
    assert orc_calls.POOL._idle == []


def test_who_leaves_early_leaves_no_process(several: Path) -> None:
    source = OrcSource(str(several))
    assert source.rows == ROWS
    reading = source.read(source.units(0)[0], ["pred"], 10)
    assert next(reading).rows == 10
    assert len(processes()) == 1
    reading.close()
    assert processes() == []


def test_a_forked_process_starts_its_own(several: Path) -> None:
    source = f"import sys; sys.path.insert(0, {str(ROOT)!r})"
    code = f"""{source}
import os
from lossctl.readers.orc import OrcSource
from lossctl.readers import orc_calls
orc_calls.IDLE = 60
source = OrcSource({str(several)!r})
source.columns()
(one,) = orc_calls.POOL._idle
child = os.fork()
if not child:
    assert orc_calls.POOL._idle == [] and one._requests.closed
    (unit,) = source.units(0)
    rows = sum(chunk.rows for chunk in source.read(unit, ["pred"], 100))
    orc_calls.POOL.end_all()
    os._exit(0 if rows == {ROWS} else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
(unit,) = source.units(0)
assert sum(chunk.rows for chunk in source.read(unit, ["pred"], 100)) == {ROWS}
assert orc_calls.POOL._idle == [one]
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_crash_is_a_sentence(several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, "pieces", f"given[0].num_rows and {CRASH}")
    with pytest.raises(DataError) as caught:
        values(several, "pred")
    assert str(caught.value) == f"{several}: stripe 0 cannot be decoded: the ORC library crashes on it"
    assert processes() == []
    monkeypatch.undo()
    assert values(several, "pred") == NUMBERS.select(["pred"]).to_pydict()


def test_a_crash_names_its_stripe(several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "UNIT_ROWS", ROWS)
    broken(monkeypatch, "pieces", f"globals()['n'] = globals().get('n', 0) + 1; n == 3 and {CRASH}")
    # the process that told the schema is not to blame; the next, which counts from one again, ends too
    with pytest.raises(DataError, match=r"stripe [24] cannot be decoded: the ORC library crashes on it"):
        values(several, "pred")


def test_the_footer_may_crash_it(several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, "contents", CRASH)
    with pytest.raises(DataError) as caught:
        OrcSource(str(several)).columns()
    assert str(caught.value) == f"{several}: not a whole ORC file: the ORC library crashes on it"


def test_what_served_before_is_not_believed(several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # a process that breaks at its second answer: the file is sound, and a new process reads it
    broken(monkeypatch, "Server.answer", f"globals()['n'] = globals().get('n', 0) + 1; n == 2 and {CRASH}")
    assert OrcSource(str(several)).rows == ROWS
    assert values(several, "label") == NUMBERS.select(["label"]).to_pydict()


def test_a_hang_is_a_sentence(several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orc_room, "PATIENCE", 1)
    broken(monkeypatch, "pieces", "time.sleep(60)")
    begun = time.monotonic()
    with pytest.raises(DataError, match="stripe 0 cannot be decoded: the ORC library gives no answer in 1 seconds"):
        values(several, "pred")
    assert time.monotonic() - begun < 10
    assert processes() == []


def test_growth_is_a_sentence(several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, "pieces", "bytearray(3 << 30)")
    with pytest.raises(DataError, match=r"stripe 0 cannot be decoded: it takes more than \d+ MiB of memory$"):
        values(several, "pred")


def test_an_answer_that_is_none(several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, "Server._send_piece", "given[0].answers.write(b'?' * 99); given[0].answers.flush()")
    with pytest.raises(DataError, match="stripe 0 cannot be decoded: the ORC library crashes on it"):
        values(several, "pred")
    broken(monkeypatch, "_write", "given[0].write(b'?' * 99)")
    with pytest.raises(DataError, match="stripe 0 cannot be decoded: "):
        values(several, "pred")


def test_a_process_that_does_not_start(several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orc_calls, "BOOT", "raise SystemExit(1)")
    with pytest.raises(DataError, match=r"the process for it, .*python.*, does not start"):
        OrcSource(str(several)).columns()
    monkeypatch.setattr(orc_calls, "command", lambda: ["/nowhere/python"])
    with pytest.raises(DataError, match="no process can be started for it: No such file or directory"):
        OrcSource(str(several)).columns()


def test_damage_that_the_library_sees(several: Path) -> None:
    data = several.read_bytes()
    several.write_bytes(data[:100] + bytes(3000) + data[3100:])
    done = program("eval", several, "--loss", "bce")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"lossctl: {several}: stripe 0 cannot be decoded: ")
    several.write_bytes(data[:-9])
    done = program("eval", several, "--loss", "bce")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"lossctl: {several}: not a whole ORC file: ")


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "t.orc"
    orc.write_table(pa.table({"text": ["abcdefgh"], "number_": [1.0]}), path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"abcdefgh", b"abc\xffefgh"))
    with pytest.raises(DataError, match=r"stripe 0 cannot be decoded: .*UTF8"):
        values(path, "text")
    assert values(path, "number_") == {"number_": [1.0]}
    path.write_bytes(data.replace(b"number_", b"numb\xffr_"))
    with pytest.raises(DataError, match="not UTF-8"):
        OrcSource(str(path)).columns()


def test_a_path_that_only_this_process_knows(several: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(several.parent)
    assert OrcSource("t.orc").rows == ROWS
    with several.open("rb") as file:
        assert values(Path(f"/dev/fd/{file.fileno()}"), "pred") == NUMBERS.select(["pred"]).to_pydict()


def test_a_file_that_changes(several: Path) -> None:
    source = OrcSource(str(several))
    (unit,) = source.units(0)[:1]
    asked = orc_room.question(str(several), orc_room.facts(str(several)), 0)
    orc_calls.POOL.end_all()
    several.write_bytes(several.read_bytes() + b"more")
    with pytest.raises(orc_calls.LibraryError, match="it changed while it was read"):
        list(orc_calls.answers(asked, 8))
    with pytest.raises(DataError, match="not a whole ORC file"):
        list(source.read(unit, ["pred"], 100))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_when_the_program_ends_amid_an_answer(several: Path, number: int) -> None:
    change = """
from lossctl.readers import orc_child
def endless(reader):
    while True:
        pass
orc_child.contents = endless
serve()
"""
    code = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from lossctl.readers import orc_calls
orc_calls.BOOT = orc_calls.BOOT.replace("serve()\\n", {change!r})
sys.argv[1:] = ["eval", {str(several)!r}, "--loss", "bce"]
from lossctl.cli.main import main
main()
"""
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as run:
        ends = time.monotonic() + 20
        while not (held := processes(run.pid)) and time.monotonic() < ends:
            time.sleep(0.02)
        time.sleep(0.3)
        run.send_signal(number)
        assert run.stderr is not None
        assert "Traceback" not in run.stderr.read()
    assert run.returncode == (130 if number == signal.SIGINT else -number)
    assert len(held) == 1
    assert gone(held)


def test_threads_have_processes_of_their_own(several: Path) -> None:
    source = OrcSource(str(several))
    (unit,) = source.units(0)
    found: list[int] = []

    def read() -> None:
        found.append(sum(chunk.rows for chunk in source.read(unit, ["pred"], 100)))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [ROWS] * 3
