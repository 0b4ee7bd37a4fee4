"""Records come back from a file as they were; the same record gives the same bytes; nothing damaged is read."""

from __future__ import annotations

import io
import json
import math
import pickle
import zipfile
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl.audit.digest import Digest
from lossctl.audit.moments import LossPartial
from lossctl.catalogue.registry import all_losses, named_losses
from lossctl.catalogue.spec import BoundLoss
from lossctl.evaluation import codec
from lossctl.evaluation.codec import CodecError, packed, unpacked
from lossctl.evaluation.partial import Look, Partial


def through(value: Any) -> Any:
    return unpacked(io.BytesIO(packed(value)))


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.integers() | st.text() | st.tuples(st.integers(), st.text()), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=40)
@given(plain)
def test_values_come_back_as_they_were(value: Any) -> None:
    found = through(value)
    # the text tells types, signs of zeros and the order of keys
    assert repr(found) == repr(value)
    assert packed(found) == packed(value)


@settings(deadline=None, max_examples=20)
@given(st.frozensets(st.integers() | st.text() | st.tuples(st.text()), max_size=6))
def test_sets_are_written_in_one_order(value: frozenset[Any]) -> None:
    assert through(value) == value
    assert packed(set(value)) == packed(value)


def test_records_come_back_with_their_types() -> None:
    partial = Partial(
        {(0, 1): 7, (2, 0): 3},
        10,
        ((LossPartial(rows=10, loss=-(7 << 1000), least=-0.0, most=math.inf),),),
        {"null_pred": 2},
        looks={"preds": Look(0.25, 0.5, 1)},
        digest=Digest(10, (1 << 64) - 1, 5),
    )
    found = through(partial)
    assert found == partial
    assert isinstance(found.losses[0][0], LossPartial)
    assert math.copysign(1.0, found.losses[0][0].least) == -1.0
    assert packed(found) == packed(partial)


@pytest.mark.parametrize("dtype", ["int64", "uint8", "float64", "bool", "<U3", "S2", ">f4"])
def test_arrays_come_back_with_their_types(dtype: str) -> None:
    numbers = np.arange(12).reshape(3, 4).astype(dtype)
    for one in (numbers, np.asfortranarray(numbers), numbers[:0], numbers[1]):
        found = through({"a": one})["a"]
        assert found.dtype == one.dtype
        assert np.array_equal(found, one)
        assert found.flags.writeable


def test_every_loss_is_found_again() -> None:
    for loss in (*all_losses(), *named_losses()):
        bound = BoundLoss(loss, tuple(option.default for option in loss.options))
        assert through(bound) == bound


class Heaped(NamedTuple):
    counts: dict[str, np.ndarray]
    total: int = 0


def test_a_registered_record_needs_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CodecError, match="Heaped has no form"):
        packed(Heaped({}))
    monkeypatch.setitem(codec.RECORDS, "Heaped", __name__)
    found = through(Heaped({"x": np.arange(3)}, 1 << 80))
    assert isinstance(found, Heaped)
    assert found.total == 1 << 80
    assert found.counts["x"].tolist() == [0, 1, 2]


def test_objects_have_no_form() -> None:
    for odd in (object(), np.array([object()]), {"f": print}, 1j):
        with pytest.raises(CodecError, match="no form"):
            packed(odd)


def archive(**members: bytes) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in members.items():
            made.writestr(name.replace("_", "."), data)
    return out


def array(value: Any, **how: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, value, **how)
    return out.getvalue()


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"tree_json": b"{"},
        {"tree_json": b'{"of":"Popen","fields":{}}'},
        {"tree_json": b'{"of":"Digest","fields":{"rows":1,"more":2}}'},
        {"tree_json": b'{"of":"Digest"}'},
        {"tree_json": b'{"loss":"no_such_loss","values":[]}'},
        {"tree_json": b'{"loss":"huber","values":[1.0,2.0,3.0,4.0,5.0]}'},
        {"tree_json": b'{"call":"os.system"}'},
        {"tree_json": b'{"int":"zz"}'},
        {"tree_json": b"[" * 100_000},
        {"tree_json": b'{"array":"a.npy"}'},
        {"tree_json": b'{"array":"a.npy"}', "a_npy": b"\x93NUMPY"},
        {"tree_json": b'{"array":"a.npy"}', "a_npy": pickle.dumps([1])},
        {"tree_json": b'{"array":"a.npy"}', "a_npy": array(np.array([[1], "a"], object), allow_pickle=True)},
        {"tree_json": b'{"array":"a.npy"}', "a_npy": array(np.arange(5))[:-1]},
        {"tree_json": b'{"array":"a.npy"}', "a_npy": array(np.arange(3)).replace(b"(3,)", b"(9,)")},
    ],
)
def test_what_is_damaged_or_foreign_is_refused(members: dict[str, bytes]) -> None:
    with pytest.raises(CodecError) as caught:
        unpacked(archive(**members))
    assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_flipped_bit_is_noticed_or_changes_nothing(data: st.DataObject) -> None:
    record = (Digest(3, 1 << 63, 5), {"x": np.arange(4.0)})
    whole = bytearray(packed(record))
    at = data.draw(st.integers(0, 8 * len(whole) - 1))
    whole[at // 8] ^= 1 << at % 8
    try:
        found = unpacked(io.BytesIO(whole))
    except CodecError:
        return
    assert packed(found) == packed(record)


def test_the_tree_is_json() -> None:
    with zipfile.ZipFile(io.BytesIO(packed(Digest(1, 2, 3)))) as made:
        assert json.loads(made.read("tree.json")) == {"of": "Digest", "fields": {"rows": 1, "one": 2, "other": 3}}
        assert {entry.date_time for entry in made.infolist()} == {(1980, 1, 1, 0, 0, 0)}
