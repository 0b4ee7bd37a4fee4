"""The flags of other shapes on the command line, and the same words in an audit's TOML."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import answer, called, program


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    files = {
        "yn.csv": "label,p\nyes,0.9\nno,0.2\nyes,0.6\n",
        "bits.csv": "label,p\n1,0.9\n0,0.2\n1,0.6\n",
        "bool.csv": "label,p\nTRUE,0.9\nFalse,0.2\ntrue,0.6\n",
        "base.csv": "label,p\n2,0.9\n1,0.2\n2,0.6\n",
        "pair.csv": "label,p_no,p_yes\nyes,0.1,0.9\nno,0.8,0.2\nyes,0.4,0.6\n",
        "percent.csv": "label,p\n1,75\n0,25\n1,50\n",
        "top.csv": "label,i1,i2,s1,s2\ncat,cat,dog,0.6,0.3\ndog,bird,dog,0.5,0.4\nbird,bird,cat,0.9,0.05\n",
        "long.csv": "id,class,prob,label\n1,cat,0.5,cat\n2,dog,0.6,dog\n1,dog,0.5,cat\n2,cat,0.4,dog\n",
        "classes.txt": "no\nyes\n",
        "classes.json": '{"id2label": {"0": "no", "1": "yes"}}',
        "map.json": '{"yes": 1, "no": 0}',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def number(*args: object) -> str:
    return called("eval", *args, "-q", "--value-only")


def test_every_flag_gives_the_plain_value(folder: Path) -> None:
    plain = number("bits.csv", "-l", "bce")
    for args in (
        ("yn.csv", "--classes", "no,yes"),
        ("yn.csv", "--classes", "classes.txt"),
        ("yn.csv", "--classes", "classes.json"),
        ("yn.csv", "--label-map", "yes=1, no=0"),
        ("yn.csv", "--label-map", "map.json"),
        ("base.csv", "--label-map", "1=0,2=1"),
        ("base.csv", "--label-base", "1"),
        ("bool.csv",),
        ("pair.csv",),
        ("bits.csv", "--pred-scale", "1"),
    ):
        assert number(*args, "-l", "bce") == plain
    assert float(number("percent.csv", "-l", "bce", "--pred-scale", "0.01")) == pytest.approx(
        -np.log([0.75, 0.75, 0.5]).mean(), rel=1e-6
    )
    assert float(number("yn.csv", "-l", "scce", "--classes", "no,yes")) == pytest.approx(float(plain), rel=1e-6)


def test_an_answer_says_what_was_made_of_the_columns(folder: Path) -> None:
    found = answer("yn.csv", "-l", "bce", "--label-map", "yes=1,no=0")
    assert found["label_map"] == {"yes": 1, "no": 0}
    done = program("eval", "pair.csv", "-l", "bce", "--json")
    assert json.loads(done.stdout)["columns"]["preds"] == ["p_yes"]
    assert "preds: p_yes" in done.stderr
    flags = ("-p", "s*", "--pred-ids", "i*", "--classes", "cat,dog,bird", "--rest", "spread")
    found = answer("top.csv", "-l", "scce", *flags)
    assert (found["rest"], found["columns"]["pred_ids"]) == ("spread", ["i1", "i2"])
    assert found["results"][0]["value"] == pytest.approx(-np.log([0.6, 0.4, 0.9]).mean())
    found = answer("long.csv", "-l", "scce", "--long", "id,class,prob")
    assert found["columns"]["preds"] == ["prob_cat", "prob_dog"]
    assert found["results"][0]["value"] == pytest.approx(-np.log([0.5, 0.6]).mean())


REFUSED = [
    (("yn.csv", "-l", "bce"), "--label-map 'no=0,yes=1'"),
    (("yn.csv", "-l", "bce", "--label-map", "yes=1"), "1 unmapped_label"),
    (("yn.csv", "-l", "bce", "--label-map", "yes"), "--label-map takes labels with their numbers"),
    (("yn.csv", "-l", "bce", "--label-map", "yes=a"), "--label-map: yes=a gives"),
    (("yn.csv", "-l", "bce", "--classes", "none.txt"), "none.txt: no such file"),
    (("yn.csv", "-l", "bce", "--classes", "yes"), "or a .json or .txt file"),
    (("percent.csv", "-l", "bce"), "--scale 0.01"),
    (("bits.csv", "-l", "bce", "--pred-scale", "0"), "--pred-scale must be"),
    (("bits.csv", "-l", "bce", "--from-log-probs"), "3 log_probability_out_of_range"),
    (("pair.csv", "-l", "bce", "--from-logits"), "--loss sparse_categorical_crossentropy --from-logits"),
    (("long.csv", "-l", "scce", "--long", "id,class"), "--long takes three columns"),
    (("top.csv", "-l", "scce", "-p", "s*", "--pred-ids", "i*", "--num-classes", "3"), "--rest zero"),
]


@pytest.mark.parametrize(("args", "expected"), REFUSED)
def test_refusals_are_one_sentence(args: tuple[str, ...], expected: str, folder: Path) -> None:
    # quiet: the first one of a fresh installation compiles kernels, and says so
    done = program("eval", *args, "-q")
    assert done.returncode == 2
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_dropped_rows_and_rows_in_other_shapes(folder: Path) -> None:
    (folder / "miss.csv").write_text("id,class,prob,label\n1,cat,0.5,cat\n2,dog,0.6,dog\n1,dog,0.5,cat\n")
    called("eval", "miss.csv", "-l", "scce", "--long", "id,class,prob", "--on-bad", "drop", "--dropped", "d.csv", "-q")
    assert (folder / "d.csv").read_text().splitlines()[1] == '2,"dog",,0.6,"null_pred","miss.csv",2'
    out = called("eval", "long.csv", "-l", "scce", "--long", "id,class,prob", "-r", "none", "--id", "id", "-q")
    assert [line.split(",")[:2] for line in out.splitlines()] == [["row", "id"], ["1", "1"], ["2", "2"]]
    done = program(
        "eval",
        "-",
        "-l",
        "scce",
        "--long",
        "id,class,prob",
        "--value-only",
        "-q",
        input=(folder / "long.csv").read_text(),
    )
    assert done.stdout == number("long.csv", "-l", "scce", "--long", "id,class,prob")


TOML = """
[[eval]]
files = "yn.csv"
loss = "bce"
classes = "classes.txt"

[[eval]]
files = "yn.csv"
loss = "bce"
label_map = { yes = 1, no = 0 }

[[eval]]
files = "base.csv"
loss = "bce"
label_base = 1
pred_scale = 1.0

[[eval]]
files = "top.csv"
loss = "scce"
preds = "s*"
pred_ids = "i*"
classes = ["cat", "dog", "bird"]
rest = "spread"

[[eval]]
files = "long.csv"
loss = "scce"
long = "id,class,prob"
"""


def test_an_audit_says_it_in_the_same_words(folder: Path) -> None:
    (folder / "a.toml").write_text(TOML)
    found = json.loads(called("run", "a.toml", "--json", "-q"))
    values = [entry["results"][0]["value"] for entry in found["evals"]]
    plain = float(number("bits.csv", "-l", "bce"))
    assert values[:3] == [plain] * 3
    assert values[4] == float(number("long.csv", "-l", "scce", "--long", "id,class,prob"))
    assert found["evals"][1]["settings"]["label_map"] == {"yes": 1, "no": 0}
    (folder / "a.toml").write_text('[[eval]]\nfiles = "yn.csv"\nloss = "bce"\nlabel_map = { yes = "x" }\n')
    done = program("run", "a.toml")
    assert (done.returncode, "gives the label no finite number" in done.stderr) == (2, True)


def test_scale_is_the_losss_own_where_it_has_one(folder: Path) -> None:
    (folder / "times.csv").write_text("label,p,upper\n2,0.9,2\n3,0.2,3\n")
    by_flag = number("percent.csv", "-l", "bce", "--scale", "0.01")
    assert by_flag == number("percent.csv", "-l", "bce", "--pred-scale", "0.01")
    assert number("times.csv", "-l", "aft_nll", "--scale", "2") == number("times.csv", "-l", "aft_nll:scale=2")
    told = program("eval", "percent.csv", "-l", "bce", "--scale", "0.01", "--pred-scale", "0.01")
    assert (told.returncode, "give one of them" in told.stderr) == (2, True)


def test_all_that_may_be_behind_refused_rows_is_said(folder: Path) -> None:
    (folder / "both.csv").write_text("label,p_0,p_1\n1,90,10\n2,20,80\n")
    told = program("eval", "both.csv", "-l", "scce").stderr
    assert "(1 to 2): if so, --label-base 1. If the preds are percentages: --scale 0.01; if they are logits:" in told
    assert float(number("both.csv", "-l", "scce", "--label-base", "1", "--scale", "0.01")) > 0
