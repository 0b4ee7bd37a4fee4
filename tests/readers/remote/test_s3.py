"""Files of S3: the values of the disk, only the bytes that are needed, and sentences in bounded time."""

from __future__ import annotations

import importlib.util
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import program
from tests.far import ROWS, closed_port, evaluated, refused, surroundings

needs_moto = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("moto", "boto3", "flask"))),
    reason="an S3 server on loopback is moto's: pip install 'moto[server]'",
)
SERVE = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
FILL = """
import sys, pathlib, boto3
client = boto3.client("s3")
client.create_bucket(Bucket="data")
for file in pathlib.Path(sys.argv[1]).iterdir():
    client.put_object(Bucket="data", Key=f"in/{file.name}", Body=file.read_bytes())
body = pathlib.Path(sys.argv[1], "t.csv").read_bytes()
client.put_object(Bucket="data", Key="odd/a b%20[1]?.csv", Body=body)
client.put_object(Bucket="data", Key="odd/deep/er/t.csv", Body=body, ACL="public-read")
"""


@pytest.fixture(scope="module")
def s3(folder: Path) -> Iterator[dict[str, str]]:
    """The environment in which a bucket `data` holds the files."""
    command = [sys.executable, "-W", "ignore", "-c", SERVE]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=surroundings()) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        env = surroundings(
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
            AWS_DEFAULT_REGION="us-east-1",
            AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        )
        subprocess.run([sys.executable, "-W", "ignore", "-c", FILL, str(folder)], env=env, check=True, timeout=60)
        yield env
        server.kill()


def endpoint(env: dict[str, str]) -> str:
    return env["AWS_ENDPOINT_URL"].removeprefix("http://")


@needs_moto
def test_s3_gives_the_values_of_the_disk(s3: dict[str, str], expected: float) -> None:
    here, creds = "s3://data/in", f"?endpoint_override={endpoint(s3)}&scheme=http&region=us-east-1"
    calls: list[dict[str, Any]] = [
        {"data": f"{here}/{name}"} for name in ("t.parquet", "t.csv", "t.csv.gz", "t.npz", "t.orc")
    ]
    calls.append({"data": [f"{here}/t.parquet"], "threads": 4})
    calls.append({"labels": f"{here}/y.npy", "preds": f"{here}/p.npy"})
    calls.append({"data": "s3://data/odd/a b%20[1]?.csv"})
    calls.append({"data": f"s3a://KEY:SECRET@data/in/t.parquet{creds}"})
    calls.append({"data": f"s3://KEY:SECRET@data/in/t.orc{creds}"})
    calls.append({"labels": f"s3://KEY:SECRET@data/in/y.npy{creds}", "preds": f"s3://KEY:SECRET@data/in/p.npy{creds}"})
    calls.append({"data": "s3://anonymous@data/odd/deep/er/t.csv"})
    assert evaluated(calls, s3) == [expected] * len(calls)


@needs_moto
def test_the_program_reads_s3_and_leaves_no_copy(s3: dict[str, str], expected: float, tmp_path: Path) -> None:
    env = {**s3, "TMPDIR": str(tmp_path)}
    flags = ["-y", "s3://data/in/y.npy", "-p", "s3://data/in/p.npy", "-l", "mse", "--json"]
    done = program("eval", *flags, env=env)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["results"][0]["value"] == expected
    assert document["inputs"][0]["path"] == "s3://data/in/y.npy, s3://data/in/p.npy"
    assert list(tmp_path.iterdir()) == []


@needs_moto
def test_credentials_are_not_shown(s3: dict[str, str]) -> None:
    settings = f"?endpoint_override={endpoint(s3)}&scheme=http"
    folder = "s3://HEMLICH:GEH%2FEIM@data/in"
    for words in (["--json"], []):
        done = program("eval", f"{folder}/t.csv{settings}", "-l", "mse", *words, env=s3)
        assert done.returncode == 0, done.stderr
        assert not re.search("HEMLICH|GEH", done.stdout + done.stderr)
        if words:
            assert json.loads(done.stdout)["inputs"][0]["path"] == f"s3://***@data/in/t.csv{settings}"
    for name in ("nope.csv", "empty.csv"):
        said = refused(f"{folder}/{name}{settings}", env=s3)
        assert said.startswith(f"s3://***@data/in/{name}{settings}")
        assert not re.search("HEMLICH|GEH", said)


@needs_moto
def test_s3_refuses_in_a_sentence(s3: dict[str, str]) -> None:
    calls = [
        {"data": "s3://data/in/nope.csv"},
        {"data": "s3://nobucket/nope.csv"},
        {"data": "s3://data/in"},
        {"data": "s3://data/in/empty.csv"},
        {"data": "s3://anonymous@data/in/t.csv"},
        {"data": "s3:///t.csv"},
        {"data": "s3://data/t.csv?colour=red"},
        {"labels": "s3://data/in/nope.npy", "preds": "s3://data/in/p.npy"},
    ]
    sentences = [
        "s3://data/in/nope.csv: no such file or directory",
        "s3://nobucket: no such bucket",
        "s3://data/in holds files of several formats (csv, npy, npz, orc, parquet, safetensors); say which by a "
        "quoted glob",
        "s3://data/in/empty.csv is empty",
        "s3://anonymous@data/in/t.csv: access is denied; check AWS_PROFILE or AWS_ACCESS_KEY_ID, or write "
        "s3://anonymous@BUCKET/...",
        "s3:/// names no bucket, expected s3://BUCKET/KEY",
        "s3://data/t.csv?colour=red: Unexpected query parameter in S3 URI: 'colour'",
        "s3://data/in/nope.npy: no such file or directory",
    ]
    assert evaluated(calls, s3) == [f"DataError: {sentence}" for sentence in sentences]
    assert refused("s3://data/in/nope.csv", env=s3) == sentences[0]


def test_a_dead_s3_is_given_up(tmp_path: Path) -> None:
    env = surroundings(
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_ENDPOINT_URL_S3=f"http://127.0.0.1:{closed_port()}",
    )
    said = refused("s3://data/t.csv", env=env)
    assert re.fullmatch(
        r"s3://data/t\.csv: 3 attempts failed, the last with: NETWORK_CONNECTION: Failed to connect to .*", said
    )


class Relay:
    """Passes bytes between its port and another, and counts those that come back; after `limit` of them it is gone."""

    def __init__(self, port: int, limit: int = 1 << 40) -> None:
        self.port, self.limit, self.count, self.lock = port, limit, 0, threading.Lock()
        self.listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listening.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.port))
            threading.Thread(target=self._pass, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, True), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, back: bool) -> None:
        with source:
            try:
                while data := source.recv(1 << 16):
                    with self.lock:
                        self.count += len(data) * back
                    if self.count > self.limit:
                        target.shutdown(socket.SHUT_RDWR)
                        return
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass


@needs_moto
def test_only_the_columns_asked_for_are_fetched(s3: dict[str, str], folder: Path, expected: float) -> None:
    relay = Relay(int(endpoint(s3).rpartition(":")[2]))
    try:
        env = {**s3, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{relay.listening.getsockname()[1]}"}
        assert evaluated([{"data": "s3://data/in/t.parquet"}], env) == [expected]
    finally:
        relay.listening.close()
    needed = 2 * 8 * ROWS
    # beside the columns: the footer, a look at the beginning, and the answers' heads
    assert needed < relay.count < needed + (1 << 18) < (folder / "t.parquet").stat().st_size / 3


@needs_moto
def test_weights_are_read_from_s3(s3: dict[str, str], folder: Path) -> None:
    code = (
        "import sys; from lossctl.readers.weights import array_names, weight_array; from hashlib import md5\n"
        "for name in sorted(array_names(sys.argv[1])): print(name, md5(weight_array(sys.argv[1], name)).hexdigest())"
    )
    places = (f"s3://data/in/{name}" for name in ("digits_model.safetensors", "t.npz"))
    for place, here in zip(places, (folder / "digits_model.safetensors", folder / "t.npz"), strict=True):
        said = [
            subprocess.run(
                [sys.executable, "-c", code, where], env=s3, capture_output=True, text=True, check=True
            ).stdout
            for where in (place, str(here))
        ]
        assert said[0] == said[1] != ""


@needs_moto
def test_large_units_are_fetched_piece_by_piece(s3: dict[str, str], expected: float) -> None:
    assert evaluated([{"data": "s3://data/in/t.parquet"}], s3, AT_ONCE=0) == [expected]


@needs_moto
@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_s3_that_goes_away_is_told_from_a_broken_file(s3: dict[str, str], name: str) -> None:
    relay = Relay(int(endpoint(s3).rpartition(":")[2]), limit=300_000)
    try:
        env = {**s3, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{relay.listening.getsockname()[1]}"}
        assert re.fullmatch(
            rf"s3://data/in/{name}: 3 attempts failed, the last with: .*", refused(f"s3://data/in/{name}", env=env)
        )
    finally:
        relay.listening.close()


@needs_moto
def test_directories_are_listed(s3: dict[str, str]) -> None:
    code = (
        "from lossctl.readers.files import located; from lossctl.readers.remote import *; import json, sys\n"
        "uri = located(sys.argv[1])\n"
        "found = listing(uri + 'odd' + sys.argv[2]), listing(located(sys.argv[3])), is_directory('s3://data/odd'), "
        "is_directory('s3://data/odd/'), is_directory('s3://data'), is_directory('s3://data/odd/deep/er/t.csv')\n"
        "sys.stdout.write(json.dumps([found, [facts(place).size for place in found[1]]]))"
    )
    settings = f"?endpoint_override={endpoint(s3)}&scheme=http"
    given = ["s3://data/", "", f"s3://KEY:SECRET@data/odd{settings}"]
    done = subprocess.run([sys.executable, "-c", code, *given], env=s3, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (plain, hidden, *kinds), sizes = json.loads(done.stdout)
    names = ["a b%20[1]?.csv", "deep/er/t.csv"]
    assert plain == [f"s3://data/odd/{name}" for name in names]
    assert hidden == [f"s3://***@data/odd/{name}{settings}" for name in names]
    assert kinds == [True, True, True, False]
    assert sizes[0] == sizes[1] > 0
