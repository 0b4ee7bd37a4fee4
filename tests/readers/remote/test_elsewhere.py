"""Places that cannot be reached, files that change while they are read, and calls that name no place."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pyarrow as pa
import pytest

from lossctl.errors import DataError
from lossctl.readers import files, remote
from tests.conftest import SAMPLES
from tests.far import closed_port, refused, surroundings


def test_hdfs_without_java_and_google_without_a_server_are_refused() -> None:
    env = surroundings(JAVA_HOME="/nowhere", HADOOP_HOME="/nowhere", CLASSPATH="")
    assert re.match(
        r"hdfs://127\.0\.0\.1:9/t\.csv: HDFS is reached through", refused("hdfs://127.0.0.1:9/t.csv", env=env)
    )
    settings = f"?endpoint_override=127.0.0.1:{closed_port()}&scheme=http&retry_limit_seconds=1"
    said = refused(f"gs://anonymous@data/t.csv{settings}", env=env)
    assert said.startswith(f"gs://anonymous@data/t.csv{settings}: Google Cloud says UNAVAILABLE: ")


class Held:
    """A place that holds one file, whose size may change between two looks."""

    def __init__(self, *contents: bytes) -> None:
        self.contents = list(contents)

    def found(self, key: str) -> remote.Found:
        return remote.Found(False, files.Facts(len(self.contents[0]), 1))

    def random_access(self, key: str) -> pa.NativeFile:
        return pa.BufferReader(self.contents[-1])

    sequential = random_access


@pytest.mark.parametrize("now", [b"label,pred\n1,2\n1,2\n", b"label,pred\n"])
def test_a_file_that_changes_is_noticed(monkeypatch: pytest.MonkeyPatch, now: bytes) -> None:
    held = Held(b"label,pred\n1,2\n", now)
    monkeypatch.setattr(remote, "_opened", lambda *parts: held)
    remote._found.cache_clear()
    reads: list[Callable[[], object]] = [
        lambda: files.random_access("held://x/t.csv"),
        lambda: remote.Stream("held://x/t.csv").read(100),
    ]
    for read in reads:
        with pytest.raises(DataError, match=r"held://x/t\.csv changed while it was read"):
            read()
    remote._found.cache_clear()


def test_a_local_call_loads_nothing_of_this() -> None:
    code = (
        "import sys, lossctl; lossctl.evaluate('samples/diabetes.csv', loss='mse')\n"
        "print(*(name for name in sys.modules if 'fsspec' in name or 'pyarrow.fs' in name or 'pyarrow._fs' in name "
        "or name.startswith('lossctl.readers.') and name.endswith(('remote', 'uri', 'reasons', '_store'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SAMPLES.parent)
    assert done.stdout == "\n"
