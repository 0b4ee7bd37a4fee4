"""The evidence of comparisons: a recipe that runs again, and digests that tell which model changed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

import lossctl
from lossctl.errors import DataError, UsageError
from tests.conftest import called, program

ROWS = 80
FILES = ("base.parquet", "new.parquet")
BY_ID = (*FILES, "--id", "id", "-l", "bce")


def table(seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    labels = np.arange(ROWS) % 2
    found: dict[str, Any] = {"id": np.arange(ROWS), "label": labels}
    found["prob"] = np.clip(0.3 + 0.4 * labels + rng.normal(0, 0.2, ROWS), 0, 1)
    found |= {"region": rng.choice(["eu", "us"], ROWS), "age": rng.integers(18, 90, ROWS)}
    return pa.table({**found, "fold": rng.integers(0, 9, ROWS), "w": rng.uniform(0.5, 2, ROWS)})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate((*FILES, "other.parquet")):
        pq.write_table(table(seed), name)
    return tmp_path


def changed(path: str, column: str, values: Callable[[list[Any]], list[Any]]) -> None:
    found = pq.read_table(path)
    place = found.column_names.index(column)
    pq.write_table(found.set_column(place, column, [values(found[column].to_pylist())]), path)


def documented(*args: object) -> dict[str, Any]:
    called("compare", *args, "--json", "-q", "-o", "c.json")
    found: dict[str, Any] = json.loads(Path("c.json").read_text())
    return found


@pytest.mark.usefixtures("folder")
def test_a_transcript() -> None:
    documented(*BY_ID)
    done = program("verify", "c.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("match: ")
    assert f"{ROWS} rows with digest" in done.stdout
    changed("new.parquet", "prob", lambda found: [0.5, *found[1:]])
    done = program("verify", "c.json")
    assert done.returncode == 1
    first, *others = done.stdout.splitlines()
    assert first.startswith(f"data changed: new: {ROWS} rows as before, digest ")
    assert "base:" not in first
    assert any(line.startswith("  results[1].difference.value: ") for line in others)


CALLS: list[tuple[str, ...]] = [
    BY_ID,
    (*FILES, "other.parquet", "--by-position", "-l", "bce", "-l", "brier_score", "--changed", "3", "--by", "region"),
    (*BY_ID, "--by", "age:quantile=3", "--correction", "bh", "--name", "a", "--name", "b, c"),
    (*BY_ID, "--cluster", "fold", "--by", "region", "-w", "w", "--where", "age > 30 and `age@new` > 20"),
    (*BY_ID, "--test", "bootstrap", "--test", "permutation", "--replicates", "20", "--seed", "3", "--ci", "0.9"),
    (*FILES, "--id", "id", "--column", "w", "--column", "prob", "--higher-is-better", "--worst", "2"),
    (*FILES, "--id", "id", "-l", "huber:delta=2", "--baseline-labels", "-w", "w@new", "-r", "sum"),
    (*BY_ID, "--fail-if", "diff > 3", "--fail-if", "base.bce.mean > 3 or dropped > 1"),
    (*BY_ID, "--fail-if", "diff > 3", "--gate-on", "ci"),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("call", CALLS)
def test_every_comparison_verifies_until_a_number_changes(call: tuple[str, ...]) -> None:
    document = documented(*call)
    assert called("verify", "c.json").startswith("match")
    # threads change nothing
    assert lossctl.verify(document, threads=1)
    changed("new.parquet", "prob", lambda found: [1 - one for one in found])
    (change,) = lossctl.verify("c.json").changes
    assert change.what == "data"
    assert change.message.startswith(f"{document['models'][1]['name']}: ")


@pytest.mark.usefixtures("folder")
def test_the_recipe_says_all_that_it_takes() -> None:
    call = (*FILES, "--id", "id,label=label", "-l", "huber:delta=2", "-w", "w", "--on-unmatched", "drop")
    told = documented(*call)["recipe"]
    # the key that is the label too is the baseline's
    roles = {"labels": ["label"], "preds": ["prob"], "weights": ["w"]}
    assert told["models"] == [
        {"name": "base", "files": ["base.parquet"], "roles": roles},
        {"name": "new", "files": ["new.parquet"], "roles": {"preds": ["prob"]}},
    ]
    assert (told["losses"], told["reduction"], told["on_bad"]) == (["huber:delta=2.0"], None, "error")
    assert told["on"] == [["id", "id"], ["label", "label"]]
    assert (told["on_unmatched"], told["tests"]) == ("drop", ["t", "sign"])


@pytest.mark.usefixtures("folder")
def test_places_of_models_tell() -> None:
    found = lossctl.compare({"a": FILES[0], "b": FILES[1]}, loss="bce", ids="id").signature
    again = lossctl.compare({"a": FILES[0], "b": FILES[1]}, loss="bce", ids="id", threads=2, batch_size=7).signature
    turned = lossctl.compare({"a": FILES[1], "b": FILES[0]}, loss="bce", ids="id").signature
    assert found == again
    assert found.recipe == turned.recipe
    assert found.data != turned.data
    assert found.models == {"a": found.models["a"], "b": found.models["b"]}
    assert (turned.models["a"], turned.models["b"]) == (found.models["b"], found.models["a"])
    assert found.text.endswith(f"|models:a,b|rows:{ROWS}|data:{found.data.partition(':')[2]}")


@pytest.mark.usefixtures("folder")
def test_the_order_of_rows_and_the_format_do_not_matter() -> None:
    documented(*BY_ID)
    places = random.Random(2).sample(range(ROWS), ROWS)
    pc.write_csv(table(0).take(places), "old.csv")
    done = program("verify", "c.json", "--data", "old.csv", "--data", "new.parquet", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["match"], told["differences"]) == (0, True, [])


@pytest.mark.usefixtures("folder")
def test_a_label_that_all_models_use_is_the_baselines() -> None:
    pq.write_table(pq.read_table("new.parquet").drop_columns(["label"]), "new.parquet")
    documented(*BY_ID)
    changed("base.parquet", "label", lambda found: [1 - found[0], *found[1:]])
    (change,) = lossctl.verify("c.json").changes
    assert change.message.startswith("base: ")
    assert "new: " not in change.message


@pytest.mark.usefixtures("folder")
def test_rows_that_belong_to_others_now() -> None:
    documented(*BY_ID)
    # both rows have the same label, so that each model has the same numbers
    changed("new.parquet", "id", lambda found: [2, 1, 0, *found[3:]])
    (change,) = lossctl.verify("c.json").changes
    assert change.what == "data"
    assert change.message.startswith("every model has the same numbers, but other rows of them belong together")


def _set(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(found: dict[str, Any]) -> None:
        entry: Any = found
        for name in path[:-1]:
            entry = entry[name]
        entry[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "what", "place"),
    [
        (_set("results", 1, "difference", "p", to=0.01), "values", "results[1].difference.p"),
        (_set("results", 1, "wins", to=79), "values", "results[1].wins"),
        (_set("baseline", to="new"), "values", "baseline"),
        (_set("models", 1, "columns", "preds", to=["x"]), "values", "models[1].columns.preds[0]"),
        (_set("recipe", "on_unmatched", to="drop"), "recipe", ""),
        (_set("recipe", "models", 1, "name", to="newer"), "recipe", "models[1].name"),
        (_set("signature", "models", "new", to="80:00"), "data", ""),
        (_set("signature", "data", to="80:00"), "data", ""),
        (_set("signature", "text", to="perfect"), "signature", ""),
        (_set("lossctl", to="0.0.1"), "version", ""),
    ],
)
@pytest.mark.usefixtures("folder")
def test_an_edited_document(change: Callable[[dict[str, Any]], None], what: str, place: str) -> None:
    document = documented(*BY_ID)
    change(document)
    found = lossctl.verify(document)
    assert what in [one.what for one in found.changes]
    places = [one.place for one in found.differences]
    assert place in places if place else not places


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        (_set("recipe", "files", to=["a"]), DataError, "c has 'files', which no comparison has"),
        (_set("recipe", "color", to=1), DataError, "has 'color', which this lossctl does not know"),
        (_set("recipe", "models", to=[]), DataError, "a comparison needs a baseline and another model, got 0"),
        (_set("recipe", "models", to=3), DataError, "models cannot be 3"),
        (_set("recipe", "tests", to=["u"]), DataError, "test 'u' is none of t, sign"),
        (_set("recipe", "wanted", to=[-1, 0, 0]), DataError, "changed must be a whole number from 0"),
        (_set("recipe", "audit", to={"level": 3.0}), DataError, "ci must be above 0 and below 1"),
        (_set("recipe", "reduction", to="none"), DataError, "a comparison is of reduced losses"),
        (_set("recipe", "models", 1, "files", to=["https://example.org/a.csv"]), UsageError, "name it with --data"),
        (_set("recipe", "models", 1, "files", to=["-"]), UsageError, "the data came on stdin; name them with --data"),
        (_set("recipe", "models", 1, "files", to=["gone.csv"]), DataError, "gone.csv: no such file"),
        (_set("recipe", "losses", to=["maee"]), UsageError, "unknown loss 'maee'"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_refused(change: Callable[[dict[str, Any]], None], error: type[Exception], told: str) -> None:
    document = documented(*BY_ID)
    change(document)
    Path("c").write_text(json.dumps(document))
    with pytest.raises(error, match=told) as caught:
        lossctl.verify("c")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("folder")
def test_data_in_memory_and_moved_files_are_named() -> None:
    models = {"old": table(0), "new": table(1)}
    document = lossctl.compare(models, loss="bce", ids="id", where="age > 30").to_dict()
    assert document["recipe"]["memory"] == ["old", "new"]
    with pytest.raises(UsageError, match=r"data of old were given in memory; name every model's file in order \(old"):
        lossctl.verify(document)
    assert lossctl.verify(document, data=FILES)
    assert {one.what for one in lossctl.verify(document, data=FILES[::-1]).changes} == {"data"}
    with pytest.raises(UsageError, match="--data: result is of 2 models, got 1; name every model's file in order"):
        lossctl.verify(document, data=FILES[0])
    with pytest.raises(UsageError, match="of a comparison, whose labels are its models'; name these with --data"):
        lossctl.verify(document, data=FILES, labels_from="l.csv")


@pytest.mark.usefixtures("folder")
def test_a_model_of_several_files() -> None:
    for i, part in enumerate((table(1).slice(0, 30), table(1).slice(30))):
        pq.write_table(part, f"{i}.parquet")
    found = lossctl.compare({"old": "base.parquet", "new": ["0.parquet", "1.parquet"]}, loss="bce", ids="id").to_dict()
    assert lossctl.verify(found)
    assert lossctl.verify(found, data=["base.parquet", "1.parquet", "0.parquet"])
    assert lossctl.verify(found, data=["base.parquet", "new.parquet"])


def test_a_model_on_stdin(folder: Path) -> None:
    pc.write_csv(table(1), "new.csv")
    words = ("base.parquet", "-", "--id", "id", "-l", "bce", "--json", "-q", "-o", "c.json")
    done = program("compare", *words, input=Path("new.csv").read_text())
    assert done.returncode == 0, done.stderr
    assert json.loads(Path("c.json").read_text())["recipe"]["models"][1]["files"] == ["-"]
    done = program("verify", "c.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the data came on stdin; name them with --data FILE" in done.stderr
    assert lossctl.verify("c.json", data=["base.parquet", "new.csv"])


@pytest.mark.parametrize("format", ["csv", "markdown"])
@pytest.mark.usefixtures("folder")
def test_slices_as_records(format: str) -> None:
    text = called("compare", *BY_ID, "--by", "region", "--by", "age:edges=40", "--format", format, "-q")
    lines = text.splitlines()
    if format == "markdown":
        assert lines[0].startswith("| region | age | loss | model |")
        assert lines[4].rsplit(" | ", 1)[1] == "`region` |"
        return
    found = lossctl.compare(FILES, loss="bce", ids="id", by=["region", "age:edges=40"])["new"].found["slices"]
    heads, *rows = (line.split(",") for line in lines if '"' not in line)
    assert heads[:3] == ["region", "age", "loss"]
    assert [row[3] for row in rows[:2]] == ["base", "new"]
    regions = [dict(zip(heads, row, strict=True)) for row in rows[2:]]
    told = [one for one in found if "region" in one["by"]]
    assert [row["region"] for row in regions] == [one["by"]["region"] for one in told]
    for row, one in zip(regions, told, strict=True):
        assert (row["value"], row["model"], int(row["count"])) == ("", "new", one["count"])
        assert float(row["difference"]) == one["difference"]["value"]
        assert (float(row["contribution"]), float(row["share"])) == (one["contribution"], one["share"])
        assert (float(row["p_adjusted"]), row["slicing"]) == (one["difference"]["p_adjusted"], "region")
    assert len(lines) == 3 + len(found)
