"""Files behind a network: the values of the disk, only the bytes that are needed, and sentences in bounded time."""

from __future__ import annotations

import gzip
import http.server
import importlib.util
import json
import os
import pickle
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from lossctl.errors import DataError
from lossctl.readers import files, remote
from lossctl.readers.reasons import reason
from lossctl.readers.uri import Place, address, shown, without_secrets
from tests.conftest import ROOT, SAMPLES, program

needs_moto = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("moto", "boto3", "flask"))),
    reason="an S3 server on loopback is moto's: pip install 'moto[server]'",
)
needs_fsspec = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("fsspec", "aiohttp"))),
    reason="the web is read through fsspec: pip install 'lossctl[remote]'",
)
ROWS = 60_000
# lossctl.evaluate over several calls, each with its value or its error
EVALUATE = """
import json, sys, lossctl
from lossctl.readers import parquet, web_store
def value(data=None, **more):
    try:
        return lossctl.evaluate(data, loss=more.pop("loss", "mse"), **more).value
    except lossctl.LossctlError as error:
        return f"{type(error).__name__}: {error}"
for name, limit in json.loads(sys.argv[1]).items():
    setattr(parquet if name == "AT_ONCE" else web_store, name, limit)
sys.stdout.write(json.dumps([value(**call) for call in json.loads(sys.argv[2])]))
"""


def surroundings(**more: str) -> dict[str, str]:
    """The environment without anybody's credentials and proxies."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("AWS_", "GOOGLE_", "AZURE_")) and "proxy" not in k.lower()
    }
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true", **more}


def evaluated(calls: list[dict[str, Any]], env: dict[str, str], **limits: float) -> list[Any]:
    """What each call gives, in one process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", EVALUATE, json.dumps(limits), json.dumps(calls)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout)
    return found


def refused(*args: object, env: dict[str, str], within: float = 20.0) -> str:
    """The one sentence that an eval is refused with, in time."""
    begun = time.monotonic()
    done = program("eval", *args, "-l", "mse", env=env)
    assert time.monotonic() - begun < within
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done
    return done.stderr.removeprefix("lossctl: ").rstrip("\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same rows in many formats, with a column that nobody asks for."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(5)
    y, p = rng.normal(size=ROWS).round(3), rng.normal(size=ROWS).round(3)
    table = pa.table({"label": y, "unused": rng.random(ROWS), "pred": p})
    table = table.append_column("ballast", pa.array(rng.random((ROWS, 8)).tolist(), pa.list_(pa.float64(), 8)))
    pq.write_table(table, folder / "t.parquet", row_group_size=ROWS // 4, compression="none", use_dictionary=False)
    orc.write_table(table, folder / "t.orc")
    text = "label,pred\n" + "".join(f"{a},{b}\n" for a, b in zip(y.tolist(), p.tolist(), strict=True))
    (folder / "t.csv").write_text(text)
    (folder / "t.csv.gz").write_bytes(gzip.compress(text.encode(), 1))
    np.save(folder / "y.npy", y)
    np.save(folder / "p.npy", p)
    np.savez(folder / "t.npz", label=y, pred=p)
    (folder / "empty.csv").write_bytes(b"")
    shutil.copy(SAMPLES / "digits_model.safetensors", folder)
    return folder


@pytest.fixture(scope="module")
def expected(folder: Path) -> float:
    import lossctl

    return lossctl.evaluate(str(folder / "t.parquet"), loss="mse").value


# S3 --------------------------------------------------------------------------------------------------------------

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


def closed_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return int(some.getsockname()[1])


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


# the web ---------------------------------------------------------------------------------------------------------


class Web(http.server.ThreadingHTTPServer):
    """Serves a folder; the first part of a path says how."""

    daemon_threads = True
    folder: Path
    asked: list[tuple[str, str, str | None]]
    end: threading.Event

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is none."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Web

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        _, how, name = self.path.partition("?")[0].split("/", 2)
        before = sum(path == self.path for _, path, _ in self.server.asked)
        self.server.asked.append((self.command, self.path, self.headers["Range"]))
        if how == "silent":
            self.server.end.wait(20)
        status = {
            "down": 503,
            "denied": 403,
            "flaky": 503 if before < 2 else 200,
            "dying": 503 if before > 5 else 200,
        }.get(how, 200)
        file = self.server.folder / name
        if status != 200 or not file.exists():
            self._answer(status if status != 200 else 404, b"", {})
            return
        data, span = file.read_bytes(), re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"] or "")
        if span is None or how in ("whole", "cut"):
            self._answer(200, data, {}, cut=how == "cut")
            return
        start, stop = int(span[1]), min(int(span[2]) + 1, len(data))
        self._answer(206, data[start:stop], {"Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"})

    do_HEAD = do_GET  # noqa: N815

    def _answer(self, status: int, data: bytes, headers: dict[str, str], cut: bool = False) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[: len(data) // 2] if cut else data)
            self.close_connection |= cut


@pytest.fixture
def web(folder: Path) -> Iterator[Web]:
    with Web(("127.0.0.1", 0), Handler) as server:
        server.folder, server.asked, server.end = folder, [], threading.Event()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.end.set()
        server.shutdown()
        thread.join()


def at(web: Web, path: str) -> str:
    return f"http://127.0.0.1:{web.server_port}/{path}"


@needs_fsspec
def test_the_web_gives_the_values_of_the_disk(web: Web, expected: float) -> None:
    calls: list[dict[str, Any]] = []
    for how in ("plain", "whole", "flaky"):
        calls += [{"data": at(web, f"{how}/{name}")} for name in ("t.parquet", "t.csv", "t.csv.gz", "t.npz")]
        calls.append({"labels": at(web, f"{how}/y.npy"), "preds": at(web, f"{how}/p.npy")})
    assert evaluated(calls, surroundings(), WAIT=0.01) == [expected] * len(calls)
    wholes = [path for command, path, span in web.asked if command == "GET" and "/whole/" in path and not span]
    # what has no ranges is fetched once, and what has them never whole
    assert sorted(wholes) == sorted(set(wholes))
    assert not [path for command, path, span in web.asked if command == "GET" and "/plain/" in path and not span]


@needs_fsspec
def test_the_program_reads_the_web_by_columns(web: Web, expected: float, tmp_path: Path) -> None:
    place = at(web, "plain/t.parquet")
    done = program("eval", place, "-l", "mse", "--json", env=surroundings(TMPDIR=str(tmp_path)))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["results"][0]["value"], document["inputs"][0]["path"]) == (expected, place)
    spans = [re.fullmatch(r"bytes=(\d+)-(\d+)", span) for _, _, span in web.asked if span]
    assert sum(int(span[2]) - int(span[1]) + 1 for span in spans if span) < 2 * 8 * ROWS + (1 << 18)
    assert list(tmp_path.iterdir()) == []


@needs_fsspec
def test_the_web_refuses_in_a_sentence(web: Web) -> None:
    names = (
        "plain/nope.csv",
        "denied/t.csv",
        "down/t.csv",
        "cut/t.csv",
        "silent/t.csv",
        "plain/empty.csv",
        "dying/t.parquet",
    )
    places = [at(web, name) for name in names]
    dead = f"http://127.0.0.1:{closed_port()}/t.csv"
    calls = [{"data": place} for place in (*places, dead, "foo://bar/t.csv")]
    begun = time.monotonic()
    said = evaluated(calls, surroundings(), WAIT=0.01, SILENCE=0.2)
    assert time.monotonic() - begun < 20
    assert said[:3] == [
        f"DataError: {places[0]}: no such file or directory",
        f"DataError: {places[1]}: 403 Forbidden",
        f"DataError: {places[2]}: 3 attempts failed, the last with: 503 Service Unavailable",
    ]
    assert said[3].startswith(f"DataError: {places[3]}: 3 attempts failed, the last with: ")
    assert said[4].startswith(f"DataError: {places[4]}: 3 attempts failed, the last with: ")
    assert said[5] == f"DataError: {places[5]} is empty"
    assert said[6] == f"DataError: {places[6]}: 3 attempts failed, the last with: 503 Service Unavailable"
    assert said[7].startswith(f"DataError: {dead}: 3 attempts failed, the last with: Cannot connect to host")
    assert said[8].startswith("DataError: foo:// is no place that is known; there are file, s3, gs, hdfs, abfs, https")
    # what is denied or missing is not asked for again; fsspec asks with HEAD, then with GET
    assert [command for command, path, _ in web.asked if "denied" in path] == ["HEAD", "GET"]


@needs_fsspec
def test_the_webs_secrets_are_not_shown(web: Web) -> None:
    place = f"http://HEMLICH:GEHEIM@127.0.0.1:{web.server_port}/denied/t.csv?a=1&X-Amz-Signature=GEHEIM"
    said = refused(place, env=surroundings())
    assert said == f"http://***@127.0.0.1:{web.server_port}/denied/t.csv?a=1&X-Amz-Signature=***: 403 Forbidden"


def test_without_fsspec_the_extra_is_named(tmp_path: Path) -> None:
    (tmp_path / "fsspec.py").write_text("raise ModuleNotFoundError(\"No module named 'fsspec'\", name='fsspec')\n")
    said = refused("https://127.0.0.1:9/t.csv", env=surroundings(PYTHONPATH=f"{tmp_path}:{ROOT}"))
    assert said == "https:// is read through fsspec; pip install 'lossctl[remote]'"


# elsewhere -------------------------------------------------------------------------------------------------------


def test_hdfs_without_java_and_google_without_a_server_are_refused() -> None:
    env = surroundings(JAVA_HOME="/nowhere", HADOOP_HOME="/nowhere", CLASSPATH="")
    assert re.match(
        r"hdfs://127\.0\.0\.1:9/t\.csv: HDFS is reached through", refused("hdfs://127.0.0.1:9/t.csv", env=env)
    )
    settings = f"?endpoint_override=127.0.0.1:{closed_port()}&scheme=http&retry_limit_seconds=1"
    said = refused(f"gs://anonymous@data/t.csv{settings}", env=env)
    assert said.startswith(f"gs://anonymous@data/t.csv{settings}: Google Cloud says UNAVAILABLE: ")


def test_file_uris_are_local_paths(tmp_path: Path) -> None:
    (tmp_path / "a b.csv").write_text("label,pred\n1,3\n")
    uri = (tmp_path / "a b.csv").as_uri()
    assert "%20" in uri
    assert (
        files.located(uri) == files.located(uri.replace("file:///", "FILE://localhost/")) == str(tmp_path / "a b.csv")
    )
    done = program("eval", uri, "-l", "mse", "--value-only", "-q", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("4.0\n", "")
    with pytest.raises(
        DataError, match="file:// names this machine's files, as in file:///folder/name, found host there"
    ):
        files.located("file://there/a.csv")


@pytest.mark.parametrize("path", ["-", "a.csv", "/a://b", "C:/a", "a:b", "://x", "7z://x"])
def test_other_paths_stay_as_they_are(path: str) -> None:
    assert files.located(path) is path


URIS = {
    "s3://bucket/key?x": "s3://bucket/key?x",
    "s3://K:S@bucket/a@b?region=eu": "s3://***@bucket/a@b?region=eu",
    "s3://KEY@bucket/k": "s3://***@bucket/k",
    "gs://anonymous@bucket/k": "gs://anonymous@bucket/k",
    "hdfs://user@host:8020/k": "hdfs://user@host:8020/k",
    "abfs://box:pass@account.dfs/k": "abfs://box:***@account.dfs/k",
    "https://token@host/k?sig=a%2Fb&n=1": "https://***@host/k?sig=***&n=1",
    "https://host/k?access_token=t": "https://host/k?access_token=***",
}


@pytest.mark.parametrize("uri", URIS)
def test_what_is_shown_of_a_uri(uri: str) -> None:
    place = files.located(uri)
    assert place == URIS[uri]
    assert address(place) == address(uri)
    back = pickle.loads(pickle.dumps(place))
    assert (back, address(back), type(back)) == (place, address(uri), type(place))
    assert files.located(place) is place
    assert json.dumps([place]) == json.dumps([URIS[uri]])
    assert without_secrets(f"cannot open {uri}", place) == f"cannot open {URIS[uri]}"


def test_places_behind_other_credentials_differ() -> None:
    one, other = shown("s3://A:1@b/k"), shown("s3://B:2@b/k")
    assert isinstance(one, Place)
    assert (str(one), one == other, one == shown("s3://A:1@b/k")) == (str(other), False, True)
    assert hash(one) == hash(str(one))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "When x: AWS Error SLOW_DOWN during HeadObject operation: Please reduce your request rate",
            "3 attempts failed, the last with: SLOW_DOWN: Please reduce your request rate",
        ),
        ("x: AWS Error NO_SUCH_KEY during GetObject operation (a): gone\nfor good", "S3 says NO_SUCH_KEY: gone"),
        ("google::cloud::Status(NOT_FOUND: no bucket error_info={a})", "Google Cloud says NOT_FOUND: no bucket"),
        ("Unable to load libhdfs: no", "HDFS is reached through Hadoop's libhdfs, which was not found"),
        ("a" * 500, "a" * 300),
    ],
)
def test_reasons_are_one_line(said: str, told: str) -> None:
    assert reason(OSError(said)).startswith(told)
    assert "\n" not in reason(OSError(said))


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
