"""`lossctl verify`: a result's recipe runs again, and says match, or what changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lossctl
from lossctl.errors import DataError, GateError, UsageError
from tests.conftest import SAMPLES, called, program
from tests.written import predictions, text, write

Document = dict[str, Any]


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Path]:
    """A file and its result."""
    data, result = tmp_path / "preds.parquet", tmp_path / "result.json"
    shutil.copy(SAMPLES / "digits.parquet", data)
    called("eval", data, "-l", "scce", "-l", "torch.CrossEntropyLoss", "--json", "-q", "-o", result)
    return data, result


def edited(path: Path, change: Callable[[Document], object]) -> Path:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path


def relabelled(path: Path, row: int) -> None:
    table = pq.read_table(path)
    labels = table["label"].to_numpy().copy()
    labels[row] = (labels[row] + 1) % 10
    pq.write_table(table.set_column(table.column_names.index("label"), "label", [labels]), path)


def test_a_transcript(made: tuple[Path, Path]) -> None:
    data, result = made
    done = program("verify", result)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("match: ")
    assert "1,797 rows with digest" in done.stdout
    relabelled(data, 1000)
    done = program("verify", result)
    assert done.returncode == 1
    first, *others = done.stdout.splitlines()
    assert first.startswith("data changed: 1797 rows as before, digest ")
    assert "results[0].value 0.158" in first
    assert any(line.startswith("  results[0].sum: ") for line in others)
    done = program("verify", result, "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["match"], [change["what"] for change in told["changes"]]) == (False, ["data"])
    moved = {difference["place"]: difference for difference in told["differences"]}
    assert moved["results[0].value"]["was"] != moved["results[0].value"]["now"]


def test_rows_that_came_or_went(made: tuple[Path, Path]) -> None:
    data, result = made
    pq.write_table(pq.read_table(data).slice(1), data)
    (change,) = lossctl.verify(result).changes
    assert change.what == "data"
    assert change.message.startswith("1796 rows, 1797 before")


def test_a_change_that_no_number_tells(tmp_path: Path) -> None:
    data, result = tmp_path / "a.csv", tmp_path / "r.json"
    data.write_text("label,pred\n1,2\n3,5\n")
    result.write_text(lossctl.evaluate(data, loss="mae").to_json())
    data.write_text("label,pred\n2,3\n7,9\n")
    found = lossctl.verify(result)
    assert not found
    assert [c.what for c in found.changes] == ["data"]
    assert found.changes[0].message.endswith("no value of the document moved")
    data.write_text("label,pred\n3,5\n1,2.0\n")
    assert lossctl.verify(result)


EDITS: list[tuple[str, str, Callable[[Document], object]]] = [
    ("values", "results[0].value", lambda d: d["results"][0].update(value=0.1)),
    ("values", "results[1].count", lambda d: d["results"][1].update(count=1796)),
    ("values", "results[0].stderr", lambda d: d["results"][0].pop("stderr")),
    ("values", "results[0].slices[0]", lambda d: d["results"][0]["slices"].append({"value": 1.0})),
    ("values", "results[1]", lambda d: d["results"].pop()),
    ("values", "rows.used", lambda d: d["rows"].update(used=3)),
    ("values", "extra", lambda d: d.update(extra=1)),
    ("values", "inputs[0].rows", lambda d: d["inputs"][0].update(rows=3)),
    ("recipe", "", lambda d: d["recipe"].update(on_bad="drop")),
    ("recipe", "results[1]", lambda d: d["recipe"]["losses"].pop()),
    ("version", "", lambda d: d.update(lossctl="0.0.1")),
    ("signature", "", lambda d: d["signature"].update(text="lossctl 9|perfect")),
    ("data", "", lambda d: d["signature"].update(data="1797:00")),
    ("recipe", "", lambda d: d["signature"].update(recipe="00")),
]


@pytest.mark.parametrize(("what", "place", "change"), EDITS)
def test_an_edited_document(
    made: tuple[Path, Path], what: str, place: str, change: Callable[[Document], object]
) -> None:
    _, result = made
    found = lossctl.verify(edited(result, change))
    assert what in [one.what for one in found.changes]
    places = [difference.place for difference in found.differences]
    assert any(one.startswith(place) for one in places) if place else not places


def test_another_version_says_whether_values_are_the_same(made: tuple[Path, Path]) -> None:
    found = lossctl.verify(
        edited(made[1], lambda d: (d.update(lossctl="0.0.1"), d["signature"].update(version="0.0.1")))
    )
    assert [change.what for change in found.changes] == ["version"]
    assert found.changes[0].message.endswith("every value is the same")


def test_data_that_moved_is_named(made: tuple[Path, Path], tmp_path: Path) -> None:
    data, result = made
    data.rename(tmp_path / "moved.parquet")
    done = program("verify", result)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"lossctl: {data}: no such file or directory\n"
    assert called("verify", result, "--data", tmp_path / "moved.parquet").startswith("match")
    # the same rows, in other formats and several files
    table = pq.read_table(tmp_path / "moved.parquet")
    (tmp_path / "a.csv").write_text(text(table.slice(0, 700)))
    pq.write_table(table.slice(700), tmp_path / "b.parquet")
    assert lossctl.verify(result, data=[tmp_path / "b.parquet", tmp_path / "a.csv"])


def test_paths_are_relative_to_where_verify_runs(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "diabetes.csv", tmp_path / "d.csv")
    done = program("eval", "d.csv", "-l", "mae", "--json", "-q", "-o", "r.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) not in (tmp_path / "r.json").read_text()
    assert program("verify", "r.json", cwd=tmp_path).returncode == 0


def test_arrays_joins_and_stdin(tmp_path: Path) -> None:
    for name, values in (("y", [1.0, 2.0]), ("p", [1.5, 4.0])):
        np.save(tmp_path / f"{name}.npy", np.array(values))
    arrays = [tmp_path / "y.npy", tmp_path / "p.npy"]
    result = lossctl.evaluate(labels=arrays[0], preds=arrays[1], loss="mae").to_dict()
    assert lossctl.verify(result)
    assert not lossctl.verify(result, data=arrays[::-1]).match
    (tmp_path / "l.csv").write_text("id,label\n1,2\n2,3\n")
    (tmp_path / "p.csv").write_text("id,pred\n2,2\n1,7\n")
    result = lossctl.evaluate(tmp_path / "p.csv", labels_from=tmp_path / "l.csv", on="id", loss="mae").to_dict()
    assert lossctl.verify(result)
    (tmp_path / "m.csv").write_text("id,label\n1,2\n2,4\n")
    assert [c.what for c in lossctl.verify(result, labels_from=tmp_path / "m.csv").changes] == ["data"]
    both = "label,pred\n2,7\n3,2\n"
    done = program("eval", "-", "-l", "mae", "--json", "-q", "-o", tmp_path / "r.json", input=both)
    assert done.returncode == 0, done.stderr
    with pytest.raises(UsageError, match="the data came on stdin; name them with --data FILE"):
        lossctl.verify(tmp_path / "r.json")
    (tmp_path / "b.csv").write_text(both)
    assert lossctl.verify(tmp_path / "r.json", data=tmp_path / "b.csv")


@pytest.mark.parametrize("name", ["excel.csv", "lists.jsonl", "hive", "fixed.parquet"])
def test_formats_and_shapes(name: str, tmp_path: Path) -> None:
    found = write(name, predictions(), tmp_path)
    preds = "probs" if name in ("lists.jsonl", "fixed.parquet") else None
    result = lossctl.evaluate(
        found.words[0], loss="scce", preds=preds, on_bad="drop", where="weight > 0.5", class_weights=[1, 2, 3]
    )
    assert lossctl.verify(result.to_dict())


def test_losses_of_ones_own_run_only_where_they_are_named(tmp_path: Path) -> None:
    mine, data, result = (tmp_path / name for name in ("mine.py", "d.csv", "r.json"))
    mine.write_text("import lossctl\n\n@lossctl.loss\ndef off_by(y, p, scale=1.0):\n    return scale * abs(y - p)\n")
    data.write_text("label,pred\n1,2\n3,5\n")
    done = program("eval", data, "--functions", mine, "-l", "off_by:scale=2", "--json", "-q", "-o", result)
    assert done.returncode == 0, done.stderr
    assert json.loads(result.read_text())["recipe"]["functions"][0]["path"] == str(mine)
    done = program("verify", result)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"'off_by' is declared in {mine}, which is run only where you name it: --functions FILE" in done.stderr
    assert program("verify", result, "--functions", mine).returncode == 0
    mine.write_text(mine.read_text().replace("scale * abs(y - p)", "scale * abs(y - p) + 1"))
    done = program("verify", result, "--functions", mine, "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert [change["what"] for change in told["changes"]] == ["functions"]
    assert told["differences"][0]["place"].startswith("results[0].")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is no JSON"),
        ("{}", "is no document of eval --json or compare --json: it has no results"),
        ("[1]", "is no document of eval --json"),
        ('{"results": [], "rows": {}}', "has no recipe: a lossctl that writes none made it"),
        ('{"results": [], "recipe": {}}', "has no signature"),
        ('{"results": [], "recipe": {}, "signature": {"version": "1"}}', "its signature has no recipe"),
        ('{"a": 1}\n{"b": 2}\n', "verify takes the document of --json, not JSON Lines"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_what_is_no_result(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(content)
    with pytest.raises(DataError, match=told) as caught:
        lossctl.verify(path)
    assert "\n" not in str(caught.value)


def test_refusals_of_the_command_line(tmp_path: Path, made: tuple[Path, Path]) -> None:
    done = program("verify", tmp_path / "none.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"lossctl: {tmp_path / 'none.json'}: no such file or directory\n"
    edited(made[1], lambda d: d["recipe"].update(files=["https://example.org/a.csv"]))
    done = program("verify", made[1])
    assert (done.returncode, done.stdout) == (2, "")
    assert "lies behind a network; name it with --data to have it read" in done.stderr


def test_data_that_the_recipe_refuses_now(made: tuple[Path, Path]) -> None:
    data, result = made
    table = pq.read_table(data)
    labels = table["label"].to_numpy().copy()
    labels[3] = 17
    pq.write_table(table.set_column(table.column_names.index("label"), "label", [labels]), data)
    with pytest.raises(DataError, match="row 4 column label: 17"):
        lossctl.verify(result)
    limited = lossctl.evaluate(SAMPLES / "digits.parquet", loss="scce", on_bad="drop", max_dropped=0).to_dict()
    with pytest.raises(GateError, match="1 rows were dropped"):
        lossctl.verify(limited, data=data)


def test_rows_have_no_values_to_verify(made: tuple[Path, Path]) -> None:
    document = json.loads(made[1].read_text())
    document["recipe"]["reduction"] = "none"
    with pytest.raises(UsageError, match="has a loss a row and no values to verify"):
        lossctl.verify(document)


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Rows with ids, weights, slices, clusters and days; in one file, in two, and with labels apart."""
    monkeypatch.chdir(tmp_path)
    rng, rows = np.random.default_rng(3), 120
    labels = rng.integers(0, 2, rows)
    found = {
        "id": np.arange(rows),
        "label": labels,
        "prob": np.clip(0.3 + 0.4 * labels + rng.normal(0, 0.2, rows), 0, 1),
    }
    found |= {"region": rng.choice(["eu", "us"], rows), "age": rng.integers(18, 90, rows)}
    found |= {"day": np.datetime64("2024-01-01") + rng.integers(0, 60, rows), "fold": rng.integers(0, 9, rows)}
    table = pa.table({**found, "w": rng.uniform(0.5, 2, rows)})
    for name, some in (("all", table), ("one", table.slice(0, 50)), ("two", table.slice(50))):
        pq.write_table(some, f"{name}.parquet")
    pq.write_table(table.drop_columns(["label"]), "preds.parquet")
    pq.write_table(table.select(["id", "label"]), "labels.parquet")
    return tmp_path


ALL = ("all.parquet",)
AUDITS: list[tuple[str, ...]] = [
    (*ALL, "--by", "region", "--by", "age:quantile=4", "--by", "day:month", "--correction", "bh"),
    (*ALL, "--cluster", "fold", "--by", "region*age:width=20", "--bootstrap", "10", "--seed", "4"),
    (*ALL, "--bootstrap", "10", "--by", "age:edges=30,60", "-w", "w", "--ci", "0.9"),
    (*ALL, "--worst", "3", "--best", "2", "--where", "age > 25 and region != 'us'"),
    (*ALL, "--calibration", "equal-width", "--bins", "4", "--decompose", "--by", "region"),
    (*ALL, "--spread", "--hist", "--quantiles", "0.5,0.9", "--exact-quantiles"),
    ("two.parquet", "one.parquet", "--by", "age:quantile=3", "--worst", "2", "--bootstrap", "10"),
    ("preds.parquet", "--labels-from", "labels.parquet", "--on", "id", "--by", "region", "--worst", "2"),
    (*ALL, "--fail-if", "bce.mean > 5", "--fail-if", "bce.slice(region).worst > 9 or dropped > 1%", "--by", "region"),
    (*ALL, "--fail-if", "bce.mean > 5", "--gate-on", "ci"),
]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("flags", AUDITS)
def test_every_audit_verifies_until_a_label_changes(flags: tuple[str, ...]) -> None:
    called("eval", *flags, "-l", "bce", "-l", "brier_score", "--json", "-q", "-o", "r.json")
    assert called("verify", "r.json").startswith("match")
    # a row that no filter leaves out
    path = flags[2] if "--labels-from" in flags else flags[0]
    table = pq.read_table(path)
    people = pq.read_table("all.parquet").slice(50 if path == "two.parquet" else 0).to_pylist()
    row = next(i for i, one in enumerate(people) if one["region"] == "eu" and one["age"] > 25)
    labels = table["label"].to_numpy().copy()
    labels[row] = 1 - labels[row]
    pq.write_table(table.set_column(table.column_names.index("label"), "label", [labels]), path)
    found = lossctl.verify("r.json")
    assert [change.what for change in found.changes] == ["data"]
    assert any(one.place == "results[0].value" for one in found.differences)


@pytest.mark.usefixtures("people")
def test_verdicts_are_judged_again() -> None:
    done = program("eval", *ALL, "-l", "bce", "--fail-if", "mean > 0.1", "--json", "-q", "-o", "r.json")
    assert done.returncode == 1
    assert lossctl.verify("r.json")
    edited(Path("r.json"), lambda d: d["gates"][0].update(verdict="pass"))
    (change,) = lossctl.verify("r.json").changes
    assert change.what == "values"
    assert 'gates[0].verdict "pass", now "fail"' in change.message
    edited(Path("r.json"), lambda d: d["gates"][0].update(gate="mean >"))
    with pytest.raises(DataError, match=r"r\.json: its gates cannot be read") as caught:
        lossctl.verify("r.json")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("people")
def test_a_column_that_the_digest_has_no_part_of() -> None:
    called("eval", *ALL, "-l", "bce", "--by", "region", "--json", "-q", "-o", "r.json")
    table = pq.read_table("all.parquet")
    first, *others = table["region"].to_pylist()
    regions = ["us" if first == "eu" else "eu", *others]
    pq.write_table(table.set_column(table.column_names.index("region"), "region", [regions]), "all.parquet")
    (change,) = lossctl.verify("r.json").changes
    assert change.what == "values"
    told = "though recipe and digest are the same; that does not cover region, which may have changed"
    assert change.message.endswith(told)


def test_levels_that_no_call_can_mean(made: tuple[Path, Path]) -> None:
    with pytest.raises(DataError, match="ci must be above 0 and below 1"):
        lossctl.verify(edited(made[1], lambda d: d["recipe"].update(audit={"level": 7.0})))


@pytest.mark.usefixtures("people")
def test_how_rows_were_found_is_no_value() -> None:
    called(
        "eval",
        "preds.parquet",
        "--labels-from",
        "labels.parquet",
        "--on",
        "id",
        "-l",
        "bce",
        "--json",
        "-o",
        "r.json",
        "-q",
    )
    labels = pq.read_table("labels.parquet")
    pq.write_table(labels.take(np.random.default_rng(5).permutation(labels.num_rows)), "labels.parquet")
    again = lossctl.evaluate("preds.parquet", labels_from="labels.parquet", on="id", loss="bce").to_dict()
    # keys out of order are looked up in another way
    assert again["join"]["method"] != json.loads(Path("r.json").read_text())["join"]["method"]
    assert lossctl.verify("r.json")
