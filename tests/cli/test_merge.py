"""`eval --save` and `lossctl merge`: shards give, bit for bit, what one run over all files gives."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import lossctl
from lossctl.errors import DataError, GateError, UsageError
from tests.conftest import SAMPLES, called, program
from tests.written import WRITERS, predictions

SHARDS = ("csv", "groups.parquet", "jsonl.gz", "arrows", "npz")


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """One table in five formats, a part in each; some rows cannot be used."""
    folder, table = tmp_path_factory.mktemp("shards"), predictions(403)
    labels = table["label"].to_numpy().copy()
    labels[[3, 77, 400]] = 9
    table = table.set_column(0, "label", pa.array(labels))
    paths = []
    for i, (name, rows) in enumerate(zip(SHARDS, (90, 1, 200, 62, 50), strict=True)):
        start = (0, 90, 91, 291, 353)[i]
        paths.append(folder / f"{i}.{name}")
        WRITERS[name](table.slice(start, rows), paths[-1])
    return list(map(str, paths))


CALL = ("-l", "scce", "-l", "keras.SparseCategoricalCrossentropy", "-w", "weight", "--on-bad", "drop")


def saved(path: str, folder: Path, *flags: str) -> str:
    out = str(folder / f"{Path(path).name}.lossctl")
    called("eval", path, *(flags or CALL), "--save", out, "-q")
    return out


@pytest.fixture(scope="module")
def partials(shards: list[str], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("partials")
    return [saved(path, folder) for path in shards]


def test_shards_of_several_formats_give_the_document_of_one_run(shards: list[str], partials: list[str]) -> None:
    whole = called("eval", *shards, *CALL, "--json", "-q")
    assert called("merge", *partials, "--json", "-q") == whole
    assert json.loads(whole)["rows"]["dropped"] == {"label_out_of_range": 3}


def test_the_order_changes_the_list_of_inputs_alone(shards: list[str], partials: list[str]) -> None:
    order = random.Random(1).sample(range(5), 5)
    merged = lossctl.merge([partials[i] for i in order])
    assert merged.to_dict() == lossctl.merge(partials).to_dict() | {
        "inputs": [merged.to_dict()["inputs"][i] for i in range(5)],
        "recipe": merged.to_dict()["recipe"],
    }
    assert [entry.path for entry in merged.inputs] == [shards[i] for i in order]


def test_merged_partials_merge(shards: list[str], partials: list[str], tmp_path: Path) -> None:
    one, other = str(tmp_path / "1.lossctl"), str(tmp_path / "2.lossctl")
    called("merge", *partials[:2], "--save", one, "-q")
    called("merge", *partials[2:], "--save", other, "-q")
    whole = called("merge", *partials, "--json", "-q")
    assert called("merge", one, other, "--json", "-q") == whole
    with pytest.raises(UsageError, match=r"both hold the rows of .*0\.csv twice; --allow-duplicates counts them twice"):
        lossctl.merge([one, other, partials[0]])


def test_the_same_bytes_for_the_same_shard(shards: list[str], partials: list[str], tmp_path: Path) -> None:
    for threads in ("1", "2"):
        again = saved(shards[2], tmp_path, *CALL, "--threads", threads, "--batch-size", "17")
        assert Path(again).read_bytes() == Path(partials[2]).read_bytes()


def test_a_merged_result_verifies(partials: list[str], shards: list[str]) -> None:
    merged = lossctl.merge(partials)
    assert lossctl.verify(merged.to_dict())
    assert (
        merged.signature
        == lossctl.evaluate(
            shards, loss=["scce", "keras.SparseCategoricalCrossentropy"], weights="weight", on_bad="drop"
        ).signature
    )


def test_what_a_merged_result_lacks(partials: list[str]) -> None:
    merged = lossctl.merge(partials)
    with pytest.raises(UsageError, match="a merged result has sums, and no rows"):
        list(merged.row_blocks())
    with pytest.raises(UsageError, match="dropped rows were not kept"):
        list(merged.dropped_rows())


def test_formats_and_outputs(partials: list[str], tmp_path: Path) -> None:
    lines = called("merge", *partials, "--format", "csv", "-q").splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [
        "sparse_categorical_crossentropy",
        "keras.SparseCategoricalCrossentropy",
    ]
    called("merge", *partials, "-o", tmp_path / "m.json", "-q")
    assert json.loads((tmp_path / "m.json").read_text())["rows"]["read"] == 403
    done = program("merge", *partials)
    assert done.returncode == 0
    assert "403 rows read, 400 used, 3 dropped (3 label_out_of_range)" in done.stderr


def test_the_same_shard_twice(partials: list[str]) -> None:
    done = program("merge", partials[0], partials[1], partials[0])
    assert (done.returncode, done.stdout) == (2, "")
    assert "twice; --allow-duplicates counts them twice" in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"lossctl: {partials[0]} holds the rows of")
    document = json.loads(called("merge", partials[0], partials[0], "--allow-duplicates", "--json", "-q"))
    assert document["rows"]["read"] == 180


def test_other_recipes_do_not_merge(shards: list[str], partials: list[str], tmp_path: Path) -> None:
    other = saved(shards[1], tmp_path, "-l", "scce", "-w", "weight", "--on-bad", "drop", "--reduction", "sum")
    done = program("merge", partials[0], other)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{other} is of another recipe than {partials[0]}: losses: " in done.stderr
    assert "reduction: none and sum" in done.stderr


def frame(folder: Path, name: str, **columns: Any) -> Path:
    path = folder / name
    WRITERS["parquet"](pa.table(columns), path)
    return path


def test_another_precision_does_not_merge_where_a_guard_hangs_on_it(tmp_path: Path) -> None:
    for name, dtype in (("a", np.float32), ("b", np.float64)):
        path = frame(tmp_path, name, label=[0, 1], pred=np.array([0.25, 0.5], dtype))
        for loss in ("bce", "sklearn.log_loss"):
            lossctl.evaluate(path, loss=loss).save(tmp_path / f"{name}.{loss}")
    assert lossctl.merge([tmp_path / "a.bce", tmp_path / "b.bce"]).rows.read == 4
    with pytest.raises(UsageError, match="the preds are of another precision, which changes the guard of a loss"):
        lossctl.merge([tmp_path / "a.sklearn.log_loss", tmp_path / "b.sklearn.log_loss"])


def test_other_widths_do_not_merge(tmp_path: Path) -> None:
    for name, width in (("a", 2), ("b", 3)):
        probs = pa.FixedSizeListArray.from_arrays(pa.array(np.full(2 * width, 1 / width)), width)
        path = frame(tmp_path, name, label=[0, 1], probs=probs)
        lossctl.evaluate(path, loss="scce").save(tmp_path / f"{name}.lossctl")
    with pytest.raises(UsageError, match=r"b.lossctl cannot be merged with .*a.lossctl: the files differ in their"):
        lossctl.merge([tmp_path / "a.lossctl", tmp_path / "b.lossctl"])


def test_weights_over_all_magnitudes_and_what_is_not_finite(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    paths, files = [], []
    for i in range(4):
        y = rng.normal(size=100) * 10.0 ** rng.integers(-200, 150, 100)
        p = y + rng.normal(size=100)
        p[i] = np.inf if i == 2 else p[i]
        w = 10.0 ** rng.uniform(-30, 30, 100)
        paths.append(frame(tmp_path, f"{i}", label=y, pred=p, weight=w))
        found = lossctl.evaluate(paths[-1], loss=["mae", "mse", "rmse"], weights="weight", on_bad="keep")
        files.append(tmp_path / f"{i}.lossctl")
        found.save(files[-1])
    whole = lossctl.evaluate(paths, loss=["mae", "mse", "rmse"], weights="weight", on_bad="keep")
    assert lossctl.merge(files).to_json() == whole.to_json()


def test_filters_class_names_and_warnings(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    paths, files = [], []
    call: dict[str, Any] = {"loss": "scce", "where": ["split == 'test'", "id < 90"], "class_weights": {"cat": 2}}
    for i in range(3):
        p = rng.uniform(0.1, 0.9, 40)
        names = np.array(["cat", "dog"])[rng.integers(0, 2, 40)]
        split = np.array(["test", "train"])[rng.integers(0, 2, 40)]
        columns = {"label": names, "p_dog": p, "p_cat": 1.01 - p, "split": split, "id": np.arange(40) + 40 * i}
        paths.append(frame(tmp_path, f"{i}", **columns))
        files.append(tmp_path / f"{i}.lossctl")
        lossctl.evaluate(paths[-1], **call, on_empty="nan").save(files[-1])
    whole = lossctl.evaluate(paths, **call, on_empty="nan")
    assert [warned.code for warned in whole.warnings] == ["rows_not_normalised"]
    assert lossctl.merge(files).to_json() == whole.to_json()


def test_a_decimal_comma_is_told(tmp_path: Path) -> None:
    for i in range(2):
        (tmp_path / f"{i}.csv").write_text("label;pred\n1;0,5\n0;0,25\n")
        lossctl.evaluate(tmp_path / f"{i}.csv", loss="bce").save(tmp_path / f"{i}.lossctl")
    whole = lossctl.evaluate([tmp_path / "0.csv", tmp_path / "1.csv"], loss="bce")
    merged = lossctl.merge([tmp_path / "0.lossctl", tmp_path / "1.lossctl"])
    assert [warned.code for warned in merged.warnings] == ["decimal_comma"]
    assert merged.to_json() == whole.to_json()


def test_limits_hold_over_all(tmp_path: Path) -> None:
    files = []
    for i in range(2):
        (tmp_path / f"{i}.csv").write_text(f"label,pred\n1,0.5\n1,{7 + i}\n")
        files.append(tmp_path / f"{i}.lossctl")
        lossctl.evaluate(tmp_path / f"{i}.csv", loss="bce", on_bad="drop", max_dropped=1).save(files[-1])
    with pytest.raises(GateError, match="2 rows were dropped, --max-dropped allows 1 rows"):
        lossctl.merge(files)


def test_stdin_is_called_as_it_was(tmp_path: Path) -> None:
    for i in range(2):
        done = program("eval", "-", "-l", "mae", "--save", tmp_path / f"{i}", "-q", input=f"label,pred\n1,{i}\n")
        assert done.returncode == 0, done.stderr
    merged = lossctl.merge([tmp_path / "0", tmp_path / "1"])
    assert [entry.path for entry in merged.inputs] == ["-", "-"]
    assert merged.value == 0.5


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("-l", "median_absolute_error"), "median_absolute_error hangs on all rows at once"),
        (("-l", "mae", "-r", "none"), "--reduction none has a loss a row; save the rows with -o"),
        (("-l", "mae", "--labels-from", SAMPLES / "diabetes.csv", "--by-position", "-y", "target"), "--labels-from"),
    ],
)
def test_what_cannot_be_saved(flags: tuple[object, ...], told: str, tmp_path: Path) -> None:
    done = program("eval", SAMPLES / "diabetes.csv", *flags, "--save", tmp_path / "s.lossctl", "-q")
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_long_tables_and_spellings_of_labels_cannot_be_saved(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text("id,class,p,label\n1,a,0.25,a\n1,b,0.75,a\n")
    with pytest.raises(UsageError, match="the rows of an example might lie in several shards"):
        lossctl.evaluate(tmp_path / "long.csv", loss="scce", long="id,class,p").save(tmp_path / "s")
    rows = {"label": [1, 0], "pred": [0.5, -2.0]}
    with pytest.raises(UsageError, match="label_encoding in its name settles how labels are spelt"):
        lossctl.evaluate(rows, loss="hinge").save(tmp_path / "s")
    lossctl.evaluate(rows, loss="hinge", label_encoding="01").save(tmp_path / "s")


def test_what_is_no_partial(tmp_path: Path, partials: list[str]) -> None:
    whole = Path(partials[0]).read_bytes()
    np.savez(tmp_path / "a.npz", x=np.arange(3))
    cases = {
        "cut": whole[:-40],
        "empty": b"",
        "text": b"label,pred\n",
        "flipped": whole[:60] + bytes([whole[60] ^ 8]) + whole[61:],
        "npz": (tmp_path / "a.npz").read_bytes(),
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"{name} is no partial that eval --save wrote, or is damaged") as caught:
            lossctl.merge([tmp_path / name])
        assert "\n" not in str(caught.value)
    done = program("merge", tmp_path / "none")
    assert (done.returncode, done.stderr) == (2, f"lossctl: {tmp_path / 'none'}: no such file or directory\n")
    done = program("merge")
    assert (done.returncode, done.stderr) == (2, "lossctl: name the partials to merge; eval --save writes them\n")


def test_another_version_or_form_is_refused(partials: list[str], tmp_path: Path) -> None:
    from lossctl.evaluation.codec import packed
    from lossctl.evaluation.saved import opened

    found = opened(partials[0])
    for change, told in (({"version": "0.0.1"}, "was saved by lossctl 0.0.1"), ({"form": 2}, "no partial that this")):
        (tmp_path / "x").write_bytes(packed(found._replace(**change)))
        with pytest.raises(DataError, match=told):
            lossctl.merge([tmp_path / "x"])
    (tmp_path / "x").write_bytes(packed(found._replace(partial=found.partial._replace(losses=()))))
    with pytest.raises(DataError, match="no partial that this lossctl can read"):
        lossctl.merge([tmp_path / "x"])
    (tmp_path / "x").write_bytes(packed(found.partial))
    with pytest.raises(DataError, match="no partial that this lossctl can read"):
        lossctl.merge([tmp_path / "x"])


def test_losses_of_ones_own(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("import lossctl\n\n@lossctl.loss\ndef far_off(y, p, scale=1.0):\n    return scale * abs(y - p)\n")
    (tmp_path / "d.csv").write_text("label,pred\n1,2\n3,5\n")
    out = tmp_path / "s.lossctl"
    done = program("eval", tmp_path / "d.csv", "--functions", mine, "-l", "far_off", "--save", out, "-q")
    assert done.returncode == 0, done.stderr
    done = program("merge", out, "--value-only")
    assert (done.returncode, done.stdout) == (2, "")
    assert "unknown loss 'far_off'" in done.stderr
    assert "--functions FILE declares losses of your own" in done.stderr
    done = program("merge", out, "--functions", mine, "--value-only", "-q")
    assert (done.returncode, done.stdout) == (0, "1.5\n")
