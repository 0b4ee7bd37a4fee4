"""Comparisons: what they say against scipy and plain arithmetic, the rows that count, and the same bits any way."""

from __future__ import annotations

import csv
import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import lossctl
from lossctl.errors import DataError, GateError, UsageError
from lossctl.evaluation.executors import Serial

ROWS = 300


def table(seed: int = 3, rows: int = ROWS) -> dict[str, np.ndarray]:
    """Labels, two models' preds, weights, regions and ids."""
    draw = np.random.default_rng(seed)
    label = draw.normal(size=rows)
    return {
        "id": np.arange(rows) * 7 + 1,
        "label": label,
        "old": label + draw.normal(0.1, 0.5, rows),
        "new": label + draw.normal(0.0, 0.45, rows),
        "weight": draw.random(rows).round(3),
        "region": draw.integers(0, 4, rows),
        "person": draw.integers(0, 40, rows),
    }


def models(rows: dict[str, np.ndarray], *preds: str) -> dict[str, Any]:
    """A table for each model, the first with all else."""
    first, *others = preds or ("old", "new")
    kept = {name: rows[name] for name in rows if name not in ("old", "new")}
    found: dict[str, Any] = {first: {**kept, "pred": rows[first]}}
    return found | {name: {"id": rows["id"], "pred": rows[name]} for name in others}


def compared(rows: dict[str, np.ndarray], **more: Any) -> Any:
    return lossctl.compare(models(rows), **{"loss": "mae", "ids": "id", **more})["new"]


def errors(rows: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return abs(rows["old"] - rows["label"]), abs(rows["new"] - rows["label"])


# against scipy and numpy


@pytest.mark.parametrize("rows", [2, 3, 50, ROWS])
def test_the_paired_t_test_is_scipy_s(rows: int) -> None:
    data = table(rows=rows)
    old, new = errors(data)
    found, true = compared(data).difference, scipy.stats.ttest_rel(new, old)
    interval = true.confidence_interval(0.95)
    assert found["value"] == pytest.approx(np.mean(new - old), rel=1e-10)
    assert found["p"] == pytest.approx(true.pvalue, rel=1e-10)
    assert (found["low"], found["high"]) == pytest.approx((interval.low, interval.high), rel=1e-10)
    assert found["df"] == true.df
    assert compared(data).found["tests"]["t"]["statistic"] == pytest.approx(true.statistic, rel=1e-10)


def test_the_sign_test_is_scipy_s() -> None:
    data = table()
    data["new"][:20] = data["old"][:20]
    old, new = errors(data)
    found = compared(data).found
    wins, losses = int(np.sum(new < old)), int(np.sum(new > old))
    assert (found["wins"], found["ties"], found["losses"]) == (wins, 20, losses)
    assert wins + 20 + losses == ROWS
    true = scipy.stats.binomtest(wins, wins + losses).pvalue
    assert found["tests"]["sign"] == {"pairs": wins + losses, "p": pytest.approx(true, rel=1e-10)}


def test_resampled_tests_are_near_the_t_test() -> None:
    found = compared(table(), tests=("t", "permutation", "bootstrap"), replicates=1000, seed=4)
    t, permuted, drawn = (found.found["tests"][name] for name in ("t", "permutation", "bootstrap"))
    assert permuted["replicates"] == drawn["replicates"] == 1000
    assert permuted["p"] == pytest.approx(t["p"], abs=0.02)
    assert drawn["p"] == pytest.approx(t["p"], abs=0.03)
    assert drawn["stderr"] == pytest.approx(found.difference["stderr"], rel=0.08)
    assert drawn["low"] == pytest.approx(found.difference["low"], abs=0.2 * found.difference["stderr"])


def test_weights_are_the_baseline_s() -> None:
    data = table()
    old, new = errors(data)
    w, d = data["weight"], new - old
    found = compared(data, weights="weight").difference
    mean = np.average(d, weights=w)
    stderr = math.sqrt(ROWS / (ROWS - 1) * np.sum((w * (d - mean)) ** 2)) / w.sum()
    assert found["value"] == pytest.approx(mean, rel=1e-12)
    assert found["stderr"] == pytest.approx(stderr, rel=1e-9)


@pytest.mark.parametrize(
    ("reduction", "over"),
    [("sum", 1.0), ("sum_over_batch_size", ROWS), ("batchmean", ROWS), ("sum_by_nonzero_weights", ROWS - 10)],
)
def test_a_difference_is_reduced_as_its_loss_is(reduction: str, over: float) -> None:
    data = table()
    data["weight"][:10] = 0.0
    data["weight"] += data["weight"] > 0.0
    found = compared(data, weights="weight", reduction=reduction)
    old, new = errors(data)
    assert found.difference["value"] == pytest.approx(np.sum(data["weight"] * (new - old)) / over, rel=1e-12)
    assert found.difference["value"] == pytest.approx(found.result.value - found.baseline_value, rel=1e-9)


@pytest.mark.parametrize("reduction", ["mean", "sum", "sum_over_batch_size", "batchmean"])
def test_losses_of_several_outputs_are_compared_by_row(reduction: str) -> None:
    draw = np.random.default_rng(5)
    label, old, new = draw.normal(size=(3, 40, 3))
    found = lossctl.compare(
        [{"label": label, "pred": old}, {"pred": new}], loss="mse", by_position=True, reduction=reduction
    )
    entry = found["model 2"]
    assert entry.difference["value"] == pytest.approx(entry.result.value - entry.baseline_value, rel=1e-9)
    assert entry.found["wins"] + entry.found["losses"] == 40


def test_clusters_go_together() -> None:
    data = table()
    old, new = errors(data)
    found = compared(data, cluster="person", by="region", tests=("t", "permutation", "bootstrap"), replicates=50)
    sums = np.bincount(data["person"], new - old - np.mean(new - old))
    groups = len(np.unique(data["person"]))
    stderr = math.sqrt(groups / (groups - 1) * np.sum(sums**2)) / ROWS
    assert found.difference["test"] == "paired t, by cluster"
    assert (found.difference["stderr"], found.difference["df"]) == (pytest.approx(stderr, rel=1e-9), groups - 1)
    assert found.found["slices"][0]["difference"]["test"] == "paired t, by cluster"
    assert "cluster" in found.result.ci["method"]


# slices


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("weights", [None, "weight"])
def test_contributions_add_up_to_the_difference(reduction: str, weights: str | None) -> None:
    data = table()
    found = compared(data, by=["region", "region*person:width=10"], weights=weights, reduction=reduction)
    for spec in ("region", "region*person:width=10"):
        slices = [one for one in found.found["slices"] if one["spec"] == spec]
        assert math.fsum(one["contribution"] for one in slices) == pytest.approx(found.difference["value"], rel=1e-12)
        assert math.fsum(one["share"] for one in slices) == pytest.approx(1.0, rel=1e-12)
        assert sum(one["count"] for one in slices) == ROWS
        sizes = [abs(one["contribution"]) for one in slices]
        assert sizes == sorted(sizes, reverse=True)


def test_a_slice_has_the_paired_test_of_its_rows() -> None:
    data = table()
    old, new = errors(data)
    slices = compared(data, by="region", correction="bh").found["slices"]
    for one in slices:
        own = data["region"] == one["by"]["region"]
        true = scipy.stats.ttest_rel(new[own], old[own])
        assert one["difference"]["p"] == pytest.approx(true.pvalue, rel=1e-9)
        assert one["contribution"] == pytest.approx(np.sum((new - old)[own]) / ROWS, rel=1e-9)
    adjusted = scipy.stats.false_discovery_control([one["difference"]["p"] for one in slices])
    assert [one["difference"]["p_adjusted"] for one in slices] == pytest.approx(list(adjusted), rel=1e-12)


# rows that changed


def test_the_rows_that_changed_most() -> None:
    data = table()
    old, new = errors(data)
    found = compared(data, changed=5, worst=4, best=3).found
    for side, order in (("changed", -abs(new - old)), ("worst", old - new), ("best", new - old)):
        told = found[side]
        rows = np.argsort(order, kind="stable")[: len(told)]
        assert [one["row"] for one in told] == (rows + 1).tolist()
        assert [one["columns"]["id"] for one in told] == data["id"][rows].tolist()
        assert [one["columns"]["pred@new"] for one in told] == data["new"][rows].tolist()
        assert [one["difference"] for one in told] == (new - old)[rows].tolist()
        assert [(one["baseline_loss"], one["loss"]) for one in told] == list(
            zip(old[rows].tolist(), new[rows].tolist(), strict=True)
        )


def test_equal_changes_go_by_row_and_a_table_has_all_columns() -> None:
    rows = {"label": [0.0] * 6, "pred": [0.0] * 6}
    other = {"pred": [0.5, 1.0, -1.0, 1.0, 0.0, -1.0]}
    found = lossctl.compare({"a": rows, "b": other}, loss="mae", by_position=True, changed=3)
    (shown,) = found.changed_rows()
    assert shown["loss_row"].to_pylist() == [2, 3, 4]
    assert shown.column_names[-3:] == ["label", "pred", "pred@b"]
    assert shown["loss_difference"].to_pylist() == [1.0, 1.0, 1.0]
    with pytest.raises(UsageError, match="the rows were not kept; say changed=20"):
        lossctl.compare({"a": rows, "b": other}, loss="mae", by_position=True).changed_rows()


def test_higher_is_better_turns_wins_and_sides() -> None:
    a, b = {"id": [1, 2, 3], "score": [0.1, 0.5, 0.5]}, {"id": [3, 2, 1], "score": [0.25, 0.5, 0.75]}
    more: dict[str, Any] = {"column": "score", "ids": "id", "worst": 1, "best": 1}
    plain = lossctl.compare({"a": a, "b": b}, **more)["b"].found
    turned = lossctl.compare({"a": a, "b": b}, **more, higher_is_better=True)
    found = turned["b"].found
    assert (
        (plain["wins"], plain["ties"], plain["losses"]) == (found["losses"], found["ties"], found["wins"]) == (1, 1, 1)
    )
    assert (plain["worst"][0]["row"], plain["best"][0]["row"]) == (1, 3)
    assert (found["worst"][0]["row"], found["best"][0]["row"]) == (3, 1)
    assert turned.to_dict()["higher_is_better"] is True


# rows that count


def write_csv(path: Path, columns: dict[str, Any]) -> str:
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return str(path)


def write_parquet(path: Path, columns: dict[str, Any], group: int = 64) -> str:
    pq.write_table(pa.table(columns), path, row_group_size=group)
    return str(path)


def everything(found: lossctl.Comparison) -> list[dict[str, Any]]:
    """The results without what names files and rows."""
    plain: list[dict[str, Any]] = json.loads(found.to_json())["results"]
    for one in plain:
        one.pop("changed", None)
    return plain


ALL: dict[str, Any] = {
    "loss": ["mae", "huber:delta=0.5"],
    "ids": "id",
    "by": ["region", "person:quantile=3"],
    "tests": ("t", "sign", "permutation", "bootstrap"),
    "replicates": 40,
}


def test_the_same_bits_for_any_order_format_threads_and_split(tmp_path: Path) -> None:
    data = models(table())
    first = lossctl.compare(
        [write_csv(tmp_path / "old.csv", data["old"]), write_parquet(tmp_path / "new.parquet", data["new"])], **ALL
    )
    true = everything(first)
    shuffle = np.random.default_rng(1).permutation(ROWS)
    back = shuffle[::-1]
    mixed = {name: values[shuffle] for name, values in data["old"].items()}
    other = {name: values[back] for name, values in data["new"].items()}
    (tmp_path / "old").mkdir()
    write_parquet(tmp_path / "old" / "1.parquet", {name: values[:100] for name, values in mixed.items()}, 30)
    write_parquet(tmp_path / "old" / "2.parquet", {name: values[100:] for name, values in mixed.items()}, 70)
    new = write_csv(tmp_path / "new.csv", other)
    for threads, batch in itertools.product((1, 3), (0, 17)):
        again = lossctl.compare(
            [str(tmp_path / "old"), new], **ALL, names=["old", "new"], threads=threads, batch_size=batch
        )
        assert everything(again) == true


@given(st.integers(0, 10_000))
def test_units_in_any_order_give_the_same_bits(seed: int) -> None:
    class Shuffled(Serial):
        def run(self, work: Any, job: Any, units: Any) -> Any:
            every = list(units)
            np.random.default_rng(seed).shuffle(every)  # type: ignore[arg-type]
            return iter([work(job, unit) for unit in every])

    from lossctl.api import compare as api
    from lossctl.comparison.run import compare

    data = models(table(seed, 60))
    kept: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "run", lambda asked: kept.append(asked) or lossctl.Comparison(compare(asked, Serial())))
        true = everything(lossctl.compare(data, **ALL, batch_size=16))
    assert everything(lossctl.Comparison(compare(kept[0], Shuffled()))) == true


def test_each_model_s_value_is_what_eval_gives() -> None:
    data = models(table())
    found = lossctl.compare(data, loss="mae", ids="id")
    alone = lossctl.evaluate(data["old"], loss="mae").results[0]
    assert found["old"].result.value == alone.value
    assert (found["old"].result.stderr, found["old"].result.ci) == (alone.stderr, alone.ci)
    assert found["old"].difference is None
    assert found.to_dict()["results"][0]["difference"] is None


def test_three_models_by_position() -> None:
    data = table()
    rows = {name: data[name] for name in ("label", "old", "new")}
    found = lossctl.compare(
        {"a": rows, "b": rows, "c": {"x": data["label"] * 2}}, preds=["old", "new", "x"], loss="mae", by_position=True
    )
    assert [one.model for one in found.results] == ["a", "b", "c"]
    assert found["c"].result.value == pytest.approx(np.mean(abs(data["label"])))
    assert found["b"].difference["value"] == pytest.approx(compared(data).difference["value"], rel=1e-12)


def test_a_row_that_is_bad_in_one_model_is_left_out_of_all() -> None:
    data = models(table())
    data["old"]["pred"] = data["old"]["pred"].copy()
    data["new"]["pred"] = data["new"]["pred"].copy()
    data["old"]["pred"][[3, 5]] = np.nan
    data["new"]["pred"][[5, 8, 9]] = np.inf
    with pytest.raises(DataError, match=r"4 rows cannot be used \(2 inf_pred, 2 nan_pred\): data row 4"):
        lossctl.compare(data, loss="mae", ids="id")
    found = lossctl.compare(data, loss="mae", ids="id", on_bad="drop", by="region")
    assert found.rows.to_dict() == {"read": ROWS, "used": ROWS - 4, "dropped": {"inf_pred": 2, "nan_pred": 2}}
    counts = {one.model: one.result.count for one in found.results}
    assert counts == {"old": ROWS - 4, "new": ROWS - 4}
    told = found["new"].found
    assert told["wins"] + told["ties"] + told["losses"] == ROWS - 4 == sum(one["count"] for one in told["slices"])
    with pytest.raises(GateError, match="4 rows were dropped"):
        lossctl.compare(data, loss="mae", ids="id", on_bad="drop", max_dropped=3)


def test_a_mask_leaves_rows_out_of_all() -> None:
    data = models(table())
    data["old"]["keep"] = (np.arange(ROWS) % 3 > 0).astype(np.int64)
    found = lossctl.compare(data, loss="mae", ids="id", mask="keep")
    assert found.rows.to_dict() == {"read": ROWS, "used": 200, "dropped": {"ignored": 100}}
    assert [one.result.count for one in found.results] == [200, 200]


def test_kept_rows_without_a_difference_are_counted() -> None:
    a, b = {"label": [0.0] * 4, "pred": [math.inf, 1.0, 2.0, 3.0]}, {"pred": [math.inf, math.nan, 1.0, 3.0]}
    found = lossctl.compare({"a": a, "b": b}, loss="mae", by_position=True, on_bad="keep")["b"]
    told = found.found
    assert (told["wins"], told["ties"], told["losses"], told["undefined"]) == (1, 1, 0, 2)
    assert math.isnan(found.difference["value"])
    assert found.difference["low"] is None


def test_rows_that_a_model_lacks() -> None:
    data = models(table())
    data["new"] = {name: values[5:] for name, values in data["new"].items()}
    with pytest.raises(DataError, match=r"5 rows of data without one in new .*--on-unmatched drop leaves"):
        lossctl.compare(data, loss="mae", ids="id")
    found = lossctl.compare(data, loss="mae", ids="id", on_unmatched="drop")
    assert found.rows.dropped == {"unmatched_id": 5}
    assert found.to_dict()["joins"][0]["unmatched_baseline"] == 5
    with pytest.raises(DataError, match=r"--by-position pairs row by row, but .* 300 and .* 295 rows; --id COLUMN"):
        lossctl.compare(data, loss="mae", by_position=True)


def test_a_third_model_meets_only_rows_that_the_second_has() -> None:
    data = models(table())
    data["new"] = {name: values[5:] for name, values in data["new"].items()}
    data["more"] = {name: values[:-7] for name, values in data["new"].items()}
    found = lossctl.compare(data, loss="mae", ids="id", on_unmatched="drop")
    assert {one.result.count for one in found.results} == {ROWS - 12}
    assert found.rows.to_dict() == {"read": ROWS, "used": ROWS - 12, "dropped": {"unmatched_id": 12}}


def test_a_filter_of_the_baseline_needs_no_other_rows() -> None:
    data = models(table())
    kept = data["old"]["region"] == 2
    data["new"] = {name: values[kept] for name, values in data["new"].items()}
    found = lossctl.compare(data, loss="mae", ids="id", where="region == 2")
    assert found.rows.read == found.rows.used == kept.sum()
    both = lossctl.compare(models(table()), loss="mae", ids="id", where=["region == 2", "`pred@new` > 0"])
    assert both.rows.used == np.sum(kept & (table()["new"] > 0))


def test_keys_of_other_names() -> None:
    data = models(table())
    data["new"] = {"row_id": data["new"]["id"], "pred": data["new"]["pred"]}
    found = lossctl.compare(data, loss="mae", ids={"id": "row_id"})
    assert found.to_dict()["joins"][0]["on"] == ["id=row_id"]
    assert found["new"].difference == compared(table()).difference
    with pytest.raises(UsageError, match=r"--id id: data has no column 'id' \(columns: pred, row_id\)"):
        lossctl.compare(data, loss="mae", ids="id")


# labels


def test_labels_must_agree() -> None:
    data = models(table())
    data["new"] |= {"label": data["old"]["label"].copy()}
    same = lossctl.compare(data, loss="mae", ids="id")
    assert same.to_dict()["models"][1]["columns"]["labels"] == ["label@new"]
    data["new"]["label"][[4, 9]] += 1.0
    with pytest.raises(
        DataError, match=r"2 rows have another label in new than in old: data row 5: .*--baseline-labels"
    ):
        lossctl.compare(data, loss="mae", ids="id")
    found = lossctl.compare(data, loss="mae", ids="id", baseline_labels=True)
    assert found["new"].difference == same["new"].difference


def test_labels_agree_to_the_lesser_precision() -> None:
    data = models(table())
    data["new"] |= {"label": data["old"]["label"].astype(np.float32)}
    assert lossctl.compare(data, loss="mae", ids="id").rows.used == ROWS


def families(tmp_path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    draw = np.random.default_rng(8)
    label = draw.choice(["cat", "dog", "owl"], 50)
    old, new = draw.dirichlet(np.ones(3), (2, 50))
    names = ["cat", "dog", "owl"]
    a = {"id": np.arange(50), "kind": label, **{f"p_{name}": old[:, k] for k, name in enumerate(names)}}
    b = {"id": np.arange(50), "label": label, **{f"q_{names[k]}": new[:, k] for k in (2, 0, 1)}}
    return {**a, "label": a.pop("kind")}, b


@pytest.mark.parametrize("own", [True, False])
def test_class_names_are_those_of_each_model_s_columns(tmp_path: Path, own: bool) -> None:
    a, b = families(tmp_path)
    alone = lossctl.evaluate({**b}, loss="categorical_crossentropy").value
    other = {name: values for name, values in b.items() if own or name != "label"}
    paths = [write_parquet(tmp_path / "a.parquet", a), write_csv(tmp_path / "b.csv", other)]
    found = lossctl.compare(paths, loss="categorical_crossentropy", ids="id")
    assert found["b"].result.value == pytest.approx(alone, rel=1e-12)
    assert found["a"].result.value == lossctl.evaluate(a, loss="categorical_crossentropy").value


def test_class_names_that_differ_are_told_by_name(tmp_path: Path) -> None:
    a, b = families(tmp_path)
    b["label"] = b["label"].copy()
    b["label"][3] = "owl" if a["label"][3] != "owl" else "cat"
    with pytest.raises(
        DataError, match=rf"1 row has another label .* row 4: '{a['label'][3]}' in a, '{b['label'][3]}'"
    ):
        lossctl.compare({"a": a, "b": b}, loss="categorical_crossentropy", ids="id")
    numbers = np.array([["cat", "dog", "owl"].index(name) for name in a["label"]])
    with pytest.raises(DataError, match="a's are numbers and b's are names; --classes gives the names in order"):
        lossctl.compare({"a": {**a, "label": numbers}, "b": b}, loss="categorical_crossentropy", ids="id")


# losses that others computed


def test_rows_of_eval_are_compared(tmp_path: Path) -> None:
    data = models(table())
    data["new"] |= {"label": data["old"]["label"]}
    paths = []
    for name in ("old", "new"):
        source = write_csv(tmp_path / f"{name}_preds.csv", data[name])
        rows = lossctl.evaluate(source, loss="huber:delta=0.5", reduction="none", ids=["id"]).row_table()
        pq.write_table(rows, tmp_path / f"{name}.parquet")
        paths.append(str(tmp_path / f"{name}.parquet"))
    found = lossctl.compare(paths, column="huber:delta=0.5", ids="id")
    true = lossctl.compare(data, loss="huber:delta=0.5", ids="id")
    assert found["new"].difference == true["new"].difference
    assert (
        lossctl.evaluate(paths[0], loss="recorded_loss", roles={"loss": ["huber:delta=0.5"]}).value
        == found["old"].result.value
    )


def test_a_loss_of_the_whole_file_has_a_difference_without_a_test() -> None:
    found = compared(table(), loss="rmse", by="region")
    assert found.difference["value"] == pytest.approx(found.result.value - found.baseline_value)
    assert found.difference["p"] is None
    assert "wins" not in found.found
    assert found.to_dict()["slices"] == []


def test_the_same_model_twice_is_not_distinguishable() -> None:
    data = models(table())
    twin = {"id": data["old"]["id"], "pred": data["old"]["pred"]}
    found = lossctl.compare({"a": data["old"], "b": twin}, loss="mae", ids="id")["b"]
    assert (found.difference["value"], found.difference["p"], found.found["ties"]) == (0.0, 1.0, ROWS)
    shifted = {"id": [1, 2], "x": [1.0, 2.0]}, {"id": [1, 2], "x": [1.5, 2.5]}
    told = lossctl.compare(list(shifted), column="x", ids="id")["model 2"]
    assert (told.difference["stderr"], told.difference["p"]) == (0.0, 0.0)


def test_no_rows_and_one_row() -> None:
    none = {"id": np.empty(0, np.int64), "label": np.empty(0), "pred": np.empty(0)}
    found = lossctl.compare({"a": none, "b": none}, loss="mae", ids="id", on_empty="nan", by="id", changed=2)["b"]
    assert math.isnan(found.difference["value"])
    assert (found.found["wins"], found.found["slices"], found.found["changed"]) == (0, [], [])
    one = {"id": [1], "label": [0.0], "pred": [2.0]}
    told = lossctl.compare({"a": one, "b": {"id": [1], "pred": [1.0]}}, loss="mae", ids="id")["b"]
    assert (told.difference["value"], told.difference["stderr"], told.difference["p"]) == (-1.0, None, None)


# what is refused


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"loss": None}, "say which loss, or which column holds each row's"),
        ({"column": "pred"}, "--loss and --column each say what to compare"),
        ({"ids": None}, "say which rows belong together: --id COLUMN, or --by-position"),
        ({"by_position": True}, "--id and --by-position each say"),
        ({"ids": None, "by_position": True, "on_unmatched": "drop"}, "--on-unmatched drop goes with --id"),
        ({"on_unmatched": "drp"}, "did you mean drop"),
        ({"ids": "a,,b"}, "--id takes columns"),
        ({"tests": "wilcoxon"}, "test 'wilcoxon' is none of t, sign, permutation, bootstrap"),
        ({"tests": ["t", "t"]}, "a test is named twice"),
        ({"tests": "sign", "cluster": "person"}, "the sign test takes each row by itself"),
        ({"replicates": 1}, "replicates must be a whole number from 2"),
        ({"changed": -1}, "changed must be a whole number from 0"),
        ({"reduction": "none"}, "a comparison is of reduced losses"),
        ({"names": ["a"]}, "--name is there 1 times for 2 models"),
        ({"names": ["a", "a"]}, "names of models must be different"),
        ({"preds": ["pred", "pred", "pred"]}, "-p/--preds is there 3 times for 2 models"),
        ({"weights": "wieght"}, "no column 'wieght'; did you mean weight"),
        ({"by": "regin"}, "no column 'regin'; did you mean region"),
        ({"cluster": "persn"}, "no column 'persn'"),
        ({"where": "nothing > 1"}, "nothing"),
        ({"labels": "lable"}, "no column 'lable'; did you mean label"),
        ({"preds": "prd"}, "no column 'prd'"),
    ],
)
def test_what_is_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        compared(table(), **more)


def test_one_model_is_none_to_compare() -> None:
    with pytest.raises(UsageError, match="a comparison needs a baseline and another model, got 1"):
        lossctl.compare([models(table())["old"]], loss="mae", ids="id")


def test_gates_on_differences() -> None:
    found = lossctl.compare(models(table()), loss=["mae", "mse"], ids="id")
    told = found.gate("new.mae.diff > 0.5", "new.mse.diff < 0", "old.mae.mean > 100")
    assert [one.verdict for one in told] == ["pass", "fail", "pass"]
    assert found.gate("mae.diff < 0", on="ci").verdict in ("fail", "inconclusive")
    with pytest.raises(UsageError, match=r"0 of the results are 'nwe'; did you mean new"):
        found["nwe"]
