"""Many files as one: paths, globs, folders, keys in paths, and files that do not belong together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from lossctl.errors import DataError
from lossctl.readers.folders import expand
from lossctl.readers.many import open_files
from lossctl.readers.parquet import ParquetSource
from lossctl.readers.places import ReadSettings
from tests.conftest import called, program


def table(rows: int = 900) -> pa.Table:
    draw = np.random.default_rng(6)
    probs = draw.dirichlet(np.ones(3), rows)
    columns = {"label": draw.integers(0, 3, rows), **{f"p_{k}": probs[:, k] for k in range(3)}}
    return pa.table({**columns, "id": np.arange(rows)})


def hive(folder: Path, keys: tuple[str, ...] = ("split=train", "split=test", "split=val")) -> pa.Table:
    """A table whose thirds lie in folders of their own."""
    made = table()
    for i, key in enumerate(keys):
        (folder / key).mkdir(parents=True)
        pq.write_table(made.slice(300 * i, 300), folder / key / "part-0.parquet", row_group_size=50 * (i + 1))
    return made


def value(*args: Any) -> float:
    found: float = json.loads(called("eval", *args, "--loss", "scce", "--json", "-q"))["results"][0]["value"]
    return found


def refused(*args: Any) -> str:
    done = program("eval", *args, "--loss", "scce")
    assert (done.returncode, done.stdout) == (2, "")
    line: str = done.stderr.splitlines()[-1]
    return line


def test_files_globs_and_folders_are_one_table(tmp_path: Path) -> None:
    made = hive(tmp_path / "data")
    pq.write_table(made, tmp_path / "whole.parquet")
    expected = value(tmp_path / "whole.parquet")
    parts = [tmp_path / "data" / f"split={key}" / "part-0.parquet" for key in ("test", "train", "val")]
    assert value(*parts) == expected
    assert value(*reversed(parts)) == expected
    assert value(tmp_path / "data") == expected
    assert value(tmp_path / "data" / "*" / "*.parquet") == expected
    assert value(tmp_path / "data" / "**" / "part-*.parquet") == expected
    assert value(tmp_path / "data" / "split=[tv]*") == value(*parts[:1], parts[1], parts[2])


def test_paths_come_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 9, 1):
        (tmp_path / f"part-{number}.csv").write_text("label,prob\n0,0.5\n")
    every = [f"part-{number}.csv" for number in (1, 9, 10)]
    assert [Path(found.path).name for found in expand([str(tmp_path)])] == every
    assert [Path(found.path).name for found in expand([str(tmp_path / "*.csv")])] == every


def test_a_name_with_wild_marks_is_itself_where_it_exists(tmp_path: Path) -> None:
    odd = tmp_path / "p[1].csv"
    odd.write_text("label,prob\n0,0.5\n")
    (tmp_path / "p1.csv").write_text("label,prob\n1,0.5\n")
    assert [found.path for found in expand([str(odd)])] == [str(odd)]


def test_keys_of_paths_are_columns(tmp_path: Path) -> None:
    hive(tmp_path, ("year=2023/split=a%20b", "year=2024/split=c", "year=__HIVE_DEFAULT_PARTITION__/split=7"))
    sources = open_files([str(tmp_path)], ReadSettings())
    assert [(c.name, c.kind) for c in sources[0].columns()][-2:] == [("year", "integer"), ("split", "string")]
    seen = []
    for i, source in enumerate(sources):
        for chunk in (chunk for unit in source.units(i) for chunk in source.read(unit, ["split", "year"], 77)):
            assert list(chunk.values) == ["split", "year"]
            assert all(len(column) == chunk.rows for column in chunk.values.values())
            seen += [(str(chunk.values["split"][k]), chunk.values["year"][k].as_py()) for k in range(chunk.rows)]
    assert sorted(set(seen), key=str) == [("7", None), ("a b", 2023), ("c", 2024)]
    assert len(seen) == 900


def test_a_key_may_name_rows_and_be_dropped_with_them(tmp_path: Path) -> None:
    made = hive(tmp_path / "data")
    broken = made.slice(300, 300).set_column(0, "label", pc.add(made["label"].slice(300, 300), 1))
    pq.write_table(broken, tmp_path / "data" / "split=test" / "part-0.parquet")
    rows = called("eval", tmp_path / "data", "--loss", "scce", "-r", "none", "--id", "split", "--on-bad", "drop", "-q")
    assert {line.split(",")[2] for line in rows.splitlines()[1:]} == {"train", "test", "val"}
    saved = tmp_path / "dropped.parquet"
    called("eval", tmp_path / "data", "--loss", "scce", "--on-bad", "drop", "--dropped", saved, "-q")
    dropped = pq.read_table(saved)
    assert pc.unique(dropped["split"]).to_pylist() == ["test"]
    assert set(dropped.column_names) == {*made.column_names, "split", "dropped_reason", "dropped_file", "dropped_row"}


def test_a_files_own_column_counts_before_a_key(tmp_path: Path) -> None:
    folder = tmp_path / "label=7"
    folder.mkdir()
    pq.write_table(table(30), folder / "a.parquet")
    pq.write_table(table(30), tmp_path / "a.parquet")
    assert value(folder / "a.parquet") == value(tmp_path / "a.parquet")


def test_a_key_may_be_the_label(tmp_path: Path) -> None:
    made = table(30)
    for k in range(3):
        (tmp_path / f"label={k}").mkdir()
        some = made.filter(pc.equal(made["label"], k)).drop_columns("label")
        pq.write_table(some, tmp_path / f"label={k}" / "a.parquet")
    pq.write_table(made, tmp_path / "whole.parquet")
    parts = [tmp_path / f"label={k}" for k in range(3)]
    assert value(*parts) == value(tmp_path / "whole.parquet")


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    made = table()
    pq.write_table(made, tmp_path / "whole.parquet")
    pq.write_table(made.slice(0, 400), tmp_path / "a.parquet")
    turned = made.slice(400).select(made.column_names[::-1])
    pq.write_table(turned.append_column("more", pa.array(np.ones(500))), tmp_path / "b.parquet")
    assert value(tmp_path / "a.parquet", tmp_path / "b.parquet") == value(tmp_path / "whole.parquet")


@pytest.mark.parametrize("picked", [(), ("-p", "p_*")])
def test_files_that_do_not_belong_together_are_refused(tmp_path: Path, picked: tuple[str, ...]) -> None:
    made = table(30)
    first, other = tmp_path / "a.parquet", tmp_path / "b.parquet"
    pq.write_table(made, first)
    pq.write_table(made.drop_columns("p_1"), other)
    assert f"{other} has no column 'p_1', which {first} has (columns: label, p_0, p_2, id)" in refused(
        first, other, *picked
    )
    pq.write_table(made.append_column("p_3", pa.array(np.zeros(30))), other)
    assert f"{other} has a column 'p_3' beside 'p_0' and the other preds, which {first} lacks" in refused(
        first, other, *picked
    )


def test_a_list_beside_a_number_is_refused(tmp_path: Path) -> None:
    lists = pa.FixedSizeListArray.from_arrays(pa.array(np.full(6, 0.5)), 2)
    pq.write_table(pa.table({"label": [0, 1, 0], "probs": lists}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"label": [0, 1, 0], "probs": [0.5, 0.5, 0.5]}), tmp_path / "b.parquet")
    told = refused(tmp_path / "a.parquet", tmp_path / "b.parquet")
    assert "b.parquet: column 'probs' is double, but fixed_size_list<" in told


def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The row groups that are read from now on, with the folder of their file."""
    seen: list[tuple[str, int]] = []
    read = ParquetSource._groups

    def spied(self: ParquetSource, groups: range, names: Any, rows: int) -> Any:
        seen.extend((Path(self.path).parent.name, group) for group in groups)
        return read(self, groups, names, rows)

    monkeypatch.setattr(ParquetSource, "_groups", spied)
    return seen


def test_a_filter_reads_only_the_row_groups_that_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = hive(tmp_path / "data")
    pq.write_table(made.slice(420, 50), tmp_path / "some.parquet")
    expected = value(tmp_path / "some.parquet")
    seen = counted(monkeypatch)
    # 300 to 599 are the test's rows, in groups of 100
    assert value(tmp_path / "data", "--where", "split = 'test' and id >= 420 and id < 470") == expected
    assert seen == [("split=test", 1)]
    seen.clear()
    assert value(tmp_path / "data", "--where", "split in ('val', 'test') and id between 420 and 469") == expected
    assert seen == [("split=test", 1)]
    seen.clear()
    value(tmp_path / "data")
    assert len(seen) == 6 + 3 + 2


def test_row_numbers_stay_the_files_under_a_filter_on_keys(tmp_path: Path) -> None:
    made = hive(tmp_path / "data", ("year=2023", "year=2024", "year=2025"))
    broken = made.slice(300, 300).set_column(0, "label", pa.array([0] * 299 + [7]))
    pq.write_table(broken, tmp_path / "data" / "year=2024" / "part-0.parquet", row_group_size=100)
    assert "year=2024/part-0.parquet row 300 column label: 7" in refused(tmp_path / "data", "--where", "year > 2023")
    document = json.loads(
        called("eval", tmp_path / "data", "--loss", "scce", "--where", "year != 2024", "--json", "-q")
    )
    assert document["rows"] == {"read": 600, "used": 600, "dropped": {}, "filtered": 300}
    assert document["where"] == "year != 2024"


def test_keys_beside_csv(tmp_path: Path) -> None:
    for key in ("2023", "2024"):
        (tmp_path / f"year={key}").mkdir()
        (tmp_path / f"year={key}" / "a.csv").write_text(f"label,prob\n1,0.5\n{int(key) % 2},0.25\n")
    for where in ("year = 2024", "year = '2024'"):
        text = called("eval", tmp_path, "--loss", "mae", "--where", where, "--value-only", "-q")
        assert float(text) == (0.5 + 0.25) / 2


def test_hidden_files_and_markers_are_no_data(tmp_path: Path) -> None:
    hive(tmp_path)
    for name in ("_SUCCESS", "._part-0.parquet", ".part.crc", "README.md", "_temporary/x.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("no data")
    assert len(expand([str(tmp_path)])) == 3


def test_folders_without_one_kind_of_data_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("nothing")
    with pytest.raises(DataError, match=r"is a directory without data files \(expected \.csv.*; it holds notes\.md"):
        expand([str(tmp_path)])
    (tmp_path / "a.csv").write_text("label,prob\n0,1\n")
    (tmp_path / "b.parquet").write_text("")
    with pytest.raises(DataError, match=r"holds files of several formats \(csv, parquet\); say which by a quoted glob"):
        expand([str(tmp_path)])
    with pytest.raises(DataError, match=r"\*\.orc: no file matches"):
        expand([str(tmp_path / "*.orc")])


@pytest.mark.parametrize(
    ("mark", "kind"), [("_delta_log/0.json", "Delta Lake"), (".hoodie/x", "Hudi"), ("metadata/v1.metadata.json", "Ice")]
)
def test_tables_with_a_log_of_their_own_are_refused(tmp_path: Path, mark: str, kind: str) -> None:
    hive(tmp_path / "lake")
    (tmp_path / "lake" / mark).parent.mkdir()
    (tmp_path / "lake" / mark).write_text("{}")
    with pytest.raises(DataError, match=f"holds a table of {kind}.*says which of its files count"):
        expand([str(tmp_path)])


def test_a_folder_of_datasets_is_read_in_its_own_order(tmp_path: Path) -> None:
    names = ["data-00001-of-00002.arrow", "data-00000-of-00002.arrow"]
    for name in (*names, "cache-17.arrow"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (tmp_path / "dataset_info.json").write_text("{}")
    assert [Path(found.path).name for found in expand([str(tmp_path)])] == names
    state = {"_data_files": [{"filename": names[0]}], "_indices_data_files": [{"filename": "indices.arrow"}]}
    (tmp_path / "state.json").write_text(json.dumps(state))
    with pytest.raises(DataError, match="picks rows by an indices file"):
        expand([str(tmp_path)])
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    with pytest.raises(DataError, match="holds the splits train, test; name the folder of one"):
        expand([str(tmp_path)])
