"""Safetensors: every type is read as its bits stand; a header that lies is refused in one sentence."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossctl.errors import DataError
from lossctl.readers import files, safetensors
from lossctl.readers.safetensors import Entry, header, tensor

TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}
GOOD = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def written(folder: Path, head: object, data: bytes = b"", name: str = "x.safetensors") -> str:
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    (folder / name).write_bytes(struct.pack("<Q", len(text)) + text + data)
    return str(folder / name)


def one(folder: Path, dtype: str, shape: list[int], data: bytes) -> str:
    return written(folder, {"p": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}}, data)


def everything(path: str) -> dict[str, list[Any]]:
    return {name: tensor(path, name).tolist() for name in header(path)}


def refusal(path: str) -> str:
    with pytest.raises(DataError) as caught:
        everything(path)
    told = str(caught.value)
    assert told.startswith(path)
    assert len(told.splitlines()) == 1
    assert told.isprintable()
    assert len(told) < len(path) + 350
    return told


@pytest.mark.parametrize(("dtype", "kind"), TYPES.items())
@pytest.mark.parametrize("shape", [(12,), (4, 3), (2, 3, 2), (1, 12, 1)])
def test_every_type_and_shape_is_read_as_saved(tmp_path: Path, dtype: str, kind: str, shape: tuple[int, ...]) -> None:
    array = (np.arange(12) - (0 if "u" in kind else 5)).reshape(shape).astype(kind)
    found = tensor(one(tmp_path, dtype, list(shape), array.tobytes()), "p")
    assert (found.dtype, found.shape) == (array.dtype, shape)
    assert found.tolist() == array.tolist()


@pytest.mark.parametrize(("dtype", "kind"), TYPES.items())
def test_the_bits_of_every_type_survive(tmp_path: Path, dtype: str, kind: str) -> None:
    size = np.dtype(kind).itemsize
    data = bytes([0, 1] * 8) if dtype == "BOOL" else random.Random(dtype).randbytes(64 * size) + b"\xff" * size
    assert tensor(one(tmp_path, dtype, [len(data) // size], data), "p").tobytes() == data


def test_bfloat16_becomes_float32_exactly(tmp_path: Path) -> None:
    known = {0x3F80: 1.0, 0xC000: -2.0, 0x4049: 3.140625, 0x0080: 2.0**-126, 0x0001: 2.0**-133, 0x7F80: np.inf}
    found = tensor(one(tmp_path, "BF16", [2, 3], struct.pack("<6H", *known)), "p")
    assert (found.dtype, found.shape) == (np.float32, (2, 3))
    assert found.ravel().tolist() == list(known.values())


def test_every_bfloat16_is_the_upper_half_of_its_float32(tmp_path: Path) -> None:
    halves = np.arange(1 << 16, dtype="<u2")
    found = tensor(one(tmp_path, "BF16", [1 << 16], halves.tobytes()), "p")
    assert np.array_equal(found.view("<u4"), halves.astype("<u4") * 65536)


@pytest.mark.parametrize(("dtype", "data", "value"), [("F64", b"\0\0\0\0\0\0\xf0?", 1.0), ("BF16", b"\x80?", 1.0)])
def test_a_scalar_has_no_axes(tmp_path: Path, dtype: str, data: bytes, value: float) -> None:
    found = tensor(one(tmp_path, dtype, [], data), "p")
    assert isinstance(found, np.ndarray)
    assert (found.shape, found.item()) == ((), value)


@pytest.mark.parametrize("dtype", [*TYPES, "BF16"])
@pytest.mark.parametrize("shape", [[0], [0, 3], [3, 0, 2]])
def test_a_tensor_of_nothing_keeps_its_shape(tmp_path: Path, dtype: str, shape: list[int]) -> None:
    assert tensor(one(tmp_path, dtype, shape, b""), "p").shape == tuple(shape)


def test_values_are_views_of_the_one_mapped_file(tmp_path: Path) -> None:
    path = one(tmp_path, "F32", [2, 2], bytes(16))
    first, second = tensor(path, "p"), tensor(path, "p")
    assert type(first) is np.ndarray
    assert np.shares_memory(first, second)
    assert not first.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1


def test_tensors_keep_the_header_s_order_whatever_that_of_their_bytes(tmp_path: Path) -> None:
    head = {
        "__metadata__": {"format": "np"},
        "z é": {"dtype": "F32", "shape": [2], "data_offsets": [3, 11]},
        "none": {"dtype": "I8", "shape": [0], "data_offsets": [1, 1]},
        "a": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3], "more": None},
    }
    text = json.dumps(head).encode() + b"   "
    path = written(tmp_path, text, b"\1\2\3" + struct.pack("<2f", 1.5, -2))
    start = 8 + len(text)
    assert list(header(path).items()) == [
        ("z é", Entry("F32", (2,), start + 3, start + 11)),
        ("none", Entry("I8", (0,), start + 1, start + 1)),
        ("a", Entry("U8", (3,), start, start + 3)),
    ]
    assert tensor(path, "z é").tolist() == [1.5, -2]
    assert tensor(path, "a").tolist() == [1, 2, 3]


def test_a_file_of_no_tensors(tmp_path: Path) -> None:
    assert header(written(tmp_path, {})) == header(written(tmp_path, {"__metadata__": {}}, b"12")) == {}


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    path = one(tmp_path, "U8", [1], b"\1")
    header(path).clear()
    assert tensor(path, "p").tolist() == [1]
    one(tmp_path, "U8", [2], b"\2\3")
    assert tensor(path, "p").tolist() == [2, 3]


def test_a_name_it_lacks(tmp_path: Path) -> None:
    path = written(tmp_path, {"logits": GOOD}, bytes(8))
    with pytest.raises(DataError, match=r"x\.safetensors has no tensor 'logit'; did you mean 'logits'\?$"):
        tensor(path, "logit")
    with pytest.raises(DataError, match=r"has no tensor 'a\\nb'$"):
        tensor(path, "a\nb")


@pytest.mark.parametrize("dtype", ["F8_E4M3", "C64", "f32", "", "F4\n" * 99])
def test_a_type_numpy_lacks_is_refused_when_it_is_asked_for(tmp_path: Path, dtype: str) -> None:
    other = {"dtype": dtype, "shape": [3], "data_offsets": [8, 11]}
    path = written(tmp_path, {"p": GOOD, "q": other}, bytes(11))
    assert list(header(path)) == ["p", "q"]
    assert tensor(path, "p").tolist() == [0, 0]
    told = refusal(path)
    assert f"tensor 'q' has dtype {repr(dtype)[:9]}" in told
    assert "expected one of F64, F32, F16, BF16, I64" in told


def test_a_boolean_is_0_or_1(tmp_path: Path) -> None:
    told = refusal(one(tmp_path, "BOOL", [3], b"\0\1\2"))
    assert "tensor 'p' has a boolean of 2, expected 0 or 1" in told


def test_a_file_that_is_gone_or_none(tmp_path: Path) -> None:
    assert refusal(str(tmp_path / "x")).endswith("x: no such file or directory")
    assert refusal(str(tmp_path)).endswith(": is a directory")
    os.mkfifo(tmp_path / "pipe")
    assert refusal(str(tmp_path / "pipe")).endswith("pipe is no regular file, expected a .safetensors file")
    with pytest.raises(DataError, match="embedded null byte"):
        header("a\0b")


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = one(tmp_path, "U8", [1], b"\1")

    def denied(*args: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied", path)

    with monkeypatch.context() as patch:
        patch.setattr(files, "open", denied, raising=False)
        assert refusal(path) == f"{path}: permission denied"
    header(path)
    with monkeypatch.context() as patch:
        patch.setattr(np, "memmap", denied)
        assert refusal(path) == f"{path}: permission denied"
    assert tensor(path, "p").tolist() == [1]


def test_a_file_that_changes_between_two_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = one(tmp_path, "U8", [1], b"\1")
    size = Path(path).stat().st_size
    for claimed in (size - 1, size + 1):
        with pytest.raises(DataError, match=r"x\.safetensors changed while it was read"):
            safetensors._cached_map(path, claimed, 0)
    Path(path).write_bytes(Path(path).read_bytes()[:20])
    with pytest.raises(DataError, match="changed while it was read: expected a header of"):
        safetensors._cached_header(path, size, 0)


@pytest.mark.parametrize("data", [b"", b"1234567"])
def test_a_file_without_a_length(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    assert refusal(str(tmp_path / "x")).endswith(f"expected at least 8 bytes, found {len(data)}")


@pytest.mark.parametrize("length", [3, 2**63, 2**64 - 1])
def test_a_header_longer_than_the_file(tmp_path: Path, length: int) -> None:
    (tmp_path / "x").write_bytes(struct.pack("<Q", length) + b"{}")
    assert refusal(str(tmp_path / "x")).endswith(f"expected a header of {length:,} bytes, found 2")


def test_a_header_over_a_hundred_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(struct.pack("<Q", 100_000_001))
    os.truncate(path, 100_000_009)
    assert refusal(str(path)).endswith("expected a header of at most 100,000,000 bytes, found one of 100,000,001")


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"", "expected a header that starts with {, found ''"),
        (b"[]", "expected a header that starts with {, found '[]'"),
        (b" {}", "expected a header that starts with {, found ' {}'"),
        (b"\xef\xbb\xbf{}", "expected a header that starts with {, found '\\ufeff{}'"),
        (b"a\nb", "expected a header that starts with {, found 'a\\nb'"),
        (b"null", "expected a header that starts with {"),
        (b"{\xff}", "expected a header in UTF-8, found byte 0xff"),
        ("{}".encode("utf-16"), "expected a header in UTF-8, found byte 0xff"),
        (b"{", "expected a header of JSON, found at character 1"),
        (b"{'a': 1}", "expected a header of JSON"),
        (b'{"a": }', "expected a header of JSON, found at character 6"),
        (b'{"a\n": 1}', "expected a header of JSON"),
        (b"{} {}", "expected a header of JSON, found at character 3: Extra data"),
        (b"{}\0", "expected a header of JSON"),
        (b'{"a": ' + b"[" * 200_000, "expected a flat header"),
        (b'{"a": ' * 200_000, "expected a flat header"),
        (b'{"__metadata__": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "expected a flat header"),
        (b'{"a": ' + b"9" * 9999 + b"}", "found a number of thousands of digits"),
        (b'{"a": 1, "a": 1}', "expected distinct names in the header, found 'a' twice"),
        (b'{"a": {"shape": [1], "shape": [2]}}', "found 'shape' twice"),
        (b'{"a\\n": 1, "a\\u000a": 1}', r"found 'a\n' twice"),
        (b'{"\\ud800": 1}', r"expected names that are text, found '\ud800'"),
    ],
)
def test_a_header_of_something_else(tmp_path: Path, head: bytes, told: str) -> None:
    assert told in refusal(written(tmp_path, head))


def test_nesting_near_the_limit_of_recursion_is_refused_too(tmp_path: Path) -> None:
    limit = sys.getrecursionlimit()
    for depth in range(limit - 200, limit + 10, 7):
        told = refusal(written(tmp_path, b'{"a": ' + b"[" * depth + b"]" * depth + b"}"))
        assert "tensor 'a' is [" in told or "expected a flat header" in told


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (None, "tensor 'p' is None, expected an object of dtype, shape, data_offsets"),
        ([1] * 99, "tensor 'p' is [1, 1, 1, 1, 1, 1, ...], expected an object"),
        ("F32", "tensor 'p' is 'F32', expected an object"),
        ({}, "tensor 'p' lacks dtype, shape, data_offsets"),
        ({"dtype": "F32", "shape": [2]}, "tensor 'p' lacks data_offsets"),
        (GOOD | {"dtype": 3}, "has dtype 3, expected text"),
        (GOOD | {"dtype": None}, "has dtype None, expected text"),
        (GOOD | {"dtype": ["F32"]}, "has dtype ['F32'], expected text"),
        *[
            (GOOD | {"shape": shape}, f"has shape {told}, expected a list of whole numbers from 0")
            for shape, told in [
                (2, "2"),
                (None, "None"),
                ("2", "'2'"),
                ({"0": 2}, "{'0': 2}"),
                ([2.0], "[2.0]"),
                ([-2], "[-2]"),
                ([2, True], "[2, True]"),
                (["2"], "['2']"),
                ([None], "[None]"),
                ([[2]], "[[2]]"),
                ([float("nan")], "[nan]"),
                ([2**63], "[9223372036854775808]"),
            ]
        ],
        *[
            (GOOD | {"data_offsets": offsets}, f"has data_offsets {told}, expected two whole numbers from 0")
            for offsets, told in [
                (8, "8"),
                ([], "[]"),
                ([8], "[8]"),
                ([0, 8, 8], "[0, 8, 8]"),
                ([0, 8.0], "[0, 8.0]"),
                ([False, 8], "[False, 8]"),
                (["0", "8"], "['0', '8']"),
                ([-8, 0], "[-8, 0]"),
                ([0, 2**64], "[0, 18446744073709551616]"),
                ({"0": 8}, "{'0': 8}"),
            ]
        ],
        (GOOD | {"data_offsets": [8, 0]}, "has data_offsets from 8 to 0, expected them in order"),
        (GOOD | {"data_offsets": [1, 9]}, "has data_offsets up to 9, found 8 bytes of data in the file"),
        (GOOD | {"data_offsets": [0, 2**62]}, "has data_offsets up to 4,611,686,018,427,387,904, found 8"),
        (GOOD | {"data_offsets": [9, 9], "shape": [0]}, "has data_offsets up to 9, found 8"),
        (GOOD | {"data_offsets": [0, 4]}, "holds 4 bytes, expected 8 of F32 in shape [2]"),
        (GOOD | {"dtype": "F64"}, "holds 8 bytes, expected 16 of F64 in shape [2]"),
        (GOOD | {"dtype": "BF16"}, "holds 8 bytes, expected 4 of BF16 in shape [2]"),
        (GOOD | {"shape": []}, "holds 8 bytes, expected 4 of F32 in shape []"),
        (GOOD | {"shape": [0]}, "holds 8 bytes, expected 0 of F32 in shape [0]"),
        (GOOD | {"shape": [2**32, 2**32]}, "expected 73786976294838206464 of F32 in shape [4294967296, 4294967296]"),
        (GOOD | {"shape": [2**62 + 2]}, "holds 8 bytes, expected 18446744073709551624 of F32"),
        (GOOD | {"shape": [2**62] * 64}, "holds 8 bytes, expected "),
        (GOOD | {"shape": [1] * 64 + [2]}, "has 65 axes, expected at most 64"),
        (GOOD | {"shape": [0, 2**61], "data_offsets": [0, 0]}, "has shape [0, 2305843009213693952], expected one that"),
        (GOOD | {"shape": [2**62, 0, 4], "data_offsets": [8, 8]}, "expected one that memory can address"),
    ],
)
def test_an_entry_that_does_not_fit(tmp_path: Path, fields: Any, told: str) -> None:
    assert told in refusal(written(tmp_path, {"p": fields}, bytes(8)))


def test_numbers_of_thousands_of_digits_are_shown_short(tmp_path: Path) -> None:
    told = refusal(written(tmp_path, {"p": GOOD | {"shape": [10**4000] * 99}}, bytes(8)))
    assert "has shape [1000000000000" in told
    assert "000...000" in told


def test_as_many_axes_and_bytes_as_numpy_shapes(tmp_path: Path) -> None:
    for shape in ([1] * 63 + [2], [0] * 64, [0, 2**61 - 1]):
        assert tensor(one(tmp_path, "F32", shape, bytes(0 if 0 in shape else 8)), "p").shape == tuple(shape)


def test_names_are_shown_in_one_short_line(tmp_path: Path) -> None:
    told = refusal(written(tmp_path, {"a\nb\u2028\r\x85\x1b[31m" + "c" * 500: None}))
    assert r"tensor 'a\nb\u2028\r\x85\x1b[31mc" in told
    assert len(told.partition(": tensor ")[2].partition(" is None")[0]) <= 60
    told = refusal(written(tmp_path, {"\n" * 500: GOOD, "\r" * 500: GOOD}, bytes(8)))
    assert len(told) < len(str(tmp_path)) + 220


@pytest.mark.parametrize("spans", [[(0, 8), (4, 12)], [(4, 12), (0, 8)], [(0, 8), (0, 8)], [(0, 12), (4, 8), (8, 12)]])
def test_tensors_that_overlap_are_refused(tmp_path: Path, spans: list[tuple[int, int]]) -> None:
    head = {f"t{i}": {"dtype": "U8", "shape": [b - a], "data_offsets": [a, b]} for i, (a, b) in enumerate(spans)}
    told = refusal(written(tmp_path, head, bytes(12)))
    assert "x.safetensors: tensors 't" in told
    assert "overlap" in told


def two(folder: Path) -> tuple[str, dict[str, list[float]]]:
    head = {
        "__metadata__": {"k": "v"},
        "y": {"dtype": "I16", "shape": [3], "data_offsets": [16, 22]},
        "p": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
    }
    path = written(folder, head, struct.pack("<4f3h", 1, 2, 3, 4, 5, 6, 7))
    return path, everything(path)


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path, values = two(tmp_path)
    assert values == {"y": [5, 6, 7], "p": [[1, 2], [3, 4]]}
    whole = Path(path).read_bytes()
    for left in range(len(whole)):
        (tmp_path / f"cut{left}").write_bytes(whole[:left])
        refusal(str(tmp_path / f"cut{left}"))


def test_flipped_bytes_of_a_header_raise_nothing_else(tmp_path: Path) -> None:
    whole = Path(two(tmp_path)[0]).read_bytes()
    end, draw, refused = len(whole) - 22, random.Random(7), 0
    for i in range(600):
        broken = bytearray(whole)
        for _ in range(draw.choice((1, 1, 2, 5))):
            broken[draw.randrange(end)] = draw.randrange(256) if i % 2 else draw.choice(b'{}[]",:0123456789\\eE-. ')
        (tmp_path / f"flip{i}").write_bytes(broken)
        try:
            everything(str(tmp_path / f"flip{i}"))
        except DataError:
            refusal(str(tmp_path / f"flip{i}"))
            refused += 1
    assert refused > 300


def test_the_module_is_imported_without_numpy() -> None:
    code = "import sys, lossctl.readers.safetensors; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
