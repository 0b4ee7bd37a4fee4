"""Files of web servers, of which some have no ranges, no patience or no wish: values, bytes and sentences."""

from __future__ import annotations

import http.server
import importlib.util
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, program, started
from tests.far import ROWS, closed_port, evaluated, refused, surroundings

needs_fsspec = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("fsspec", "aiohttp"))),
    reason="the web is read through fsspec: pip install 'lossctl[remote]'",
)


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
    done = started("eval", "https://127.0.0.1:9/t.csv", "-l", "mse", env=surroundings(PYTHONPATH=f"{tmp_path}:{ROOT}"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "lossctl: https:// is read through fsspec; pip install 'lossctl[remote]'\n"
