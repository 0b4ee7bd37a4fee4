"""NPY and NPZ: arrays as columns; headers that lie and archives that swell are refused."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossctl.errors import DataError
from lossctl.readers import npy
from lossctl.readers.npy import ArraysSource, NpzSource
from lossctl.readers.source import Chunk


def saved(folder: Path, array: Any, name: str = "x.npy") -> ArraysSource:
    np.save(folder / name, array)
    return ArraysSource((str(folder / name),))


def chunks(source: ArraysSource | NpzSource, rows: int = 1000) -> list[Chunk]:
    names = [column.name for column in source.columns()]
    return [chunk for unit in source.units(0) for chunk in source.read(unit, names, rows)]


def table(source: ArraysSource | NpzSource, rows: int = 1000) -> dict[str, list[Any]]:
    names = [column.name for column in source.columns()]
    found: dict[str, list[Any]] = {name: [] for name in names}
    for chunk in chunks(source, rows):
        for name, values in chunk.values.items():
            listed = values.tolist() if isinstance(values, np.ndarray) else values.to_pylist()
            assert len(listed) == chunk.rows <= rows
            found[name] += listed
    return found


@pytest.mark.parametrize(
    ("array", "kind", "width"),
    [
        (np.arange(5), "integer", 1),
        (np.arange(5, dtype=np.uint8), "integer", 1),
        (np.arange(5, dtype=np.float16), "float", 1),
        (np.arange(5, dtype=">f8"), "float", 1),
        (np.arange(5, dtype=">i4"), "integer", 1),
        (np.array([True, False]), "boolean", 1),
        (np.arange(6.0).reshape(3, 2), "list", 2),
        (np.asfortranarray(np.arange(6.0).reshape(3, 2)), "list", 2),
        (np.zeros(0), "float", 1),
        (np.zeros((0, 3)), "list", 3),
        (np.array(["é", "bb", ""]), "string", 1),
        (np.ones(2, complex), "other", 1),
        (np.array([["a", "b"], ["c", "d"]]), "other", 2),
    ],
)
def test_an_array_is_a_column_named_by_its_path(tmp_path: Path, array: Any, kind: str, width: int) -> None:
    source = saved(tmp_path, array)
    (column,) = source.columns()
    assert (column.name, column.kind, column.width) == (str(tmp_path / "x.npy"), kind, width)
    assert column.type == str(array.dtype)
    assert source.rows == len(array)
    assert table(source, 2)[column.name] == array.tolist()


def test_a_second_axis_of_one_is_flat(tmp_path: Path) -> None:
    for array in (np.arange(3.0).reshape(3, 1), np.array([["a"], ["b"], ["c"]])):
        source = saved(tmp_path, array)
        assert source.columns()[0].width == 1
        assert table(source) == {source.path: array[:, 0].tolist()}


def test_bytes_are_text_in_utf_8(tmp_path: Path) -> None:
    source = saved(tmp_path, np.array(["é".encode(), b"b"]))
    assert table(source) == {source.path: ["é", "b"]}
    with pytest.raises(DataError, match=r"x\.npy: expected text in UTF-8, found other bytes"):
        table(saved(tmp_path, np.array([b"\xff"])))


def test_a_record_s_fields_are_columns(tmp_path: Path) -> None:
    records = np.array([(1, [1.0, 2.0]), (2, [3.0, 4.0])], [("y", "i4"), ("p", "f4", (2,))])
    source = saved(tmp_path, records)
    assert [(c.name, c.kind, c.width) for c in source.columns()] == [("y", "integer", 1), ("p", "list", 2)]
    assert table(source) == {"y": [1, 2], "p": [[1.0, 2.0], [3.0, 4.0]]}


def test_values_are_views_of_the_mapped_file(tmp_path: Path) -> None:
    (chunk,) = chunks(saved(tmp_path, np.arange(8.0).reshape(4, 2)))
    (values,) = chunk.values.values()
    assert isinstance(values, np.ndarray)
    assert not values.flags.owndata
    assert not values.flags.writeable


def test_units_are_ranges_of_rows_and_fewer_where_wide(tmp_path: Path) -> None:
    narrow = saved(tmp_path, np.zeros(600_000, np.int8)).units(5)
    assert [(unit.start, unit.stop) for unit in narrow] == [(0, 262144), (262144, 524288), (524288, 600000)]
    assert [(unit.file, unit.number) for unit in narrow] == [(5, 0), (5, 1), (5, 2)]
    wide = saved(tmp_path, np.zeros((5000, 4096), np.float32)).units(0)
    assert {unit.stop - unit.start for unit in wide[:-1]} == {2048}


def test_arrays_side_by_side(tmp_path: Path) -> None:
    y, p = saved(tmp_path, np.arange(3), "y.npy"), saved(tmp_path, np.ones((3, 2)), "p.npy")
    both = ArraysSource((y.path, p.path))
    assert table(both) == {y.path: [0, 1, 2], p.path: [[1.0, 1.0]] * 3}
    assert pickle.loads(pickle.dumps(both)) == both
    assert both.rereadable


def test_arrays_of_different_lengths_are_both_named(tmp_path: Path) -> None:
    y, p = saved(tmp_path, np.arange(3), "y.npy"), saved(tmp_path, np.ones(2), "p.npy")
    with pytest.raises(DataError, match=r"different lengths: .*y\.npy 3, .*p\.npy 2"):
        ArraysSource((y.path, p.path)).units(0)


def header(path: Path, old: bytes, new: bytes) -> None:
    """Rewrites a part of an array's header, keeping its length."""
    data = path.read_bytes()
    assert old in data
    at = data.index(b"\n")
    told = data[:at].replace(old, new).rstrip(b" ")
    assert len(told) <= at
    path.write_bytes(told.ljust(at, b" ") + data[at:])


@pytest.mark.parametrize("left", [9, 40, -8])
def test_an_array_cut_short_is_refused(tmp_path: Path, left: int) -> None:
    source = saved(tmp_path, np.arange(5))
    path = Path(source.path)
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(DataError, match=r"x\.npy is cut short: its header claims more than the file holds"):
        source.columns()


@pytest.mark.parametrize("shape", [b"(5000000000000,)", b"(2000000000,9000000000)"])
def test_a_header_that_claims_too_much_is_refused(tmp_path: Path, shape: bytes) -> None:
    source = saved(tmp_path, np.arange(5))
    header(Path(source.path), b"(5,)", shape)
    with pytest.raises(DataError, match="is cut short: its header claims more"):
        source.columns()


@pytest.mark.parametrize(("old", "new"), [(b"(5,)", b"(-5,)"), (b"<i8", b"<q9"), (b"False", b"Fals(")])
def test_a_header_of_nonsense_is_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    source = saved(tmp_path, np.arange(5))
    header(Path(source.path), old, new)
    with pytest.raises(DataError, match=r"x\.npy"):
        table(source)


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}, 1], object), allow_pickle=True)
    with pytest.raises(DataError, match=r"x\.npy holds pickled Python objects, which lossctl never loads"):
        ArraysSource((str(tmp_path / "x.npy"),)).columns()
    np.savez(tmp_path / "x.npz", y=np.array([{}], object))
    with pytest.raises(DataError, match=r"x\.npz holds pickled Python objects, which lossctl never loads"):
        NpzSource(str(tmp_path / "x.npz")).columns()


@pytest.mark.parametrize("array", [np.ones((2, 2, 2)), np.array(3.0)])
def test_an_array_of_other_axes_is_refused(tmp_path: Path, array: Any) -> None:
    with pytest.raises(DataError, match="an array of rows has one axis, or two"):
        saved(tmp_path, array).columns()


def test_rows_without_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has shape \(3, 0\): its rows hold no numbers"):
        saved(tmp_path, np.zeros((3, 0))).columns()


def test_a_file_of_something_else_or_gone(tmp_path: Path) -> None:
    source = ArraysSource((str(tmp_path / "x.npy"),))
    with pytest.raises(DataError, match=r"x\.npy: no such file"):
        source.columns()
    (tmp_path / "x.npy").write_text("hello world")
    with pytest.raises(DataError, match=r"x\.npy: not a whole \.npy file"):
        source.columns()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_s_members_are_columns(tmp_path: Path, save: Any) -> None:
    save(tmp_path / "x.npz", y=np.arange(3), p=np.ones((3, 2)), s=np.array([(1, 2.0)] * 3, "i4,f4"))
    source = NpzSource(str(tmp_path / "x.npz"))
    assert source.rows == 3
    assert [(c.name, c.kind, c.width) for c in source.columns()] == [
        ("y", "integer", 1),
        ("p", "list", 2),
        ("f0", "integer", 1),
        ("f1", "float", 1),
    ]
    assert table(source, 2) == {"y": [0, 1, 2], "p": [[1.0, 1.0]] * 3, "f0": [1] * 3, "f1": [2.0] * 3}
    assert pickle.loads(pickle.dumps(source)) == source


def archive(folder: Path, members: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> NpzSource:
    with zipfile.ZipFile(folder / "x.npz", "w", packing) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return NpzSource(str(folder / "x.npz"))


def array_bytes(folder: Path, array: Any) -> bytes:
    return Path(saved(folder, array).path).read_bytes()


def test_members_of_different_lengths_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", y=np.arange(3), p=np.ones(2))
    with pytest.raises(DataError, match="different lengths: y 3, p 2"):
        NpzSource(str(tmp_path / "x.npz")).units(0)


def test_a_member_that_is_no_array_is_named(tmp_path: Path) -> None:
    source = archive(tmp_path, {"readme.txt": b"hi", "y.npy": array_bytes(tmp_path, np.arange(3))})
    with pytest.raises(DataError, match=r"x\.npz: member readme\.txt is no array"):
        source.columns()


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", y=np.arange(3), s=np.array([(1, 2)] * 3, [("y", "i4"), ("z", "i4")]))
    with pytest.raises(DataError, match="more than one column 'y'"):
        NpzSource(str(tmp_path / "x.npz")).columns()


def test_a_member_s_claim_must_be_its_size(tmp_path: Path) -> None:
    array_bytes(tmp_path, np.arange(5))
    header(tmp_path / "x.npy", b"(5,)", b"(900000000000,)")
    source = archive(tmp_path, {"y.npy": (tmp_path / "x.npy").read_bytes()}, zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match=r"member y\.npy claims 7,200,000,000,128 bytes and holds 168"):
        source.columns()


def test_a_bomb_is_refused_unopened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "x.npz", y=np.zeros(1_000_000))
    assert (tmp_path / "x.npz").stat().st_size < 20_000
    monkeypatch.setattr(npy.os, "sysconf", lambda name: {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1024}[name])
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *args: pytest.fail("opened"))
    with pytest.raises(DataError, match=r"claims 8,000,128 bytes unpacked, over half of this machine's memory"):
        NpzSource(str(tmp_path / "x.npz")).columns()


def test_broken_archives_are_refused(tmp_path: Path) -> None:
    source = archive(tmp_path, {"y.npy": array_bytes(tmp_path, np.arange(3000))}, zipfile.ZIP_DEFLATED)
    whole = Path(source.path).read_bytes()
    flags = whole.rindex(b"PK\x01\x02") + 8
    locked = whole[:flags] + b"\x01" + whole[flags + 1 :]
    for data in (whole[:-30], whole[:200] + b"\xff" * 50 + whole[250:], locked):
        Path(source.path).write_bytes(data)
        with pytest.raises(DataError, match=r"x\.npz: "):
            source.columns()


def test_an_archive_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "x.npz", y=np.arange(3))
    source, opened = NpzSource(str(tmp_path / "x.npz")), []
    unpack = zipfile.ZipFile.__init__
    monkeypatch.setattr(zipfile.ZipFile, "__init__", lambda *a, **k: (opened.append(a), unpack(*a, **k))[1])
    assert table(source) == table(source) == {"y": [0, 1, 2]}
    assert len(opened) == 1


NUMERIC = [
    f"{order}{kind}" for order in "<>" for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
]


@pytest.mark.parametrize("dtype", [*NUMERIC, "?", "longdouble"])
@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 3)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_numeric_type_shape_and_order_is_read_as_saved(
    tmp_path: Path, dtype: str, shape: tuple[int, ...], order: Any
) -> None:
    array = np.asarray(np.arange(12)[: int(np.prod(shape))].reshape(shape).astype(dtype), order=order)
    source = saved(tmp_path, array)
    width = 1 if len(shape) == 1 else shape[1]
    kind = {"i": "integer", "u": "integer", "f": "float", "b": "boolean"}[array.dtype.kind]
    assert (source.columns()[0].kind, source.columns()[0].width) == (kind if width == 1 else "list", width)
    assert table(source, 3)[source.path] == (array[:, 0] if shape == (4, 1) else array).tolist()
    np.savez(tmp_path / "x.npz", y=array)
    assert table(NpzSource(str(tmp_path / "x.npz")), 3) == {"y": table(source, 3)[source.path]}


@pytest.mark.parametrize("dtype", ["complex64", "complex128", "M8[s]", "m8[s]", "V4"])
def test_types_that_are_no_numbers_are_other(tmp_path: Path, dtype: str) -> None:
    assert saved(tmp_path, np.zeros(3, dtype)).columns()[0].kind == "other"


def test_strided_arrays_are_saved_and_read_whole(tmp_path: Path) -> None:
    base = np.arange(24.0).reshape(6, 4)
    for array in (base[::2], base[:, ::2], base[:, 1:2], base[::-1], base[:, 3]):
        source = saved(tmp_path, array)
        assert table(source)[source.path] == (array[:, 0] if array.shape == (6, 1) else array).tolist()


def test_a_record_of_every_kind_of_field(tmp_path: Path) -> None:
    fields = [("y", ">i2"), ("ok", "?"), ("name", "U3"), ("raw", "S2"), ("p", "f2", (3,)), ("one", "f4", (1,))]
    records = np.array([(1, True, "é", b"a", (0, 1, 2), (5,)), (2, False, "", b"bc", (3, 4, 5), (6,))], fields)
    source = saved(tmp_path, records)
    told = {c.name.removeprefix(f"{source.path}."): (c.kind, c.width) for c in source.columns()}
    assert told == {
        "y": ("integer", 1),
        "ok": ("boolean", 1),
        "name": ("string", 1),
        "raw": ("string", 1),
        "p": ("list", 3),
        "one": ("float", 1),
    }
    found = {name.removeprefix(f"{source.path}."): values for name, values in table(source, 1).items()}
    assert found == {
        "y": [1, 2],
        "ok": [True, False],
        "name": ["é", ""],
        "raw": ["a", "bc"],
        "p": [[0, 1, 2], [3, 4, 5]],
        "one": [5, 6],
    }


def test_a_record_within_a_record_is_other(tmp_path: Path) -> None:
    source = saved(tmp_path, np.zeros(2, [("y", "i4"), ("in", [("a", "i4"), ("b", "f4")])]))
    assert [column.kind for column in source.columns()] == ["integer", "other"]


def test_a_record_with_an_object_in_it_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([(1, {})], [("y", "i4"), ("o", "O")]), allow_pickle=True)
    with pytest.raises(DataError, match="holds pickled Python objects"):
        ArraysSource((str(tmp_path / "x.npy"),)).columns()


@pytest.mark.parametrize("shape", [(3, 0, 2), (1, 1, 1), (0, 2, 2)])
def test_three_axes_are_refused_however_small(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"x\.npy has shape \(\d, \d, \d\): an array of rows has one axis, or two"):
        saved(tmp_path, np.zeros(shape)).columns()


@pytest.mark.parametrize("array", [np.arange(5), np.arange(6.0).reshape(3, 2), np.array(["ab", "c"])])
def test_an_array_cut_anywhere_is_refused(tmp_path: Path, array: Any) -> None:
    whole = array_bytes(tmp_path, array)
    for left in range(len(whole)):
        path = tmp_path / f"cut{left}.npy"
        path.write_bytes(whole[:left])
        with pytest.raises(DataError, match=rf"cut{left}\.npy"):
            ArraysSource((str(path),)).columns()


def test_an_archive_cut_anywhere_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "x.npz", y=np.arange(50), p=np.ones((50, 2)))
    whole = (tmp_path / "x.npz").read_bytes()
    for left in range(0, len(whole), 7):
        path = tmp_path / f"cut{left}.npz"
        path.write_bytes(whole[:left])
        with pytest.raises(DataError, match=rf"cut{left}\.npz"):
            NpzSource(str(path)).columns()


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(tmp_path: Path, version: tuple[int, int]) -> None:
    array = np.array([(1, 2.5)], [("é" if version == (3, 0) else "e", "i4"), ("p", "f8")])
    with (tmp_path / "x.npy").open("wb") as file:
        np.lib.format.write_array(file, array, version=version)
    source = ArraysSource((str(tmp_path / "x.npy"),))
    assert list(table(source).values()) == [[1], [2.5]]
    packed = archive(tmp_path, {"y.npy": (tmp_path / "x.npy").read_bytes()})
    assert list(table(packed).values()) == [[1], [2.5]]


def test_an_archive_of_nothing_has_no_columns_and_no_rows(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz")
    source = NpzSource(str(tmp_path / "x.npz"))
    assert (list(source.columns()), source.rows, source.units(0)) == ([], 0, [])


def test_an_archive_that_is_gone_or_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"x\.npz: no such file"):
        NpzSource(str(tmp_path / "x.npz")).columns()
    (tmp_path / "x.npz").write_text("hello world")
    with pytest.raises(DataError, match=r"x\.npz: not a whole \.npz file"):
        NpzSource(str(tmp_path / "x.npz")).columns()


def test_a_bomb_of_many_members_is_refused_by_their_sum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "x.npz", **{f"a{i}": np.zeros(50_000) for i in range(20)})
    monkeypatch.setattr(npy.os, "sysconf", lambda name: {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2048}[name])
    with pytest.raises(DataError, match=r"claims 8,002,560 bytes unpacked, over half of this machine's memory"):
        NpzSource(str(tmp_path / "x.npz")).columns()
