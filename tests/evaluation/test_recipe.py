"""A recipe tells all that a request asks, as plain data, and gives the same request again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest

import lossctl
from lossctl.catalogue.registry import all_losses, named_losses
from lossctl.catalogue.spec import BoundLoss, bind
from lossctl.errors import DataError, UsageError
from lossctl.evaluation.recipe import Named, difference, fingerprint_of, recipe_of, request_of, request_told
from lossctl.evaluation.request import Request
from lossctl.evaluation.run import prepare, run
from lossctl.evaluation.shape import LabelMap
from lossctl.evaluation.spelt import MisfitError, read, read_record, spelt
from lossctl.readers.join import Join
from lossctl.readers.places import ReadSettings
from tests.conftest import SAMPLES

DIGITS, DIABETES, CANCER = (str(SAMPLES / name) for name in ("digits.parquet", "diabetes.csv", "breast_cancer.csv"))
SCCE = (bind("scce", {}),)
BASE = Request((DIGITS,), SCCE, {"labels": "label", "preds": "p_*"})


def again(request: Request) -> tuple[dict[str, Any], Request]:
    recipe = json.loads(json.dumps(recipe_of(request, prepare(request).job)))
    return recipe, request_of(recipe)


@pytest.mark.parametrize(
    "request_",
    [
        BASE,
        BASE._replace(roles={}),
        BASE._replace(on_bad="drop", max_dropped=3, reduction="sum", where=("label < 7", "p_0 < 0.5")),
        BASE._replace(max_dropped=1.0, on_empty="nan", ignore_index=3, class_weights=tuple(map(float, range(1, 11)))),
        BASE._replace(class_weights={"3": 2.0}, read=ReadSettings(null_values=("x", "-"), decimal=",")),
        BASE._replace(losses=(bind("torch.CrossEntropyLoss:label_smoothing=0.1", {}), *SCCE)),
        BASE._replace(losses=tuple(bind(n, {}) for n in ("keras.SparseCategoricalCrossentropy", "scce")), across=True),
        BASE._replace(pred_scale=0.5, losses=(bind("scce:from_logits=true", {}),)),
        Request((CANCER,), (bind("bce", {}),), {"preds": "prob"}, label_map=LabelMap(("0", "1"), (1.0, 0.0))),
        Request((CANCER,), (bind("bce", {}),), {"preds": ("prob",), "weights": "row_id"}, label_base=0),
        Request((DIABETES, str(SAMPLES / "diabetes.parquet")), (bind("mae", {}), bind("huber:delta=2", {})), {}),
        Request((DIABETES,), (bind("median_absolute_error", {}),), {}),
    ],
)
def test_the_request_of_a_recipe_gives_the_same(request_: Request) -> None:
    recipe, told = again(request_)
    assert prepare(told).job == prepare(request_).job
    first, second = run(request_).report().to_dict(), run(told).report().to_dict()
    assert first == second
    assert again(told)[0] == recipe


def test_what_changes_no_number_is_not_told() -> None:
    one, other = (
        run(r).report().to_dict() for r in (BASE, BASE._replace(threads=2, batch_rows=100, keep_dropped=True))
    )
    assert one == other


def test_a_pair_of_preds_is_told_whole(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("label,p_0,p_1\n0,0.75,0.25\n1,0.5,0.6\n")
    request = Request((str(path),), (bind("bce", {}),), {})
    recipe, told = again(request)
    assert recipe["roles"]["preds"] == ["p_0", "p_1"]
    report = run(request).report().to_dict()
    assert [w["code"] for w in report["warnings"]] == ["rows_not_normalised"]
    assert run(told).report().to_dict() == report


def test_long_tables_and_joins_are_told(tmp_path: Path) -> None:
    long, labels, preds = (str(tmp_path / name) for name in ("long.csv", "labels.csv", "preds.csv"))
    Path(long).write_text("id,class,p,label\n1,a,0.25,a\n1,b,0.75,a\n2,b,0.5,b\n2,a,0.5,b\n")
    request = Request((long,), (bind("scce", {}),), {}, long=("id", "class", "p"))
    recipe, told = again(request)
    assert recipe["long"] == ["id", "class", "p"]
    assert run(told).report().to_dict() == run(request).report().to_dict()
    Path(preds).write_text("id,pred\n1,0.5\n2,3\n")
    Path(labels).write_text("id,label\n2,1\n1,1\n")
    request = Request((preds,), (bind("mae", {}),), {}, join=Join((labels,), (("id", "id"),)))
    recipe, told = again(request)
    assert recipe["join"] == {"labels_from": [labels], "on": [["id", "id"]]}
    assert run(told).report().to_dict() == run(request).report().to_dict()


def test_arrays_are_told_by_their_roles(tmp_path: Path) -> None:
    paths = {role: str(tmp_path / f"{role}.npy") for role in ("labels", "preds")}
    for path in paths.values():
        np.save(path, np.arange(5.0))
    recipe, told = again(Request((), (bind("mae", {}),), paths))
    assert (recipe["arrays"], recipe["files"], recipe["roles"]) == (paths, [], {})
    assert told.roles == paths
    other = request_of(recipe, Named(("a.npy", "b.npy")))
    assert other.roles == {"labels": "a.npy", "preds": "b.npy"}
    with pytest.raises(UsageError, match=r"--data: recipe has 2 arrays \(labels, preds\), got 1"):
        request_of(recipe, Named(("a.npy",)))
    assert request_of(recipe, Named(("a.csv",))).files == ("a.csv",)


def test_data_in_memory_has_to_be_named() -> None:
    recipe = lossctl.evaluate({"label": [1.0], "pred": [2.0]}, loss="mae").to_dict()["recipe"]
    assert (recipe["memory"], recipe["files"]) == (True, [])
    with pytest.raises(UsageError, match="the data were given in memory; name them with --data FILE"):
        request_of(recipe)
    assert request_of(recipe, Named(("a.csv",))).files == ("a.csv",)
    data = pa.table({"id": [1], "pred": [0.5]})
    found = lossctl.evaluate(data, loss="mae", labels_from=pa.table({"id": [1], "label": [1.0]}), on="id")
    with pytest.raises(UsageError, match="the labels were given in memory; name them with --labels-from FILE"):
        request_of(found.to_dict()["recipe"], Named(("a.csv",)))


def test_no_network_and_no_stdin_unless_named() -> None:
    for path, told in (("https://example.org/a.csv", "lies behind a network"), ("-", "came on stdin")):
        recipe = {"files": [path], "losses": ["mae"], "roles": {}}
        with pytest.raises(UsageError, match=f"{told}.*--data"):
            request_of(recipe)
        assert request_of(recipe, Named((path,))).files == (path,)
    recipe = {"files": ["a.csv"], "losses": ["mae"], "roles": {}, "join": {"labels_from": ["s3://b/c.csv"]}}
    with pytest.raises(UsageError, match="network; name it with --labels-from"):
        request_of(recipe)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"losses": ["nope"]}, "unknown loss 'nope'"),
        ({"losses": [3]}, r"recipe.losses\[0\] cannot be 3"),
        ({"losses": None}, "recipe.losses cannot be None"),
        ({"on_bad": "ignore"}, "recipe.on_bad cannot be 'ignore'"),
        ({"colour": "red"}, "recipe has 'colour', which this lossctl does not know"),
        ({"read": {"mode": 1}}, "recipe.read has 'mode'"),
        ({"files": "a.csv"}, "recipe.files cannot be 'a.csv'"),
        ({"long": ["a", "b"]}, "recipe.long has 2 entries, expected 3"),
        ({"max_dropped": True}, "recipe.max_dropped cannot be True"),
        ({"arrays": {"labels": "a.csv"}}, "recipe.arrays has no paths of arrays"),
        ({"class_weights": {"a": "b"}}, "recipe.class_weights"),
    ],
)
def test_what_is_no_recipe_is_refused(change: dict[str, Any], told: str) -> None:
    recipe = {"files": ["a.csv"], "losses": ["mae"], "roles": {}, **change}
    with pytest.raises((DataError, UsageError), match=told):
        request_told(recipe)
    with pytest.raises(DataError, match="recipe has no 'losses'"):
        request_told({"files": [], "roles": {}})


def test_its_hash_is_of_what_was_computed() -> None:
    recipe, _ = again(BASE)
    moved = {**recipe, "files": ["/elsewhere/a.csv"]}
    assert fingerprint_of(moved) == fingerprint_of(recipe)
    assert difference(recipe, moved) is None
    other = {**recipe, "on_bad": "drop", "losses": ["mae"]}
    assert fingerprint_of(other) != fingerprint_of(recipe)
    assert difference(recipe, other) == (
        'losses: ["sparse_categorical_crossentropy"] and ["mae"]; on_bad: error and drop'
    )


def test_every_loss_is_told_by_its_text() -> None:
    for loss in (*all_losses(), *named_losses()):
        bound = BoundLoss(loss, tuple(option.default for option in loss.options))
        assert read(spelt(bound), BoundLoss, "") == bound


class Inner(NamedTuple):
    level: float = 0.95
    replicates: int = 0
    by: tuple[str, ...] = ()


class Outer(NamedTuple):
    inner: Inner | None = None
    share: float | int | None = None
    pairs: tuple[tuple[str, float], ...] = ()


@pytest.mark.parametrize(
    "value",
    [
        Outer(),
        Outer(Inner()),
        Outer(Inner(0.9, 200, ("a*b",)), 5),
        Outer(None, 5.0, (("a", 1.0), ("b", 2.5))),
        Outer(None, 1),
    ],
)
def test_records_of_plain_values_need_no_words_of_their_own(value: Outer) -> None:
    found = read_record(json.loads(json.dumps(spelt(value))), Outer, "audit")
    assert repr(found) == repr(value)


def test_records_are_told_where_they_do_not_fit() -> None:
    with pytest.raises(MisfitError, match=r"audit.inner.by\[0\] cannot be 3"):
        read_record({"inner": {"by": [3]}}, Outer, "audit")
