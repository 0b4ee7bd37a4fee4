"""One table as Excel and others write it: the same JSON by file and by pipe, and each refusal with its way out."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import lossctl as package
from lossctl.errors import DataError, UsageError
from lossctl.objective.read import read_file
from tests.conftest import called, program

ROWS = [(i % 3, f"{(i * 37 % 997 + 1) / 1000:.3f}", f"gr\u00fc\u00df {i}") for i in range(60)]
PLAIN = "größe,p,note\n" + "".join(f"{y},{p},{note}\n" for y, p, note in ROWS)
SEMICOLONS = "größe;p;note\n" + "".join(f"{y};{p.replace('.', ',')};{note}\n" for y, p, note in ROWS)
TABS = SEMICOLONS.replace(";", "\t")
CALL = ("-y", "größe", "-p", "p", "--loss", "mean_squared_error", "--loss", "huber", "--json")

DIALECTS: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "plain": (PLAIN.encode(), ()),
    "marked": (PLAIN.encode("utf-8-sig"), ()),
    "CRLF": (PLAIN.replace("\n", "\r\n").encode(), ()),
    "quoted": ("\n".join('"' + line.replace(",", '","') + '"' for line in PLAIN.splitlines()).encode(), ()),
    "semicolons": (SEMICOLONS.encode(), ()),
    "said": (SEMICOLONS.encode(), ("--decimal", ",", "-d", ";")),
    "trailing": (SEMICOLONS.replace("\n", ";\r\n").encode(), ()),
    "utf-16": (TABS.encode("utf-16"), ()),
    "utf-16-be": (("\ufeff" + TABS.replace("\n", "\r\n")).encode("utf-16-be"), ()),
    "utf-32": (PLAIN.encode("utf-32"), ()),
    "cp1252": (SEMICOLONS.encode("cp1252"), ("--encoding", "cp1252")),
    "sep": (("sep=;\r\n" + SEMICOLONS).encode("utf-8-sig"), ()),
    "bars": (PLAIN.replace(",", "|").encode(), ()),
    "bars and commas": (SEMICOLONS.replace(";", "|").encode(), ()),
    "packed": (gzip.compress(TABS.encode("utf-16")), ()),
}


def results(text: str) -> Any:
    document = json.loads(text)
    return document["results"], document["rows"], document["columns"]


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_gives_the_same_numbers(tmp_path: Path, name: str) -> None:
    path, plain = tmp_path / "t.csv", tmp_path / "plain.csv"
    path.write_bytes(DIALECTS[name][0])
    plain.write_bytes(PLAIN.encode())
    expected = results(called("eval", plain, *CALL, "-q"))
    assert results(called("eval", path, *CALL, *DIALECTS[name][1], "-q")) == expected
    assert expected[0][0]["count"] == 60


@pytest.mark.parametrize("name", ["semicolons", "utf-16", "cp1252", "sep", "packed"])
def test_by_pipe_too_and_once_more_for_the_rows(tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(DIALECTS[name][0])
    more = DIALECTS[name][1]
    with path.open("rb") as stream:
        done = program("eval", "-", *CALL, *more, stdin=stream)
    assert results(done.stdout) == results(called("eval", path, *CALL, *more, "-q"))
    said = "stdin: the numbers were read with a decimal comma; --decimal , or --decimal . settles it (decimal_comma: 1)"
    assert f"warning: {said.replace('stdin', '-')}" in done.stderr
    assert [warned["code"] for warned in json.loads(done.stdout)["warnings"]].count("decimal_comma") == 1


def test_unreduced_rows_of_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(DIALECTS["utf-16"][0])
    call = ("-y", "größe", "-p", "p", "--loss", "mae", "-r", "none", "--json", "--id", "note")
    with (tmp_path / "t.csv").open("rb") as stream:
        done = program("eval", "-", *call, stdin=stream)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["note"] for line in lines] == [note for _, _, note in ROWS]


REFUSALS: dict[str, tuple[bytes, tuple[str, ...], str]] = {
    "not UTF-8": (
        PLAIN.encode("cp1252"),
        (),
        "line 1: not readable as UTF-8; if the file is in another encoding, name it, for example --encoding cp1252",
    ),
    "broken": (TABS.encode("utf-16")[:-1], (), "t.csv line 61: not readable as utf-16; --encoding NAME says another"),
    "unknown": (PLAIN.encode(), ("--encoding", "cp1253x"), "--encoding 'cp1253x' is none that is known; did you mean"),
    "decimal": (PLAIN.encode(), ("--decimal", ";"), "--decimal takes . or , got ';'"),
    "both marks": (
        b"label;p\n1;0.5\n1;0,5\n",
        (),
        "(1 unreadable_pred): {path} row 2 column p: '0,5', expected a finite number. "
        "If the numbers have a decimal comma: --decimal , reads them. --on-bad drop",
    ),
    "a point after commas": (
        b"label;p\n1;0,5\n" * 1 + b"1;0,25\n" * 200_000 + b"1;0.5\n",
        (),
        "row 200002 column p: '0.5', expected a finite number. If the numbers have a decimal point: --decimal . reads",
    ),
    "thousands": (b"label;p;q\n1;1.234,5;0,5\n", (), "row 1 column p: '1.234,5', expected a finite number"),
    "maybe thousands": (b"label;p\n1;1,234\n", (), "'1,234', expected a finite number. If the numbers have a decimal"),
    "Excel's error": (
        b"label,p\n1,#DIV/0!\n",
        (),
        "'#DIV/0!', expected a finite number. If '#DIV/0!' means no value: --null-value '#DIV/0!'. --on-bad drop",
    ),
    "NUL": (b"label,p\n1,0.5\n1,0.\0\n", (), "{path} line 3: expected CSV, found a NUL byte;"),
    "old Mac": (b"label,p\r1,0.5\r", (), r"its lines end in CR alone, expected LF or CRLF; tr '\r' '\n' makes that"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_name_the_place_and_the_flag_that_helps(tmp_path: Path, name: str) -> None:
    data, more, message = REFUSALS[name]
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    done = program("eval", path, "-p", "p", "--loss", "mse", *more)
    assert done.returncode == 2
    assert message.replace("{path}", str(path)) in done.stderr
    assert "Traceback" not in done.stderr


def test_the_flag_that_is_named_reads_the_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"label;p\n1;1,250\n1;#N/A\n")
    call = ("eval", tmp_path / "t.csv", "--loss", "mse", "--value-only", "-q", "--decimal", ",")
    assert called(*call, "--null-value", "#N/A", "--on-bad", "drop") == "0.0625\n"


def test_python_and_an_objective_take_the_same_words(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes('größe;p\n1;"1,250"\n'.encode("cp1252"))
    read = {"encoding": "cp1252", "decimal": ","}
    assert package.evaluate(path, loss="mse", labels="größe", read=read).value == 0.0625
    with pytest.raises(DataError, match="--encoding cp1252"):
        package.evaluate(path, loss="mse", labels="größe")
    with pytest.raises(UsageError, match="read has no 'encodin'; did you mean encoding"):
        package.evaluate(path, loss="mse", labels="größe", read={"encodin": "cp1252"})
    toml = tmp_path / "o.toml"
    toml.write_text(
        'files = "t.csv"\nlabels = "größe"\n[read]\nencoding = "cp1252"\ndecimal = ","\n[[terms]]\nloss = "mse"\n',
        encoding="utf-8",
    )
    assert dict(read_file(str(toml)).objective.terms[0].call.read) == read
    assert called("total", toml, "--value-only", "-q") == "0.0625\n"
