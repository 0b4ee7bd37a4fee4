"""Labels and preds in other shapes give the very bits of the plain ones, and what makes no sense is refused."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lossctl
from lossctl.errors import DataError, UsageError

N, K = 211, 5
NAMES = np.array(["ant", "bee", "cat", "dog", "elk"])
draw = np.random.default_rng(7)
P = draw.dirichlet(np.ones(K), N)
Y = draw.integers(0, K, N)
WIDE = {f"p{k}": P[:, k] for k in range(K)}
B = (Y > 2).astype(np.int64)
Q = draw.random(N)


def value(data: Any, loss: str = "sparse_categorical_crossentropy", **more: Any) -> float:
    return lossctl.evaluate(data, loss=loss, **more).value


PLAIN = value({**WIDE, "label": Y})


def refused(kind: type[Exception], expected: str, data: Any, loss: str, **more: Any) -> None:
    with pytest.raises(kind, match=expected):
        lossctl.evaluate(data, loss=loss, **more)


# labels


@pytest.mark.parametrize(
    "column",
    [
        pa.array(NAMES[Y].tolist()).dictionary_encode(),
        pa.array(NAMES[Y].tolist(), pa.large_string()),
        pa.DictionaryArray.from_arrays(pa.array(Y, pa.int8()), pa.array(NAMES.tolist())),
    ],
    ids=["dictionary", "large", "categorical"],
)
def test_a_dictionary_of_names_is_read_as_text(column: Any, tmp_path: Path) -> None:
    table = pa.table({**{f"p_{name}": P[:, k] for k, name in enumerate(NAMES)}, "label": column})
    assert value(table) == PLAIN
    pq.write_table(table, tmp_path / "t.parquet")
    assert value(tmp_path / "t.parquet") == PLAIN
    assert value(pa.table({**WIDE, "label": column}), label_map=dict(zip(NAMES, range(K), strict=True))) == PLAIN


def test_a_categorical_of_pandas_is_read_as_text() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({**WIDE, "label": pandas.Categorical(NAMES[Y])})
    assert value(frame, classes=NAMES) == PLAIN


CODES = {
    "int": (Y * 10 - 3, {k * 10 - 3: k for k in range(K)}),
    "uint64": (
        (Y + 2**64 - 9).astype(np.uint64) if False else np.array([2**63 + int(y) for y in Y], np.uint64),
        {2**63 + k: k for k in range(K)},
    ),
    "float": (Y + 0.5, {k + 0.5: k for k in range(K)}),
    "text": (pa.array(NAMES[Y].tolist()), {name: k for k, name in enumerate(NAMES)}),
    "texts of numpy": (NAMES[Y], ",".join(f" {name} = {k} " for k, name in enumerate(NAMES))),
    "digits as text": (pa.array([f"0{y}" for y in Y]), {f"0{k}": k for k in range(K)}),
}


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("batch", [0, 16])
def test_a_label_map_gives_the_bits_of_the_mapped_labels(kind: str, batch: int) -> None:
    column, labels = CODES[kind]
    assert value({**WIDE, "label": column}, label_map=labels, batch_size=batch) == PLAIN


def test_a_label_map_takes_booleans_and_any_numbers() -> None:
    plain = value({"p": Q, "label": B}, "bce")
    assert value({"p": Q, "label": B == 0}, "bce", label_map={True: 0, False: 1}) == plain
    assert value({"p": Q, "label": B == 1}, "bce") == plain
    signs = value({"pred": Q, "label": np.where(B == 1, 2.5, -1.0)}, "mse")
    assert value({"pred": Q, "label": B}, "mse", label_map="1=2.5,0=-1") == signs


def test_a_label_that_the_map_lacks_is_stopped_and_named() -> None:
    data = {"p": [0.5, 0.25, 0.5], "label": pa.array(["yes", "no", None])}
    refused(
        DataError,
        r"1 null_label, 1 unmapped_label.*row 2 column label: 'no', .*--label-map \(yes\)",
        data,
        "bce",
        label_map="yes=1",
    )
    found = lossctl.evaluate(data, loss="bce", label_map="yes=1", on_bad="drop", keep_dropped=True)
    assert found.rows.dropped == {"null_label": 1, "unmapped_label": 1}
    assert pa.concat_tables(found.dropped_rows())["dropped_reason"].to_pylist() == ["unmapped_label", "null_label"]
    assert found.to_dict()["label_map"] == {"yes": 1}
    assert "label_map" not in lossctl.evaluate({"p": Q, "label": B}, loss="bce").to_dict()


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("yes", "as yes=1,no=0"),
        ("=1", "as yes=1,no=0"),
        ("yes=one", "yes=one gives the label no finite number"),
        ("yes=nan", "no finite number"),
        ("yes=1,yes=0", "'yes' twice"),
        ("1=1,1.0=0", "'1' twice"),
        ({}, "has no labels"),
        ([1], "takes labels with their numbers"),
    ],
)
def test_a_map_that_is_none_is_refused(labels: Any, expected: str) -> None:
    refused(UsageError, expected, {"p": Q, "label": B}, "bce", label_map=labels)


def test_a_map_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "map.json"
    path.write_text('{"yes=": 1, "no, no": 0}')
    texts = pa.array(np.where(B == 1, "yes=", "no, no").tolist())
    assert value({"p": Q, "label": texts}, "bce", label_map=path) == value({"p": Q, "label": B}, "bce")
    path.write_text("[1]")
    refused(DataError, "JSON object of labels", {"p": Q, "label": B}, "bce", label_map=path)


def test_labels_may_count_from_one() -> None:
    for column in (Y + 1, Y + 1.0, pa.array((Y + 1).tolist(), pa.int8())):
        assert value({**WIDE, "label": column}, label_base=1) == PLAIN
    assert value({"p": Q, "label": B + 1}, "bce", label_base=1) == value({"p": Q, "label": B}, "bce")
    ignoring = value({**WIDE, "label": Y}, ignore_index=2)
    assert value({**WIDE, "label": Y + 1}, ignore_index=3, label_base=1) == ignoring
    logits = {f"logit{k}": np.log(P[:, k]) for k in range(K)}
    masked = np.where(Y == 2, -100, Y + 1)
    expected = value({**logits, "label": np.where(Y == 2, -100, Y)}, "torch.CrossEntropyLoss")
    assert value({**logits, "label": masked}, "torch.CrossEntropyLoss", label_base=1) == expected


def test_labels_from_one_are_noticed_and_the_remedy_is_named() -> None:
    refused(DataError, "look one-based .1 to 5.: if so, --label-base 1", {**WIDE, "label": Y + 1}, "scce")
    refused(DataError, "look one-based .1 to 2.: if so, --label-base 1", {"p": Q, "label": B + 1}, "bce")
    few = lossctl.evaluate({**WIDE, "label": np.maximum(Y, 1)}, loss="scce")
    assert any(w.code == "no_class_0" and "--label-base 1" in w.message for w in few.warnings)
    refused(
        DataError,
        "row 1 column label: 0, expected a class index from 1 to 5",
        {**WIDE, "label": np.zeros(N, int)},
        "scce",
        label_base=1,
    )


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"label_base": 1, "label_map": "1=0"}, "give one of them"),
        ({"label_base": 1.5}, "label_base must be a whole number"),
        ({"label_base": 1, "labels": ["p0", "p1"], "preds": ["p2", "p3"], "loss": "mse"}, "one column of labels"),
        ({"label_base": 1, "loss": "scce", "labels": "name", "classes": NAMES}, "holds names"),
    ],
)
def test_what_a_label_base_does_not_go_with(more: dict[str, Any], expected: str) -> None:
    data = {**WIDE, "label": Y, "name": NAMES[Y]}
    with pytest.raises(UsageError, match=expected):
        lossctl.evaluate(data, **{"loss": "scce", "preds": "p*", **more})


def test_two_texts_under_a_binary_loss() -> None:
    texts = {"p": Q, "label": pa.array(np.where(B == 1, "yes", "no").tolist())}
    refused(DataError, "--label-map 'no=0,yes=1', or the other way round", texts, "bce")
    plain = value({"p": Q, "label": B}, "bce")
    assert value(texts, "bce", classes=["no", "yes"]) == plain
    assert value(texts, "bce", label_map={"no": 0, "yes": 1}) == plain


# two columns for one, and one for two


def test_a_pair_of_probabilities_gives_its_second_to_a_binary_loss() -> None:
    one = {"label": B, "p": Q}
    texts = pa.array(np.where(B == 1, "yes", "no").tolist())
    for loss in ("bce", "binary_brier_score", "torch.BCELoss", "binary_focal_crossentropy"):
        plain = value(one, loss)
        for data, more in (
            ({"label": B, "p_0": 1 - Q, "p_1": Q}, {}),
            ({"label": B, "p_0": 1 - Q, "p_1": Q}, {"preds": ["p_1", "p_0"]}),
            ({"label": B == 1, "p_false": 1 - Q, "p_true": Q}, {"preds": ["p_true", "p_false"]}),
            ({"label": texts, "p_no": 1 - Q, "p_yes": Q}, {}),
            ({"label": texts, "p_no": 1 - Q, "p_yes": Q}, {"preds": ["p_yes", "p_no"], "classes": ["no", "yes"]}),
            ({"label": texts, "p_no": 1 - Q, "p_yes": Q}, {"preds": ["p_yes", "p_no"], "label_map": "no=0,yes=1"}),
            ({"label": B, "p": np.stack([1 - Q, Q], axis=1)}, {}),
        ):
            assert value(data, loss, **more) == plain


def test_which_of_a_pair_is_said_and_the_pair_is_checked() -> None:
    named = lossctl.evaluate({"label": B, "p_no": 1 - Q, "p_yes": Q}, loss="bce")
    assert named.columns["preds"] == ("p_yes",)
    assert set(named.columns) == {"labels", "preds", "weights"}
    assert [w.code for w in named.warnings] == ["second_of_two_columns"]
    numbered = lossctl.evaluate({"label": B, "p_0": 1 - Q, "p_1": Q}, loss="bce")
    assert numbered.warnings == ()
    odd = lossctl.evaluate({"label": [0, 1], "p_0": [0.5, 0.7], "p_1": [0.5, 0.5]}, loss="bce")
    assert [(w.code, w.count) for w in odd.warnings if w.code == "rows_not_normalised"] == [("rows_not_normalised", 1)]
    refused(DataError, "row 2 column p_0: 1.5", {"label": [0, 1], "p_0": [0.5, 1.5], "p_1": [0.5, 0.5]}, "bce")
    logs = {"label": B, "p_0": np.zeros(N), "p_1": np.full(N, -np.inf)}
    assert value(logs, "bce", from_log_probs=True) == value({"label": B, "p": np.zeros(N)}, "bce")


def test_two_logits_are_no_pair() -> None:
    two = {"label": B, "p_0": -Q, "p_1": Q}
    refused(UsageError, "no sigmoid.*sparse_categorical_crossentropy --from-logits", two, "bce", from_logits=True)
    refused(UsageError, "never broadcast", two, "hinge")


@pytest.mark.parametrize("loss", ["scce", "cce", "multiclass_brier_score", "keras.SparseCategoricalCrossentropy"])
def test_one_column_stands_for_two_classes(loss: str) -> None:
    plain = value({"label": B, "p_0": 1 - Q, "p_1": Q}, loss)
    found = lossctl.evaluate({"label": B, "p": Q}, loss=loss)
    assert found.value == plain
    assert [w.code for w in found.warnings] == ["one_column_as_two_classes"]
    wide = np.stack([1.0 - B, B], axis=1)
    if loss in ("cce", "multiclass_brier_score"):
        assert value({"label": wide, "p": Q}, loss) == value({"label": wide, "p_0": 1 - Q, "p_1": Q}, loss)


def test_one_logit_is_not_two() -> None:
    for loss in ("scce", "cce"):
        expected = "binary_crossentropy --from-logits"
        refused(UsageError, expected, {"label": B, "p": Q}, loss, from_logits=True)


# logarithms and percentages


def test_log_probabilities_are_taken_back() -> None:
    eighths = 2.0 ** -draw.integers(0, 30, (N, 3)).astype(float)
    exact = {f"p{k}": np.log(eighths[:, k]) for k in range(3)}
    found = lossctl.evaluate({**exact, "label": Y % 3}, loss="scce", from_log_probs=True)
    near = value({**{f"p{k}": eighths[:, k] for k in range(3)}, "label": Y % 3})
    assert found.value == pytest.approx(near, rel=1e-12)
    assert value({**exact, "label": Y % 3}, from_log_probs=True, batch_size=16, threads=2) == found.value
    assert value({"label": [1, 0], "p": [0.0, -np.inf]}, "binary_brier_score", from_log_probs=True) == 0.0
    # what rounding lifts above the logarithm of 1
    assert value({"label": [1, 0], "p": [1e-8, -np.inf]}, "binary_brier_score", from_log_probs=True) == 0.0


def test_logarithms_above_zero_are_refused() -> None:
    data = {"label": [1, 0, 1], "p": [-0.5, 0.7, np.nan]}
    expected = "1 log_probability_out_of_range, 1 nan_pred.*row 2 column p: 0.7, expected a logarithm of a probability"
    refused(DataError, expected, data, "bce", from_log_probs=True)
    found = lossctl.evaluate(data, loss="bce", from_log_probs=True, on_bad="drop")
    assert found.rows.dropped == {"log_probability_out_of_range": 1, "nan_pred": 1}


@pytest.mark.parametrize(
    ("loss", "more", "expected"),
    [
        ("scce", {"from_logits": True}, "reads logits; leave the flag out"),
        ("torch.NLLLoss", {}, "torch.NLLLoss reads log-probabilities itself"),
        ("torch.CrossEntropyLoss", {}, "reads logits"),
    ],
)
def test_what_reads_no_probabilities_gets_none(loss: str, more: dict[str, Any], expected: str) -> None:
    refused(UsageError, expected, {**WIDE, "label": Y}, loss, from_log_probs=True, **more)


def test_percentages_are_noticed_and_scaled() -> None:
    refused(DataError, "percentages: --scale 0.01", {"label": B, "p": Q * 100}, "bce")
    with pytest.raises(DataError) as raised:
        lossctl.evaluate({"label": B, "p": Q * 300 - 1}, loss="bce")
    assert "--scale" not in str(raised.value)
    assert "--from-logits" in str(raised.value)
    assert value({"label": B, "p": Q * 128}, "bce", pred_scale=1 / 128) == value({"label": B, "p": Q}, "bce")
    percent = np.floor(Q * 100)
    assert value({"label": B, "p": percent}, "bce", pred_scale=0.01) == value({"label": B, "p": percent * 0.01}, "bce")
    for scale in (0, float("nan"), "x"):
        refused(UsageError, "pred_scale must be", {"label": B, "p": Q}, "bce", pred_scale=scale)


# lists of classes


def oracle(scores: list[list[float]], ids: list[list[int]], count: int, rest: str) -> np.ndarray:
    """Row by row, as one would write it down."""
    table = np.zeros((len(scores), count))
    for row, (some, at) in enumerate(zip(scores, ids, strict=True)):
        pairs = sorted(zip(at, some, strict=True))
        if rest == "spread" and len(pairs) < count:
            total = 0.0
            for _, score in pairs:
                total += score
            table[row] = max(1.0 - total, 0.0) / (count - len(pairs))
        for k, score in pairs:
            table[row, k] = score
    return table


@st.composite
def listings(draw: st.DrawFn) -> tuple[list[list[float]], list[list[int]], list[int], int]:
    count = draw(st.integers(2, 7))
    rows = draw(st.integers(1, 40))
    ids = [draw(st.lists(st.integers(0, count - 1), unique=True, max_size=count)) for _ in range(rows)]
    scores = [[draw(st.floats(0.0, 1.0)) / len(some) for _ in some] for some in ids]
    return scores, ids, draw(st.lists(st.integers(0, count - 1), min_size=rows, max_size=rows)), count


@settings(max_examples=25)
@given(listings(), st.sampled_from(["zero", "spread"]), st.booleans())
def test_lists_of_classes_against_an_oracle(drawn: Any, rest: Any, large: bool) -> None:
    scores, ids, labels, count = drawn
    wide = oracle(scores, ids, count, rest)
    plain = value({**{f"p{k}": wide[:, k] for k in range(count)}, "label": labels}, "multiclass_brier_score")
    made = pa.large_list if large else pa.list_
    table = pa.table({"s": pa.array(scores, made(pa.float64())), "i": pa.array(ids, made(pa.int16())), "label": labels})
    more = {"preds": "s", "pred_ids": "i", "num_classes": count, "rest": rest}
    for batch in (0, 3):
        assert value(table, "multiclass_brier_score", batch_size=batch, **more) == plain
    names = [f"class {k}" for k in range(count)]
    named = table.append_column("n", pa.array([[names[k] for k in some] for some in ids], made(pa.string())))
    more = {"preds": "s", "pred_ids": "n", "classes": names, "rest": rest}
    assert value(named, "multiclass_brier_score", **more) == plain


def test_lists_in_files_and_as_columns_give_the_same_bits(tmp_path: Path) -> None:
    top = np.argsort(-P, axis=1)[:, :3]
    some = np.take_along_axis(P, top, axis=1)
    wide = oracle(some.tolist(), top.tolist(), K, "spread")
    plain = value({**{f"p{k}": wide[:, k] for k in range(K)}, "label": Y})
    more: dict[str, Any] = {"rest": "spread", "num_classes": K}
    fixed = pa.table(
        {
            "s": pa.FixedSizeListArray.from_arrays(pa.array(some.reshape(-1)), 3),
            "i": pa.FixedSizeListArray.from_arrays(pa.array(top.reshape(-1)), 3),
            "label": Y,
        }
    )
    flat = pa.table(
        {**{f"top{k}_score": some[:, k] for k in range(3)}, **{f"top{k}_id": top[:, k] for k in range(3)}, "label": Y}
    )
    for name, table, preds, ids in (("l", fixed, "s", "i"), ("f", flat, "top*_score", "top*_id")):
        path = tmp_path / f"{name}.parquet"
        pq.write_table(table, path, row_group_size=50)
        assert value(path, preds=preds, pred_ids=ids, threads=2, **more) == plain
        assert value([path], preds=preds, pred_ids=ids, batch_size=7, **more) == plain
    for name, array in (("s", some), ("i", top), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", array)
    arrays = {role: tmp_path / f"{name}.npy" for role, name in (("preds", "s"), ("pred_ids", "i"), ("labels", "y"))}
    assert lossctl.evaluate(loss="scce", **arrays, **more).value == plain
    rows = lossctl.evaluate(fixed, loss="scce", preds="s", pred_ids="i", reduction="none", **more).per_row
    dense = lossctl.evaluate({**{f"p{k}": wide[:, k] for k in range(K)}, "label": Y}, loss="scce", reduction="none")
    assert np.array_equal(rows, dense.per_row)


def test_lists_that_cannot_be_read_are_stopped_with_their_reasons() -> None:
    entries = [
        ([0.5, 0.5], [0, 1], None),
        ([0.5, 0.5], [0, 3], "pred_id_out_of_range"),
        ([0.5, 0.5], [0, -1], "pred_id_out_of_range"),
        ([0.5, 0.5], [1, 1], "duplicate_pred_id"),
        ([0.5, 0.5, 0.1], [0, 1], "pred_lists_differ"),
        ([0.8, 0.5], [0, 1], "pred_sum_above_one"),
        (None, [0, 1], "null_pred"),
        ([0.5, None], [0, 1], "null_pred"),
        ([0.5, 0.5], [0, None], "null_pred"),
        ([0.5, float("nan")], [0, 1], "nan_pred"),
        ([-0.5, 0.5], [0, 1], "probability_out_of_range"),
        ([], [], None),
    ]
    table = pa.table(
        {
            "s": pa.array([s for s, _, _ in entries], pa.list_(pa.float64())),
            "i": pa.array([i for _, i, _ in entries], pa.list_(pa.int64())),
            "label": [1] * len(entries),
        }
    )
    more = {"preds": "s", "pred_ids": "i", "num_classes": 3, "rest": "spread"}
    found = lossctl.evaluate(table, loss="scce", on_bad="drop", keep_dropped=True, **more)
    dropped = pa.concat_tables(found.dropped_rows())
    assert dropped["dropped_reason"].to_pylist() == [reason for _, _, reason in entries if reason]
    assert found.rows.used == 2
    refused(DataError, r"row 2 column i: \[0, 3\], expected a class id from 0 to 2", table, "scce", **more)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"num_classes": 3}, "--rest zero gives them nothing, --rest spread"),
        ({"rest": "zero"}, "--num-classes K, or name them with --classes"),
        ({"rest": "zero", "num_classes": 1}, "from 2 to"),
        ({"rest": "zero", "num_classes": 1 << 40}, "from 2 to"),
        ({"rest": "zero", "num_classes": 3, "classes": ["a", "b"]}, "--classes names 2"),
        ({"rest": "some", "num_classes": 3}, "rest must be one of zero, spread"),
        ({"rest": "zero", "num_classes": 3, "pred_ids": ["i", "j"]}, "they go in pairs"),
        ({"rest": "zero", "num_classes": 3, "from_logits": True}, "reads logits; take a loss"),
        ({"rest": "zero", "pred_ids": None}, "name their ids with --pred-ids"),
        ({"num_classes": 3, "pred_ids": None}, "name their ids with --pred-ids"),
    ],
)
def test_lists_need_to_be_told_whole(more: dict[str, Any], expected: str) -> None:
    data = {"p": [0.5], "i": [0], "j": [1], "label": [0]}
    with pytest.raises(UsageError, match=expected):
        lossctl.evaluate(data, **{"loss": "scce", "preds": "p", "pred_ids": "i", **more})


def test_a_date_is_not_a_label() -> None:
    data = {"p": Q[:1], "label": pa.array([datetime.date(2020, 1, 1)])}
    refused(DataError, "holds no numbers", data, "bce", label_map="1=0")
