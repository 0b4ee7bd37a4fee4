"""Evaluations of files behind a network: in a process of their own, with nobody's credentials and proxies."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from typing import Any

from tests.conftest import ROOT, program

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


def closed_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return int(some.getsockname()[1])
