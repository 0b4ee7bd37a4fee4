"""One table in every format, from files and from stdin: the same bits; what is cut short or wrong is a sentence."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

import lossctl
from lossctl.errors import LossctlError
from lossctl.readers.places import ReadSettings, open_source
from tests.conftest import called, program
from tests.written import by_arrow

ROWS = 60
RNG = np.random.default_rng(7)
PREDS = RNG.dirichlet([1.0, 2.0, 3.0], ROWS)
TABLE = pa.table(
    {
        "label": RNG.integers(0, 3, ROWS),
        **{f"p_{k}": PREDS[:, k] for k in range(3)},
        "id": [f"row {i}" for i in range(ROWS)],
        "weight": RNG.random(ROWS),
    }
)
LISTS = pa.array(PREDS.tolist())
FIXED = pa.FixedSizeListArray.from_arrays(pa.array(PREDS.reshape(-1)), 3)
BESIDE = TABLE.select(["label", "weight"])


def arrow_file(path: Path, table: pa.Table = TABLE, compression: str | None = None) -> None:
    with pa.ipc.new_file(path, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as file:
        file.write_table(table, max_chunksize=7)


def arrow_stream(path: Path, table: pa.Table = TABLE, compression: str | None = None) -> None:
    with pa.ipc.new_stream(path, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as file:
        file.write_table(table, max_chunksize=7)


def jsonl(path: Path, table: pa.Table = TABLE) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))


def csv(path: Path, delimiter: str = ",") -> None:
    pa.csv.write_csv(TABLE, path, pa.csv.WriteOptions(delimiter=delimiter))


def npz(path: Path) -> None:
    np.savez(path, **{name: np.array(TABLE[name].to_pylist()) for name in TABLE.column_names})


def tensors(path: Path) -> None:
    """By hand: the library is no part of the tests."""
    arrays = {"label": TABLE["label"].to_numpy(), "preds": PREDS, "weight": TABLE["weight"].to_numpy()}
    header: dict[str, Any] = {}
    end = 0
    for name, array in arrays.items():
        begin, end = end, end + array.nbytes
        kind = "I64" if array.dtype.kind == "i" else "F64"
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(a.tobytes() for a in arrays.values()))


def xlsx(path: Path) -> None:
    pd.DataFrame(TABLE.to_pydict()).to_excel(path, index=False)


def packed(pack: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        jsonl(path)
        path.write_bytes(pack(path.read_bytes()))

    return write


def nested(values: Any) -> pa.Table:
    inner = pa.StructArray.from_arrays([values, pa.array(["x"] * ROWS)], ["logits", "note"])
    return BESIDE.append_column("outputs", pa.StructArray.from_arrays([inner], ["probs"]))


LISTED = BESIDE.append_column("preds", LISTS)
NESTED = nested(LISTS)
DICTIONARY = TABLE.set_column(4, "id", TABLE["id"].dictionary_encode())
INSIDE = ["-p", "outputs.probs.logits"]
FORMATS: dict[str, tuple[str, Callable[[Path], None], list[str]]] = {
    "csv": ("t.csv", csv, []),
    "tsv": ("t.tsv", lambda path: csv(path, "\t"), []),
    "jsonl": ("t.jsonl", jsonl, []),
    "ndjson by content": ("t", jsonl, []),
    "json": ("t.json", jsonl, []),
    "parquet": ("t.parquet", lambda path: pq.write_table(TABLE, path, row_group_size=7), []),
    "arrow": ("t.arrow", arrow_file, []),
    "arrow lz4": ("t.arrow", lambda path: arrow_file(path, compression="lz4"), []),
    "arrow zstd dictionary": ("t.feather", lambda path: arrow_file(path, DICTIONARY, "zstd"), []),
    "arrow stream": ("t.arrows", arrow_stream, []),
    "arrow stream by content": ("t", lambda path: arrow_stream(path, DICTIONARY), []),
    "arrow stream zstd": ("t.arrow", lambda path: arrow_stream(path, compression="zstd"), []),
    "orc": ("t.orc", lambda path: orc.write_table(TABLE, path), []),
    "orc by content": ("t", lambda path: orc.write_table(TABLE, path), []),
    "npz": ("t.npz", npz, []),
    "safetensors": ("t.safetensors", tensors, []),
    "safetensors by content": ("t", tensors, []),
    "xlsx": ("t.xlsx", xlsx, []),
    "jsonl.gz": ("t.jsonl.gz", packed(gzip.compress), []),
    "jsonl.bz2": ("t.jsonl.bz2", packed(bz2.compress), []),
    "jsonl.xz": ("t.gz", packed(lzma.compress), []),
    "jsonl.zst": ("t.jsonl.zst", packed(by_arrow("zstd")), []),
    "jsonl.lz4": ("t.jsonl.lz4", packed(by_arrow("lz4")), []),
    "list in arrow": ("t.arrow", lambda path: arrow_file(path, LISTED), []),
    "list in a stream": ("t.arrow", lambda path: arrow_stream(path, LISTED), []),
    "list in jsonl": ("t.jsonl", lambda path: jsonl(path, LISTED), []),
    "list in orc": ("t.orc", lambda path: orc.write_table(LISTED, path), []),
    "fixed list": ("t.arrow", lambda path: arrow_file(path, BESIDE.append_column("preds", FIXED)), []),
    "fixed list in a stream": ("t", lambda path: arrow_stream(path, BESIDE.append_column("preds", FIXED)), []),
    "nested in parquet": ("t.parquet", lambda path: pq.write_table(NESTED, path, row_group_size=9), INSIDE),
    "nested in arrow": ("t.arrow", lambda path: arrow_file(path, NESTED), INSIDE),
    "nested fixed in arrow": ("t.arrow", lambda path: arrow_file(path, nested(FIXED), "lz4"), INSIDE),
    "nested in a stream": ("t.arrow", lambda path: arrow_stream(path, NESTED), INSIDE),
    "nested in orc": ("t.orc", lambda path: orc.write_table(NESTED, path), INSIDE),
    "nested in jsonl": ("t.jsonl", lambda path: jsonl(path, NESTED), INSIDE),
}
FLAGS = ["-l", "scce", "-w", "weight", "-q", "--json"]
EXPECTED = lossctl.evaluate(TABLE, loss="scce", weights="weight").to_dict()["results"]


# Excel's own libraries write 16 digits
SHORT = pa.table(
    {
        name: [float(f"{x:.16g}") for x in values] if isinstance(values[0], float) else values
        for name, values in TABLE.to_pydict().items()
    }
)
EXPECTED_OF = {"xlsx": lossctl.evaluate(SHORT, loss="scce", weights="weight").to_dict()["results"]}


def kind_of(format: str) -> str:
    kinds = ("tsv", "csv", "parquet", "jsonl", "orc", "npz", "safetensors", "xlsx")
    return next((kind for kind in kinds if kind in format), "jsonl" if "json" in format else "arrow")


def written(folder: Path, format: str) -> tuple[Path, list[str]]:
    name, write, flags = FORMATS[format]
    write(folder / name)
    return folder / name, flags


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_gives_the_same_bits(tmp_path: Path, format: str) -> None:
    path, flags = written(tmp_path, format)
    for more in ([], ["-j", "3", "--batch-size", "11"]):
        document = json.loads(called("eval", path, *FLAGS, *flags, *more))
        assert document["results"] == EXPECTED_OF.get(format, EXPECTED)
        (told,) = document["inputs"]
        assert (told["path"], told["rows"]) == (str(path), ROWS)
        assert told["format"] == kind_of(format)


class Piped:
    """stdin that holds a file."""

    def __init__(self, data: bytes) -> None:
        self.buffer = io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]

    def isatty(self) -> bool:
        return False


@pytest.mark.parametrize("format", FORMATS)
def test_stdin_gives_them_too(tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path, flags = written(tmp_path, format)
    monkeypatch.setattr(sys, "stdin", Piped(path.read_bytes()))
    document = json.loads(called("eval", "-", *FLAGS, *flags))
    assert document["results"] == EXPECTED_OF.get(format, EXPECTED)
    assert document["inputs"][0]["path"] == "-"


@pytest.mark.parametrize("format", ["jsonl", "jsonl.gz", "arrow stream", "list in a stream", "parquet"])
def test_stdin_is_kept_where_it_is_read_twice(
    tmp_path: Path, format: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, flags = written(tmp_path, format)
    monkeypatch.setattr(sys, "stdin", Piped(path.read_bytes()))
    found = called("eval", "-", *FLAGS[:-2], *flags, "-r", "none", "-f", "jsonl")
    assert "stdin is read more than once, so it is kept in a temporary file" in capsys.readouterr().err
    assert found == called("eval", path, *FLAGS[:-2], *flags, "-r", "none", "-f", "jsonl")


def test_the_program_says_that_it_keeps_a_file_from_stdin(tmp_path: Path) -> None:
    path, _ = written(tmp_path, "arrow")
    with path.open("rb") as stream:
        done = program("eval", "-", "-l", "scce", "-w", "weight", "--json", stdin=stream)
    assert "lossctl: stdin holds arrow, so it is kept in a temporary file" in done.stderr
    assert json.loads(done.stdout)["results"] == EXPECTED
    with path.open("rb") as stream:
        done = program("eval", "-", "-l", "scce", "-w", "nothing", "-q", stdin=stream)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    path.write_bytes(path.read_bytes()[:-9])
    with path.open("rb") as stream:
        done = program("eval", "-", "-l", "scce", "-q", stdin=stream)
    assert done.stderr == "lossctl: stdin: not a whole Arrow file: Not an Arrow file\n"


def refusal(path: Path, *more: str) -> str:
    with pytest.raises(LossctlError) as caught:
        called("eval", path, *FLAGS, *more)
    assert caught.value.exit_code == 2
    return str(caught.value)


# one of each reader
CUT = ("jsonl", "parquet", "arrow", "arrow lz4", "arrow stream", "orc", "safetensors", "xlsx", "jsonl.gz", "jsonl.zst")


@pytest.mark.parametrize("format", CUT)
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, format: str) -> None:
    path, flags = written(tmp_path, format)
    whole = path.read_bytes()
    for part in range(1, 16):
        cut = whole[: part * len(whole) // 16]
        # a text that ends with a line is a shorter text
        path.write_bytes(cut.rstrip(b"}\n") if whole.startswith(b"{") else cut)
        said = refusal(path, *flags)
        assert "\n" not in said
        assert str(path) in said or "no column" in said


def empty(folder: Path) -> dict[str, Path]:
    """No rows, in every format that can say so."""
    none = TABLE[:0]
    paths = {name: folder / f"t.{name}" for name in ("arrow", "arrows", "orc", "parquet", "xlsx")}
    arrow_file(paths["arrow"], none)
    arrow_stream(paths["arrows"], none)
    orc.write_table(none, paths["orc"])
    pq.write_table(none, paths["parquet"])
    pd.DataFrame(columns=TABLE.column_names).to_excel(paths["xlsx"], index=False)
    return paths


def test_no_rows_have_no_mean(tmp_path: Path) -> None:
    for path in empty(tmp_path).values():
        assert "--on-empty" in refusal(path)
    (tmp_path / "t.jsonl").write_text(" \n\n")
    assert "t.jsonl holds no JSON object" in refusal(tmp_path / "t.jsonl")


def test_no_columns_are_refused(tmp_path: Path) -> None:
    nothing = pa.table({})
    arrow_file(tmp_path / "t.arrow", nothing)
    arrow_stream(tmp_path / "t.arrows", nothing)
    (tmp_path / "t.jsonl").write_text("{}\n{}\n")
    (tmp_path / "t.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    pd.DataFrame().to_excel(tmp_path / "t.xlsx", index=False, header=False)
    for path in tmp_path.iterdir():
        assert "column" in refusal(path)


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    twice = pa.table([pa.array([1.0]), pa.array([2.0])], names=["label", "label"])
    arrow_file(tmp_path / "t.arrow", twice)
    arrow_stream(tmp_path / "t.arrows", twice)
    struct = pa.table({"a": [{"b": 1.0}], "a.b": [1.0]})
    orc.write_table(struct, tmp_path / "t.orc")
    (tmp_path / "t.jsonl").write_text('{"a":1,"label":0,"label":1}\n')
    pd.DataFrame([[1, 2]], columns=["label", "label"]).to_excel(tmp_path / "t.xlsx", index=False)
    said = {path.suffix: refusal(path) for path in tmp_path.iterdir()}
    assert said.pop(".jsonl").endswith("t.jsonl line 1: key 'label' is there twice, expected distinct ones")
    assert said.pop(".xlsx").endswith("t.xlsx: the first row names column 'label' twice, expected distinct names")
    assert all("more than one column" in text for text in said.values())
    assert len(said) == 3


@pytest.mark.parametrize(("name", "write"), [("t.npz", npz), ("t.xlsx", xlsx)])
def test_a_zip_of_a_later_version_is_refused(tmp_path: Path, name: str, write: Callable[[Path], None]) -> None:
    path = tmp_path / name
    write(path)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 6] = 91
    path.write_bytes(data)
    assert "zip file version 9.1" in refusal(path)


LYING = [
    ("parquet", "csv", "holds parquet, not csv as --input-format says; leave the flag out"),
    ("arrow", "parquet", "holds arrow, not parquet"),
    ("arrow stream", "orc", "holds arrow, not orc"),
    ("orc", "jsonl", "holds orc, not jsonl"),
    ("safetensors", "npy", "holds safetensors, not npy"),
    ("xlsx", "npz", "holds xlsx, not npz"),
    ("npz", "xlsx", "holds npz, not xlsx"),
    ("npz", "csv", "holds npz, not csv"),
    ("csv", "arrow", "not a whole Arrow stream"),
    ("csv", "orc", "not a whole ORC file"),
    ("csv", "xlsx", "not a whole .xlsx file"),
    ("csv", "jsonl", "line 1: found JSON of type string; expected one JSON object a line, as jq -c . writes them"),
]


@pytest.mark.parametrize(("format", "asked", "said"), LYING)
def test_a_format_that_the_content_does_not_have(tmp_path: Path, format: str, asked: str, said: str) -> None:
    path, _ = written(tmp_path, format)
    assert said in refusal(path, "--input-format", asked)


@pytest.mark.parametrize(("word", "format"), [("feather", "arrow"), ("ipc", "arrow stream"), ("ndjson", "jsonl")])
def test_other_words_for_the_same(tmp_path: Path, word: str, format: str) -> None:
    path, _ = written(tmp_path, format)
    assert json.loads(called("eval", path, *FLAGS, "--input-format", word))["results"] == EXPECTED


def test_old_formats_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "t.feather").write_bytes(b"FEA1" + bytes(40))
    assert refusal(tmp_path / "t.feather").endswith(
        "t.feather is Feather version 1, which is not read; write it again as version 2"
    )
    (tmp_path / "t.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(40))
    assert refusal(tmp_path / "t.xls").endswith(
        "is an old Excel file (.xls), which is not read; save it as .xlsx or CSV"
    )


def test_a_csv_may_begin_like_another_format(tmp_path: Path) -> None:
    for start in ("ORC", "FEA1", "ARROW1", "{a}", "[x]"):
        (tmp_path / "t.csv").write_text(f"{start},label,pred\n1,1.0,2.0\n")
        document = json.loads(called("eval", tmp_path / "t.csv", "-l", "mse", "-q", "--json"))
        assert (document["inputs"][0]["format"], document["results"][0]["value"]) == ("csv", 1.0)


def test_xlsx_without_openpyxl_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = written(tmp_path, "xlsx")
    monkeypatch.setattr("lossctl.readers.excel.find_spec", lambda name: None)
    assert refusal(path).endswith("t.xlsx: .xlsx is read through openpyxl; pip install 'lossctl[excel]'")


def test_a_sheet_of_mixed_cells(tmp_path: Path) -> None:
    cells = {"id": ["a", None, 7], "flag": [True, None, False], "x": [1, None, 2.5], "none": [None] * 3}
    pd.DataFrame(cells, dtype=object).to_excel(tmp_path / "t.xlsx", index=False)
    source = open_source(str(tmp_path / "t.xlsx"), ReadSettings())
    (chunk,) = source.read(next(iter(source.units(0))), list(cells), 9)
    assert {name: values.to_pylist() for name, values in chunk.values.items()} == {  # type: ignore[union-attr]
        "id": ["a", None, "7"],
        "flag": [True, None, False],
        "x": [1.0, None, 2.5],
        "none": [None] * 3,
    }


def test_tensors_of_other_lengths_are_refused(tmp_path: Path) -> None:
    header = {
        "label": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]},
        "pred": {"dtype": "F64", "shape": [2], "data_offsets": [8, 24]},
    }
    text = json.dumps(header).encode()
    (tmp_path / "t.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(24))
    with pytest.raises(LossctlError, match="arrays of different lengths: label 1, pred 2 rows"):
        lossctl.evaluate(tmp_path / "t.safetensors", loss="mse")


def test_tensors_of_what_is_no_number_are_refused(tmp_path: Path) -> None:
    kind = pa.fixed_shape_tensor(pa.date32(), (2,))
    days = pa.FixedSizeListArray.from_arrays(pa.array([1, 2, 3, 4], pa.int32()).cast(pa.date32()), 2)
    preds = pa.ExtensionArray.from_storage(kind, days)
    arrow_file(tmp_path / "t.arrow", pa.table({"label": [0, 1], "preds": preds, "weight": [1, 1]}))
    assert "which holds no numbers" in refusal(tmp_path / "t.arrow")
