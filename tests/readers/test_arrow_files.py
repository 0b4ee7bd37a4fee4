"""Arrow files and streams, and ORC: units, nested columns, tensors, damage."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import orc

import lossctl
from lossctl.errors import DataError, LossctlError
from lossctl.readers import batches
from lossctl.readers.arrow import column, columns_of
from lossctl.readers.batches import BatchStream
from lossctl.readers.ipc import ArrowSource, stream_of, stream_of_file
from lossctl.readers.orc import OrcSource

STRUCTS = pa.array([{"x": float(i), "y": {"z": [float(i), 1.0], "w.v": i}} if i % 3 else None for i in range(12)])
NAMES = ["s.x", "s.y.z", "s.y.w.v"]
FLAT = {
    "s.x": [float(i) if i % 3 else None for i in range(12)],
    "s.y.z": [[float(i), 1.0] if i % 3 else None for i in range(12)],
    "s.y.w.v": [i if i % 3 else None for i in range(12)],
}


def written(path: Path, table: pa.Table, rows: int = 5, stream: bool = False, **options: Any) -> str:
    made = pa.ipc.new_stream if stream else pa.ipc.new_file
    with made(path, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as file:
        file.write_table(table, max_chunksize=rows)
    return str(path)


def values(source: Any, *names: str, most: int = 4) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {name: [] for name in names}
    for unit in source.units(0):
        for chunk in source.read(unit, names, most):
            assert chunk.rows <= most
            for name in names:
                found[name] += chunk.values[name].to_pylist()
    return found


def test_fields_of_structs_are_columns_in_every_format(tmp_path: Path) -> None:
    table = pa.table({"n": range(12), "s": STRUCTS})
    orc.write_table(table, tmp_path / "t.orc")
    for source in (
        ArrowSource(written(tmp_path / "t.arrow", table)),
        ArrowSource(written(tmp_path / "z.arrow", table, compression="zstd")),
        stream_of_file(written(tmp_path / "t.arrows", table, stream=True)),
        OrcSource(str(tmp_path / "t.orc")),
    ):
        assert [info.name for info in source.columns()] == ["n", *NAMES]
        assert values(source, *NAMES) == FLAT
        assert values(source, "s.y.z", "n") == {"s.y.z": FLAT["s.y.z"], "n": list(range(12))}


def test_a_slice_of_a_struct_is_its_own_rows() -> None:
    (batch,) = pa.table({"s": STRUCTS}).slice(2, 7).to_batches()
    assert {name: column(batch, name).to_pylist() for name in NAMES} == {n: v[2:9] for n, v in FLAT.items()}
    found = lossctl.evaluate({"s": STRUCTS[4:6], "label": np.array([4.0, 5.0])}, loss="mse", preds="s.x")
    assert found.value == 0.0


def test_deep_structs_are_left_whole() -> None:
    kind = pa.float64()
    for _ in range(200):
        kind = pa.struct([("a", kind)])
    (info,) = columns_of(pa.schema([("a", kind)]), "t")
    assert info.kind == "other"


def test_small_batches_make_one_unit_and_large_ones_their_own(tmp_path: Path) -> None:
    table = pa.table({"x": np.arange(3000.0)})
    path = written(tmp_path / "t.arrow", table, 10)
    (unit,) = ArrowSource(path).units(4)
    assert (unit.file, unit.start, unit.stop) == (4, 0, 300)
    large = ArrowSource(written(tmp_path / "l.arrow", pa.table({"x": np.zeros(1 << 20)}), 1 << 19))
    assert [(unit.start, unit.stop) for unit in large.units(0)] == [(0, 1), (1, 2)]
    assert (large.rows, pickle.loads(pickle.dumps(large))) == (1 << 20, large)
    stream = stream_of_file(written(tmp_path / "t.arrows", table, 10, stream=True))
    (piece,) = stream.units(4)
    assert (piece.file, piece.start, piece.stop) == (4, 0, 3000)


def test_a_stream_is_cut_by_rows_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "UNIT_ROWS", 100)
    source = stream_of_file(written(tmp_path / "t", pa.table({"x": np.arange(1000.0)}), 30, stream=True))
    assert [(unit.number, unit.start, unit.stop) for unit in source.units(0)][:2] == [(0, 0, 120), (1, 120, 240)]
    for _ in range(2):
        assert values(source, "x")["x"] == list(range(1000))


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    path = Path(written(tmp_path / "t", pa.table({"x": [1.0]}), stream=True))
    source = stream_of("-", lambda: io.BytesIO(path.read_bytes()))
    assert values(source, "x") == {"x": [1.0]}
    with pytest.raises(DataError, match="stdin was read already and cannot be read again; save it in a file first"):
        list(source.units(0))


@pytest.mark.parametrize("piped", [True, False])
def test_a_stream_that_ends_between_two_batches_is_refused(tmp_path: Path, piped: bool) -> None:
    path = Path(written(tmp_path / "t", pa.table({"x": [1.0] * 10}), stream=True))
    whole = path.read_bytes()
    path.write_bytes(whole[:-8])
    source = stream_of("-", lambda: io.BytesIO(whole[:-8])) if piped else stream_of_file(str(path))
    with pytest.raises(DataError, match="the Arrow stream breaks: it ends without the mark for its end, as if cut"):
        values(source, "x")


def test_tensors_and_lists_of_lists(tmp_path: Path) -> None:
    numbers = np.arange(24.0).reshape(6, 2, 2)
    tensor = pa.FixedShapeTensorArray.from_numpy_ndarray(numbers)
    table = pa.table({"t": tensor, "l": numbers.tolist(), "label": np.arange(6)})
    for source in (
        ArrowSource(written(tmp_path / "t.arrow", table)),
        stream_of_file(written(tmp_path / "t.arrows", table, stream=True)),
    ):
        assert [(info.kind, info.width) for info in source.columns()] == [("list", 4), ("other", 1), ("integer", 1)]
        assert values(source, "t")["t"] == numbers.reshape(6, 4).tolist()
    with pytest.raises(LossctlError, match=r"column 'l' is list<.*list<.*, which holds no numbers"):
        lossctl.evaluate(tmp_path / "t.arrow", loss="mse", preds="l")


def test_an_unknown_extension_is_read_as_its_storage(tmp_path: Path) -> None:
    lists = pa.array([[0.5, 0.25], [1.0, 0.0]])
    field = pa.field(
        "pred", lists.type, metadata={"ARROW:extension:name": "nobody.knows", "ARROW:extension:metadata": ""}
    )
    table = pa.table([lists, lists], schema=pa.schema([field, pa.field("label", lists.type)]))
    assert lossctl.evaluate(written(tmp_path / "t.arrow", table), loss="mse").value == 0.0


def test_lists_of_a_stream_are_as_long_as_the_first(tmp_path: Path) -> None:
    lists = [None] * 7 + [[1.0, 2.0, 3.0]] * 5
    path = written(tmp_path / "t", pa.table({"pred": lists, "label": lists}), stream=True)
    assert [info.width for info in stream_of_file(path).columns()] == [3, 3]
    assert lossctl.evaluate(path, loss="mse", on_bad="drop").rows.dropped == {"null_label": 7}


TABLE = pa.table(
    {
        "label": np.arange(40) % 2,
        "prob": np.linspace(0.1, 0.9, 40),
        "id": [f"é{i}" for i in range(40)],
        "k": pa.array([f"{i % 3}" for i in range(40)]).dictionary_encode(),
        "s": pa.array([{"l": [float(i)] * 2} for i in range(40)]),
    }
)


def made(folder: Path, kind: str) -> Path:
    written(folder / "t", TABLE, 9, stream="stream" in kind, compression="lz4" if "lz4" in kind else None)
    return folder / "t"


# not so ORC: its own library follows damaged offsets
@pytest.mark.parametrize("kind", ["file", "file lz4", "stream", "stream lz4"])
@given(place=st.floats(0.0, 1.0, exclude_max=True), byte=st.integers(0, 255))
def test_a_flipped_byte_gives_a_number_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, kind: str, place: float, byte: int
) -> None:
    path = made(tmp_path_factory.mktemp("flipped"), kind)
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] = byte
    path.write_bytes(data)
    try:
        lossctl.evaluate(path, loss="bce", on_bad="drop", on_empty="nan", reduction="none", ids=["id"]).row_table()
        lossctl.evaluate(path, loss="mse", preds="s.l", labels="s.l", on_bad="drop", on_empty="nan")
    except LossctlError as error:
        assert error.exit_code == 2  # noqa: PT017


def test_damaged_offsets_are_not_followed(tmp_path: Path) -> None:
    path = Path(written(tmp_path / "t", pa.table({"pred": [[1.0, 2.0], [3.0, 4.0]], "label": [[0.0, 0.0]] * 2})))
    data = path.read_bytes()
    offsets = np.array([0, 2, 4], np.int32).tobytes()
    path.write_bytes(data.replace(offsets, np.array([0, 2, 1 << 30], np.int32).tobytes()))
    with pytest.raises(DataError, match="record batch 0 cannot be read: "):
        lossctl.evaluate(path, loss="mse")


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = Path(written(tmp_path / "t", pa.table({"pred": [1.0], "s": pa.array([{"odd": 1.0}])})))
    path.write_bytes(path.read_bytes().replace(b"odd", b"o\xffd"))
    with pytest.raises(DataError, match="has a column whose name is not UTF-8"):
        ArrowSource(str(path)).columns()


def test_a_reader_of_memory_is_the_same_stream() -> None:
    reader = pa.table({"x": [1.0, 2.0]}).to_reader()
    assert values(BatchStream("data", lambda: reader, False), "x") == {"x": [1.0, 2.0]}
