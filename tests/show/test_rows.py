import csv
import io
import json
import os
import resource

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from lossctl.errors import DataError, UsageError
from lossctl.evaluation.rows import LossRows
from lossctl.show.output import replacing
from lossctl.show.rows import write_rows

EDGES = [0.0, -0.0, 2.0, 1e15, 1e16, 123456789012345680.0, 5e-324, 1e-5, 1e23, np.nan, np.inf, -np.inf, 1 / 3]
LOSSES = ("huber:delta=2.0", 'odd,"|\nname')
IDS = pa.array(['a,"b"', "", None, "007", "tab\there", "line\nend", "back\\slash", "γ", "\x01", " ", "NA", "x", "-"])


def numbers(rows, seed=0):
    patterns = np.random.default_rng(seed).integers(0, 2**64, rows, dtype=np.uint64)
    drawn = patterns.view(np.float64).copy()
    drawn[np.isnan(drawn)] = 1.5
    return drawn


def chunk(values, file=0, first=1, ids=None):
    row = np.arange(first, first + len(values), dtype=np.int64)
    return LossRows(file, row, {LOSSES[0]: values, LOSSES[1]: -values}, ids or {})


def written(chunks, kind, files=("a.csv",), losses=LOSSES, ids=()):
    target = io.BytesIO()
    write_rows(iter(chunks), target, kind, files, losses, ids)
    return target.getvalue()


def same(left, right):
    left, right = np.asarray(left, np.float64), np.asarray(right, np.float64)
    nan = np.isnan(left) & np.isnan(right)
    return left.shape == right.shape and bool(np.all(nan | (left.view(np.int64) == right.view(np.int64))))


VALUES = np.concatenate([EDGES, numbers(70_000)])
CHUNKS = [chunk(VALUES), chunk(VALUES[:5], first=len(VALUES) + 1)]
ALL = np.concatenate([VALUES, VALUES[:5]])


@pytest.mark.parametrize(("kind", "delimiter"), [("csv", ","), ("tsv", "\t"), ("table", ",")])
def test_delimited_reads_back_to_the_same_bits(kind, delimiter):
    text = written(CHUNKS, kind).decode()
    head, *lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    assert head == ["row", *LOSSES]
    assert [int(line[0]) for line in lines] == list(range(1, len(ALL) + 1))
    assert same([float(line[1]) for line in lines], ALL)
    assert same([float(line[2]) for line in lines], -ALL)
    assert "\r" not in text


def test_numbers_look_like_floats_in_the_fewest_digits():
    lines = written([chunk(np.array([2.0, -0.0, 0.1, 1e15, 1e300]))], "csv", losses=LOSSES[:1]).decode().splitlines()
    assert lines[1:] == ["1,2.0", "2,-0.0", "3,0.1", "4,1e+15", "5,1e+300"]
    drawn = numbers(5000)
    lines = written([chunk(drawn)], "csv", losses=LOSSES[:1]).decode().splitlines()
    shown = [digits(line.split(",")[1]) for line in lines[1:]]
    assert shown == [digits(repr(float(number))) for number in drawn]


def digits(number):
    return number.partition("e")[0].replace(".", "").strip("-0")


def test_jsonl_reads_back_to_the_same_bits():
    lines = [json.loads(line, parse_constant=pytest.fail) for line in written(CHUNKS, "jsonl").splitlines()]
    assert list(lines[0]) == ["row", *LOSSES]
    assert same([float(line[LOSSES[0]]) for line in lines], ALL)
    assert [line[LOSSES[0]] for line in lines[9:12]] == ["nan", "inf", "-inf"]


def test_parquet_reads_back_to_the_same_bits():
    back = pa.parquet.read_table(io.BytesIO(written(CHUNKS, "parquet")))
    assert back.schema.names == ["row", *LOSSES]
    assert back["row"].to_pylist() == list(range(1, len(ALL) + 1))
    assert same(back[LOSSES[0]].to_numpy(), ALL)
    assert same(back[LOSSES[1]].to_numpy(), -ALL)


def test_small_chunks_make_large_row_groups():
    chunks = (chunk(VALUES[:1000], first=1 + 1000 * i) for i in range(300))
    assert pa.parquet.ParquetFile(io.BytesIO(written(chunks, "parquet"))).num_row_groups == 3


def test_parquet_keeps_rows_whose_buffer_is_used_again():
    def chunks():
        room = np.empty(3)
        for i in range(4):
            room[:] = i
            yield chunk(room, first=1 + 3 * i)

    back = pa.parquet.read_table(io.BytesIO(written(chunks(), "parquet")))
    assert back[LOSSES[0]].to_pylist() == [0.0] * 3 + [1.0] * 3 + [2.0] * 3 + [3.0] * 3


def test_npy_reads_back_to_the_same_bits():
    one = np.load(io.BytesIO(written(CHUNKS, "npy", losses=LOSSES[:1])))
    two = np.load(io.BytesIO(written(CHUNKS, "npy")))
    assert one.shape == (len(ALL),)
    assert two.shape == (len(ALL), 2)
    assert same(one, ALL)
    assert same(two, np.stack([ALL, -ALL], axis=1))


def test_npy_through_a_pipe_and_to_the_end_of_a_file(tmp_path):
    out, into = os.pipe()
    with os.fdopen(into, "wb") as target:
        write_rows(iter([chunk(np.ones(3))]), target, "npy", ("a",), LOSSES)
    with os.fdopen(out, "rb") as source:
        assert np.load(io.BytesIO(source.read())).shape == (3, 2)
    (tmp_path / "f").write_bytes(b"before")
    with open(tmp_path / "f", "ab") as target:
        write_rows(iter([chunk(np.ones(3))]), target, "npy", ("a",), LOSSES)
    text = (tmp_path / "f").read_bytes()
    assert text.startswith(b"before")
    assert np.load(io.BytesIO(text[6:])).shape == (3, 2)


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_files_and_ids(kind):
    many = ("a,b.csv", 'q"\udcff.csv')
    values = np.arange(len(IDS)) / 4
    numbered = pa.array([1, None, *range(2, len(IDS))], pa.int64())
    ids = {"name": IDS, "number": numbered, "coded": IDS.dictionary_encode()}
    text = written([chunk(values, 0, ids=ids), chunk(values, 1, ids=ids)], kind, many, ids=("number", "name", "coded"))
    found = read(kind, text)
    assert list(found) == ["file", "row", "number", "name", "coded", *LOSSES]
    assert found["file"] == ["a,b.csv"] * len(IDS) + [found["file"][-1]] * len(IDS)
    assert found["file"][-1] == ('q"\udcff.csv' if kind == "jsonl" else 'q"\\udcff.csv')
    names = IDS.to_pylist() if kind in ("jsonl", "parquet") else ["" if i is None else i for i in IDS.to_pylist()]
    assert found["name"] == found["coded"] == names * 2
    if kind in ("jsonl", "parquet"):
        assert found["number"] == numbered.to_pylist() * 2


def read(kind, text):
    if kind == "parquet":
        return pa.parquet.read_table(io.BytesIO(text)).to_pydict()
    if kind == "jsonl":
        lines = [json.loads(line) for line in text.decode().split("\n")[:-1]]
        return {key: [line[key] for line in lines] for key in lines[0]}
    head, *lines = csv.reader(io.StringIO(text.decode(), newline=""), delimiter="\t" if kind == "tsv" else ",")
    return dict(zip(head, map(list, zip(*lines, strict=True)), strict=True))


def test_a_missing_id_differs_from_an_empty_one():
    ids = {"id": pa.array(["", None])}
    assert written([chunk(np.ones(2), ids=ids)], "csv", losses=LOSSES[:1], ids=("id",)).endswith(b'1,"",1.0\n2,,1.0\n')


def test_ids_of_other_types():
    ids = {
        "when": pa.array([0, 1], pa.timestamp("s")),
        "yes": pa.array([True, None]),
        "part": pa.array([0.5, np.nan]),
        "none": pa.nulls(2),
    }
    lines = written([chunk(np.ones(2), ids=ids)], "jsonl", losses=LOSSES[:1], ids=tuple(ids)).splitlines()
    first, second = map(json.loads, lines)
    assert (first["when"], first["yes"], first["part"], first["none"]) == (
        "1970-01-01 00:00:00",
        True,
        0.5,
        None,
    )
    assert (second["yes"], second["part"]) == (None, "nan")
    pa.parquet.read_table(io.BytesIO(written([chunk(np.ones(2), ids=ids)], "parquet", ids=tuple(ids))))
    lists = {"id": pa.array([[1], [2]])}
    with pytest.raises(DataError, match="choose a flat column"):
        written([chunk(np.ones(2), ids=lists)], "csv", ids=("id",))


def test_an_id_that_changes_its_type():
    chunks = [chunk(np.ones(1), ids={"id": pa.array([1])}), chunk(np.ones(1), ids={"id": pa.array(["a"])})]
    with pytest.raises(DataError, match="changes its type"):
        written(chunks, "parquet", ids=("id",))


@pytest.mark.parametrize("chunks", [[], [chunk(np.empty(0), ids={"id": pa.array([], pa.string())})]])
def test_zero_rows_are_a_valid_file(chunks):
    head = b'file,row,id,huber:delta=2.0,"odd,""|\nname"\n'
    assert written(chunks, "csv", ("a", "b"), ids=("id",)) == head
    assert written(chunks, "jsonl", ("a", "b"), ids=("id",)) == b""
    back = pa.parquet.read_table(io.BytesIO(written(chunks, "parquet", ("a", "b"), ids=("id",))))
    assert back.schema.names == ["file", "row", "id", *LOSSES]
    assert back.num_rows == 0
    assert back.schema.field(LOSSES[0]).type == pa.float64()
    assert np.load(io.BytesIO(written(chunks, "npy"))).shape == (0, 2)
    assert np.load(io.BytesIO(written(chunks, "npy", losses=LOSSES[:1]))).shape == (0,)


def test_refusals():
    for kind, said in (
        ("json", "ask for jsonl"),
        ("markdown", "choose one of"),
        ("parqet", "did you mean parquet"),
    ):
        with pytest.raises(UsageError, match=said):
            written([], kind)
    with pytest.raises(UsageError, match="two columns row"):
        written([], "csv", ids=("row",))


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "npy"])
def test_a_closed_pipe_passes_untouched(kind):
    out, into = os.pipe()
    os.close(out)
    target = os.fdopen(into, "wb", buffering=0)
    with pytest.raises(BrokenPipeError):
        write_rows(iter([chunk(VALUES)]), target, kind, ("a",), LOSSES)
    target.close()


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "npy"])
def test_a_full_disk_and_a_bad_input_are_told_as_such(kind, tmp_path):
    def bad():
        yield chunk(VALUES)
        raise DataError("bad input")

    with pytest.raises(DataError, match="cannot write /dev/full"), replacing("/dev/full") as file:
        write_rows(iter([chunk(VALUES)]), file, kind, ("a",), LOSSES)
    with pytest.raises(DataError, match="bad input"), replacing(str(tmp_path / "out")) as file:
        write_rows(bad(), file, kind, ("a",), LOSSES)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "npy"])
def test_a_million_rows_in_little_memory(kind, tmp_path):
    values = np.random.default_rng(0).normal(size=8192)
    chunks = (chunk(values + i, first=1 + 8192 * i) for i in range(123))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with replacing(str(tmp_path / "out")) as file:
        write_rows(chunks, file, kind, ("a",), LOSSES)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000
    if kind == "csv":
        back = pa.csv.read_csv(tmp_path / "out", parse_options=pa.csv.ParseOptions(newlines_in_values=True))
        assert same(back[LOSSES[0]].to_numpy()[-8192:], values + 122)
